#include "lib/sim.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"

enum { NODES_MAX = 4096, OUT_MAX = 1 << 20, PORT = 7117 };

struct packet {
	struct list node;
	struct timer timer;
	struct end *to;
	bool is_eof;
	size_t n;
	uint8_t bytes[];
};

/* One side of a connection. */
struct end {
	struct list node; /* in sim->ends */
	struct sim *sim;
	struct sim_node *owner;
	struct end *other; /* NULL: gone */
	struct chan *chan;
	link_id id;
	struct addr remote;
	bool is_initiator;
	bool is_silent; /* the connection is broken, nobody was told */
	bool is_closing; /* core has let go of it */
	bool is_dead;
	bool wants_room;
	unsigned latency_ms; /* 0: the simulation's */
	struct list inbox; /* struct packet, in order */
	/* a raw side has no channel of ours: a test plays it */
	sim_raw_fn *raw;
	void *raw_ctx;
};

struct pending_fail {
	struct timer timer;
	struct sim *sim;
	unsigned node;
	struct core *core;
	link_id id;
	enum err why;
	struct list all;
};

struct sim {
	struct clock_manual clock;
	struct rng_seeded rng;
	struct timers *timers;
	struct list ends, fails;
	struct map *by_id;
	link_id next_link;
	unsigned n_nodes, latency_ms;
	bool keep_texts, is_busy, has_dead_hosts;
	uint64_t bytes;
	struct {
		struct addr at;
		sim_raw_open_fn *fn;
		void *ctx;
	} listener; /* one raw address that the nodes may dial */
	struct sim_node outside; /* owner of the raw sides */
	crypto_generichash_state transcript;
	char transcript_text[33];
	struct sim_node nodes[NODES_MAX];
};

/* ---- connections ---- */

static struct end *end_new(struct sim *s, struct sim_node *n, bool is_initiator)
{
	struct end *e = mem_new(sizeof *e);
	e->sim = s;
	e->owner = n;
	e->id = ++s->next_link;
	e->is_initiator = is_initiator;
	list_init(&e->inbox);
	list_add(&s->ends, &e->node);
	map_put(s->by_id, &e->id, e);
	return e;
}

static void packet_free(struct packet *p)
{
	timer_stop(&p->timer);
	list_del(&p->node);
	mem_free(p);
}

static void end_free(struct end *e)
{
	list_each_safe (it, &e->inbox)
		packet_free(list_entry(it, struct packet, node));
	if (e->other != NULL)
		e->other->other = NULL;
	list_del(&e->node);
	map_del(e->sim->by_id, &e->id);
	chan_free(e->chan);
	mem_free(e);
}

static struct link_peer peer_of(const struct end *e)
{
	return (struct link_peer){
		.peer = chan_peer(e->chan),
		.hash = chan_is_up(e->chan) ? chan_hash(e->chan) : NULL,
		.remote = e->remote,
		.is_initiator = e->is_initiator,
	};
}

static void on_arrival(void *ctx);

static void send_packet(struct end *from, const uint8_t *bytes, size_t n, bool is_eof)
{
	struct end *to = from->other;
	struct sim *s = from->sim;
	if (to == NULL || from->is_silent || from->owner->is_cut || to->owner->is_cut)
		return;
	struct packet *p = mem_new(sizeof *p + n);
	p->to = to;
	p->is_eof = is_eof;
	p->n = n;
	if (n > 0)
		memcpy(p->bytes, bytes, n);
	list_add(&to->inbox, &p->node);
	s->bytes += n;
	unsigned ms = from->latency_ms != 0 ? from->latency_ms : s->latency_ms;
	timer_set(s->timers, &p->timer, ms, on_arrival, p);
}

