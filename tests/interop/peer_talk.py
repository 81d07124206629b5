"""Tests of run_peer.py: two who follow the page talk with each other."""

import json
import os
import struct
import subprocess
import time

from py_peer import *  # noqa: F403
from py_pack import Raw, pack
from real_node import BIN, Skip, check, until


def start(node, me=None, hello={}, **other):
    """We dial; both HELLOs have been dealt with."""
    s = connect(node.port, me or Device(), id_parse(node.id), **other).start(**hello)
    check(s.alive(), f"it ended after HELLO: {s.closes}")
    return s


class Dialled:
    """Somebody the node dials: add, and forget at the end."""

    def __init__(self, node, me=None, id_=None):
        self.node, self.me = node, me or Device()
        self.listener = Lan.listen()
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.id = id_ or self.me.person.id

    def __enter__(self):
        done = self.node.cli("add", self.address, self.id)
        check(done.returncode == 0, f"add: {done.stderr}{done.stdout}")
        return self

    def __exit__(self, *_):
        self.node.cli("forget", self.address)
        self.listener.close()

    def accept(self, **other):
        return accept(self.listener, self.me, **other)


def acked(s, id_):
    check(s.wait(lambda: id_ in s.acks or any(n[0] == id_ for n in s.nacks)), "no ACK")
    check(id_ in s.acks, f"NACK {s.nacks[-1:]}")


def to_us(node, s, text, who=None):
    """The node says it, we get it and acknowledge it."""
    asked = node.say(who or s.me.person.id, text)
    got = s.wait(lambda: any(body[3] == text for _, body in s.texts))
    s.alive()
    status = asked.wait()
    check(got, f"'{text[:30]}' did not come")
    check(status == 0, f"p2pmsg msg: status {status}")


# ---- sessions and chat ----

def we_dial(node):
    s = start(node)
    check(s.hello[2] == node.nick and s.hello[5] == node.port, f"HELLO {s.hello}")
    acked(s, s.say("from the one who dialled"))
    node.await_shown("from the one who dialled")
    to_us(node, s, "to the one who dialled")
    whois = node.ask("whois", s.me.person.id)[0]
    check(s.id.hex().startswith(whois["session"]), f"session id {whois['session']}")
    check(whois["device"] == s.me.device_id.hex(), "device id")
    s.close()
    until("offline", lambda: node.state(s.me.person.id) == "offline")


def node_dials(node, listener, me):
    """By --peer host:port, given when it started."""
    s = accept(listener, me).start()
    acked(s, s.say("from the one who was dialled"))
    node.await_shown("from the one who was dialled")
    to_us(node, s, "to the one who was dialled")
    s.drop()
    s = accept(listener, me).start()  # it comes again by itself
    s.close()


def no_dash_no_case(node):
    """The text of an id: dashes, capitals, and the URI mean the same."""
    for form in (id_groups(node.id), node.id.upper(), "p2pmsg:" + node.id):
        check(id_parse(form) == id_parse(node.id), form)
    uri = node.ask("id")[0]
    check(uri["uri"].startswith("p2pmsg:" + node.id), uri["uri"])
    check(uri["fingerprint"] == id_groups(node.id), uri["fingerprint"])


def hello_fields(node):
    s = start(node, hello={"f2": "Zoë 漢字", "f4": 2**53 - 1, "f5": 65535,
                           "f6": "s" * 140, "f7": True})
    p = node.person(s.me.person.id)
    check((p["nick"], p["status"], p["away"]) == ("Zoë 漢字", "s" * 140, True), str(p))
    s.close()
    s = start(node, hello={"f2": "n" * 64, "f5": None})
    check(node.person(s.me.person.id)["nick"] == "n" * 64, "nick of 64 bytes")
    s.close()
    for more in ({"f2": "n" * 65}, {"f2": None}, {"f2": b"py"}, {"f6": "s" * 141},
                 {"f7": 1}, {"f4": 2**53}, {"f5": 65536}, {"f3": b"no list"}, {"f3": b""},
                 {"f40": 1}):
        s = connect(node.port, Device())
        s.say_hello(**more)
        code = s.end_code()
        check(code == 1, f"HELLO with {more}: {code}")


