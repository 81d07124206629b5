#!/usr/bin/python3
"""Writes bulk.txt: golden vectors of bulk connections, made without any code of ours:
python3-dissononce for the handshake, python3-cryptography for the records,
python3-msgpack for what is in them, hashlib for the bulk id.

Lines of two words, NAME HEX: token, hash (h of the session), e_dialler, e_listener
(ephemeral private keys), bulk_id, opening, answer. Then
  record FROM TYPE HEX key=value ...   a whole frame; FROM is sender or receiver (of the
                                       files; the sender has dialled); in the order of
                                       their counters, and a transfer that is allowed
  body TYPE HEX key=value ...          what stands behind the type, at the edges
value is a number, or the hex of a text or bytes. BYTES and HOLE have the key 0.
Written from the protocol, not from wire/bulk_body.c.

usage: bulk.py > bulk.txt
"""
import hashlib
import sys
from pathlib import Path

import msgpack
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))

import dissononce_peer as peer  # noqa: E402
from dissononce.dh.x25519.private import PrivateKey  # noqa: E402

ENTRY, BYTES, END, DURABLE, STOP, HOLE = 1, 2, 3, 4, 5, 6
NAMES = {ENTRY: "ENTRY", BYTES: "BYTES", END: "END", DURABLE: "DURABLE", STOP: "STOP",
         HOLE: "HOLE"}
NUMBER_MAX = 2**53 - 1


def drawn(what, n=32):
    return hashlib.shake_256(b"bulk/" + what.encode()).digest(n)


class Fixed(peer.Peer):
    """With a known ephemeral, which dissononce draws by itself otherwise."""

    def start(self, job):
        super().start(job)
        dh = self.state._dh
        e = dh.generate_keypair(PrivateKey(job["e"]))
        dh.generate_keypair = lambda privatekey=None: e


class Direction:
    def __init__(self, key):
        self.aead, self.n = ChaCha20Poly1305(key), 0

    def frame(self, kind, body):
        nonce = bytes(4) + self.n.to_bytes(8, "little")
        sealed = self.aead.encrypt(nonce, bytes([kind]) + body, b"")
        self.n += 1
        return len(sealed).to_bytes(2, "big") + sealed


def body_of(kind, value):
    if kind == BYTES:
        return value
    if kind == HOLE:
        return value.to_bytes(8, "big")
    return msgpack.packb(value, use_bin_type=True)


def fields_of(kind, value):
    if kind in (BYTES, HOLE):
        value = {0: value}
    for k, v in value.items():
        if isinstance(v, str):
            v = v.encode()
        yield f"{k}={v.hex() if isinstance(v, bytes) else v}"


# A folder: begun before 1970, with a hole, a file that changed while it was sent, a
# sign of life in between.
TRANSFER = [
    ("receiver", DURABLE, {0: 0, 1: 0}),
    ("sender", ENTRY, {0: "photos", 1: 1, 3: -1, 4: 1}),
    ("sender", ENTRY, {0: "photos/Zoë 🦊.jpg", 1: 0, 2: 1000, 3: 1767225600123456789,
                       4: 0}),
    ("sender", BYTES, drawn("file", 700)),
    ("sender", BYTES, b""),
    ("sender", BYTES, drawn("rest", 300)),
    ("sender", ENTRY, {0: "photos/sparse", 1: 0, 2: 2**33, 3: -2**63, 4: 1}),
    ("sender", HOLE, 2**33 - 5),
    ("receiver", DURABLE, {0: 2, 1: 4096}),
    ("sender", BYTES, b"tail."),
    ("sender", ENTRY, {0: "photos/sparse", 1: 0, 2: 5, 3: 2**63 - 1, 4: 0}),
    ("sender", BYTES, b"again"),
    ("sender", ENTRY, {0: "photos/void", 1: 0, 2: 0, 3: 0, 4: 0}),
    ("sender", END, {0: 4, 1: 1005, 2: drawn("digest")}),
    ("receiver", DURABLE, {0: 4, 1: 0}),
    ("sender", STOP, {0: 13, 1: "shutting down"}),
    ("receiver", STOP, {0: 12}),
]

TIMES = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, -1, -32,
         -33, -128, -129, -32768, -32769, -2**31, -2**31 - 1, -2**63]

BODIES = [(ENTRY, {0: "t", 1: 0, 2: 1, 3: time, 4: 0}) for time in TIMES] + [
    (ENTRY, {0: "", 1: 0, 3: 0, 4: 0}),
    (ENTRY, {0: "p" * 4096, 1: 0, 2: NUMBER_MAX, 3: 5, 4: 1}),
    (ENTRY, {0: "d/e", 1: 1, 3: 5, 4: 0}),
    (END, {0: 0, 1: 0}),
    (END, {0: NUMBER_MAX, 1: NUMBER_MAX, 2: b"\xff" * 32}),
    (DURABLE, {0: 0, 1: 0}),
    (DURABLE, {0: NUMBER_MAX, 1: NUMBER_MAX}),
    (STOP, {0: 1, 1: ""}),
    (STOP, {0: 65535, 1: "é" * 32}),
    (STOP, {0: 10}),
    (HOLE, 1),
    (HOLE, NUMBER_MAX),
]


def main():
    token, session_hash = drawn("token"), drawn("h", 64)
    bulk_id = hashlib.blake2b(token, digest_size=16, person=b"p2pmsg-bulkid-v1").digest()
    preamble = b"P2PM" + bytes([1, 1, 3, 0, 0, 0, 0, 0])
    ends = {}
    for who, initiator in (("dialler", True), ("listener", False)):
        ends[who] = Fixed()
        ends[who].start({
            "base": "NN", "places": [0], "initiator": initiator,
            "prologue": b"p2pmsg-noise-v1\0" + preamble + bulk_id + session_hash,
            "s": None, "rs": None, "e": drawn(who), "psks": [token],
        })
    msg1 = ends["dialler"].write(b"")
    assert ends["listener"].read(msg1) == b""
    msg2 = ends["listener"].write(b"")
    assert ends["dialler"].read(msg2) == b""
    frame = lambda m: len(m).to_bytes(2, "big") + m  # noqa: E731
    for name, value in (("token", token), ("hash", session_hash),
                        ("e_dialler", drawn("dialler")), ("e_listener", drawn("listener")),
                        ("bulk_id", bulk_id), ("opening", preamble + bulk_id + frame(msg1)),
                        ("answer", frame(msg2))):
        print(name, value.hex())
    ciphers = ends["dialler"].ciphers
    keys = {"sender": Direction(ciphers[0]._key), "receiver": Direction(ciphers[1]._key)}
    for who, kind, value in TRANSFER:
        wire = keys[who].frame(kind, body_of(kind, value))
        print("record", who, NAMES[kind], wire.hex(), *fields_of(kind, value))
    for kind, value in BODIES:
        print("body", NAMES[kind], body_of(kind, value).hex(), *fields_of(kind, value))


main()
