#!/usr/bin/python3 -B
"""C3 with real nodes: calendars that are wrong, far apart, or jump. People meet, chat
and compare words all the same, and nothing is lost or out of order."""
import glob
import os
import threading
import time

from nodes import CROWD, FAULTY, SOAK, Node, Skip, check, is_sanitized, main, trial, wait

HOUR_S = 3600
DAY_S = 24 * HOUR_S
DECADE_S = 3652 * DAY_S


def library():
    found = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise Skip("faketime is not installed")
    if is_sanitized(FAULTY):
        raise Skip("a sanitizer does not go with libfaketime")
    return found[0]


class Wrong:
    """The calendar of a node, which may be set anew while it runs."""

    def __init__(self, place, name, offset_s):
        self.path = os.path.join(place.dir, name + ".clock")
        self.preload = library()
        self.set(offset_s)

    def set(self, offset_s):
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            f.write(f"{offset_s:+d}s\n")
        os.rename(self.path + ".new", self.path)

    def env(self):
        # The clock that only runs forward stays as it is, as on a real machine.
        return {"LD_PRELOAD": self.preload, "FAKETIME_TIMESTAMP_FILE": self.path,
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Pair:
    def __init__(self, place, offset_a, offset_b):
        self.nodes = [Node(place, "ada"), Node(place, "bob")]
        self.clocks = [Wrong(place, "ada", offset_a), Wrong(place, "bob", offset_b)]
        self.fronts = [None, None]
        self.said = []
        self.start(0)
        self.start(1)
        self.ids = [f.node["id"] for f in self.fronts]
        self.meet()

    def start(self, at):
        peer = self.nodes[0].peer() if at == 1 else []
        self.fronts[at] = self.nodes[at].start(*CROWD, *peer,
                                               env=self.clocks[at].env())

    def meet(self):
        for at in (0, 1):
            wait("a session", lambda at=at:
                 self.fronts[at].state_of(self.ids[1 - at]) == "online")

    def say(self, at, text, must_arrive=True):
        last = self.fronts[at].ask("msg", who=self.ids[1 - at], text=text,
                                   **({"wait": "30"} if must_arrive else {}))[-1]
        check(last["type"] == "done", f"{text}: {last}")
        self.said.append((at, text))

    def talk(self, rounds, remark):
        for i in range(rounds):
            self.say(0, f"{remark} {i}, asked")
            self.say(1, f"{remark} {i}, answered")

    def check_histories(self):
        """As it was said: an answer stands below its question."""
        for at in (0, 1):
            have = self.fronts[at].history(self.ids[1 - at])
            want = [("out" if by == at else "in", text) for by, text in self.said]
            check(have == want, f"{self.nodes[at].name} has {have}, not {want}")

    def verify(self):
        """Both see the same words and say so."""
        for at in (0, 1):
            self.fronts[at].must("verify", who=self.ids[1 - at])
        words = []
        for front in self.fronts:
            front.wait("words", lambda front=front: [
                e for e in front.events if e["type"] == "sas" and "words" in e])
            words.append([e["words"] for e in front.events
                          if e["type"] == "sas" and "words" in e][-1])
        check(words[0] == words[1], f"words: {words}")
        for at in (0, 1):
            self.fronts[at].must("verify", who=self.ids[1 - at], answer="yes")
        for at in (0, 1):
            wait("trust", lambda at=at: self.trust(at) == "verified")

    def trust(self, at):
        return self.fronts[at].must("whois", who=self.ids[1 - at])[0]["trust"]

    def check_rest(self, seconds=2.0):
        """A node that has nothing to do does nothing."""
        before = [n.cpu_s() for n in self.nodes]
        time.sleep(seconds)
        for node, was in zip(self.nodes, before):
            took = node.cpu_s() - was
            check(took < seconds / 10, f"{node.name} took {took:.2f} s of CPU for nothing")

    def years(self):
        return [f.must("status")[0]["time"][:4] for f in self.fronts]

    def leave(self):
        for f in self.fronts:
            check(not [e for e in f.notices() if e["level"] == "alarm"], f"{f.notices()}")
        for node in self.nodes:
            check(node.stop() == 0, f"the end of {node.name}")


def far_apart(place, offset_a, offset_b):
    pair = Pair(place, offset_a, offset_b)
    pair.talk(5, "hello")
    pair.fronts[0].must("ping", who=pair.ids[1])
    pair.verify()
    pair.check_rest()
    # One goes away, and what is said meanwhile waits; its clock is another one then.
    pair.nodes[1].kill()
    for i in range(3):
        pair.say(0, f"while you were away {i}", must_arrive=False)
    pair.clocks[0].set(offset_a - DAY_S)
    pair.clocks[1].set(-offset_b)
    pair.start(1)
    pair.meet()
    wait("delivery", lambda: pair.fronts[0].waiting() == 0)
    pair.talk(3, "again")
    pair.check_histories()
    check(pair.trust(0) == "verified", "the trust is gone")
    return pair


@trial
def C3_a_day_apart(place):
    far_apart(place, DAY_S // 2, -DAY_S // 2).leave()


@trial
def C3_ten_years_back_and_ten_ahead(place):
    pair = far_apart(place, -DECADE_S, DECADE_S)
    years = [int(y) for y in pair.years()]
    here = time.gmtime().tm_year
    check(years[0] < here - 8, f"the clocks are not wrong: {years}")
    pair.leave()


@trial
def C3_jumping_an_hour_each_second(place):
    rounds = 60 if SOAK else 4
    pair = Pair(place, 0, 0)
    is_over = threading.Event()

    def jump():
        hours = [0, 0]
        i = 0
        while not is_over.wait(1.0 if SOAK else 0.25):
            i += 1
            hours[i % 2] += 1 if i % 3 else -2
            pair.clocks[i % 2].set(hours[i % 2] * HOUR_S)
    jumper = threading.Thread(target=jump, daemon=True)
    jumper.start()
    try:
        for i in range(rounds):
            pair.talk(5, f"round {i}")
            time.sleep(0.5)
        pair.verify()
        pair.check_rest()
        pair.nodes[1].kill()
        pair.say(0, "while you were away", must_arrive=False)
        time.sleep(1)
        pair.start(1)
        pair.meet()
        wait("delivery", lambda: pair.fronts[0].waiting() == 0)
        pair.talk(2, "again")
    finally:
        is_over.set()
        jumper.join()
    pair.check_histories()
    pair.leave()


if __name__ == "__main__":
    main(together=True)
