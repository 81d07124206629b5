#include "core/knock.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/chat.h"
#include "core/contact.h"
#include "core/expire.h"
#include "core/kept.h"
#include "wire/fields.h"

enum { FULL_RETRY_S = 3600, NOT_KEPT_RETRY_S = 10, VALUE_BYTES = 4096 };

/* The value of a record. */
struct held {
	uint64_t has;
	struct slice object, nick;
	uint64_t at_ms;
};

enum { KEY_OBJECT, KEY_NICK, KEY_AT };

static const struct msg_field rows[] = {
	{KEY_OBJECT, MSG_BIN, MSG_REQ, 1, VALUE_BYTES / 2, "object",
	 offsetof(struct held, object)},
	{KEY_NICK, MSG_STR, MSG_REQ, 0, PROTO_NICK_BYTES, "nick",
	 offsetof(struct held, nick)},
	{KEY_AT, MSG_UINT, MSG_REQ, 0, PROTO_NUMBER_MAX, "at",
	 offsetof(struct held, at_ms)},
};
static const struct fields table = {rows, sizeof rows / sizeof *rows};

void knock_wipe(struct peer *p)
{
	p->core->n_knocks -= p->knock != NULL;
	mem_free(p->knock);
	p->knock = NULL;
}

static struct store_request record_of(const struct peer *p)
{
	struct store_request req = {.verb = STORE_RECORD};
	req.record.kind = RECORD_KNOCK;
	req.record.key = slice_of(p->node_id.b, sizeof p->node_id.b);
	return req;
}

static void remove_record(const struct peer *p)
{
	struct store_request req = record_of(p);
	(void)store_submit(p->core->cfg.store, &req);
}

static void tell(struct peer *p)
{
	char id[33];
	struct event ev = {.type = EVENT_KNOCK};
	hex_encode(slice_of(p->knock->id.b, sizeof p->knock->id.b), id);
	ev.u.knock = (struct event_knock){
		.peer = p->id_text,
		.name = p->name,
		.nick = p->nick[0] != '\0' ? p->nick : NULL,
		.id = id,
		.text = p->knock->text,
		.sent = p->knock->at_ms,
	};
	emit(p->core, &ev);
}

/* ---- one comes in ---- */

enum proto_code knock_check(const struct peer *p, const struct msg *m, uint64_t *retry_s)
{
	bool is_first = p->knock == NULL || id16_eq(&p->knock->id, &m->id);
	if (!is_first || m->u.text.text.n > KNOCK_TEXT_BYTES)
		return CODE_UNAUTHORISED;
	if (p->knock != NULL || p->core->n_knocks < KNOCKS_MAX)
		return CODE_OK;
	*retry_s = FULL_RETRY_S;
	return CODE_QUOTA;
}

static struct knock *knock_new(const struct msg *m, struct slice object, uint64_t at_ms)
{
	struct knock *k = mem_new(sizeof *k + object.n);
	k->id = m->id;
	k->at_ms = at_ms;
	snprintf(k->text, sizeof k->text, "%.*s", (int)m->u.text.text.n,
		 (const char *)m->u.text.text.p);
	k->len = (uint16_t)object.n;
	memcpy(k->object, object.p, object.n);
	return k;
}

/* Accepted or dropped meanwhile: then the other request came after this one. */
static void on_held(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct core *c = ctx;
	struct id32 id;
	link_id link = req->tag;
	memcpy(id.b, req->record.key.p, sizeof id.b);
	struct peer *p = peer_find(c, &id);
	struct session *s = map_get(c->sessions, &link);
	bool is_held = p != NULL && p->knock != NULL;
	if (s != NULL && reply->err == ERR_OK)
		session_ack(s, &req->msg.id);
	else if (s != NULL)
		session_nack(s, &req->msg.id, CODE_DISK_FULL, NOT_KEPT_RETRY_S);
	if (is_held && reply->err != ERR_OK) { /* it comes again */
		knock_wipe(p);
	} else if (is_held) {
		p->knock->is_kept = true;
		tell(p);
	}
}

static enum err hold(struct session *s, struct slice object)
{
	struct core *c = s->core;
	struct peer *p = s->peer;
	struct store_request req = record_of(p);
	const struct held held = {
		.object = object,
		.nick = slice_str(p->nick),
		.at_ms = p->knock->at_ms & PROTO_NUMBER_MAX,
	};
	buf_clear(&c->scratch, SIZE_MAX);
	enum err e = fields_put(&c->scratch, &table, &held);
	if (e != ERR_OK)
		return e;
	req.record.value = buf_slice(&c->scratch);
	req.done = on_held;
	req.ctx = c;
	req.tag = s->link;
	req.msg.id = p->knock->id;
	return store_submit(c->cfg.store, &req);
}

