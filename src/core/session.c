#include "core/session.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/contact.h"
#include "core/dialer.h"
#include "core/duplicate.h"
#include "core/guest.h"
#include "core/outbox.h"
#include "core/profile.h"
#include "core/receipts.h"
#include "core/trace.h"
#include "core/waiter.h"
#include "crypto/hash.h"

enum {
	PROBE_MS = 5000,
	CTRL_QUEUE_BYTES = 256 * 1024, /* answers that may wait for one peer */
	ACK_QUEUE_BYTES = 4 * PROTO_WINDOW_OBJECTS * MSG_IDS_STEP
};

/* ---- phases ---- */

static const char *const phase_names[SESSION_PHASES] = {
	[SESSION_WAITING] = "waiting",
	[SESSION_HELLO] = "hello",
	[SESSION_PROVISIONAL] = "provisional",
	[SESSION_LIVE] = "live",
	[SESSION_DEAD] = "dead",
};

/* may[from] has a bit for each phase that may follow. */
static const unsigned may[SESSION_PHASES] = {
	[SESSION_WAITING] =
		1U << SESSION_HELLO | 1U << SESSION_PROVISIONAL | 1U << SESSION_DEAD,
	[SESSION_HELLO] = 1U << SESSION_LIVE | 1U << SESSION_DEAD,
	[SESSION_PROVISIONAL] = 1U << SESSION_LIVE | 1U << SESSION_DEAD,
	[SESSION_LIVE] = 1U << SESSION_DEAD,
	[SESSION_DEAD] = 0,
};

/* The only writer of phase. */
static void session_enter(struct session *s, enum session_phase to, const char *why)
{
	if (!(may[s->phase] & 1U << to)) {
		BUG("session phase");
		return;
	}
	log_debug("session", "%.8s %s: %s -> %s (%s)", s->peer->id_text, s->log_id,
		  phase_names[s->phase], phase_names[to], why);
	s->phase = to;
}

/* ---- birth and death ---- */

static struct session *session_new(struct core *c, link_id id, const struct link_peer *lp,
				   struct peer *p)
{
	struct session *s = mem_new(sizeof *s);
	s->core = c;
	s->peer = p;
	s->link = id;
	s->birth = ++c->next_session;
	s->is_initiator = lp->is_initiator;
	s->cert = lp->peer->cert;
	s->boot = lp->peer->boot;
	s->remote = lp->remote;
	list_init(&s->of_guests);
	list_init(&s->of_dirty);
	list_init(&s->of_dead);
	list_init(&s->inflight);
	buf_init(&s->batch, PROTO_PAYLOAD_MAX_BYTES);
	buf_init(&s->ctrl, CTRL_QUEUE_BYTES);
	buf_init(&s->acks, ACK_QUEUE_BYTES);
	list_add(&p->sessions, &s->of_peer);
	map_put(c->sessions, &s->link, s);
	return s;
}

/* What the peer's last session left goes on over another one. A duplicate that the
 * other side was to close is one again: it closed the other. */
static void hand_over(struct peer *p)
{
	struct session *next = peer_session(p);
	for (struct list *it = p->sessions.prev; next == NULL && it != &p->sessions;
	     it = it->prev) {
		struct session *s = list_entry(it, struct session, of_peer);
		if (s->phase == SESSION_LIVE)
			next = s;
	}
	if (next == NULL)
		return;
	next->is_leaving = false;
	session_mark(next);
}

/* Takes it out of every list; what it had not delivered goes back to the peer. */
static void unhook(struct session *s, const char *why)
{
	struct core *c = s->core;
	session_enter(s, SESSION_DEAD, why);
	timer_stop(&s->timer);
	map_del(c->sessions, &s->link);
	list_del(&s->of_peer);
	list_del(&s->of_dirty);
	guest_leave(s);
	sas_session_lost(s);
	outbox_return(s);
	hand_over(s->peer);
	if (peer_session(s->peer) == NULL)
		outbox_unload(s->peer);
	list_add(&c->dead, &s->of_dead);
	s->peer->seen_ms = core_wall_ms(c);
	contact_changed(s->peer);
}

