/*
 * dial: the start of a connection of our own. What can be known at once is answered
 * at once; the rest is conn's.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"

/* The kernel's second SYN leaves after 1 s. */
enum { RUMOUR_MS = 1200 };

static bool is_family_used(const struct net *n, const struct addr *to)
{
	return (to->family == ADDR_IP4 && n->use_ip4) ||
	       (to->family == ADDR_IP6 && n->use_ip6);
}

static bool is_dialable(const struct net *n, const struct addr *to)
{
	return is_family_used(n, to) && addr_is_unicast(to) && to->port != 0;
}

/* EINVAL: a link-local address without its interface, or with one that has gone. */
static enum err err_of_dial(int e)
{
	static const int short_of[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN};

	for (size_t i = 0; i < sizeof(short_of) / sizeof(*short_of); i++) {
		if (e == short_of[i])
			return ERR_LIMIT;
	}
	return e == EAFNOSUPPORT || e == EINVAL || e == ENODEV || e == ENXIO
		       ? ERR_UNREACHABLE
		       : err_from_errno(e);
}

/* On a LAN who is there answers in milliseconds; one lost packet is forgiven. */
static uint64_t timeout_ms(const struct net *n, bool is_rumour)
{
	uint64_t usual = (uint64_t)n->limits.dial_timeout_s * 1000;

	return is_rumour && usual > RUMOUR_MS ? RUMOUR_MS : usual;
}

enum err dial_socket(struct net *n, const struct addr *to, struct conn **out)
{
	struct sockaddr_storage sa;

	*out = NULL;
	if (n->is_leaving || !is_dialable(n, to))
		return ERR_UNREACHABLE;
	socklen_t len = (socklen_t)addr_to_sockaddr(to, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_of_dial(errno);
	if (connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS) {
		int why = errno;
		close(fd);
		return err_of_dial(why);
	}
	return conn_new(n, fd, to, out);
}

enum err dial_start(struct net *n, const struct addr *to, const struct id32 *target,
		    bool is_rumour, link_id *out)
{
	struct conn *c;
	enum err e = dial_socket(n, to, &c);

	*out = 0;
	if (c == NULL)
		return e;
	conn_connect(c, target, timeout_ms(n, is_rumour));
	*out = c->id;
	return ERR_OK;
}
