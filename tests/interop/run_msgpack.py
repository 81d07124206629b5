#!/usr/bin/python3
"""Our strict reading of MessagePack (the helper msgpack_stdio) against python3-msgpack.

What the walker takes must be the one encoding that the other gives for the same value,
and the profile (written here a second time, over decoded values) must allow it; what
it refuses must be no such thing. Inputs are random objects of the profile and beyond,
the same with bytes changed, cut and added, and random bytes. Messages that are taken
must be encoded again as the other would, without the keys that are not known.

P2PMSG_BUILD names the build (default build/debug-gcc), P2PMSG_INTEROP_RUNS the inputs
(default 10000, with P2PMSG_SOAK 2000000), P2PMSG_INTEROP_SEED the seed.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

try:
    import msgpack
except ImportError:
    print("skip msgpack python3-msgpack is not installed")
    sys.exit(0)

TESTS = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("P2PMSG_BUILD", TESTS.parent / "build" / "debug-gcc"))
HELPER = BUILD / "tests" / "interop" / "msgpack_stdio"
RUNS = int(
    os.environ.get("P2PMSG_INTEROP_RUNS")
    or (2000000 if os.environ.get("P2PMSG_SOAK") else 10000)
)
SEED = int(os.environ.get("P2PMSG_INTEROP_SEED") or random.SystemRandom().getrandbits(32))
KNOWN_KEYS = {1: {2, 3, 4, 5, 6, 7}, 2: {0}, 3: {0, 1, 2}, 4: {0, 1, 2}, 5: {0},
              6: {0}, 7: {0}, 8: {0}, 9: {0},
              16: {0, 1, 2, 3, 4, 5, 6, 27}, 17: {0, 1, 2, 3, 4}, 18: {0, 1, 2, 3},
              19: {0, 1, 2, 3, 4, 5}, 20: {0, 1, 2, 3, 4}, 21: {0, 1, 2, 3}}
MSG_TYPES = {"TEXT", "EDIT", "DELETE", "REACTION", "RECEIPT", "TYPING"}


class Pairs(list):
    """A map as it stood: keys in their order, twice if they came twice."""


class Outside(Exception):
    """Not in the profile."""


def pack(value):
    packer = msgpack.Packer(use_bin_type=True, autoreset=False)
    put(packer, value)
    return packer.bytes()


def put(packer, value):
    if isinstance(value, Pairs):
        packer.pack_map_header(len(value))
        for pair in value:
            for part in pair:
                put(packer, part)
    elif isinstance(value, list):
        packer.pack_array_header(len(value))
        for part in value:
            put(packer, part)
    else:
        packer.pack(value)


def unpack(data):
    """The object at the front and its length; None when there is none."""
    reader = msgpack.Unpacker(
        raw=False, strict_map_key=False, object_pairs_hook=Pairs, max_buffer_size=1 << 20
    )
    reader.feed(data)
    try:
        return reader.unpack(), reader.tell()
    except (msgpack.UnpackException, ValueError, UnicodeDecodeError, RecursionError):
        return None


def profile(value, depth=0, path=()):
    """Raises Outside unless the strict profile allows the value."""
    if value is None:
        if path != ("array3", 1):
            raise Outside
    elif isinstance(value, bool) or isinstance(value, bytes):
        pass
    elif isinstance(value, str):
        if "\0" in value:
            raise Outside
    elif isinstance(value, Pairs):
        if depth == 4 or len(value) > 64:
            raise Outside
        keys = [k for k, _ in value]
        if any(not isinstance(k, int) or isinstance(k, bool) or k < 0 for k in keys):
            raise Outside
        if any(a >= b for a, b in zip(keys, keys[1:])):
            raise Outside
        for _, part in value:
            profile(part, depth + 1)
    elif isinstance(value, list):
        if depth == 4 or len(value) > 1024:
            raise Outside
        kind = "array3" if depth == 0 and len(value) == 3 else "array"
        for i, part in enumerate(value):
            profile(part, depth + 1, (kind, i))
    elif not isinstance(value, int):
        raise Outside


def expected(data):
    """What the walker should say."""
    found = unpack(data)
    if not found:
        return "no"
    value, used = found
    try:
        profile(value)
        if pack(value) != data[:used]:
            return "no"
    except (Outside, ValueError, OverflowError, UnicodeEncodeError):
        return "no"
    return str(used)


def some_int(rng):
    edge = rng.choice([0, 7, 8, 15, 16, 31, 32, 52, 53, 63])
    return (1 << edge) + rng.choice([-2, -1, 0, 1])


def some_scalar(rng):
    kind = rng.randrange(12)
    if kind < 4:
        return max(0, some_int(rng))
    if kind == 4:
        return -min(some_int(rng), 1 << 63)
    if kind == 5:
        return rng.random() < 0.5
    if kind < 9:
        n = rng.choice([0, 1, 5, 31, 32, 33, 255, 256])
        return "".join(rng.choice("aé€🦊z") for _ in range(n))
    if kind == 11 and rng.random() < 0.1:
        return rng.choice([None, 0.5, msgpack.ExtType(1, b"x"), "\0"])
    return rng.randbytes(rng.choice([0, 1, 16, 32, 255, 256]))


def some_value(rng, depth):
    kind = rng.randrange(8) if depth < rng.choice([2, 3, 4, 5]) else 7
    if kind == 0:
        return [some_value(rng, depth + 1) for _ in range(rng.choice([0, 1, 3, 15, 16]))]
    if kind == 1:
        keys = {rng.choice([rng.randrange(70), max(0, some_int(rng))])
                for _ in range(rng.choice([0, 1, 4, 16, 17]))}
        order = sorted(keys) if rng.random() < 0.9 else list(keys)
        return Pairs((k, some_value(rng, depth + 1)) for k in order)
    return some_scalar(rng)


def some_object(rng):
    body = some_value(rng, 1)
    oid = rng.choice([None, rng.randbytes(16)])
    return [rng.randrange(140), oid, body] if rng.random() < 0.7 else body


def changed(rng, data):
    """One byte of it changed, taken out, put in, or its end cut or added to."""
    if not data:
        return rng.randbytes(3)
    at = rng.randrange(min(len(data), 40) if rng.random() < 0.7 else len(data))
    byte = rng.choice([rng.randrange(256), rng.randrange(0xC0, 0xE0)]).to_bytes(1, "big")
    return rng.choice([
        data[:at] + byte + data[at + 1:],
        data[:at] + data[at + 1:],
        data[:at] + byte + data[at:],
        data[:at],
        data + byte,
    ])


def inputs(rng):
    for i in range(RUNS):
        data = rng.randbytes(rng.randrange(12)) if i % 10 == 0 else pack(some_object(rng))
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            data = changed(rng, data)
        yield data


class Helper:
    def __init__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([str(HELPER)], stdin=pipe, stdout=pipe, text=True)

    def ask(self, word, data):
        self.process.stdin.write(f"{word} {data.hex()}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def end(self):
        self.process.stdin.close()
        return self.process.wait()


def report(name, wrong, count):
    if wrong:
        for line in wrong[:20]:
            print(line)
        print(f"not ok {name} {len(wrong)} of {count} inputs (seed {SEED})")
    else:
        print(f"ok {name} {count} inputs")


def test_walker(helper, rng):
    wrong, taken = [], 0
    for data in inputs(rng):
        answer = helper.ask("check", data)
        taken += answer != "no"
        if answer != expected(data):
            wrong.append(f"{data.hex()}: ours {answer}, expected {expected(data)}")
    if not 0.2 < taken / RUNS < 0.8:
        wrong.append(f"{taken} of {RUNS} inputs are in the profile: a poor mix")
    report("msgpack_walker", wrong, RUNS)


def known_part(data):
    value, used = unpack(data)
    number, oid, body = value
    known = Pairs(pair for pair in body if pair[0] in KNOWN_KEYS[number])
    return pack([number, oid, known])


def test_messages(helper, rng):
    golden = (TESTS / "golden" / "msg.txt").read_text().splitlines()
    packed = [(name[0] in MSG_TYPES, bytes.fromhex(name[2])) for name in
              (line.split(" ", 3) for line in golden)]
    packed = [(is_msg, data) for is_msg, data in packed if len(data) < 2000]
    wrong, taken = [], 0
    for _ in range(RUNS):
        is_msg, data = rng.choice(packed)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            data = changed(rng, data)
        answer = helper.ask("msg" if is_msg else "ctrl", data)
        if not answer.startswith("OK "):
            continue
        taken += 1
        again = bytes.fromhex(answer[3:])
        if again != known_part(data):
            wrong.append(f"{data.hex()}: encoded again as {again.hex()}")
    if taken < RUNS / 5:
        wrong.append(f"only {taken} of {RUNS} were taken")
    report("msgpack_messages", wrong, RUNS)


def main():
    if not os.access(HELPER, os.X_OK):
        print(f"not ok msgpack {HELPER} is not built")
        return
    rng = random.Random(SEED)
    helper = Helper()
    test_walker(helper, rng)
    test_messages(helper, rng)
    status = helper.end()
    print("ok msgpack_helper" if status == 0 else f"not ok msgpack_helper status {status}")


main()
