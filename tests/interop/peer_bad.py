"""Tests of run_peer.py: what breaks a rule of the page ends its own connection, in the
way the page says, and nothing else."""

import os
import select
import socket
import struct
import time

from peer_talk import Dialled, acked, start
from py_pack import Raw, pack
from py_peer import *  # noqa: F403
from real_node import check, until

FAR = 1000  # a type of CTRL that nobody knows
MID = b"\xc4\x10" + bytes(range(16))


def ctrl_body(value):
    """An unknown CTRL message with value in an unknown key."""
    return b"\x93\xcd\x03\xe8\xc0\x81\x00" + value


def nested(depth):
    """[type, nil, {0: ...}] of that depth in all."""
    return ctrl_body(b"\x91" * (depth - 2) + b"\x01")


GOOD_CTRL = {
    "depth 4": nested(4), "1024 elements": ctrl_body(b"\xdc\x04\x00" + b"\x01" * 1024),
    "64 pairs": pack([FAR, None, {i: 1 for i in (*range(32), *range(48, 80))}]),
    "2^64-1": ctrl_body(b"\xcf" + b"\xff" * 8), "true": ctrl_body(b"\xc3"),
    "-1": ctrl_body(b"\xff"), "-33": ctrl_body(b"\xd0\xdf"),
    "-2^63": ctrl_body(b"\xd3\x80" + bytes(7)),
    "str8": ctrl_body(b"\xd9\x20" + b"a" * 32), "bin16": ctrl_body(pack(bytes(256))),
    "type 2^64-1": b"\x93\xcf" + b"\xff" * 8 + b"\xc0\x80"}

