#!/usr/bin/python3 -B
"""test_marks: what is done to messages, as a bot, a shell and a terminal see it, over
real nodes with real stores.
"""
import os
import pty
import select
import signal
import time

from nodes import BIN, Node, check, main, meet, trial, wait


def pair(place, *options):
    ada, bob = Node(place, "ada"), Node(place, "bob")
    fa, fb = meet(ada, bob, *options)
    return ada, bob, fa, fb


def happened(front, kind, **fields):
    """The events of that type which have these fields."""
    front.pump()
    return [e for e in front.events if e["type"] == kind
            and all(e.get(k) == v for k, v in fields.items())]


def await_event(front, kind, **fields):
    return front.wait(f"{kind} {fields}", lambda: happened(front, kind, **fields))[-1]


def last(front, who):
    return front.must("history", who=who, n=1)[-1]


@trial
def a_bot_has_every_verb(place):
    _, _, fa, fb = pair(place, "--receipts=yes", "--typing=yes")
    a, b = fa.node["id"], fb.node["id"]
    fa.must("msg", who=b, text="questoin?", wait=10)
    asked = await_event(fb, "message", text="questoin?", direction="in")["id"]

    fa.must("edit", who=b, text="question?", wait=10)
    edit = await_event(fb, "edit", id=asked)
    check(edit["text"] == "question?" and edit["peer"] == a, f"{edit}")
    check(last(fb, a)["text"] == "question?" and last(fb, a)["edited"], "not edited")

    fb.must("reply", who=a, text="answer", wait=10)
    answer = await_event(fa, "message", text="answer")
    check(answer["reply_to"] == asked, f"{answer}")
    check(answer["reply_text"] == "question?", f"{answer}")

    fb.must("react", who=a, text="👍", wait=10)
    check(await_event(fa, "reaction", id=asked)["text"] == "👍", "no reaction")
    fb.must("react", who=a, wait=10)
    wait("nothing any more", lambda: "text" not in await_event(fa, "reaction", id=asked))
    fb.must("react", who=a, text="ok", id=asked[:6], wait=10)
    row = [e for e in fa.must("history", who=b) if e["id"] == asked][0]
    check(row["reactions"].startswith('"ok" bob~'), f"{row}")

    fb.must("read", who=a)
    await_event(fa, "state", id=asked, state="read")
    row = [e for e in fa.must("history", who=b) if e["id"] == asked][0]
    check(row["state"] == "read", f"{row}")

    fb.must("typing", who=a)
    check(await_event(fa, "typing", peer=b)["typing"] is True, "not typing")
    fb.must("typing", who=a, state="off")
    await_event(fa, "typing", peer=b, typing=False)

    fa.must("delete", who=b, id=asked, wait=10)
    await_event(fb, "delete", id=asked, peer=a)
    row = [e for e in fb.must("history", who=a) if e["id"] == asked][0]
    check(row["deleted"] is True and row["text"] == "", f"{row}")

    check("after 1 hour" in fa.ask("expire", who=b, time="1h")[-1]["text"], "expire")
    fa.must("msg", who=b, text="for an hour", wait=10)
    check(last(fb, a)["expires"], "it does not expire")
    check("told" in fa.ask("receipts", who=b, state="off")[-1]["text"], "receipts")

    for command in ({"cmd": "edit", "who": b, "text": "x", "id": "zz"},
                    {"cmd": "edit", "who": b, "text": "x", "id": "0" * 32},
                    {"cmd": "react", "who": b, "text": "x" * 33},
                    {"cmd": "expire", "who": b, "time": "1s"},
                    {"cmd": "receipts", "who": b, "state": "perhaps"}):
        end = fa.ask(**command)[-1]
        check(end["type"] == "error" and end["status"] == 1, f"{command}: {end}")


@trial
def a_shell_has_them_and_their_statuses(place):
    ada, bob, fa, fb = pair(place)

    def status(*args, given=""):
        done = ada.cli(*args, given=given)
        return done.returncode, done.stdout + done.stderr
    check(status("edit", "bob", "nothing yet")[0] == 1, "there is nothing to edit")
    for args, given in ((("msg", "bob", "one"), ""), (("msg", "bob", "two"), ""),
                        (("edit", "bob", "-"), "2\n"), (("delete", "bob"), "")):
        check(status(*args, given=given)[0] == 0, f"{args}")
    fb.must("msg", who=fa.node["id"], text="three", wait=10)
    check(status("reply", "bob", "yes")[0] == 0, "reply")
    check(status("react", "bob", "+1")[0] == 0, "react")
    lines = status("history", "bob", "--ids")[1].splitlines()
    check("one" in lines[0] and "(deleted)" in lines[1], f"{lines}")
    check('three  "+1" you' in lines[2], f"{lines}")
    check("(re: three) yes" in lines[3], f"{lines}")
    first = lines[0].split()[2]
    check(len(first) == 8, f"{lines}")
    check(status("edit", "bob", "ONE", "--id", first)[0] == 0, "edit --id")
    check("ONE (edited)" in status("history", "bob")[1], "not edited")
    bob.stop()
    wait("bob away", lambda: fa.state_of(fb.node["id"]) != "online")
    check(status("edit", "bob", "later", "--wait", "0")[0] == 4, "not status 4")


@trial
def what_is_done_survives_a_kill_and_leaves_no_text(place):
    ada, bob, fa, fb = pair(place)
    a, b = fa.node["id"], fb.node["id"]
    to_ada = ada.peer()
    fa.must("msg", who=b, text="first words", wait=10)
    fb.must("msg", who=a, text="hello", wait=10)
    bob.kill()
    wait("bob away", lambda: fa.state_of(b) != "online")
    fa.must("edit", who=b, text="second words")
    fa.must("react", who=b, text="x")
    ada.kill()
    fa = ada.start(*to_ada)
    fb = bob.start(*ada.peer())
    wait("delivery", lambda: fa.state_of(b) == "online" and fa.waiting() == 0)
    said = {e["id"]: e for e in fb.must("history", who=a)}
    texts = sorted((e["text"], e.get("reactions") is not None) for e in said.values())
    check(texts == [("hello", True), ("second words", False)], f"{texts}")
    fa.must("delete", who=b, wait=10)
    for node in (ada, bob):
        node.stop()
        for name in os.listdir(node.data):
            with open(os.path.join(node.data, name), "rb") as f:
                check(b"words" not in f.read(), f"{name} of {node.name} has the text")
    fa = ada.start()
    check(sorted(e["text"] for e in fa.must("history", who=b)) == ["", "hello"], "back")


@trial
def what_a_terminal_shows_is_read(place):
    _, bob, fa, fb = pair(place, "--receipts=yes")
    b = fb.node["id"]
    fa.must("msg", who=b, text="before", wait=10)
    time.sleep(3)
    check(not happened(fa, "state", state="read"), "nobody has seen it")
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(BIN, [BIN], bob.env(TERM="xterm"))
    out = b""

    def shows(word):
        nonlocal out
        if select.select([fd], [], [], 0.1)[0]:
            out += os.read(fd, 65536)
        return word in out
    try:
        wait("a greeting", lambda: shows(b"you are bob"))
        fa.must("msg", who=b, text="look here", wait=10)
        wait("the text", lambda: shows(b"look here"))
        await_event(fa, "state", state="read")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(fd)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
