#!/usr/bin/python3 -B
"""S1, S2, S3 with real nodes: what a thief finds on the disk, others in the process
table and logs, and the system in its swap. Nothing that was said, nor by whom, nor a
key."""
import base64
import os
import random
import re
import shutil
import subprocess
import time

from nodes import (BUILD, CROWD, Node, Skip, check, is_sanitized, main, need, trial, wait)

LOCAL = 5
PASSPHRASE = "a long horse with one battery"
STOREKIT = os.path.join(BUILD, "tests/e2e/storekit")
WORDS = {
    "own nick": "countess-of-lovelace",
    "other nick": "babbage-the-engineer",
    "alias": "my-old-friend-charles",
    "tag": "analytical-engine-club",
    "delivered": "the first text, which has arrived",
    "answer": "the answer to it, which has arrived too",
    "lan": "something for everybody on the network",
    "waiting": "what waits for somebody who is away",
}


# ---- looking ----

def inner(encode, word, offset, unit, width):
    """How it looks within something longer, where only whole units are certain."""
    text = encode(b"\0" * offset + word)
    first = -(-offset * width // unit) + (1 if offset else 0)
    whole = (offset + len(word)) // unit * width
    return text[first:whole]


def forms(word):
    """(name, bytes) of every way in which it might stand there."""
    raw = word.encode()
    yield "raw", raw
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    yield "UTF-16LE", word.encode("utf-16-le")
    yield "UTF-16BE", word.encode("utf-16-be")
    for offset in range(3):
        yield "base64", inner(base64.b64encode, raw, offset, 3, 4)
        yield "base64url", inner(base64.urlsafe_b64encode, raw, offset, 3, 4)
    for offset in range(5):
        found = inner(base64.b32encode, raw, offset, 5, 8)
        yield "base32", found
        yield "base32", found.lower()


def search(files, words):
    """(what, how, where) of all that is found."""
    found = []
    for what, word in words.items():
        for how, form in forms(word):
            check(len(form) >= 8, f"{what} as {how} is too short to be looked for")
            found += [(what, how, name) for name, content in files.items()
                      if form in content]
    return found


def image(*folders):
    files = {}
    for folder in folders:
        for top, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(top, name)
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        files[path] = f.read()
    return files


@trial
def S1_the_search_finds_what_it_looks_for(place):
    """The trials below prove nothing otherwise."""
    chance = random.Random(3)
    for what, word in WORDS.items():
        for before in range(15):
            raw = chance.randbytes(before) + word.encode() + chance.randbytes(7)
            for how, text in (("raw", raw), ("hex", raw.hex().encode()),
                              ("HEX", raw.hex().upper().encode()),
                              ("base64", base64.b64encode(raw)),
                              ("base64url", base64.urlsafe_b64encode(raw)),
                              ("base32", base64.b32encode(raw)),
                              ("UTF-16LE", word.encode("utf-16-le")),
                              ("UTF-16BE", word.encode("utf-16-be"))):
                got = {h for _, h, _ in search({"x": text}, {what: word})}
                check(how in got, f"{what} as {how} after {before} bytes: only {got}")


# ---- what a thief finds ----

def secret_options(place, passphrase):
    if not passphrase:
        return []
    path = os.path.join(place.dir, "passphrase")
    with open(path, "w", encoding="utf-8") as f:
        f.write(passphrase + "\n")
    return ["--passphrase-command", f"cat {path}"]


def speak(place, passphrase):
    """ada has spoken with bob, who is gone, with #lan, and more waits. Her node runs;
    (node, front)"""
    ada = Node(place, WORDS["own nick"], *secret_options(place, passphrase))
    bob = Node(place, WORDS["other nick"])
    # Everybody may look, unless the program minds.
    open_to_all = ["sh", "-c", 'umask 000 && exec "$@"', "sh"]
    fa = ada.start(*CROWD, "--log-level", "debug", wrap=open_to_all)
    fb = bob.start(*CROWD, *ada.peer())
    a, b = fa.node["id"], fb.node["id"]
    wait("a session", lambda: fa.state_of(b) == fb.state_of(a) == "online")
    fa.must("msg", who=b, text=WORDS["delivered"], wait="20")
    fb.must("msg", who=a, text=WORDS["answer"], wait="20")
    fa.must("msg", who="#lan", text=WORDS["lan"])
    fa.must("alias", who=b, name=WORDS["alias"])
    fa.must("tag", who=b, tags=WORDS["tag"])
    wait("#lan", lambda: ("in", WORDS["lan"]) in fb.history("#lan"))
    fb.close()
    check(bob.stop() == 0, "bob's end")
    for _ in range(50):
        fa.must("msg", who=b, text=WORDS["waiting"])
    check(fa.waiting() == 50, "nothing waits")
    return ada, fa


def check_image(when, files):
    check(any(b"CREATE TABLE" in content for content in files.values()),
          f"{when}: there is no database to look at")
    found = search(files, WORDS)
    check(not found, f"{when}: {found}")


def look_at_all_times(place, passphrase):
    ada, front = speak(place, passphrase)
    running = image(ada.data)
    check(any(name.endswith("-wal") and content for name, content in running.items()),
          f"there is no log beside the database: {sorted(running)}")
    check_image("while it runs", running)
    front.close()
    ada.kill()
    check_image("after a kill", image(ada.data))
    front = ada.start("--log-level", "debug")
    check(front.waiting() == 50, "what waited is gone")
    front.close()
    check(ada.stop() == 0, "its end")
    check_image("after its end", image(ada.data))
    return ada


@trial
def S1_nothing_is_readable_in_an_image_with_a_passphrase(place):
    ada = look_at_all_times(place, PASSPHRASE)
    found = keys_found(image(ada.data), secrets_of(ada, PASSPHRASE))
    check(not found, f"keys lie there: {found}")


@trial
def S1_nothing_is_readable_without_the_key_file(place):
    """Without a passphrase the key file is all that is needed, as the manual says; but
    it is needed."""
    ada = look_at_all_times(place, None)
    files = {n: c for n, c in image(ada.data).items() if not n.endswith("/key")}
    keys = secrets_of(ada, None)
    for key in keys.values():
        there = {"x": b"before" + base64.b64encode(b"it " + key)}
        check(keys_found(there, keys), "keys are not found where they are")
    found = keys_found(files, keys)
    check(not found, f"keys lie there: {found}")
    thief = Node(place, "thief")
    thief.start().close()
    thief.stop()
    for name in os.listdir(ada.data):
        if name.startswith("store.db"):
            shutil.copy(os.path.join(ada.data, name), thief.data)
    done = thief.cli("history", "--discovery", "off")
    check(done.returncode == LOCAL and not done.stdout, done.stdout + done.stderr)


@trial
def S1_a_wrong_passphrase_costs_time_and_opens_nothing(place):
    ada = Node(place, "ada", *secret_options(place, PASSPHRASE))
    ada.start().close()
    ada.stop()
    before = image(ada.data)
    costs = []
    for wrong in ("wrong", PASSPHRASE[:-1], PASSPHRASE + " "):
        began = time.monotonic()
        child = subprocess.Popen([ada.program, "history", "--passphrase-command",
                                  f"echo '{wrong}'"], env=ada.env(), text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        out, said = child.stdout.read(), child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stdout.close()
        child.stderr.close()
        check(child.returncode == LOCAL and not out, f"{wrong!r}: {status} {out} {said}")
        check("not the passphrase" in said, f"{wrong!r}: {said}")
        costs.append(min(used.ru_utime + used.ru_stime, time.monotonic() - began))
    print(f"# a wrong passphrase costs {min(costs) * 1000:.0f} ms")
    check(min(costs) >= 0.08, f"it costs only {min(costs) * 1000:.0f} ms")
    check({n: c for n, c in image(ada.data).items()} == before, "something was changed")
    right = ada.cli("history", *secret_options(place, PASSPHRASE))
    check(right.returncode == 0, right.stderr)


# ---- what others on the machine see ----

def secrets_of(node, passphrase):
    """Its keys."""
    done = subprocess.run([STOREKIT, node.data, "secrets"], capture_output=True,
                          text=True, env=node.env(PASSPHRASE=passphrase or ""),
                          check=False)
    check(done.returncode == 0, done.stderr)
    keys = done.stdout.split()
    check(len(set(keys)) == 5, f"{len(keys)} keys")
    return {f"key {i}": bytes.fromhex(k) for i, k in enumerate(keys)}


def keys_found(files, keys):
    """As search, for what is no text."""
    found = []
    for what, raw in keys.items():
        ways = [raw, raw.hex().encode(), raw.hex().upper().encode(),
                *(inner(base64.b64encode, raw, o, 3, 4) for o in range(3))]
        found += [(what, name) for name, content in files.items()
                  if any(way in content for way in ways)]
    return found


@trial
def S2_files_are_closed_to_others(place):
    ada, front = speak(place, None)
    checked = 0
    for top in (os.path.join(ada.home, ".local/share/p2pmsg"),
                os.path.join(ada.home, ".config/p2pmsg"),
                os.path.join(ada.run_dir, "p2pmsg")):
        for folder, _, names in os.walk(top):
            paths = [folder, *(os.path.join(folder, name) for name in names)]
            for path in paths:
                mode = os.lstat(path).st_mode & 0o7777
                want = 0o700 if path == folder else 0o600
                check(mode == want, f"{path} has {mode:o}, not {want:o}")
                checked += 1
    check(checked >= 9, f"only {checked} files")
    front.close()


@trial
def S2_no_secret_in_arguments_environment_or_logs(place):
    ada, front = speak(place, PASSPHRASE)
    files = {}
    for name in ("cmdline", "environ"):
        with open(f"/proc/{ada.process.pid}/{name}", "rb") as f:
            files[name] = f.read()
    front.close()
    check(ada.stop() == 0, "its end")
    files["log"] = image(place.dir)[ada.log]
    check(len(files["log"].splitlines()) > 3, "the log says nothing at all")
    said = {k: v for k, v in WORDS.items() if not k.endswith("nick")}
    found = search(files, dict(said, passphrase=PASSPHRASE))
    found += keys_found(files, secrets_of(ada, PASSPHRASE))
    check(not found, f"{found}")


@trial
def S2_nobody_looks_inside_and_there_are_no_core_dumps(place):
    """The system gives the /proc entries of such a process to root."""
    if is_sanitized():
        raise Skip("a sanitizer needs to look inside")
    need("setpriv")
    ada = Node(place, "ada")
    user, wrap = os.geteuid(), []
    if user == 0:
        user = 65534
        wrap = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        os.chmod(place.dir, 0o711)
        for folder in (ada.home, ada.run_dir):
            os.chown(folder, user, user)
    if subprocess.run([*wrap, ada.program, "version"], capture_output=True,
                      check=False).returncode != 0:
        raise Skip("another user cannot run the program where it lies")
    other = subprocess.Popen([*wrap, "sleep", "60"])
    place.closers.append(lambda: (other.kill(), other.wait()))
    front = ada.start(wrap=wrap)
    wait("the other program", lambda: os.stat(f"/proc/{other.pid}").st_uid == user)
    check(os.stat(f"/proc/{ada.process.pid}/environ").st_uid == 0,
          "others of this user may look inside")
    with open(f"/proc/{ada.process.pid}/limits", encoding="utf-8") as f:
        limits = re.search(r"Max core file size +(\w+) +(\w+)", f.read())
    check(limits[1] == limits[2] == "0", f"core dumps are allowed: {limits[0]}")
    front.close()


# ---- what the system does with the memory ----

def locked_kib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="utf-8") as f:
        return int(re.search(r"VmLck:\s+(\d+) kB", f.read())[1])


@trial
def S3_keys_lie_in_locked_pages(place):
    if is_sanitized():
        raise Skip("a sanitizer locks nothing")
    ada = Node(place, "ada")
    front = ada.start(since=0)
    front.pump(0.1)
    if front.notices("lock too little"):
        raise Skip("this system lets nobody lock memory")
    check(locked_kib(ada) > 0, "no page is locked")
    # Locked pages with neighbours that nobody may touch are those of keys.
    with open(f"/proc/{ada.process.pid}/smaps", encoding="utf-8") as f:
        maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", f.read(), flags=re.M)[1:]
    guarded = [i for i in range(1, len(maps) - 1)
               if " ---p " in maps[i - 1].splitlines()[0]
               and " ---p " in maps[i + 1].splitlines()[0]
               and re.search(r" r[w-]-p 0+ 00:00 0 +$|r[w-]-p 00000000 00:00 0",
                             maps[i].splitlines()[0])]
    locked = [i for i in guarded if " lo" in re.search(r"VmFlags:(.*)", maps[i])[1]]
    dumped = [i for i in locked if " dd" not in re.search(r"VmFlags:(.*)", maps[i])[1]]
    print(f"# {locked_kib(ada)} KiB are locked, {len(locked)} guarded regions of them")
    check(len(locked) >= 2, f"{len(locked)} of {len(guarded)} guarded regions are locked")
    check(not dumped, "some would be in a core dump")


@trial
def S3_too_small_a_limit_is_said(place):
    if is_sanitized():
        raise Skip("a sanitizer locks nothing")
    need("setpriv", "sh")
    small = ["sh", "-c", 'ulimit -l 0 && exec "$@"', "sh"]
    if os.geteuid() == 0:
        small = ["setpriv", "--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock", *small]
    ada = Node(place, "ada")
    try:
        front = ada.start(since=0, wrap=small)
    except AssertionError as e:
        if "etpriv" in str(e):
            raise Skip("capabilities cannot be dropped here") from None
        raise
    front.wait("a notice", lambda: front.notices("lock too little memory"), 10)
    check(locked_kib(ada) == 0, "it locks all the same: the trial is not one")
    check(front.must("status")[0]["running"], "it does not run")
    front.close()
    check(ada.stop() == 0, "its end")


if __name__ == "__main__":
    main(together=True)
