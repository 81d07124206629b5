#!/usr/bin/python3
"""Makes tests/golden/noise.json with python3-dissononce: every pattern, each with
several psk modifiers at once, which no published file has. The form is that of
cacophony's vectors. Run it only when the choice changes; the result is committed.

usage: make_noise.py > noise.json
"""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))

import dissononce_peer as peer  # noqa: E402
from dissononce.dh.x25519.private import PrivateKey  # noqa: E402


def drawn(*words, n=32):
    return hashlib.shake_256("/".join(map(str, words)).encode()).digest(n)


class Fixed(peer.Peer):
    """With a known ephemeral, which dissononce draws by itself otherwise."""

    def start(self, job):
        super().start(job)
        dh = self.state._dh
        e = dh.generate_keypair(PrivateKey(job["e"]))
        dh.generate_keypair = lambda privatekey=None: e


def side(name, base, places, initiator):
    has_s, needs_rs = peer.keys_of(base, initiator)
    s = {who: drawn(name, "s", who) for who in (True, False)}
    return {
        "base": base,
        "places": places,
        "initiator": initiator,
        "prologue": drawn(name, "prologue", n=20),
        "s": s[initiator] if has_s else None,
        "rs": peer.x25519_public(s[not initiator]) if needs_rs else None,
        "e": drawn(name, "e", initiator),
        "psks": [drawn(name, "psk", place) for place in places],
    }


def vector(base, places):
    name = base + "+".join(f"psk{place}" for place in places)
    ends, out = {}, {"protocol_name": f"Noise_{name}_25519_ChaChaPoly_BLAKE2b"}
    n = peer.messages_of(base)
    for initiator, prefix in ((True, "init"), (False, "resp")):
        job = side(name, base, places, initiator)
        out[f"{prefix}_prologue"] = job["prologue"].hex()
        out[f"{prefix}_psks"] = [psk.hex() for psk in job["psks"]]
        out[f"{prefix}_ephemeral"] = job["e"].hex()
        for key, field in (("s", "static"), ("rs", "remote_static")):
            if job[key]:
                out[f"{prefix}_{field}"] = job[key].hex()
        ends[initiator] = Fixed()
        ends[initiator].start(job)
    messages = []
    for i in range(n + 2):
        payload = drawn(name, "payload", i, n=5 + 3 * i)
        writer = n == 1 or i % 2 == 0
        if i < n:
            message = ends[writer].write(payload)
            assert ends[not writer].read(message) == payload
        else:
            message = ends[writer].seal(payload)
            assert ends[not writer].open(message) == payload
        messages.append({"payload": payload.hex(), "ciphertext": message.hex()})
        if i == n - 1:
            out["handshake_hash"] = ends[True].handshake_hash().hex()
    out["messages"] = messages
    return out


def main():
    vectors = []
    for i, base in enumerate(peer.PATTERNS):
        # One psk for each message at most: dissononce has no psk0 beside psk1.
        n = peer.messages_of(base)
        first = [i % 2] if n > 1 or i % 2 == 0 else [1]
        vectors.append(vector(base, first + list(range(2, n + 1))))
    print(json.dumps({"vectors": vectors}, indent=1))


main()