static void end_down(struct end *e, enum err why, uint16_t code, struct slice reason)
{
	if (e->is_dead)
		return;
	e->is_dead = true;
	if (e->raw != NULL) {
		send_packet(e, NULL, 0, true);
		return;
	}
	struct slice rest = chan_out(e->chan);
	send_packet(e, rest.p, rest.n, false);
	send_packet(e, NULL, 0, true);
	if (!e->is_closing && e->owner->core != NULL)
		core_link_events()->on_down(e->owner->core, e->id, why, code, reason);
}

static void on_event(struct end *e, const struct chan_event *ev)
{
	const struct link_events *up = core_link_events();
	struct link_peer lp = peer_of(e);
	switch (ev->type) {
	case CHAN_PEER:
		up->on_peer(e->owner->core, e->id, &lp);
		break;
	case CHAN_UP:
		up->on_up(e->owner->core, e->id, &lp);
		break;
	case CHAN_RECORD:
		up->on_record(e->owner->core, e->id, &ev->record);
		break;
	case CHAN_CLOSED:
		end_down(e, ERR_OK, ev->code, ev->reason);
		break;
	case CHAN_REFUSED:
		end_down(e, ERR_VERSION, ev->code, slice_of(NULL, 0));
		break;
	}
}

static void drain_events(struct end *e)
{
	while (!e->is_dead && !e->is_closing) {
		struct chan_event ev;
		enum err err = chan_next(e->chan, &ev);
		if (err == ERR_WAIT)
			return;
		if (err != ERR_OK) {
			end_down(e, err, 0, slice_of(NULL, 0));
			return;
		}
		on_event(e, &ev);
	}
}

static void feed(struct end *e, const uint8_t *p, size_t n)
{
	while (n > 0 && !e->is_dead && !e->is_closing) {
		size_t used = 0;
		enum err err = chan_feed(e->chan, slice_of(p, n), &used);
		if (err != ERR_OK && err != ERR_WAIT) {
			end_down(e, err, 0, slice_of(NULL, 0));
			return;
		}
		p += used;
		n -= used;
		drain_events(e);
	}
}

static void on_arrival(void *ctx)
{
	struct packet *p = ctx;
	struct end *e = p->to;
	list_del(&p->node);
	if (e->raw != NULL && !e->is_dead) {
		e->raw(e->raw_ctx, slice_of(p->bytes, p->n), p->is_eof);
	} else if (!e->is_dead && !e->is_silent && e->owner->core != NULL) {
		if (p->is_eof)
			end_down(e, chan_eof(e->chan), 0, slice_of(NULL, 0));
		else
			feed(e, p->bytes, p->n);
	}
	mem_free(p);
}

/* ---- link_ops ---- */

static void on_unreachable(void *ctx)
{
	struct pending_fail *f = ctx;
	struct sim_node *n = &f->sim->nodes[f->node];
	list_del(&f->all);
	if (n->core == f->core && n->core != NULL)
		core_link_events()->on_down(n->core, f->id, f->why, 0, slice_of(NULL, 0));
	mem_free(f);
}

static void fail_later(struct sim_node *n, link_id id, enum err why, unsigned ms)
{
	struct pending_fail *f = mem_new(sizeof *f);
	*f = (struct pending_fail){
		.sim = n->sim, .node = n->index, .core = n->core, .id = id, .why = why};
	list_add(&n->sim->fails, &f->all);
	timer_set(n->sim->timers, &f->timer, ms, on_unreachable, f);
}

static struct sim_node *node_at(struct sim *s, const struct addr *a)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		if (addr_eq(&s->nodes[i].addr, a) && s->nodes[i].core != NULL)
			return &s->nodes[i];
	return NULL;
}

static bool is_host(const struct sim *s, const struct addr *a)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		if (addr_ip_eq(&s->nodes[i].addr, a))
			return true;
	return false;
}

static struct end *raw_pair(struct sim *s, struct end *inner, struct addr outside)
{
	struct end *raw = end_new(s, &s->outside, !inner->is_initiator);
	raw->other = inner;
	inner->other = raw;
	inner->remote = outside;
	return raw;
}