enum err knock_take(struct session *s, const struct msg *m)
{
	struct peer *p = s->peer;
	struct buf object;
	if (p->knock != NULL) {
		if (p->knock->is_kept) /* a repeat */
			session_ack(s, &m->id);
		return ERR_OK;
	}
	buf_init(&object, PROTO_PAYLOAD_MAX_BYTES);
	enum err e = msg_encode(m, &object);
	if (e == ERR_OK) {
		p->knock = knock_new(m, buf_slice(&object), core_wall_ms(s->core));
		s->core->n_knocks++;
		e = hold(s, buf_slice(&object));
		if (e != ERR_OK)
			knock_wipe(p);
	}
	buf_wipe(&object);
	return e;
}

/* ---- let in, or not ---- */

static void on_said(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct core *c = ctx;
	struct shown shown;
	const struct peer *p = peer_find(c, &req->msg.author);
	if (reply->err != ERR_OK && reply->err != ERR_EXISTS) {
		core_notice(c, "alarm",
			    "a knock cannot be kept; it is tried again at the "
			    "next start");
		return;
	}
	if (reply->err == ERR_OK && shown_init(&shown, c, &req->msg) == ERR_OK) {
		expire_on_shown(c, &shown, &req->msg);
		emit(c, &shown.ev);
		shown_wipe(&shown);
	}
	if (p != NULL)
		remove_record(p);
}

static enum err say(struct peer *p, const struct knock *k)
{
	struct core *c = p->core;
	struct store_request req = {.verb = STORE_KEEP, .done = on_said, .ctx = c};
	struct kept_body body = {
		.object = slice_of(k->object, k->len),
		.peer = slice_of(p->node_id.b, sizeof p->node_id.b),
		.nick = slice_str(p->nick),
	};
	struct msg m;
	size_t used;
	enum proto_code code;
	enum err e = msg_decode(KIND_MSG, body.object, &m, &used, &code);
	buf_clear(&c->scratch, SIZE_MAX);
	if (e == ERR_OK)
		e = kept_encode(&c->scratch, &body);
	if (e != ERR_OK)
		return e;
	req.is_new = true;
	req.msg = (struct store_message){
		.author = p->node_id,
		.id = k->id,
		.conv = p->conv,
		.lamport = chat_lamport(&p->lamport, m.u.text.lamport),
		.sent_ms = m.u.text.time,
		.kept_ms = k->at_ms,
		.expires_ms = expire_from_now(c, &m),
		.body = buf_slice(&c->scratch),
	};
	return store_submit(c->cfg.store, &req);
}

static void show_unkept(struct peer *p, const struct knock *k)
{
	struct shown shown;
	struct msg m;
	size_t used;
	enum proto_code code;
	if (msg_decode(KIND_MSG, slice_of(k->object, k->len), &m, &used, &code) ==
	    ERR_OK) {
		shown_heard(&shown, &m, p, false);
		expire_unkept(p->core, &shown);
		emit(p->core, &shown.ev);
		shown_wipe(&shown);
	}
	remove_record(p);
}

void knock_accept(struct peer *p)
{
	struct knock *k = p->knock;
	if (k == NULL)
		return;
	if (!p->core->is_kept)
		show_unkept(p, k);
	else if (say(p, k) != ERR_OK)
		log_warn("knock", "%.8s: cannot be kept now; the next start tries again",
			 p->id_text);
	knock_wipe(p);
}

void knock_drop(struct peer *p)
{
	if (p->knock == NULL)
		return;
	remove_record(p);
	knock_wipe(p);
}

/* ---- at the start ---- */

static void take(struct core *c, const struct store_record *r)
{
	struct held held = {0};
	struct cur cur = cur_of(r->value);
	struct msg m;
	struct id32 id;
	size_t used;
	enum proto_code code;
	if (r->key.n != sizeof id.b || fields_get(&cur, &table, &held, &code) != ERR_OK ||
	    msg_decode(KIND_MSG, held.object, &m, &used, &code) != ERR_OK ||
	    m.type != MSG_TEXT) {
		log_warn("knock", "a knock in the store makes no sense; left alone");
		return;
	}
	memcpy(id.b, r->key.p, sizeof id.b);
	struct peer *p = peer_get(c, &id);
	if (p == NULL || p->knock != NULL)
		return;
	p->knock = knock_new(&m, held.object, held.at_ms);
	p->knock->is_kept = true;
	c->n_knocks++;
	if (p->is_contact) { /* the end of the last run came in between */
		knock_accept(p);
		return;
	}
	p->presence = PRESENCE_OFFLINE;
	p->seen_ms = held.at_ms;
	peer_profile(p, held.nick, slice_of(NULL, 0), false);
	tell(p);
}

static void on_records(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct core *c = ctx;
	(void)req;
	c->n_loading--;
	for (size_t i = 0; i < reply->n_records; i++)
		take(c, &reply->records[i]);
}

void knock_load(struct core *c)
{
	struct store_request req = {.verb = STORE_RECORDS, .done = on_records, .ctx = c};
	req.record.kind = RECORD_KNOCK;
	if (store_submit(c->cfg.store, &req) == ERR_OK)
		c->n_loading++;
}
