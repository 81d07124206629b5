"""mdns: what anybody on the link may say in mDNS, true or not."""

import base64
import ipaddress
import os
import socket
import struct

PORT, TTL = 5353, 120
GROUP4, GROUP6 = "224.0.0.251", "ff02::fb"
KIND = "_p2pmsg._tcp.local"
A, PTR, TXT, AAAA, SRV = 1, 12, 16, 28, 33
FLUSH = 0x8000


def name(text):
    out = b""
    for label in text.split("."):
        raw = label.encode()
        out += bytes([len(raw)]) + raw
    return out + b"\0"


def record(owner, kind, data, ttl=TTL, flush=True):
    cls = 1 | (FLUSH if flush else 0)
    return name(owner) + struct.pack(">HHIH", kind, cls, ttl, len(data)) + data


def answer(records):
    return struct.pack(">6H", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


def txt(strings):
    return b"".join(bytes([len(s)]) + s for s in strings)


def random_id():
    """As in a TXT record: 52 characters of base32, the 4 spare bits zero."""
    return base64.b32encode(os.urandom(32)).decode().rstrip("=").lower()


def compact(node_id):
    """The 52 characters of an id as people see it (groups, check characters)."""
    return node_id.replace("-", "")[:52]


def announcement(node_id, address, port, instance=None, ttl=TTL, strings=None):
    """One instance of our service: node_id in base32, at this address and port."""
    instance = instance or os.urandom(8).hex()
    full, host = f"{instance}.{KIND}", f"p2pmsg-{os.urandom(8).hex()}.local"
    ip = ipaddress.ip_address(address)
    fields = strings or [b"v=1", b"id=" + node_id.encode(), b"r=0", b"p=1,1"]
    return answer([
        record(KIND, PTR, name(full), ttl, flush=False),
        record(full, SRV, struct.pack(">HHH", 0, 0, port) + name(host), ttl),
        record(full, TXT, txt(fields), ttl),
        record(host, A if ip.version == 4 else AAAA, ip.packed, ttl)])


class Spoofer:
    """Sends from a host that runs no mDNS of its own."""

    def __init__(self, host, dev="eth0"):
        self.host = host
        self.sockets = []
        if host.family != "6":
            self.sockets.append((self.open4(dev), (GROUP4, PORT)))
        if host.family != "4":
            index = host.ifindex(dev)
            self.sockets.append((self.open6(index), (GROUP6, PORT, 0, index)))
            # The kernel makes it some time after the link is up.
            host.lab.wait(f"{host.name}'s route for multicast", lambda: "ff00::/8" in
                          host.ip("-6", "route", "show", "table", "all", "dev", dev))

    def open4(self, dev):
        s = self.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                     socket.inet_aton(self.host.ip4()))
        s.bind(("", PORT))
        return s

    def open6(self, index):
        s = self.host.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        s.bind(("::", PORT))
        return s

    def send(self, packet):
        for s, to in self.sockets:
            s.sendto(packet, to)

    def announce(self, *args, **kw):
        self.send(announcement(*args, **kw))
