#!/usr/bin/python3 -B
"""C5, the part of the network: delay, loss, small packets, slow lines, machines
that sleep. No message is lost, none is shown twice."""

import signal

from cable import Cable, Nat
from lab import SOAK, check, need
from node import Ledger, Node, all_see_all
from trial import main, trial

BURST = 200 if SOAK else 30


def pair(lab, lan=None):
    return [Node(lab.host(n, lan), n) for n in ("ada", "bob")]


def talk(lab, ledger, a, b, remark, size=0, limit=120):
    """A burst both ways at once, not waiting for each other."""
    for i in range(BURST):
        for sender, who in ((a, b), (b, a)):
            filler = " " + "x" * (i * size // BURST) if size else ""
            ledger.say(sender, who, remark + filler, wait=0, must=False)
    ledger.settle(limit)


def over_cable(lab, **kw):
    ada, bob = pair(lab)
    cable = Cable(ada.host, bob.host, **kw)
    ada.start()
    bob.start()
    took = all_see_all(lab, [ada, bob], limit=90)
    lab.info(f"online after {took:.1f} s")
    return ada, bob, cable


@trial(limit=200)
def C5_rtt_and_loss(lab):
    """300 ms round trip, 5 % lost each way, and then a stretch of 30 %."""
    ada, bob, cable = over_cable(lab, delay_s=0.15, loss=0.05)
    ledger = Ledger(lab, [ada, bob])
    talk(lab, ledger, ada, bob, "through the mud")
    ledger.say(ada, "#lan", "everyone through the mud", wait=30)
    cable.loss = 0.30
    for i in range(5):
        ledger.say(ada, bob, f"through the swamp {i}", wait=0, must=False)
        ledger.say(bob, ada, f"through the swamp {i}", wait=0, must=False)
        lab.sleep(1, "the swamp")
    cable.loss = 0.05
    ledger.settle(limit=120)
    lab.info(f"the cable lost {cable.lost} of {cable.lost + cable.passed} frames")
    check(cable.lost > 10, "the cable is too good")


@trial(limit=180)
def C5_blackout(lab):
    """Nothing passes for a while, without any sign at the interfaces."""
    ada, bob, cable = over_cable(lab, delay_s=0.01)
    ledger = Ledger(lab, [ada, bob])
    cable.loss = 1.0
    ledger.say(ada, bob, "into the dark", wait=0, must=False)
    ledger.say(bob, ada, "out of the dark", wait=0, must=False)
    # In soak longer than a session may be silent: it dies and is made anew.
    lab.sleep(60 if SOAK else 8, "the blackout")
    cable.loss = 0.0
    ledger.settle(limit=90)


@trial(limit=120)
def C5_mtu_576(lab):
    """Small packets, long texts. IPv6 needs 1280, so this is IPv4."""
    hosts = [lab.host(n, family="4") for n in ("ada", "bob")]
    Cable(*hosts, delay_s=0.005, mtu=576)
    ada, bob = (Node(h, h.name).start() for h in hosts)
    all_see_all(lab, [ada, bob])
    talk(lab, Ledger(lab, [ada, bob]), ada, bob, "in small pieces", size=12000)


@trial(limit=150)
def C5_slow_line(lab):
    """64 kbit/s each way with a queue of half a second."""
    need("tc")
    lan = lab.lan()
    ada, bob = pair(lab, lan)
    for node in (ada, bob):
        node.host.slow("64kbit", 4000)
    ada.start()
    bob.start()
    all_see_all(lab, [ada, bob], limit=90)
    talk(lab, Ledger(lab, [ada, bob]), ada, bob, "drop by drop", size=2000)


def asleep(lab, seconds):
    """A process that stands still, as on a machine that sleeps: messages of that
    time arrive once; others are not disturbed."""
    lan = lab.lan()
    ada, bob, cid = (Node(lab.host(n, lan), n).start() for n in ("ada", "bob", "cid"))
    all_see_all(lab, [ada, bob, cid])
    ledger = Ledger(lab, [ada, bob, cid])
    bob.process.send_signal(signal.SIGSTOP)
    try:
        for i in range(5):
            ledger.say(ada, bob, f"sleep well {i}", wait=0, must=False)
        if seconds < 100:  # nobody keeps what is said to everybody for longer
            ledger.say(ada, "#lan", "everyone sleeps", wait=0, must=False)
        ledger.say(ada, cid, "he sleeps")
        lab.sleep(seconds, "the sleep")
        state = ada.state_of(bob)
        ledger.say(ada, bob, "wake up", wait=0, must=False)
    finally:
        bob.process.send_signal(signal.SIGCONT)
    took = lab.wait("all that was said", lambda: not ledger.faults(), limit=90)
    lab.info(f"{state} after {seconds} s of sleep, all there {took:.1f} s after it")
    ledger.settle()
    ledger.everybody("awake", wait=40)
    return state


@trial(limit=120, soak_limit=400)
def C5_suspended(lab):
    """Shorter than a session may be silent."""
    asleep(lab, 6)


@trial(limit=200, soak_limit=1000)
def C5_suspended_for_long(lab):
    """Longer: the session is given up meanwhile, and made anew."""
    check(asleep(lab, 600 if SOAK else 55) != "online", "the sleeper is still online")


def behind_nat(lab):
    """Ada is, and calls Bob, who cannot call her."""
    ada, bob = (Node(lab.host(n, family="4"), n, "--discovery", "off")
                for n in ("ada", "bob"))
    nat = Nat(ada.host, bob.host, delay_s=0.002)
    bob.start()
    ada.start("--peer", f"{bob.host.ip4()}:{bob.port()}")
    all_see_all(lab, [ada, bob])
    return ada, bob, nat


@trial(limit=150)
def C5_nat_rebinding(lab):
    """A router forgets its table: the session's port changes under it. Who is behind
    the router and speaks finds out at once; to who only listens, the other side's
    words come with the next sign of life, after 15 s of silence."""
    ada, bob, nat = behind_nat(lab)
    ledger = Ledger(lab, [ada, bob])
    ledger.everybody("before")
    for i in range(3):
        nat.forget()
        ledger.say(ada, bob, f"from another port {i}", wait=0, must=False)
        ledger.say(bob, ada, f"to another port {i}", wait=0, must=False)
        took = lab.wait("both after the change", lambda: not ledger.faults(), limit=60)
        lab.info(f"change {i}: all there after {took:.1f} s")
    nat.forget()
    ledger.say(bob, ada, "to one who is silent", wait=0, must=False)
    took = lab.wait("it comes to one who is silent", lambda: not ledger.faults(),
                    limit=90)
    lab.info(f"to one who is silent: after {took:.1f} s")
    ledger.everybody("in the end")


@trial(limit=200)
def C5_nat_strict(lab):
    """A router that forgets, and drops without a word what goes on."""
    ada, bob, nat = behind_nat(lab)
    ledger = Ledger(lab, [ada, bob])
    nat.is_strict = True
    nat.forget()
    ledger.say(ada, bob, "into the void", wait=0, must=False)
    ledger.say(bob, ada, "into the void", wait=0, must=False)
    took = lab.wait("a new session", lambda: not ledger.faults(), limit=120)
    lab.info(f"all there after {took:.1f} s")
    ledger.everybody("in the end")


if __name__ == "__main__":
    main()
