#!/usr/bin/python3 -B
"""N1 and N2: a stranger on the LAN who opens connections and says nothing, or says
the first word and no other. Those who have business here notice little of it."""

import os
import select
import socket
import struct
import time

from lab import Bystander, SOAK, check
from node import Ledger, Node, all_see_all
from trial import main, trial

IDLE = 10000 if SOAK else 1500
TOTAL = 5_000_000
SOAK_S = 60 if SOAK else 3
FLOOD_S = 60 if SOAK else 8
CONNECT_LIMIT_S = 20  # ten times the figure of the trial
CHAT_LIMIT_S = 2.0
NEW_IP_SECOND = 10  # handshakes a second from one address, the default
PREAMBLE = b"P2PM" + bytes([1, 0, 0, 0]) + b"\0\0\0\0"
MSG1 = struct.pack(">H", 32)


def is_answer(s):
    try:
        return len(s.recv(16)) > 0
    except OSError:
        return False


class Knocker:
    """Opens connections from a host, as many at a time as the other side bears."""

    def __init__(self, host, to, total, say=b"", at_once=10000, sources=("",)):
        self.host, self.to, self.total, self.say = host, to, total, say
        self.at_once, self.sources = at_once, sources
        self.opened = self.answered = 0
        self.open = {}
        self.poll = select.poll()
        self.worker = Bystander(self.knock)

    def knock(self, worker):
        while worker.goes_on and self.opened < self.total:
            for _ in range(50):
                if len(self.open) < self.at_once and self.opened < self.total:
                    self.one()
            self.reap()
        while worker.goes_on:
            self.reap()
            time.sleep(0.05)
        for s in self.open.values():
            s.close()

    def one(self):
        s = self.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setblocking(False)
        source = self.sources[self.opened % len(self.sources)]
        if source:
            s.bind((source, 0))
        s.connect_ex(self.to)
        self.opened += 1
        self.open[s.fileno()] = s
        self.poll.register(s, select.POLLIN | select.POLLHUP |
                           (select.POLLOUT if self.say else 0))

    def reap(self):
        for fd, event in self.poll.poll(5):
            s = self.open[fd]
            if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                self.answered += is_answer(s)
                self.poll.unregister(fd)
                del self.open[fd]
                s.close()
            elif event & select.POLLOUT:
                try:
                    s.send(self.say + os.urandom(32))
                except OSError:
                    pass
                self.poll.modify(fd, select.POLLIN | select.POLLHUP)

    def end(self):
        self.worker.end()


def stranger(lab, lan, victim, sources, **kw):
    """Knocks at the victim from this many addresses of one host."""
    fiend = lab.host("fiend", lan)
    here = [fiend.ip4()]
    for i in range(1, sources):
        here.append(f"10.77.0.{100 + i}")
        fiend.ip("addr", "add", here[-1] + "/24", "dev", "eth0")
    knocker = Knocker(fiend, (victim.host.ip4(), victim.port()), sources=here, **kw)
    lab.wait("the first thousand", lambda: knocker.opened >= 1000, limit=60)
    return knocker


def look_back(lab, knocker, victim, before):
    """What the flood has cost."""
    lab.sleep(SOAK_S, "the flood to do harm")
    grown = victim.rss_mib() - before
    lab.info(f"{knocker.opened} connections from {len(knocker.sources)} addresses, "
             f"{len(knocker.open)} open at the end, {grown:.1f} MiB more, "
             f"{victim.fds()} descriptors")
    check(victim.is_sanitized() or grown < 32, f"{grown:.1f} MiB more")
    check(victim.fds() < 200, f"{victim.fds()} descriptors")
    check(knocker.opened < knocker.total, "the flood had ended before")


