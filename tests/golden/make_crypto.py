#!/usr/bin/python3
"""Computes tests/golden/crypto.json without libsodium and without this project:
hashlib, hmac, python3-cryptography (OpenSSL), python3-argon2 (libargon2), and
HChaCha20 written out from draft-irtf-cfrg-xchacha. Run it only when a format
changes; the result is committed.

usage: make_crypto.py > crypto.json
"""

import base64
import hashlib
import hmac
import json
import struct

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b2b(label, data, n):
    assert len(label) == 16
    return hashlib.blake2b(data, digest_size=n, person=label.encode()).digest()


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def ed25519(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key, raw(key.public_key())


def x25519(private):
    return raw(X25519PrivateKey.from_private_bytes(private).public_key())


def base32(data):
    return base64.b32encode(data).decode().rstrip("=").lower()


def hmac_values():
    """Keys around the block of 128 bytes and the digest of 64."""
    for key_len in (0, 1, 32, 63, 64, 65, 127, 128, 129, 200, 256):
        for data_len in (0, 1, 2, 64, 127, 128, 129, 300):
            key = bytes((7 * i + key_len) & 255 for i in range(key_len))
            data = bytes((3 * i + data_len) & 255 for i in range(data_len))
            mac = hmac.new(key, data, hashlib.blake2b).hexdigest()
            yield {"key": key.hex(), "data": data.hex(), "mac": mac}


def labelled_hashes():
    for label in ("p2pmsg-nodeid-v1", "p2pmsg-nodeck-v1", "p2pmsg-sesid--v1"):
        for n in (1, 16, 32, 64):
            for data in (b"", b"abc", bytes(range(256))):
                yield {
                    "label": label,
                    "data": data.hex(),
                    "hash": b2b(label, data, n).hex(),
                }


def node_id(ik):
    nid = b2b("p2pmsg-nodeid-v1", ik, 32)
    check = b2b("p2pmsg-nodeck-v1", nid, 32)
    bits = "".join(f"{b:08b}" for b in check)[:20]
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    chars = "".join(alphabet[int(bits[i : i + 5], 2)] for i in range(0, 20, 5))
    compact = base32(nid) + chars
    text = "-".join(compact[i : i + 4] for i in range(0, 56, 4))
    return {"ik": ik.hex(), "id": nid.hex(), "compact": compact, "text": text}


class Device:
    def __init__(self, ik_seed, first, serial):
        self.ik_seed = ik_seed
        self.ds_seed = bytes(range(first, first + 32))
        self.dn = bytes(range(first + 32, first + 64))
        self.dx = bytes(range(first + 64, first + 96))
        self.device_id = bytes(range(first + 96, first + 112))
        self.serial = serial

    def secret(self):
        keys = self.ik_seed + self.ds_seed + self.dn + self.dx
        return keys + self.device_id + struct.pack(">Q", self.serial)

    def cert(self):
        ik, ik_public = ed25519(self.ik_seed)
        ds, ds_public = ed25519(self.ds_seed)
        body = b"p2pmsg-device-cert-v1\0" + ik_public + ds_public
        body += x25519(self.dn) + x25519(self.dx) + self.device_id
        body += struct.pack(">QI", self.serial, 0)
        assert len(body) == 178
        return body + ik.sign(body) + ds.sign(body)


def devlist(ik_seed, version, devices):
    ik, ik_public = ed25519(ik_seed)
    body = b"p2pmsg-device-list-v1\0" + ik_public
    body += struct.pack(">QH", version, len(devices))
    for d in sorted(devices, key=lambda d: d.device_id):
        body += d.device_id + b2b("p2pmsg-devcrt-v1", d.cert(), 32)
    return body + ik.sign(body)


def rotl(x, n):
    return ((x << n) | (x >> (32 - n))) & 0xFFFFFFFF


def quarter_round(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        s[z] = rotl(s[z] ^ s[x], n)


def hchacha20(key, nonce):
    s = list(struct.unpack("<4I", b"expand 32-byte k"))
    s += struct.unpack("<8I", key) + struct.unpack("<4I", nonce)
    for _ in range(10):
        for i in range(4):
            quarter_round(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter_round(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def xchacha20poly1305(key, nonce, data, ad):
    cipher = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return cipher.encrypt(bytes(4) + nonce[16:], data, ad)


def keyfile(device, devices, passphrase, version=1):
    salt, nonce = bytes(range(16)), bytes(range(100, 124))
    passes, kib = (2, 64) if passphrase else (0, 0)
    header = b"p2pmsg-keyfile\0" + bytes([version, 1 if passphrase else 0])
    header += bytes(3) + struct.pack(">II", passes, kib) + salt + nonce
    if passphrase:
        key = hash_secret_raw(passphrase, salt, passes, kib, 1, 32, Type.ID)
    else:
        key = b2b("p2pmsg-keynop-v1", salt, 32)
    names = devlist(device.ik_seed, 2, devices)
    body = device.secret() + struct.pack(">H", len(names)) + names
    content = header + xchacha20poly1305(key, nonce, body, header)
    return content + b2b("p2pmsg-keysum-v1", content, 32)


def main():
    ik_seed = bytes(range(32))
    one, two = Device(ik_seed, 0x90, 1), Device(ik_seed, 0x20, 2)
    passphrase = "correct horse \u2713".encode()
    golden = {
        "hmac_blake2b": list(hmac_values()),
        "hash_labelled": list(labelled_hashes()),
        "node_ids": [
            node_id(ed25519(ik_seed)[1]),
            node_id(bytes(32)),
            node_id(b"\xff" * 32),
        ],
        "identity": {
            "secret": one.secret().hex(),
            "cert": one.cert().hex(),
            "second_secret": two.secret().hex(),
            "second_cert": two.cert().hex(),
            "devlist": devlist(ik_seed, 1, [one]).hex(),
            "second_devlist": devlist(ik_seed, 2, [one, two]).hex(),
        },
        "keyfile": {
            "passphrase": passphrase.hex(),
            "open": keyfile(one, [one, two], b"").hex(),
            "sealed": keyfile(one, [one, two], passphrase).hex(),
            "newer": keyfile(one, [one, two], b"", version=2).hex(),
        },
    }
    print(json.dumps(golden, indent=1))


main()
