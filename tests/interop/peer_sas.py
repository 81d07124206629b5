"""Tests of run_peer.py: comparing keys, after TRUST of the manual page."""

import hashlib
import json
import os
import subprocess

import peer_talk
from py_peer import *  # noqa: F403
from real_node import BIN, check, until

SAS_COMMIT, SAS_NONCE, SAS_REVEAL, SAS_RESULT = 6, 7, 8, 9


def start(node, me=None):
    """By a name that nobody else here has."""
    return peer_talk.start(node, me, {"f2": "sas " + os.urandom(8).hex()})


def own_ik(s):
    return s.me.person.ik


def their_ik(s):
    return s.h.their_cert["ik"]


# ---- what both sides can work out ----

def side(ik):
    key = b"\x0e" + ik
    h = bytes(2) + key + b2b(32, "p2pmsg-nodeid-v1", ik)
    for _ in range(5200):
        h = hashlib.sha512(h + key).digest()
    return "".join("%05d" % (int.from_bytes(h[i : i + 5], "big") % 100000)
                   for i in range(0, 30, 5))


def number(one, two):
    digits = "".join(sorted([side(one), side(two)]))
    return " ".join(digits[i : i + 5] for i in range(0, 60, 5))


def numbers(h, ik_a, ik_b, nonce_a, nonce_b):
    value = b2b(32, "p2pmsg-saskey-v1", h + ik_a + ik_b + nonce_a + nonce_b)
    bits = int.from_bytes(value[:5], "big") >> 1
    return " ".join(str(1000 + (bits >> at & 8191)) for at in (26, 13, 0))


def commitment(nonce, ik_a, ik_b):
    return b2b(32, "p2pmsg-sascom-v1", nonce + ik_a + ik_b)


# ---- one side of a run ----

class Verify:
    """`p2pmsg verify` of the node, under way."""

    def __init__(self, node, who):
        self.process = subprocess.Popen(
            [BIN, "verify", who, "--json"], env=node.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)

    def end(self):
        out, _ = self.process.communicate(timeout=30)
        return {line["type"]: line for line in map(json.loads, out.splitlines())}


def receive(s, type_):
    """The field of the next message of this type."""
    check(s.wait(lambda: any(t == type_ for t, _ in s.ctrls)), f"CTRL {type_} missing")
    at = next(i for i, (t, _) in enumerate(s.ctrls) if t == type_)
    return s.ctrls.pop(at)[1][0]


def shown(node, who):
    """The numbers that the node's people see."""
    until("words", lambda: node.seen("sas", peer=who, state="compare"))
    return node.seen("sas", peer=who, state="compare")[-1]["numbers"]


def trust(node, who):
    return node.ask("whois", who)[0]["trust"]


# ---- tests ----

def words_that_the_node_begins(node):
    s = start(node)
    asked = Verify(node, s.me.person.id)
    committed = receive(s, SAS_COMMIT)
    mine = os.urandom(32)
    s.ctrl(SAS_NONCE, {0: mine})
    theirs = receive(s, SAS_REVEAL)
    check(committed == commitment(theirs, their_ik(s), own_ik(s)), "the commitment")
    got = asked.end()
    want = numbers(s.h.hash(), their_ik(s), own_ik(s), theirs, mine)
    check(got["sas"]["numbers"] == want, f"{got['sas']} instead of {want}")
    check(len(got["sas"]["words"].split()) == 5, f"{got['sas']}")
    check(got["safety"]["number"] == number(own_ik(s), their_ik(s)),
          f"safety number {got['safety']}")
    node.ask("verify", s.me.person.id, "yes")
    check(receive(s, SAS_RESULT) is True, "the answer of the node")
    check(trust(node, s.me.person.id) == "verified", "not verified")
    s.close()


