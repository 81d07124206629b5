/*
 * ifwatch: netlink says that something changed, never what: the interfaces are read
 * anew and compared. Without netlink they are read at intervals.
 */
#include "net/ifwatch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#endif

#include "base/log.h"
#include "base/mem.h"
#include "net/io.h"

enum {
	REST_MS = 200,
	/* A link that flaps all the time is told of all the same. */
	UNREST_MAX_MS = 2000,
	POLL_MS = 5000
};

struct ifwatch {
	struct loop *loop;
	void (*on_change)(void *ctx, const struct ifaces *);
	void *ctx;
	struct ifaces *now;
	int fd; /* -1: no netlink */
	struct io *io;
	struct timer timer;
	bool is_told; /* what was there at first */
	uint64_t unrest_ms; /* since when; 0: at rest */
};

/* ----------------------------------------------------------------- comparing */

static bool iface_addr_eq(const struct iface_addr *a, const struct iface_addr *b)
{
	return a->prefix == b->prefix && addr_eq(&a->addr, &b->addr);
}

static bool iface_eq(const struct iface *a, const struct iface *b)
{
	if (strcmp(a->name, b->name) != 0 || a->index != b->index ||
	    a->is_up != b->is_up || a->is_loopback != b->is_loopback ||
	    a->is_multicast != b->is_multicast || a->n_addrs != b->n_addrs)
		return false;
	for (size_t i = 0; i < a->n_addrs; i++) {
		if (!iface_addr_eq(&a->addrs[i], &b->addrs[i]))
			return false;
	}
	return true;
}

static bool ifaces_eq(const struct ifaces *a, const struct ifaces *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!iface_eq(&a->v[i], &b->v[i]))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------- reading */

static void look(void *ctx);

static void sleep_on(struct ifwatch *w)
{
	w->unrest_ms = 0;
	if (w->fd < 0)
		timer_set(loop_timers(w->loop), &w->timer, POLL_MS, look, w);
}

static void look(void *ctx)
{
	struct ifwatch *w = ctx;
	struct ifaces *old = w->now, *fresh = mem_new(sizeof(*fresh));

	sleep_on(w);
	if (ifaces_read(fresh) != ERR_OK || ifaces_eq(old, fresh)) {
		mem_free(fresh);
		return;
	}
	w->now = fresh;
	mem_free(old);
	loop_again(w->loop);
	w->on_change(w->ctx, fresh);
}

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

static void on_unrest(struct ifwatch *w)
{
	uint64_t now = now_ms();

	if (w->unrest_ms == 0)
		w->unrest_ms = now;
	if (w->is_told && now - w->unrest_ms < UNREST_MAX_MS)
		timer_set(loop_timers(w->loop), &w->timer, REST_MS, look, w);
}

static void tell_first(void *ctx)
{
	struct ifwatch *w = ctx;

	w->is_told = true;
	if (w->unrest_ms != 0)
		on_unrest(w);
	else
		sleep_on(w);
	w->on_change(w->ctx, w->now);
}

/* ------------------------------------------------------------------- netlink */

#ifdef __linux__

/* What it says is of no interest; ENOBUFS, that it said too much, is news too. */
static void on_netlink(void *ctx, unsigned ready)
{
	struct ifwatch *w = ctx;
	ssize_t n;

	(void)ready;
	do {
		n = recv(w->fd, loop_scratch(w->loop), LOOP_SCRATCH_BYTES, MSG_DONTWAIT);
	} while (n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR)));
	on_unrest(w);
}

static int netlink_open(void)
{
	struct sockaddr_nl sa = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void watch(struct ifwatch *w)
{
	w->fd = netlink_open();
	if (w->fd >= 0 && io_new(w->loop, w->fd, on_netlink, w, &w->io) == ERR_OK) {
		io_want(w->io, IO_READ);
		return;
	}
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	log_info("net", "no netlink: interfaces are read every 5 seconds");
}

#else

static void watch(struct ifwatch *w)
{
	w->fd = -1;
}

#endif

enum err ifwatch_start(struct loop *l,
		       void (*on_change)(void *ctx, const struct ifaces *), void *ctx,
		       struct ifwatch **out)
{
	struct ifwatch *w = mem_new(sizeof(*w));

	*out = NULL;
	w->loop = l;
	w->on_change = on_change;
	w->ctx = ctx;
	w->now = mem_new(sizeof(*w->now));
	/* First watch, then read: nothing happens between. */
	watch(w);
	enum err e = ifaces_read(w->now);
	timer_set(loop_timers(l), &w->timer, 0, tell_first, w);
	if (e != ERR_OK) {
		ifwatch_stop(w);
		return e;
	}
	*out = w;
	return ERR_OK;
}

void ifwatch_stop(struct ifwatch *w)
{
	if (w == NULL)
		return;
	timer_stop(&w->timer);
	io_free(w->io);
	if (w->fd >= 0)
		close(w->fd);
	mem_free(w->now);
	mem_free(w);
}

const struct ifaces *ifwatch_get(const struct ifwatch *w)
{
	return w->now;
}
