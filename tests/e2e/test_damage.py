#!/usr/bin/python3 -B
"""C4, M6 with real nodes: files that are damaged, missing, newer, somebody else's, not
to be written; and contents that make no sense. The node says what to do and harms
nothing; what can be read is there."""
import os
import random
import shutil
import subprocess

from nodes import (BUILD, CROWD, SOAK, Gone, Node, check, in_threads, main, meet, trial,
                   wait)

LOCAL = 5
TEXTS = 120
PER_PAGE = 30  # messages of one page, more or less
STOREKIT = os.path.join(BUILD, "tests/e2e/storekit")


def kit(node, *args):
    done = subprocess.run([STOREKIT, node.data, *args], capture_output=True, text=True,
                          check=False)
    check(done.returncode == 0, done.stderr)


def talk(place, names=("ada", "bob"), texts=TEXTS):
    """Two who have spoken, both stopped. (nodes, ids)"""
    ada, bob = (Node(place, n) for n in names)
    fa, fb = meet(ada, bob)
    ids = [fa.node["id"], fb.node["id"]]
    for i in range(texts // 2):
        fa.submit(cmd="msg", who=ids[1], text=f"text {i} by ada " + "a" * (i * 7 % 90))
        fb.submit(cmd="msg", who=ids[0], text=f"text {i} by bob " + "b" * (i * 5 % 90))
    fa.must("alias", who=ids[1], name="Robert")
    wait("all of it", lambda: len(fa.history()) == len(fb.history()) == texts
         and not fa.waiting() and not fb.waiting())
    for front, node in ((fa, ada), (fb, bob)):
        front.close()
        check(node.stop() == 0, "its end")
    return (ada, bob), ids


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, content):
    with open(path, "wb") as f:
        f.write(content)


def image(folder):
    return {name: read(os.path.join(folder, name)) for name in os.listdir(folder)
            if not name.endswith((".sock", ".lock")) and name != "lock"}


def refuses(node, *words):
    """It does not start, with status 5 and these words, and changes nothing."""
    before = image(node.data)
    done = node.cli("daemon", "--discovery", "off", limit=60)
    print(f"# {done.stderr.strip()}")
    check(done.returncode == LOCAL, f"status {done.returncode}: {done.stderr}")
    check(all(w in done.stderr for w in words), f"it says {done.stderr}")
    after = image(node.data)
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    check(not changed, f"it changed {changed}")


# ---- damaged databases ----

