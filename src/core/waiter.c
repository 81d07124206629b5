#include "core/waiter.h"

#include <stdio.h>

#include "base/mem.h"
#include "core/command.h"

enum { WAITERS_MAX = 4096 };

struct waiter {
	struct list node;
	struct core *core;
	struct reply_to to;
	struct timer timer;
	void (*on_late)(struct waiter *w);
	struct id32 peer; /* zero: none */
	struct id16 id; /* of the message, or the PING's token at its start */
	struct id16 *ids; /* of many messages: those without outcome */
	unsigned n_ids, n_all, n_refused;
	bool is_ping;
	bool is_due; /* the command runs again at the end of this tick */
	uint64_t began_us;
	struct queued_command *again; /* NULL: waits for a message or a PONG */
};

static void waiter_free(struct waiter *w)
{
	list_del(&w->node);
	w->core->n_waiters--;
	timer_stop(&w->timer);
	queued_command_free(w->again);
	mem_free(w->ids);
	mem_free(w);
}

static void on_timer(void *ctx)
{
	struct waiter *w = ctx;
	w->on_late(w);
}

/* NULL, and said so, when a front end has asked for too much at once. */
static struct waiter *waiter_new(struct core *c, struct reply_to to, uint64_t wait_ms,
				 void (*on_late)(struct waiter *w))
{
	if (c->n_waiters >= WAITERS_MAX) {
		emit_error(c, to, 5, "too many commands wait already");
		return NULL;
	}
	struct waiter *w = mem_new(sizeof *w);
	c->n_waiters++;
	w->core = c;
	w->to = to;
	w->on_late = on_late;
	w->began_us = core_now_us(c);
	list_add(&c->waiters, &w->node);
	timer_set(c->cfg.timers, &w->timer, wait_ms, on_timer, w);
	return w;
}

static const char *name_of(const struct waiter *w)
{
	const struct peer *p = peer_find(w->core, &w->peer);
	return p != NULL ? p->name : "the peer";
}

/* ---- delivery ---- */

static bool is_away(const struct peer *p)
{
	return p != NULL && peer_session(p) == NULL;
}

static void tell_away(struct core *c, struct reply_to to, const struct peer *p)
{
	emit_error(c, to, 4,
		   "%s is away; it waits here, and goes out when both nodes run",
		   p->name);
}

static void on_undelivered(struct waiter *w)
{
	const struct peer *p = peer_find(w->core, &w->peer);
	if (is_away(p))
		tell_away(w->core, w->to, p);
	else
		emit_error(w->core, w->to, 4, "no acknowledgement from %s yet",
			   p != NULL ? p->name : "anybody on #lan");
	waiter_free(w);
}

void waiter_delivery(struct core *c, struct reply_to to, struct peer *p,
		     const struct id16 *id, uint64_t wait_s)
{
	if (wait_s == 0) {
		if (is_away(p))
			tell_away(c, to, p);
		else
			emit_done(c, to, NULL);
		return;
	}
	struct waiter *w = waiter_new(c, to, wait_s * 1000, on_undelivered);
	if (w == NULL)
		return;
	w->id = *id;
	if (p != NULL)
		w->peer = p->node_id;
}

static struct waiter *find(struct core *c, const uint8_t *id, size_t n, bool is_ping)
{
	list_each (it, &c->waiters) {
		struct waiter *w = list_entry(it, struct waiter, node);
		if (w->again == NULL && w->ids == NULL && w->is_ping == is_ping &&
		    memcmp(w->id.b, id, n) == 0)
			return w;
	}
	return NULL;
}

/* ---- many ---- */

static void tell_all(struct waiter *w)
{
	unsigned n = w->n_all - w->n_ids - w->n_refused;
	char text[64];
	snprintf(text, sizeof text, "delivered to all %u", n);
	if (n == w->n_all)
		emit_done(w->core, w->to, text);
	else if (w->n_refused > 0)
		emit_error(w->core, w->to, 3, "%u of %u have it, %u refused it", n,
			   w->n_all, w->n_refused);
	else
		emit_error(w->core, w->to, 4,
			   "%u of %u have it; the rest is kept here, and goes out when "
			   "both nodes run",
			   n, w->n_all);
	waiter_free(w);
}

