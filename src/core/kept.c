#include "core/kept.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/chat.h"

#define TIME_MAX_MS UINT64_C(253402300799999) /* the last of year 9999 */

/* The numbers are on disk. */
enum {
	KEY_OBJECT,
	KEY_PEER,
	KEY_NICK,
	KEY_TEXT,
	KEY_EDITED,
	KEY_EDIT_LAMPORT,
	KEY_DELETED,
	KEY_REPLY,
	KEY_NOTE,
	KEY_REACTIONS,
	KEY_LATE
};

#define ROW(key, type, min, max, name) \
	{ \
		key, type, MSG_OPT, min, max, #name, offsetof(struct kept_body, name) \
	}
static const struct msg_field rows[] = {
	ROW(KEY_OBJECT, MSG_BIN, 1, PROTO_PAYLOAD_MAX_BYTES, object),
	ROW(KEY_PEER, MSG_BIN, 32, 32, peer),
	ROW(KEY_NICK, MSG_STR, 0, PROTO_NICK_BYTES, nick),
	ROW(KEY_TEXT, MSG_STR, 1, PROTO_TEXT_BYTES, text),
	ROW(KEY_EDITED, MSG_UINT, 0, PROTO_NUMBER_MAX, edited_ms),
	ROW(KEY_EDIT_LAMPORT, MSG_UINT, 0, KEPT_LAMPORT_MAX, edit_lamport),
	ROW(KEY_DELETED, MSG_BOOL, 0, 1, is_deleted),
	ROW(KEY_REPLY, MSG_BOOL, 0, 1, is_reply),
	ROW(KEY_NOTE, MSG_BOOL, 0, 1, note),
	ROW(KEY_REACTIONS, MSG_BIN, 0, KEPT_REACTIONS_MAX *KEPT_REACTION_BYTES,
	    reactions),
	ROW(KEY_LATE, MSG_UINT, 0, PROTO_NUMBER_MAX, late_s),
};
#undef ROW
static const struct fields table = {rows, sizeof rows / sizeof *rows};
static const uint64_t edit_keys =
	MSG_HAS(KEY_TEXT) | MSG_HAS(KEY_EDITED) | MSG_HAS(KEY_EDIT_LAMPORT);

static uint64_t bit(bool is_there, unsigned key)
{
	return is_there ? MSG_HAS(key) : 0;
}

enum err kept_encode(struct buf *b, const struct kept_body *body)
{
	struct kept_body copy = *body;
	bool is_edited = (body->has & KEPT_EDITED) != 0;
	copy.has = (is_edited ? edit_keys : 0) | bit(body->object.n > 0, KEY_OBJECT) |
		   bit(body->peer.n > 0, KEY_PEER) | bit(body->nick.n > 0, KEY_NICK) |
		   bit(body->is_deleted, KEY_DELETED) | bit(body->is_reply, KEY_REPLY) |
		   bit(body->note, KEY_NOTE) | bit(body->reactions.n > 0, KEY_REACTIONS) |
		   bit(body->late_s > 0, KEY_LATE);
	return fields_put(b, &table, &copy);
}

static bool has_good_edit(const struct kept_body *body)
{
	return (body->has & edit_keys) == 0 || (body->has & edit_keys) == edit_keys;
}

enum err kept_decode(struct slice bytes, struct kept_body *body, struct msg *m)
{
	struct cur c = cur_of(bytes);
	enum proto_code code;
	size_t used;
	*body = (struct kept_body){0};
	*m = (struct msg){0};
	if (fields_get(&c, &table, body, &code) != ERR_OK || !has_good_edit(body))
		return ERR_CORRUPT;
	if (body->is_deleted)
		return ERR_OK;
	if (body->object.n == 0 ||
	    msg_decode(KIND_MSG, body->object, m, &used, &code) != ERR_OK ||
	    m->type != MSG_TEXT)
		return ERR_CORRUPT;
	return ERR_OK;
}

enum err kept_read(const struct store_message *kept, struct kept_body *out)
{
	struct msg m;
	return kept_decode(kept->body, out, &m);
}

