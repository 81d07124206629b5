/* on_mark: what others do to messages, and say of ours. */
#include "base/log.h"
#include "core/amend.h"
#include "core/chat.h"
#include "core/kept.h"
#include "core/marks.h"

enum {
	RECEIPTS_PER_S = 1, /* a sender that follows the rules sends half as many */
	RECEIPTS_BURST = 8,
	LAN_ROWS = 512 /* looked at for somebody else's message */
};

/* ---- whose message is it? ---- */

/* What a mark of a peer is about, and where, as its requests to the store carry it. */
struct about {
	struct core *core;
	struct session *session; /* NULL: it is gone */
	struct peer *peer; /* NULL: forgotten */
	struct id16 mark;
};

static struct about about_of(void *ctx, const struct store_request *req)
{
	struct about a = {.core = ctx, .mark = req->object_id};
	link_id link = req->tag;
	a.session = map_get(a.core->sessions, &link);
	a.peer = peer_find(a.core, &req->peer);
	return a;
}

static void refuse(const struct about *a, enum proto_code code, uint64_t retry_s)
{
	if (a->session != NULL)
		session_nack(a->session, &a->mark, code, retry_s);
}

/* About a message that is not here: perhaps it was refused for now, and comes again; else
 * it never will. */
static void on_unknown(const struct about *a)
{
	uint64_t now = core_now_us(a->core);
	if (a->peer != NULL && now < a->peer->again_us)
		refuse(a, CODE_RATE, (a->peer->again_us - now) / 1000000 + 1);
	else if (a->session != NULL)
		session_ack(a->session, &a->mark);
}

static void on_foreign(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	const struct about a = about_of(ctx, req);
	if (reply->err == ERR_OK && reply->n_messages > 0)
		refuse(&a, CODE_UNAUTHORISED, 0);
	else
		on_unknown(&a);
}

/* In the store's thread. */
static bool has_id(struct slice arg, const struct store_message *m)
{
	return slice_eq(arg, slice_of(m->id.b, sizeof m->id.b));
}

/* It is not the sender's; is it anybody else's? */
static void ask_foreign(struct core *c, const struct store_request *of,
			const struct id16 *conv)
{
	struct store_request req = {.verb = STORE_GET, .done = on_foreign, .ctx = c};
	req.tag = of->tag;
	req.peer = of->peer;
	req.object_id = of->object_id;
	req.msg.id = of->msg.id;
	req.msg.author = c->node_id;
	if (id16_eq(conv, &c->lan_conv)) {
		req.verb = STORE_SCAN;
		req.msg.conv = *conv;
		req.match = has_id;
		req.arg = slice_of(req.msg.id.b, sizeof req.msg.id.b);
		req.max = 1;
		req.max_rows = LAN_ROWS;
	}
	if (store_submit(c->cfg.store, &req) != ERR_OK) {
		const struct about a = about_of(c, of);
		on_unknown(&a);
	}
}

/* ---- EDIT, DELETE, REACTION ---- */

static enum msg_type type_of(enum amend_kind kind)
{
	return kind == AMEND_EDIT     ? MSG_EDIT
	       : kind == AMEND_DELETE ? MSG_DELETE
				      : MSG_REACTION;
}

static void tell(const struct about *about, const struct store_request *req,
		 const struct amend *a, struct slice text)
{
	struct core *c = about->core;
	bool is_lan = id16_eq(&a->conv, &c->lan_conv);
	const struct mark k = {.type = type_of(a->kind),
			       .target = req->msg.id,
			       .author = req->msg.author,
			       .text = text};
	if (about->peer != NULL)
		marks_tell(c, is_lan ? NULL : about->peer, &a->by, &k);
}

static void on_amended(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	const struct about about = about_of(ctx, req);
	struct amend a;
	struct slice text;
	enum err e = reply->err;
	(void)amend_unpack(req->arg, &a, &text);
	if (e == ERR_OK)
		tell(&about, req, &a, text);
	if (e == ERR_OK || e == ERR_EXISTS || e == ERR_LIMIT || e == ERR_RANGE) {
		if (about.session != NULL)
			session_ack(about.session, &about.mark);
	} else if (e == ERR_REFUSED) {
		refuse(&about, CODE_UNAUTHORISED, 0);
	} else if (e == ERR_MISSING && a.kind == AMEND_REACTION) {
		on_unknown(&about);
	} else if (e == ERR_MISSING) {
		ask_foreign(about.core, req, &a.conv);
	} else {
		chat_not_kept(about.core, about.session, &about.mark, e, reply->why);
	}
}

/* A mark as it came, whatever it is. */
struct incoming {
	enum amend_kind kind;
	struct slice conv, target, author, text;
	uint64_t lamport;
};

static enum err submit(struct session *s, const struct id16 *id,
		       const struct incoming *in, const struct amend *a)
{
	struct core *c = s->core;
	struct store_request req = {
		.verb = STORE_KEEP, .done = on_amended, .ctx = c, .amend = amend_apply};
	struct buf arg;
	req.tag = s->link;
	req.peer = s->peer->node_id;
	req.object_id = *id;
	memcpy(req.msg.author.b, in->author.p, sizeof req.msg.author.b);
	memcpy(req.msg.id.b, in->target.p, sizeof req.msg.id.b);
	req.arg = amend_pack(&arg, a, in->text);
	enum err e = store_submit(c->cfg.store, &req);
	buf_wipe(&arg);
	return e;
}

