#!/usr/bin/python3 -B
"""past: how fast a real node with N messages answers about them, over its socket.

  past.py N          BENCH_BUILD is the folder of the programs
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.environ.get("BENCH_BUILD", "build/release-gcc")
BIN = os.environ.get("P2PMSG_BIN", os.path.join(BUILD, "p2pmsg"))


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        self.file.readline()  # the node introduces itself

    def ask(self, **command):
        """Seconds until it is answered, and how many lines came."""
        began, n = time.perf_counter(), 0
        self.socket.sendall(json.dumps({**command, "tag": 1}).encode() + b"\n")
        for line in self.file:
            n += 1
            if b'"type":"done"' in line:
                return time.perf_counter() - began, n
            if b'"type":"error"' in line:
                raise RuntimeError(line)
        raise RuntimeError("the node is gone")


def best(call, rounds=5):
    return min(call() for _ in range(rounds))


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS")) / 1024


def measure(home, n):
    env = dict(os.environ, HOME=home, XDG_RUNTIME_DIR=home)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        env.pop(name, None)
    data = os.path.join(home, ".local/share/p2pmsg/default")
    path = os.path.join(home, "p2pmsg/default.sock")
    subprocess.run([BIN, "id"], env=env, check=True, stdout=subprocess.DEVNULL)
    store = next(x for x in os.listdir(data) if x.endswith(".db"))
    subprocess.run([os.path.join(BUILD, "tests/bench/bench_store"), "fill",
                    os.path.join(data, "key"), os.path.join(data, store), str(n)],
                   check=True)
    began = time.perf_counter()
    node = subprocess.Popen([BIN, "daemon", "--discovery", "off"], env=env,
                            stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(path):
            time.sleep(0.001)
        print(f"past.start\t{(time.perf_counter() - began) * 1e3:.2f}\tms")
        a, b = Client(path), Client(path)
        first = a.ask(cmd="history", who="#lan", n="20")
        print(f"past.history\t{first[0] * 1e3:.2f}\tms")
        want = max(1, min(n, 10000) // 1000)
        newest = best(lambda: a.ask(cmd="search", text="needle", n=str(want))[0])
        print(f"past.newest\t{newest * 1e3:.2f}\tms")
        stalls, is_over = [0.0], threading.Event()

        def watch():
            while not is_over.is_set():
                stalls.append(b.ask(cmd="status")[0])
                time.sleep(0.002)
        thread = threading.Thread(target=watch)
        thread.start()
        print(f"past.scan\t{a.ask(cmd='search', text='nobody said this')[0]:.4f}\ts")
        is_over.set()
        thread.join()
        print(f"past.stall\t{max(stalls) * 1e3:.2f}\tms")
        took, rows = a.ask(cmd="export")
        if rows != n + 1:
            raise RuntimeError(f"{rows} lines of an export of {n}")
        print(f"past.export\t{took:.3f}\ts")
        print(f"past.rss\t{rss_mib(node.pid):.1f}\tMiB")
    finally:
        node.terminate()
        node.wait(30)


def main():
    home = tempfile.mkdtemp(prefix="bench_past.")
    try:
        measure(home, int(sys.argv[1]))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
