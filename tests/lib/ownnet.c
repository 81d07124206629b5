#include "lib/ownnet.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/child.h"
#include "lib/skip.h"

enum { CANNOT = 3 };

struct errand {
	void (*fn)(void *ctx);
	void *ctx;
};

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written =
		fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return is_written;
}

static bool enter_as_user(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	/* Else the maps would be root's: secret_init has hidden the process. */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_file("/proc/self/setgroups", "deny") ||
	    !write_file("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", map);
}

bool ownnet_enter(void)
{
	if (geteuid() == 0 ? unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 : !enter_as_user())
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0;
}

static void go(void *ctx)
{
	const struct errand *e = ctx;

	if (!ownnet_enter() || !ownnet_link_set("lo", true))
		_exit(CANNOT);
	e->fn(e->ctx);
}

bool ownnet_fork(void (*fn)(void *ctx), void *ctx)
{
	struct errand e = {fn, ctx};
	int status = child_run(go, &e);

	if (status == CANNOT << 8)
		skip_because("no network namespaces are allowed here");
	return status == 0;
}

bool ownnet_link_set(const char *name, bool is_up)
{
	struct ifreq req = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_done = false;

	strncpy(req.ifr_name, name, sizeof(req.ifr_name) - 1);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &req) == 0) {
		req.ifr_flags =
			(short)(is_up ? req.ifr_flags | IFF_UP : req.ifr_flags & ~IFF_UP);
		is_done = ioctl(fd, SIOCSIFFLAGS, &req) == 0;
	}
	if (fd >= 0)
		close(fd);
	return is_done;
}

bool ownnet_run(const char *fmt, ...)
{
	char command[1024];
	va_list args;
	int status;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	status = system(command);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void must(bool is_done)
{
	if (!is_done)
		abort();
}

void ownnet_clean(void)
{
	ownnet_run("ip link set lo down; for i in $(ip -br link | grep -o '^[a-z0-9]*'); "
		   "do [ $i = lo ] || ip link del $i 2>/dev/null; done; true");
}

void ownnet_up_lo(void)
{
	must(ownnet_run("ip link set lo up"));
}

void ownnet_up_pair(void)
{
	must(ownnet_run("ip link add eth0 type veth peer name eth1 && "
			"sysctl -qw net.ipv6.conf.eth0.accept_dad=0 "
			"net.ipv6.conf.eth1.accept_dad=0; "
			"ip addr add 10.77.0.1/24 dev eth0 && ip link set eth0 up"));
}

void ownnet_up_eth1(void)
{
	must(ownnet_run("ip addr add 10.77.0.2/24 dev eth1 && "
			"ip link set eth1 up"));
}

void ownnet_wait_for_link_local(void)
{
	must(ownnet_run("for i in $(seq 100); do ip -6 -o addr show dev eth0 "
			"scope link -tentative | grep -q fe80 && exit 0; "
			"sleep 0.1; done; exit 1"));
}

void ownnet_give_away(const char *name, pid_t pid, const char *addr_prefix)
{
	must(ownnet_run("ip link set %s netns %d && nsenter -t %d -n sh -c '"
			"sysctl -qw net.ipv6.conf.%s.accept_dad=0; "
			"ip link set %s name eth0; ip link set lo up; "
			"ip addr add %s dev eth0; ip link set eth0 up'",
			name, (int)pid, (int)pid, name, name, addr_prefix));
}