def damage(chance, content):
    """(what was done, the damaged content)"""
    way = chance.randrange(4)
    if way == 0:
        cut = chance.randrange(len(content))
        return f"cut to {cut}", content[:cut]
    if way == 1:
        at = chance.randrange(len(content))
        return f"bit at {at}", (content[:at] + bytes([content[at] ^ 1 << at % 8])
                                + content[at + 1:])
    at = 4096 * chance.randrange(len(content) // 4096)
    noise = chance.randbytes(4096) if way == 2 else bytes(4096)
    return f"page at {at} {'noise' if way == 2 else 'empty'}", (
        content[:at] + noise + content[at + 4096:])


def lives_on(node, what, said):
    """Starts until nothing more is told, thrice at most. How many messages are left."""
    for _ in range(3):
        try:
            front = node.start(since=0)
        except AssertionError as e:
            check(False, f"{what}: {e}")
        last = front.ask("history", n="1000000")
        have = [(e["direction"], e["text"]) for e in last[:-1]]
        is_read = last[-1]["type"] == "done"  # else the next start mends it
        check(set(have) <= said, f"{what}: it says {set(have) - said}")
        check(len(set(have)) == len(have), f"{what}: something is there twice")
        front.pump(0.01)
        alarms = [e["text"] for e in front.notices() if e["level"] == "alarm"]
        check(all("message store" in text for text in alarms), f"{what}: {alarms}")
        front.close()
        check(node.stop() == 0, f"{what}: its end: {node.said()}")
        if is_read and not alarms:
            return len(have)
    check(False, f"{what}: it stays damaged: {alarms}")
    return 0


@trial
def C4_a_damaged_database_is_mended_at_the_start(place):
    (ada, _), _ = talk(place)
    front = ada.start()
    said = set(front.history())
    front.close()
    ada.stop()
    content, key = read(ada.store), read(os.path.join(ada.data, "key"))
    rounds, chance = 2000 if SOAK else 200, random.Random(11)
    cases = [damage(chance, content) for _ in range(rounds)]
    left = []

    def run(part, cases):
        for i, (what, bad) in enumerate(cases):
            node = Node(place, f"d{part}-{i}")
            os.makedirs(node.data, mode=0o700)
            for folder in (".local", ".local/share", ".local/share/p2pmsg"):
                os.chmod(os.path.join(node.home, folder), 0o700)
            write(os.path.join(node.data, "key"), key)
            os.chmod(os.path.join(node.data, "key"), 0o600)
            write(node.store, bad)
            n = lives_on(node, what, said)
            share = len(bad) / len(content)
            check(not what.startswith("bit") or n >= TEXTS - PER_PAGE, f"{what}: {n} left")
            check(not what.startswith("page") or n >= TEXTS - PER_PAGE, f"{what}: {n} left")
            check(share < 0.98 or n > 0, f"{what}: nothing left")
            aside = [f for f in os.listdir(node.data) if ".damaged-" in f]
            check(n == TEXTS or aside or len(bad) == 0,
                  f"{what}: {n} left, and the old one is gone")
            left.append(n)
            shutil.rmtree(node.home)
    in_threads([lambda p=p: run(p, cases[p::2]) for p in (0, 1)])
    print(f"# {len(left)} damaged ones: all was read of {left.count(TEXTS)}, nothing of "
          f"{left.count(0)}")
    check(len(set(left)) > 3, "the damage does nothing")


# ---- files that are not ours to open ----

@trial
def C4_a_missing_key_file_is_said(place):
    (ada, _), ids = talk(place, texts=4)
    key = os.path.join(ada.data, "key")
    os.rename(key, key + ".away")
    refuses(ada, "key", "is missing", "backup")
    os.rename(key + ".away", key)
    front = ada.start()
    check(front.node["id"] == ids[0] and len(front.history()) == 4, "something is lost")


@trial
def C4_the_key_of_somebody_else_opens_nothing(place):
    (ada, bob), _ = talk(place, texts=4)
    mine = read(os.path.join(ada.data, "key"))
    write(os.path.join(ada.data, "key"), read(os.path.join(bob.data, "key")))
    refuses(ada, "the key file does not belong to it")
    write(os.path.join(ada.data, "key"), mine)
    check(len(ada.start().history()) == 4, "something is lost")


@trial
def C4_a_store_of_a_newer_version_is_left_alone(place):
    (ada, _), _ = talk(place, texts=4)
    kit(ada, "newer")
    refuses(ada, "newer p2pmsg")


@trial
def C4_two_nodes_on_one_profile(place):
    ada = Node(place, "ada")
    front = ada.start()
    again = ada.cli("daemon", "--discovery", "off")
    check(again.returncode == LOCAL and "runs already" in again.stderr, again.stderr)
    # Not found at its socket, it is still kept out by the lock.
    os.unlink(ada.socket)
    again = ada.cli("daemon", "--discovery", "off", limit=60)
    print(f"# {again.stderr.strip()}")
    check(again.returncode == LOCAL and "does not answer" in again.stderr, again.stderr)
    check(front.must("status")[0]["running"], "the first one is gone")


@trial
def C4_what_cannot_be_written_is_said(place):
    """A mount that is read-only; modes mean nothing to root."""
    (ada, _), _ = talk(place, texts=4)
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    flags = "-m" if os.geteuid() == 0 else "-Urm"
    wrap = ["unshare", flags, "sh", "-c", script, ada.home]
    if subprocess.run([*wrap, "true"], capture_output=True, check=False).returncode != 0:
        from nodes import Skip
        raise Skip("mounts are not allowed here")
    before = image(ada.data)
    for args in (["daemon", "--discovery", "off"], ["history"],
                 ["set", "status", "there"]):
        done = ada.cli(*args, wrap=wrap)
        print(f"# {args[0]}: {done.stderr.strip()}")
        check(done.returncode == LOCAL, f"status {done.returncode}: {done.stderr}")
        check("read-only" in done.stderr, done.stderr)
    check(image(ada.data) == before, "something was changed")
    empty = Node(place, "new")
    wrap[-1] = empty.home
    done = empty.cli("daemon", "--discovery", "off", wrap=wrap)
    print(f"# new: {done.stderr.strip()}")
    check(done.returncode == LOCAL and "read-only" in done.stderr, done.stderr)


# ---- contents that make no sense ----

def revive(node, *options):
    front = node.start(*CROWD, *options, since=0)
    front.pump(0.1)
    return front


@trial
def M6_a_contact_that_makes_no_sense_is_told_once(place):
    (ada, bob), ids = talk(place, texts=4)
    kit(ada, "contact")
    for life in range(3):
        front = revive(ada)
        told = [e["text"] for e in front.notices("makes no sense")]
        check(len(told) == (life == 0), f"life {life}: {told}")
        check(front.must("whois", who="Robert")[0]["id"] == ids[1], "the others are gone")
        check(len(front.history()) == 4, "the messages are gone")
        front.close()
        check(ada.stop() == 0, "its end")


def poisoned(place, what):
    """ada has it for bob, and good messages behind it, for him and for cid; the node is
    started twice."""
    (ada, bob), ids = talk(place, texts=4)
    kit(ada, what, ids[1])
    fb = revive(bob)
    n_online = 0
    for life in range(2):
        front = revive(ada, *bob.peer())
        for i in range(3):
            last = front.ask("msg", who=ids[1], text=f"good {life}.{i}", wait="20")[-1]
            check(last["type"] == "done", f"{what}, life {life}: {last}")
        wait("an empty outbox", lambda: front.waiting() == 0, 20)
        told = front.notices("makes no sense")
        failed = [e for e in front.events
                  if e["type"] == "state" and e["state"] == "failed"]
        check(bool(told or failed) == (life == 0 and what != "body"),
              f"{what}, life {life}: {told} {failed}")
        if failed:
            print(f"# {what}: failed: {failed[0].get('why')}")
        fb.pump()
        n_online = len([e for e in fb.events if e["type"] == "peer"
                        and e["state"] == "online" and e["id"] == ids[0]])
        check(n_online == life + 1, f"{what}: {n_online} sessions in {life + 1} lives")
        texts = [t for d, t in front.history() if d == "out"]
        check(texts[-3:] == [f"good {life}.{i}" for i in range(3)], f"{what}: {texts}")
        front.close()
        check(ada.stop() == 0, f"{what}: its end")
    check(len(fb.shown()) == 6, f"{what}: {fb.shown()}")


@trial
def M6_an_object_that_makes_no_sense_stops_nobody(place):
    poisoned(place, "object")


@trial
def M6_an_object_that_the_other_side_refuses_stops_nobody(place):
    poisoned(place, "refused")


@trial
def M6_a_message_that_makes_no_sense_stops_nobody(place):
    poisoned(place, "body")


if __name__ == "__main__":
    main(together=True)