static link_id dial_raw(struct sim_node *n, const struct addr *to,
			const struct id32 *target)
{
	struct sim *s = n->sim;
	struct end *a = end_new(s, n, true);
	a->chan = chan_dial_new(&n->chan, target);
	struct end *raw = raw_pair(s, a, *to);
	raw->raw = s->listener.fn(s->listener.ctx, (struct sim_raw *)raw, &raw->raw_ctx);
	return a->id;
}

void sim_raw_listen(struct sim *s, const struct addr *at, sim_raw_open_fn *fn, void *ctx)
{
	s->listener.at = *at;
	s->listener.fn = fn;
	s->listener.ctx = ctx;
}

struct sim_raw *sim_raw_open(struct sim *s, unsigned to, const struct addr *from,
			     sim_raw_fn *fn, void *ctx)
{
	struct sim_node *n = &s->nodes[to];
	struct end *b = end_new(s, n, false);
	b->chan = chan_listen_new(&n->chan);
	struct end *raw = raw_pair(s, b, *from);
	raw->raw = fn;
	raw->raw_ctx = ctx;
	return (struct sim_raw *)raw;
}

void sim_raw_send(struct sim_raw *r, struct slice bytes)
{
	struct end *e = (struct end *)r;
	if (!e->is_dead)
		send_packet(e, bytes.p, bytes.n, false);
}

void sim_raw_close(struct sim_raw *r)
{
	end_down((struct end *)r, ERR_OK, 0, slice_of(NULL, 0));
}

static enum err op_dial(void *net, const struct addr *to, const struct id32 *target,
			bool is_rumour, link_id *out)
{
	struct sim_node *n = net;
	struct sim *s = n->sim;
	struct sim_node *other = node_at(s, to);
	n->n_dials++;
	if (s->listener.fn != NULL && addr_eq(&s->listener.at, to)) {
		*out = dial_raw(n, to, target);
		return ERR_OK;
	}
	if (other == NULL || n->is_cut || other->is_cut) {
		*out = ++s->next_link;
		if (s->has_dead_hosts && !is_host(s, to))
			fail_later(n, *out, ERR_TIMEOUT, is_rumour ? 1200 : 3000);
		else
			fail_later(n, *out, ERR_UNREACHABLE, s->latency_ms);
		return ERR_OK;
	}
	struct end *a = end_new(s, n, true), *b = end_new(s, other, false);
	a->other = b;
	b->other = a;
	a->remote = *to;
	b->remote = n->addr;
	b->remote.port = (uint16_t)(20000 + s->next_link % 40000);
	a->chan = chan_dial_new(&n->chan, target);
	b->chan = chan_listen_new(&other->chan);
	*out = a->id;
	return ERR_OK;
}

void sim_dial(struct sim *s, unsigned from, unsigned to, unsigned out_ms,
	      unsigned back_ms)
{
	link_id id;
	op_dial(&s->nodes[from], &s->nodes[to].addr, NULL, false, &id);
	struct end *e = map_get(s->by_id, &id);
	if (e == NULL)
		return;
	e->latency_ms = out_ms;
	e->other->latency_ms = back_ms;
}

static struct end *find_end(const struct sim_node *n, link_id id)
{
	struct end *e = map_get(n->sim->by_id, &id);
	return e != NULL && e->owner == n && !e->is_closing && !e->is_dead ? e : NULL;
}

static void op_accept(void *net, link_id id)
{
	struct end *e = find_end(net, id);
	if (e != NULL)
		chan_accept(e->chan);
}

static enum err op_send(void *net, link_id id, uint8_t kind, uint8_t flags,
			struct slice p)
{
	struct end *e = find_end(net, id);
	if (e == NULL)
		return ERR_UNKNOWN;
	enum err err = chan_send(e->chan, kind, flags, p);
	e->wants_room = err == ERR_FULL;
	return err;
}

