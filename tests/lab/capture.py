"""capture: every frame that passes an interface of a host, both directions."""

import ipaddress
import socket
import struct

from lab import Bystander

ETH_P_ALL = 3
TCP, UDP = 6, 17
SYN, ACK = 0x02, 0x10
BUFFER_BYTES = 8 << 20


class Packet:
    """The parts that trials look at; proto 0 when it is neither TCP nor UDP."""

    def __init__(self, frame, is_outgoing):
        self.is_outgoing = is_outgoing
        self.proto = self.sport = self.dport = self.flags = self.seq = 0
        self.src = self.dst = self.data = None
        kind = struct.unpack(">H", frame[12:14])[0]
        if kind == 0x0800:
            self.ip4(frame[14:])
        elif kind == 0x86DD:
            self.ip6(frame[14:])

    def ip4(self, b):
        head, total = (b[0] & 15) * 4, struct.unpack(">H", b[2:4])[0]
        self.src, self.dst = (str(ipaddress.ip_address(b[i:i + 4])) for i in (12, 16))
        self.transport(b[9], b[head:total or len(b)])

    def ip6(self, b):
        # The length is 0 in segments that the kernel has yet to cut.
        total = struct.unpack(">H", b[4:6])[0]
        self.src, self.dst = (str(ipaddress.ip_address(b[i:i + 16])) for i in (8, 24))
        self.transport(b[6], b[40:40 + total] if total else b[40:])

    def transport(self, proto, b):
        if proto == UDP and len(b) >= 8:
            self.sport, self.dport = struct.unpack(">HH", b[:4])
            self.proto, self.data = proto, b[8:]
        if proto == TCP and len(b) >= 20:
            self.sport, self.dport, self.seq = struct.unpack(">HHI", b[:8])
            self.flags = b[13]
            self.proto, self.data = proto, b[(b[12] >> 4) * 4:]

    @property
    def is_dial(self):
        return self.proto == TCP and self.flags & (SYN | ACK) == SYN


class Capture:
    def __init__(self, host, dev="eth0", limit=600):
        self.packets = []
        self.socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                  socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.socket.bind((dev, ETH_P_ALL))
        self.socket.settimeout(0.2)
        self.worker = Bystander(self.collect, limit)
        host.lab.closers.append(self.end)

    def collect(self, worker):
        while worker.goes_on:
            try:
                frame, where = self.socket.recvfrom(1 << 17)
            except TimeoutError:
                continue
            if len(frame) >= 34:
                self.packets.append(
                    Packet(frame, where[2] == socket.PACKET_OUTGOING))

    def dials(self):
        """(address, port) of every connection this host began, in order."""
        return [(p.dst, p.dport) for p in list(self.packets)
                if p.is_dial and p.is_outgoing]

    def end(self):
        if self.worker:
            self.worker.end()
            self.socket.close()
            self.worker = None


def streams(packets):
    """The bytes of each TCP direction: (src, sport, dst, dport) -> bytes, in order,
    each once. The beginning of a stream must be among the packets."""
    start, parts = {}, {}
    for p in packets:
        if p.proto != TCP:
            continue
        key = (p.src, p.sport, p.dst, p.dport)
        if p.flags & SYN:
            start[key] = (p.seq + 1) & 0xFFFFFFFF
            parts[key] = {}
        if p.data and key in start:
            at = (p.seq - start[key]) & 0xFFFFFFFF
            if len(p.data) > len(parts[key].get(at, b"")):
                parts[key][at] = p.data
    return {key: assemble(pieces) for key, pieces in parts.items()}


def assemble(pieces):
    out = bytearray()
    for at in sorted(pieces):
        if at > len(out):
            break  # a hole: the rest is of no use
        out[at:] = pieces[at] if at + len(pieces[at]) > len(out) else out[at:]
    return bytes(out)
