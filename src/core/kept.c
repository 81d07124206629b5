#include "core/kept.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/chat.h"

enum { KEY_OBJECT, KEY_PEER, KEY_NICK, KEY_NOTE = 8 };

static const struct msg_field rows[] = {
	{KEY_OBJECT, MSG_BIN, MSG_REQ, 1, PROTO_PAYLOAD_MAX_BYTES, "object",
	 offsetof(struct kept_body, object)},
	{KEY_PEER, MSG_BIN, MSG_OPT, 32, 32, "peer", offsetof(struct kept_body, peer)},
	{KEY_NICK, MSG_STR, MSG_OPT, 0, PROTO_NICK_BYTES, "nick",
	 offsetof(struct kept_body, nick)},
	{KEY_NOTE, MSG_BOOL, MSG_OPT, 0, 1, "note", offsetof(struct kept_body, note)},
};
static const struct fields table = {rows, sizeof rows / sizeof *rows};

enum err kept_encode(struct buf *b, const struct kept_body *body)
{
	struct kept_body copy = *body;
	copy.has = (body->peer.n > 0 ? MSG_HAS(KEY_PEER) : 0) |
		   (body->nick.n > 0 ? MSG_HAS(KEY_NICK) : 0) |
		   (body->note ? MSG_HAS(KEY_NOTE) : 0);
	return fields_put(b, &table, &copy);
}

static enum err decode(struct slice bytes, struct kept_body *body, struct msg *m)
{
	struct cur c;
	enum proto_code code;
	size_t used;
	*body = (struct kept_body){0};
	c = cur_of(bytes);
	if (fields_get(&c, &table, body, &code) != ERR_OK ||
	    msg_decode(KIND_MSG, body->object, m, &used, &code) != ERR_OK ||
	    m->type != MSG_TEXT)
		return ERR_CORRUPT;
	return ERR_OK;
}

enum err kept_read(const struct store_message *kept, struct kept_body *out)
{
	struct msg m;
	return decode(kept->body, out, &m);
}

static bool is_conv(const struct store_message *kept, const struct kept_body *body)
{
	struct id16 conv;
	struct id32 peer;
	if (body->peer.n != sizeof peer.b) {
		conv_lan(&conv);
		return id16_eq(&conv, &kept->conv);
	}
	memcpy(peer.b, body->peer.p, sizeof peer.b);
	if (id32_eq(&peer, &kept->author))
		return true; /* with whom its owner knows */
	conv_of(&kept->author, &peer, &conv);
	return id16_eq(&conv, &kept->conv);
}

enum err kept_check(const struct store_message *kept, const char **why)
{
	struct kept_body body;
	struct msg m;
	*why = "\"body\" is no message";
	if (decode(kept->body, &body, &m) != ERR_OK)
		return ERR_CORRUPT;
	*why = "\"body\" has another \"id\"";
	if (!id16_eq(&m.id, &kept->id))
		return ERR_CORRUPT;
	*why = "\"body\" is of another \"conv\"";
	if (!slice_eq(m.u.text.conv, slice_of(kept->conv.b, sizeof kept->conv.b)))
		return ERR_CORRUPT;
	*why = "\"conv\" is not that of this \"author\"";
	return is_conv(kept, &body) ? ERR_OK : ERR_CORRUPT;
}

enum err kept_text(const struct store_message *kept, struct slice *out)
{
	struct kept_body body;
	struct msg m;
	enum err e = decode(kept->body, &body, &m);
	if (e == ERR_OK)
		*out = m.u.text.text;
	return e;
}

/* ---- shown again ---- */

static const char *const states[] = {
	[STORE_QUEUED] = "queued",	 [STORE_STORED] = "stored",
	[STORE_DELIVERED] = "delivered", [STORE_READ] = "read",
	[STORE_FAILED] = "failed",
};

static const char *state_of(const struct store_message *kept, const struct peer *p)
{
	if (kept->state == STORE_QUEUED && p != NULL && peer_session(p) != NULL)
		return "sent";
	return kept->state < sizeof states / sizeof *states ? states[kept->state] : NULL;
}

static void copy_text(struct shown *s, struct slice text)
{
	s->text = text.n < sizeof s->small ? s->small : mem_new(text.n + 1);
	memcpy(s->text, text.p, text.n);
	s->text[text.n] = '\0';
}