static void op_close(void *net, link_id id, uint16_t code, const char *reason)
{
	struct end *e = find_end(net, id);
	if (e == NULL)
		return;
	chan_close(e->chan, code, reason);
	e->is_closing = true;
}

static void op_pause(void *net, link_id id, bool paused)
{
	(void)net;
	(void)id;
	(void)paused;
}

static void op_trace(void *net, link_id id, bool on)
{
	(void)net;
	(void)id;
	(void)on;
}

static bool op_is_worn(void *net, link_id id)
{
	struct end *e = find_end(net, id);
	return e != NULL && chan_is_worn(e->chan);
}

static const struct link_ops ops = {
	.dial = op_dial,
	.accept = op_accept,
	.send = op_send,
	.close = op_close,
	.pause = op_pause,
	.trace = op_trace,
	.is_worn = op_is_worn,
};

/* ---- what a front end sees ---- */

static void note(struct sim *s, unsigned i, const char *what, const char *text)
{
	uint64_t when[2] = {i, s->clock.now_us};
	const char *words[] = {what, text != NULL ? text : ""};
	crypto_generichash_update(&s->transcript, (const uint8_t *)when, sizeof when);
	for (size_t k = 0; k < 2; k++)
		crypto_generichash_update(&s->transcript, (const uint8_t *)words[k],
					  strlen(words[k]) + 1);
}

static void keep_text(struct sim_node *n, const struct event_message *m)
{
	if (!n->sim->keep_texts)
		return;
	if (n->n_texts > n->n_text_slots) {
		n->n_text_slots = n->n_texts * 2;
		n->texts = mem_resize(n->texts, n->n_text_slots, sizeof *n->texts);
	}
	n->texts[n->n_texts - 1] = mem_strdup(m->text);
}

static void on_shown(void *ctx, const struct event *ev)
{
	struct sim_node *n = ctx;
	note(n->sim, n->index, event_row(ev->type)->name, NULL);
	if (ev->type == EVENT_MESSAGE && strcmp(ev->u.message.direction, "in") == 0) {
		n->n_texts++;
		keep_text(n, &ev->u.message);
		note(n->sim, n->index, ev->u.message.id, ev->u.message.text);
	} else if (ev->type == EVENT_PEER) {
		n->n_online += strcmp(ev->u.peer.state, "online") == 0;
		n->n_offline += strcmp(ev->u.peer.state, "offline") == 0;
		note(n->sim, n->index, ev->u.peer.id, ev->u.peer.state);
	} else if (ev->type == EVENT_STATE) {
		n->n_delivered += strcmp(ev->u.state.state, "delivered") == 0;
		n->n_failed += strcmp(ev->u.state.state, "failed") == 0;
		note(n->sim, n->index, ev->u.state.id, ev->u.state.state);
	} else if (ev->type == EVENT_NOTICE) {
		n->n_notices++;
		n->n_alarms += strcmp(ev->u.notice.level, "alarm") == 0;
		note(n->sim, n->index, ev->u.notice.level, ev->u.notice.text);
	} else if (ev->type == EVENT_DONE) {
		n->n_done++;
	} else if (ev->type == EVENT_ERROR) {
		n->n_errors++;
		n->last_status = (unsigned)ev->u.error.status;
		snprintf(n->last_error, sizeof n->last_error, "%s", ev->u.error.text);
	}
}

/* ---- nodes ---- */

static void node_init(struct sim *s, unsigned i, struct identity *identity)
{
	struct sim_node *n = &s->nodes[i];
	char nick[16];
	n->sim = s;
	n->index = i;
	n->identity = identity;
	n->options = options_new();
	snprintf(nick, sizeof nick, "n%u", i);
	options_set(n->options, OPT_nick, nick, OPTION_CMDLINE, NULL);
	n->addr = (struct addr){.family = ADDR_IP4, .port = PORT};
	n->addr.ip[0] = 10;
	n->addr.ip[2] = (uint8_t)(i >> 8);
	n->addr.ip[3] = (uint8_t)(i & 255);
	node_id_compact(identity_node_id(identity), n->id);
}

