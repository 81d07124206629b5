"""nodes: whole nodes on loopback, each with a home of its own, spoken to in JSON at
their control sockets; and the runner of the trials that use them.

    @trial
    def C1_killed(place): ...

    if __name__ == "__main__":
        main()

Nothing leaves this machine: discovery is off, peers are told each other's port.
"""
import itertools
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SOAK = os.environ.get("P2PMSG_SOAK") == "1"
BUILD = os.path.abspath(os.environ.get("P2PMSG_BUILD", "build/debug-gcc"))
BIN = os.path.abspath(os.environ.get("P2PMSG_BIN", os.path.join(BUILD, "p2pmsg")))
FAULTY = os.path.join(BUILD, "tests/e2e/faulty")
LIMIT = 60  # hang limit of anything waited for, in seconds
# Many nodes on one address: as on a LAN, where each has its own.
CROWD = ["--new-ip-second", "100000", "--half-open-ip", "60", "--guests-ip", "1000"]
TRIALS = []
LOCK = threading.Lock()
PORTS = itertools.count(random.randrange(20000))


class Skip(Exception):
    """The trial cannot run here; says why."""


def trial(fn):
    TRIALS.append(fn)
    return fn


def check(truth, why):
    if not truth:
        raise AssertionError(why)


def wait(what, condition, limit=LIMIT, step=0.02):
    until = time.monotonic() + limit
    while not (got := condition()):
        check(time.monotonic() < until, f"{what} did not happen in {limit} s")
        time.sleep(step)
    return got


def is_sanitized(path=BIN):
    with open(path, "rb") as f:
        return re.search(rb"__(asan|tsan)_init", f.read()) is not None


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")


def free_port():
    """Never the same twice: 7117, or one the system gives, is taken by others as soon as
    it is left."""
    while True:
        with LOCK:
            port = 10000 + next(PORTS) % 20000
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Gone(Exception):
    """The node has ended, and with it the connection."""


class Front:
    """A program at the control socket of a node. It reads only while it waits."""

    def __init__(self, path, follows=True, since=None):
        """since: 0: with all that happened before too."""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.rest, self.tag = b"", 0
        self.events = []  # since it came
        self.replies = {}  # tag -> lines
        self.node = None
        self.wait("a greeting", lambda: self.node)
        if follows:
            self.submit(cmd="events",
                        since=str(self.node["newest"] if since is None else since))

    def submit(self, **command):
        self.tag += 1
        line = json.dumps(dict(command, tag=self.tag)) + "\n"
        try:
            self.socket.sendall(line.encode())
        except OSError:
            raise Gone from None
        return self.tag

    def pump(self, seconds=0.0):
        """Takes what has come."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return
        try:
            got = self.socket.recv(1 << 16)
        except OSError:
            got = b""
        if not got:
            raise Gone
        *lines, self.rest = (self.rest + got).split(b"\n")
        for line in lines:
            self.take(json.loads(line))

    def take(self, e):
        if "for" in e:
            self.replies.setdefault(e["for"], []).append(e)
        elif e["type"] == "node":
            self.node = e
        else:
            self.events.append(e)

    def wait(self, what, condition, limit=LIMIT):
        until = time.monotonic() + limit
        while not (got := condition()):
            check(time.monotonic() < until, f"{what} did not happen in {limit} s")
            self.pump(0.05)
        return got

    def is_answered(self, tag):
        lines = self.replies.get(tag)
        return lines and lines[-1]["type"] in ("done", "error")

    def ask(self, cmd, limit=LIMIT, **args):
        """All replies, the last one too."""
        tag = self.submit(cmd=cmd, **args)
        self.wait(f"an answer to {cmd}", lambda: self.is_answered(tag), limit)
        return self.replies[tag]

    def must(self, cmd, **args):
        """The replies without the last one, which is not an error."""
        *rows, last = self.ask(cmd, **args)
        check(last["type"] == "done", f"{cmd} {args}: {last}")
        return rows

    def msg(self, who, text, **args):
        """The type of its last reply."""
        return self.ask("msg", who=who, text=text, **args)[-1]["type"]

    def history(self, who=None):
        """(direction, text) of all that was said there, or anywhere."""
        args = {"who": who} if who else {}
        return [(e["direction"], e["text"])
                for e in self.must("history", n="1000000", **args)]

    def waiting(self):
        """How many wait in the outbox."""
        return sum(e["count"] for e in self.must("outbox"))

    def state_of(self, who):
        rows = {p["id"]: p for p in self.must("peers")}
        return rows.get(who, {}).get("state")

    def shown(self, text=None):
        return [e for e in self.events if e["type"] == "message"
                and e["direction"] == "in" and text in (None, e["text"])]

    def notices(self, word=""):
        return [e for e in self.events if e["type"] == "notice" and word in e["text"]]

    def close(self):
        self.socket.close()


class Node:
    def __init__(self, place, name, *options, program=BIN, home=None):
        self.place, self.name, self.program = place, name, program
        self.options = ["--nick", name, "--port", str(free_port()), *options]
        self.home = home or os.path.join(place.dir, name)
        self.run_dir = os.path.join(place.dir, "r-" + name)
        for folder in (self.home, self.run_dir):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        self.log = os.path.join(place.dir, name + ".log")
        self.process = None
        with place.lock:
            place.nodes.append(self)

    @property
    def data(self):
        return os.path.join(self.home, ".local/share/p2pmsg/default")

    @property
    def store(self):
        return os.path.join(self.data, "store.db")

    @property
    def socket(self):
        return os.path.join(self.run_dir, "p2pmsg/default.sock")

    def env(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        return dict(env, HOME=self.home, XDG_RUNTIME_DIR=self.run_dir, **more)

    def said(self, n=1500):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()[-n:]
        except FileNotFoundError:
            return ""

    def launch(self, *more, env=None, wrap=()):
        """Without waiting for anything; wrap: a command before it."""
        if os.path.exists(self.socket):
            os.unlink(self.socket)  # of one that was killed
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*wrap, self.program, "daemon", "--discovery", "off", *self.options,
                 *more], env=self.env(**(env or {})), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        return self

    def front(self, follows=True, since=None):
        """A connection, as soon as there can be one. Gone: it has ended before."""
        until = time.monotonic() + LIMIT
        while True:
            try:
                return Front(self.socket, follows, since)
            except OSError:
                if self.process.poll() is not None:
                    raise Gone from None
            check(time.monotonic() < until, f"{self.name} does not start")
            time.sleep(0.01)

    def start(self, *more, env=None, wrap=(), since=None):
        """Its first connection; it has to start."""
        self.launch(*more, env=env, wrap=wrap)
        try:
            return self.front(since=since)
        except Gone:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}: "
                                 f"{self.said()}") from None

    def peer(self):
        """Options with which others find it."""
        front = self.front(follows=False)
        port = front.node["port"]
        front.close()
        return ["--peer", f"127.0.0.1:{port}"]

    def cli(self, *args, limit=LIMIT, env=None, wrap=(), given=""):
        return subprocess.run([*wrap, self.program, *args], env=self.env(**(env or {})),
                              input=given, capture_output=True, text=True, timeout=limit,
                              check=False)

    def stop(self):
        """The clean end. Its status."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} does not end") from None

    def kill(self):
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()


