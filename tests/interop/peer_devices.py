"""Tests of run_peer.py: device lists (A14), several sessions of one device."""

import os
import time

from peer_bad import no_session
from peer_talk import Dialled, acked, start
from py_peer import *  # noqa: F403
from real_node import check, until


def second(person, version, listed=None):
    """A further device of somebody, with a list of that version."""
    d = Device(person)
    d.list_version = version
    d.list = person.device_list(version, listed or [d])
    return d


def provisional(node, me, hello=True, **more):
    """The CLOSE with which a provisional session ends, "open" if it does not."""
    s = connect(node.port, me)
    if hello:
        s.say_hello(**more)
    s.wait(lambda: s.closes, 0.3)
    return s.end_code(3) if s.ended or s.closes else "open"


def held(node):
    """Somebody of whom the node holds version 5, which names one device."""
    me = second(Person(), 5)
    start(node, me).close()
    return me


def A14_second_device(node):
    """A list of version 1 is held, and only device 2 is there."""
    one = Device()
    start(node, one).close()
    two = second(one.person, 2)
    s = start(node, two)
    acked(s, s.say("the second device"))
    s.close()
    said = no_session(node, one, code=4)
    check(said == "closed", f"the first, which no list names any more: {said}")
    both = second(one.person, 3, [one, two])
    for device in (one, two):
        device.list, device.list_version = both.list, 3
    a, b = start(node, one), start(node, two)
    for s in (a, b):
        acked(s, s.say("both of them"))
    check(node.ask("whois", one.person.id)[0]["devices"] == 2, "devices")
    a.close()
    check(b.alive(), "the session of the other device")
    b.close()
    for device, to in ((one, "to one"), (two, "to two")):
        s = start(node, device)
        asked = node.say(device.person.id, to)
        check(s.wait(lambda s=s: s.texts), "nothing")
        s.alive()
        check(asked.wait() == 0, "status")
        s.close()


def A14_second_device_dialled(node):
    """The same, and the node dials."""
    two = second(held(node).person, 6)
    with Dialled(node, two) as d:
        s = d.accept().start()
        acked(s, s.say("the second device, dialled"))
        s.close()


def A13_list_rollback(node):
    person = held(node).person
    for version in (1, 4, 5):
        for dialling in (True, False):
            said = no_session(node, second(person, version), dialling, code=4)
            check(said == "closed", f"version {version}: {said}")


def A14_list_forged(node):
    """Out of order: CLOSE 1. In order but not enough: CLOSE 4."""
    wrong = []
    for what in forged(second(Person(), 6)):
        good = second(held(node).person, 6)
        list_, expected = forged(good)[what]
        code = provisional(node, good, f3=list_)
        if code != expected:
            wrong.append(f"{what}: {code}")
    check(not wrong, ", ".join(wrong))
    check(provisional(node, second(held(node).person, 6)) == "open", "and the good one")


def forged(good):
    person, evil, body = good.person, Person(), good.list[:-64]
    same_id = Device(person, device_id=good.device_id)
    more = [Device(person) for _ in range(16)]
    down = sorted(more[:2], key=lambda d: d.device_id, reverse=True)
    too_little = {
        "no list": None, "lower than held": person.device_list(4, [good]),
        "as high as held": person.device_list(5, [good]),
        "without this device": person.device_list(6, [Device(person)]),
        "the id with another certificate": person.device_list(6, [same_id])}
    out_of_order = {
        "bad signature": good.list[:-1] + bytes([good.list[-1] ^ 1]),
        "signed by another": body + evil.key.sign(body),
        "of another": evil.device_list(6, [good]),
        "of another, ik of this one": evil.device_list(6, [good], ik=person.ik),
        "17 devices": person.device_list(6, [good, *more]),
        "no device": person.device_list(6, []),
        "a device twice": person.device_list(6, [good, good]),
        "descending": person.device_list(6, down, sort=False),
        "longer": good.list + b"\0", "version 0": person.device_list(0, [good])}
    return {**{what: (list_, 4) for what, list_ in too_little.items()},
            **{what: (list_, 1) for what, list_ in out_of_order.items()}}


def list_16_devices(node):
    person = Person()
    devices = [Device(person) for _ in range(16)]
    devices[7].list = person.device_list(1, devices)
    s = start(node, devices[7])
    acked(s, s.say("of sixteen"))
    s.close()


def told(node, me):
    """Notices about somebody."""
    name = node.person(me.person.id)["name"]
    return [n for n in node.seen("notice") if name in n["text"]]


def A13_list_fork(node):
    """Two lists of the same version: the first stays, and the user is told."""
    me = held(node)
    node.say(me.person.id, "makes a contact", 0).wait()
    other = Device(me.person)
    fork = me.person.device_list(5, [me, other])
    s = connect(node.port, me)
    s.say_hello(f3=fork)
    until("the user is told", lambda: told(node, me))
    s.drop()
    other.list, other.list_version = fork, 5
    check(no_session(node, other, code=4) == "closed", "the fork counts")
    start(node, me).close()


def announced_and_brought(node):
    """The payload announces 9, the list has 6: higher than held, and names the device."""
    two = second(held(node).person, 6)
    two.list_version = 9
    code = provisional(node, two)
    check(code in (4, "open"), f"{code}")
    return code


