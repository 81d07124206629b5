#!/usr/bin/python3 -B
"""The lab itself: hosts see each other, the bad cable is as bad as it says."""

import os
import socket
import statistics
import subprocess
import time

from avahi import Avahi
from cable import Cable
from capture import Capture, UDP, streams
from lab import Bystander, check
from mdns import Spoofer, random_id
from trial import main, trial


def see_each_other(lab, family):
    lan = lab.lan()
    hosts = [lab.host(name, lan, family=family) for name in ("ada", "bob")]
    daemons = [Avahi(host) for host in hosts]
    for host in hosts:
        host.popen(["avahi-publish", "-s", f"of-{host.name}", "_labtest._tcp", "7117"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wanted = {f"of-{host.name}" for host in hosts}
    for daemon in daemons:
        lab.wait(f"both seen on {daemon.host.name}",
                 lambda d=daemon: set(d.browse("_labtest._tcp")) == wanted)
    daemons[0].restart()
    lab.wait("bob seen after a restart",
             lambda: "of-bob" in daemons[0].browse("_labtest._tcp"))


@trial(limit=60, binary=False)
def lab_avahi_ip4(lab):
    see_each_other(lab, "4")


@trial(limit=60, binary=False)
def lab_avahi_ip6(lab):
    see_each_other(lab, "6")


@trial(limit=60, binary=False)
def lab_avahi_both(lab):
    see_each_other(lab, "both")


@trial(limit=60, binary=False)
def lab_cable(lab):
    """100 ms and 5 % each way, and the same frames lost in each run."""
    ada, bob = lab.host("ada"), lab.host("bob")
    cable = Cable(ada, bob, delay_s=0.1, loss=0.05)
    here = ada.socket(socket.AF_INET, socket.SOCK_DGRAM)
    there = bob.socket(socket.AF_INET, socket.SOCK_DGRAM)
    there.bind((bob.ip4(), 9999))
    there.settimeout(1.0)

    def passes():
        here.sendto(b"x", (bob.ip4(), 9999))
        return there.recv(9) == b"x"

    lab.wait("the neighbours' addresses", passes)
    late, n = [], 400

    def receive(worker):
        while worker.goes_on:
            try:
                sent = float(there.recv(100).decode())
                late.append(time.monotonic() - sent)
            except TimeoutError:
                return

    receiver = Bystander(receive)
    for i in range(n):
        here.sendto(str(time.monotonic()).encode(), (bob.ip4(), 9999))
        time.sleep(0.001)
    lab.sleep(1.5, "the last ones")
    receiver.end()
    median = statistics.median(late) * 1000
    lab.info(f"{len(late)} of {n} arrived, median {median:.1f} ms; the cable lost "
             f"{cable.lost} of {cable.lost + cable.passed} frames")
    check(0.90 * n < len(late) < 0.99 * n, f"{len(late)} of {n} arrived")
    check(100 <= min(late) * 1000 and median < 200, f"{median:.1f} ms are not 100 ms")


@trial(limit=60, binary=False)
def lab_cable_pulled(lab):
    """No traffic while the cable is out, from either side."""
    lan = lab.lan()
    ada, bob = lab.host("ada", lan), lab.host("bob", lan)
    there = bob.socket(socket.AF_INET, socket.SOCK_DGRAM)
    there.bind((bob.ip4(), 9999))
    there.settimeout(0.5)
    here = ada.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def passes():
        # What waited for an address comes late, and is not this one.
        word = lab.random.randbytes(8)
        try:
            here.sendto(word, (bob.ip4(), 9999))
            while there.recv(9) != word:
                pass
            return True
        except OSError:
            return False

    lab.wait("traffic", passes)
    for out, back in ((lambda: ada.link(False), lambda: ada.link(True)),
                      (lambda: bob.cable(False), lambda: bob.cable(True))):
        out()
        check(not passes(), "traffic through a pulled cable")
        back()
        lab.wait("traffic again", passes)


@trial(limit=60, binary=False)
def lab_spoofer(lab):
    """What the spoofer announces is believed; so is its goodbye."""
    lan = lab.lan()
    watch = Avahi(lab.host("watch", lan))
    fiend = lab.host("fiend", lan)
    spoofer = Spoofer(fiend)
    ear = Capture(watch.host)
    for address in (fiend.ip4(), fiend.ip6()):
        instance = "0123456789abcdef"
        spoofer.announce(random_id(), address, 7117, instance=instance)
        lab.wait(f"the announcement of {address}",
                 lambda a=address: a in watch.browse().get("0123456789abcdef", ()))
        spoofer.announce(random_id(), address, 7117, instance=instance, ttl=0)
        lab.wait("its goodbye", lambda: not watch.browse())
    heard = [p for p in ear.packets if p.proto == UDP and p.src == fiend.ip4()
             and b"_p2pmsg" in p.data]
    check(len(heard) >= 4, f"{len(heard)} of its packets captured")


@trial(limit=60, binary=False)
def lab_capture(lab):
    """Dials are seen, and streams put together again."""
    lan = lab.lan()
    ada, bob = lab.host("ada", lan), lab.host("bob", lan)
    capture = Capture(ada)
    server = bob.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind((bob.ip4(), 7000))
    server.listen(1)
    client = ada.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect((bob.ip4(), 7000))
    text = lab.random.randbytes(100000)
    sender = Bystander(lambda worker: (client.sendall(text), client.close()))
    there, _ = server.accept()
    received = b""
    while len(received) < len(text):
        received += there.recv(65536)
    there.close()
    sender.end()
    lab.sleep(0.5, "the last packets")
    capture.end()
    check(capture.dials() == [(bob.ip4(), 7000)], f"dials: {capture.dials()}")
    check(text in streams(capture.packets).values(), "the stream is not whole")


@trial(limit=60, binary=False)
def lab_is_closed(lab):
    """Nothing but lo, and lo down, where the lab begins; no way out of a host."""
    with open("/proc/net/dev", encoding="utf-8") as f:
        names = {line.split(":")[0].strip() for line in f.readlines()[2:]}
    check(names == {"lo"}, f"the lab begins with {names}")
    check(os.getpid() == 1, "the lab has no processes of its own")
    ada = lab.host("ada", lab.lan())
    check("default" not in ada.ip("route"), "a host has a way out")
    outside = ada.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        outside.sendto(b"x", ("192.0.2.1", 9))
        check(False, "a packet left")
    except OSError:
        pass


if __name__ == "__main__":
    main()
