#include "core/outbox.h"

#include "base/mem.h"
#include "core/dialer.h"
#include "core/emit.h"
#include "core/waiter.h"
#include "core/waiting.h"

enum {
	LOADED_MAX = 16 * PROTO_WINDOW_OBJECTS, /* messages of one peer in memory */
	LOADED_LOW = PROTO_WINDOW_OBJECTS,
	LOAD_ROWS = 512,
	LOAD_BYTES = 1 << 20,
	STRANGE_ACKS_MAX = 4 * PROTO_WINDOW_OBJECTS,
	RETRY_DEFAULT_S = 5,
	LOAD_RETRY_S = 5,
	/* Two fewer than the other side takes: the way there bunches messages up. */
	LAN_BURST = PROTO_LAN_BURST - 2
};

struct object *object_new(const struct id16 *id, bool is_lan, struct slice bytes)
{
	struct object *o = mem_new(sizeof *o + bytes.n);
	o->refs = 1;
	o->id = *id;
	hex_encode(slice_of(id->b, sizeof id->b), o->id_text);
	o->is_lan = is_lan;
	o->len = (uint16_t)bytes.n;
	memcpy(o->bytes, bytes.p, bytes.n);
	return o;
}

void object_release(struct object *o)
{
	if (o != NULL && --o->refs == 0)
		mem_free(o);
}

static struct item *item_new(struct object *o)
{
	struct item *it = o->first.obj == NULL ? &o->first : mem_new(sizeof *it);
	it->obj = o;
	o->refs++;
	return it;
}

static void item_free(struct item *it)
{
	struct object *o = it->obj;
	if (it != &o->first)
		mem_free(it);
	object_release(o);
}

void outbox_tell(struct peer *p, const struct object *o, const char *state,
		 const char *why)
{
	struct event ev = {.type = EVENT_STATE};
	ev.u.state.id = o->id_text;
	ev.u.state.state = state;
	ev.u.state.why = why;
	if (!o->is_lan) {
		ev.u.state.peer = p->id_text;
		ev.u.state.name = p->name;
	}
	emit(p->core, &ev);
}

/* ---- the queue ---- */

static void drop_queued(struct peer *p, struct item *it)
{
	list_del(&it->node);
	if (it->obj->is_lan)
		p->n_queued_lan--;
	else
		p->n_loaded--;
	item_free(it);
}

/* Back to its place: what was refused or lost must not be overtaken for good. */
static void put_in_order(struct peer *p, struct item *it)
{
	struct list *at = p->queue.next;
	while (at != &p->queue && list_entry(at, struct item, node)->seq < it->seq)
		at = at->next;
	list_add(at, &it->node);
	p->n_queued_lan += it->obj->is_lan;
}

static bool is_expired(const struct item *it, uint64_t now)
{
	return it->until_us != 0 && now > it->until_us;
}

/* Drops what may not go any more; or has the session look at its queue again, or the
 * store, which was busy. */
static void on_wake(void *ctx)
{
	struct peer *p = ctx;
	struct session *s = peer_session(p);
	uint64_t now = core_now_us(p->core);
	list_each_safe (node, &p->queue) {
		struct item *it = list_entry(node, struct item, node);
		if (is_expired(it, now))
			drop_queued(p, it);
	}
	if (s != NULL)
		session_mark(s);
	outbox_load(p);
}

/* At the latest then; there may be an earlier reason. */
static void wake(struct peer *p, uint64_t at_us)
{
	uint64_t now = core_now_us(p->core);
	if (timer_is_set(&p->wake_timer) && p->wake_timer.due_us <= at_us)
		return;
	timer_set(p->core->cfg.timers, &p->wake_timer,
		  at_us > now ? (at_us - now) / 1000 + 1 : 1, on_wake, p);
}

/* ---- in ---- */

static void add(struct peer *p, struct object *o, bool is_told_sent)
{
	struct session *s = peer_session(p);
	struct item *it = item_new(o);
	it->is_told_sent = is_told_sent;
	it->seq = ++p->next_seq;
	list_add(&p->queue, &it->node);
	if (o->is_lan)
		p->n_queued_lan++;
	else
		p->n_loaded++;
	if (s != NULL)
		session_mark(s);
}

void outbox_kept(struct peer *p, struct object *o, uint64_t seq)
{
	if (seq <= p->load_after)
		return; /* a load that was answered before has brought it */
	bool is_next = peer_session(p) != NULL && p->n_stored == 0 && !p->is_loading &&
		       p->n_loaded < LOADED_MAX;
	if (!is_next) {
		p->n_stored++;
		p->is_kept_meanwhile = p->is_loading;
		return;
	}
	p->load_after = seq;
	add(p, o, true);
}