BAD_CTRL = {
    "depth 5": nested(5), "depth 5 empty": ctrl_body(b"\x91\x91\x90"),
    "depth 1000": nested(1000),
    "1025 elements": ctrl_body(b"\xdc\x04\x01" + b"\x01" * 1025),
    "65 pairs": pack([FAR, None, {i: 1 for i in (*range(32), *range(48, 81))}]),
    "array over the end": ctrl_body(b"\xdc\x00\x20\x01"),
    "array bomb": ctrl_body(b"\xdd\xff\xff\xff\xff"),
    "map bomb": ctrl_body(b"\xdf\xff\xff\xff\xff"),
    "map over the end": ctrl_body(b"\x82\x00\x01"),
    "bin bomb": ctrl_body(b"\xc6\xff\xff\xff\xff"),
    "bin over the end": ctrl_body(b"\xc4\x02a"), "str over the end": ctrl_body(b"\xa2a"),
    "ends within a header": ctrl_body(b"\xcd\x01"),
    "float32": ctrl_body(b"\xca" + bytes(4)), "float64": ctrl_body(b"\xcb" + bytes(8)),
    "ext8": ctrl_body(b"\xc7\x01\x00\x00"), "fixext": ctrl_body(b"\xd4\x00\x00"),
    "timestamp": ctrl_body(b"\xd6\xff" + bytes(4)), "c1": ctrl_body(b"\xc1"),
    "int8 -1": ctrl_body(b"\xd0\xff"), "int16 -1": ctrl_body(b"\xd1\xff\xff"),
    "int64 -1": ctrl_body(b"\xd3" + b"\xff" * 8),
    "-1 key": b"\x93\xcd\x03\xe8\xc0\x81\xff\x01",
    "int8 positive": ctrl_body(b"\xd0\x01"), "int64": ctrl_body(b"\xd3" + bytes(8)),
    "nil": ctrl_body(b"\xc0"), "nil in an array": ctrl_body(b"\x91\xc0"),
    "long uint8": ctrl_body(b"\xcc\x7f"), "long uint16": ctrl_body(b"\xcd\x00\xff"),
    "long uint32": ctrl_body(b"\xce\x00\x00\xff\xff"),
    "long uint64": ctrl_body(b"\xcf" + bytes(4) + b"\xff" * 4),
    "long str8": ctrl_body(b"\xd9\x1f" + b"a" * 31),
    "long str16": ctrl_body(b"\xda\x00\xff" + b"a" * 255),
    "long str32": ctrl_body(b"\xdb\x00\x00\x01\x00" + b"a" * 256),
    "long bin16": ctrl_body(b"\xc5\x00\x01a"),
    "long bin32": ctrl_body(b"\xc6\x00\x00\x00\x01a"),
    "long array16": ctrl_body(b"\xdc\x00\x0f" + b"\x01" * 15),
    "long array32": ctrl_body(b"\xdd\x00\x00\x00\x10" + b"\x01" * 16),
    "long map16": ctrl_body(b"\xde\x00\x01\x00\x01"),
    "long map32": ctrl_body(b"\xdf\x00\x00\x00\x01\x00\x01"),
    "long key": b"\x93\xcd\x03\xe8\xc0\x81\xcc\x01\x01",
    "descending keys": b"\x93\xcd\x03\xe8\xc0\x82\x02\x01\x01\x01",
    "a key twice": b"\x93\xcd\x03\xe8\xc0\x82\x01\x01\x01\x01",
    "inner key twice": ctrl_body(b"\x82\x01\x01\x01\x01"),
    "str key": b"\x93\xcd\x03\xe8\xc0\x81\xa1a\x01",
    "inner str key": ctrl_body(b"\x81\xa1a\x01"),
    "bool key": b"\x93\xcd\x03\xe8\xc0\x81\xc3\x01",
    "continuation alone": ctrl_body(b"\xa1\x80"), "overlong": ctrl_body(b"\xa2\xc0\xaf"),
    "surrogate": ctrl_body(b"\xa3\xed\xa0\x80"), "cut UTF-8": ctrl_body(b"\xa2\xe2\x82"),
    "above 10FFFF": ctrl_body(b"\xa4\xf4\x90\x80\x80"), "NUL": ctrl_body(b"\xa1\0"),
    "trailing byte": ctrl_body(b"\x01") + b"\x00",
    "two objects": ctrl_body(b"\x01") * 2, "only 2": b"\x92\x05\xc0",
    "4 elements": b"\x94\xcd\x03\xe8\xc0\x80\x01", "a map": b"\x80",
    "an integer": b"\x05",
    "str type": b"\x93\xa1a\xc0\x80", "nil type": b"\x93\xc0\xc0\x80",
    "body array": b"\x93\xcd\x03\xe8\xc0\x90", "body nil": b"\x93\xcd\x03\xe8\xc0\xc0",
    "bin16 as the id of CTRL": b"\x93\xcd\x03\xe8" + MID + b"\x80",
    "0 as the id of CTRL": b"\x93\xcd\x03\xe8\x00\x80",
    "critical key": pack([ACK, None, {0: [bytes(16)], 32: 1}]),
    "last critical key": pack([PROFILE, None, {0: "n", 47: 1}]),
    "ACK of nothing": pack([ACK, None, {0: []}]),
    "ACK of 257": pack([ACK, None, {0: [bytes(16)] * 257}]),
    "ACK of 15 bytes": pack([ACK, None, {0: [bytes(15)]}]),
    "ACK without": pack([ACK, None, {}]), "ACK bin": pack([ACK, None, {0: bytes(16)}]),
    "NACK without code": pack([NACK, None, {0: bytes(16)}]),
    "NACK short id": pack([NACK, None, {0: bytes(4), 1: 1}]),
    "PROFILE without nick": pack([PROFILE, None, {1: "s"}]),
    "PROFILE long nick": pack([PROFILE, None, {0: "n" * 65}]),
    "TEXT": pack([TEXT, None, {}]), "NACK 0": pack([NACK, None, {0: bytes(16), 1: 0}]),
    "NACK 65536": pack([NACK, None, {0: bytes(16), 1: 65536}]),
    "DEVLIST empty": pack([DEVLIST, None, {0: b""}]),
    "DEVLIST of noise": pack([DEVLIST, None, {0: bytes(176)}])}

BAD_MSG = {
    "nil id": pack([TEXT, None, {}]), "short id": pack([TEXT, bytes(15), {}]),
    "long id": pack([TEXT, bytes(17), {}]), "str id": pack([TEXT, "a" * 16, {}]),
    "HELLO": pack([HELLO, bytes(16), {2: "py"}]),
    "ACK": pack([ACK, bytes(16), {0: [bytes(16)]}]),
    "trailing byte": pack([17, bytes(16), {}]) + b"\x00",
    "float": b"\x93\x11" + MID + b"\x81\x00\xca" + bytes(4),
    "nil": b"\x93\x11" + MID + b"\x81\x00\xc0",
    "cut object": pack([TEXT, bytes(16), {3: "text"}])[:-1],
    "body array": b"\x93\x10" + MID + b"\x90"}


