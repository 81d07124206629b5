#!/usr/bin/python3 -B
"""smoke: whole programs of several people on this machine, used as people use them.

Prints `ok NAME`, `not ok NAME why` or `skip NAME why` for each test. As root it runs in
a network namespace with nothing but lo, where people find each other by mDNS;
otherwise on loopback, and they are told each other's addresses.
"""
import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback

BIN = os.path.abspath(os.environ.get("P2PMSG_BIN", "build/p2pmsg"))
INSIDE = "P2PMSG_SMOKE_INSIDE"
LIMIT = 30  # hang limit of anything waited for, in seconds
END = 2.0  # a node ends within this time; a sanitizer build gets more
TESTS = []


def test(fn):
    TESTS.append(fn)
    return fn


def check(condition, why):
    if not condition:
        raise AssertionError(why)


def wait(what, condition, limit=LIMIT):
    until = time.monotonic() + limit
    while not (got := condition()):
        check(time.monotonic() < until, f"{what} did not happen in {limit} s")
        time.sleep(0.05)
    return got


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Person:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.home = os.path.join(world.dir, name)
        self.run = os.path.join(world.dir, "r-" + name)
        for folder in (self.home, self.run):
            os.mkdir(folder, 0o700)
        self.daemon, self.seen = None, []
        self.log = os.path.join(world.dir, name + ".log")

    def env(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        return dict(env, HOME=self.home, XDG_RUNTIME_DIR=self.run, TERM="xterm")

    @property
    def data(self):
        return os.path.join(self.home, ".local/share/p2pmsg/default")

    def cli(self, *args, given="", limit=LIMIT):
        return subprocess.run([BIN, *args], env=self.env(), input=given,
                              capture_output=True, text=True, timeout=limit, check=False)

    def must(self, *args, **kw):
        done = self.cli(*args, **kw)
        check(done.returncode == 0, f"{args}: status {done.returncode}: {done.stderr}")
        return done.stdout

    def ask(self, *args):
        return json_lines(self.must(*args, "--json"))

    def id(self):
        return self.ask("id")[0]["id"]

    def start(self, *args):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(
                [BIN, "daemon", "--nick", self.name, *self.world.options, *args],
                env=self.env(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait(f"start of {self.name}", lambda: os.path.exists(self.socket())
             or self.daemon.poll() is not None)
        check(self.daemon.poll() is None, f"{self.name} ended: {self.said()}")
        return self

    def socket(self):
        return os.path.join(self.run, "p2pmsg/default.sock")

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-500:]

    def stop(self, signum=signal.SIGTERM):
        """Its status and how long it took."""
        began = time.monotonic()
        self.daemon.send_signal(signum)
        status = self.daemon.wait(LIMIT)
        self.daemon = None
        return status, time.monotonic() - began

    def follow(self):
        """Everything that happens from now on is in self.seen."""
        self.seen = []
        follower = subprocess.Popen([BIN, "events", "--json", "--since", "0"],
                                    env=self.env(), stdout=subprocess.PIPE, text=True)
        self.world.closers.append(lambda: end_process(follower))
        threading.Thread(target=read_events, args=(follower.stdout, self.seen),
                         daemon=True).start()

    def shown(self, text):
        return [e for e in self.seen if e["type"] == "message" and e["text"] == text]

    def state_of(self, other):
        people = {p.get("id"): p for p in self.ask("peers")}
        return people.get(other, {}).get("state")


def read_events(stream, to):
    for line in stream:
        to.append(json.loads(line))


def end_process(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


class World:
    def __init__(self, is_alone):
        self.dir = tempfile.mkdtemp(prefix="smoke-")
        self.closers, self.people = [], []
        # Alone with lo, they find each other; else nothing may leave this machine.
        self.options = [] if is_alone else ["--discovery", "off"]
        self.is_alone = is_alone

    def person(self, name):
        self.people.append(Person(self, name))
        return self.people[-1]

    def towards(self, other):
        """Options with which a node finds the other."""
        if self.is_alone:
            return []
        port = other.ask("status")[0]["port"]
        return ["--peer", f"127.0.0.1:{port}"]

    def pair(self):
        ada, bob = self.person("ada").start(), self.person("bob")
        bob.start(*self.towards(ada))
        ada.follow()
        bob.follow()
        wait("ada and bob online", lambda: ada.state_of(bob.id()) == "online"
             and bob.state_of(ada.id()) == "online")
        return ada, bob

    def close(self):
        for close in reversed(self.closers):
            close()
        for person in self.people:
            if person.daemon:
                end_process(person.daemon)
        shutil.rmtree(self.dir, ignore_errors=True)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, person, *args, echo=True):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # whoever runs the tests in the background has it ignored
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execve(BIN, [BIN, *args], person.env())
        if not echo:
            mode = termios.tcgetattr(self.fd)
            mode[3] &= ~termios.ECHO
            termios.tcsetattr(self.fd, termios.TCSANOW, mode)
        self.out, self.status = "", None
        person.world.closers.append(self.close)

    def read(self, limit=0.05):
        while select.select([self.fd], [], [], limit)[0]:
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                return
            if not got:
                return
            self.out += got.decode("utf-8", "replace")

    def await_text(self, text):
        def has_come():
            self.read()
            return text in self.out
        try:
            wait(f"{text!r} on the terminal", has_come)
        except AssertionError as e:
            raise AssertionError(f"{e}; it shows {self.out[-300:]!r}") from None

    def type(self, text):
        os.write(self.fd, text.encode())

    def has_echo(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait(self):
        def has_ended():
            self.read(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid
        wait("the end of the program", has_ended)
        return self.status

    def close(self):
        if self.status is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self.fd)


# ---- alone ----

@test
def first_start_asks_nothing(world):
    ada = world.person("ada")
    out = ada.must("id", "--json")
    check(out.count("\n") == 1, "id --json is not one line")
    key = os.stat(os.path.join(ada.data, "key"))
    check(stat.S_IMODE(key.st_mode) == 0o600, "the key file's mode")
    check(ada.ask("id")[0]["id"] == json.loads(out)["id"], "another id at the next start")


@test
def what_is_no_address_is_no_peer(world):
    ada = world.person("ada")
    for wrong in ("::::", "10.0.0.256", "host:99999"):
        done = ada.cli("peers", "--peer", wrong, *world.options)
        check(done.returncode == 1 and f"'{wrong}' is no peer" in done.stderr,
              f"{wrong}: {done.returncode} {done.stderr}")


@test
def settings_are_kept(world):
    ada = world.person("ada")
    ada.must("nick", "countess")
    ada.must("set", "queue_messages", "7")
    check(ada.must("nick") == "countess\n", "the nick is forgotten")
    check(ada.ask("set", "queue_messages")[0]["value"] == "7", "a setting is forgotten")
    wrong = ada.cli("set", "queue_messages", "many")
    check(wrong.returncode == 1 and "many" in wrong.stderr, wrong.stderr)


@test
def help_works_without_anything(world):
    bare = {"PATH": os.environ["PATH"]}
    for args in (["help"], ["--help"], ["help", "msg"], ["version"], ["--version"]):
        done = subprocess.run([BIN, *args], env=bare, capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        check(done.returncode == 0 and "p2pmsg" in done.stdout, f"{args}: {done.stderr}")
    done = subprocess.run([BIN, "id"], env=bare, capture_output=True, text=True,
                          timeout=LIMIT, check=False)
    check(done.returncode == 5 and "HOME is not set" in done.stderr, done.stderr)


@test
def a_damaged_key_is_refused(world):
    ada = world.person("ada")
    ada.must("id")
    path = os.path.join(ada.data, "key")
    with open(path, "rb") as f:
        good = f.read()
    with open(path, "wb") as f:
        f.write(good[:50] + bytes([good[50] ^ 1]) + good[51:])
    done = ada.cli("id")
    check(done.returncode == 5 and "is damaged" in done.stderr, done.stderr)
    with open(path, "rb") as f:
        check(len(f.read()) == len(good), "the file was touched")
    os.chmod(path, 0o644)
    done = ada.cli("daemon")
    check(done.returncode == 5 and "chmod 600" in done.stderr, done.stderr)


@test
def a_passphrase_is_asked_without_echo(world):
    ada = world.person("ada")
    mine = ada.ask("id", "--passphrase-command", "echo correct horse")[0]["id"]
    t = Terminal(ada, "id", "--json")
    t.await_text("passphrase of ")
    check(not t.has_echo(), "the terminal echoes")
    t.type("wrong horse\n")
    t.await_text("not the passphrase")
    t.type("correct horse\n")
    check(t.wait() == 0, f"status {t.status}: {t.out}")
    check(mine in t.out and "horse" not in t.out, t.out)
    t = Terminal(ada, "id")
    t.await_text("passphrase of ")
    t.type("\x03")
    check(t.wait() == -signal.SIGINT, f"status {t.status}")
    check(t.has_echo(), "the terminal is left without echo")


@test
def a_taken_port_says_so(world):
    ada, bob = world.person("ada"), world.person("bob")
    ada.start("--port", "0")
    port = str(ada.ask("status")[0]["port"])
    done = bob.cli("daemon", "--port", port, *world.options)
    check(done.returncode == 5, f"status {done.returncode}")
    check(f"cannot listen on port {port}: in use by another program" in done.stderr,
          done.stderr)


@test
def the_port_is_remembered(world):
    ada, bob = world.person("ada"), world.person("bob")
    bob.start()  # takes 7117
    ada.start()
    port = ada.ask("status")[0]["port"]
    ada.stop()
    bob.stop()
    ada.start()
    check(ada.ask("status")[0]["port"] == port, "another port at the next start")


@test
def a_second_daemon_is_refused(world):
    ada = world.person("ada")
    check(not ada.ask("status")[0]["running"], "it runs before it was started")
    ada.start()
    done = ada.cli("daemon", limit=10)
    check(done.returncode == 5 and "runs already" in done.stderr, done.stderr)
    check(ada.ask("status"), "the first one is gone")
    status, took = ada.stop()
    check(status == 0, f"status {status}")
    check(not os.path.exists(ada.socket()), "the socket is left behind")
    check(took < END, f"it took {took:.1f} s to end")


@test
def a_daemon_waits_for_a_command(world):
    ada = world.person("ada")
    command = subprocess.Popen([BIN, "peers", "--wait", "4", *world.options],
                               env=ada.env(), stdout=subprocess.DEVNULL)
    world.closers.append(lambda: end_process(command))
    wait("its node", lambda: os.path.exists(os.path.join(ada.data, "key")))
    ada.start()
    check(command.wait(LIMIT) == 0, f"the command: status {command.returncode}")
    check("another command uses the profile" in ada.said(), ada.said())
    check(ada.ask("status")[0]["running"], "the daemon does not run")


@test
def commands_at_the_same_time_wait_for_each_other(world):
    """Without a running node each starts one of its own, one after the other."""
    ada = world.person("ada")
    ada.must("id")
    many = [subprocess.Popen([BIN, "id", "--json"], env=ada.env(), text=True,
                             stdout=subprocess.PIPE) for _ in range(5)]
    outs = [p.communicate(timeout=LIMIT)[0] for p in many]
    check(all(p.returncode == 0 for p in many), "one failed")
    check(len({json.loads(out)["id"] for out in outs}) == 1, "several ids")


@test
def a_client_without_a_node_is_one(world):
    ada = world.person("ada")
    t = Terminal(ada, *world.options)
    t.await_text("[#lan]")
    check(ada.ask("status")[0]["port"] > 0, "the client's node cannot be asked")
    t.type("/peers\n")
    t.await_text("nobody yet")
    t.type("/quit\n")
    check(t.wait() == 0, f"status {t.status}")
    check(ada.cli("quit", "--node").returncode == 5, "the node outlives its client")


# ---- together ----

@test
def messages_are_delivered_once(world):
    ada, bob = world.pair()
    ada.must("msg", "bob", "hello", "bob")
    ada.must("msg", bob.id()[:12], "by id")
    ada.must("msg", "bob", "-", given="two\nlines\n")
    ada.must("me", "bob", "waves")
    bob.must("msg", "#lan", "to all")
    for text in ("hello bob", "by id", "two\nlines", "waves"):
        wait(text, lambda text=text: bob.shown(text))
    wait("#lan", lambda: ada.shown("to all"))
    time.sleep(0.3)
    for who, text in ((bob, "hello bob"), (bob, "waves"), (ada, "to all")):
        check(len(who.shown(text)) == 1, f"{text!r} came {len(who.shown(text))} times")
    check(bob.shown("waves")[0]["style"] == "action", "not an action")


@test
def people_can_be_asked_about(world):
    ada, bob = world.pair()
    check("answered in" in ada.must("ping", "bob"), "no answer to ping")
    check(ada.ask("whois", "bob")[0]["id"] == bob.id(), "whois")
    row = [p for p in ada.ask("peers") if p["id"] == bob.id()][0]
    check({"nick", "id", "state", "trust", "address", "path"} <= row.keys(), f"{row}")
    check(re.search(r"^bob\S* +online +", ada.must("peers"), re.M), "no row for bob")
    done = ada.cli("msg", "nobody", "hello")
    check(done.returncode == 2 and "nobody" in done.stderr, done.stderr)


@test
def what_waits_is_delivered_later(world):
    ada, bob = world.pair()
    name = bob.id()
    bob.stop()
    wait("bob offline", lambda: ada.state_of(name) != "online")
    check(ada.cli("msg", name, "later", "--wait", "1").returncode == 4, "not status 4")
    check(ada.cli("msg", name, "too", "--wait", "0").returncode == 4, "0: not status 4")
    bob.start(*world.towards(ada))
    bob.follow()
    wait("the message", lambda: bob.shown("later"))


@test
def a_command_has_a_node_of_its_own(world):
    ada = world.person("ada").start()
    ada.follow()
    cid = world.person("cid")
    cid.must("msg", ada.id(), "hello", *world.options, *world.towards(ada))
    wait("the message", lambda: ada.shown("hello"))
    people = cid.must("peers", *world.options, *world.towards(ada))
    check(re.search(r"^ada", people, re.M), people)


@test
def sighup_reads_the_settings_again(world):
    ada, bob = world.pair()
    name = bob.id()
    config = os.path.join(bob.home, ".config/p2pmsg")
    os.makedirs(config, exist_ok=True)
    with open(os.path.join(config, "default.conf"), "w", encoding="utf-8") as f:
        f.write("status = reading\n")
    bob.daemon.send_signal(signal.SIGHUP)
    wait("the new status", lambda: [p for p in ada.ask("peers")
                                    if p.get("status") == "reading"])
    with open(os.path.join(config, "default.conf"), "w", encoding="utf-8") as f:
        f.write("no such thing\n")
    bob.daemon.send_signal(signal.SIGHUP)
    wait("a warning", lambda: [e for e in bob.seen if e["type"] == "notice"
                               and "default.conf:1" in e["text"]])
    row = [p for p in ada.ask("peers") if p["id"] == name][0]
    check(row["status"] == "reading", "the status is gone")
    done = bob.cli("status")
    check(done.returncode == 1 and "default.conf:1" in done.stderr, done.stderr)


@test
def lines_through_a_pipe(world):
    ada, bob = world.pair()
    out = ada.must(given="/query bob\nhello\n/whois bob\n/frob\n//slash\n")
    wait("the message", lambda: bob.shown("hello"))
    wait("the slash", lambda: bob.shown("/slash"))
    check("to bob" in out and "no command /frob" in out and bob.id() in out, out)
    check("\x1b" not in out, "escape sequences in a pipe")


@test
def what_was_said_last_is_what_is_changed(world):
    """Also when it is on its way to the disk still."""
    ada, bob = world.pair()
    ada.must("msg", bob.id(), "older")
    for i in range(5):
        ada.must(given=f"/msg {bob.id()} newer {i}\n/edit {bob.id()} changed {i}\n"
                       f"/msg {bob.id()} wrong {i}\n/delete {bob.id()}\n")
    want = ["older"] + [f"changed {i}" for i in range(5)]
    for who, other in ((ada, bob), (bob, ada)):
        said = [e["text"] for e in who.ask("history", other.id())
                if e["type"] == "message" and not e["deleted"]]
        check(said == want, said)


@test
def lines_on_a_terminal(world):
    ada, bob = world.pair()
    t = Terminal(ada)
    t.await_text("[#lan]")
    t.type("/query bob\n")
    t.await_text("[bob")
    t.type("hello\n")
    wait("the message", lambda: bob.shown("hello"))
    bob.must("msg", "ada", "evil\x1b[2Jtext\n-- fake")
    t.await_text("evil\\u{1B}[2Jtext")
    t.await_text("\n      | -- fake")
    t.type("\x04")
    check(t.wait() == 0, f"status {t.status}")
    rest = re.sub(r"\x1b\[[0-9;]*[mK]", "", t.out)
    check("\x1b" not in rest, "sequences that are not ours")
    check(ada.ask("status"), "the daemon is gone with its client")


@test
def quit_is_no_error(world):
    ada = world.person("ada").start()
    events = json_lines(ada.must("--json", given='{"cmd":"quit"}\n'))
    check([e["type"] for e in events] == ["node", "done"], str(events))
    check(ada.ask("status")[0]["port"] > 0, "the node is gone with its client")


@test
def json_both_ways(world):
    ada, bob = world.pair()
    given = ('{"cmd":"msg","who":"bob","text":"from a bot","wait":5,"tag":7}\n'
             '{"cmd":"frob","tag":8}\nhello\n')
    events = json_lines(ada.must("--json", given=given))
    check(all(e["v"] == 1 for e in events), "v")
    check([e for e in events if e["type"] == "node"], "no greeting")
    done = [e["type"] for e in events if e.get("for") == 7]
    check(done == ["sent", "done"], f"{done}")
    check([e["type"] for e in events if e.get("for") == 8] == ["error"], "no error")
    wait("the message", lambda: bob.shown("from a bot"))


@test
def a_trace_shows_frames(world):
    ada, bob = world.pair()
    trace = subprocess.Popen([BIN, "trace", "bob"], env=ada.env(), text=True,
                             stdout=subprocess.PIPE)
    world.closers.append(lambda: end_process(trace))
    time.sleep(0.3)
    ada.must("msg", "bob", "watch me")
    time.sleep(0.3)
    trace.send_signal(signal.SIGINT)
    out = trace.communicate(timeout=LIMIT)[0]
    check(trace.returncode == 0, f"status {trace.returncode}")
    check(re.search(r"^-> bob\S*  \d+ bytes  [0-9a-f]+(\.\.)?  record: ", out, re.M), out)
    check(re.search(r"^<- bob", out, re.M), out)


@test
def a_node_that_stops_is_told(world):
    ada = world.person("ada").start()
    t = Terminal(ada)
    t.await_text("[#lan]")
    ada.must("quit", "--node")
    check(ada.daemon.wait(LIMIT) == 0, "status of the daemon")
    check(t.wait() == 5, f"status {t.status}")
    check("the node has stopped" in t.out, t.out)


# ---- the run ----

def run_all(is_alone, names):
    failed = False
    for fn in TESTS:
        if names and fn.__name__ not in names:
            continue
        world = World(is_alone)
        try:
            fn(world)
            print(f"ok {fn.__name__}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            failed = True
            for person in world.people:
                if os.path.exists(person.log):
                    print(f"{person.name} said: {person.said()}")
            print(f"not ok {fn.__name__} {' '.join(str(e).split())[:500]}", flush=True)
        except Exception:  # a fault of the test is a failure too
            failed = True
            print(traceback.format_exc())
            print(f"not ok {fn.__name__} the test itself failed", flush=True)
        finally:
            world.close()
    return 1 if failed else 0


def enter_namespace():
    """Begins again with lo only, where that is allowed."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return
    again = ["unshare", "-n", sys.executable, "-B", os.path.abspath(__file__),
             *sys.argv[1:]]
    if subprocess.run(["unshare", "-n", "true"], capture_output=True,
                      check=False).returncode == 0:
        os.execvpe("unshare", again, dict(os.environ, **{INSIDE: "1"}))


def is_sanitized():
    with open(BIN, "rb") as f:
        return re.search(rb"__(asan|tsan)_init", f.read()) is not None


def main():
    global END
    if not os.access(BIN, os.X_OK):
        print(f"not ok smoke there is no program {BIN}")
        return 1
    if INSIDE not in os.environ:
        enter_namespace()
    is_alone = INSIDE in os.environ
    if is_alone:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if is_sanitized():
        END *= 5
    return run_all(is_alone, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
