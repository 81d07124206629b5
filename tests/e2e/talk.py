"""talk: two nodes that speak to each other while one of them has a faulty disk, and
what must be true of what they said afterwards."""
import signal
import time

from nodes import CROWD, FAULTY, Gone, Node, check

TEXTS = 8  # of each side and life
DIED = 77  # fault_vfs.h
LOCAL = 5  # exit status


class Ledger:
    """What became of the texts of one direction, over all lives of both."""

    def __init__(self):
        self.said, self.kept, self.delivered = [], set(), set()
        self.refused = set()  # with an error: nothing was promised
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
                elif e["type"] == "error":
                    self.out.refused.add(text)
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
        self.lives, self.status = 0, None
        self.told = []  # notices of the first life

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
                  self.v.out.delivered | self.s.out.delivered | self.v.out.refused)

    def first_life(self):
        """The status it ended with."""
        self.victim.launch(env={"P2PMSG_FAULT": self.fault})
        try:
            vf = self.victim.front()
            self.life(vf)
            self.told = vf.notices()
            vf.close()
            self.victim.process.send_signal(signal.SIGTERM)
        except Gone:
            pass
        self.status = self.victim.process.wait(60)
        return self.status

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
        """The status that the first life ended with, under the fault."""
        status = self.first_life()
        self.second_life()
        self.front.close()
        return status