def hello_is_first(node):
    for kind, payload in ((PING, bytes(8)), (MSG, pack([16, bytes(16), {}])),
                          (CTRL, pack([1000, None, {}])),
                          (CTRL, pack([ACK, None, {0: [bytes(16)]}]))):
        s = connect(node.port, Device())
        s.send(kind, payload)
        check(s.end_code(3) == 1, f"kind {kind} before HELLO: {s.closes}")
    s = connect(node.port, Device())
    s.send(0x80, b"what is ignored does not count")
    s.send(PONG, bytes(8))
    s.rekey()
    check(s.start().alive(), "REKEY before HELLO")
    s.close()
    s = start(node)
    s.say_hello()
    check(s.end_code() == 1, f"second HELLO: {s.closes}")


def action(node):
    s = start(node)
    acked(s, s.say("waves", f6=1))
    event = until("shown", lambda: node.seen("message", text="waves"))[0]
    check(event["style"] == "action", event["style"])
    node.cli("me", s.me.person.id, "nods")
    check(s.wait(lambda: s.texts and s.texts[-1][1].get(6) == 1), "no action came")
    s.close()


def repeat_is_shown_once(node):
    s = start(node)
    body, id_ = s.text_body("only once"), os.urandom(16)
    for _ in range(3):
        s.msg(body, TEXT, id_)
    check(s.wait(lambda: s.acks.count(id_) == 3), f"{s.acks.count(id_)} of 3 ACKs")
    s.close()
    again = start(node, s.me)
    again.msg(body, TEXT, id_)
    acked(again, id_)
    acked(again, again.say("and then"))
    node.await_shown("and then")
    node.await_shown("only once")
    # (sender, id) is unique: the id of another sender is another message
    other = start(node)
    acked(other, other.say("the same id", id_))
    node.await_shown("the same id")
    again.close()
    other.close()


def resent_after_reconnect(node):
    me = Device()
    s = start(node, me)
    s.answer = False
    words = [f"resent {i}" for i in range(4)]
    for i, word in enumerate(words):
        node.say(me.person.id, word, 0).wait()
        check(s.wait(lambda i=i: len(s.texts) > i), word)
    s.ctrl(ACK, {0: [s.texts[0][0]]})
    check(s.alive(), "alive")
    first = s.texts
    s.drop()
    until("offline", lambda: node.state(me.person.id) == "offline")
    node.say(me.person.id, "resent 4", 0).wait()
    s = start(node, me)
    check(s.wait(lambda: len(s.texts) == 4), f"{len(s.texts)} texts came again")
    check([i for i, _ in s.texts[:3]] == [i for i, _ in first[1:]], "ids or order")
    check([b[3] for _, b in s.texts] == words[1:] + ["resent 4"], "order")
    check([b[2] for _, b in s.texts[:3]] == [b[2] for _, b in first[1:]], "lamport")
    check(s.alive(), "alive")
    s.wait(lambda: len(s.texts) > 4, 0.3)
    check(len(s.texts) == 4, "resent although acknowledged")
    s.close()


def lan_both_ways(node):
    a, b = start(node), start(node)
    acked(a, a.say("to all from a", f0=LAN))
    event = until("shown", lambda: node.seen("message", text="to all from a"))[0]
    check(event["conv"] == "#lan" and event["peer"] == a.me.person.id, str(event))
    asked = node.say("#lan", "to all from the node")
    for s in (a, b):
        check(s.wait(lambda s=s: s.texts), "no copy")
        check(s.texts[0][1][0] == LAN and s.alive(), "conversation")
    check(asked.wait() == 0, "p2pmsg msg #lan")
    check(len(a.texts) == 1 and len(b.texts) == 1, "more than one copy")
    a.close()
    b.close()


