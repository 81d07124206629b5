"""The real binary as a black box: a node with a home of its own, asked through its
command line; and the lines of a report that tests/run understands."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("P2PMSG_BIN") or os.path.join(TOP, "build/p2pmsg"))
START_LIMIT_S = 20
STOP_LIMIT_S = 10
CLONE_NEWNET = 0x40000000
# One address plays everybody, so what limits an address must not limit the tests.
GENEROUS = ["--new-ip-second", "100000", "--new-second", "100000", "--half-open-ip",
            "60000", "--half-open", "60000", "--guests-ip", "60000", "--guests", "60000"]
TROUBLE = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
           "WARNING: ThreadSanitizer", "Assertion", "core bug")


class Failed(Exception):
    pass


class Skip(Exception):
    pass


def check(right, why):
    if not right:
        raise Failed(why)


def own_network():
    """As root a network of its own with nothing but lo; else the loopback of the host."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def until(what, condition, limit=10, pause=0.02):
    end = time.monotonic() + limit
    while not (got := condition()):
        check(time.monotonic() < end, f"{what}: not within {limit} s")
        time.sleep(pause)
    return got


class Node:
    def __init__(self, nick, *options, env=None):
        self.nick = nick
        self.dir = tempfile.mkdtemp(prefix="p2pmsg-interop-")
        self.env = dict(os.environ, HOME=self.dir, XDG_RUNTIME_DIR=f"{self.dir}/run",
                        XDG_CONFIG_HOME=f"{self.dir}/config",
                        XDG_DATA_HOME=f"{self.dir}/data")
        self.env.pop("XDG_STATE_HOME", None)
        self.more_env = env or {}
        os.mkdir(f"{self.dir}/run", 0o700)
        self.options = [*GENEROUS, *options]
        self.log = open(f"{self.dir}/log", "ab+")
        self.events, self.process, self.follower, self.told = [], None, None, False
        try:
            self.start()
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.remove()
            raise

    # ---- life ----

    def start(self):
        socket_path = f"{self.dir}/run/p2pmsg/default.sock"
        if os.path.exists(socket_path):
            os.unlink(socket_path)
        self.process = subprocess.Popen(
            [BIN, "daemon", "--discovery", "off", "--nick", self.nick, "--log-level",
             "debug", *self.options], env=dict(self.env, **self.more_env),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        # Asked before its socket is there the command line starts a node of its own.
        until(f"start of {self.nick}", lambda: self.process.poll() is not None or
              os.path.exists(socket_path), START_LIMIT_S)
        check(self.process.poll() is None, f"{self.nick} ended: {self.tail(400)}")
        self.status = self.ask("status")[0]
        self.port, self.id = self.status["port"], self.status["id"]
        self.follow()

    def follow(self):
        self.follower = subprocess.Popen(
            [BIN, "events", "--json", "--since", "0"], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.reader = threading.Thread(
            target=self.read, args=(self.follower.stdout,), daemon=True)
        self.reader.start()

    def read(self, stream):
        for line in stream:
            self.events.append(json.loads(line))

    def terminate(self):
        self.told = True
        self.process.terminate()

    def stop(self):
        """What its log complains of, or None."""
        if not self.process:
            return None
        ended = None if self.told else self.process.poll()
        self.terminate()
        try:
            status = self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = f"{self.process.wait()}, did not end on SIGTERM"
        self.follower.terminate()
        self.follower.wait()
        self.reader.join(2)
        self.follower.stdout.close()
        self.process = None
        if ended is not None or status != 0:
            return f"{self.nick} ended with {status}: {self.tail(600)}"
        text = self.tail(1 << 22)
        return next((text[max(0, text.find(word) - 100) :][:900]
                     for word in TROUBLE if word in text), None)

    def remove(self):
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def tail(self, n):
        with open(f"{self.dir}/log", "rb") as log:
            return log.read()[-n:].decode(errors="replace")

    # ---- asking ----

    def cli(self, *args, timeout=30, **kw):
        return subprocess.run([BIN, *args], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, **kw)

    def ask(self, *args):
        done = self.cli(*args, "--json")
        check(done.returncode == 0, f"p2pmsg {' '.join(args)}: status {done.returncode}: "
                                    f"{(done.stdout + done.stderr).strip()[-300:]}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [line for line in lines if line["type"] != "done"]

    def say(self, who, text, wait=None):
        """In the background: `p2pmsg msg`. Its exit status: .wait()."""
        argv = [BIN, "msg", who, text]
        argv += ["--wait", str(wait)] if wait is not None else []
        return subprocess.Popen(argv, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def person(self, id_):
        return next((p for p in self.ask("peers") if p["id"] == id_), {})

    def state(self, id_):
        return self.person(id_).get("state")

    # ---- events ----

    def seen(self, type_, **fields):
        return [e for e in list(self.events) if e["type"] == type_ and
                all(e.get(k) == v for k, v in fields.items())]

    def shown(self, text):
        """How many times a text came in."""
        return len(self.seen("message", direction="in", text=text))

    def await_shown(self, text, times=1):
        until(f"'{text[:30]}' is shown", lambda: self.shown(text) >= times)
        check(self.shown(text) == times, f"'{text[:30]}' shown {self.shown(text)} times")

    def keyfile(self):
        with open(f"{self.dir}/data/p2pmsg/default/key", "rb") as f:
            return f.read()


class Report:
    """Runs tests, each with a name; quick ones here, slow ones beside them."""

    def __init__(self):
        self.failed = 0
        self.lock = threading.Lock()
        self.slow = []

    def line(self, *words):
        with self.lock:
            print(*words, flush=True)

    def run(self, name, test, *args):
        began = time.monotonic()
        try:
            test(*args)
            self.line("ok", name)
        except Skip as e:
            self.line("skip", name, str(e))
        except Exception as e:  # noqa: BLE001 - a test that breaks has failed
            self.failed += 1
            if not isinstance(e, Failed):
                self.line(traceback.format_exc())
            why = (str(e) or type(e).__name__).replace("\n", " ")
            self.line("not ok", name, why)
        if os.environ.get("P2PMSG_INTEROP_TIMES"):
            self.line(f"# {name}: {time.monotonic() - began:.2f} s")

    def beside(self, name, test, *args):
        thread = threading.Thread(target=self.run, args=(name, test, *args))
        thread.start()
        self.slow.append(thread)

    def end(self):
        for thread in self.slow:
            thread.join()
        sys.exit(1 if self.failed else 0)


def missing_packages():
    for module, package in (("dissononce", "python3-dissononce"),
                            ("cryptography", "python3-cryptography")):
        try:
            __import__(module)
        except ImportError:
            return package
    return None
