"""A second implementation of p2pmsg, after man/p2pmsg-protocol.7 and nothing else.

It is made to be bent: every field of a certificate, every byte of the handshake and
every record can be replaced by a test. It is not constant-time and wipes nothing.
Debian packages: python3-dissononce, python3-cryptography.
"""

import base64
import hashlib
import logging
import os
import select
import socket
import struct
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey, Ed25519PublicKey)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.hash.blake2b import Blake2bHash
from dissononce.processing.handshakepatterns.interactive.XX import XXHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState

from py_pack import Bad, pack, unpack, unpack_map

logging.getLogger("dissononce").setLevel(logging.CRITICAL)

PATIENCE_S = 10
PREAMBLE = b"P2PM" + bytes([1, 0, 0, 0]) + bytes(4)
SIZES = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
CTRL, MSG, PING, PONG, REKEY, CLOSE = range(1, 7)
HELLO, ACK, NACK, PROFILE, DEVLIST = range(1, 6)
TEXT = 16
AGAIN_CODES = (6, 7, 12)


class Trouble(Exception):
    """What the other side, or this one, did wrong."""


def b2b(n, person, data):
    return hashlib.blake2b(data, digest_size=n, person=person.encode()).digest()


def raw_public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def verify(key, signature, data):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
        return True
    except Exception:  # noqa: BLE001 - a key that is no point is a wrong signature too
        return False


# ---- node ids ----

def base32(data):
    return base64.b32encode(data).decode().lower().rstrip("=")


def id_text(node_id):
    """The 56 characters without dashes."""
    check = base32(b2b(32, "p2pmsg-nodeck-v1", node_id)[:3])
    return base32(node_id) + check[:4]


def id_parse(text):
    plain = text.removeprefix("p2pmsg:").replace("-", "").lower()
    node_id = base64.b32decode(plain[:52].upper() + "====")
    if id_text(node_id) != plain:
        raise Bad("node id")
    return node_id


def id_groups(text):
    return "-".join(text[i : i + 4] for i in range(0, 56, 4))


# ---- people and devices ----

class Person:
    def __init__(self, seed=None):
        self.key = Ed25519PrivateKey.from_private_bytes(seed or os.urandom(32))
        self.ik = raw_public(self.key)
        self.node_id = b2b(32, "p2pmsg-nodeid-v1", self.ik)
        self.id = id_text(self.node_id)
        self.serials = 0

    def device_list(self, version, devices, ik=None, sort=True):
        entries = [d.device_id + b2b(32, "p2pmsg-devcrt-v1", d.certificate())
                   for d in devices]
        body = (b"p2pmsg-device-list-v1\0" + (ik or self.ik) + struct.pack(">Q", version)
                + struct.pack(">H", len(entries))
                + b"".join(sorted(entries) if sort else entries))
        return body + self.key.sign(body)


class Device:
    """certificate(**other) signs other values of its fields."""

    def __init__(self, person=None, ds=None, dn=None, dx=None, device_id=None,
                 serial=None):
        self.person = person or Person()
        self.ds_key = Ed25519PrivateKey.from_private_bytes(ds or os.urandom(32))
        self.dn_private = dn or os.urandom(32)
        dx_private = X25519PrivateKey.from_private_bytes(dx or os.urandom(32))
        self.person.serials += 1
        self.fields = {
            "label": b"p2pmsg-device-cert-v1", "zero": b"\0", "ik": self.person.ik,
            "ds": raw_public(self.ds_key),
            "dn": raw_public(X25519PrivateKey.from_private_bytes(self.dn_private)),
            "dx": raw_public(dx_private), "device_id": device_id or os.urandom(16),
            "serial": struct.pack(">Q", serial or self.person.serials),
            "flags": bytes(4)}
        self.device_id = self.fields["device_id"]
        self.boot = os.urandom(16)
        self.list_version = 1
        self.list = None  # the bytes HELLO carries; None: version 1 with this device

    def certificate(self, **other):
        body = b"".join({**self.fields, **other}.values())
        return body + self.person.key.sign(body) + self.ds_key.sign(body)

    def own_list(self):
        return self.list or self.person.device_list(1, [self])