def unknown_is_ignored(node):
    s = start(node)
    for kind in (0x80, 0x81, 0xC0, 0xFF):
        for payload in (b"", b"whatever", os.urandom(16380)):
            s.send(kind, payload)
        s.send(kind, b"whatever", flags=0xFF)
    for type_ in (0, 14, 15, 31, 1000, 2**53, 2**64 - 1):
        s.ctrl(type_, {0: "x", 31: [1], 40: 1, 48: {}})
    s.ctrl(PROFILE, {0: "py", 9: b"unknown key", 48: 1})
    check(s.alive(), f"an unknown kind, type or key ended it: {s.closes}")
    for what, payload in GOOD_CTRL.items():
        s.send(CTRL, payload)
        check(s.alive(), f"{what} ended it: {s.closes}")
    acked(s, s.say("alive after the unknown"))
    s.close()


def each_closes(node, kind, cases):
    witness = start(node)
    wrong = []
    for what, payload in cases.items():
        s = start(node)
        s.send(kind, payload)
        code = s.end_code(3)
        if code != 1:
            wrong.append(f"{what}: {code}")
        s.drop()
        if not witness.alive(3):
            wrong.append(f"{what}: the other session ended")
            witness = start(node)
    check(not wrong, ", ".join(wrong))
    acked(witness, witness.say("the witness"))
    witness.close()


def malformed_ctrl(node):
    each_closes(node, CTRL, BAD_CTRL)


def malformed_msg(node):
    each_closes(node, MSG, BAD_MSG)


def bad_second_object(node):
    """What stood before it in the record may count; the session ends."""
    s = start(node)
    body = s.text_body("before the bad one")
    s.send(MSG, pack([TEXT, bytes(16), body]) + b"\xc1")
    check(s.end_code() == 1, f"{s.closes}")


def plain(kind, flags, length, rest, size=64):
    return (struct.pack(">BBH", kind, flags, length) + rest).ljust(size, b"\0")


BAD_PLAIN = {
    "kind 0": plain(0, 0, 0, b""), "kind 7": plain(7, 0, 0, b""),
    "kind 7f": plain(0x7F, 0, 0, b""), "flag 01 of MSG": plain(MSG, 1, 1, b"\x93"),
    "flag of PING": plain(PING, 1, 8, bytes(8)), "flag 80": plain(CTRL, 0x80, 1, b"\x80"),
    "empty CTRL": plain(CTRL, 0, 0, b""), "empty MSG": plain(MSG, 0, 0, b""),
    "size 0": b"", "size 4": plain(PING, 0, 0, b"", 4),
    "size 65": plain(PING, 0, 8, b"", 65),
    "size 63": plain(PING, 0, 8, b"", 63), "size 192": plain(PING, 0, 8, b"", 192),
    "length over the end": plain(0x80, 0, 61, b""),
    "length 65535": plain(0x80, 0, 65535, b"", 16384),
    "padding of ones": plain(PING, 0, 8, bytes(8) + b"\x01"),
    "last byte of padding": plain(PING, 0, 8, bytes(8), 63) + b"\x01",
    "32768": plain(0x80, 0, 0, b"", 32768), "PING of 7": plain(PING, 0, 7, bytes(7)),
    "PING of 9": plain(PING, 0, 9, bytes(9)), "PONG of 0": plain(PONG, 0, 0, b""),
    "REKEY of 1": plain(REKEY, 0, 1, b"\x01")}


def bad_records(node):
    witness, wrong = start(node), []
    for what, data in BAD_PLAIN.items():
        s = start(node)
        s.send_plain(data)
        code = s.end_code(3)
        if code is not None:
            wrong.append(f"{what}: {code}")
        s.drop()
    check(not wrong, ", ".join(wrong))
    check(witness.alive(), "the other session ended")
    witness.close()


