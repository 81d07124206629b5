#!/usr/bin/python3 -B
"""People who know each other meet again by the addresses they remember, on a network
that lets no multicast through."""

from lab import check
from node import Ledger, Node, all_see_all
from trial import main, trial

SOON_S = 3  # what people are promised
HANG_S = 30


def block_multicast(lan):
    """Broadcasts still pass, so IPv4 finds its neighbours."""
    for port in range(1, lan.ports + 1):
        lan.lab.run(["bridge", "-n", lan.ns, "link", "set", "dev", f"p{port}",
                     "mcast_flood", "off"])


def friends(lab):
    """Two who have met and written to each other, both gone now; and a third, whom
    they have never met. Nobody can be heard any more."""
    lan = lab.lan()
    ada, bob, cid = (Node(lab.host(n, lan, family="4"), n) for n in ("ada", "bob", "cid"))
    ada.start()
    bob.start()
    all_see_all(lab, [ada, bob])
    ledger = Ledger(lab, [ada, bob])
    ledger.everybody("before")
    ada.stop()
    bob.stop()
    block_multicast(lan)
    cid.start()
    return ada, bob, cid, ledger


def meet_again(lab, first, second, ledger, cid, why):
    first.start()
    lab.sleep(1, "the second one")
    second.start()
    took = lab.wait(f"they are online {why}", lambda: first.sees(second) and
                    second.sees(first), limit=HANG_S, step=0.05)
    lab.info(f"online {took:.2f} s after the start of the second one, {why}"
             + ("" if took < SOON_S else ": LATER than promised"))
    ledger.everybody(why)
    check(cid.id not in first.peers(), "multicast is not blocked: the trial is not one")
    return took


@trial(limit=120)
def remembered_addresses_bring_together(lab):
    ada, bob, cid, ledger = friends(lab)
    took = meet_again(lab, ada, bob, ledger, cid, "again")
    check(took < SOON_S, f"after {took:.1f} s, and not {SOON_S}")
    ada.kill()
    bob.kill()
    took = meet_again(lab, bob, ada, ledger, cid, "after both were killed")
    check(took < SOON_S, f"after {took:.1f} s, and not {SOON_S}")


@trial(limit=150)
def one_remembered_address_is_enough(lab):
    """Bob has another address now. Ada cannot know, but he knows where she is."""
    ada, bob, cid, ledger = friends(lab)
    host = bob.host
    host.ip("addr", "flush", "dev", "eth0")
    host.ip("addr", "add", "10.77.0.99/24", "broadcast", "+", "dev", "eth0")
    took = meet_again(lab, ada, bob, ledger, cid, "from a new address")
    check(took < SOON_S, f"after {took:.1f} s, and not {SOON_S}")
    address = ada.peers()[bob.id]["address"]
    check("10.77.0.99" in address, f"Bob is said to be at {address}")
    # Now she has seen his new address, and finds him there when he was first.
    ada.stop()
    bob.stop()
    took = meet_again(lab, bob, ada, ledger, cid, "where he was seen last")
    check(took < SOON_S, f"after {took:.1f} s, and not {SOON_S}")


@trial(limit=150)
def who_was_first_dials_again(lab):
    """Ada is the second, and all she knows of Bob is old: it is his turn."""
    ada, bob, cid, ledger = friends(lab)
    bob.host.ip("addr", "flush", "dev", "eth0")
    bob.host.ip("addr", "add", "10.77.0.99/24", "broadcast", "+", "dev", "eth0")
    meet_again(lab, bob, ada, ledger, cid, "where nobody looks")


if __name__ == "__main__":
    main()