struct sim *sim_new(uint64_t seed, unsigned n_nodes)
{
	secret_init();
	struct sim *s = mem_new(sizeof *s);
	clock_manual_init(&s->clock);
	clock_manual_advance(&s->clock, 1000000);
	rng_seeded_init(&s->rng, seed);
	s->timers = timers_new(&s->clock.clock);
	s->latency_ms = 1;
	s->keep_texts = true;
	s->by_id = map_new(sizeof(link_id));
	list_init(&s->ends);
	list_init(&s->fails);
	crypto_generichash_init(&s->transcript, NULL, 0, 16);
	s->n_nodes = n_nodes;
	for (unsigned i = 0; i < n_nodes; i++)
		node_init(s, i, identity_generate(&s->rng.rng));
	return s;
}

unsigned sim_clone(struct sim *s, unsigned i)
{
	node_init(s, s->n_nodes, s->nodes[i].identity);
	return s->n_nodes++;
}

struct sim_node *sim_node(struct sim *s, unsigned i)
{
	return &s->nodes[i];
}

const struct clock *sim_clock(struct sim *s)
{
	return &s->clock.clock;
}

void sim_wall_jump(struct sim *s, int64_t ms)
{
	s->clock.wall_offset_ms += (uint64_t)ms;
}

void sim_suspend(struct sim *s, uint64_t ms)
{
	clock_manual_advance(&s->clock, ms * 1000);
}

void sim_dead_hosts(struct sim *s)
{
	s->has_dead_hosts = true;
}

void sim_latency(struct sim *s, unsigned ms)
{
	s->latency_ms = ms;
}

void sim_keep_texts(struct sim *s, bool on)
{
	s->keep_texts = on;
}

uint64_t sim_bytes(struct sim *s)
{
	return s->bytes;
}

void sim_ifaces(struct sim *s, unsigned i, struct ifaces *ifs)
{
	const struct addr *own = &s->nodes[i].addr;
	memset(ifs, 0, sizeof *ifs);
	ifs->n = 1;
	struct iface *f = &ifs->v[0];
	snprintf(f->name, sizeof f->name, "eth0");
	f->index = 2;
	f->is_up = f->is_multicast = true;
	f->n_addrs = 1;
	f->addrs[0].addr = *own;
	f->addrs[0].addr.port = 0;
	f->addrs[0].prefix = 8;
}

static void follow(struct sim_node *n)
{
	struct front_source src = core_front_source(n->core);
	struct command cmd = {.verb = VERB_EVENTS};
	src.open(src.ctx, on_shown, n, &n->front);
	n->front.ops->submit(n->front.impl, &cmd);
}

/* In memory, and it outlives the node: what a restart finds again. */
static struct store *store_of(struct sim_node *n)
{
	char why[STORE_WHY_BYTES];
	struct store_config cfg = {.rng = &n->sim->rng.rng};
	if (n->store == NULL && store_open(&cfg, &n->store, why) != ERR_OK)
		abort();
	return n->store;
}

void sim_start(struct sim *s, unsigned i)
{
	struct sim_node *n = &s->nodes[i];
	struct core_config cfg = {
		.clock = &s->clock.clock,
		.timers = s->timers,
		.rng = &s->rng.rng,
		.identity = n->identity,
		.options = n->options,
		.link = &ops,
		.net = n,
		.store = store_of(n),
		.profile = "sim",
	};
	rng_fill(&s->rng.rng, cfg.boot.b, sizeof cfg.boot.b);
	n->chan = (struct chan_config){
		.self = n->identity,
		.boot = cfg.boot,
		.rng = &s->rng.rng,
		.clock = &s->clock.clock,
		.out_max = OUT_MAX,
	};
	n->core = core_new(&cfg);
	while (!core_is_ready(n->core))
		core_tick(n->core);
	struct ifaces ifs;
	sim_ifaces(s, i, &ifs);
	core_ifaces(n->core, &ifs);
	core_listening(n->core, n->addr.port);
	follow(n);
}

