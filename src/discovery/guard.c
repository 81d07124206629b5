#include "discovery/guard.h"

#include <sys/socket.h>

#include "base/cur.h"
#include "base/mem.h"

enum {
	DNS_TYPE_CNAME = 5,
	DNS_LABEL_MAX = 63,
	DNS_POINTER = 0xc0,
	DATAGRAM_MAX = 65536,
};

struct guard {
	AvahiPoll api;
	const AvahiPoll *inner;
	uint8_t packet[DATAGRAM_MAX];
};

/* What Avahi holds for a watch: ours, which holds the real one. */
struct guard_watch {
	struct guard *guard;
	AvahiWatch *real;
	bool is_dgram;
	AvahiWatchCallback callback;
	void *ctx;
};

/* As Avahi reads one: labels, then an empty label or a pointer. */
static void skip_name(struct cur *c)
{
	for (;;) {
		uint8_t len = cur_u8(c);

		if (c->failed || len == 0)
			return;
		if (len > DNS_LABEL_MAX) {
			if ((len & DNS_POINTER) != DNS_POINTER)
				cur_fail(c);
			cur_u8(c);
			return;
		}
		cur_take(c, len);
	}
}

static void skip_question(struct cur *c)
{
	skip_name(c);
	cur_take(c, 4); /* type, class */
}

static void skip_record(struct cur *c)
{
	skip_name(c);
	if (cur_u16(c) == DNS_TYPE_CNAME)
		cur_fail(c);
	cur_take(c, 6); /* class, time to live */
	cur_take(c, cur_u16(c));
}

bool guard_is_harmless(struct slice packet)
{
	struct cur c = cur_of(packet);
	unsigned questions, records = 0;

	cur_take(&c, 4); /* id, flags */
	questions = cur_u16(&c);
	for (int i = 0; i < 3; i++)
		records += cur_u16(&c);
	for (; questions > 0 && !c.failed; questions--)
		skip_question(&c);
	for (; records > 0 && !c.failed; records--)
		skip_record(&c);
	return !c.failed;
}

/* A look at the next datagram; takes it away when it is not to be shown. */
static bool is_next_harmless(struct guard *g, int fd)
{
	ssize_t n = recv(fd, g->packet, sizeof(g->packet), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 || guard_is_harmless(slice_of(g->packet, (size_t)n)))
		return true;
	recv(fd, g->packet, 0, MSG_DONTWAIT);
	return false;
}

static void on_watch(AvahiWatch *real, int fd, AvahiWatchEvent event, void *ctx)
{
	struct guard_watch *w = ctx;

	(void)real;
	if (w->is_dgram && (event & AVAHI_WATCH_IN) != 0 &&
	    !is_next_harmless(w->guard, fd))
		return;
	w->callback((AvahiWatch *)w, fd, event, w->ctx);
}

/* Avahi also watches a netlink socket. */
static bool is_udp(int fd)
{
	struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(name);

	return getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
	       (name.ss_family == AF_INET || name.ss_family == AF_INET6);
}

static AvahiWatch *watch_new(const AvahiPoll *api, int fd, AvahiWatchEvent event,
			     AvahiWatchCallback callback, void *ctx)
{
	struct guard *g = api->userdata;
	struct guard_watch *w = mem_new(sizeof(*w));

	*w = (struct guard_watch){g, NULL, is_udp(fd), callback, ctx};
	w->real = g->inner->watch_new(g->inner, fd, event, on_watch, w);
	return (AvahiWatch *)w;
}

static void watch_update(AvahiWatch *watch, AvahiWatchEvent event)
{
	struct guard_watch *w = (struct guard_watch *)watch;

	w->guard->inner->watch_update(w->real, event);
}

static AvahiWatchEvent watch_get_events(AvahiWatch *watch)
{
	struct guard_watch *w = (struct guard_watch *)watch;

	return w->guard->inner->watch_get_events(w->real);
}

static void watch_free(AvahiWatch *watch)
{
	struct guard_watch *w = (struct guard_watch *)watch;

	w->guard->inner->watch_free(w->real);
	mem_free(w);
}

static AvahiTimeout *timeout_new(const AvahiPoll *api, const struct timeval *tv,
				 AvahiTimeoutCallback callback, void *ctx)
{
	struct guard *g = api->userdata;

	return g->inner->timeout_new(g->inner, tv, callback, ctx);
}

struct guard *guard_new(const AvahiPoll *inner)
{
	struct guard *g = mem_new(sizeof(*g));

	g->inner = inner;
	g->api = (AvahiPoll){.userdata = g,
			     .watch_new = watch_new,
			     .watch_update = watch_update,
			     .watch_get_events = watch_get_events,
			     .watch_free = watch_free,
			     .timeout_new = timeout_new,
			     .timeout_update = inner->timeout_update,
			     .timeout_free = inner->timeout_free};
	return g;
}

void guard_free(struct guard *g)
{
	mem_free(g);
}

const AvahiPoll *guard_poll(const struct guard *g)
{
	return &g->api;
}
