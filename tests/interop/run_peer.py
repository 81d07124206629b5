#!/usr/bin/python3
"""The real node against py_peer, an implementation from the manual page alone.

P2PMSG_BIN names the binary (default build/p2pmsg). Debian packages:
python3-dissononce, python3-cryptography; faketime for rekey_theirs.
"""

import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from real_node import BIN, Node, Report, Skip  # noqa: E402
from real_node import missing_packages, own_network  # noqa: E402

if missing_packages():
    print(f"skip run_peer {missing_packages()} is not installed")
    sys.exit(0)

import peer_bad  # noqa: E402
import peer_devices  # noqa: E402
import peer_sas  # noqa: E402
import peer_talk  # noqa: E402
from py_peer import Device, Lan, Session  # noqa: E402, F401

FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


def runtimes():
    """Of a sanitizer; they have to be loaded before everything else."""
    needs = subprocess.run(["ldd", BIN], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"=> (\S+/lib(?:a|t|ub)san\.so\S*)", needs)
    with open(BIN, "rb") as f:
        if not found and b"__asan_init" in f.read():
            raise Skip("no program of clang's address sanitizer starts under faketime")
    return found


def rekey_theirs(nodes):
    library = next(iter(glob.glob(FAKETIME)), None)
    if not library:
        raise Skip("faketime is not installed")
    env = {"LD_PRELOAD": " ".join([*runtimes(), library]), "FAKETIME": "+0 x60", "DONT_FAKE_MONOTONIC": "0"}
    node = Node("fast", "--handshake-timeout", "60", env=env)
    nodes.append(node)
    peer_talk.rekey_theirs(node)


def main():
    own_network()
    only = sys.argv[1:]
    report, nodes = Report(), []

    def wanted(name):
        return not only or any(word in name for word in only)

    def run(test, *args):
        if wanted(test.__name__):
            report.run(test.__name__, test, *args)

    def beside(test, *args):
        if wanted(test.__name__):
            report.beside(test.__name__, test, *args)

    listener, friend = Lan.listen(), Device()
    address = "127.0.0.1:%d" % listener.getsockname()[1]
    try:
        node = Node("ann", "--peer", f"{address} {friend.person.id}")
        nodes.append(node)
        quiet = Node("quinn", "--no-lan", "--accept-from", "contacts")
        strict = Node("sue", "--stranger-mib-day", "1")
        nodes += [quiet, strict]
        for test in (peer_talk.silent_is_closed, peer_talk.pings_when_silent,
                     *peer_devices.SLOW):
            beside(test, strict)
        beside(rekey_theirs, nodes)
        run(peer_talk.node_dials, node, listener, friend)
        listener.close()
        for test in (*peer_devices.TESTS, *peer_bad.TESTS, *peer_talk.TALK):
            run(test, node)
        for test in peer_sas.ALONE:
            run(test, node)
        for test in peer_sas.BETWEEN:
            run(test, node, strict)
        for test in peer_talk.QUIET:
            run(test, quiet)
        run(peer_talk.day_quota, strict)
        run(peer_talk.shutdown, quiet)
    finally:
        for thread in report.slow:
            thread.join()
        for node in nodes:
            trouble = node.stop()
            report.run(f"end_of_{node.nick}", no_trouble, trouble)
            node.remove()
    report.end()


def no_trouble(trouble):
    if trouble:
        raise RuntimeError(trouble)


if __name__ == "__main__":
    main()