static enum err take(struct session *s, const struct id16 *id, const struct incoming *in)
{
	struct core *c = s->core;
	struct peer *p = s->peer;
	const struct arrival arrival = {*id, in->conv, in->text.n, NULL};
	bool is_lan;
	uint64_t retry_s;
	enum proto_code code = chat_admit(s, &arrival, &is_lan, &retry_s);
	if (code != CODE_OK) {
		session_nack(s, id, code, retry_s);
		return ERR_OK;
	}
	const struct amend a = {
		.kind = in->kind,
		.conv = is_lan ? c->lan_conv : p->conv,
		.by = p->node_id,
		.lamport =
			chat_lamport(is_lan ? &c->lan_lamport : &p->lamport, in->lamport),
		.now_ms = core_wall_ms(c) & PROTO_NUMBER_MAX,
	};
	enum err e = submit(s, id, in, &a);
	if (e != ERR_OK)
		chat_not_kept(c, s, id, e, "");
	return ERR_OK;
}

static struct slice own_id(const struct session *s)
{
	return slice_of(s->peer->node_id.b, sizeof s->peer->node_id.b);
}

enum err on_edit(struct session *s, const struct msg *m)
{
	const struct msg_edit *e = &m->u.edit;
	const struct incoming in = {AMEND_EDIT, e->conv, e->target,
				    own_id(s),	e->text, e->lamport};
	return take(s, &m->id, &in);
}

enum err on_delete(struct session *s, const struct msg *m)
{
	const struct msg_delete *d = &m->u.delete;
	const struct incoming in = {.kind = AMEND_DELETE,
				    .conv = d->conv,
				    .target = d->target,
				    .author = own_id(s),
				    .lamport = d->lamport};
	return take(s, &m->id, &in);
}

enum err on_reaction(struct session *s, const struct msg *m)
{
	const struct msg_reaction *r = &m->u.reaction;
	const struct incoming in = {AMEND_REACTION, r->conv, r->target,
				    r->author,	    r->text, r->lamport};
	return take(s, &m->id, &in);
}

/* ---- RECEIPT and TYPING: neither acknowledged nor stored ---- */

/* Of us two, and somebody who may write to us. */
static bool is_heard(const struct session *s, struct slice conv, struct bucket *b)
{
	const struct peer *p = s->peer;
	bool is_stranger = !p->is_contact &&
			   options_enum(s->core->cfg.options, OPT_accept_from) != 0;
	return memcmp(conv.p, p->conv.b, sizeof p->conv.b) == 0 && !is_stranger &&
	       bucket_take(b, core_now_us(s->core), RECEIPTS_PER_S, RECEIPTS_BURST);
}

static void on_state(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct core *c = ctx;
	const struct peer *p = peer_find(c, &req->peer);
	struct event ev = {.type = EVENT_STATE};
	struct amend a;
	struct slice text;
	char id[33];
	if (reply->err != ERR_OK || p == NULL)
		return;
	(void)amend_unpack(req->arg, &a, &text);
	hex_encode(slice_of(req->msg.id.b, sizeof req->msg.id.b), id);
	ev.u.state.id = id;
	ev.u.state.peer = p->id_text;
	ev.u.state.name = p->name;
	ev.u.state.state = a.state == STORE_READ ? "read" : "delivered";
	emit(c, &ev);
}

enum err on_receipt(struct session *s, const struct msg *m)
{
	const struct msg_receipt *r = &m->u.receipt;
	struct core *c = s->core;
	const struct amend a = {.kind = AMEND_STATE,
				.conv = s->peer->conv,
				.by = s->peer->node_id,
				.state = r->kind == 2 ? STORE_READ : STORE_DELIVERED};
	struct store_request req = {
		.verb = STORE_KEEP, .done = on_state, .ctx = c, .amend = amend_apply};
	struct buf arg;
	if (!is_heard(s, r->conv, &s->peer->receipts_in))
		return ERR_OK;
	req.peer = s->peer->node_id;
	req.msg.author = c->node_id;
	req.arg = amend_pack(&arg, &a, slice_of(NULL, 0));
	for (size_t i = 0; i < r->ids.n; i++) {
		memcpy(req.msg.id.b, msg_ids_get(&r->ids, i), sizeof req.msg.id.b);
		if (store_submit(c->cfg.store, &req) != ERR_OK)
			log_info("receipt", "the store is busy; some are not noted");
	}
	buf_wipe(&arg);
	return ERR_OK;
}

enum err on_typing(struct session *s, const struct msg *m)
{
	const struct msg_typing *t = &m->u.typing;
	struct peer *p = s->peer;
	struct event ev = {.type = EVENT_TYPING};
	if (!is_heard(s, t->conv, &p->typing_in))
		return ERR_OK;
	ev.u.typing.conv = ev.u.typing.peer = p->id_text;
	ev.u.typing.name = p->name;
	ev.u.typing.typing = t->is_typing;
	emit(s->core, &ev);
	return ERR_OK;
}
