#!/usr/bin/python3 -B
"""A2: what somebody who hears every packet of two people's chat can read."""

import base64
import binascii
import hashlib
import re
import struct

from capture import Capture, TCP, streams
from lab import check
from node import Ledger, Node, all_see_all
from trial import main, trial

BUCKETS = {64 << i for i in range(9)}  # 64 to 16 K
TAG, PREAMBLE_BYTES = 16, 12
HANDSHAKE = {True: [32, 576], False: [608]}  # sizes of each side's messages
NICKS = ("adalovelace-7f3k", "bobbytables-9q2z")
SECRET = "correct horse battery staple zwitscher"
LABEL = b"p2pmsg-device-cert"


def spellings(needle):
    """raw, hex, base32 and base64 at every alignment, both cases where it may be."""
    out = {needle, binascii.hexlify(needle), binascii.hexlify(needle).upper()}
    for shift in range(5):
        text = base64.b32encode(b"\0" * shift + needle).rstrip(b"=")
        text = text[(shift * 8 + 4) // 5:-2]
        out |= {text, text.lower()}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + needle).rstrip(b"=")
            out.add(text[(shift * 8 + 5) // 6:-2])
    return {s for s in out if len(s) >= 6}


def node_id_of(key):
    return hashlib.blake2b(key, digest_size=32, person=b"p2pmsg-nodeid-v1").digest()


def id_bytes(text):
    raw = text.replace("-", "")[:52].upper()
    return base64.b32decode(raw + "=" * (-len(raw) % 8))


def holds_key(data, ids):
    """An identity key of one of these ids, at any place."""
    return any(node_id_of(data[i:i + 32]) in ids for i in range(len(data) - 31))


def decodings(data):
    """Long runs of an alphabet, decoded at every alignment."""
    for run in re.findall(rb"[0-9a-fA-F]{64,}", data):
        for i in (0, 1):
            part = run[i:]
            yield bytes.fromhex(part[:len(part) & ~1].decode())
    for run in re.findall(rb"[A-Za-z2-7]{52,}", data):
        for i in range(8):
            part = run[i:].upper()
            yield base64.b32decode(part + b"A" * (-len(part) % 8))
    for run in re.findall(rb"[A-Za-z0-9+/_-]{43,}", data):
        for i in range(4):
            part = run[i:].translate(bytes.maketrans(b"-_", b"+/"))
            yield base64.b64decode(part + b"A" * (-len(part) % 4))


def leaks(data, needles, ids):
    for needle in needles:
        for s in spellings(needle):
            if s in data:
                return f"{needle!r} as {s!r}"
    if holds_key(data, ids) or any(holds_key(d, ids) for d in decodings(data)):
        return "an identity key"
    return None


def sizes(data, is_initiator):
    """The lengths of the frames after the preamble."""
    at, out = PREAMBLE_BYTES if is_initiator else 0, []
    while at + 2 <= len(data):
        n = struct.unpack(">H", data[at:at + 2])[0]
        if at + 2 + n > len(data):
            break
        out.append(n)
        at += 2 + n
    return out, at == len(data)


def check_sizes(key, data, is_initiator):
    found, whole = sizes(data, is_initiator)
    wanted = HANDSHAKE[is_initiator]
    check(found[:len(wanted)] == wanted, f"{key}: the handshake is {found[:3]}")
    odd = {n for n in found[len(wanted):] if n - TAG not in BUCKETS}
    check(not odd, f"{key}: record sizes {sorted(odd)}")
    check(whole, f"{key}: ends within a record")
    return len(found) - len(wanted)


def sessions(packets):
    """Both directions of every connection that began with our preamble and ended
    its handshake."""
    found = streams(packets)
    for key, data in found.items():
        if data[:4] == b"P2PM":
            back = found.get(key[2:] + key[:2], b"")
            if len(sizes(data, True)[0]) > 2:
                yield key, data, back


@trial(limit=120)
def A2_nothing_in_clear(lab):
    """All of a chat, from before the first packet: no nick, text, identity key or
    certificate; handshakes and records in their sizes and no others."""
    lan = lab.lan()
    ada, bob = (Node(lab.host(h, lan), nick) for h, nick in zip(("ada", "bob"), NICKS))
    capture = Capture(ada.host)
    ada.start()
    bob.start()
    all_see_all(lab, [ada, bob])
    ledger = Ledger(lab, [ada, bob])
    ledger.everybody(SECRET)
    for n in (0, 50, 400, 3000, 12000):
        ledger.say(ada, bob, SECRET + "!" * n)
    ada.cli("status", SECRET)
    ada.cli("ping", bob.id)
    lab.wait("the status text", lambda: bob.peers()[ada.id].get("status") == SECRET)
    ledger.settle()
    capture.end()

    needles = [*(n.encode() for n in NICKS), SECRET.encode(), LABEL]
    ids = {id_bytes(n.id) for n in (ada, bob)}
    count = 0
    for key, there, back in sessions(capture.packets):
        count += check_sizes(key, there, True) + check_sizes(key, back, False)
    check(count > 20, f"only {count} records captured")
    everything = b"".join(streams(capture.packets).values())
    others = b"\n".join(p.data for p in capture.packets if p.data and p.proto != TCP)
    lab.info(f"{count} records, {len(everything)} bytes of TCP and {len(others)} others")
    for what, data in (("TCP", everything), ("other packets", others)):
        leak = leaks(data, needles, ids)
        check(leak is None, f"{leak} in {what}")
    see_that_it_sees(everything, needles, ids, lab)


def see_that_it_sees(data, needles, ids, lab):
    """A search that finds nothing must find what is planted."""
    key = lab.random.randbytes(32)
    planted = ids | {node_id_of(key)}
    for needle in needles:
        for s in (needle, b"x" + base64.b64encode(b"ab" + needle + b"cd"),
                  base64.b32encode(b"a" + needle + b"b").lower(), needle.hex().encode()):
            check(leaks(data[:5000] + s + data[5000:9000], needles, ids), f"{s!r}")
    for s in (key, key.hex().encode(), base64.b64encode(b"a" + key),
              base64.b32encode(key)):
        check(leaks(data[:5000] + s + data[5000:9000], needles, planted), f"{s!r}")


if __name__ == "__main__":
    main()
