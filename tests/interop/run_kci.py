#!/usr/bin/python3
"""Two trials against the real node, played by dissononce.

A9: the attacker has Alice's DN and IK private keys and tries to pose as Bob to Alice
(key compromise impersonation; what happened to Tox in its issue 426).
A12: random handshakes and transport messages in both roles; P2PMSG_INTEROP_RUNS of them
(default 20), P2PMSG_INTEROP_SEED.

P2PMSG_BIN names the binary. Debian packages: python3-dissononce, python3-cryptography.
"""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from real_node import Node, Report, check, missing_packages, own_network  # noqa: E402

if missing_packages():
    print(f"skip run_kci {missing_packages()} is not installed")
    sys.exit(0)

from dissononce.dh.x25519.public import PublicKey  # noqa: E402
from dissononce.dh.x25519.x25519 import X25519DH  # noqa: E402

from peer_bad import all_that_comes  # noqa: E402
from peer_talk import Dialled, acked, start  # noqa: E402
from py_pack import pack  # noqa: E402
from py_peer import *  # noqa: E402, F403

RUNS = int(os.environ.get("P2PMSG_INTEROP_RUNS") or
           (1000 if os.environ.get("P2PMSG_SOAK") else 20))
SEED = int(os.environ.get("P2PMSG_INTEROP_SEED") or random.SystemRandom().getrandbits(32))


# ---- A9 ----

class StolenDH(X25519DH):
    """Diffie-Hellman of somebody who shows Bob's static key and does not have its private
    half: every result it would be needed for is what knowing Alice's key gives."""

    def __init__(self, bob, guess):
        super().__init__()
        self.bob, self.guess = bob, guess

    def dh(self, pair, public):
        return self.guess(pair, public) if pair.public.data == self.bob else \
            super().dh(pair, public)


class Mask:
    """Looks like Bob's key pair."""

    def __init__(self, public, private):
        self.public, self.private = PublicKey(public), private


def guesses(alice, bob, mine):
    """What an attacker can put in place of DH(bob, alice's ephemeral)."""
    dh = X25519DH()
    stolen = dh.generate_keypair(PrivateKey(alice.dn_private))
    own = dh.generate_keypair(PrivateKey(mine))
    dn = bob.fields["dn"]
    return {
        "DH(alice's key, bob)": lambda p, e: dh.dh(stolen, PublicKey(dn)),
        "DH(alice's key, her ephemeral)": lambda p, e: dh.dh(stolen, e),
        "DH(own key, her ephemeral)": lambda p, e: dh.dh(own, e),
        "DH(own key, bob)": lambda p, e: dh.dh(own, PublicKey(dn)),
        "zeros": lambda p, e: bytes(32)}


def as_bob(alice, bob, initiator, guess):
    """A handshake with Bob's real certificate and real static key."""
    h = Handshake(bob, initiator, dh=StolenDH(bob.fields["dn"], guess))
    h.state._s = Mask(bob.fields["dn"], None)
    return h


def pose(node, bob, h):
    """True when Alice takes h for Bob: does not close at once, or answers."""
    if h.initiator:
        sock = Lan.dial(node.port)
        sock.sendall(h.preamble + h.write(b""))
        h.check(h.read(read_message(sock, 608)), node_id_of(node))
        sock.sendall(h.write())
        s = Session(sock, h, node_id_of(node))
        s.say_hello()
        s.say(f"I am {bob.person.id}")
        got, ended = all_that_comes(sock, 1)
        sock.close()
        return bool(got) or not ended
    with Dialled(node, bob) as d:
        sock, _ = d.listener.accept()
        read_exactly(sock, 12)
        h.read(read_message(sock, 32))
        sock.sendall(h.write())
        got, ended = all_that_comes(sock, 1)
        sock.close()
        return bool(got) or not ended


def node_id_of(node):
    return id_parse(node.id)


def not_taken(node, bob, what, h, wrong):
    if pose(node, bob, h):
        wrong.append(what)


def known_bob(node):
    bob = Device()
    s = start(node, bob)
    acked(s, s.say("the real one"))
    s.close()
    return bob