void outbox_unkept(struct peer *p, struct object *o)
{
	add(p, o, peer_session(p) != NULL);
}

/* Whoever does not read has a full queue of his own; it is nobody else's trouble. */
static bool has_room_for_lan(const struct peer *p)
{
	long max = options_int(p->core->cfg.options, OPT_queue_messages);
	return peer_session(p) != NULL && p->n_queued_lan < (unsigned)max;
}

void outbox_add_lan(struct core *c, struct object *o)
{
	size_t pos = 0;
	for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;)
		if (has_room_for_lan(p))
			add(p, o, true);
}

enum err outbox_may_add_lan(const struct core *c)
{
	enum err e = ERR_UNREACHABLE;
	size_t pos = 0;
	for (const struct peer *p; (p = map_next(c->peers, &pos)) != NULL;) {
		if (has_room_for_lan(p))
			return ERR_OK;
		if (peer_session(p) != NULL)
			e = ERR_FULL;
	}
	return e;
}

/* ---- from the store ---- */

/* Not written: it goes again after the next start, and the other side knows it. */
static void on_settled(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct peer *p = peer_find(ctx, &req->peer);
	(void)reply;
	if (p != NULL && p->n_settling > 0 && --p->n_settling == 0)
		outbox_load(p);
}

static void tell_store(struct peer *p, const struct id16 *id, enum store_state state)
{
	struct core *c = p->core;
	struct store_request req = {
		.verb = STORE_OUTCOME, .done = on_settled, .ctx = c, .state = state};
	req.peer = p->node_id;
	req.object_id = *id;
	req.msg.author = c->node_id;
	if (store_submit(c->cfg.store, &req) == ERR_OK)
		p->n_settling++;
}

static bool makes_sense(struct slice object)
{
	struct msg m;
	enum proto_code code;
	size_t used = 0;
	return msg_decode(KIND_MSG, object, &m, &used, &code) == ERR_OK &&
	       used == object.n;
}

/* Sent, it would end the session, now and each time after. */
static void drop_nonsense(struct peer *p, const struct id16 *id)
{
	if (p->n_queued > 0)
		p->n_queued--;
	tell_store(p, id, STORE_FAILED);
	peer_notice(p, "warning",
		    "something that waited for %s makes no sense: it was not sent, and "
		    "waits no more",
		    p->name);
}

static void take(struct peer *p, const struct store_item *i)
{
	p->load_after = i->seq;
	if (p->n_stored > 0)
		p->n_stored--;
	if (!makes_sense(i->object)) {
		drop_nonsense(p, &i->id);
		return;
	}
	struct object *o = object_new(&i->id, false, i->object);
	add(p, o, false);
	object_release(o);
}

static void on_loaded(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct peer *p = peer_find(ctx, &req->peer);
	if (p == NULL || req->tag != p->load_round)
		return;
	p->is_loading = false;
	if (reply->err != ERR_OK) {
		wake(p, core_now_us(p->core) + LOAD_RETRY_S * 1000000ULL);
		return;
	}
	for (size_t i = 0; i < reply->n_items; i++)
		take(p, &reply->items[i]);
	/* what was kept while the store looked may not be in it */
	if (reply->n_items == 0 && !p->is_kept_meanwhile)
		p->n_stored = 0;
	p->is_kept_meanwhile = false;
	outbox_load(p);
}

void outbox_load(struct peer *p)
{
	struct store_request req = {.verb = STORE_OUTBOX, .done = on_loaded};
	bool is_stale = p->load_after == 0 && p->n_settling > 0;
	if (p->n_stored == 0 || p->is_loading || p->n_dropping > 0 ||
	    p->n_loaded > LOADED_LOW || is_stale || peer_session(p) == NULL)
		return;
	req.ctx = p->core;
	req.tag = p->load_round;
	req.is_peer = true;
	req.peer = p->node_id;
	req.after = p->load_after;
	req.max = LOAD_ROWS;
	req.max_bytes = LOAD_BYTES;
	p->is_loading = store_submit(p->core->cfg.store, &req) == ERR_OK;
	if (!p->is_loading)
		wake(p, core_now_us(p->core) + LOAD_RETRY_S * 1000000ULL);
}

void outbox_counted(struct peer *p, uint64_t n)
{
	p->n_queued = p->n_stored = (unsigned)n;
}

void outbox_unload(struct peer *p)
{
	if (!p->core->is_kept)
		return;
	list_each_safe (node, &p->queue) {
		struct item *it = list_entry(node, struct item, node);
		if (it->obj->is_lan)
			continue;
		p->n_stored++;
		drop_queued(p, it);
	}
	p->is_loading = p->is_kept_meanwhile = false;
	p->load_round++; /* an answer that is under way is void */
	p->load_after = 0;
}