void sim_reset(struct sim *s, unsigned a, unsigned b)
{
	sim_break(s, a, b);
	list_each (it, &s->ends) {
		struct end *e = list_entry(it, struct end, node);
		if (e->is_silent)
			end_down(e, ERR_IO, 0, slice_of(NULL, 0));
	}
}

/* Moves what the channels have to say onto the wire. */
static bool pump(struct sim *s)
{
	bool moved = false;
	list_each_safe (it, &s->ends) {
		struct end *e = list_entry(it, struct end, node);
		if (e->is_dead || e->raw != NULL)
			continue;
		struct slice out = chan_out(e->chan);
		if (out.n > 0) {
			send_packet(e, out.p, out.n, false);
			chan_drop(e->chan, out.n);
			moved = true;
		}
		if (e->is_closing)
			end_down(e, ERR_OK, 0, slice_of(NULL, 0));
		else if (e->wants_room) {
			e->wants_room = false;
			core_link_events()->on_room(e->owner->core, e->id);
			moved = true;
		}
		drain_events(e); /* what accept has made ready */
	}
	return moved;
}

static void sweep(struct sim *s)
{
	list_each_safe (it, &s->ends) {
		struct end *e = list_entry(it, struct end, node);
		if (e->is_dead && list_empty(&e->inbox))
			end_free(e);
	}
}

static bool node_tick(struct sim_node *n)
{
	return n->core != NULL && core_tick(n->core);
}

static void tick(struct sim *s)
{
	bool is_more;
	do {
		is_more = false;
		for (unsigned i = 0; i < s->n_nodes; i++)
			is_more |= node_tick(&s->nodes[i]);
		if (pump(s))
			is_more = true;
	} while (is_more);
	sweep(s);
}

void sim_stop(struct sim *s, unsigned i, bool is_killed)
{
	struct sim_node *n = &s->nodes[i];
	if (n->core == NULL)
		return;
	list_each (it, &s->ends) {
		struct end *e = list_entry(it, struct end, node);
		if (e->owner != n || e->is_dead || !is_killed)
			continue;
		send_packet(e, NULL, 0, true);
		e->is_dead = true;
	}
	n->front.ops->close(n->front.impl);
	while (store_pending(n->store) > 0) /* kept, but nobody hears of it */
		store_poll(n->store);
	core_free(n->core);
	n->core = NULL;
	list_each (it, &s->ends) {
		struct end *e = list_entry(it, struct end, node);
		if (e->owner == n)
			end_down(e, ERR_OK, 0, slice_of(NULL, 0));
	}
	tick(s);
}

void sim_tell(struct sim *s, unsigned who, unsigned of)
{
	struct sim_node *a = &s->nodes[who], *b = &s->nodes[of];
	if (a->core == NULL || a->is_cut || b->is_cut)
		return;
	struct sighting sight = {.source = SIGHTING_MDNS, .has_id = true, .ifindex = 2};
	sight.id = *identity_node_id(b->identity);
	sight.addr = b->addr;
	sight.proto_min = sight.proto_max = 1;
	snprintf(sight.instance, sizeof sight.instance, "%.16s", b->id);
	core_sighting(a->core, &sight);
}

void sim_announce(struct sim *s, unsigned i)
{
	for (unsigned k = 0; k < s->n_nodes; k++) {
		if (k == i || s->nodes[k].core == NULL || s->nodes[i].core == NULL)
			continue;
		sim_tell(s, k, i);
		sim_tell(s, i, k);
	}
}