static struct slice text_of(const struct kept_body *body, const struct msg *m)
{
	if (body->is_deleted)
		return slice_of(NULL, 0);
	return body->has & KEPT_EDITED ? body->text : m->u.text.text;
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

enum err kept_check(const struct store_message *kept, bool may_have_moved,
		    const char **why)
{
	struct kept_body body;
	struct msg m;
	*why = "\"body\" is no message";
	if (kept_decode(kept->body, &body, &m) != ERR_OK)
		return ERR_CORRUPT;
	*why = "\"body\" has another \"id\"";
	if (!body.is_deleted && !id16_eq(&m.id, &kept->id))
		return ERR_CORRUPT;
	if (may_have_moved && body.peer.n == sizeof(struct id32))
		return ERR_OK;
	*why = "\"body\" is of another \"conv\"";
	if (!body.is_deleted &&
	    !slice_eq(m.u.text.conv, slice_of(kept->conv.b, sizeof kept->conv.b)))
		return ERR_CORRUPT;
	*why = "\"conv\" is not that of this \"author\"";
	return is_conv(kept, &body) ? ERR_OK : ERR_CORRUPT;
}

enum err kept_text(const struct store_message *kept, struct slice *out)
{
	struct kept_body body;
	struct msg m;
	enum err e = kept_decode(kept->body, &body, &m);
	if (e == ERR_OK)
		*out = text_of(&body, &m);
	return e == ERR_OK && body.is_deleted ? ERR_MISSING : e;
}

void kept_excerpt(struct slice text, char out[static KEPT_EXCERPT_BYTES + 8])
{
	size_t n = text.n < KEPT_EXCERPT_BYTES ? text.n : KEPT_EXCERPT_BYTES;
	while (n < text.n && n > 0 && (text.p[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, text.p, n);
	memcpy(out + n, n < text.n ? "..." : "", n < text.n ? 4 : 1);
	for (char *at = out; *at != '\0'; at++)
		if (*at == '\n' || *at == '\t')
			*at = ' ';
}

bool kept_reaction_get(struct cur *c, struct kept_reaction *out)
{
	if (c->left == 0 || c->failed)
		return false;
	cur_copy(c, out->author.b, sizeof out->author.b);
	out->lamport = cur_u64(c);
	out->text = cur_take(c, cur_u8(c));
	if (out->lamport > KEPT_LAMPORT_MAX || out->text.n > PROTO_REACTION_BYTES ||
	    !text_is_utf8(out->text))
		cur_fail(c);
	return !c->failed;
}

enum err kept_reaction_put(struct buf *b, const struct kept_reaction *r)
{
	enum err e = buf_add(b, slice_of(r->author.b, sizeof r->author.b));
	if (e == ERR_OK)
		e = buf_u64(b, r->lamport);
	if (e == ERR_OK)
		e = buf_u8(b, (uint8_t)r->text.n);
	return e == ERR_OK ? buf_add(b, r->text) : e;
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
	if (text.n > 0)
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
	s->reactions = NULL;
	s->nick[0] = '\0';
	s->ev.type = EVENT_MESSAGE;
	s->ev.time_ms = 0;
	*e = (struct event_message){
		.id = s->id,
		.style = m->u.text.style == 1 ? "action" : "plain",
		.sent = m->u.text.time < TIME_MAX_MS ? m->u.text.time : TIME_MAX_MS,
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

/* ---- reactions: "\U0001f44d ada~c4wx, bob~k2ie; \"ok\" you" ---- */

enum { REACTIONS_SHOWN_BYTES = 4096, NAMED_MAX = 8 };

/* Words stand between quotes, so that none looks like a name of those who react. */
static void put_reaction(struct buf *b, struct slice text)
{
	bool is_word = false;
	for (size_t i = 0; i < text.n; i++)
		is_word |= text.p[i] < 0x80;
	if (is_word)
		(void)buf_u8(b, '"');
	for (size_t i = 0; i < text.n; i++)
		(void)buf_u8(b, text.p[i] == '"' ? '\'' : text.p[i]);
	if (is_word)
		(void)buf_u8(b, '"');
}

static void put_author(struct buf *b, const struct core *c, const struct id32 *id)
{
	const struct peer *p = peer_find(c, id);
	char compact[NODE_ID_COMPACT_BYTES], name[PROTO_NICK_BYTES + 16];
	if (id32_eq(id, &c->node_id)) {
		(void)buf_add(b, slice_str("you"));
		return;
	}
	if (p == NULL) {
		node_id_compact(id, compact);
		peer_make_name("", compact, name);
	}
	(void)buf_add(b, slice_str(p != NULL ? p->name : name));
}

/* All who say the same, unless an earlier one of them has named them already. */
static void put_alike(struct buf *b, const struct core *c, struct slice all,
		      const struct kept_reaction *first)
{
	struct cur at = cur_of(all);
	struct kept_reaction r;
	unsigned n = 0;
	(void)buf_add(b, slice_str(b->len > 0 ? "; " : ""));
	put_reaction(b, first->text);
	while (kept_reaction_get(&at, &r)) {
		if (!slice_eq(r.text, first->text) || n++ >= NAMED_MAX)
			continue;
		(void)buf_add(b, slice_str(n > 1 ? ", " : " "));
		put_author(b, c, &r.author);
	}
	if (n > NAMED_MAX)
		(void)buf_add(b, slice_str(", ..."));
}

static bool is_first(struct slice all, const struct kept_reaction *r)
{
	struct cur at = cur_of(all);
	struct kept_reaction other;
	while (kept_reaction_get(&at, &other))
		if (slice_eq(other.text, r->text))
			return id32_eq(&other.author, &r->author);
	return false;
}

static char *reactions_str(const struct core *c, struct slice all)
{
	struct cur at = cur_of(all);
	struct kept_reaction r;
	struct buf b;
	buf_init(&b, REACTIONS_SHOWN_BYTES);
	while (kept_reaction_get(&at, &r))
		if (r.text.n > 0 && is_first(all, &r) &&
		    b.len < REACTIONS_SHOWN_BYTES - 1024)
			put_alike(&b, c, all, &r);
	char *text = b.len > 0 ? mem_strndup((const char *)buf_slice(&b).p, b.len) : NULL;
	buf_wipe(&b);
	return text;
}

/* ---- all of it ---- */

static void fill_kept(struct shown *s, const struct core *c,
		      const struct store_message *kept)
{
	struct event_message *m = &s->ev.u.message;
	const struct msg_text *t = &s->msg.u.text;
	m->sent = kept->sent_ms < TIME_MAX_MS ? kept->sent_ms : TIME_MAX_MS;
	m->edited = s->body.has & KEPT_EDITED ? s->body.edited_ms : 0;
	m->deleted = s->body.is_deleted;
	m->late = s->body.late_s;
	m->expires = kept->expires_ms;
	s->reactions = reactions_str(c, s->body.reactions);
	m->reactions = s->reactions;
	if (!s->body.is_reply || s->body.is_deleted || t->reply_to.n == 0)
		return;
	hex_encode(t->reply_to, s->reply_to);
	m->reply_to = s->reply_to;
}

enum err shown_init(struct shown *s, const struct core *c,
		    const struct store_message *kept)
{
	struct msg m;
	s->text = s->small;
	s->reactions = NULL;
	enum err e = kept_decode(kept->body, &s->body, &m);
	if (e != ERR_OK)
		return e;
	m.id = kept->id;
	m.u.text.text = text_of(&s->body, &m);
	fill_text(s, &m);
	fill_kept(s, c, kept);
	if (id32_eq(&kept->author, &c->node_id))
		fill_out(s, c, kept, &s->body);
	else
		fill_in(s, c, kept, &s->body);
	return ERR_OK;
}

void shown_answers(struct shown *s, const struct store_message *kept)
{
	const struct msg_text *t = &s->msg.u.text;
	struct slice text;
	if (s->ev.u.message.reply_to == NULL || t->reply_author.n == 0 ||
	    memcmp(t->reply_to.p, kept->id.b, sizeof kept->id.b) != 0 ||
	    memcmp(t->reply_author.p, kept->author.b, sizeof kept->author.b) != 0 ||
	    kept_text(kept, &text) != ERR_OK)
		return;
	kept_excerpt(text, s->excerpt);
	s->ev.u.message.reply_text = s->excerpt;
}

void shown_wipe(struct shown *s)
{
	if (s->text != s->small)
		mem_free(s->text);
	s->text = s->small;
	mem_free(s->reactions);
	s->reactions = NULL;
}