void session_close(struct session *s, enum proto_code code, const char *reason)
{
	if (s->phase == SESSION_DEAD)
		return;
	s->core->cfg.link->close(s->core->cfg.net, s->link, (uint16_t)code, reason);
	unhook(s, reason);
	dialer_on_lost(s, ERR_OK, code);
	waiter_on_peer(s->peer);
	peer_update(s->peer, reason);
}

void session_sweep(struct core *c)
{
	list_each_safe (it, &c->dead) {
		struct session *s = list_entry(it, struct session, of_dead);
		/* the peer may be forgotten already */
		struct peer *p = peer_find(c, &s->cert.node_id);
		list_del(it);
		buf_wipe(&s->batch);
		buf_wipe(&s->ctrl);
		buf_wipe(&s->acks);
		mem_free(s);
		if (p != NULL)
			peer_let_go(p);
	}
}

/* ---- the handshake is over, who is it? ---- */

/* The device list rule of "Handshake". ERR_OK sets *is_provisional. */
static enum err check_devlist(const struct peer *p, const struct chan_peer *who,
			      bool *is_provisional)
{
	const struct devlist *held = p->devlist;
	*is_provisional = held == NULL || !devlist_names(held, &who->cert);
	if (held != NULL && *is_provisional && who->list_version <= held->version)
		return ERR_IDENTITY;
	return ERR_OK;
}

/* The same device lives here already, as another process. */
static bool is_clone(const struct peer *p, const struct chan_peer *who)
{
	list_each (it, &p->sessions) {
		const struct session *s = list_entry(it, struct session, of_peer);
		if (s->phase == SESSION_LIVE &&
		    id16_eq(&s->cert.device_id, &who->cert.device_id) &&
		    !id16_eq(&s->boot, &who->boot))
			return true;
	}
	return false;
}

/* CODE_OK, or why we do not want it. */
static enum proto_code refuse(struct core *c, struct peer *p, const struct link_peer *lp,
			      bool *is_provisional)
{
	const struct cert *cert = &lp->peer->cert;
	if (p == NULL)
		return CODE_QUOTA;
	if (id32_eq(&cert->node_id, &c->node_id) &&
	    id16_eq(&cert->device_id, identity_device_id(c->cfg.identity)))
		return CODE_DUPLICATE;
	if (p->is_blocked)
		return CODE_BLOCKED;
	if (p->cloned_until_us > core_now_us(c) && is_clone(p, lp->peer))
		return CODE_DUPLICATE;
	if (check_devlist(p, lp->peer, is_provisional) != ERR_OK)
		return CODE_UNAUTHORISED;
	return CODE_OK;
}

/* Who dialled us has shown its certificate already and has ours: it may hear why. As
 * the dialler we leave before ours goes out. */
static void turn_away(struct core *c, link_id id, const struct link_peer *lp,
		      enum proto_code code)
{
	if (!lp->is_initiator)
		c->cfg.link->accept(c->cfg.net, id);
	c->cfg.link->close(c->cfg.net, id, (uint16_t)code, proto_code_str(code));
}

void session_on_peer(struct core *c, link_id id, const struct link_peer *lp)
{
	struct peer *p = peer_get(c, &lp->peer->cert.node_id);
	bool is_provisional = false;
	enum proto_code code = refuse(c, p, lp, &is_provisional);
	dialer_on_proved(c, id, p, code == CODE_OK);
	if (code != CODE_OK) {
		turn_away(c, id, lp, code);
		if (p != NULL)
			peer_let_go(p);
		return;
	}
	struct session *s = session_new(c, id, lp, p);
	s->is_provisional = is_provisional;
	c->cfg.link->accept(c->cfg.net, id);
	trace_session(s);
}

/* ---- timers ---- */

static void set_timer(struct session *s, uint64_t ms, void (*fn)(void *ctx))
{
	timer_set(s->core->cfg.timers, &s->timer, ms, fn, s);
}

static void on_hello_late(void *ctx)
{
	session_close(ctx, CODE_PROTOCOL, "no HELLO in time");
}

static void on_idle(void *ctx);

static void on_probe(void *ctx)
{
	struct session *s = ctx;
	if (s->heard_us <= s->probe_us) {
		session_close(s, CODE_OK, "no answer after a change of the network");
		return;
	}
	s->probe_us = 0;
	set_timer(s, PROTO_PING_IDLE_S * 1000ULL, on_idle);
}

