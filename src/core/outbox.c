#include "core/outbox.h"

#include "base/mem.h"
#include "core/emit.h"
#include "core/waiter.h"

enum { STRANGE_ACKS_MAX = 4 * PROTO_WINDOW_OBJECTS, RETRY_DEFAULT_S = 5 };

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

/* ---- in ---- */

enum err outbox_add(struct peer *p, struct object *o)
{
	long max = options_int(p->core->cfg.options, OPT_queue_messages);
	if (!o->is_lan && p->n_queued >= (unsigned)max)
		return ERR_FULL;
	struct session *s = peer_session(p);
	struct item *it = item_new(o);
	it->is_told_sent = s != NULL || o->is_lan;
	list_add(&p->queue, &it->node);
	p->n_queued += !o->is_lan;
	if (s != NULL)
		session_mark(s);
	return ERR_OK;
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
	p->n_queued -= !it->obj->is_lan;
	if (!it->is_told_sent)
		outbox_tell(p, it->obj, "sent", NULL);
	it->is_told_sent = true;
}

/* True when it may not go now: drops it when it never may, or remembers in *hold
 * that later ones of #lan must not overtake it. */
static bool is_held(struct item *it, uint64_t now, bool *hold_lan, bool *hold_rest)
{
	if (it->until_us != 0 && now > it->until_us) {
		list_del(&it->node);
		item_free(it);
		return true;
	}
	bool *hold = it->obj->is_lan ? hold_lan : hold_rest;
	*hold = *hold || it->not_before_us > now;
	return *hold;
}

enum err outbox_send(struct session *s)
{
	bool hold_lan = false, hold_rest = false;
	uint64_t now = core_now_us(s->core);
	list_each_safe (node, &s->peer->queue) {
		struct item *it = list_entry(node, struct item, node);
		if (is_held(it, now, &hold_lan, &hold_rest))
			continue;
		if (!window_has_room(s, it->obj->len))
			break;
		struct slice bytes = slice_of(it->obj->bytes, it->obj->len);
		if (buf_add(&s->batch, bytes) != ERR_OK) {
			enum err e = send_batch(s);
			if (e != ERR_OK)
				return e;
			buf_add(&s->batch, bytes);
		}
		to_inflight(s, it);
	}
	enum err e = send_batch(s);
	if (e == ERR_OK)
		buf_clear(&s->batch, 0); /* an idle session keeps no memory for it */
	return e;
}

/* ---- outcomes ---- */

static void on_retry(void *ctx)
{
	struct peer *p = ctx;
	struct session *s = peer_session(p);
	if (s != NULL)
		session_mark(s);
}

void outbox_return(struct session *s)
{
	struct peer *p = s->peer;
	uint64_t lan_until = core_now_us(s->core) + PROTO_LAN_RESEND_S * 1000000ULL;
	while (!list_empty(&s->inflight)) {
		struct item *it = list_entry(s->inflight.prev, struct item, node);
		list_del(&it->node);
		list_add_first(&p->queue, &it->node);
		p->n_queued += !it->obj->is_lan;
		if (!it->obj->is_lan && it->is_told_sent)
			outbox_tell(p, it->obj, "queued", NULL);
		it->is_told_sent = it->obj->is_lan;
	}
	list_each (node, &p->queue) {
		struct item *it = list_entry(node, struct item, node);
		if (it->obj->is_lan && it->until_us == 0)
			it->until_us = lan_until;
	}
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
	list_add_first(&p->queue, &it->node);
	p->n_queued += !it->obj->is_lan;
	timer_set(s->core->cfg.timers, &p->retry_timer, retry_s * 1000 + 1, on_retry, p);
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
	}
	item_free(it);
	return true;
}

void outbox_clear(struct peer *p)
{
	list_each_safe (node, &p->queue) {
		struct item *it = list_entry(node, struct item, node);
		list_del(node);
		if (!it->obj->is_lan)
			outbox_tell(p, it->obj, "failed", "forgotten");
		item_free(it);
	}
	p->n_queued = 0;
}
