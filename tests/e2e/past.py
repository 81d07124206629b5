#!/usr/bin/python3 -B
"""past: what was said, taken out of one profile and into another; with whole programs.

Prints `ok NAME` or `not ok NAME why` for each test. All of it on loopback.
"""
import json
import os
import shutil
import stat
import subprocess
import sys

import smoke
from smoke import BIN, Terminal, check, wait

TESTS = []


def test(fn):
    TESTS.append(fn)
    return fn


def talk(world):
    """Ada and Bob, and what they have said."""
    ada, bob = world.pair()
    a, b = ada.id(), bob.id()
    ada.must("msg", b, "first")
    bob.must("msg", a, "zweitens: Größe\nund eine zweite Zeile")
    ada.must("me", b, "waves \u202e\U0001f44b")
    ada.must("msg", "#lan", "to everybody")
    ada.must("alias", b, "Robert")
    ada.must("tag", b, "lab friends")
    ada.must("keep", b, "--days", "300")
    bob.stop()
    wait("bob away", lambda: ada.state_of(b) != "online")
    ada.cli("msg", b, "waits", "--wait", "0")
    return ada, bob


def rows(text, kind):
    return [r for r in map(json.loads, text.splitlines()) if r["type"] == kind]


def write(world, name, text):
    path = os.path.join(world.dir, name)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


@test
def an_export_taken_in_elsewhere_is_the_same(world):
    ada, bob = talk(world)
    out = ada.must("export")
    entries = rows(out, "entry")
    check([e["text"] for e in entries] == [
        "first", "zweitens: Größe\nund eine zweite Zeile", "waves \u202e\U0001f44b",
        "to everybody", "waits"], entries)
    check([e["state"] for e in entries] ==
          ["delivered", "none", "delivered", "none", "queued"], entries)
    records = rows(out, "record")
    check({r["kind"] for r in records} == {"contact", "keep"}, records)
    robert = [r for r in records if r.get("alias")]
    check(robert[0]["tags"] == "lab friends" and robert[0]["id"] == bob.id(), robert)
    path = write(world, "all.jsonl", out)
    # into an empty profile, on a node that runs and on none; again nothing is doubled
    for name, runs in (("carl", True), ("dora", False)):
        other = world.person(name)
        if runs:
            other.start()
        said = other.must("import", path)
        check(said == f"5 messages and {len(records)} other records were taken in, "
              "0 were known already\n", said)
        check(other.must("export") == out, f"{name}'s export differs")
        said = other.must("import", "-", given=out)
        check("0 messages and 0 other" in said, said)
        check(other.must("export") == out, f"{name}'s second export differs")
        check(other.must("outbox") == "nothing waits\n", "an import queues")
    # and into the profile it came from, with what it has lost
    check("0 messages and 0 other" in ada.must("import", path), "its own is doubled")
    people = [p["name"] for p in world.people[2].ask("peers")]
    check(any("Robert" in p for p in people), people)


@test
def one_conversation_and_a_span_of_time(world):
    ada, bob = talk(world)
    b = bob.id()
    entries = rows(ada.must("export", b), "entry")
    check([e["text"][:5] for e in entries] == ["first", "zweit", "waves", "waits"], entries)
    lan = ada.must("export", "#lan")
    check([e["text"] for e in rows(lan, "entry")] == ["to everybody"], lan)
    check(rows(lan, "record") == [], lan)
    check(rows(ada.must("export", "--until", "1d"), "entry") == [], "until")
    check(len(rows(ada.must("export", "--since", "1h"), "entry")) == 5, "since")
    check(ada.cli("export", "--since", "tomorrow").returncode == 1, "a bad time")
    # a part first, then the rest
    carl = world.person("carl")
    carl.must("import", "-", given=lan)
    said = carl.must("import", "-", given=ada.must("export"))
    check(said.startswith("4 messages") and "1 were known" in said, said)