/* It waits no longer. */
static void settle(struct peer *p, const struct object *o, enum store_state state)
{
	p->n_loaded--;
	if (p->n_queued > 0)
		p->n_queued--;
	if (!p->core->is_kept)
		return;
	tell_store(p, &o->id, state);
	outbox_load(p);
}

/* ---- out ---- */

static enum err send_batch(struct session *s)
{
	if (s->batch.len == 0)
		return ERR_OK;
	enum err e = s->core->cfg.link->send(s->core->cfg.net, s->link, KIND_MSG, 0,
					     buf_slice(&s->batch));
	if (e == ERR_OK)
		buf_clear(&s->batch, SIZE_MAX);
	return e;
}

static bool window_has_room(const struct session *s, size_t n)
{
	return s->n_inflight < PROTO_WINDOW_OBJECTS &&
	       s->inflight_bytes + n <= PROTO_WINDOW_BYTES;
}

static void to_inflight(struct session *s, struct item *it)
{
	struct peer *p = s->peer;
	list_del(&it->node);
	list_add(&s->inflight, &it->node);
	s->n_inflight++;
	s->inflight_bytes += it->obj->len;
	p->n_queued_lan -= it->obj->is_lan;
	if (!it->is_told_sent)
		outbox_tell(p, it->obj, "sent", NULL);
	it->is_told_sent = true;
}

/* What of one walk through the queue must wait, so that later ones do too. */
struct held {
	uint64_t now;
	bool lan, rest;
};

static bool is_held(struct peer *p, const struct item *it, struct held *h)
{
	bool *held = it->obj->is_lan ? &h->lan : &h->rest;
	if (*held)
		return true;
	if (it->not_before_us > h->now) {
		wake(p, it->not_before_us);
		*held = true;
	} else if (it->obj->is_lan &&
		   !bucket_take(&p->lan_out, h->now, PROTO_LAN_PER_S, LAN_BURST)) {
		wake(p, h->now + 1000000 / PROTO_LAN_PER_S);
		*held = true;
	}
	return *held;
}

static enum err add_to_batch(struct session *s, const struct item *it)
{
	struct slice bytes = slice_of(it->obj->bytes, it->obj->len);
	if (buf_add(&s->batch, bytes) == ERR_OK)
		return ERR_OK;
	enum err e = send_batch(s);
	return e == ERR_OK ? buf_add(&s->batch, bytes) : e;
}

enum err outbox_send(struct session *s)
{
	struct peer *p = s->peer;
	struct held held = {.now = core_now_us(s->core)};
	list_each_safe (node, &p->queue) {
		struct item *it = list_entry(node, struct item, node);
		if (is_expired(it, held.now)) {
			drop_queued(p, it);
			continue;
		}
		it->until_us = 0; /* the session was replaced in time */
		if (!window_has_room(s, it->obj->len) || (held.lan && held.rest))
			break;
		if (is_held(p, it, &held))
			continue;
		enum err e = add_to_batch(s, it);
		if (e != ERR_OK)
			return e;
		to_inflight(s, it);
	}
	enum err e = send_batch(s);
	if (e == ERR_OK)
		buf_clear(&s->batch, 0); /* an idle session keeps no memory for it */
	return e;
}

/* ---- outcomes ---- */

static void back_to_queue(struct session *s, struct item *it)
{
	struct peer *p = s->peer;
	list_del(&it->node);
	put_in_order(p, it);
	if (!it->obj->is_lan && it->is_told_sent)
		outbox_tell(p, it->obj, "queued", NULL);
	it->is_told_sent = it->obj->is_lan;
}

void outbox_return(struct session *s)
{
	struct peer *p = s->peer;
	uint64_t lan_until = core_now_us(s->core) + PROTO_LAN_RESEND_S * 1000000ULL;
	while (!list_empty(&s->inflight))
		back_to_queue(s, list_entry(s->inflight.prev, struct item, node));
	list_each (node, &p->queue) {
		struct item *it = list_entry(node, struct item, node);
		if (it->obj->is_lan && it->until_us == 0)
			it->until_us = lan_until;
	}
	if (p->n_queued_lan > 0)
		wake(p, lan_until + 1);
	s->n_inflight = 0;
	s->inflight_bytes = 0;
}

/* Acknowledgements come in the order of sending: the first is nearly always it. */
static struct item *take_inflight(struct session *s, const uint8_t id[static 16])
{
	list_each (node, &s->inflight) {
		struct item *it = list_entry(node, struct item, node);
		if (memcmp(it->obj->id.b, id, 16) != 0)
			continue;
		list_del(&it->node);
		s->n_inflight--;
		s->inflight_bytes -= it->obj->len;
		return it;
	}
	return NULL;
}