class Place:
    """Where the nodes of one trial live."""

    def __init__(self):
        usual = tempfile.gettempdir()
        # What a sync is worth is not tried here, so it need not reach a disk.
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else usual
        self.dir = tempfile.mkdtemp(prefix="p2pmsg-nodes-", dir=fast)
        self.nodes, self.lock, self.closers = [], threading.Lock(), []

    def close(self):
        for node in self.nodes:
            node.end()
        for closer in self.closers:
            closer()
        shutil.rmtree(self.dir, ignore_errors=True)


def meet(a, b, *options):
    """Starts both; the second knows where the first is. Their connections."""
    fa = a.start(*CROWD, *options)
    fb = b.start(*CROWD, *a.peer(), *options)
    wait(f"{a.name} and {b.name} online",
         lambda: fa.state_of(fb.node["id"]) == "online"
         and fb.state_of(fa.node["id"]) == "online")
    return fa, fb


def in_threads(jobs):
    """Runs all at the same time; the first that failed decides. Their results."""
    results, trouble = [None] * len(jobs), []

    def run(i, job):
        try:
            results[i] = job()
        except (Exception, Skip) as e:  # told below, in the thread of the trial
            trouble.append(e)
    threads = [threading.Thread(target=run, args=(i, job)) for i, job in enumerate(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if trouble:
        raise trouble[0]
    return results


def told(place):
    nodes = place.nodes[-4:]
    return "".join(f"{n.name} said: {n.said(600)}\n" for n in nodes if n.said(1))


def attempt(fn):
    """(word, why, what else there is to say)"""
    began, place, more = time.monotonic(), Place(), ""
    try:
        fn(place)
        word, why = "ok", ""
    except Skip as e:
        word, why = "skip", str(e)
    except (AssertionError, subprocess.TimeoutExpired) as e:
        word, why, more = "not ok", " ".join(str(e).split())[:900], told(place)
    except Exception:  # a fault of the trial is a failure too
        word, why, more = "not ok", "the trial itself failed", traceback.format_exc()
    finally:
        place.close()
    return word, why, f"{more}# {fn.__name__}: {time.monotonic() - began:.1f} s"


def run_one(fn):
    word, why, more = attempt(fn)
    with LOCK:
        print(f"{more}\n{word} {fn.__name__} {why}".rstrip(), flush=True)
    return word != "not ok"


def run_all(names, together):
    jobs = [lambda fn=fn: run_one(fn) for fn in TRIALS
            if not names or any(n in fn.__name__ for n in names)]
    return all(in_threads(jobs) if together else [job() for job in jobs])


def main(together=False):
    """together: for trials that mostly wait."""
    if not os.access(BIN, os.X_OK):
        print(f"not ok {os.path.basename(sys.argv[0])} there is no program {BIN}")
        sys.exit(1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(0 if run_all(sys.argv[1:], together) else 1)