def A9_stolen_key(node):
    """Bob's certificate, Bob's static key, and all that Alice's keys give."""
    alice, bob, wrong = keyfile_read(node.keyfile()), known_bob(node), []
    check(alice.person.id == node.id, "the key file is Alice's")
    for initiator in (True, False):
        for what, guess in guesses(alice, bob, os.urandom(32)).items():
            h = as_bob(alice, bob, initiator, guess)
            not_taken(node, bob, f"{what}, initiator {initiator}", h, wrong)
    check(not wrong, f"Alice took somebody for Bob: {wrong}")
    after(node, bob)


def A9_own_static_key(node):
    """A static key that the attacker has (a fresh one, or Alice's own), with Bob's
    certificate, or with one that claims to be Bob's and is signed by Alice's IK."""
    alice, bob, wrong = keyfile_read(node.keyfile()), known_bob(node), []
    for initiator in (True, False):
        for name, static in (("a fresh key", os.urandom(32)),
                             ("her own", alice.dn_private)):
            eve = Device(Person(), dn=static)
            eve.device_id = bob.device_id
            forged = dict(eve.fields, ik=bob.person.ik, ds=alice.fields["ds"],
                          device_id=bob.device_id)
            body = b"".join(forged.values())
            signed = body + alice.person.key.sign(body) + alice.ds_key.sign(body)
            for what, cert in (("Bob's certificate", bob.certificate()),
                               ("one signed by Alice", signed),
                               ("Alice's certificate", alice.certificate())):
                h = Handshake(bob, initiator, static=static, certificate=cert)
                not_taken(node, bob, f"{name}, {what}, initiator {initiator}", h, wrong)
    check(not wrong, f"Alice took somebody for Bob: {wrong}")
    after(node, bob)


def after(node, bob):
    check(not node.shown(f"I am {bob.person.id}"), "a text of the attacker is shown")
    check(node.state(bob.person.id) != "online", "Bob is shown online")
    check(not node.seen("notice", level="alarm"), "an alarm about Bob")
    s = start(node, bob)  # the real one is as welcome as before
    acked(s, s.say("the real one again"))
    s.close()


def A9_control(node):
    """The attack with Bob's private key succeeds, so the trials above could fail."""
    bob = known_bob(node)
    real = X25519DH().generate_keypair(PrivateKey(bob.dn_private))
    for initiator in (True, False):
        h = as_bob(None, bob, initiator, lambda p, e: X25519DH().dh(real, e))
        check(pose(node, bob, h), f"initiator {initiator}")
    check(node.shown(f"I am {bob.person.id}"), "Bob's text")


# ---- A12 ----

def random_traffic(s, rng, run):
    """Texts of random sizes, several in a record, PINGs and REKEYs in random order."""
    ids = []
    for _ in range(rng.randrange(1, 12)):
        action = rng.randrange(4)
        if action == 0:
            s.rekey()
        elif action == 1:
            s.send(PING, rng.randbytes(8))
        else:
            batch = []
            for _ in range(action - 1):
                ids.append(rng.randbytes(16))
                text = chr(rng.randrange(0x20, 0xD800)) * rng.randrange(1, 1300)
                batch.append(pack([TEXT, ids[-1], s.text_body(f"{run} {text}")]))
            s.send(MSG, b"".join(batch))
    check(s.wait(lambda: len(s.acks) >= len(ids)), f"ACKs; ended {s.ended} {s.closes}")
    check(s.acks == ids and not s.nacks and s.alive(), "not each once, in order")


def A12_random_runs(node):
    rng = random.Random(SEED)
    print(f"# A12: {RUNS} runs each way, seed {SEED}", flush=True)
    for run in range(RUNS):
        me = Device()
        for dialling in (True, False):
            if dialling:
                s = start(node, me)
                random_traffic(s, rng, run)
                s.close()
                continue
            with Dialled(node, me) as d:
                s = d.accept().start()
                random_traffic(s, rng, run)
                s.close()


def main():
    own_network()
    report = Report()
    node = Node("alice")
    try:
        for test in (A9_control, A9_stolen_key, A9_own_static_key, A12_random_runs):
            report.run(test.__name__, test, node)
    finally:
        trouble = node.stop()
        report.run("end_of_alice", check, not trouble, trouble)
        node.remove()
    report.end()


if __name__ == "__main__":
    main()
