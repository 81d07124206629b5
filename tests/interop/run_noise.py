#!/usr/bin/python3
"""Noise handshakes and transport messages between p2pmsg's engine (the helper
noise_stdio) and implementations by others, both roles, with random keys, prologues,
payloads and orders of messages.

  dissononce        python3-dissononce (Debian): every pattern, every psk modifier
  noise-handshake   npm, in tests/interop/npm (`make deps-interop`)
  noise-protocol    the same; also rekeying

P2PMSG_BUILD names the build (default build/debug-gcc), P2PMSG_INTEROP_RUNS the runs
of each kind (default 20, with P2PMSG_SOAK 1000), P2PMSG_INTEROP_SEED the seed.

A peer has start(job), write(payload), read(message), handshake_hash(), seal(payload),
open(message) and, if can_rekey, rekey(is_sending).
"""

import json
import os
import random
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NPM = HERE / "npm"
BUILD = Path(os.environ.get("P2PMSG_BUILD", HERE.parent.parent / "build" / "debug-gcc"))
HELPER = BUILD / "tests" / "interop" / "noise_stdio"
RUNS = int(
    os.environ.get("P2PMSG_INTEROP_RUNS")
    or (1000 if os.environ.get("P2PMSG_SOAK") else 20)
)
SEED = int(os.environ.get("P2PMSG_INTEROP_SEED") or random.SystemRandom().getrandbits(32))
PATIENCE_S = 20
PRIME = 2**255 - 19


class Trouble(Exception):
    pass


def x25519_base(scalar):
    """RFC 7748, so that this file needs no library; slow and not constant-time."""
    k = int.from_bytes(scalar, "little") & ~7 & (2**255 - 1) | 2**254
    x2, z2, x3, z3, swap = 1, 0, 9, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb) ** 2 % PRIME, 9 * (da - cb) ** 2 % PRIME
        e = aa - bb
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