void sim_start_all(struct sim *s)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		sim_start(s, i);
	for (unsigned i = 0; i < s->n_nodes; i++)
		sim_announce(s, i);
}

struct sim *sim_meet(uint64_t seed, unsigned n)
{
	struct sim *s = sim_new(seed, n);
	sim_start_all(s);
	sim_run(s, 2000);
	return s;
}

void sim_break(struct sim *s, unsigned a, unsigned b)
{
	list_each (it, &s->ends) {
		struct end *e = list_entry(it, struct end, node);
		if (e->other == NULL)
			continue;
		unsigned x = e->owner->index, y = e->other->owner->index;
		if ((x == a && y == b) || (x == b && y == a))
			e->is_silent = true;
	}
}

void sim_submit(struct sim *s, unsigned i, const struct command *cmd)
{
	struct sim_node *n = &s->nodes[i];
	n->front.ops->submit(n->front.impl, cmd);
	(void)s;
}

void sim_say(struct sim *s, unsigned from, unsigned to, const char *text)
{
	struct command cmd = {.verb = VERB_MSG};
	cmd.u.msg.who = s->nodes[to].id;
	cmd.u.msg.text = text;
	sim_submit(s, from, &cmd);
}

void sim_say_lan(struct sim *s, unsigned from, const char *text)
{
	struct command cmd = {.verb = VERB_MSG};
	cmd.u.msg.who = "#lan";
	cmd.u.msg.text = text;
	sim_submit(s, from, &cmd);
}

void sim_run(struct sim *s, uint64_t ms)
{
	uint64_t until = s->clock.now_us + ms * 1000;
	tick(s);
	for (;;) {
		uint64_t wait = timers_wait(s->timers);
		if (wait == UINT64_MAX || s->clock.now_us + wait * 1000 > until)
			break;
		clock_manual_advance(&s->clock, wait * 1000);
		timers_run(s->timers);
		tick(s);
	}
	clock_manual_advance(&s->clock, until - s->clock.now_us);
}

unsigned sim_links(struct sim *s, unsigned i)
{
	unsigned n = 0;
	list_each (it, &s->ends) {
		const struct end *e = list_entry(it, struct end, node);
		n += e->owner->index == i && e->raw == NULL && !e->is_dead &&
		     !e->is_closing && chan_is_up(e->chan);
	}
	return n;
}

unsigned sim_saw(struct sim *s, unsigned i, const char *text)
{
	unsigned n = 0;
	for (unsigned k = 0; k < s->nodes[i].n_texts; k++)
		n += strcmp(s->nodes[i].texts[k], text) == 0;
	return n;
}

const char *sim_transcript(struct sim *s)
{
	crypto_generichash_state copy = s->transcript;
	uint8_t hash[16];
	crypto_generichash_final(&copy, hash, sizeof hash);
	hex_encode(slice_of(hash, sizeof hash), s->transcript_text);
	return s->transcript_text;
}

static void node_free(struct sim *s, struct sim_node *n)
{
	bool is_shared = false;
	for (unsigned i = 0; i < n->index; i++)
		is_shared = is_shared || s->nodes[i].identity == n->identity;
	if (!is_shared)
		identity_free(n->identity);
	options_free(n->options);
	store_free(n->store);
	for (unsigned i = 0; s->keep_texts && i < n->n_texts; i++)
		mem_free(n->texts[i]);
	mem_free(n->texts);
}

void sim_free(struct sim *s)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		sim_stop(s, i, true);
	list_each_safe (it, &s->ends)
		end_free(list_entry(it, struct end, node));
	list_each_safe (it, &s->fails) {
		struct pending_fail *f = list_entry(it, struct pending_fail, all);
		timer_stop(&f->timer);
		mem_free(f);
	}
	for (unsigned i = s->n_nodes; i-- > 0;)
		node_free(s, &s->nodes[i]);
	map_free(s->by_id);
	timers_free(s->timers);
	mem_free(s);
}