@test
def a_bad_line_is_named_and_what_was_before_it_stays(world):
    ada, _ = talk(world)
    lines = ada.must("export").splitlines()
    good = [x for x in lines if '"entry"' in x]
    one = json.loads(good[0])

    def changed(**fields):
        return json.dumps({**one, **fields}).encode()

    other, stranger = "0" * 32, world.person("carl").id()
    bad = {
        b"{": "not JSON",
        b"[]": "no JSON object",
        b"[" * 200000: "not JSON",
        b'{"a":' * 3000: "not JSON",
        b'"' + b"x" * 300000 + b'"': "longer than",
        b"{}": '"type"',
        b'{"type":"message"}': '"type"',
        b"\xff\xfe": "not JSON",
        b'{"type":"entry","id":"\0"}': "not JSON",
        changed(id=None): "neither a text",
        changed(id="xyz"): "hex",
        changed(id=other): '"id"',
        changed(conv=other): '"conv"',
        changed(author=one["peer"]): None,  # another's message, and as good
        changed(author=stranger): '"conv" is not that of',
        changed(author="nobody"): '"author"',
        changed(author=ada.id()[:-1] + "a"): '"author"',
        changed(lamport=2 ** 53): "lamport",
        changed(lamport=10 ** 30): "not JSON",
        changed(lamport=1.5): "neither a text",
        changed(lamport=-1): "lamport",
        changed(kept_ms=[1]): "neither a text",
        changed(state="gone"): '"state"',
        changed(body="!"): '"body"',
        changed(body=""): '"body"',
        changed(body="AAAA"): '"body"',
        changed(body="A" * 120000): None,
        changed(kind="contact"): '"kind"',
        b'{"type":"record","kind":"secret","key":"00","value":"AA=="}': "kind",
        b'{"type":"record","kind":"contact","key":"00","value":"AA=="}': "contact",
        b'{"type":"record","kind":"keep","key":"00","value":"AA=="}': '"key"',
        b'{"type":"record","kind":"keep","key":"' + b"00" * 97 + b'"}': '"key"',
    }
    for i, (line, why) in enumerate(bad.items()):
        who = world.person(f"x{i}")
        text = good[1].encode() + b"\n" + line + b"\n" + good[2].encode() + b"\n"
        done = who.cli("import", write(world, f"bad{i}", text))
        if why is None:
            continue
        check(done.returncode == 1, f"{line[:60]}: status {done.returncode}")
        check(done.stderr.startswith("p2pmsg: line 2: ") and why in done.stderr,
              f"{line[:60]}: {done.stderr[:200]}")
        check("1 messages" in done.stderr or "2 messages" in done.stderr, done.stderr)
        check(one["id"] not in who.must("export"), "the bad line was taken in")


@test
def a_file_that_is_not_there(world):
    ada = world.person("ada")
    done = ada.cli("import", os.path.join(world.dir, "none"))
    check(done.returncode == 5 and "none" in done.stderr, done.stderr)
    done = ada.cli("import", world.dir)
    check(done.returncode == 5, done.stderr)
    check(ada.must("import", "/dev/null").startswith("0 messages"), "an empty file")
    check(ada.must("export") == "", "nothing is nothing")


@test
def a_client_writes_a_file_that_is_new(world):
    ada, _ = talk(world)
    path = os.path.join(world.dir, "mine.jsonl")
    terminal = Terminal(ada)
    terminal.read(1)
    os.write(terminal.fd, f"/export {path}\n".encode())
    wait("the export", lambda: (terminal.read(), "5 messages" in terminal.out)[1])
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "its mode")
    with open(path, encoding="utf-8") as f:
        check(f.read() == ada.must("export"), "the file differs")
    os.write(terminal.fd, f"/export {path}\n".encode())
    wait("a refusal", lambda: (terminal.read(), "exists" in terminal.out)[1])
    os.write(terminal.fd, b"/export /dev/full\n")
    wait("another", lambda: (terminal.read(), terminal.out.count("exists") > 1)[1])


@test
def a_reader_who_goes_away_harms_nobody(world):
    ada, bob = talk(world)
    for _ in range(30):
        ada.cli("msg", bob.id(), "x" * 15000, "--wait", "0")
    with subprocess.Popen([BIN, "export"], env=ada.env(), stdout=subprocess.PIPE) as p:
        p.stdout.read(1000)
        p.stdout.close()
        p.wait(smoke.LIMIT)
    check(len(rows(ada.must("export"), "entry")) == 35, "the node goes on")