void session_probe(struct session *s)
{
	static const uint8_t idle_token[PROTO_PING_BYTES];
	if (s->phase != SESSION_LIVE || s->probe_us != 0)
		return;
	s->probe_us = core_now_us(s->core);
	session_ping(s, idle_token);
	set_timer(s, PROBE_MS, on_probe);
}

static void on_idle(void *ctx)
{
	struct session *s = ctx;
	uint64_t now = core_now_us(s->core);
	uint64_t silent_ms = (now - s->heard_us) / 1000;
	if (silent_ms >= PROTO_DEAD_S * 1000ULL) {
		session_close(s, CODE_OK, "no answer");
		return;
	}
	if (s->is_leaving) {
		session_close(s, CODE_DUPLICATE, proto_code_str(CODE_DUPLICATE));
		return;
	}
	dialer_renew(s);
	if (silent_ms < PROTO_PING_IDLE_S * 1000ULL) {
		set_timer(s, PROTO_PING_IDLE_S * 1000ULL - silent_ms, on_idle);
		return;
	}
	static const uint8_t idle_token[PROTO_PING_BYTES];
	session_ping(s, idle_token);
	set_timer(s, PROTO_PING_IDLE_S * 1000ULL, on_idle);
}

/* ---- up ---- */

static void set_log_id(struct session *s, const uint8_t *hash)
{
	uint8_t id[16];
	hash_one("p2pmsg-sesid--v1", slice_of(hash, CHAN_HASH_BYTES), id, sizeof id);
	hex_encode(slice_of(id, 4), s->log_id);
}

void session_on_up(struct core *c, link_id id, const struct link_peer *lp)
{
	struct session *s = map_get(c->sessions, &id);
	if (s == NULL || s->phase != SESSION_WAITING)
		return;
	memcpy(s->hash, lp->hash, sizeof s->hash);
	set_log_id(s, lp->hash);
	s->up_us = s->heard_us = core_now_us(c);
	s->up_ms = core_wall_ms(c);
	session_enter(s, s->is_provisional ? SESSION_PROVISIONAL : SESSION_HELLO, "up");
	dialer_on_up(s);
	set_timer(s, PROTO_PROVISIONAL_S * 1000ULL, on_hello_late);
	profile_hello(s);
}

void session_live(struct session *s)
{
	session_enter(s, SESSION_LIVE, "HELLO");
	s->is_provisional = false;
	set_timer(s, PROTO_PING_IDLE_S * 1000ULL, on_idle);
	if (!duplicate_settle(s))
		return;
	guest_join(s);
	if (s->phase != SESSION_LIVE)
		return;
	contact_met(s->peer);
	peer_update(s->peer, NULL);
	waiter_on_peer(s->peer);
	outbox_load(s->peer);
	receipts_kick(s->peer);
	session_mark(s);
}

/* ---- records in ---- */

typedef enum err handler(struct session *s, const struct msg *m);

static handler *const handlers[] = {
#define M(NAME, name, number, kind, phases) [MSG_##NAME] = on_##name,
	MSG_TABLE(M)
#undef M
};

static unsigned phase_bit(const struct session *s)
{
	static const unsigned bits[SESSION_PHASES] = {
		[SESSION_HELLO] = PHASE_HELLO,
		[SESSION_PROVISIONAL] = PHASE_PROVISIONAL,
		[SESSION_LIVE] = PHASE_LIVE,
	};
	return bits[s->phase];
}

/* One object; what it does not understand is NACKed or skipped. */
static enum err one_object(struct session *s, uint8_t kind, struct slice rest,
			   size_t *used)
{
	struct msg m;
	enum proto_code code = CODE_UNSUPPORTED;
	enum err e = msg_decode(kind, rest, &m, used, &code);
	if (e == ERR_UNKNOWN || e == ERR_REFUSED) {
		if (kind == KIND_MSG && s->phase == SESSION_LIVE)
			session_nack(s, &m.id, e == ERR_UNKNOWN ? CODE_UNSUPPORTED : code,
				     0);
		return s->phase == SESSION_LIVE ? ERR_OK : ERR_PROTO;
	}
	if (e != ERR_OK)
		return e;
	if (!(msg_row_find(m.type)->phases & phase_bit(s)))
		return ERR_PROTO;
	return handlers[m.type](s, &m);
}