def larger_padding(node):
    """The smallest that fits is a rule for the sender; a receiver takes more."""
    s = start(node)
    s.send_plain(plain(PING, 0, 8, b"12345678", 1024))
    check(s.wait(lambda: s.pongs or s.ended), "nothing")
    check(s.pongs, f"{s.closes}")
    s.drop()


def broken_frames(node):
    for what, data in {
            "length 0": b"\0\0", "length 15": b"\0\x0f" + bytes(15),
            "length 16": b"\0\x10" + bytes(16),
            "length 65535": b"\xff\xff" + bytes(65535),
            "does not decrypt": b"\0\x50" + os.urandom(80)}.items():
        s = start(node)
        s.send_bytes(data)
        code = s.end_code(3)
        check(code is None, f"{what}: {code}")
        s.drop()
    s = start(node)
    sealed = s.tx.seal(record(PING, bytes(8)))
    for _ in range(2):  # a replay
        s.send_bytes(struct.pack(">H", len(sealed)) + sealed)
    check(s.end_code(3) is None, f"replay: {s.closes}")
    s = start(node)
    s.pongs.clear()
    frames = [s.tx.seal(record(PING, bytes([i] * 8))) for i in range(2)]
    for sealed in reversed(frames):
        s.send_bytes(struct.pack(">H", len(sealed)) + sealed)
    check(s.end_code(3) is None and not s.pongs, f"reordered: {s.closes}")


# ---- preamble ----

def all_that_comes(sock, patience=3):
    out, end = b"", time.monotonic() + patience
    while select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
        try:
            more = sock.recv(4096)
        except ConnectionError:
            more = b""
        if not more:
            return out, True
        out += more
    return out, False


def knock(node, data):
    sock = Lan.dial(node.port)
    sock.sendall(data)
    got = all_that_comes(sock)
    sock.close()
    return got


P2PE = b"P2PE" + bytes([1, 1, 2]) + bytes(5)


def role_refused(node):
    for role in (1, 2, 3, 255):
        got, ended = knock(node, PREAMBLE[:6] + bytes([role]) + PREAMBLE[7:])
        check(ended and got == P2PE, f"role {role}: {got.hex()} ended {ended}")


def A11_preamble_refused(node):
    for what, at, value in (
            ("major 0", 4, 0), ("major 2", 4, 2), ("major 255", 4, 255),
            ("pattern 1", 5, 1), ("pattern 2", 5, 2), ("pattern 255", 5, 255)):
        preamble = bytearray(PREAMBLE)
        preamble[at] = value
        h = Handshake(Device(), True, preamble=bytes(preamble))
        for more in (b"", h.write(b"")):
            got, ended = knock(node, bytes(preamble) + more)
            check(ended and got == P2PE, f"{what}: {got.hex()} ended {ended}")
    for what, data in {"P": b"X", "M": b"P2PX", "E": b"P2PE",
                       "http": b"GET / HTTP/1.0\r\n", "tls": b"\x16\x03\x01",
                       "ssh": b"SSH-2.0-x\r\n"}.items():
        got, ended = knock(node, data)
        check(ended and got == b"", f"{what}: {got.hex()} ended {ended}")


def flags_must_be_zero(node):
    for at in range(7, 12):
        preamble = bytearray(PREAMBLE)
        preamble[at] ^= 1
        got, ended = knock(node, bytes(preamble))
        check(ended and got == b"", f"byte {at}: {got.hex()} ended {ended}")


def A11_prologue_is_bound(node):
    """Both must have mixed the same preamble."""
    s = Lan.dial(node.port)
    h = Handshake(Device(), True, prologue=PREAMBLE[:7] + b"\1" + PREAMBLE[8:])
    s.sendall(h.preamble + h.write(b""))
    try:
        h.read(read_message(s, 608))
    except Bad:
        return
    finally:
        s.close()
    check(False, "message 2 opens")


def A11_P2PE_to_the_node(node):
    """It is not authenticated, and makes nobody go lower."""
    for low, high, code in ((0, 0, 2), (1, 1, 2), (2, 9, 2), (9, 2, 255)):
        with Dialled(node) as d:
            for _ in range(2):
                sock, _ = d.listener.accept()
                check(read_exactly(sock, 12) == PREAMBLE, "another preamble")
                sock.sendall(b"P2PE" + bytes([low, high, code]) + bytes(5))
                got, ended = all_that_comes(sock)
                check(ended, "does not close after P2PE")
                check(len(got) in (0, 34), f"{len(got)} bytes more")
                sock.close()
            d.accept().start().close()  # and it still comes with major 1


