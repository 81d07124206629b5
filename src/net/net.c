/*
 * net: the table of links, what core may ask of them, and the end of the tick.
 */
#include "net/net.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/conn.h"

enum {
	GOODBYE_MS = 1000,
	/* When all is written: for the others to read it and to end too. */
	GOODBYE_GRACE_MS = 200
};

static void on_tick(void *ctx);

struct net *net_new(const struct net_config *cfg)
{
	const struct gate_limits gate = {
		.half_open_ip = cfg->limits.half_open_ip,
		.half_open = cfg->limits.half_open,
		.new_ip_second = cfg->limits.new_ip_second,
		.new_second = cfg->limits.new_second,
	};
	struct net *n = mem_new(sizeof(*n));

	n->loop = cfg->loop;
	n->chan = cfg->chan;
	n->limits = cfg->limits;
	n->use_ip4 = cfg->use_ip4;
	n->use_ip6 = cfg->use_ip6;
	n->gate = gate_new(clock_system(), &gate);
	n->links = map_new(sizeof(link_id));
	list_init(&n->all);
	list_init(&n->busy);
	list_init(&n->dead);
	list_init(&n->traces);
	loop_tick_add(n->loop, &n->tick, on_tick, n);
	return n;
}

static void sweep(struct net *n)
{
	list_each_safe (it, &n->dead) {
		list_del(it);
		conn_free(list_entry(it, struct conn, of_all));
	}
}

static struct conn *first_of_all(const struct net *n)
{
	return list_entry(n->all.next, struct conn, of_all);
}

void net_free(struct net *n)
{
	if (n == NULL)
		return;
	listen_stop(n);
	timer_stop(&n->leave_timer);
	while (!list_empty(&n->all)) {
		struct conn *c = first_of_all(n);
		conn_close(c, CODE_SHUTDOWN, proto_code_str(CODE_SHUTDOWN));
		conn_flush(c);
		conn_kill(c);
	}
	sweep(n);
	link_trace_clear(n);
	loop_tick_del(&n->tick);
	map_free(n->links);
	gate_free(n->gate);
	mem_free(n);
}

void net_events_set(struct net *n, const struct link_events *events, void *ctx)
{
	n->events = events;
	n->ctx = ctx;
}

enum err net_listen(struct net *n, uint16_t wanted, uint16_t last, uint16_t *port)
{
	*port = 0;
	if (n->listeners[0] != NULL || n->listeners[1] != NULL)
		return ERR_BUG;
	return listen_start(n, wanted, last, port);
}

void net_address_proved(struct net *n, const struct addr *a)
{
	gate_proved(n->gate, a);
}

void net_counts_get(const struct net *n, struct net_counts *out)
{
	*out = n->counts;
	out->half_open = gate_half_open(n->gate);
}

/* --------------------------------------------------------- end of the tick */

static void tick_busy(struct net *n)
{
	struct list now;

	/* The ring changes its head: what becomes busy meanwhile waits for the next
	 * round. */
	list_init(&now);
	list_add(&n->busy, &now);
	list_del(&n->busy);
	while (!list_empty(&now)) {
		struct conn *c = list_entry(now.next, struct conn, of_busy);
		list_del(&c->of_busy);
		conn_tick(c);
	}
}

static void leave(void *ctx)
{
	struct net *n = ctx;
	void (*left)(void *ctx) = n->left;

	timer_stop(&n->leave_timer);
	n->left = NULL;
	left(n->left_ctx);
}

static bool is_all_written(const struct net *n)
{
	list_each (it, &n->all) {
		if (!conn_is_written(list_entry(it, struct conn, of_all)))
			return false;
	}
	return true;
}

static void leave_when_done(struct net *n)
{
	if (n->left == NULL)
		return;
	if (list_empty(&n->all)) {
		leave(n);
	} else if (!n->is_written && is_all_written(n)) {
		n->is_written = true;
		timer_set(loop_timers(n->loop), &n->leave_timer, GOODBYE_GRACE_MS, leave,
			  n);
	}
}

static void on_tick(void *ctx)
{
	struct net *n = ctx;

	tick_busy(n);
	link_trace_tell(n);
	sweep(n);
	/* The last, for it may free n. */
	leave_when_done(n);
}

void net_goodbye(struct net *n, void (*done)(void *ctx), void *ctx)
{
	n->is_leaving = true;
	n->left = done;
	n->left_ctx = ctx;
	listen_stop(n);
	list_each_safe (it, &n->all)
		conn_close(list_entry(it, struct conn, of_all), CODE_SHUTDOWN,
			   proto_code_str(CODE_SHUTDOWN));
	timer_set(loop_timers(n->loop), &n->leave_timer, GOODBYE_MS, leave, n);
	loop_again(n->loop);
}

/* ----------------------------------------------------------------- link_ops */

static struct conn *find(struct net *n, link_id id)
{
	return map_get(n->links, &id);
}

static enum err op_dial(void *net, const struct addr *to, const struct id32 *target,
			bool is_rumour, link_id *out)
{
	return dial_start(net, to, target, is_rumour, out);
}

static void op_accept(void *net, link_id id)
{
	struct conn *c = find(net, id);

	if (c != NULL)
		conn_accept(c);
}

static enum err op_send(void *net, link_id id, uint8_t kind, uint8_t flags,
			struct slice payload)
{
	struct conn *c = find(net, id);

	return c != NULL ? conn_send(c, kind, flags, payload) : ERR_UNKNOWN;
}

static void op_close(void *net, link_id id, uint16_t code, const char *reason)
{
	struct conn *c = find(net, id);

	if (c != NULL)
		conn_close(c, code, reason);
}

static void op_pause(void *net, link_id id, bool is_paused)
{
	struct conn *c = find(net, id);

	if (c != NULL)
		conn_pause(c, is_paused);
}

static void trace_all(struct net *n, bool is_on)
{
	n->is_tracing = is_on;
	list_each (it, &n->all)
		conn_trace_update(list_entry(it, struct conn, of_all));
}

static void op_trace(void *net, link_id id, bool is_on)
{
	struct conn *c = find(net, id);

	if (id == 0)
		trace_all(net, is_on);
	if (c == NULL)
		return;
	c->is_traced = is_on;
	conn_trace_update(c);
}

static bool op_is_worn(void *net, link_id id)
{
	struct conn *c = find(net, id);

	return c != NULL && c->chan != NULL && chan_is_worn(c->chan);
}

const struct link_ops *net_link_ops(void)
{
	static const struct link_ops ops = {
		.dial = op_dial,
		.accept = op_accept,
		.send = op_send,
		.close = op_close,
		.pause = op_pause,
		.trace = op_trace,
		.is_worn = op_is_worn,
	};

	return &ops;
}
