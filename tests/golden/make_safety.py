#!/usr/bin/python3
"""Computes tests/golden/safety.json with hashlib alone: sides of safety numbers
(two of them published by others), safety numbers, the commitment and the value of runs of short words, and their three numbers. Run it only when a
definition changes; the result is committed.

usage: make_safety.py > safety.json
"""
import base64
import hashlib
import json


def b2b(label, data, n):
    assert len(label) == 16
    return hashlib.blake2b(data, digest_size=n, person=label.encode()).digest()


def key(n):
    return hashlib.sha256(b"key %d" % n).digest()


def base32(data):
    return base64.b32encode(data).decode().rstrip("=")


def side(version, iterations, key, ident):
    h = version.to_bytes(2, "big") + key + ident
    for _ in range(iterations):
        h = hashlib.sha512(h + key).digest()
    groups = [int.from_bytes(h[i:i + 5], "big") % 100000 for i in range(0, 30, 5)]
    return "".join(f"{g:05}" for g in groups)


def own_side(ik):
    return side(0, 5200, b"\x0e" + ik, b2b("p2pmsg-nodeid-v1", ik, 32))


# What Signal's own tests have for these keys and numbers, as published with its library.
SIGNAL = [
    ("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868",
     "+14152222222", "300354477692869396892869876765"),
    ("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b",
     "+14153333333", "458257569162576843440918079131"),
]


def published(key, ident, digits):
    assert side(0, 5200, bytes.fromhex(key), ident.encode()) == digits
    return {"version": 0, "iterations": 5200, "key": key, "id": ident.encode().hex(),
            "digits": digits}


def made(n):
    ident, iterations = key(n)[:n], 1 + 37 * n
    return {"version": n, "iterations": iterations, "key": key(n).hex(),
            "id": ident.hex(), "digits": side(n, iterations, key(n), ident)}


def number(a, b):
    digits = "".join(sorted([own_side(a), own_side(b)]))
    text = " ".join(digits[i:i + 5] for i in range(0, 60, 5))
    code = f"P2PMSG-VERIFY-1:{base32(a)}:{base32(b)}"
    return {"a": a.hex(), "b": b.hex(), "number": text, "code": code}


def run(ik_a, ik_b, nonce_a, nonce_b, h):
    value = b2b("p2pmsg-saskey-v1", h + ik_a + ik_b + nonce_a + nonce_b, 32)
    bits = "".join(f"{byte:08b}" for byte in value)
    numbers = [1000 + int(bits[i:i + 13], 2) for i in (0, 13, 26)]
    return {
        "ik_a": ik_a.hex(), "ik_b": ik_b.hex(), "hash": h.hex(),
        "nonce_a": nonce_a.hex(), "nonce_b": nonce_b.hex(),
        "commit": b2b("p2pmsg-sascom-v1", nonce_a + ik_a + ik_b, 32).hex(),
        "value": value.hex(), "numbers": " ".join(map(str, numbers)),
    }


def main():
    edges = [bytes(32), b"\xff" * 32, bytes(31) + b"\x01"]
    keys = edges + [key(n) for n in range(5)]
    print(json.dumps({
        "sides": [published(*row) for row in SIGNAL] + [made(n) for n in range(1, 9)],
        "numbers": [number(a, b) for a in keys for b in keys if a != b],
        "runs": [run(key(4 * n), key(4 * n + 1), key(4 * n + 2), key(4 * n + 3),
                     hashlib.sha512(b"hash %d" % n).digest()) for n in range(32)],
    }, indent=1))


main()
