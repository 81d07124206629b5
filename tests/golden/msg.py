#!/usr/bin/python3
"""Writes msg.txt: golden vectors for every message, made by python3-msgpack.

A line is: NAME id bytes key=value ...
  id     32 hex digits, or - for a control message
  bytes  the encoded object, hex
  value  a number, true or false, hex of a text or bytes, hex ids joined by commas
The table below is written from the protocol, not from msg_def.h; a name or a key
that one of the two lacks fails the test.

usage: msg.py > msg.txt
"""
import msgpack

LIMIT = 2**53 - 1


def id16(n):
    return bytes((n + i) & 255 for i in range(16))


def ids(n):
    return [id16(i) for i in range(n)]


# (name, number, has an id, [body ...])
MESSAGES = [
    ("HELLO", 1, False, [
        {2: "ann"},
        {2: ""},
        {2: "Zoë 🦊", 3: bytes(range(200)), 4: 1767225600123, 5: 7117,
         6: "out for lunch", 7: True},
        {2: "n" * 64, 3: b"", 4: 0, 5: 0, 6: "", 7: False},
        {2: "é" * 32, 3: b"\xff" * 896, 4: LIMIT, 5: 65535, 6: "s" * 140, 7: True},
        {2: "x", 5: 1024},
    ]),
    ("ACK", 2, False, [{0: ids(1)}, {0: ids(3)}, {0: ids(15)}, {0: ids(16)},
                       {0: ids(256)}]),
    ("NACK", 3, False, [
        {0: id16(7), 1: 1},
        {0: id16(7), 1: 6, 2: 3600},
        {0: id16(255), 1: 65535, 2: LIMIT},
    ]),
    ("PROFILE", 4, False, [
        {0: "bob"},
        {0: "bob", 1: "busy", 2: True},
        {0: "", 1: "", 2: False},
        {0: "b" * 64, 1: "日" * 46, 2: False},
    ]),
    ("DEVLIST", 5, False, [{0: b"\0"}, {0: bytes(range(256)) * 3 + bytes(128)}]),
    ("SAS_COMMIT", 6, False, [{0: bytes(range(32))}, {0: b"\xff" * 32}]),
    ("SAS_NONCE", 7, False, [{0: bytes(range(1, 33))}]),
    ("SAS_REVEAL", 8, False, [{0: bytes(range(2, 34))}]),
    ("SAS_RESULT", 9, False, [{0: True}, {0: False}]),
    ("TEXT", 16, True, [
        {0: id16(1), 1: 0, 2: 0, 3: "a"},
        {0: id16(1), 1: 1767225600123, 2: 127, 3: "hello", 6: 0},
        {0: id16(2), 1: 128, 2: 255, 3: "t" * 31, 6: 1},
        {0: id16(2), 1: 256, 2: 65535, 3: "t" * 32},
        {0: id16(3), 1: 65536, 2: 2**32 - 1, 3: "t" * 255},
        {0: id16(3), 1: 2**32, 2: LIMIT, 3: "t" * 256},
        {0: id16(4), 1: LIMIT, 2: 1, 3: "line\nline\ttab \u202e bidi \U0010ffff"},
        {0: id16(5), 1: 1, 2: 1, 3: "m" * 16000, 6: 1},
        {0: id16(6), 1: 2, 2: 3, 3: "a reply", 4: id16(9), 5: bytes(range(32))},
        {0: id16(6), 1: 2, 2: 3, 3: "gone in a minute", 27: 60},
        {0: id16(6), 1: LIMIT, 2: LIMIT, 3: "all", 4: id16(255), 5: b"\xff" * 32, 6: 1,
         27: 2419200},
    ]),
    ("EDIT", 17, True, [
        {0: id16(1), 1: 0, 2: 0, 3: id16(16), 4: "b"},
        {0: id16(1), 1: 1767225600123, 2: LIMIT, 3: id16(32), 4: "é" * 8000},
    ]),
    ("DELETE", 18, True, [
        {0: id16(1), 1: 0, 2: 0, 3: id16(16)},
        {0: id16(1), 1: LIMIT, 2: LIMIT, 3: b"\xff" * 16},
    ]),
    ("REACTION", 19, True, [
        {0: id16(1), 1: 1, 2: 1, 3: id16(16), 4: "👍", 5: bytes(range(32))},
        {0: id16(1), 1: 1, 2: 2, 3: id16(16), 4: "", 5: bytes(32)},
        {0: id16(1), 1: LIMIT, 2: LIMIT, 3: id16(16), 4: "r" * 32, 5: b"\xff" * 32},
    ]),
    ("RECEIPT", 20, True, [
        {0: id16(1), 1: 1, 2: 1, 3: 1, 4: ids(1)},
        {0: id16(1), 1: LIMIT, 2: LIMIT, 3: 2, 4: ids(256)},
    ]),
    ("TYPING", 21, True, [
        {0: id16(1), 1: 1, 2: 1, 3: True},
        {0: id16(1), 1: LIMIT, 2: LIMIT, 3: False},
    ]),
]


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, bytes):
        return value.hex()
    return ",".join(v.hex() for v in value)


def main():
    for name, number, has_id, bodies in MESSAGES:
        for n, body in enumerate(bodies):
            oid = id16(16 * n) if has_id else None
            packed = msgpack.packb([number, oid, body], use_bin_type=True)
            fields = [f"{k}={text(v)}" for k, v in body.items()]
            print(name, oid.hex() if oid else "-", packed.hex(), *fields)


main()
