#!/usr/bin/python3
"""Writes the seeds of fuzz_cert, fuzz_devlist, fuzz_uri and fuzz_keyfile below
tests/fuzz/corpus, from tests/golden/crypto.json. The seeds are committed; run this
when a format changes.

usage: make_crypto_corpus.py
"""

import json
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
GOLDEN = json.loads((TESTS / "golden" / "crypto.json").read_text())


def put(target, name, data):
    folder = TESTS / "fuzz" / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def changed(data, at, value):
    return data[:at] + value + data[at + len(value) :]


def golden(group, name):
    return bytes.fromhex(GOLDEN[group][name])


def certs():
    cert = golden("identity", "cert")
    put("cert", "first", cert)
    put("cert", "second", golden("identity", "second_cert"))
    put("cert", "serial_zero", changed(cert, 166, bytes(8)))
    put("cert", "flags", changed(cert, 174, bytes([0, 0, 0, 1])))
    put("cert", "short", cert[:-1])
    put("cert", "long", cert + b"\0")


def devlists():
    one = golden("identity", "devlist")
    two = golden("identity", "second_devlist")
    entries = b"".join(bytes([i]) * 48 for i in range(16))
    put("devlist", "one", one)
    put("devlist", "two", two)
    put("devlist", "sixteen", changed(two, 62, b"\0\x10")[:64] + entries + bytes(64))
    put("devlist", "seventeen", changed(two, 62, b"\0\x11")[:64] + entries + b"\xff" * 112)
    put("devlist", "twice", two[:64] + two[64:112] * 2 + two[-64:])
    put("devlist", "none", changed(two, 62, b"\0\0")[:64] + two[-64:])
    put("devlist", "version_zero", changed(one, 54, bytes(8)))
    put("devlist", "many_said", changed(one, 62, b"\xff\xff"))


def uris():
    compact = GOLDEN["node_ids"][0]["compact"]
    put("uri", "plain", f"p2pmsg:{compact}".encode())
    put("uri", "ip4", f"p2pmsg:{compact}@192.0.2.1:7117".encode())
    put("uri", "ip6", f"p2pmsg:{compact}@[fe80::1%eth0]:7117".encode())
    put("uri", "upper", f"P2PMSG:{compact.upper()}@HOST".encode())
    put("uri", "empty_host", f"p2pmsg:{compact}@".encode())
    put("uri", "typo", f"p2pmsg:{'a' + compact[1:]}@host".encode())
    put("uri", "spare_bits", f"p2pmsg:{compact[:51]}7{compact[52:]}".encode())
    put("uri", "text", GOLDEN["node_ids"][0]["text"].encode())
    put("uri", "base32", compact[:52].encode())


def keyfiles():
    whole = golden("keyfile", "open")
    put("keyfile", "open", whole)
    put("keyfile", "sealed", golden("keyfile", "sealed"))
    put("keyfile", "newer", golden("keyfile", "newer"))
    put("keyfile", "header", whole[:68])
    names = golden("identity", "second_devlist")
    secret = golden("identity", "secret")
    put("keyfile", "body", secret + len(names).to_bytes(2, "big") + names)
    put("keyfile", "body_long_list", secret + b"\xff\xff" + names)
    put("keyfile", "body_no_list", secret + b"\0\0")


certs()
devlists()
uris()
keyfiles()