static enum err on_objects(struct session *s, const struct record *r)
{
	struct slice rest = r->payload;
	if (rest.n == 0)
		return ERR_PROTO;
	while (rest.n > 0 && s->phase != SESSION_DEAD) {
		size_t used = 0;
		enum err e = one_object(s, r->kind, rest, &used);
		if (e != ERR_OK)
			return e;
		rest = slice_of(rest.p + used, rest.n - used);
		if (r->kind == KIND_CTRL && rest.n > 0)
			return ERR_PROTO;
	}
	return ERR_OK;
}

static enum err on_ping(struct session *s, const struct record *r)
{
	if (r->payload.n != PROTO_PING_BYTES || s->phase != SESSION_LIVE)
		return ERR_PROTO;
	enum err e = s->core->cfg.link->send(s->core->cfg.net, s->link, KIND_PONG, 0,
					     r->payload);
	return e == ERR_FULL ? ERR_OK : e; /* it is read as soon as we are written to */
}

static enum err on_pong(struct session *s, const struct record *r)
{
	if (r->payload.n != PROTO_PING_BYTES)
		return ERR_PROTO;
	waiter_on_pong(s, r->payload.p);
	return ERR_OK;
}

static enum err on_kind(struct session *s, const struct record *r)
{
	static enum err (*const by_kind[])(struct session *, const struct record *) = {
		[KIND_CTRL] = on_objects,
		[KIND_MSG] = on_objects,
		[KIND_PING] = on_ping,
		[KIND_PONG] = on_pong,
	};
	if (r->kind >= sizeof by_kind / sizeof *by_kind || by_kind[r->kind] == NULL)
		return ERR_PROTO;
	return by_kind[r->kind](s, r);
}

/* The one place that decides what an error of a peer's message means. */
static void decide(struct session *s, enum err e)
{
	if (e == ERR_OK || s->phase == SESSION_DEAD)
		return;
	log_info("session", "%.8s: closing: %s", s->peer->id_text, err_str(e));
	if (e == ERR_IDENTITY)
		session_close(s, CODE_UNAUTHORISED, "certificate not in the device list");
	else if (e == ERR_LIMIT)
		session_close(s, CODE_RATE, "limit exceeded");
	else
		session_close(s, CODE_PROTOCOL, "protocol error");
}

void session_on_record(struct core *c, link_id id, const struct record *r)
{
	struct session *s = map_get(c->sessions, &id);
	if (s == NULL)
		return;
	s->heard_us = core_now_us(c);
	decide(s, on_kind(s, r));
}

bool session_on_down(struct core *c, link_id id, enum err why, uint16_t code,
		     struct slice reason)
{
	struct session *s = map_get(c->sessions, &id);
	if (s == NULL)
		return false;
	char said[2 * PROTO_CLOSE_REASON_BYTES];
	if (why == ERR_OK)
		snprintf(said, sizeof said, "%s", proto_code_str(code));
	else
		snprintf(said, sizeof said, "%s", err_str(why));
	log_debug("session", "%s: the other side's reason: %.*s", s->log_id,
		  (int)reason.n, (const char *)reason.p);
	unhook(s, said);
	dialer_on_lost(s, why, code);
	waiter_on_peer(s->peer);
	peer_update(s->peer, said);
	return true;
}

/* ---- records out ---- */

void session_mark(struct session *s)
{
	if (s->phase == SESSION_DEAD || !list_empty(&s->of_dirty))
		return;
	list_add(&s->core->dirty, &s->of_dirty);
}

void session_ctrl(struct session *s, const struct msg *m)
{
	struct buf one;
	buf_init(&one, PROTO_PAYLOAD_MAX_BYTES);
	enum err e = msg_encode(m, &one);
	if (e != ERR_OK)
		BUG("a CTRL message breaks its own row");
	else if (buf_u16(&s->ctrl, (uint16_t)one.len) != ERR_OK ||
		 buf_add(&s->ctrl, buf_slice(&one)) != ERR_OK)
		session_close(s, CODE_RATE, "answers are not read");
	buf_wipe(&one);
	session_mark(s);
}

