#!/usr/bin/python3 -B
"""C4 with whole nodes: disks that fail, at every call in turn, and that are full. The
node says so and goes on; what was acknowledged is there."""
import os
import subprocess
import sys

from nodes import (CROWD, SOAK, Node, Skip, check, in_threads, main, meet, need,
                   trial)
from talk import LOCAL, Talk

INSIDE = "P2PMSG_DISKS_INSIDE"


def check_words(talk):
    """A node that did not start, or had trouble, has said why."""
    said = talk.victim.said()
    if talk.status == LOCAL:
        check("p2pmsg: cannot" in said, f"{talk.fault}: it ended and said {said}")
    else:
        check(talk.status == 0, f"{talk.fault}: status {talk.status}: {said}")
    refused = talk.v.out.refused
    check(not refused or [e for e in talk.told if "cannot be kept" in e["text"]],
          f"{talk.fault}: {refused} were refused, and it told {talk.told}")


def fail_at_every(place, kind, n_calls, stride, batch, last=400):
    ks = range(1, last, stride)
    ends = []
    for at in range(0, len(ks), batch):
        survivor = Node(place, f"{kind}{n_calls}-{at}")
        survivor.start(*CROWD).close()
        talks = [Talk(place, survivor, f"{kind}{n_calls}k{k}", f"{kind} {k} {n_calls}")
                 for k in ks[at:at + batch]]
        in_threads([t.run for t in talks])
        for t in talks:
            check_words(t)
        ends += talks
        check(survivor.stop() == 0, "the survivor's end")
    n_refused = sum(len(t.v.out.refused) for t in ends)
    n_ended = sum(t.status == LOCAL for t in ends)
    print(f"# {kind} for {n_calls} calls at {len(ends)} places: {n_ended} did not start, "
          f"{n_refused} messages were refused")
    return n_ended, n_refused


def fail_for_short_and_long(place, kind):
    """A message that could not be kept is asked for again after 10 s, so many at the
    same time."""
    _, (n_ended, n_refused) = in_threads([
        lambda: fail_at_every(place, kind, 1, 1 if SOAK else 17, 32),
        lambda: fail_at_every(place, kind, 3, 1 if SOAK else 37, 32)])
    check(n_ended > 0 and n_refused > 0, "nothing failed")


@trial
def C4_two_nodes_and_an_io_error_at_every_call(place):
    fail_for_short_and_long(place, "eio")


@trial
def C4_two_nodes_and_a_full_disk_at_every_call(place):
    fail_for_short_and_long(place, "enospc")


# ---- a disk that is really full ----

def fill(folder):
    """Until nothing fits any more. The file that takes the room."""
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass
    return path


def small_disk(place, kib):
    folder = os.path.join(place.dir, "small")
    os.mkdir(folder, 0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=700", "tmpfs", folder],
                   check=True)
    place.closers.append(lambda: subprocess.run(["umount", folder], check=False))
    return folder


def need_mounts():
    if INSIDE not in os.environ:
        raise Skip("a mount namespace is not allowed here")


@trial
def C4_a_full_disk_is_said_and_chat_goes_on_when_it_is_not(place):
    need_mounts()
    folder = small_disk(place, 2048)
    ada = Node(place, "ada")
    bob = Node(place, "bob", home=folder)
    fa, fb = meet(ada, bob)
    a, b = fa.node["id"], fb.node["id"]
    check(fa.msg(b, "before", wait="20") == "done", "no delivery at first")
    filler = fill(folder)
    last = {}
    for i in range(40):  # what is allocated already takes some
        last = fb.ask("msg", who=a, text=f"from the full one {i} " + "x" * 8000)[-1]
        if last["type"] == "error":
            break
    check(last["type"] == "error" and last["status"] == LOCAL, f"{last}")
    check("no room" in last["text"] or "disk is full" in last["text"]
          or "No space" in last["text"], last["text"])
    fb.wait("a notice of the full disk", lambda: fb.notices("Make room on the disk"))
    tag = fa.submit(cmd="msg", who=b, text="into the full one " + "y" * 8000)
    fb.wait("that none are taken", lambda: fb.notices("so none are taken"))
    check(not fb.shown("into the full one " + "y" * 8000), "shown, and not kept")
    fa.wait("its keeping", lambda: fa.is_answered(tag))
    check(fb.must("status")[0]["running"], "it does not run")
    check(("in", "before") in fb.history(a), "what was there cannot be read")
    os.unlink(filler)
    fb.wait("the message, later",
            lambda: fb.shown("into the full one " + "y" * 8000), 40)
    fb.wait("the good news", lambda: fb.notices("can be kept again"))
    check(fb.msg(a, "after", wait="20") == "done", "no delivery afterwards")
    check(bob.stop() == 0, "its end")
    check(len(bob.start().history(a)) == len(fa.history(b)), "something is lost")


@trial
def C4_a_disk_that_is_full_at_the_start_is_said(place):
    need_mounts()
    folder = small_disk(place, 512)
    filler = fill(folder)
    bob = Node(place, "bob", home=folder)
    done = bob.cli("daemon", "--discovery", "off", limit=30)
    check(done.returncode == LOCAL, f"status {done.returncode}: {done.stderr}")
    print(f"# {done.stderr.strip()}")
    check("disk" in done.stderr and "full" in done.stderr or "room" in done.stderr,
          done.stderr)
    os.unlink(filler)
    bob.start().close()
    check(bob.stop() == 0, "its end")
    filler = fill(folder)
    done = bob.cli("history", limit=30)
    print(f"# {done.returncode} {done.stderr.strip()}")
    check(done.returncode in (0, LOCAL), f"status {done.returncode}: {done.stderr}")
    os.unlink(filler)
    bob.start().close()
    check(bob.stop() == 0, "its end")


def enter_namespace():
    """Begins again with mounts of its own, where that is allowed."""
    flags = "-m" if os.geteuid() == 0 else "-Urm"
    try:
        need("unshare", "mount")
    except Skip:
        return
    again = ["unshare", flags, sys.executable, "-B", os.path.abspath(__file__),
             *sys.argv[1:]]
    if subprocess.run(["unshare", flags, "true"], capture_output=True,
                      check=False).returncode == 0:
        os.execvpe("unshare", again, dict(os.environ, **{INSIDE: "1"}))


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespace()
    main(together=not SOAK)