void waiter_all(struct core *c, struct reply_to to, const struct id16 *ids, unsigned n,
		uint64_t wait_s)
{
	struct waiter *w = waiter_new(c, to, wait_s * 1000, tell_all);
	if (w == NULL)
		return;
	w->ids = mem_array(n, sizeof *ids);
	memcpy(w->ids, ids, n * sizeof *ids);
	w->n_ids = w->n_all = n;
}

static bool is_one_of(struct waiter *w, const struct id16 *id)
{
	for (unsigned i = 0; i < w->n_ids; i++) {
		if (!id16_eq(&w->ids[i], id))
			continue;
		w->ids[i] = w->ids[--w->n_ids];
		return true;
	}
	return false;
}

static void outcome_of_many(struct core *c, const struct id16 *id, enum err e)
{
	list_each (it, &c->waiters) {
		struct waiter *w = list_entry(it, struct waiter, node);
		if (w->ids == NULL || !is_one_of(w, id))
			continue;
		w->n_refused += e != ERR_OK;
		if (w->n_ids == 0)
			tell_all(w);
		return;
	}
}

void waiter_on_outcome(struct core *c, const struct id16 *id, enum err e, unsigned code)
{
	struct waiter *w = find(c, id->b, sizeof id->b, false);
	if (w == NULL) {
		outcome_of_many(c, id, e);
		return;
	}
	if (e == ERR_OK)
		emit_done(c, w->to, "delivered");
	else
		emit_error(c, w->to, 3, "%s refused the message: %s", name_of(w),
			   proto_code_str(code));
	waiter_free(w);
}

/* ---- ping ---- */

static void on_no_pong(struct waiter *w)
{
	emit_error(w->core, w->to, 4, "no answer from %s", name_of(w));
	waiter_free(w);
}

void waiter_ping(struct session *s, struct reply_to to, uint64_t wait_s)
{
	struct core *c = s->core;
	struct waiter *w = waiter_new(c, to, wait_s * 1000, on_no_pong);
	if (w == NULL)
		return;
	w->is_ping = true;
	w->peer = s->peer->node_id;
	rng_fill(c->cfg.rng, w->id.b, sizeof w->id.b);
	w->id.b[0] |= 1; /* idle pings are all zero */
	session_ping(s, w->id.b);
}

void waiter_on_pong(struct session *s, const uint8_t token[static PROTO_PING_BYTES])
{
	struct core *c = s->core;
	struct waiter *w = find(c, token, PROTO_PING_BYTES, true);
	if (w == NULL || !id32_eq(&w->peer, &s->peer->node_id))
		return;
	struct event ev = {.type = EVENT_PONG};
	ev.u.pong.peer = s->peer->id_text;
	ev.u.pong.name = s->peer->name;
	ev.u.pong.rtt_us = core_now_us(c) - w->began_us;
	emit_reply(c, w->to, &ev);
	emit_done(c, w->to, NULL);
	waiter_free(w);
}

/* ---- commands that run again ---- */

static void run_again(struct waiter *w, bool is_last)
{
	struct queued_command *q = w->again;
	struct core *c = w->core;
	uint64_t left_us =
		w->timer.due_us > core_now_us(c) ? w->timer.due_us - core_now_us(c) : 0;
	w->again = NULL;
	waiter_free(w);
	command_run(c, q->to, &q->cmd, is_last ? 0 : left_us / 1000 + 1, true);
	queued_command_free(q);
}

static void on_last_try(struct waiter *w)
{
	run_again(w, true);
}

void waiter_again(struct core *c, struct reply_to to, const struct command *cmd,
		  uint64_t wait_ms)
{
	struct waiter *w = waiter_new(c, to, wait_ms, on_last_try);
	if (w != NULL)
		w->again = queued_command_new(to, cmd);
}

void waiter_on_peer(struct peer *p)
{
	list_each (it, &p->core->waiters) {
		struct waiter *w = list_entry(it, struct waiter, node);
		w->is_due = w->again != NULL && w->again->cmd.verb != VERB_PEERS;
	}
}

void waiter_sweep(struct core *c)
{
	list_each_safe (it, &c->waiters) {
		struct waiter *w = list_entry(it, struct waiter, node);
		if (!emit_is_open(c, w->to.front))
			waiter_free(w);
		else if (w->is_due)
			run_again(w, false);
	}
}

void waiter_free_all(struct core *c)
{
	list_each_safe (it, &c->waiters)
		waiter_free(list_entry(it, struct waiter, node));
}
