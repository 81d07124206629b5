"""cable: two TAPs joined by a seeded queue that delays and drops, or by a NAT."""

import fcntl
import heapq
import os
import random
import select
import struct
import time

from lab import Bystander, Skip

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
IP4, TCP, SYN = b"\x08\x00", 6, 0x02
FRAME_MAX = 65536
QUEUE_MAX = 4096  # frames on their way; more are lost, as in any line


def tap(host, dev="eth0"):
    try:
        with host.inside():
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            name = struct.pack("16sH22x", dev.encode(), IFF_TAP | IFF_NO_PI)
            fcntl.ioctl(fd, TUNSETIFF, name)
    except OSError as e:
        raise Skip(f"no TAP here: {e}") from e
    return fd


class Cable:
    """Between two hosts without a LAN; delay_s and loss may change while it runs.
    Chance is seeded, so the n-th frame meets the same fate in each run."""

    def __init__(self, a, b, delay_s=0.0, loss=0.0, seed=1, mtu=1500):
        self.delay_s, self.loss = delay_s, loss
        self.random = random.Random(seed)
        self.passed = self.lost = 0
        self.fds = [tap(a), tap(b)]
        for host in (a, b):
            host.ip("link", "set", "eth0", "mtu", str(mtu))
            host.configure()
        self.worker = Bystander(self.carry, limit=3600)
        a.lab.closers.append(self.cut)

    def carry(self, worker):
        queue, serial = [], 0
        while worker.goes_on:
            wait = max(0.0, queue[0][0] - time.monotonic()) if queue else 0.2
            ready, _, _ = select.select(self.fds, [], [], min(wait, 0.2))
            now = time.monotonic()
            for fd in ready:
                frame = os.read(fd, FRAME_MAX)
                if self.random.random() < self.loss or len(queue) >= QUEUE_MAX:
                    self.lost += 1
                    continue
                frame = self.change(bytearray(frame), fd == self.fds[0])
                if frame is None:
                    continue
                serial += 1
                other = self.fds[1] if fd == self.fds[0] else self.fds[0]
                heapq.heappush(queue, (now + self.delay_s, serial, other, frame))
            while queue and queue[0][0] <= now:
                _, _, fd, frame = heapq.heappop(queue)
                self.passed += 1
                try:
                    os.write(fd, frame)
                except OSError:
                    self.lost += 1  # that end is down

    def change(self, frame, is_from_a):
        """For those that do more than a cable: None drops it."""
        return frame

    def cut(self):
        self.worker.end()
        for fd in self.fds:
            os.close(fd)


class Nat(Cable):
    """Hides host a (IPv4 and TCP only): what it dials comes from ports of the NAT,
    nobody can dial it. A router that forgets its table gives what goes on another
    port, or, when it is strict, drops it."""

    def __init__(self, *args, **kw):
        self.ports, self.is_strict, self.last = {}, False, 30000
        super().__init__(*args, **kw)

    def forget(self):
        self.ports = {}

    def outer(self, port, is_syn):
        if port not in self.ports and (is_syn or not self.is_strict):
            self.last += 1
            self.ports = {**self.ports, port: self.last}
        return self.ports.get(port)

    def inner(self, port):
        return {outer: inner for inner, outer in self.ports.items()}.get(port)

    def change(self, frame, is_from_a):
        if frame[12:14] != IP4 or frame[23] != TCP:
            return frame
        tcp = 14 + 4 * (frame[14] & 15)
        at = tcp if is_from_a else tcp + 2
        old, = struct.unpack_from(">H", frame, at)
        is_syn = frame[tcp + 13] & SYN
        new = self.outer(old, is_syn) if is_from_a else self.inner(old)
        if new is None:
            return None
        struct.pack_into(">H", frame, at, new)
        total, = struct.unpack_from(">H", frame, tcp + 16)
        total = (total ^ 0xFFFF) + (old ^ 0xFFFF) + new
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        struct.pack_into(">H", frame, tcp + 16, total ^ 0xFFFF)
        return frame
