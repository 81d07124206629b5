"""avahi: a host's own D-Bus and avahi-daemon."""

import os
import subprocess

from lab import Failed, need

BUS = """<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""

CONF = """[server]
host-name={name}
use-ipv4={four}
use-ipv6={six}
allow-interfaces={interfaces}
disallow-other-stacks=no
enable-dbus=yes
ratelimit-interval-usec=1000000
ratelimit-burst=1000
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
[reflector]
[rlimits]
"""

# The pid file and the socket of avahi-daemon are at fixed places; without root
# the daemon's user has to be somebody whom the user namespace knows.
START = """
mount -t tmpfs tmpfs /run/avahi-daemon || exit 1
if [ -n "$AS_USER" ]; then
	echo root:x:0:0::/:/bin/sh >{dir}/passwd; echo avahi:x:0:0::/:/bin/sh >>{dir}/passwd
	echo root:x:0: >{dir}/group; echo avahi:x:0: >>{dir}/group
	mount --bind {dir}/passwd /etc/passwd && mount --bind {dir}/group /etc/group || exit 1
fi
exec avahi-daemon -f {dir}/avahi.conf --no-drop-root --no-chroot --no-rlimits --debug
"""


class Avahi:
    def __init__(self, host, interfaces="eth0"):
        need("dbus-daemon", "avahi-daemon")
        self.host, self.lab = host, host.lab
        self.bus = self.daemon = None
        self.log = os.path.join(host.dir, "avahi.log")
        address = f"unix:path={host.dir}/bus"
        self.write("bus.conf", BUS.format(address=address))
        self.write("avahi.conf", CONF.format(
            name=host.name, interfaces=interfaces,
            four="yes" if host.family != "6" else "no",
            six="yes" if host.family != "4" else "no"))
        host.bus = address
        self.lab.closers.append(self.stop)
        self.start_bus()
        self.start()

    def write(self, name, text):
        with open(os.path.join(self.host.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def start_bus(self):
        place = os.path.join(self.host.dir, "bus")
        if os.path.exists(place):
            os.unlink(place)
        self.bus = self.host.popen(
            ["dbus-daemon", f"--config-file={self.host.dir}/bus.conf", "--nofork",
             "--nopidfile", "--nosyslog"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.lab.wait(f"D-Bus on {self.host.name}", lambda: os.path.exists(place))

    def start(self):
        size = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        env = self.host.env(AS_USER="" if self.lab.is_root else "1")
        with open(self.log, "ab") as log:
            self.daemon = self.host.popen(
                ["sh", "-c", START.format(dir=self.host.dir)], env=env,
                stdout=subprocess.DEVNULL, stderr=log)
        self.lab.wait(f"avahi-daemon on {self.host.name}", lambda: self.is_up(size))

    def is_up(self, offset):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            text = f.read()
        if self.daemon.poll() is not None:
            raise Failed(f"avahi-daemon ended: {text.strip()[-300:]}")
        return "Server startup complete" in text

    def kill(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait(10)
            self.daemon = None

    def kill_bus(self):
        """avahi-daemon ends by itself when its bus goes."""
        if self.bus:
            self.bus.kill()
            self.bus.wait(10)
            self.bus = None

    def restart(self):
        self.kill()
        self.start()

    def stop(self):
        self.kill()
        self.kill_bus()

    def browse(self, kind="_p2pmsg._tcp", timeout=20):
        """The instances seen: name -> set of addresses."""
        done = self.host.run(["avahi-browse", "-rpt", kind], timeout=timeout)
        seen = {}
        for line in done.stdout.splitlines():
            part = line.split(";")
            if part[0] in "+=":
                seen.setdefault(part[3], set())
            if part[0] == "=":
                seen[part[3]].add(part[7])
        return seen