void session_ack(struct session *s, const struct id16 *id)
{
	uint8_t *at;
	if (buf_reserve(&s->acks, MSG_IDS_STEP, &at) != ERR_OK) {
		session_close(s, CODE_RATE, "acknowledgements are not read");
		return;
	}
	msg_ids_put(at, id);
	buf_commit(&s->acks, MSG_IDS_STEP);
	session_mark(s);
}

void session_nack(struct session *s, const struct id16 *id, enum proto_code code,
		  uint64_t retry_s)
{
	struct msg m = {.type = MSG_NACK};
	m.u.nack.target = slice_of(id->b, sizeof id->b);
	m.u.nack.code = code;
	m.u.nack.retry_s = retry_s;
	m.u.nack.has = retry_s > 0 ? MSG_HAS(2) : 0;
	session_ctrl(s, &m);
}

static enum err flush_ctrl(struct session *s)
{
	const struct core *c = s->core;
	while (s->ctrl.len > 0) {
		struct slice all = buf_slice(&s->ctrl);
		size_t n = (size_t)(all.p[0] << 8 | all.p[1]);
		enum err e = c->cfg.link->send(c->cfg.net, s->link, KIND_CTRL, 0,
					       slice_of(all.p + 2, n));
		if (e != ERR_OK)
			return e;
		buf_drop(&s->ctrl, 2 + n);
	}
	buf_clear(&s->ctrl, 0);
	return ERR_OK;
}

void session_ping(struct session *s, const uint8_t token[static PROTO_PING_BYTES])
{
	/* the HELLO may still wait, and a PING before it breaks the protocol */
	if (flush_ctrl(s) != ERR_OK)
		return;
	/* FULL: so much is under way that silence cannot come from idleness */
	(void)s->core->cfg.link->send(s->core->cfg.net, s->link, KIND_PING, 0,
				      slice_of(token, PROTO_PING_BYTES));
}

enum err session_loose(struct session *s, const struct msg *m)
{
	const struct core *c = s->core;
	struct buf one;
	if (s->phase != SESSION_LIVE || s->is_full || flush_ctrl(s) != ERR_OK)
		return ERR_FULL;
	buf_init(&one, PROTO_PAYLOAD_MAX_BYTES);
	enum err e = msg_encode(m, &one);
	if (e == ERR_OK)
		e = c->cfg.link->send(c->cfg.net, s->link, KIND_MSG, 0, buf_slice(&one));
	buf_wipe(&one);
	return e;
}

static enum err flush_acks(struct session *s)
{
	const struct core *c = s->core;
	enum err e = ERR_OK;
	struct buf one;
	buf_init(&one, PROTO_PAYLOAD_MAX_BYTES);
	while (s->acks.len > 0 && e == ERR_OK) {
		size_t n = s->acks.len / MSG_IDS_STEP;
		n = n < PROTO_ACK_IDS ? n : PROTO_ACK_IDS;
		struct msg m = {.type = MSG_ACK};
		m.u.ack.ids = (struct msg_ids){buf_slice(&s->acks).p, (uint16_t)n};
		buf_clear(&one, SIZE_MAX);
		e = msg_encode(&m, &one);
		if (e == ERR_OK)
			e = c->cfg.link->send(c->cfg.net, s->link, KIND_CTRL, 0,
					      buf_slice(&one));
		if (e == ERR_OK)
			buf_drop(&s->acks, n * MSG_IDS_STEP);
	}
	buf_wipe(&one);
	if (s->acks.len == 0)
		buf_clear(&s->acks, 0);
	return e;
}

void session_flush(struct session *s)
{
	if (s->phase == SESSION_DEAD || s->phase == SESSION_WAITING || s->is_full)
		return;
	enum err e = flush_ctrl(s);
	if (e == ERR_OK)
		e = flush_acks(s);
	if (e == ERR_OK && peer_session(s->peer) == s)
		e = outbox_send(s);
	s->is_full = e == ERR_FULL;
}

void session_on_room(struct core *c, link_id id)
{
	struct session *s = map_get(c->sessions, &id);
	if (s == NULL)
		return;
	s->is_full = false;
	session_mark(s);
}
