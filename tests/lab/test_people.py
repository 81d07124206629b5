#!/usr/bin/python3 -B
"""Several people on one machine, and many on one LAN."""

from avahi import Avahi
from lab import check, introduce
from node import Ledger, Node, all_see_all
from trial import main, trial

CROWD = 40


def two_people(lab, host):
    """Two profiles of one host; the second takes another port by itself."""
    ada, bob = (Node(host, name, profile=name).start() for name in ("ada", "bob"))
    check(ada.port() != bob.port(), "two nodes on one port")
    took = all_see_all(lab, [ada, bob])
    lab.info(f"saw each other after {took:.1f} s, by {ada.status().get('discovery')}")
    ledger = Ledger(lab, [ada, bob])
    ledger.everybody("on one machine")
    return ada, bob


@trial(limit=90)
def two_people_one_machine_daemon(lab):
    host = lab.host("one", lab.lan())
    Avahi(host)
    ada, _ = two_people(lab, host)
    check(ada.status().get("discovery") == "avahi", "not by the daemon")


@trial(limit=90)
def two_people_one_machine_embedded(lab):
    two_people(lab, lab.host("one", lab.lan()))


@trial(limit=90)
def two_people_only_loopback(lab):
    """No network at all: lo is the only interface."""
    two_people(lab, lab.host("one"))


@trial(limit=90)
def one_profile_twice(lab):
    """The second instance of a profile says so and leaves the first in peace."""
    ada = Node(lab.host("one", lab.lan()), "ada").start()
    again = ada.cli("daemon", must=False, timeout=20)
    check(again.returncode == 5, f"status {again.returncode}, not 5")
    check("ada" in again.stderr or "default" in again.stderr or "runs" in again.stderr,
          f"it says only: {again.stderr.strip()[-200:]}")
    check(ada.answers(), "the first one is gone")


@trial(limit=90)
def a_verb_without_a_node(lab):
    """`peers` starts a node of its own for as long as it listens."""
    lan = lab.lan()
    ada = Node(lab.host("ada", lan), "ada").start()
    bob = Node(lab.host("bob", lan), "bob")
    seen = bob.ask("peers")
    check([p.get("id") for p in seen if p["type"] == "person"] == [ada.id],
          f"a one-shot `peers` lists {seen}")
    check(bob.msg("ada", "in passing") == 0, "a one-shot msg")
    lab.wait("its text", lambda: ada.shown("in passing") == 1)
    check(bob.msg("nobody-at-all", "hello") == 2, "a one-shot msg to nobody")


@trial(limit=220)
def forty_nodes(lab):
    """All on one LAN with mDNS of their own; everybody sees everybody."""
    lan = lab.lan()
    nodes = [Node(lab.host(f"h{i}", lan), f"n{i}", "--discovery", "embedded")
             for i in range(1, CROWD + 1)]
    introduce([node.host for node in nodes])
    for node in nodes:
        node.launch()
    for node in nodes:
        node.await_start()
    took = all_see_all(lab, nodes, f"{CROWD} see {CROWD}", limit=200)
    lab.info(f"{CROWD} nodes all online {took:.1f} s after the last one started, "
             f"{nodes[0].rss_mib():.0f} MiB each")
    ledger = Ledger(lab, nodes)
    nodes[0].follow()
    ledger.nodes = [nodes[0], nodes[-1]]
    ledger.say(nodes[-1], nodes[0], "from the far end")
    check(nodes[-1].cli("msg", "#lan", "to all of you").returncode == 0, "#lan")
    lab.wait("#lan in a crowd", lambda: nodes[0].shown("to all of you") == 1)


if __name__ == "__main__":
    main()