CERT_FIELDS = {  # where each field lies
    "label": (0, 21), "zero": (21, 22), "ik": (22, 54), "ds": (54, 86), "dn": (86, 118),
    "dx": (118, 150), "device_id": (150, 166), "serial": (166, 174), "flags": (174, 178),
    "sig_ik": (178, 242), "sig_ds": (242, 306)}


def cert_read(cert, static):
    """Its fields, when it is in order and belongs to that static key."""
    f = {name: cert[a:b] for name, (a, b) in CERT_FIELDS.items()}
    if len(cert) != 306 or f["label"] + f["zero"] != b"p2pmsg-device-cert-v1\0":
        raise Bad("certificate")
    if f["flags"] != bytes(4):
        raise Bad("flags of the certificate")
    if not verify(f["ik"], f["sig_ik"], cert[:178]):
        raise Bad("signature of the person")
    if not verify(f["ds"], f["sig_ds"], cert[:178]):
        raise Bad("signature of the device")
    if f["dn"] != static:
        raise Bad("the certificate has another static key")
    return f


def list_read(data):
    """(ik, version, {device_id: hash})."""
    version, n = struct.unpack(">QH", data[54:64])
    entries = {data[i : i + 16]: data[i + 16 : i + 48]
               for i in range(64, 64 + 48 * n, 48)}
    if data[:22] != b"p2pmsg-device-list-v1\0" or len(data) != 128 + 48 * n \
            or not 1 <= n <= 16 or version < 1:
        raise Bad("device list")
    if list(entries) != sorted(entries) or len(entries) != n:
        raise Bad("order of the device list")
    if not verify(data[22:54], data[-64:], data[:-64]):
        raise Bad("signature of the device list")
    return data[22:54], version, entries


def conversation(one, other):
    return b2b(16, "p2pmsg-convid-v1", min(one, other) + max(one, other))


LAN = b2b(16, "p2pmsg-convid-v1", b"#lan")


# ---- the key file ----

def hchacha20(key, nonce):
    """ChaCha20's core without the final addition, which is taken off again."""
    start = b"expand 32-byte k" + key + nonce
    block = Cipher(algorithms.ChaCha20(key, nonce), None).encryptor().update(bytes(64))
    words = [(b - a) & 0xFFFFFFFF for a, b in
             zip(struct.unpack("<16I", start), struct.unpack("<16I", block))]
    return struct.pack("<8I", *words[:4], *words[12:])


def keyfile_read(data):
    """(Device, the device list) of a key file without a passphrase."""
    version, kdf, passes, kib = struct.unpack(">BB3xII", data[15:28])
    if data[:15] != b"p2pmsg-keyfile\0" or (version, kdf, passes, kib) != (1, 0, 0, 0):
        raise Bad("not a key file without a passphrase")
    if b2b(32, "p2pmsg-keysum-v1", data[:-32]) != data[-32:]:
        raise Bad("checksum of the key file")
    salt, nonce = data[28:44], data[44:68]
    key = hchacha20(b2b(32, "p2pmsg-keynop-v1", salt), nonce[:16])
    plain = ChaCha20Poly1305(key).decrypt(bytes(4) + nonce[16:], data[68:-32], data[:68])
    ik, ds, dn, dx = (plain[i : i + 32] for i in (0, 32, 64, 96))
    serial, length = struct.unpack(">QH", plain[144:154])
    device = Device(Person(ik), ds, dn, dx, plain[128:144], serial)
    device.list = plain[154:]
    device.list_version = list_read(device.list)[1]
    if len(device.list) != length:
        raise Bad("length of the device list")
    return device


# ---- the handshake ----

