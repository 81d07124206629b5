/*
 * listen: the choice of the port, the listening sockets, and what happens to who
 * knocks at them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/conn.h"

/* A free port of one family is not always one of the other. */
enum { FREE_PORT_TRIES = 64 };

/* ------------------------------------------------------------------- knocks */

/* Without the wait of a regular end: a flood would fill the kernel's memory. */
static void refuse(int fd)
{
	static const struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void drop(struct net *n, struct gate_slot *victim)
{
	if (victim == NULL)
		return;
	n->counts.refused_limit++;
	conn_fail(list_entry(victim, struct conn, slot), ERR_LIMIT, 0, slice_of(NULL, 0));
}

static void on_conn(void *ctx, int fd, const struct sockaddr *from)
{
	struct net *n = ctx;
	struct conn *c;
	struct addr a;

	n->counts.accepted++;
	if (addr_from_sockaddr(from, &a) != ERR_OK || !gate_admit(n->gate, &a)) {
		n->counts.refused_limit++;
		refuse(fd);
		return;
	}
	if (conn_new(n, fd, &a, &c) != ERR_OK)
		return;
	drop(n, gate_enter(n->gate, &a, &c->slot));
	conn_listen(c);
}

static bool make_room(void *ctx)
{
	struct net *n = ctx;
	struct gate_slot *victim = gate_evict(n->gate);

	drop(n, victim);
	return victim != NULL;
}

static const struct acceptor_handlers handlers = {on_conn, make_room};

/* -------------------------------------------------------------------- ports */

static int listening_socket(const struct addr *a)
{
	static const int on = 1;
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)addr_to_sockaddr(a, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->family == ADDR_IP6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, SOMAXCONN) != 0) {
		int why = errno;
		close(fd);
		return -why;
	}
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t n = sizeof(sa);
	struct addr a = {0};

	getsockname(fd, (struct sockaddr *)&sa, &n);
	(void)addr_from_sockaddr((struct sockaddr *)&sa, &a);
	return a.port;
}

static bool is_lacking(int why)
{
	return why == EAFNOSUPPORT || why == EADDRNOTAVAIL || why == EPROTONOSUPPORT;
}

static void close_all(const int fds[static LISTENERS_MAX])
{
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* *port 0: any that is free for the first family. A family that is not wanted, or
 * that the host lacks, is left at -1. */
static enum err open_both(const struct net *n, uint16_t *port, int fds[LISTENERS_MAX])
{
	const struct {
		enum addr_family family;
		bool is_wanted;
	} families[LISTENERS_MAX] = {{ADDR_IP4, n->use_ip4}, {ADDR_IP6, n->use_ip6}};

	memset(fds, -1, LISTENERS_MAX * sizeof(*fds));
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		struct addr a = {.family = families[i].family, .port = *port};
		int fd = families[i].is_wanted ? listening_socket(&a) : -EAFNOSUPPORT;
		if (fd < 0 && !is_lacking(-fd)) {
			close_all(fds);
			return err_from_errno(-fd);
		}
		fds[i] = fd >= 0 ? fd : -1;
		if (fd >= 0)
			*port = port_of(fd);
	}
	return fds[0] >= 0 || fds[1] >= 0 ? ERR_OK : ERR_UNREACHABLE;
}

static enum err open_port(const struct net *n, uint16_t wanted, uint16_t *port,
			  int fds[LISTENERS_MAX])
{
	enum err e = ERR_IN_USE;

	for (int i = 0; i < FREE_PORT_TRIES && e == ERR_IN_USE; i++) {
		*port = wanted;
		e = open_both(n, port, fds);
		if (wanted != 0)
			break;
	}
	return e;
}

static enum err open_some(const struct net *n, uint16_t last, uint16_t *port,
			  int fds[LISTENERS_MAX])
{
	const uint16_t tries[] = {last, PROTO_PORT_DEFAULT, 0};
	enum err e = ERR_IN_USE;

	for (size_t i = last == 0 ? 1 : 0; i < 3 && e != ERR_OK; i++)
		e = open_port(n, tries[i], port, fds);
	return e;
}

/* ------------------------------------------------------------------- public */

enum err listen_start(struct net *n, uint16_t wanted, uint16_t last, uint16_t *port)
{
	int fds[LISTENERS_MAX] = {-1, -1};
	enum err e = wanted != 0 ? open_port(n, wanted, port, fds)
				 : open_some(n, last, port, fds);

	for (size_t i = 0; i < LISTENERS_MAX && e == ERR_OK; i++) {
		if (fds[i] < 0)
			continue;
		e = acceptor_start(n->loop, fds[i], &handlers, n, &n->listeners[i]);
		if (e == ERR_OK)
			fds[i] = -1;
	}
	if (e != ERR_OK) {
		close_all(fds);
		listen_stop(n);
		*port = 0;
	}
	return e;
}

void listen_stop(struct net *n)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		acceptor_stop(n->listeners[i]);
		n->listeners[i] = NULL;
	}
}
