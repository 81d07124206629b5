#!/usr/bin/python3
"""Computes tests/golden/safety.json with hashlib alone: safety numbers, the commitment
and the value of runs of short words, and their three numbers. Run it only when a
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


def number(a, b):
    h = b2b("p2pmsg-safety-v1", min(a, b) + max(a, b), 60)
    groups = [int.from_bytes(h[i:i + 5], "big") % 100000 for i in range(0, 60, 5)]
    text = " ".join(f"{g:05}" for g in groups)
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
        "numbers": [number(a, b) for a in keys for b in keys if a != b],
        "runs": [run(key(4 * n), key(4 * n + 1), key(4 * n + 2), key(4 * n + 3),
                     hashlib.sha512(b"hash %d" % n).digest()) for n in range(32)],
    }, indent=1))


main()