def stray_bytes_to_the_node(node):
    """What is no answer of a p2pmsg node closes."""
    for data in (b"P2PM" + bytes(8), b"\0\0", os.urandom(610), b"\x02\x60" + bytes(608),
                 b"HTTP/1.0 400\r\n"):
        with Dialled(node) as d:
            sock, _ = d.listener.accept()
            read_exactly(sock, 12 + 34)
            sock.sendall(data)
            got, ended = all_that_comes(sock, 7)
            check(ended and not got, f"{data[:4].hex()}: {len(got)} bytes, ended {ended}")
            sock.close()


# ---- who is who ----

def no_session(node, me, initiator=True, code=None, **other):
    """The node closes without an answer, but for the CLOSE with this code to one who
    dialled; as initiator without message 3."""
    if initiator:
        try:
            s = connect(node.port, me, **other)
        except End as e:
            return "closed after message 1" if not e.args[0] else "?"
        s.say_hello()
        said = (s.end_code(3), s.records)
        return "closed" if said == (code, int(code is not None)) else f"{said}"
    with Dialled(node, me, other.pop("id_", None)) as d:
        sock, _ = d.listener.accept()
        h = Handshake(me, False, **other)
        read_exactly(sock, 12)
        h.read(read_message(sock, 32))
        sock.sendall(h.write())
        got, ended = all_that_comes(sock, 3)
        sock.close()
        return "closed" if ended and not got else f"{len(got)} bytes, ended {ended}"


def refused(node, what, make, wrong):
    for initiator in (True, False):
        me, other = make()
        said = no_session(node, me, initiator, **other)
        if said != "closed":
            wrong.append(f"{what}, {'dialling' if initiator else 'dialled'}: {said}")


def wrong_target(node):
    said = no_session(node, Device(), False, id_=Person().id)
    check(said == "closed", said)