class Helper:
    """Our end: a process of noise_stdio."""

    def __init__(self, job, payloads, plan):
        argv = [str(HELPER), job["name"], "initiator" if job["initiator"] else "responder"]
        for name in ("s", "rs", "prologue"):
            if job[name]:
                argv.append(f"{name}={job[name].hex()}")
        argv += [f"psk={psk.hex()}" for psk in job["psks"]]
        argv += [f"payload={payload.hex()}" for payload in payloads]
        argv.append(f"plan={plan}")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe)
        self.until = time.monotonic() + PATIENCE_S

    def exactly(self, n):
        out = b""
        while len(out) < n:
            left = max(0, self.until - time.monotonic())
            if not select.select([self.process.stdout], [], [], left)[0]:
                raise Trouble("no answer from noise_stdio")
            more = os.read(self.process.stdout.fileno(), n - len(out))
            if not more:
                raise Trouble(self.process.stderr.read().decode().strip())
            out += more
        return out

    def receive(self):
        return self.exactly(int.from_bytes(self.exactly(2), "big"))

    def send(self, message):
        self.process.stdin.write(len(message).to_bytes(2, "big") + message)
        self.process.stdin.flush()

    def result(self):
        """The handshake hash and what was received."""
        _, said = self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode != 0:
            raise Trouble(said.decode().strip())
        words = [line.split(" ") for line in said.decode().splitlines()]
        got = [bytes.fromhex(value) for name, value in words if name == "got"]
        return bytes.fromhex(words[0][1]), got

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class NpmPeer:
    """A node process that plays one session after the other."""

    def __init__(self, package):
        self.can_rekey = package == "noise-protocol"
        self.process = subprocess.Popen(
            ["node", str(NPM / "noise_peer.mjs"), package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def call(self, name, **more):
        request = json.dumps({"call": name, **more}) + "\n"
        self.process.stdin.write(request.encode())
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline() or '{"error": "node is gone"}')
        if "error" in reply:
            raise Trouble(reply["error"])
        return bytes.fromhex(reply["ok"])

    def start(self, job):
        plain = {"name": job["name"], "initiator": job["initiator"]}
        plain["psks"] = [psk.hex() for psk in job["psks"]]
        for name in ("s", "rs", "prologue"):
            plain[name] = job[name].hex() if job[name] else ""
        plain["public"] = x25519_base(job["s"]).hex() if job["s"] else ""
        self.call("start", job=plain)

    def write(self, payload):
        return self.call("write", bytes=payload.hex())

    def read(self, message):
        return self.call("read", bytes=message.hex())

    def handshake_hash(self):
        return self.call("hash")

    def seal(self, payload):
        return self.call("seal", bytes=payload.hex())

    def open(self, message):
        return self.call("open", bytes=message.hex())

    def rekey(self, is_sending):
        self.call("rekey", direction="tx" if is_sending else "rx")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()


def make_jobs(rng, kind, we_initiate):
    """What each side starts from: ours and theirs."""
    base, places = kind["base"], kind["places"]
    name = base + "+".join(f"psk{place}" for place in places)
    prologue = rng.randbytes(rng.randrange(0, 100))
    psks = [rng.randbytes(32) for _ in places]
    private = {side: rng.randbytes(32) for side in (True, False)}
    jobs = []
    for initiator in (we_initiate, not we_initiate):
        has_s, needs_rs = kind["keys"][initiator]
        jobs.append({
            "name": name,
            "base": base,
            "places": places,
            "initiator": initiator,
            "prologue": prologue,
            "s": private[initiator] if has_s else None,
            "rs": x25519_base(private[not initiator]) if needs_rs else None,
            "psks": list(psks),
        })
    return jobs


def make_plan(rng, is_one_way, can_rekey):
    letters = "i" if is_one_way else "ir"
    plan = [rng.choice(letters) for _ in range(rng.randrange(1, 20))]
    if can_rekey:
        plan = [c.upper() if rng.random() < 0.2 else c for c in plan] + list(letters)
    return "".join(plan)


def make_payload(rng):
    return rng.randbytes(rng.choice((0, 1, rng.randrange(300), rng.randrange(16000))))


def expect(what, got, wanted):
    if got != wanted:
        raise Trouble(f"{what}: {got[:40].hex()}... is not {wanted[:40].hex()}...")


def run_session(rng, kind, we_initiate, peer):
    ours, theirs = make_jobs(rng, kind, we_initiate)
    plan = make_plan(rng, kind["messages"] == 1, getattr(peer, "can_rekey", False))
    us = "i" if we_initiate else "r"
    turns = [("i", "r")[i % 2] for i in range(kind["messages"])]
    sends = turns + [c for c in plan if c.islower()]
    payloads = [make_payload(rng) for _ in sends]
    own = [p for who, p in zip(sends, payloads) if who == us]
    helper = Helper(ours, own, plan)
    try:
        peer.start(theirs)
        left = iter(payloads)
        for step, who in enumerate(turns + list(plan)):
            is_handshake = step < len(turns)
            if who.isupper():
                peer.rekey(who.lower() != us)
            elif who == us:
                message = helper.receive()
                got = peer.read(message) if is_handshake else peer.open(message)
                expect(f"{step}: payload from us", got, next(left))
            else:
                payload = next(left)
                helper.send(peer.write(payload) if is_handshake else peer.seal(payload))
            if step == len(turns) - 1:
                theirs_h = bytes(peer.handshake_hash())
        our_h, got = helper.result()
        expect("handshake hash", our_h, theirs_h)
        wanted = [p for who, p in zip(sends, payloads) if who != us]
        if got != wanted:
            raise Trouble("payloads from them differ")
    finally:
        helper.stop()


def run_kind(label, peer, pick_kind):
    """Both roles; pick_kind(rng) says which handshake. Returns the failures."""
    failed = 0
    for we_initiate in (True, False):
        name = f"{label}_{'initiator' if we_initiate else 'responder'}"
        for run in range(RUNS):
            rng = random.Random(f"{SEED}/{name}/{run}")
            kind = pick_kind(rng)
            try:
                run_session(rng, kind, we_initiate, peer)
            except Exception as error:  # whatever a foreign library throws
                what = f"{kind['base']}{kind['places']} seed {SEED} run {run}"
                print(f"not ok {name} {what}: {type(error).__name__}: {error}")
                failed += 1
                break
        else:
            print(f"ok {name} {RUNS} runs")
        sys.stdout.flush()
    return failed


XX = {"base": "XX", "places": [], "messages": 3,
      "keys": {True: (True, False), False: (True, False)}}
NNPSK0 = {"base": "NN", "places": [0], "messages": 2,
          "keys": {True: (False, False), False: (False, False)}}
NN = dict(NNPSK0, places=[])
IK = {"base": "IK", "places": [], "messages": 2,
      "keys": {True: (True, True), False: (True, False)}}


def run_dissononce():
    try:
        import dissononce_peer as module
    except ImportError as error:
        print(f"skip dissononce {error} (package python3-dissononce)")
        return 0

    def any_kind(rng):
        base = rng.choice(module.PATTERNS)
        n = module.messages_of(base)
        # It takes one psk for each message only, so not psk0 beside psk1.
        places = [p for p in range(n + 1) if rng.random() < 0.4]
        if 0 in places and 1 in places:
            places.remove(0)
        keys = {side: module.keys_of(base, side) for side in (True, False)}
        return {"base": base, "places": places, "messages": n, "keys": keys}

    failed = run_kind("dissononce_XX", module.Peer(), lambda rng: XX)
    failed += run_kind("dissononce_NNpsk0", module.Peer(), lambda rng: NNPSK0)
    return failed + run_kind("dissononce_any", module.Peer(), any_kind)


def run_npm(package, kinds):
    label = package.replace("-", "_")
    if not shutil.which("node"):
        print(f"skip {label} node is not installed")
        return 0
    if not (NPM / "node_modules" / package).is_dir():
        print(f"skip {label} npm packages are missing (make deps-interop)")
        return 0
    peer = NpmPeer(package)
    try:
        return sum(
            run_kind(f"{label}_{name}", peer, lambda rng, kind=kind: kind)
            for name, kind in kinds.items()
        )
    finally:
        peer.stop()


def main():
    if not os.access(HELPER, os.X_OK):
        print(f"not ok noise_stdio {HELPER} is not built")
        return 1
    failed = run_dissononce()
    failed += run_npm("noise-handshake", {"XX": XX, "NNpsk0": NNPSK0, "IK": IK})
    failed += run_npm("noise-protocol", {"XX": XX, "NN": NN, "IK": IK})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