@test
def the_outbox_in_a_shell(world):
    ada, bob = talk(world)
    ada.cli("msg", bob.id(), "waits too", "--wait", "0")
    items = [e for e in ada.ask("outbox", "Robert") if e["type"] == "item"]
    check([i["text"] for i in items] == ["waits", "waits too"], items)
    check(all(i["state"] == "queued" for i in items), items)
    first = items[0]["id"][:8]
    check(ada.must("outbox", "cancel", first) == "1 message cancelled\n", "cancel")
    last = ada.ask("history", "Robert", "-n", "2")
    check([m["state"] for m in last] == ["failed", "queued"], last)
    check(ada.must("outbox", "retry", first) == "queued again\n", "retry")
    bob.start(*world.towards(ada))
    bob.follow()
    wait("both delivered", lambda: len(ada.ask("outbox")) == 1
         and ada.must("outbox") == "nothing waits\n")
    wait("both shown", lambda: bob.shown("waits") and bob.shown("waits too"))
    check(ada.cli("outbox", "cancel", first).returncode == 2, "it is gone")


@test
def what_is_kept_and_forgotten_in_a_shell(world):
    ada, bob = talk(world)
    b = bob.id()
    check(ada.must("keep", b) == "kept for 300 days\n", ada.must("keep", b))
    check(ada.must("keep", b, "default") ==
          "kept for ever, as the settings say\n", "default")
    check(ada.cli("keep", b, "--days", "-1").returncode == 1, "a bad number")
    ada.must("forget", "#lan", "--history")
    check(ada.must("history", "#lan") == "0 messages\n", "#lan is forgotten")
    check(len(rows(ada.must("export"), "entry")) == 4, "the others are not")
    ada.must("forget", "--history")
    check(rows(ada.must("export"), "entry") == [], "all is forgotten")
    check("Robert" in ada.must("peers"), "people are not")
    check(ada.cli("forget").returncode == 1, "forget needs something")


@test
def doctor_says_what_is_wrong(world):
    ada, _ = talk(world)

    def levels(*args):
        done = ada.cli("doctor", "--json", *args)
        found = [json.loads(x) for x in done.stdout.splitlines()]
        return done.returncode, [(f["level"], f["subject"], f["text"]) for f in found
                                 if f["type"] == "finding"]

    status, found = levels("--deep")
    check(status == (5 if any(f[0] == "wrong" for f in found) else 0), found)
    about = {f[1] for f in found}
    check(about >= {"node", "discovery", "network", "people", "files", "key", "disk",
                    "store", "clock", "outbox"}, about)
    check([f for f in found if f[0] == "wrong" and f[1] not in ("network", "discovery")]
          == [], found)
    check(any("looked through" in f[2] for f in found), found)
    check(("ok", "outbox", "1 message is waiting, the first for 0 days") in found, found)
    os.chmod(os.path.join(ada.data, "key"), 0o644)
    status, found = levels()
    check(status == 5, status)
    check({f[1] for f in found if f[0] == "wrong"} == {"key"} | {f[1] for f in found
          if f[0] == "wrong" and f[1] in ("network", "discovery")}, found)
    os.chmod(os.path.join(ada.data, "key"), 0o600)
    text = ada.must("doctor") if levels()[0] == 0 else ""
    check(not text or text.endswith("all is well\n"), text)


@test
def doctor_misses_no_store_that_nobody_wants(world):
    ada = world.person("ada").start("--store", "none")
    done = ada.cli("doctor", "--json")
    found = [f for f in map(json.loads, done.stdout.splitlines())
             if f["type"] == "finding" and f["subject"] == "store"]
    check([f["level"] for f in found] == ["note"], found)


def main():
    if not os.access(BIN, os.X_OK) or not shutil.which("python3"):
        print(f"not ok past there is no program {BIN}")
        return 1
    smoke.TESTS[:] = TESTS
    return smoke.run_all(False, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