def only_hello_while_provisional(node):
    s = connect(node.port, Device())
    s.close(0)
    s = connect(node.port, Device())
    s.say("before HELLO")
    check(s.end_code(3) == 1 and not node.shown("before HELLO"), f"{s.closes}")


def no_hello(node):
    """5 seconds, provisional or not."""
    me = Device()
    start(node, me).close()
    for device in (me, Device()):
        s = connect(node.port, device)
        began = time.monotonic()
        code = s.end_code(10)
        took = time.monotonic() - began
        check(code == 1 and 4.5 <= took <= 8, f"CLOSE {code} after {took:.1f} s")


def handshake_ends(node):
    """5 seconds for all of it."""
    sock = Lan.dial(node.port)
    sock.sendall(PREAMBLE[:5])
    began = time.monotonic()
    read_nothing(sock)
    took = time.monotonic() - began
    check(4.5 <= took <= 8, f"after {took:.1f} s")


def read_nothing(sock):
    try:
        read_exactly(sock, 1, 10)
    except End:
        return
    check(False, "an answer")


# ---- duplicates ----

def newest_gets(node, sessions, text):
    """Which one of the sessions a message comes on."""
    asked = node.say(sessions[0].me.person.id, text)
    got = until("a session gets it", lambda: next(
        (s for s in sessions if not s.ended and s.wait(lambda s=s: any(
            b[3] == text for _, b in s.texts), 0.05)), None))
    got.alive()
    check(asked.wait() == 0, "status")
    return got


def another_boot(node):
    """(a): the process of the old one is gone. The fourth within a minute is a clone."""
    me = Device()
    s = start(node, me)
    for i in range(3):
        old = s
        me.boot = os.urandom(16)
        s = start(node, me)
        check(old.end_code(3) in (3, None), f"the old one: {old.closes}")
        check(newest_gets(node, [s], f"boot {i}") is s, "not the new one")
    me.boot = os.urandom(16)
    clone = connect(node.port, me)
    clone.say_hello()
    check(clone.end_code(3) == 3, f"the fourth: {clone.closes}")
    check(s.alive(), "the old one does not stay")
    until("the user is told", lambda: told(node, me))
    fifth = no_session(node, me, code=3)
    check(fifth == "closed", f"the fifth: {fifth}")
    check(s.alive(), "the old one does not stay")
    s.close()


def same_boot_same_initiator(node):
    """(b): the initiator closes the older; until then the newest is sent on."""
    me = Device()
    old = start(node, me)
    new = start(node, me)
    check(newest_gets(node, [old, new], "on the newest") is new, "on the older one")
    check(old.alive(2), f"the responder closed the older: {old.closes}")
    acked(old, old.say("still heard on the older"))
    old.close(3)
    check(newest_gets(node, [new], "on the one that stays") is new, "?")
    check(node.state(me.person.id) == "online", "offline")
    new.close()


def unacknowledged_moves(node):
    """What was not acknowledged goes out again on the session that stays."""
    me = Device()
    old = start(node, me)
    old.answer = False
    node.say(me.person.id, "moves", 0).wait()
    check(old.wait(lambda: old.texts), "nothing")
    new = start(node, me)
    old.close(3)
    check(new.wait(lambda: new.texts), "does not come again")
    check(new.texts[0] == old.texts[0], "as something else")
    new.close()


def device_on_side(node, smaller):
    """A device whose (node id || device id) is smaller, or larger, than the node's."""
    while True:
        me = Device()
        if (me.person.node_id < id_parse(node.id)) == smaller:
            return me


def crossed(node, ours_is_smaller):
    """(c): both dialled within 5 s; the session of the smaller one stays."""
    me = device_on_side(node, ours_is_smaller)
    with Dialled(node, me) as d:
        theirs = d.accept().start()
        ours = connect(node.port, me)
        ours.say_hello()
        outcome(node, ours, theirs, ours_is_smaller)


def outcome(node, ours, theirs, ours_is_smaller):
    stays, goes = (ours, theirs) if ours_is_smaller else (theirs, ours)
    check(goes.end_code(3) == 3, f"the other got {goes.closes}, ended {goes.ended}")
    check(stays.wait(lambda: stays.hello) and stays.alive(), "none stays")
    check(newest_gets(node, [stays], "on the one that stays") is stays, "?")
    stays.close()


def crossed_ours_smaller(node):
    crossed(node, True)


def crossed_ours_larger(node):
    crossed(node, False)


def later_newer_replaces(node):
    """(d): other initiators, more than 5 s apart."""
    for smaller in (True, False):
        me = device_on_side(node, smaller)
        with Dialled(node, me) as d:
            theirs = d.accept().start()
            theirs.wait(patience=5.5)
            ours = start(node, me)
            check(theirs.end_code(3) == 3, f"the older: {theirs.closes}")
            check(ours.alive(), "the newer")
            ours.close()


TESTS = [A14_second_device, A14_second_device_dialled, A13_list_rollback,
         A14_list_forged, list_16_devices, A13_list_fork, announced_and_brought,
         only_hello_while_provisional, another_boot, same_boot_same_initiator,
         unacknowledged_moves, crossed_ours_smaller, crossed_ours_larger]
SLOW = [no_hello, handshake_ends, later_newer_replaces]