def words_that_we_begin(node):
    s = start(node)
    mine = os.urandom(32)
    s.ctrl(SAS_COMMIT, {0: commitment(mine, own_ik(s), their_ik(s))})
    theirs = receive(s, SAS_NONCE)
    check(not node.seen("sas", peer=s.me.person.id), "words before the reveal")
    s.ctrl(SAS_REVEAL, {0: mine})
    want = numbers(s.h.hash(), own_ik(s), their_ik(s), mine, theirs)
    check(shown(node, s.me.person.id) == want, f"not {want}")
    s.ctrl(SAS_RESULT, {0: True})
    s.alive()
    check(trust(node, s.me.person.id) == "unverified", "our word was enough")
    s.close()


def a_broken_commitment(node):
    s = start(node)
    mine = os.urandom(32)
    s.ctrl(SAS_COMMIT, {0: commitment(mine, own_ik(s), their_ik(s))})
    receive(s, SAS_NONCE)
    s.ctrl(SAS_REVEAL, {0: os.urandom(32)})
    check(receive(s, SAS_RESULT) is False, "no refusal")
    until("the alarm", lambda: node.seen("notice", level="alarm", peer=s.me.person.id))
    check(trust(node, s.me.person.id) == "changed", "not red")
    s.close()


def somebody_in_between(ann, bea):
    """Poses as bea to ann and as ann to bea, and passes on what can be passed on."""
    me = Device()
    to_ann, to_bea = start(ann, me), start(bea, me)
    asked = Verify(ann, me.person.id)
    receive(to_ann, SAS_COMMIT)
    mine = os.urandom(32)  # what ann has committed to is not known yet
    to_bea.ctrl(SAS_COMMIT, {0: commitment(mine, own_ik(to_bea), their_ik(to_bea))})
    nonce_bea = receive(to_bea, SAS_NONCE)
    to_ann.ctrl(SAS_NONCE, {0: nonce_bea})
    nonce_ann = receive(to_ann, SAS_REVEAL)
    to_bea.ctrl(SAS_REVEAL, {0: mine})
    at_ann, at_bea = asked.end()["sas"]["numbers"], shown(bea, me.person.id)
    check(at_ann != at_bea, "the same words with somebody in between")
    want = numbers(to_ann.h.hash(), their_ik(to_ann), own_ik(to_ann), nonce_ann, nonce_bea)
    check(at_ann == want, "words that nobody can have worked out")
    check(number(their_ik(to_ann), own_ik(to_ann)) !=
          number(their_ik(to_bea), own_ik(to_bea)), "the same safety number")
    ann.ask("verify", me.person.id, "no")
    check(receive(to_ann, SAS_RESULT) is False, "ann's no")
    to_bea.ctrl(SAS_RESULT, {0: True})  # and it lies
    bea.ask("verify", me.person.id, "no")
    for node in (ann, bea):
        check(trust(node, me.person.id) == "changed", f"{node.nick} saw nothing")
        until("alarms", lambda n=node: n.seen("notice", level="alarm", peer=me.person.id))
    to_ann.close()
    to_bea.close()


def the_reveal_of_another(ann, bea):
    """Ann's own nonce given to bea breaks the commitment made before it was known."""
    me = Device()
    to_ann, to_bea = start(ann, me), start(bea, me)
    asked = Verify(ann, me.person.id)
    committed = receive(to_ann, SAS_COMMIT)
    to_bea.ctrl(SAS_COMMIT, {0: committed})  # as it came
    to_ann.ctrl(SAS_NONCE, {0: receive(to_bea, SAS_NONCE)})
    to_bea.ctrl(SAS_REVEAL, {0: receive(to_ann, SAS_REVEAL)})
    check(receive(to_bea, SAS_RESULT) is False, "bea has taken it")
    check(trust(bea, me.person.id) == "changed", "bea saw nothing")
    asked.end()
    ann.ask("verify", me.person.id, "no")
    to_ann.close()
    to_bea.close()


ALONE = (words_that_the_node_begins, words_that_we_begin, a_broken_commitment)
BETWEEN = (somebody_in_between, the_reveal_of_another)
