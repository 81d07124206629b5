"""node: p2pmsg on a host of the lab, with a home of its own, and what it reported.

A node is asked only through what people have: the command line, the control
socket, and the files it says it writes.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

from lab import Failed, check

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("P2PMSG_BIN", os.path.join(TOP, "build/p2pmsg")))
STOP_LIMIT_S = 20  # hang limit; the contract says 2 s
TROUBLE = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
           "WARNING: ThreadSanitizer", "Assertion", "core bug")


def json_lines(text):
    """Objects, one a line; a line that is an array counts as its elements."""
    out = []
    for line in text.splitlines():
        if line.strip():
            value = json.loads(line)
            out += value if isinstance(value, list) else [value]
    return out


class Node:
    """name is the nick. options: further options of the command line."""

    def __init__(self, host, name, *options, profile=None, home=None):
        self.host, self.lab, self.name = host, host.lab, name
        self.options = [*options, "--nick", name]
        self.profile = ["--profile", profile] if profile else []
        self.profile_name = profile or "default"
        self.home = home or os.path.join(host.dir, f"n-{name}")
        self.run_dir = os.path.join(host.dir, f"r-{name}")
        for folder in (self.home, self.run_dir):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        self.log = os.path.join(host.dir, f"{name}.log")
        self.process = self.follower = self.stale = None
        self.id = ""
        self.lives = []  # the events of each life, oldest first
        self.lock = threading.Lock()
        self.lab.closers.append(self.stop)

    def env(self):
        return self.host.env(
            HOME=self.home, XDG_RUNTIME_DIR=self.run_dir,
            XDG_CONFIG_HOME=f"{self.home}/config", XDG_DATA_HOME=f"{self.home}/data",
            XDG_DOWNLOAD_DIR=f"{self.home}/downloads")

    # ---- life ----

    def start(self, *more):
        self.launch(*more)
        self.await_start()
        self.follow()
        return self

    def launch(self, *more):
        check(self.process is None, f"{self.name} runs already")
        self.stale = self.socket_age()
        self.process = self.host.popen(
            [BIN, "daemon", *self.profile, *self.options, "--log-level", "debug", *more],
            env=self.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.scribe = threading.Thread(
            target=self.write_log, args=(self.process.stdout,), daemon=True)
        self.scribe.start()

    def write_log(self, stream):
        """With the times of the lab, so that logs can be laid side by side."""
        with open(self.log, "ab", buffering=0) as log:
            for line in stream:
                now = time.monotonic() - self.lab.began
                log.write(f"{now:7.2f} ".encode() + line)

    def await_start(self):
        self.lab.wait(f"start of {self.name}", self.answers, limit=60)
        self.id = self.ask("id")[0]["id"]

    def answers(self):
        if self.process.poll() is not None:
            self.scribe.join(5)
            raise Failed(f"{self.name} ended with {self.process.returncode}: "
                         f"{self.tail(300)}")
        # Asked too early, the command line would start a node of its own.
        return self.socket_age() not in (None, self.stale) and \
            self.cli("status", "--json", must=False).returncode == 0

    def socket_age(self):
        """None when there is none; a dead process leaves its own behind."""
        try:
            return os.stat(f"{self.run_dir}/p2pmsg/{self.profile_name}.sock").st_ctime_ns
        except FileNotFoundError:
            return None

    def stop(self):
        """The clean end: SIGTERM, status 0, soon. Says what the log complains of."""
        process, self.process = self.process, None
        self.unfollow()
        if process is None:
            return
        if process.poll() is not None:
            self.scribe.join(5)
        check(process.poll() is None,
              f"{self.name} ended by itself with {process.returncode}: {self.tail(600)}")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"{self.name} did not end on SIGTERM in {STOP_LIMIT_S} s")
        took = time.monotonic() - began
        if took > 2:
            self.lab.info(f"{self.name} took {took:.1f} s to end")
        check(status == 0, f"{self.name} ended with {status}: {self.tail(600)}")
        self.scribe.join(5)
        text = self.tail(1 << 20)
        for word in TROUBLE:
            at = text.find(word)
            check(at < 0, f"{self.name}'s log: {text[max(0, at - 100):at + 900]}")

    def kill(self):
        process, self.process = self.process, None
        process.kill()
        process.wait(10)
        self.unfollow()

    def restart(self):
        self.start()

    def copy_home(self, other):
        """other becomes a copy of this one, keys and all."""
        shutil.rmtree(other.home)
        shutil.copytree(self.home, other.home)

    # ---- asking ----

    def cli(self, *args, timeout=40, must=True, **kw):
        done = self.host.run([BIN, *args, *self.profile], timeout=timeout, must=False,
                             env=self.env(), stdin=subprocess.DEVNULL, **kw)
        if must:
            check(done.returncode == 0,
                  f"{self.name}: p2pmsg {' '.join(args)[:200]}: status "
                  f"{done.returncode}: {(done.stderr + done.stdout).strip()[-300:]}")
        return done

    def ask(self, *args, **kw):
        """JSON replies, without the closing one."""
        lines = json_lines(self.cli(*args, "--json", **kw).stdout)
        return [line for line in lines if line.get("type") != "done"]

    def msg(self, who, text, wait=None):
        """The exit status: 0 delivered, 4 waits in the outbox, 2 never seen."""
        to = who.id if isinstance(who, Node) else who
        more = [] if wait is None else ["--wait", str(wait)]
        return self.cli("msg", to, text, *more, must=False,
                        timeout=40 + (wait or 0)).returncode

    def peers(self):
        """id -> person."""
        return {p["id"]: p for p in self.ask("peers") if "id" in p}

    def sees(self, *others):
        """Raises Failed with the names that are missing."""
        peers = self.peers()
        states = {o.name: peers.get(o.id, {}).get("state", "unknown")
                  for o in others if o is not self}
        lack = [f"{name} ({is_})" for name, is_ in states.items() if is_ != "online"]
        check(not lack, f"{self.name} lacks {', '.join(lack)}")
        return True

    def state_of(self, other):
        return self.peers().get(other.id, {}).get("state", "unknown")

    def status(self):
        return self.ask("status")[0]

    # ---- events ----

    def follow(self):
        events = []
        self.lives.append(events)
        self.follower = self.host.popen(
            [BIN, "events", "--json", "--since", "0", *self.profile], env=self.env(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        reader = threading.Thread(
            target=self.read, args=(self.follower.stdout, events), daemon=True)
        reader.start()

    def read(self, stream, events):
        for line in stream:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"type": "garbage", "text": line.decode(errors="replace")}
            with self.lock:
                events.append(event)

    def unfollow(self):
        if self.follower:
            self.follower.kill()
            self.follower.wait(10)
            self.follower = None

    def events(self, kind=None, life=None, **fields):
        """Of all lives, or of one (-1: the present); fields must be equal."""
        with self.lock:
            lives = self.lives if life is None else [self.lives[life]]
            return [e for events in lives for e in events
                    if (kind is None or e.get("type") == kind)
                    and all(e.get(k) == v for k, v in fields.items())]

    def shown(self, text, direction="in"):
        """How often this text was shown, in all lives."""
        return len(self.events("message", direction=direction, text=text))

    def notices(self, word="", level=None):
        return [e for e in self.events("notice")
                if word.lower() in e.get("text", "").lower()
                and level in (None, e.get("level"))]

    # ---- the process ----

    def tail(self, n):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-n:]

    def proc(self, name):
        with open(f"/proc/{self.process.pid}/{name}", encoding="utf-8") as f:
            return f.read()

    def rss_mib(self):
        for line in self.proc("status").splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise Failed("no VmRSS")

    def cpu_s(self):
        fields = self.proc("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def port(self):
        return int(self.status()["port"])

    @staticmethod
    def is_sanitized():
        """Memory under a sanitizer says nothing about the program."""
        with open(BIN, "rb") as f:
            text = f.read()
        return b"__asan_init" in text or b"__tsan_init" in text


def all_see_all(lab, nodes, what="everybody sees everybody", limit=60):
    def condition():
        return all(node.sees(*nodes) for node in nodes)
    return lab.wait(what, condition, limit, step=0.3)


class Ledger:
    """What was said to whom; in the end each text was shown exactly once at each
    right place, and nowhere else."""

    def __init__(self, lab, nodes):
        self.lab, self.nodes, self.rows = lab, nodes, {}
        self.lock = threading.Lock()

    def text(self, sender, remark):
        with self.lock:
            return f"{remark} {len(self.rows) + 1} of {sender.name}"

    def say(self, sender, who, remark="hello", wait=20, must=True):
        """who: a Node or "#lan". Returns the exit status."""
        with self.lock:
            text = f"{remark} #{len(self.rows) + 1} of {sender.name}"
            to = [n for n in self.nodes if n is not sender] if who == "#lan" else [who]
            self.rows[text] = (sender, who, to)
        status = sender.msg(who, text, wait)
        if must:
            name = who if who == "#lan" else who.name
            check(status == 0, f"msg from {sender.name} to {name}: status {status}")
        return status

    def everybody(self, remark, wait=20):
        """Each to each, and each to #lan; the senders at the same time."""
        def chatter(sender):
            for who in [*(n for n in self.nodes if n is not sender), "#lan"]:
                try:
                    self.say(sender, who, remark, wait)
                except Failed as e:
                    failures.append(str(e))
        failures = []
        threads = [threading.Thread(target=chatter, args=(n,)) for n in self.nodes]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        check(not failures, "; ".join(failures[:4]))
        self.settle()

    def faults(self):
        out = []
        for text, (sender, who, to) in self.rows.items():
            for node in self.nodes:
                wanted = 1 if node in to else 0
                shown = node.shown(text)
                if shown != wanted:
                    out.append(f"{text!r} was shown {shown} times at {node.name}, "
                               f"not {wanted}")
            shown = sender.shown(text, "out")
            if shown != 1:
                out.append(f"{text!r} was shown {shown} times at its sender")
            out += self.misplaced(text, who, sender, to)
        return out

    @staticmethod
    def misplaced(text, who, sender, to):
        out = []
        for node in to:
            conv = "#lan" if who == "#lan" else sender.id
            for e in node.events("message", direction="in", text=text):
                if e.get("conv") != conv or e.get("peer") != sender.id:
                    out.append(f"{text!r} stands at {node.name} in {e.get('conv')} "
                               f"as from {e.get('peer')}")
        return out

    def settle(self, limit=60):
        """Waits until all is shown, a little longer, and looks again for doubles."""
        def condition():
            faults = self.faults()
            check(not faults, "; ".join(faults[:4]) + f" ({len(faults)} in all)")
            return True
        self.lab.wait("every message exactly once", condition, limit, step=0.3)
        self.lab.sleep(0.5, "doubles")
        condition()
