#!/usr/bin/python3 -B
"""C1, C2 with whole nodes: killed anywhere, and the power cut, while both sides speak.
What was acknowledged is there, everything is there once, and in order."""
import random
import signal
import time

from nodes import (CROWD, FAULTY, SOAK, Gone, Node, check, in_threads, main, meet, trial,
                   wait)

TEXTS = 8  # of each side and life
DIED = 77  # fault_vfs.h


class Ledger:
    """What became of the texts of one direction, over all lives of both."""

    def __init__(self):
        self.said, self.kept, self.delivered = [], set(), set()
        self.ids = {}  # of a message -> its text


class Side:
    """One end of a conversation: what it says, and what it was shown."""

    def __init__(self, name):
        self.name, self.out = name, Ledger()
        self.tags, self.shown, self.n_seen = {}, [], 0

    def say(self, front, who, text):
        self.out.said.append(text)
        self.tags[front.submit(cmd="msg", who=who, text=text)] = text

    def take(self, front, who):
        """Looks at what has come since the last time."""
        for tag, text in self.tags.items():
            for e in front.replies.get(tag, ()):
                if e["type"] == "sent":
                    self.out.kept.add(text)
                    self.out.ids[e["id"]] = text
        for e in front.events[self.n_seen:]:
            if e["type"] == "message" and e.get("peer") == who:
                if e["direction"] == "in":
                    self.shown.append(e["text"])
                else:
                    self.out.ids[e["id"]] = e["text"]
            elif e["type"] == "state" and e["state"] == "delivered":
                self.out.delivered.add(self.out.ids.get(e["id"]))
        self.n_seen = len(front.events)

    def new_life(self):
        self.tags, self.n_seen = {}, 0


def only(history, direction):
    return [text for d, text in history if d == direction]


def is_in_order(part, whole):
    at = iter(whole)
    return all(text in at for text in part)


def check_direction(what, ledger, mine, theirs, shown):
    """mine, theirs: what both sides' histories have of it."""
    check(mine == theirs, f"{what}: said {mine}, there {theirs}")
    check(len(set(mine)) == len(mine), f"{what}: twice in {mine}")
    check(is_in_order(mine, ledger.said), f"{what}: {mine} is not in order")
    lost = (ledger.kept | ledger.delivered - {None}) - set(mine)
    check(not lost, f"{what}: lost {lost} of {mine}")
    check(len(set(shown)) == len(shown), f"{what}: shown twice: {shown}")


class Talk:
    """A victim and a survivor, who is there for many of them."""

    def __init__(self, place, survivor, name, fault):
        self.victim = Node(place, name, *survivor.peer(), *CROWD, program=FAULTY)
        self.survivor, self.fault = survivor, fault
        self.v, self.s = Side("victim"), Side("survivor")
        self.front = survivor.front()
        self.id = None  # the victim's
        self.lives = 0

    def pump(self, vf, seconds=0.0):
        self.front.pump()
        self.s.take(self.front, self.id)
        try:
            vf.pump(seconds)
        finally:
            self.v.take(vf, self.front.node["id"])

    def wait(self, vf, what, condition):
        until = time.monotonic() + 60
        while not condition():
            check(time.monotonic() < until, f"{self.victim.name}: no {what} in 60 s")
            self.pump(vf, 0.02)

    def life(self, vf):
        """Until all that was said by both is delivered."""
        self.lives += 1
        self.v.new_life()
        self.id, other = vf.node["id"], self.front.node["id"]
        self.wait(vf, "session", lambda: [
            e for e in vf.events if e["type"] == "peer" and e["state"] == "online"]
            or vf.state_of(other) == "online")
        self.wait(vf, "session there", lambda: self.front.state_of(self.id) == "online")
        for i in range(TEXTS):
            self.v.say(vf, other, f"{self.victim.name} says {self.lives}.{i}")
            self.s.say(self.front, self.id, f"{self.victim.name} hears {self.lives}.{i}")
            self.pump(vf, 0.002 * (i % 3))
        self.settle(vf)

    def settle(self, vf):
        texts = {f"{self.victim.name} {w} {self.lives}.{i}"
                 for i in range(TEXTS) for w in ("says", "hears")}
        self.wait(vf, "delivery", lambda: texts <=
                  self.v.out.delivered | self.s.out.delivered)

    def first_life(self):
        """True when it died of it."""
        self.victim.launch(env={"P2PMSG_FAULT": self.fault})
        try:
            vf = self.victim.front()
            self.life(vf)
            vf.close()
            self.victim.process.send_signal(signal.SIGTERM)
        except Gone:
            pass
        status = self.victim.process.wait(60)
        check(status in (0, DIED), f"{self.fault}: {status}: {self.victim.said()}")
        return status == DIED

    def second_life(self):
        vf = self.victim.start()
        self.life(vf)
        self.wait(vf, "settlement", lambda: vf.waiting() == 0)
        mine = vf.history(self.front.node["id"])
        theirs = self.front.history(self.id)
        trouble = [e["text"] for e in vf.notices() if e["level"] == "alarm"]
        check(not trouble, f"{self.fault}: {trouble}")
        vf.close()
        check(self.victim.stop() == 0, "its end")
        check_direction(f"{self.fault}: out of it", self.v.out, only(mine, "out"),
                        only(theirs, "in"), self.s.shown)
        check_direction(f"{self.fault}: into it", self.s.out, only(theirs, "out"),
                        only(mine, "in"), self.v.shown)

    def run(self):
        has_died = self.first_life()
        self.second_life()
        self.front.close()
        return has_died