def ping_pong(node):
    s = start(node)
    s.pongs.clear()
    marks = [os.urandom(8) for _ in range(100)]
    for mark in marks:
        s.send(PING, mark)
    check(s.wait(lambda: len(s.pongs) == 100) and s.pongs == marks, "PONG")
    s.pings = 0
    asked = subprocess.Popen([BIN, "ping", s.me.person.id, "--json"], env=node.env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    check(s.wait(lambda: s.pings), "no PING")
    check(json.loads(asked.communicate()[0].splitlines()[0])["type"] == "pong", "pong")
    s.close()


def pings_when_silent(node):
    """A side that heard nothing for 15 s sends a PING."""
    s = start(node)
    began = time.monotonic()
    check(s.wait(lambda: s.pings, 20), "no PING")
    took = time.monotonic() - began
    check(14 <= took <= 20, f"PING after {took:.1f} s")
    s.close()


def silent_is_closed(node):
    """Without a whole record for 45 s."""
    s = start(node)
    s.answer = False
    began = time.monotonic()
    code = s.end_code(60)
    took = time.monotonic() - began
    check(code != "open", "still open after 60 s")
    check(44 <= took <= 53, f"closed after {took:.1f} s")


def rekey_ours(node):
    s = start(node)
    for i in range(20):
        s.rekey()
        if i % 3 == 0:
            s.rekey()
        acked(s, s.say(f"rekeyed {i}"))
    node.await_shown("rekeyed 19")
    check(s.alive(), "alive")
    s.send(REKEY)  # and go on under the old key
    s.send(PING, bytes(8))
    check(s.end_code() is None, "a record under the old key was taken")


def rekey_theirs(node):
    """A node whose clock runs 60 times as fast: 15 minutes are 15 seconds."""
    with Dialled(node) as d:
        s = d.accept().start()
        mine, n = [], 0
        end = time.monotonic() + 30
        while s.rekeys < 1 and not s.ended and time.monotonic() < end:
            s.wait(patience=0.1)
            if n % 10 == 0:
                mine.append(s.say(f"fast {n}"))
            s.send(PING, bytes(8))  # or it would be silent for 45 of its seconds
            n += 1
        check(s.rekeys, f"no REKEY; ended {s.ended} {s.closes}, {s.records} records")
        s.rekey()
        to_us(node, s, "after the REKEY")
        acked(s, s.say("after both"))
        check(s.wait(lambda: set(mine) <= set(s.acks)), "a text was lost")
        s.close()


def thousand_pipelined(node):
    s = start(node)
    ids, objects = [], []
    for i in range(1000):
        ids.append(os.urandom(16))
        objects.append(pack([TEXT, ids[-1], s.text_body(f"pipelined {i}")]))
    batch = b""
    for o in objects + [None]:
        if o is None or len(batch) + len(o) > 16380:
            s.send(MSG, batch)
            batch = b""
        batch += o or b""
    check(s.wait(lambda: len(s.acks) >= 1000, 20), f"{len(s.acks)} ACKs, {s.nacks[:2]}")
    check(s.acks == ids, "not each once in order")
    until("all shown", lambda: node.shown("pipelined 999"))
    got = [e["text"] for e in node.seen("message", peer=s.me.person.id)]
    check(got == [f"pipelined {i}" for i in range(1000)], "order on the screen")
    s.close()


def many_from_the_node(node):
    """200 commands at once; the ACKs come late and many at a time."""
    s = start(node)
    s.answer = False
    lines = "".join(json.dumps({"cmd": "msg", "who": s.me.person.id, "text": f"m{i}"})
                    + "\n" for i in range(200))
    front = subprocess.Popen([BIN, "--json"], env=node.env, stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL)
    front.stdin.write(lines.encode())
    front.stdin.flush()
    try:
        check(s.wait(lambda: len(s.texts) == 200), f"{len(s.texts)} of 200")
    finally:
        front.stdin.close()
        front.wait()
    check([b[3] for _, b in s.texts] == [f"m{i}" for i in range(200)], "order")
    check([b[2] for _, b in s.texts] == sorted({b[2] for _, b in s.texts}), "lamport")
    s.ctrl(ACK, {0: [i for i, _ in s.texts]})
    until("delivered", lambda: all(node.seen("state", id=i.hex(), state="delivered")
                                   for i, _ in s.texts))
    s.close()


def profile(node):
    s = start(node)
    s.ctrl(PROFILE, {0: "renamed", 1: "busy", 2: True})
    check(s.alive(), "alive")
    p = node.person(s.me.person.id)
    check((p["nick"], p["status"], p["away"]) == ("renamed", "busy", True), str(p))
    s.ctrl(PROFILE, {0: "too soon"})
    check(s.alive(), "alive after a second PROFILE")
    check(node.person(s.me.person.id)["nick"] == "renamed", "a PROFILE too soon counts")
    node.ask("status", "out to lunch")
    check(s.wait(lambda: s.profiles, 12), "no PROFILE from the node")
    check(s.profiles[0].get(1) == "out to lunch", str(s.profiles))
    s.close()


def new_list_by_devlist(node):
    me = Device()
    s = start(node, me)
    other = Device(me.person)
    me.person_list = me.person.device_list(2, [me, other])
    s.ctrl(DEVLIST, {0: me.person_list})
    check(s.alive(), "alive")
    until("devices", lambda: node.ask("whois", me.person.id)[0]["devices"] == 2)
    other.list, other.list_version = me.person_list, 2
    t = start(node, other)
    acked(t, t.say("second device"))
    node.await_shown("second device")
    t.close()
    s.close()


# ---- messages that are refused ----

def nacks(node):
    s = start(node)
    over = 2**53
    one = [{"f0": None}, {"f1": None}, {"f2": None}, {"f3": None}, {"f0": bytes(15)},
           {"f0": "text"}, {"f1": over}, {"f2": over}, {"f2": 2**64 - 1}, {"f2": b""},
           {"f3": ""}, {"f3": "x" * 16001}, {"f3": b"bytes"}, {"f3": 7}, {"f6": "1"},
           {"f6": 2}, {"f1": Raw(b"\xff")},
           {"f0": bytes(16)}, {"f0": conversation(os.urandom(32), s.peer)}]
    for code, cases in ((1, one), (2, [{"f32": 0}, {"f47": b"x"}, {"f40": {}},
                                            {"f3": None, "f33": 1}])):
        for more in cases:
            id_ = s.say("refused", **more)
            check(s.wait(lambda: s.nacks or s.ended or id_ in s.acks), f"{more}: nothing")
            got = s.nacks and s.nacks.pop()[:2]
            check(got == (id_, code), f"{more}: not NACK {code}")
    for type_ in (23, 100, 2**32, 2**53):
        id_ = s.msg(s.text_body("unknown"), type_)
        check(s.wait(lambda: s.nacks or s.ended), f"type {type_}: nothing")
        check(s.nacks and s.nacks.pop()[:2] == (id_, 2), f"type {type_}: not NACK 2")
    acked(s, s.say("unknown keys", f7=[1, {2: 3}], f31=b"", f48={}, f1000="x"))
    acked(s, s.say("x" * 16000))
    acked(s, s.say("é" * 8000))
    check(not node.shown("refused") and s.alive(), "shown, or over")
    s.close()


def node_obeys_nack(node):
    s = start(node)
    s.answer = False
    for code in (1, 2, 3, 4, 5, 8, 9, 10, 11, 14, 99):
        s.texts.clear()
        asked = node.say(s.me.person.id, f"nack {code}")
        check(s.wait(lambda: s.texts), "no text")
        s.ctrl(NACK, {0: s.texts[0][0], 1: code})
        s.alive()
        check(asked.wait() == 3, f"status {asked.returncode} after NACK {code}")
    for code in AGAIN_CODES:
        s.texts.clear()
        node.say(s.me.person.id, f"again {code}", 0).wait()
        check(s.wait(lambda: s.texts), "no text")
        s.ctrl(NACK, {0: s.texts[0][0], 1: code, 2: 1})
        check(s.wait(lambda: len(s.texts) == 2, 5), f"not sent again after NACK {code}")
        check(s.texts[0] == s.texts[1], "sent again as something else")
        s.ctrl(ACK, {0: [s.texts[0][0]]})
    s.ctrl(NACK, {0: os.urandom(16), 1: 2})
    s.ctrl(ACK, {0: [os.urandom(16)]})
    check(s.alive(), "an ACK or NACK of nothing is harmless")
    s.close()


def lan_refused(quiet):
    s = start(quiet)
    id_ = s.say("to all", f0=LAN)
    check(s.wait(lambda: s.nacks) and s.nacks[0][:2] == (id_, 2), f"NACK {s.nacks}")
    s.close()


def contacts_only(quiet):
    s = start(quiet)
    s.say("y" * 513)
    s.wait(lambda: s.nacks)
    check(not s.acks and [n[1] for n in s.nacks] == [4], f"long: {s.nacks} {s.acks}")
    me = Device()
    s = start(quiet, me)
    id_ = s.say("knock knock")
    acked(s, id_)
    until("the knock is shown", lambda: any(
        "knock knock" in n["text"] for n in quiet.seen("knock")))
    s.say("still here")
    check(s.wait(lambda: s.nacks) and s.nacks[0][1] == 4, f"second: {s.nacks}")
    to_us(quiet, s, "who is there")
    acked(s, s.say("it is me"))
    quiet.await_shown("it is me")
    check(not quiet.shown("still here"), "the second was shown")
    s.close()


def refused_is_not_seen(quiet):
    """What was refused is no repeat when it comes again."""
    s = start(quiet)
    body, id_ = s.text_body("z" * 513), os.urandom(16)
    for n in (1, 2):
        s.msg(body, TEXT, id_)
        check(s.wait(lambda n=n: len(s.acks) + len(s.nacks) == n), "nothing")
    s.close()
    check([x[1] for x in s.nacks] == [4, 4], f"{s.nacks}")


def lan_rate(node):
    """Last of all who talk on #lan: the address has used up its tokens then."""
    s = start(node)
    ids = [s.say(f"flood {i}", f0=LAN) for i in range(40)]
    check(s.wait(lambda: len(s.acks) + len(s.nacks) == 40), "answers")
    check(10 <= len(s.acks) <= 22, f"{len(s.acks)} of 40 taken")
    check({n[1] for n in s.nacks} == {7} and len(set(ids)) == 40, f"{s.nacks[:2]}")
    s.close()


def day_quota(node):
    """64 MiB a day as the default; this node gives a stranger 1."""
    s = start(node)
    for i in range(80):
        s.say("q" * 15900 + str(i))
        if i % 20 == 19:
            check(s.wait(lambda i=i: len(s.acks) + len(s.nacks) == i + 1), "answers")
    check({n[1] for n in s.nacks} == {7}, f"NACKs {s.nacks[:2]}")
    check(64 <= len(s.acks) <= 67, f"{len(s.acks)} texts of 16 kB taken")
    check(0 < s.nacks[0][2] <= 86400, f"retry after {s.nacks[0][2]}")
    s.close()


def close_codes(node):
    for code in range(16):
        s = start(node)
        s.send(CLOSE, struct.pack(">H", code) + b"because")
        check(s.end_code() is None or s.closes == [code] or s.closes == [0],
              f"CLOSE {code} was answered with {s.closes}")
        until("offline", lambda s=s: node.state(s.me.person.id) != "online")
        start(node, s.me).close()
    for payload in (b"", b"\0", struct.pack(">H", 1) + b"r" * 65,
                    struct.pack(">H", 1) + b"\xff"):
        s = start(node)
        s.send(CLOSE, payload)
        check(s.end_code() != "open", f"CLOSE {payload[:4]!r}")
    s = start(node)
    s.send(CLOSE, struct.pack(">H", 999))
    check(s.end_code() != "open", "CLOSE 999")


def shutdown(node):
    s = start(node)
    node.terminate()
    check(s.end_code() == 13, f"CLOSE {s.closes}")


TALK = [no_dash_no_case, we_dial, hello_fields, hello_is_first, action,
        repeat_is_shown_once, resent_after_reconnect, lan_both_ways, ping_pong,
        rekey_ours, thousand_pipelined, many_from_the_node, profile, new_list_by_devlist,
        nacks, node_obeys_nack, close_codes, lan_rate]
QUIET = [lan_refused, contacts_only, refused_is_not_seen]
