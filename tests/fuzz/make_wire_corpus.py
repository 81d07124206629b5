#!/usr/bin/python3
"""Writes the seeds of fuzz_pack, fuzz_msg, fuzz_frame and fuzz_chan below
tests/fuzz/corpus: from tests/golden/msg.txt and, for the encodings of kawanet's
suite, from the folder of vectors (P2PMSG_VECTORS). The seeds are committed; run this
when a message is added or a format changes.

usage: make_wire_corpus.py
"""

import hashlib
import json
import os
import struct
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
VECTORS = Path(os.environ.get("P2PMSG_VECTORS", TESTS.parent.parent / "shared" / "vectors"))
CTRL, MSG, PING, PONG, REKEY, CLOSE = range(1, 7)


def put(target, name, data):
    folder = TESTS / "fuzz" / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def golden():
    """(name, kind, bytes) of the shorter golden vectors."""
    count = {}
    for line in (TESTS / "golden" / "msg.txt").read_text().splitlines():
        name, oid, packed = line.split(" ", 3)[:3]
        count[name] = count.get(name, 0) + 1
        if len(packed) < 1600:
            kind = CTRL if oid == "-" else MSG
            yield f"{name.lower()}_{count[name]}", kind, bytes.fromhex(packed)


def suite():
    """The shortest and the longest encoding of each value of kawanet's suite."""
    path = VECTORS / "msgpack" / "msgpack-test-suite.json"
    for entries in json.loads(path.read_text()).values():
        for entry in entries:
            for encoding in {entry["msgpack"][0], entry["msgpack"][-1]}:
                yield bytes.fromhex(encoding.replace("-", ""))


def pack_seeds():
    for name, _, data in golden():
        put("pack", name, data)
    for data in suite():
        put("pack", "suite_" + hashlib.sha256(data).hexdigest()[:12], data)
    for name, data in {
        "bomb_array32": "ddffffffff", "bomb_map32": "df0fffffff", "bomb_bin": "c6ffffffff",
        "bomb_nested": "dcffff" * 31, "deep": "91" * 33 + "00", "nils": "dc0400" + "c0" * 1024,
        "maps": "8100" * 4 + "80", "overlong": "a2c0af", "surrogate": "a3eda080",
    }.items():
        put("pack", name, bytes.fromhex(data))


def msg_seeds():
    texts = b""
    for name, kind, data in golden():
        put("msg", name, bytes([kind]) + data)
        if kind == MSG:
            texts += data
    put("msg", "several", bytes([MSG]) + texts)
    head = "9310c41030313233343536373839616263646566"
    body = "00c4103031323334353637383961626364656601000200"
    put("msg", "other_kind", b"\x24" + bytes.fromhex("937ec410303132333435363738396162636465668100913132"))
    for name, data in {
        "unknown": "937ec4103031323334353637383961626364656681" "0091a161",
        "critical": head + "85" + body + "03a1612000",
        "ignored": head + "85" + body + "03a1611f91a0",
        "no_text": head + "83" + body,
        "empty_text": head + "84" + body + "03a0",
    }.items():
        put("msg", name, bytes([MSG]) + bytes.fromhex(data))


def record(kind, payload=b"", flags=0, size=None):
    plain = struct.pack(">BBH", kind, flags, len(payload)) + payload
    bucket = 64
    while bucket < len(plain):
        bucket *= 2
    return plain.ljust(size or bucket, b"\0")


def framed(body):
    return struct.pack(">H", len(body)) + body


def frame_seeds():
    limits = struct.pack(">HH", 64, 16384)
    put("frame", "record", limits + framed(record(MSG, b"hello")))
    put("frame", "two", limits + framed(record(MSG, b"x" * 100)) + framed(record(PING, b"12345678")))
    put("frame", "bare_record", record(CTRL, b"y" * 60))
    put("frame", "bad_padding", record(MSG, b"hello")[:-1] + b"\1")
    put("frame", "bad_length", limits + b"\xff\xff")
    put("frame", "empty", struct.pack(">HH", 0, 0) + framed(b""))
    put("frame", "exact", struct.pack(">HH", 32, 32) + framed(bytes(32)))


def chan_seeds():
    preamble = b"P2PM\1\0" + bytes(6)
    for name, data in {
        "preamble": preamble, "msg1": preamble + framed(b"\x09" + bytes(31)),
        "msg3": preamble + framed(b"\x09" + bytes(31)) + framed(bytes(576)),
        "low_order": preamble + framed(bytes(32)), "major": b"P2PM\2" + bytes(7),
        "pattern": b"P2PM\1\1" + bytes(6), "http": b"GET / HTTP/1.1\r\n",
        "long_length": preamble + b"\xff\xff",
    }.items():
        put("chan", "responder_" + name, b"r" + data)
    for name, data in {
        "msg2": framed(b"\x09" + bytes(607)), "refusal": b"P2PE\2\4\2" + bytes(5),
        "bad_refusal": b"P2PE\4\2\2" + bytes(5), "long_length": b"\2\x61",
    }.items():
        put("chan", "initiator_" + name, b"i" + data)
    plains = {
        "all": [record(CTRL, b"c"), record(MSG, b"m"), record(PING, b"12345678"),
                record(PONG, b"12345678"), record(REKEY), record(MSG, b"n" * 300),
                record(0x80, b"?"), record(CLOSE, b"\0\1bye"), record(MSG, b"late")],
        "flags": [record(MSG, b"m", flags=1)],
        "unknown": [record(7, b"x")],
        "larger_padding": [record(MSG, b"m", size=256)],
        "bad_padding": [record(MSG, b"m")[:-1] + b"x"],
        "no_size": [bytes(65)],
        "short": [b""],
        "close_utf8": [record(CLOSE, b"\0\1\xff")],
        "ping_7": [record(PING, b"1234567")],
        "largest": [record(MSG, b"z" * 16380)],
    }
    for name, records in plains.items():
        put("chan", "plain_" + name, b"p" + b"".join(framed(r) for r in records))
    send_ctrl, send_msg, ping, pong, rekey, move, later, close = 0, 1, 2, 3, 4, 5, 30, 31
    scripts = {
        "talk": [(0, send_msg, 5), (1, send_msg, 50), (0, move, 60), (1, move, 10),
                 (0, ping, 0), (0, move, 9999), (1, pong, 0)],
        "rekey": [(0, send_msg, 5), (0, rekey, 0), (0, send_msg, 6), (1, later, 1000),
                  (1, send_ctrl, 7), (0, later, 1000), (0, send_msg, 8)],
        "close": [(0, send_msg, 5), (0, close, 13), (1, send_msg, 9), (0, move, 82)],
        "large": [(0, send_msg, 16380), (0, move, 1), (0, send_msg, 16380), (1, rekey, 0),
                  (1, send_msg, 12000)],
    }
    for name, steps in scripts.items():
        data = b"".join(struct.pack(">BH", what << 1 | who, n) for who, what, n in steps)
        put("chan", "script_" + name, b"s" + data)


pack_seeds()
msg_seeds()
frame_seeds()
chan_seeds()
