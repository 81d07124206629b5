#!/usr/bin/python3
"""bench: what p2pmsg does beside what people would use instead, in one run.

  run.py --build DIR [SECTION ...]

Prints both sides' figures, their ratio and the floor the project holds itself to,
and writes build/bench.json. A side that is not installed is skipped by name. Every
figure is the median of several runs that take turns, so that a noisy machine is
noisy for both.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROUNDS = 5
rows, failed = [], []


def lines(text):
    """name<TAB>value<TAB>unit lines as a dict of floats."""
    out = {}
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) >= 2:
            out[parts[0]] = float(parts[1])
    return out


def tool(name, *args, timeout=600):
    path = build / "tests/bench" / name
    if not path.exists():
        raise FileNotFoundError(f"{name} is not built (make bench builds it)")
    run = subprocess.run([path, *map(str, args)], capture_output=True, text=True,
                         timeout=timeout)
    if run.returncode != 0:
        raise RuntimeError(f"{name} failed: {run.stderr.strip()[-300:]}")
    return lines(run.stdout)


def median_of(calls):
    """Runs the calls in turn, ROUNDS times; the median of every name they print."""
    seen = {}
    for _ in range(ROUNDS):
        for call in calls:
            for name, value in call().items():
                seen.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in seen.items()}


def row(section, what, ours, theirs, unit, floor=None, is_least=True, against=""):
    """is_least: the floor is the least the ratio may be, else the most."""
    ratio = ours / theirs if theirs else None
    holds = None
    if floor is not None:
        measured = ratio if theirs else ours
        holds = measured >= floor if is_least else measured <= floor
    rows.append(dict(section=section, what=what, ours=ours, theirs=theirs, unit=unit,
                     against=against, ratio=ratio, floor=floor, holds=holds))
    text = f"{what:44} {ours:12,.1f} {unit:11}"
    if theirs:
        text += f" {against} {theirs:,.1f}, ratio {ratio:.2f}"
    if floor is not None:
        sign = ">=" if is_least else "<="
        text += f", floor {sign} {floor:g}: {'holds' if holds else 'MISSED'}"
    print(text, flush=True)


def growth(section, what, points):
    """A row for each size, and the exponent between neighbours."""
    import math
    last = None
    for n, value, unit in points:
        text = ""
        if last and last[1] > 0 and value > 0:
            exponent = math.log(value / last[1]) / math.log(n / last[0])
            text = f"  grows as n^{exponent:.2f}"
        rows.append(dict(section=section, what=f"{what} {n}", ours=value, unit=unit))
        print(f"{what + ' ' + format(n, ','):44} {value:12,.2f} {unit}{text}", flush=True)
        last = (n, value)


def bench_handshakes():
    v = median_of([lambda: tool("bench_wire")])
    for name, value in v.items():
        if not name.startswith(("handshakes,", "X25519 of", "share of")):
            row("handshakes", name, value, None, "ns")
    # Acquainted: the certificate was checked before. A stranger's costs two Ed25519
    # verifications on each side, which are arithmetic too.
    row("handshakes", "handshakes, acquainted, both sides", v["handshakes, acquainted"],
        v["X25519 of as many, acquainted"], "/s", floor=0.6, against="its X25519 alone")
    alone = 1e9 / (1e9 / v["X25519 of as many, strangers"] + v["certificates of a handshake"])
    row("handshakes", "handshakes, strangers, both sides", v["handshakes, strangers"], alone,
        "/s", floor=0.6, against="its X25519 and Ed25519 alone")


def bench_messages():
    v = median_of([lambda: tool("bench_node", "rate"), lambda: tool("bench_zmq", 500000)])
    row("messages", "texts of 100 bytes, core to core", v["node.rate"], v["zmq.curve"],
        "/s", floor=1.2, against="ZeroMQ CURVE")
    v.update(median_of([lambda: tool("bench_node", "durable")]))
    row("messages", "the same, durable on both ends", v["node.durable"], None, "/s",
        floor=20000)
    row("messages", "the same beside plaintext", v["node.rate"], v["zmq.plain"], "/s",
        against="ZeroMQ plaintext")


def bench_rtt():
    v = median_of([lambda: tool("bench_node", "rtt"), lambda: tool("bench_tcp")])
    row("rtt", "a text there and back, idle", v["node.rtt.median"], v["tcp.rtt.median"],
        "us", floor=2, is_least=False, against="bare TCP")
    row("rtt", "the same beside an event loop", v["node.rtt.median"],
        v["epoll.rtt.median"], "us", against="bare TCP with epoll")
    row("rtt", "the same, 95th percentile", v["node.rtt.p95"], v["tcp.rtt.p95"], "us",
        against="bare TCP")


def bench_bulk():
    v = median_of([lambda: tool("bench_bulk", 512, 1, "best")])
    row("bulk", "file bytes over loopback, no disk", v["bulk.best"], None, "GB/s")


def bench_sim():
    for what, key, unit in (("nodes that all see all, CPU", "cpu", "s"),
                            ("per session of both ends, CPU", "per_session", "us"),
                            ("memory of all", "memory", "MiB")):
        if what.startswith("nodes"):
            runs = [(n, tool("bench_sim", n)) for n in (10, 30, 100)]
            runs.append((1000, tool("bench_sim", 1000, 16, timeout=900)))
        growth("sim", what, [(n, v[f"sim.{n}.{key}"], unit) for n, v in runs])


def bench_store():
    v = median_of([lambda: tool("bench_store", "rate")])
    row("store", "kept by both ends, acknowledged, delivered", v["store.rate"], None, "/s",
        floor=20000)
    sizes = (10, 1000, 100000, 1000000)
    runs = [(n, tool("bench_store", "grow", n)) for n in sizes]
    for what, key, unit in (("messages kept", "keep", "/s"), ("opening", "open", "ms"),
                            ("a word in the newest 10,000", "newest", "ms"),
                            ("a word in all", "scan", "s"), ("memory after that", "rss", "MiB"),
                            ("on disk, a message", "bytes", "B")):
        growth("store", what, [(n, v[f"store.{n}.{key}"], unit) for n, v in runs])
    n, v = runs[-1]
    for what, key, unit, floor in (("opening a million", "open", "ms", 500),
                                   ("a word in its newest 10,000", "newest", "ms", 100),
                                   ("a word in a million", "scan", "s", 3),
                                   ("memory after that", "rss", "MiB", 32)):
        row("store", what, v[f"store.{n}.{key}"], None, unit, floor=floor, is_least=False)
    for n in sizes:
        run = subprocess.run([HERE / "past.py", str(n)], text=True, stdout=subprocess.PIPE,
                             timeout=900, env=dict(os.environ, BENCH_BUILD=str(build)))
        real = lines(run.stdout)
        if not real:
            raise RuntimeError("no figures of a real node: " + run.stdout.strip()[-300:])
        for what, key, unit, floor in (
                ("real node, start", "start", "ms", None),
                ("real node, history -n 20", "history", "ms", 50),
                ("real node, a word in the newest 10,000", "newest", "ms", 100),
                ("real node, a word nobody said", "scan", "s", 3),
                ("real node, longest stall meanwhile", "stall", "ms", 50),
                ("real node, export", "export", "s", None),
                ("real node, memory after that", "rss", "MiB", None)):
            row("store", f"{what}, {n}", real[f"past.{key}"], None, unit, floor=floor,
                is_least=False)


def bench_lan():
    run = subprocess.run([HERE / "lan.py"], text=True, stdout=subprocess.PIPE, timeout=900,
                         env=dict(os.environ, P2PMSG_BIN=str(build / "p2pmsg")))
    v = lines(run.stdout)
    if not v:
        raise RuntimeError("no figures: " + run.stdout.strip()[-300:])
    row("lan", "start to first peer, embedded mDNS", v["first.peer"], None, "s", floor=2,
        is_least=False)
    row("lan", "40 nodes with real mDNS all see all", v["crowd.40"], None, "s", floor=3,
        is_least=False)
    row("lan", "idle node, private memory", v["idle.anon"], None, "MiB", floor=4,
        is_least=False)
    row("lan", "idle node, resident", v["idle.rss"], None, "MiB")
    row("lan", "idle CPU with 39 peers", v["idle.cpu"], None, "% of a core", floor=1,
        is_least=False)


SECTIONS = {"handshakes": bench_handshakes, "messages": bench_messages, "rtt": bench_rtt,
            "bulk": bench_bulk, "store": bench_store, "lan": bench_lan, "sim": bench_sim}


def main():
    global build
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=Path("build/release-gcc"))
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS])
    args = parser.parse_args()
    build = args.build.resolve()
    for name in args.sections or SECTIONS:
        print(f"== {name}", flush=True)
        try:
            SECTIONS[name]()
        except (FileNotFoundError, RuntimeError, KeyError, subprocess.TimeoutExpired) as e:
            failed.append(name)
            print(f"skipped: {e}", flush=True)
    out = Path("build/bench.json")
    out.write_text(json.dumps(dict(rows=rows, skipped=failed), indent=1) + "\n")
    missed = [r["what"] for r in rows if r.get("holds") is False]
    print(f"{len(rows)} figures in {out}; floors missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
