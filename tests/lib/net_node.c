#include "lib/net_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "lib/loop_run.h"

enum { AWAIT_MS = 5000, GOT_MAX_BYTES = 64 << 20 };

/* ------------------------------------------------------------------ events */

static struct net_node *heard(void *ctx, link_id id)
{
	struct net_node *n = ctx;

	assert_int_equal(n->in_call, 0);
	assert_int_not_equal(id, 0);
	n->last = id;
	return n;
}

static void on_peer(void *ctx, link_id id, const struct link_peer *p)
{
	struct net_node *n = heard(ctx, id);

	assert_non_null(p->peer);
	assert_null(p->hash);
	n->peers++;
	n->peer_id = p->peer->cert.node_id;
	if (n->says_no)
		net_node_close(n, id, CODE_BLOCKED, "no");
	else if (!n->is_slow)
		net_node_accept(n, id);
}

static void on_up(void *ctx, link_id id, const struct link_peer *p)
{
	struct net_node *n = heard(ctx, id);

	n->ups++;
	memcpy(n->hash, p->hash, sizeof(n->hash));
	n->remote = p->remote;
	n->is_initiator = p->is_initiator;
	if (n->on_up != NULL)
		n->on_up(n, id);
}

static void on_record(void *ctx, link_id id, const struct record *r)
{
	struct net_node *n = heard(ctx, id);

	n->records++;
	assert_int_equal(buf_add(&n->got, r->payload), ERR_OK);
	if (n->on_record != NULL)
		n->on_record(n, id, r);
}

static void on_room(void *ctx, link_id id)
{
	struct net_node *n = heard(ctx, id);

	n->rooms++;
	if (n->on_room != NULL)
		n->on_room(n, id);
}

static void on_down(void *ctx, link_id id, enum err why, uint16_t code,
		    struct slice reason)
{
	struct net_node *n = heard(ctx, id);

	n->downs++;
	n->why = why;
	n->code = code;
	memset(n->reason, 0, sizeof(n->reason));
	assert_in_range(reason.n, 0, sizeof(n->reason) - 1);
	if (reason.n > 0)
		memcpy(n->reason, reason.p, reason.n);
	if (n->on_down != NULL)
		n->on_down(n, id);
}

static void on_trace(void *ctx, link_id id, const struct chan_trace *t)
{
	struct net_node *n = heard(ctx, id);

	n->traces++;
	if (n->on_trace != NULL)
		n->on_trace(n, id, t);
}

static const struct link_events events = {on_peer, on_up,   on_record,
					  on_room, on_down, on_trace};

/* --------------------------------------------------------------- life time */

struct net_limits net_node_limits(void)
{
	return (struct net_limits){
		.handshake_s = 5,
		.half_open_ip = 10000,
		.half_open = 20000,
		.new_ip_second = 100000,
		.new_second = 200000,
		.dial_timeout_s = 3,
	};
}

void net_node_init(struct net_node *n, struct loop *l, uint64_t seed,
		   const struct net_limits *limits)
{
	struct net_limits generous = net_node_limits();

	memset(n, 0, sizeof(*n));
	n->loop = l;
	rng_seeded_init(&n->rng, seed);
	n->id = identity_generate(&n->rng.rng);
	n->chan = (struct chan_config){
		.self = n->id,
		.rng = &n->rng.rng,
		.clock = clock_system(),
		.out_max = 256 << 10,
	};
	buf_init(&n->got, GOT_MAX_BYTES);
	const struct net_config cfg = {
		.loop = l,
		.chan = &n->chan,
		.limits = limits != NULL ? *limits : generous,
		.use_ip4 = true,
		.use_ip6 = true,
	};
	n->net = net_new(&cfg);
	net_events_set(n->net, &events, n);
}

void net_node_listen(struct net_node *n)
{
	assert_int_equal(net_listen(n->net, 0, 0, &n->port), ERR_OK);
	assert_int_not_equal(n->port, 0);
}

void net_node_wipe(struct net_node *n)
{
	net_free(n->net);
	identity_free(n->id);
	buf_wipe(&n->got);
	n->net = NULL;
	n->id = NULL;
}

/* ------------------------------------------------------------------- calls */

struct addr net_node_ip4(uint16_t port)
{
	return (struct addr){.family = ADDR_IP4, .ip = {127, 0, 0, 1}, .port = port};
}

struct addr net_node_ip6(uint16_t port)
{
	return (struct addr){.family = ADDR_IP6, .ip = {[15] = 1}, .port = port};
}

link_id net_node_dial(struct net_node *n, const struct addr *to,
		      const struct id32 *target)
{
	link_id id;

	n->in_call++;
	assert_int_equal(net_link_ops()->dial(n->net, to, target, false, &id), ERR_OK);
	n->in_call--;
	assert_int_not_equal(id, 0);
	return id;
}

void net_node_accept(struct net_node *n, link_id id)
{
	n->in_call++;
	net_link_ops()->accept(n->net, id);
	n->in_call--;
}

enum err net_node_send(struct net_node *n, link_id id, uint8_t kind, struct slice payload)
{
	n->in_call++;
	enum err e = net_link_ops()->send(n->net, id, kind, 0, payload);
	n->in_call--;
	return e;
}

void net_node_close(struct net_node *n, link_id id, uint16_t code, const char *reason)
{
	n->in_call++;
	net_link_ops()->close(n->net, id, code, reason);
	n->in_call--;
}

void net_node_pause(struct net_node *n, link_id id, bool is_paused)
{
	n->in_call++;
	net_link_ops()->pause(n->net, id, is_paused);
	n->in_call--;
}

/* ----------------------------------------------------------------- waiting */

struct counted {
	const unsigned *counter;
	unsigned at_least;
};

static bool has_counted(void *ctx)
{
	const struct counted *c = ctx;

	return *c->counter >= c->at_least;
}

void net_node_await(struct net_node *n, const unsigned *counter, unsigned at_least)
{
	struct counted c = {counter, at_least};

	assert_true(loop_until(n->loop, has_counted, &c, AWAIT_MS));
}

struct net_link_pair net_node_connect(struct net_node *a, struct net_node *b)
{
	struct addr to = net_node_ip4(b->port);
	unsigned ups = b->ups;
	struct net_link_pair pair = {.a = net_node_dial(a, &to, NULL)};

	net_node_await(a, &b->ups, ups + 1);
	assert_int_equal(a->last, pair.a);
	pair.b = b->last;
	return pair;
}

struct net_counts net_node_counts(const struct net_node *n)
{
	struct net_counts counts;

	net_counts_get(n->net, &counts);
	return counts;
}

int net_nodes_start(struct loop **l, struct net_node *a, struct net_node *b)
{
	if (loop_new(l) != ERR_OK)
		return -1;
	net_node_init(a, *l, 1, NULL);
	net_node_init(b, *l, 2, NULL);
	net_node_listen(b);
	return 0;
}

void net_nodes_stop(struct loop *l, struct net_node *a, struct net_node *b)
{
	net_node_wipe(a);
	net_node_wipe(b);
	loop_free(l);
}

void net_node_say(struct net_node *n, link_id id, const char *text)
{
	assert_int_equal(net_node_send(n, id, KIND_MSG, slice_str(text)), ERR_OK);
}

void net_node_assert_got(struct net_node *n, const char *text)
{
	struct slice got = buf_slice(&n->got);

	assert_int_equal(got.n, strlen(text));
	assert_memory_equal(got.p, text, got.n);
}
