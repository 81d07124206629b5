"""lab: several hosts on one machine, in network namespaces.

A Lab lives in namespaces of its own (mounts, network, processes), made
by `unshare`; a Lan is a bridge in a namespace, a Host a namespace with a veth
pair into it, or one end of a Cable (cable.py). No packet leaves, nothing outside
is touched, and the kernel ends whatever is left when the first process of the
lab ends. Works without root where user namespaces are allowed.
"""

import contextlib
import ctypes
import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time

SOAK = os.environ.get("P2PMSG_SOAK") == "1"
TOOLS = ("unshare", "ip", "mount", "sh")
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The trial cannot run here; says why."""


class Failed(Exception):
    """What was expected did not happen."""


def check(truth, why):
    if not truth:
        raise Failed(why)


def path():
    """Tools of the system live in sbin too, which users seldom have on the path."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin"


def need(*tools):
    for tool in tools:
        if not shutil.which(tool, path=path()):
            raise Skip(f"{tool} is not installed")


def unshare_command():
    flags = "-nmpf" if os.geteuid() == 0 else "-Urnmpf"
    return ["unshare", flags, "--kill-child", "--mount-proc"]


def why_not():
    """The reason why no lab can be made here, or None."""
    try:
        need(*TOOLS)
    except Skip as e:
        return str(e)
    probe = "mount -t tmpfs tmpfs /run && ip netns add a && ip netns exec a true"
    done = subprocess.run(
        [*unshare_command(), "sh", "-c", probe], env={**os.environ, "PATH": path()},
        capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"namespaces are not allowed here: {why}"
    return None


def setns(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Lab:
    """Call only inside the namespaces that unshare_command makes."""

    def __init__(self, folder, seed=1, is_root=True):
        self.dir = folder
        self.is_root = is_root
        self.random = random.Random(seed)
        self.hosts, self.closers, self.notes = [], [], []
        self.waiting_for = "the start"
        self.began = time.monotonic()
        os.environ["PATH"] = path()
        self.run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
        os.mkdir("/run/avahi-daemon")
        self.ns_fd = os.open("/proc/self/ns/net", os.O_RDONLY)

    def note(self, text):
        self.notes.append(f"{time.monotonic() - self.began:7.2f} {text}")

    def info(self, text):
        """For the reader of the results, whatever the outcome."""
        print(f"# {text}", flush=True)
        self.note(text)

    def run(self, cmd, timeout=20, must=True, **kw):
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=timeout, **kw)
        if must and done.returncode != 0:
            raise Failed(f"{' '.join(cmd)}: status {done.returncode}: "
                         f"{done.stderr.strip()[-300:]}")
        return done

    def wait(self, what, condition, limit=30, step=0.1):
        """Until condition() is true; it may raise Failed. Returns the seconds. The
        limit is there to find hangs, not to measure."""
        start, why = time.monotonic(), ""
        self.waiting_for = what
        while True:
            try:
                if condition():
                    took = time.monotonic() - start
                    self.note(f"{what}: after {took:.1f} s")
                    return took
                why = ""
            except Failed as e:
                why = f": {e}"
            if time.monotonic() - start > limit:
                raise Failed(f"no {what} within {limit:.0f} s{why}")
            time.sleep(step)

    def sleep(self, seconds, why):
        self.waiting_for = why
        time.sleep(seconds)

    def lan(self, **kw):
        return Lan(self, **kw)

    def host(self, name, lan=None, **kw):
        host = Host(self, name, len(self.hosts) + 1, **kw)
        self.hosts.append(host)
        if lan:
            host.plug(lan)
        return host

    def close(self):
        """In the opposite order of making; every closer is tried."""
        why = None
        for closer in reversed(self.closers):
            try:
                closer()
            except (Failed, OSError, subprocess.SubprocessError) as e:
                why = why or e
        self.closers = []
        if why:
            raise why


class Lan:
    """A switch: a bridge in a namespace of its own."""

    count = 0

    def __init__(self, lab):
        self.lab = lab
        self.index = Lan.count
        Lan.count += 1
        self.ns = f"lan{self.index}"
        self.ports = 0
        lab.run(["ip", "netns", "add", self.ns])
        # Without a querier on the link snooping would in time hide hosts.
        self.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.ip("link", "set", "br0", "up")

    def ip(self, *args):
        return self.lab.run(["ip", "-n", self.ns, *args]).stdout


def introduce(hosts, dev="eth0"):
    """Writes each host for good into the tables of neighbours of the others. Of what
    is learned the kernel keeps 1024 in all, for every namespace and the machine itself:
    a crowd would use that up, and nobody else could send."""
    cards = [(host, host.card(dev)) for host in hosts]
    for host, _ in cards:
        rows = [f"neigh replace {address} lladdr {mac} dev {dev} nud permanent"
                for other, (mac, addresses) in cards if other is not host
                for address in addresses]
        host.lab.run(["ip", "-n", host.ns, "-batch", "-"], input="\n".join(rows))


class Host:
    """family: "4", "6" or "both": what the host's kernel speaks."""

    def __init__(self, lab, name, number, family="both"):
        self.lab, self.name, self.number, self.family = lab, name, number, family
        self.ns = name
        self.dir = os.path.join(lab.dir, name)
        os.makedirs(self.dir, mode=0o700)
        self.bus = f"unix:path=/nonexistent/{name}"
        self.ports = {}
        lab.run(["ip", "netns", "add", self.ns])
        self.ns_fd = os.open(f"/run/netns/{self.ns}", os.O_RDONLY)
        off = 1 if family == "4" else 0
        self.sh(f"[ -d /proc/sys/net/ipv6 ] || exit 0; "
                f"for d in all default; do cd /proc/sys/net/ipv6/conf/$d; "
                f"echo {off} >disable_ipv6; echo 0 >accept_dad; "
                f"echo 1 >keep_addr_on_down; echo 0 >router_solicitations; done")
        self.ip("link", "set", "lo", "up")

    # ---- interfaces ----

    def ip(self, *args):
        return self.lab.run(["ip", "-n", self.ns, *args]).stdout

    def ip4(self, lan_index=0, number=None):
        return f"10.{77 + lan_index}.0.{number or self.number}"

    def ip6(self, lan_index=0, number=None):
        return f"fd{77 + lan_index}::{number or self.number:x}"

    @property
    def address(self):
        """One that others on the first LAN reach."""
        return self.ip6() if self.family == "6" else self.ip4()

    def link_local(self, dev="eth0"):
        for line in self.ip("-6", "-o", "addr", "show", "dev", dev).splitlines():
            words = line.split()
            if words[3].startswith("fe80:"):
                return words[3].split("/")[0]
        raise Failed(f"{self.name} has no link-local address")

    def card(self, dev="eth0"):
        """Its hardware address, and those it has."""
        if self.family != "4":
            self.lab.wait(f"{self.name}'s link-local address", lambda: "fe80:" in
                          self.ip("-6", "addr", "show", "dev", dev))
        found = json.loads(self.ip("-j", "addr", "show", "dev", dev))[0]
        return found["address"], [a["local"] for a in found["addr_info"]]

    def plug(self, lan, dev="eth0", up=True, number=None):
        lan.ports += 1
        port = f"p{lan.ports}"
        self.ports[dev] = (lan, port)
        self.lab.run(["ip", "link", "add", dev, "netns", self.ns, "type", "veth",
                      "peer", "name", port, "netns", lan.ns])
        lan.ip("link", "set", port, "master", "br0", "up")
        if up:
            self.configure(dev, lan.index, number)

    def configure(self, dev="eth0", lan_index=0, number=None):
        if self.family != "6":
            self.ip("addr", "add", self.ip4(lan_index, number) + "/24",
                    "broadcast", "+", "dev", dev)
        if self.family != "4":
            self.ip("addr", "add", self.ip6(lan_index, number) + "/64", "dev", dev)
        self.ip("link", "set", dev, "up")

    def cable(self, plugged, dev="eth0"):
        """The switch's side goes down: this side loses its carrier."""
        lan, port = self.ports[dev]
        lan.ip("link", "set", port, "up" if plugged else "down")

    def link(self, up, dev="eth0"):
        self.ip("link", "set", dev, "up" if up else "down")

    def slow(self, rate, limit, dev="eth0"):
        """Both directions of the line, a queue of limit bytes."""
        lan, port = self.ports[dev]
        for ns, name in ((self.ns, dev), (lan.ns, port)):
            self.lab.run(["tc", "-n", ns, "qdisc", "replace", "dev", name, "root", "tbf",
                          "rate", rate, "burst", "4kb", "limit", str(limit)])

    # ---- programs ----

    def env(self, **more):
        kinds = ("P2PMSG_", "ASAN_", "UBSAN_", "LSAN_", "TSAN_")
        keep = {k: v for k, v in os.environ.items()
                if k.startswith(kinds) or k in ("PATH", "TZ", "LLVM_PROFILE_FILE")}
        return {**keep, "LC_ALL": "C.UTF-8", "HOME": self.dir, "USER": self.name,
                "LOGNAME": self.name, "DBUS_SYSTEM_BUS_ADDRESS": self.bus, **more}

    def command(self, cmd):
        return ["ip", "netns", "exec", self.ns, *cmd]

    def run(self, cmd, timeout=20, must=True, env=None, **kw):
        return self.lab.run(self.command(cmd), timeout, must, env=env or self.env(), **kw)

    def sh(self, script, **kw):
        return self.run(["sh", "-c", script], **kw)

    def popen(self, cmd, env=None, **kw):
        """ip execs the command: the process is the command itself."""
        return subprocess.Popen(self.command(cmd), env=env or self.env(), **kw)

    # ---- sockets of this process on that host ----

    @contextlib.contextmanager
    def inside(self):
        """This thread is on the host meanwhile: sockets and devices opened here
        belong to it and stay there."""
        setns(self.ns_fd)
        try:
            yield
        finally:
            setns(self.lab.ns_fd)

    def socket(self, *args):
        with self.inside():
            return socket.socket(*args)

    def ifindex(self, dev="eth0"):
        with self.inside():
            return socket.if_nametoindex(dev)


class Bystander(threading.Thread):
    """Work beside the trial: the function gets self and looks at self.enough."""

    def __init__(self, fn, limit=600):
        super().__init__(daemon=True)
        self.fn, self.enough, self.why = fn, threading.Event(), None
        self.deadline = time.monotonic() + limit
        self.start()

    @property
    def goes_on(self):
        return not self.enough.is_set() and time.monotonic() < self.deadline

    def run(self):
        try:
            self.fn(self)
        except Exception as e:  # shown by end(), in the thread of the trial
            self.why = e

    def end(self, limit=20):
        self.enough.set()
        self.join(limit)
        check(not self.is_alive(), "a thread of the trial hangs")
        if self.why:
            raise Failed(f"beside the trial: {type(self.why).__name__} {self.why}")
