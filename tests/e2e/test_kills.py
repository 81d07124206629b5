#!/usr/bin/python3 -B
"""C1, C2 with whole nodes: killed anywhere, and the power cut, while both sides speak.
What was acknowledged is there, everything is there once, and in order."""
import random
import time

from nodes import CROWD, SOAK, Gone, Node, check, in_threads, main, meet, trial, wait
from talk import DIED, Side, Talk, check_direction, only


def die_at_every(place, kind, stride, batch):
    """All k until one is never reached; some at the same time."""
    k, n_died, is_over = 1, 0, False
    while not is_over:
        survivor = Node(place, f"host{k}")
        survivor.start(*CROWD, "--queue-messages", "100000").close()
        ks = [k + i * stride for i in range(batch)]
        talks = [Talk(place, survivor, f"k{i}", f"{kind} {i}") for i in ks]
        ends = in_threads([t.run for t in talks])
        strange = [(t.fault, t.status) for t in talks if t.status not in (0, DIED)]
        check(not strange, f"ended otherwise: {strange}")
        check(survivor.stop() == 0, "the survivor's end")
        n_died += ends.count(DIED)
        is_over = ends[-1] != DIED
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
                *CROWD, "--peer", f"127.0.0.1:{ports[1 - at]}")
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
