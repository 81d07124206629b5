#!/usr/bin/python3
"""lan: figures of the real binary with real mDNS, in a lab of several hosts.

Prints `name<TAB>value<TAB>unit`.
"""
import datetime
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab"))
from lab import introduce  # noqa: E402
from node import Node  # noqa: E402
from trial import main, trial  # noqa: E402

CROWD = 40
SETTLE_S = 30  # until mDNS has said all that a start makes it say
IDLE_S = 20


def figure(name, value, unit):
    print(f"{name}\t{value:.3f}\t{unit}", flush=True)


def when(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def anon_mib(node):
    for line in node.proc("status").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0


@trial(limit=120)
def first_peer(lab):
    lan = lab.lan()
    a = Node(lab.host("h1", lan), "ada", "--discovery", "embedded").start()
    b = Node(lab.host("h2", lan), "bob", "--discovery", "embedded")
    took = []
    for n in range(3):
        began = time.monotonic()
        b.launch()
        lab.wait("the first peer",
                 lambda: len(a.events("peer", nick="bob", state="online")) > n,
                 limit=30, step=0.02)
        took.append(time.monotonic() - began)
        b.stop()
    figure("first.peer", sorted(took)[1], "s")


@trial(limit=300)
def crowd(lab):
    lan = lab.lan()
    nodes = [Node(lab.host(f"h{i}", lan), f"n{i}", "--discovery", "embedded")
             for i in range(CROWD)]
    introduce([node.host for node in nodes])
    began = time.time()
    for n in nodes:
        n.launch()
    started = time.time()
    for n in nodes:
        n.await_start()
    lab.wait("all see all", lambda: all(n.status()["online"] == CROWD - 1 for n in nodes),
             limit=200, step=0.2)
    # what the nodes saw, not how long it takes to ask 40 of them
    last = 0
    for n in nodes:
        n.follow()
        lab.wait("its events", lambda: len(n.events("peer", state="online")) >= CROWD - 1)
        last = max(last, *(when(e) for e in n.events("peer", state="online")))
        n.unfollow()
    figure("crowd.40", last - began, "s")
    figure("crowd.40.after.the.last.start", last - started, "s")
    time.sleep(SETTLE_S)
    n = nodes[0]
    before, at = n.cpu_s(), time.monotonic()
    time.sleep(IDLE_S)
    figure("idle.cpu", 100 * (n.cpu_s() - before) / (time.monotonic() - at), "%")


@trial(limit=60)
def idle(lab):
    n = Node(lab.host("h1", lab.lan()), "ada", "--discovery", "embedded").start()
    n.unfollow()
    time.sleep(5)
    figure("idle.anon", anon_mib(n), "MiB")
    figure("idle.rss", n.rss_mib(), "MiB")


if __name__ == "__main__":
    os.environ.setdefault("P2PMSG_LAB_JOBS", "1")
    main()