bool outbox_acked(struct session *s, const uint8_t id[static 16])
{
	struct item *it = take_inflight(s, id);
	if (it == NULL)
		return ++s->strange_acks <= STRANGE_ACKS_MAX;
	if (!it->obj->is_delivered) {
		it->obj->is_delivered = true;
		outbox_tell(s->peer, it->obj, "delivered", NULL);
		waiter_on_outcome(s->core, &it->obj->id, ERR_OK, 0);
	}
	if (!it->obj->is_lan)
		settle(s->peer, it->obj, STORE_DELIVERED);
	item_free(it);
	session_mark(s);
	return true;
}

static void put_back(struct session *s, struct item *it, uint64_t retry_s)
{
	struct peer *p = s->peer;
	if (retry_s == 0 || retry_s > 3600)
		retry_s = RETRY_DEFAULT_S;
	it->not_before_us = core_now_us(s->core) + retry_s * 1000000;
	put_in_order(p, it);
}

bool outbox_nacked(struct session *s, const uint8_t id[static 16], unsigned code,
		   uint64_t retry_s)
{
	struct item *it = take_inflight(s, id);
	if (it == NULL)
		return ++s->strange_acks <= STRANGE_ACKS_MAX;
	session_mark(s);
	if (proto_code_is_retried(code)) {
		put_back(s, it, retry_s);
		return true;
	}
	if (!it->obj->is_lan) {
		outbox_tell(s->peer, it->obj, "failed", proto_code_str(code));
		waiter_on_outcome(s->core, &it->obj->id, ERR_REFUSED, code);
		settle(s->peer, it->obj, STORE_FAILED);
	}
	item_free(it);
	return true;
}

void outbox_clear(struct peer *p)
{
	list_each_safe (node, &p->queue)
		drop_queued(p, list_entry(node, struct item, node));
	p->n_stored = p->n_queued = 0;
}

/* ---- what the user does about it ---- */

bool outbox_is_sent(const struct peer *p, const struct id16 *id)
{
	list_each (of_peer, &p->sessions) {
		const struct session *s = list_entry(of_peer, struct session, of_peer);
		list_each (node, &s->inflight)
			if (id16_eq(&list_entry(node, struct item, node)->obj->id, id))
				return true;
	}
	return false;
}

bool outbox_drop(struct peer *p, const struct id16 *id)
{
	if (outbox_is_sent(p, id))
		return false;
	list_each_safe (node, &p->queue) {
		struct item *it = list_entry(node, struct item, node);
		if (it->obj->is_lan || !id16_eq(&it->obj->id, id))
			continue;
		drop_queued(p, it);
	}
	if (p->n_queued > 0)
		p->n_queued--;
	return true;
}

static void tell_cancelled(struct peer *p, const struct id16 *id)
{
	waiting_tell(p, id, "failed", "cancelled");
	waiter_on_outcome(p->core, id, ERR_REFUSED, 0);
}

/* What did not wait, as two have cancelled it or it has just arrived, is none less; and
 * what could not be taken out waits still. */
static void on_dropped(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct peer *p = peer_find(ctx, &req->peer);
	if (p == NULL)
		return;
	if (reply->err == ERR_OK) {
		tell_cancelled(p, &req->object_id);
	} else {
		p->n_queued += (unsigned)req->tag;
		p->n_stored += (unsigned)req->tag;
	}
	if (p->n_dropping > 0 && --p->n_dropping == 0)
		outbox_load(p);
}

bool outbox_cancel(struct peer *p, const struct id16 *id)
{
	struct core *c = p->core;
	struct store_request req = {.verb = STORE_OUTCOME,
				    .done = on_dropped,
				    .ctx = c,
				    .state = STORE_FAILED};
	if (!c->is_kept) {
		if (!outbox_drop(p, id))
			return false;
		tell_cancelled(p, id);
		return true;
	}
	req.peer = p->node_id;
	req.object_id = *id;
	req.msg.author = c->node_id;
	req.tag = p->n_queued > 0;
	if (outbox_is_sent(p, id) || store_submit(c->cfg.store, &req) != ERR_OK)
		return false;
	(void)outbox_drop(p, id);
	p->n_dropping++;
	if (p->is_loading) { /* the answer that is under way may have it */
		p->is_loading = false;
		p->load_round++;
	}
	return true;
}

void outbox_hurry(struct peer *p)
{
	struct session *s = peer_session(p);
	list_each (node, &p->queue)
		list_entry(node, struct item, node)->not_before_us = 0;
	if (s != NULL)
		session_mark(s);
	else
		dialer_want(p);
}