/* By what is known of it; else as it was called then. */
static void set_peer(struct shown *s, const struct peer *p, const struct id32 *id,
		     struct slice nick)
{
	struct event_message *m = &s->ev.u.message;
	if (p != NULL) {
		m->peer = p->id_text;
		m->name = p->name;
		m->trust = peer_trust_str(p);
		return;
	}
	node_id_compact(id, s->peer);
	snprintf(s->nick, sizeof s->nick, "%.*s", (int)nick.n, (const char *)nick.p);
	peer_make_name(s->nick, s->peer, s->name);
	m->peer = s->peer;
	m->name = s->name;
}

/* What a TEXT itself says. */
static void fill_text(struct shown *s, const struct msg *m)
{
	struct event_message *e = &s->ev.u.message;
	s->msg = *m;
	s->text = s->small;
	s->nick[0] = '\0';
	s->ev.type = EVENT_MESSAGE;
	s->ev.time_ms = 0;
	*e = (struct event_message){
		.id = s->id,
		.style = m->u.text.style == 1 ? "action" : "plain",
		.sent = m->u.text.time,
	};
	hex_encode(slice_of(m->id.b, sizeof m->id.b), s->id);
	copy_text(s, m->u.text.text);
	e->text = s->text;
}

void shown_heard(struct shown *s, const struct msg *m, const struct peer *p, bool is_lan)
{
	struct event_message *e = &s->ev.u.message;
	fill_text(s, m);
	e->peer = p->id_text;
	e->name = p->name;
	e->trust = peer_trust_str(p);
	e->direction = "in";
	e->conv = is_lan ? "#lan" : p->id_text;
	e->nick = p->nick[0] != '\0' ? p->nick : NULL;
}

void shown_said(struct shown *s, const struct core *c, const struct msg *m,
		const struct peer *p)
{
	struct event_message *e = &s->ev.u.message;
	fill_text(s, m);
	e->direction = "out";
	e->nick = c->nick;
	e->conv = p != NULL ? p->id_text : "#lan";
	e->peer = p != NULL ? p->id_text : NULL;
	e->name = p != NULL ? p->name : NULL;
	e->trust = p != NULL ? peer_trust_str(p) : NULL;
	e->state = p == NULL || peer_session(p) != NULL ? "sent" : "queued";
}

/* Whose conversation it is in, if somebody's: not always the other one of the message,
 * as it moves with the name. */
static const char *conv_of_kept(const struct shown *s, const struct core *c,
				const struct store_message *kept)
{
	const struct peer *p = map_get(c->by_conv, &kept->conv);
	return p != NULL ? p->id_text : s->ev.u.message.peer;
}

static void fill_in(struct shown *s, const struct core *c,
		    const struct store_message *kept, const struct kept_body *body)
{
	struct event_message *m = &s->ev.u.message;
	const struct peer *p = peer_find(c, &kept->author);
	set_peer(s, p, &kept->author, body->nick);
	m->direction = "in";
	m->conv = body->peer.n > 0 ? conv_of_kept(s, c, kept) : "#lan";
	m->nick = p != NULL ? p->nick : s->nick;
	if (m->nick[0] == '\0')
		m->nick = NULL;
}

static void fill_out(struct shown *s, const struct core *c,
		     const struct store_message *kept, const struct kept_body *body)
{
	struct event_message *m = &s->ev.u.message;
	struct id32 id;
	m->direction = "out";
	m->nick = c->nick;
	m->conv = "#lan";
	m->state = "sent";
	if (body->peer.n == 0)
		return;
	memcpy(id.b, body->peer.p, sizeof id.b);
	const struct peer *p = peer_find(c, &id);
	set_peer(s, p, &id, slice_of(NULL, 0));
	m->conv = conv_of_kept(s, c, kept);
	m->state = state_of(kept, p);
	if (!body->note)
		return;
	m->direction = "note";
	m->nick = m->state = NULL;
}

enum err shown_init(struct shown *s, const struct core *c,
		    const struct store_message *kept)
{
	struct kept_body body;
	struct msg m;
	s->text = s->small;
	enum err e = decode(kept->body, &body, &m);
	if (e != ERR_OK)
		return e;
	fill_text(s, &m);
	if (id32_eq(&kept->author, &c->node_id))
		fill_out(s, c, kept, &body);
	else
		fill_in(s, c, kept, &body);
	return ERR_OK;
}

void shown_wipe(struct shown *s)
{
	if (s->text != s->small)
		mem_free(s->text);
	s->text = s->small;
}