class Lan:
    """Where the tests let sockets be made."""

    @staticmethod
    def dial(port, host="127.0.0.1"):
        s = socket.create_connection((host, port), timeout=PATIENCE_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    @staticmethod
    def listen(host="127.0.0.1"):
        s = socket.create_server((host, 0))
        s.settimeout(PATIENCE_S)
        return s


class End(Exception):
    """The stream ended: after n bytes of what was expected."""


def read_exactly(sock, n, patience=PATIENCE_S):
    out, until = b"", time.monotonic() + patience
    while len(out) < n:
        if not select.select([sock], [], [], max(0, until - time.monotonic()))[0]:
            raise Trouble(f"nothing comes: {len(out)} of {n} bytes")
        try:
            more = sock.recv(n - len(out))
        except ConnectionError:
            more = b""
        if not more:
            raise End(out)
        out += more
    return out


class Handshake:
    """One side. other: bytes or fields that replace the proper ones:
    preamble, prologue (what is mixed), certificate, payload, static (a private key)."""

    def __init__(self, me, initiator, **other):
        self.me, self.initiator = me, initiator
        self.preamble = other.get("preamble", PREAMBLE)
        self.payload = other.get("payload") or self.own_payload(other.get("certificate"))
        self.ciphers = self.theirs = self.their_cert = None
        dh = other.get("dh") or X25519DH()
        self.state = HandshakeState(
            SymmetricState(CipherState(ChaChaPolyCipher()), Blake2bHash()), dh)
        key = PrivateKey(other.get("static") or me.dn_private)
        self.state.initialize(
            XXHandshakePattern(), initiator,
            b"p2pmsg-noise-v1\0" + other.get("prologue", self.preamble),
            s=dh.generate_keypair(key))

    def own_payload(self, certificate):
        return self.pad(pack({
            0: certificate or self.me.certificate(), 1: 0, 2: 0,
            3: self.me.list_version, 4: self.me.boot}))

    @staticmethod
    def pad(fields):
        return (struct.pack(">H", len(fields)) + fields).ljust(512, b"\0")

    def write(self, payload=None):
        out = bytearray()
        self.ciphers = self.state.write_message(
            self.payload if payload is None else payload, out)
        return struct.pack(">H", len(out)) + bytes(out)

    def read(self, message):
        out = bytearray()
        try:
            self.ciphers = self.state.read_message(bytes(message), out)
        except Exception as e:  # noqa: BLE001 - of three libraries
            raise Bad(f"message does not open: {e!r}") from e
        return bytes(out)

    def check(self, payload, target=None):
        """What the page asks of the payload of message 2 or 3."""
        length = struct.unpack(">H", payload[:2])[0]
        if len(payload) != 512 or length > 510 or any(payload[2 + length :]):
            raise Bad("payload")
        self.theirs = unpack_map(payload[2 : 2 + length])
        kinds = [type(self.theirs.get(i)) for i in range(5)]
        if kinds != [bytes, int, int, int, bytes] or len(self.theirs[4]) != 16:
            raise Bad("fields of the payload")
        self.their_cert = cert_read(self.theirs[0], self.state.rs.data)
        node_id = b2b(32, "p2pmsg-nodeid-v1", self.their_cert["ik"])
        if target and node_id != target:
            raise Bad("somebody else answers")
        return node_id

    def hash(self):
        return self.state.symmetricstate.get_handshake_hash()


def read_message(sock, length):
    told = struct.unpack(">H", read_exactly(sock, 2))[0]
    if told != length:
        raise Trouble(f"message of {told} bytes instead of {length}")
    return read_exactly(sock, length)


def connect(port, me, target=None, host="127.0.0.1", **other):
    """Dial, shake hands. Session; HELLO is still to be sent."""
    sock = Lan.dial(port, host)
    h = Handshake(me, True, **other)
    sock.sendall(h.preamble + h.write(b""))
    peer = h.check(h.read(read_message(sock, 608)), target)
    sock.sendall(h.write())
    return Session(sock, h, peer)


def accept(listener, me, **other):
    """Wait for a dial, shake hands."""
    sock, _ = listener.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    h = Handshake(me, False, **other)
    if read_exactly(sock, 12) != PREAMBLE:
        raise Trouble("preamble")
    if h.read(read_message(sock, 32)) != b"":
        raise Trouble("payload of message 1")
    sock.sendall(h.write())
    peer = h.check(h.read(read_message(sock, 576)))
    return Session(sock, h, peer)


# ---- records ----

class Direction:
    """One cipher of dissononce, and Rekey() of the specification, which there takes the
    nonce back to 0."""

    def __init__(self, cipher):
        self.cipher = cipher

    def seal(self, plain):
        return self.cipher.encrypt_with_ad(b"", plain)

    def open(self, sealed):
        return self.cipher.decrypt_with_ad(b"", sealed)

    def rekey(self):
        key, n = self.cipher._key, self.cipher._nonce
        nonce = bytes(4) + b"\xff" * 8
        sealed = ChaCha20Poly1305(key).encrypt(nonce, bytes(32), b"")
        self.cipher.initialize_key(sealed[:32])
        self.cipher.set_nonce(n)


def record(kind, payload, flags=0):
    plain = struct.pack(">BBH", kind, flags, len(payload)) + payload
    return plain.ljust(next(size for size in SIZES if size >= len(plain)), b"\0")


def record_read(plain):
    kind, flags, length = struct.unpack(">BBH", plain[:4])
    if len(plain) not in SIZES or length > len(plain) - 4 or any(plain[4 + length :]):
        raise Trouble("padding of a record")
    if len(plain) > 64 and 4 + length <= len(plain) // 2:
        raise Trouble("not the smallest padding")
    if flags or (kind > CLOSE and kind < 0x80) or kind == 0:
        raise Trouble(f"record kind {kind} flags {flags}")
    return kind, plain[4 : 4 + length]


class Session:
    """Collects what comes; nothing is read but inside wait(). answer: acknowledge texts
    and answer PING by itself."""

    def __init__(self, sock, handshake, peer):
        self.sock, self.h, self.peer = sock, handshake, peer
        self.me, self.initiator = handshake.me, handshake.initiator
        self.boot = handshake.theirs[4]
        one, two = (Direction(c) for c in handshake.ciphers)
        self.tx, self.rx = (one, two) if self.initiator else (two, one)
        self.id = b2b(16, "p2pmsg-sesid--v1", handshake.hash())
        self.conv = conversation(self.me.person.node_id, peer)
        self.answer = True
        self.buffer = b""
        self.hello = None
        self.texts, self.acks, self.nacks, self.pongs = [], [], [], []
        self.profiles, self.ctrls, self.closes = [], [], []
        self.pings = self.rekeys = self.records = 0
        self.ended = self.broken = False
        self.lamport = 0

    # ---- sending ----

    def send(self, kind, payload=b"", flags=0):
        self.send_plain(record(kind, payload, flags))

    def send_plain(self, plain):
        sealed = self.tx.seal(plain)
        self.send_bytes(struct.pack(">H", len(sealed)) + sealed)

    def send_bytes(self, data):
        try:
            self.sock.sendall(data)
        except ConnectionError:
            self.broken = True

    def ctrl(self, type_, body):
        self.send(CTRL, pack([type_, None, body]))

    def say_hello(self, **more):
        """Fields by number as f2=..., None leaves one out."""
        body = {2: "py", 3: self.me.own_list(), 5: 0}
        body.update({int(k[1:]): v for k, v in more.items()})
        self.ctrl(HELLO, {k: v for k, v in body.items() if v is not None})

    def text_body(self, text, **more):
        self.lamport += 1
        body = {0: self.conv, 1: int(time.time() * 1000), 2: self.lamport, 3: text}
        body.update({int(k[1:]): v for k, v in more.items()})
        return {k: v for k, v in body.items() if v is not None}

    def msg(self, body, type_=TEXT, id_=None):
        """One MSG object in a record of its own. Its id."""
        id_ = id_ or os.urandom(16)
        self.send(MSG, pack([type_, id_, body]))
        return id_

    def say(self, text, id_=None, **more):
        return self.msg(self.text_body(text, **more), TEXT, id_)

    def rekey(self):
        self.send(REKEY)
        self.tx.rekey()

    def close(self, code=0, reason=b""):
        if not self.ended:
            self.send(CLOSE, struct.pack(">H", code) + reason)
        self.sock.close()
        self.ended = True

    def drop(self):
        self.sock.close()
        self.ended = True

    # ---- receiving ----

    def wait(self, until=lambda: False, patience=PATIENCE_S):
        """Take records until until() is true; False when it did not become so."""
        end = time.monotonic() + patience
        while not until():
            left = end - time.monotonic()
            if self.ended or left <= 0:
                return False
            if select.select([self.sock], [], [], left)[0]:
                self.take_bytes()
        return True

    def take_bytes(self):
        try:
            more = self.sock.recv(1 << 18)
        except ConnectionError:
            more = b""
        if not more:
            self.ended = True
        self.buffer += more
        while len(self.buffer) >= 2:
            length = struct.unpack(">H", self.buffer[:2])[0]
            if length - 16 not in SIZES:
                raise Trouble(f"frame of {length} bytes")
            if len(self.buffer) < 2 + length:
                break
            frame, self.buffer = self.buffer[2 : 2 + length], self.buffer[2 + length :]
            self.take(*record_read(self.rx.open(frame)))

    def take(self, kind, payload):
        self.records += 1
        if self.closes:
            raise Trouble("a record after CLOSE")
        if self.records == 1 and kind == CLOSE:
            pass  # a session that is refused needs no HELLO
        elif (self.records == 1) != (kind == CTRL and payload[1:2] == bytes([HELLO])):
            raise Trouble("HELLO is the first record and no other")
        if kind == REKEY:
            self.rx.rekey()
            self.rekeys += 1
        elif kind == PING:
            self.pings += 1
            if self.answer:
                self.send(PONG, payload)
        elif kind == PONG:
            self.pongs.append(payload)
        elif kind == CLOSE:
            payload[2:].decode()
            self.closes.append(struct.unpack(">H", payload[:2])[0])
        elif kind == CTRL:
            self.take_ctrl(*unpack(payload, True)[0])
        elif kind == MSG:
            for object_ in unpack(payload, False):
                self.take_msg(*object_)

    def take_ctrl(self, type_, _, body):
        self.ctrls.append((type_, body))
        if type_ == HELLO:
            self.hello = body
            self.check_hello(body)
        elif type_ == ACK:
            if not 1 <= len(body[0]) <= 256 or {len(i) for i in body[0]} != {16}:
                raise Trouble("ACK")
            self.acks += body[0]
        elif type_ == NACK:
            self.nacks.append((body[0], body[1], body.get(2)))
        elif type_ == PROFILE:
            self.profiles.append(body)

    def check_hello(self, body):
        ik, version, entries = list_read(body[3])
        cert = self.h.theirs[0]
        if ik != self.h.their_cert["ik"] or version != self.h.theirs[3]:
            raise Trouble("device list of the HELLO")
        named = entries.get(self.h.their_cert["device_id"])
        if named != b2b(32, "p2pmsg-devcrt-v1", cert):
            raise Trouble("the device list does not name the certificate")
        if len(body[2].encode()) > 64:
            raise Trouble("nick")

    def take_msg(self, type_, id_, body):
        if type_ != TEXT or body[0] not in (self.conv, LAN):
            raise Trouble("MSG")
        self.lamport = max(self.lamport, body[2])
        self.texts.append((id_, body))
        if self.answer:
            self.ctrl(ACK, {0: [id_]})

    # ---- what tests ask often ----

    def start(self, **more):
        """HELLO both ways."""
        self.say_hello(**more)
        if not self.wait(lambda: self.hello):
            raise Trouble(f"no HELLO; CLOSE {self.closes}")
        return self

    def alive(self, patience=PATIENCE_S):
        """A round trip: everything sent before has been dealt with."""
        mark = os.urandom(8)
        self.send(PING, mark)
        return self.wait(lambda: mark in self.pongs, patience)

    def end_code(self, patience=PATIENCE_S):
        """The code of the CLOSE with which the other side ended it, None for an end
        without one, "open" when it did not end."""
        self.wait(patience=patience)
        if not self.ended:
            return "open"
        return self.closes[0] if self.closes else None