def flipped(name, bit):
    me = Device()
    cert = bytearray(me.certificate())
    a, b = CERT_FIELDS[name]
    cert[a + bit // 8 % (b - a)] ^= 1 << bit % 8
    return me, {"certificate": bytes(cert)}


def signed(**fields):
    me = Device()
    return me, {"certificate": me.certificate(**fields)}


def A13_certificate_mutations(node):
    """In both roles."""
    wrong = []
    for name, (a, b) in CERT_FIELDS.items():
        for bit in {0, (b - a) * 8 - 1}:
            refused(node, f"{name} bit {bit}", lambda n=name, i=bit: flipped(n, i), wrong)
    other = Device()
    low = bytes(31) + b"\x80"
    for what, make in {
            "signed flags": lambda: signed(flags=b"\0\0\0\1"),
            "signed label": lambda: signed(label=b"p2pmsg-device-cert-v2"),
            "signed serial 0": lambda: signed(serial=bytes(8)),
            "signed zero": lambda: signed(zero=b"\1"),
            "dn of another": lambda: signed(dn=other.fields["dn"]),
            "ik of another": lambda: signed(ik=other.person.ik),
            "ds of another": lambda: signed(ds=other.fields["ds"]),
            "certificate of another": lambda: (Device(), {
                "certificate": other.certificate()}),
            "signatures exchanged": lambda: swapped(),
            "ik of small order": lambda: signed(ik=low),
            "short": lambda: (Device(), {"certificate": Device().certificate()[:-1]}),
            "long": lambda: (Device(), {"certificate": Device().certificate() + b"\0"}),
    }.items():
        refused(node, what, make, wrong)
    check(not wrong, ", ".join(wrong))


def swapped():
    me = Device()
    cert = me.certificate()
    return me, {"certificate": cert[:178] + cert[242:] + cert[178:242]}


def payload_with(change):
    me = Device()
    fields = {0: me.certificate(), 1: 0, 2: 0, 3: 1, 4: me.boot}
    return me, {"payload": change(fields)}


def packed(**more):
    def change(fields):
        fields.update({int(k[1:]): v for k, v in more.items()})
        return Handshake.pad(pack({k: v for k, v in fields.items() if v is not None}))
    return change


def handshake_payloads(node):
    wrong = []
    for what, change in {
            **{f"without {i}": packed(**{f"f{i}": None}) for i in range(5)},
            "boot of 15": packed(f4=bytes(15)), "boot str": packed(f4="b" * 16),
            "minor str": packed(f1="0"), "version bin": packed(f3=b"1"),
            "critical key": packed(f32=1), "last critical key": packed(f47=1),
            "depth": packed(f9=[[[1]]]),
            "float": packed(f5=Raw(b"\xca" + bytes(4))), "nil": packed(f5=Raw(b"\xc0")),
            "long integer": packed(f1=Raw(b"\xcc\x00")),
            "padding": lambda f: Handshake.pad(pack(f))[:-1] + b"\1",
            "length 0": lambda f: bytes(512), "no map": lambda f: Handshake.pad(b"\x90"),
            "length over": lambda f: b"\x01\xff" + Handshake.pad(pack(f))[2:],
            "length one more": lambda f: Handshake.pad(pack(f) + b"\0"),
            "descending": lambda f: Handshake.pad(b"\x85" + b"".join(
                pack(k) + pack(f[k]) for k in reversed(f)))}.items():
        refused(node, what, lambda c=change: payload_with(c), wrong)
    check(not wrong, ", ".join(wrong))
    for what, change in {"unknown key": packed(f9=[[1], 2]), "minor 7": packed(f1=7),
                         "capabilities": packed(f2=2**32),
                         "longest": packed(f99=bytes(104))}.items():
        me, other = payload_with(change)
        s = connect(node.port, me, **other).start()
        check(s.alive(), what)
        s.close()


def A8_zero_keys(node):
    """Points of small order as ephemeral key."""
    for key in (bytes(32), b"\1" + bytes(31), b"\xed" + b"\xff" * 30 + b"\x7f",
                b"\xec" + b"\xff" * 30 + b"\x7f", b"\xee" + b"\xff" * 30 + b"\x7f"):
        got, ended = knock(node, PREAMBLE + b"\0\x20" + key)
        check(ended and not got, f"{key[:2].hex()}: {len(got)} bytes")


def handshake_lengths(node):
    for data in (b"\0\x1f" + bytes(31), b"\0\x21" + bytes(33), b"\0\0", b"\xff\xff"):
        got, ended = knock(node, PREAMBLE + data)
        check(ended and not got, f"{data[:2].hex()}: {len(got)} bytes, ended {ended}")


def byte_by_byte(node):
    me = Device()
    sock = Lan.dial(node.port)
    h = Handshake(me, True)
    for byte in h.preamble + h.write(b""):
        sock.sendall(bytes([byte]))
    peer = h.check(h.read(read_message(sock, 608)))
    message = h.write()
    for i in range(0, len(message), 7):
        sock.sendall(message[i : i + 7])
    s = Session(sock, h, peer).start()
    sealed = s.tx.seal(record(PING, b"bytewise"))
    for byte in struct.pack(">H", len(sealed)) + sealed:
        sock.sendall(bytes([byte]))
    check(s.wait(lambda: s.pongs), "PONG")
    s.close()


def truncation(node):
    """An end without CLOSE is said to be one; nothing of half a record counts."""
    s = start(node)
    sealed = s.tx.seal(record(MSG, pack([TEXT, bytes(16), s.text_body("half a record")])))
    s.send_bytes(struct.pack(">H", len(sealed)) + sealed[:-1])
    s.sock.shutdown(socket.SHUT_WR)
    s.end_code(3)
    until("offline", lambda: node.state(s.me.person.id) != "online")
    check(not node.shown("half a record"), "half a record counted")
    s.drop()


TESTS = [unknown_is_ignored, malformed_ctrl, malformed_msg, bad_second_object,
         bad_records, larger_padding, broken_frames, A11_preamble_refused, role_refused,
         flags_must_be_zero, A11_prologue_is_bound, A11_P2PE_to_the_node,
         stray_bytes_to_the_node, wrong_target, A13_certificate_mutations,
         handshake_payloads, A8_zero_keys, handshake_lengths, byte_by_byte, truncation]