def die_at_every(place, kind, stride, batch):
    """All k until one is never reached; some at the same time."""
    k, n_died, is_over = 1, 0, False
    while not is_over:
        survivor = Node(place, f"host{k}")
        survivor.start(*CROWD, "--queue-messages", "100000").close()
        ks = [k + i * stride for i in range(batch)]
        talks = [Talk(place, survivor, f"k{i}", f"{kind} {i}") for i in ks]
        died = in_threads([t.run for t in talks])
        check(survivor.stop() == 0, "the survivor's end")
        n_died += sum(died)
        is_over = not died[-1]
        k = ks[-1] + stride
        check(k < 10000, "it never ends")
    print(f"# died at {n_died} places below {k}")
    check(n_died * stride > 60, "there was too little to die at")


@trial
def C1_two_nodes_killed_at_every_step(place):
    die_at_every(place, "die", 1 if SOAK else 13, 8)


@trial
def C2_two_nodes_and_the_power_cut_at_every_step(place):
    die_at_every(place, "power", 1 if SOAK else 23, 8)


@trial
def C1_killed_at_random_while_both_speak(place):
    """Two real nodes; one or both die, again and again, in the middle of it."""
    rounds, chance = 1000 if SOAK else 15, random.Random(7)
    ada, bob = Node(place, "ada"), Node(place, "bob")
    fa, fb = meet(ada, bob)
    nodes, fronts = [ada, bob], [fa, fb]
    ids = [f.node["id"] for f in fronts]
    ports = [f.node["port"] for f in fronts]
    sides = [Side("ada"), Side("bob")]
    for n in range(rounds):
        victims = chance.choice(([0], [1], [0, 1]))
        for i in range(chance.randint(1, 80)):
            for at in (0, 1):
                sides[at].say(fronts[at], ids[1 - at], f"{at} says {n}.{i}")
        time.sleep(chance.random() ** 2 * 0.03)
        for at in victims:
            nodes[at].kill()
        for at in (0, 1):
            try:
                while True:
                    n_before = len(fronts[at].events), len(fronts[at].replies)
                    fronts[at].pump(0.02)
                    if n_before == (len(fronts[at].events), len(fronts[at].replies)):
                        break
            except Gone:
                pass
            sides[at].take(fronts[at], ids[1 - at])
        for at in victims:
            fronts[at].close()
            sides[at].new_life()
            fronts[at] = nodes[at].start(
                *CROWD, "--port", str(ports[at]), "--peer",
                f"127.0.0.1:{ports[1 - at]}")
    wait("all delivered", lambda: not any(f.waiting() for f in fronts), 120)
    for at in (0, 1):
        fronts[at].pump()
        sides[at].take(fronts[at], ids[1 - at])
    said = [f.history() for f in fronts]
    for at in (0, 1):
        check_direction(f"what {nodes[at].name} said", sides[at].out,
                        only(said[at], "out"), only(said[1 - at], "in"),
                        sides[1 - at].shown)
    total = sum(len(s.out.kept) for s in sides)
    print(f"# {rounds} kills, {total} messages kept, "
          f"{sum(len(s.out.delivered) for s in sides)} seen delivered")
    check(total > rounds, "too little was said")
    for node in nodes:
        check(node.stop() == 0, f"the end of {node.name}")


if __name__ == "__main__":
    main()
