#!/usr/bin/python3 -B
"""Five hosts on one LAN: two with the system's Avahi, two with the embedded stack,
one that knows the others by hand only. They find each other, chat, and go on
through what happens to networks and programs; nothing is lost or shown twice."""

import time

from avahi import Avahi
from lab import Failed, check
from node import Ledger, Node, all_see_all
from trial import main, trial

QUEUED = 4  # exit status of msg
OUTAGE_S = 4


class Five:
    def __init__(self, lab, family):
        self.lab, self.family = lab, family
        self.lan = lab.lan()
        hosts = [lab.host(name, self.lan, family=family)
                 for name in ("ada", "bob", "cid", "dot", "eve")]
        self.daemons = [Avahi(host) for host in hosts[:2]]
        self.nodes = [Node(host, host.name, "--ip", family) for host in hosts]
        self.ada, self.bob, self.cid, self.dot, self.eve = self.nodes
        self.ledger = Ledger(lab, self.nodes)
        # The daemon's clients must not start before it does, the others may.
        for node in self.nodes[:4]:
            node.start()
        by_hand = []
        for node in self.nodes[:4]:
            by_hand += ["--peer", self.literal(node.host.address, node.port())]
        self.eve.options += ["--discovery", "off", *by_hand]
        self.eve.start()

    @staticmethod
    def literal(address, port):
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def meet(self, why, limit=90):
        took = all_see_all(self.lab, self.nodes, f"all online {why}", limit)
        self.lab.info(f"all online {why}: {took:.1f} s")


def backends(five):
    for node, backend in zip(five.nodes, ("avahi", "avahi", "embedded", "embedded",
                                          "off")):
        said = node.status().get("discovery")
        check(said == backend, f"{node.name} uses {said}, not {backend}")


def sessions_have_one_row(five):
    """One person is one row, however many ways lead to him."""
    for node in five.nodes:
        rows = [p for p in node.ask("peers") if p.get("type") == "person"]
        check(len(rows) == 4, f"{node.name} lists {len(rows)} people, not 4")


def cable_pulled(five):
    """Both kinds: the interface goes down, and the switch's side does."""
    ada, bob, cid, ledger = five.ada, five.bob, five.cid, five.ledger
    for victim, out, back in (
            (cid, lambda: cid.host.link(False), lambda: cid.host.link(True)),
            (bob, lambda: bob.host.cable(False), lambda: bob.host.cable(True))):
        out()
        ledger.say(ada, victim, "while the cable was out", wait=0, must=False)
        ledger.say(victim, ada, "while my cable was out", wait=0, must=False)
        ledger.say(five.dot, victim, "while the cable was out", wait=0, must=False)
        five.lab.sleep(OUTAGE_S, "the cable")
        back()
        ledger.settle(limit=90)
    five.meet("after pulled cables")


def address_changes(five):
    """An address is taken away and another one given, on a host of each kind."""
    for node, new in ((five.bob, 102), (five.dot, 104)):
        host = node.host
        if five.family != "6":
            host.ip("addr", "del", host.ip4() + "/24", "dev", "eth0")
            host.ip("addr", "add", host.ip4(number=new) + "/24", "broadcast", "+",
                    "dev", "eth0")
        if five.family != "4":
            host.ip("addr", "del", host.ip6() + "/64", "dev", "eth0")
            host.ip("addr", "add", host.ip6(number=new) + "/64", "dev", "eth0")
            host.ip("addr", "del", host.link_local() + "/64", "dev", "eth0")
            host.ip("addr", "add", f"fe80::{new:x}/64", "dev", "eth0")
        began = time.monotonic()
        five.ledger.say(five.ada, node, "just after the change", wait=30)
        five.lab.info(f"{node.name} with another address got a message after "
                      f"{time.monotonic() - began:.1f} s")
    five.meet("after changed addresses")


def daemons_go(five):
    """avahi-daemon comes back; the bus of the other one does so later."""
    five.daemons[0].restart()
    five.daemons[1].kill_bus()
    five.ledger.say(five.bob, five.cid, "without a bus")
    five.ledger.say(five.ada, five.bob, "to one without a bus")
    five.dot.kill()
    five.dot.restart()
    five.meet("with a daemon restarted and a bus gone")
    five.daemons[1].stop()
    five.daemons[1].start_bus()
    five.daemons[1].start()


def killed(five):
    """kill -9 of each kind; what was said meanwhile comes after the restart."""
    for victim, other in ((five.cid, five.ada), (five.ada, five.dot),
                          (five.eve, five.bob)):
        victim.kill()
        status = five.ledger.say(other, victim, "while you were dead", wait=1,
                                 must=False)
        check(status == QUEUED, f"msg to a dead node: status {status}, not {QUEUED}")
        victim.restart()
        five.ledger.settle(limit=90)
    five.meet("after kill -9")


def states_delivered(five):
    """Every private message that still has its sender says so itself."""
    for text, (sender, who, _) in five.ledger.rows.items():
        if who == "#lan":
            continue
        for e in sender.events("message", life=-1, direction="out", text=text):
            last = [s["state"] for s in sender.events("state", life=-1, id=e["id"])]
            check((last or [e.get("state")])[-1] == "delivered",
                  f"{text!r} ended as {last} at its sender")


def all_of_it(lab, family):
    five = Five(lab, family)
    five.meet("at first")
    backends(five)
    sessions_have_one_row(five)
    five.ledger.everybody("good morning")
    for part in (cable_pulled, address_changes, daemons_go, killed):
        try:
            part(five)
        except Failed as e:
            raise Failed(f"{part.__name__}: {e}") from e
    five.ledger.everybody("good night")
    sessions_have_one_row(five)
    states_delivered(five)


@trial(limit=220)
def five_hosts_ip4(lab):
    all_of_it(lab, "4")


@trial(limit=220)
def five_hosts_ip6(lab):
    all_of_it(lab, "6")


@trial(limit=220)
def five_hosts_both(lab):
    all_of_it(lab, "both")


if __name__ == "__main__":
    main()
