#!/usr/bin/python3 -B
"""Interfaces that come, go and change while the node runs; those that are none of
its business; and no network at all."""

from avahi import Avahi
from capture import Capture, UDP
from lab import SOAK, check
from node import Ledger, Node, all_see_all
from trial import main, trial

MDNS = 5353


def two_on(lab, lan, **kw):
    return [Node(lab.host(n, lan, **kw), n) for n in ("ada", "bob")]


def people(node):
    return [p for p in node.ask("peers") if p.get("type") == "person"]


@trial(limit=150)
def interface_appears_and_vanishes(lab):
    """A second network is plugged in while the node runs, and out again."""
    lan1, lan2 = lab.lan(), lab.lan()
    ada, bob = two_on(lab, lan1)
    cid = Node(lab.host("cid", lan2), "cid")
    for node in (ada, bob, cid):
        node.start()
    all_see_all(lab, [ada, bob])
    check(not people(cid), "Cid sees somebody through the wall")
    ada.host.plug(lan2, dev="eth1")
    lab.wait("Cid on the new interface", lambda: ada.sees(bob, cid) and cid.sees(ada))
    ledger = Ledger(lab, [ada, cid])
    ledger.everybody("on the new interface")
    ada.host.ip("link", "del", "eth1")
    lab.wait("Cid's going", lambda: ada.state_of(cid) != "online", limit=90)
    check(ada.sees(bob), "Bob went too")
    check(ledger.say(ada, cid, "wait for it", wait=1, must=False) == 4, "not queued")
    ada.host.plug(lan2, dev="eth1", number=77)
    ledger.settle()


@trial(limit=120)
def address_changes_alone(lab):
    """The only address of a host changes, and later its network's numbers too."""
    ada, bob = two_on(lab, lab.lan(), family="4")
    ada.start()
    bob.start()
    all_see_all(lab, [ada, bob])
    ledger = Ledger(lab, [ada, bob])
    ada.host.ip("addr", "flush", "dev", "eth0")
    ledger.say(bob, ada, "while you have no address", wait=0, must=False)
    lab.sleep(3, "no address")
    ada.host.ip("addr", "add", "10.77.0.99/24", "broadcast", "+", "dev", "eth0")
    ledger.settle()
    for host, number in ((ada.host, 1), (bob.host, 2)):
        host.ip("addr", "flush", "dev", "eth0")
        host.ip("addr", "add", f"10.99.0.{number}/24", "broadcast", "+", "dev", "eth0")
    ledger.everybody("in another network", wait=60)
    address = ada.peers()[bob.id]["address"]
    check("10.99.0.2" in address, f"Bob is said to be at {address}")


@trial(limit=90)
def docker0_is_skipped(lab):
    """A bridge that is named so: no mDNS of ours there, nobody found there, until
    the user asks for it by name."""
    lan, inner = lab.lan(), lab.lan()
    ada, bob = two_on(lab, lan)
    ada.host.ip("link", "add", "docker0", "type", "bridge", "mcast_snooping", "0")
    ada.host.plug(inner, dev="vethab12", up=False)
    ada.host.ip("link", "set", "vethab12", "master", "docker0", "up")
    ada.host.ip("addr", "add", "10.78.0.1/24", "dev", "docker0")
    ada.host.ip("link", "set", "docker0", "up")
    cid = Node(lab.host("cid", inner), "cid")
    ear = Capture(lab.host("ear", inner))
    for node in (ada, bob, cid):
        node.start()
    all_see_all(lab, [ada, bob])
    lab.sleep(4, "anything on docker0")
    check(not people(cid), "Cid was found through docker0")
    mac = open_mac(ada.host, "docker0")
    check(not spoken(ear, "10.78.0.1", mac), "mDNS of ours on docker0")
    ada.stop()
    ada.start("--interface", "docker0")
    lab.wait("Cid through docker0", lambda: ada.sees(cid))
    check(spoken(ear, "10.78.0.1", mac), "the trial does not hear mDNS on docker0")


def open_mac(host, dev):
    return host.ip("-6", "-o", "addr", "show", "dev", dev).split()[3].split("/")[0]


def spoken(ear, *sources):
    return [p for p in list(ear.packets) if p.proto == UDP and p.dport == MDNS
            and p.src in sources and b"_p2pmsg" in (p.data or b"")]


@trial(limit=90)
def hidden_node(lab):
    """It finds others and is found by nobody until it calls; then it is seen."""
    lan = lab.lan()
    ada, bob = two_on(lab, lan)
    watch = Avahi(lab.host("watch", lan))
    ada.start("--visibility", "hidden")
    lab.sleep(3, "an announcement that must not come")
    check(not watch.browse(), "the hidden node is announced")
    bob.start()
    all_see_all(lab, [ada, bob], "the hidden one and the other")
    check(len(watch.browse()) == 1, f"announced: {watch.browse()}")
    Ledger(lab, [ada, bob]).everybody("hush")
    ada.cli("set", "visibility", "all")
    lab.wait("the one that showed itself", lambda: len(watch.browse()) == 2)
    ada.cli("set", "visibility", "hidden")
    lab.wait("the one that hid itself", lambda: len(watch.browse()) == 1)


@trial(limit=60)
def no_network_at_all(lab):
    """Not even lo is up: the node starts, answers, says so, and ends."""
    host = lab.host("ada")
    host.link(False, "lo")
    ada = Node(host, "ada").start()
    check(not people(ada), "somebody is there")
    check(ada.msg("nobody", "hello") == 2, "a message to nobody")
    lab.info(f"without a network: {ada.status()}")


@trial(limit=90)
def no_multicast(lab):
    """Interfaces without multicast: mDNS finds nobody, an address by hand works."""
    ada, bob = two_on(lab, lab.lan(), family="4")
    for node in (ada, bob):
        node.host.ip("link", "set", "eth0", "multicast", "off")
        node.start()
    lab.sleep(4, "nothing to be found")
    check(not people(ada), "found without multicast")
    ada.cli("add", f"{bob.host.ip4()}:{bob.port()}")
    all_see_all(lab, [ada, bob], "by hand")
    Ledger(lab, [ada, bob]).everybody("without multicast")


@trial(limit=120)
def started_before_the_network(lab):
    """The interface is there and down; the same with one that comes later."""
    lan = lab.lan()
    ada, bob, cid = (lab.host(n) for n in ("ada", "bob", "cid"))
    ada.plug(lan, up=False)
    Avahi(cid)
    nodes = [Node(h, h.name).start() for h in (ada, bob, cid)]
    lab.sleep(3, "no network")
    ada.configure()
    bob.plug(lan)
    cid.plug(lan)
    took = all_see_all(lab, nodes, "each other after the network came")
    lab.info(f"{took:.1f} s after the network came")
    Ledger(lab, nodes).everybody("better late")


@trial(limit=90, soak_limit=400)
def flapping(lab):
    """An interface that goes up and down all the time: nothing lost in the end."""
    ada, bob = two_on(lab, lab.lan())
    ada.start()
    bob.start()
    all_see_all(lab, [ada, bob])
    ledger = Ledger(lab, [ada, bob])
    for i in range(60 if SOAK else 8):
        ada.host.link(False)
        ledger.say(bob, ada, f"flap {i}", wait=0, must=False)
        lab.sleep(0.2 + lab.random.random(), "a flap")
        ada.host.link(True)
        ledger.say(ada, bob, f"flop {i}", wait=0, must=False)
        lab.sleep(lab.random.random() * 2, "a flop")
    ledger.settle()


if __name__ == "__main__":
    main()