@trial(limit=120, soak_limit=300)
def N1_half_open(lab):
    """Silent connections from one host, made anew as they are closed; an honest peer
    whom nobody knows comes in from another host all the same, and memory stays."""
    lan = lab.lan()
    ada, bob = (Node(lab.host(n, lan), n, "--discovery", "off") for n in ("ada", "bob"))
    ada.start()
    before = ada.rss_mib()
    knocker = stranger(lab, lan, ada, 1, total=TOTAL, at_once=IDLE)
    bob.start("--peer", f"{ada.host.ip4()}:{ada.port()}")
    took = lab.wait("an honest peer", lambda: ada.sees(bob), limit=CONNECT_LIMIT_S)
    lab.info(f"the honest peer was in after {took:.1f} s")
    look_back(lab, knocker, ada, before)
    Ledger(lab, [ada, bob]).everybody("in spite of them")
    knocker.end()


@trial(limit=120, soak_limit=300)
def N1_half_open_many_addresses(lab):
    """The same from more addresses than there is room for in all. One who was here
    before comes back, one who is announced is called from our side, and one of whom
    nothing is known and who can only call gets in too."""
    lan = lab.lan()
    ada, bob, cid = (Node(lab.host(n, lan), n) for n in ("ada", "bob", "cid"))
    dan = Node(lab.host("dan", lan), "dan", "--discovery", "off")
    ada.start()
    bob.start()
    all_see_all(lab, [ada, bob])
    before = ada.rss_mib()
    knocker = stranger(lab, lan, ada, 60, total=TOTAL, at_once=IDLE)
    bob.kill()
    bob.restart()
    back = lab.wait("one who was here", lambda: ada.sees(bob), limit=CONNECT_LIMIT_S)
    cid.start()
    new = lab.wait("one who is new", lambda: ada.sees(cid), limit=CONNECT_LIMIT_S)
    dan.start("--peer", f"{ada.host.ip4()}:{ada.port()}")
    called = lab.wait("one who calls", lambda: ada.sees(dan), limit=CONNECT_LIMIT_S)
    lab.info(f"the known one was back after {back:.1f} s, the new one in after "
             f"{new:.1f} s, the one who can only call after {called:.1f} s")
    look_back(lab, knocker, ada, before)
    Ledger(lab, [ada, bob, cid]).everybody("in spite of them")
    Ledger(lab, [ada, dan]).everybody("and of them too")
    knocker.end()


@trial(limit=120, soak_limit=300)
def N2_msg1_flood(lab):
    """Handshakes that go no further, as fast as they can be sent: existing sessions
    go on, and the victim's processor does not drown."""
    lan = lab.lan()
    ada, bob = (Node(lab.host(n, lan), n) for n in ("ada", "bob"))
    fiend = lab.host("fiend", lan)
    ada.start()
    bob.start()
    all_see_all(lab, [ada, bob])
    knocker = Knocker(fiend, (ada.host.ip4(), ada.port()), 10**6,
                      PREAMBLE + MSG1, at_once=200)
    ledger = Ledger(lab, [ada, bob])
    cpu, began, times = ada.cpu_s(), time.monotonic(), []
    while time.monotonic() - began < FLOOD_S:
        start = time.monotonic()
        ledger.say(bob, ada, "in the flood", wait=20)
        times.append(time.monotonic() - start)
    took = time.monotonic() - began
    busy = (ada.cpu_s() - cpu) / took
    knocker.end()
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    lab.info(f"{knocker.opened} handshakes begun, {knocker.answered} answered, "
             f"{len(times)} messages, p95 {p95 * 1000:.0f} ms with the start of the "
             f"program, processor {busy:.0%}")
    check(knocker.opened > 100 * FLOOD_S, "that was no flood")
    check(0 < knocker.answered <= NEW_IP_SECOND * (took + 2) * 1.5,
          f"{knocker.answered} answers in {took:.0f} s to one address")
    check(p95 < CHAT_LIMIT_S, f"p95 {p95:.2f} s")
    ledger.settle()


if __name__ == "__main__":
    main()
