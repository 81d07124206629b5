#include "core/marks.h"

#include "base/mem.h"
#include "core/amend.h"
#include "core/chat.h"
#include "core/dialer.h"

/* ---- told ---- */

static char *text_of(const struct mark *k)
{
	return k->text.n > 0 ? mem_strndup((const char *)k->text.p, k->text.n) : NULL;
}

/* EDIT, DELETE and REACTION say alike who did it, and where. */
struct told {
	const char *id, *conv, *direction, *peer, *name, *nick;
};

static struct told told_of(struct core *c, const struct peer *p, const struct id32 *by,
			   const char *id)
{
	bool is_out = id32_eq(by, &c->node_id);
	const struct peer *who = is_out ? p : peer_find(c, by);
	const char *nick = is_out ? c->nick : who != NULL ? who->nick : NULL;
	return (struct told){
		.id = id,
		.conv = p != NULL ? p->id_text : "#lan",
		.direction = is_out ? "out" : "in",
		.peer = who != NULL ? who->id_text : NULL,
		.name = who != NULL ? who->name : NULL,
		.nick = nick != NULL && nick[0] != '\0' ? nick : NULL,
	};
}

static void fill_edit(struct event *ev, const struct told *t, const char *text)
{
	ev->type = EVENT_EDIT;
	ev->u.edit = (struct event_edit){t->id,	  t->conv, t->direction, t->peer,
					 t->name, t->nick, text};
}

static void fill_delete(struct event *ev, const struct told *t, const char *text)
{
	(void)text;
	ev->type = EVENT_DELETE;
	ev->u.delete = (struct event_delete){t->id,   t->conv, t->direction,
					     t->peer, t->name, t->nick};
}

static void fill_reaction(struct event *ev, const struct told *t, const char *text)
{
	ev->type = EVENT_REACTION;
	ev->u.reaction = (struct event_reaction){.id = t->id,
						 .conv = t->conv,
						 .direction = t->direction,
						 .peer = t->peer,
						 .name = t->name,
						 .nick = t->nick,
						 .text = text};
}

/* What each does to the message, and what it looks like. */
static const struct kind {
	enum msg_type type;
	enum amend_kind amend;
	void (*fill)(struct event *ev, const struct told *t, const char *text);
} kinds[] = {
	{MSG_EDIT, AMEND_EDIT, fill_edit},
	{MSG_DELETE, AMEND_DELETE, fill_delete},
	{MSG_REACTION, AMEND_REACTION, fill_reaction},
};

static const struct kind *kind_of(enum msg_type type)
{
	size_t i = 0;
	while (kinds[i].type != type)
		i++;
	return &kinds[i];
}

/* What was said before must not be read again in what happened. */
static void scrub(struct core *c, const struct mark *k, const char *id)
{
	char author[NODE_ID_COMPACT_BYTES];
	node_id_compact(&k->author, author);
	emit_scrub(c, id, id32_eq(&k->author, &c->node_id) ? NULL : author);
}

void marks_tell(struct core *c, const struct peer *p, const struct id32 *by,
		const struct mark *k)
{
	struct event ev = {0};
	char id[33], author[NODE_ID_COMPACT_BYTES];
	char *text = text_of(k);
	hex_encode(slice_of(k->target.b, sizeof k->target.b), id);
	if (k->type == MSG_DELETE)
		scrub(c, k, id);
	const struct told t = told_of(c, p, by, id);
	kind_of(k->type)->fill(&ev, &t, text);
	if (k->type == MSG_REACTION && !id32_eq(&k->author, &c->node_id)) {
		node_id_compact(&k->author, author);
		ev.u.reaction.author = author;
	}
	emit(c, &ev);
	mem_free(text);
}

/* ---- ours ---- */

static void fill_msg(struct msg *m, const struct mark *k, const struct id16 *conv,
		     uint64_t now_ms, uint64_t lamport)
{
	struct slice c = slice_of(conv->b, sizeof conv->b);
	struct slice target = slice_of(k->target.b, sizeof k->target.b);
	struct slice author = slice_of(k->author.b, sizeof k->author.b);
	m->type = k->type;
	if (k->type == MSG_EDIT)
		m->u.edit = (struct msg_edit){0, c, now_ms, lamport, target, k->text};
	else if (k->type == MSG_DELETE)
		m->u.delete = (struct msg_delete){0, c, now_ms, lamport, target};
	else
		m->u.reaction = (struct msg_reaction){0,      c,       now_ms, lamport,
						      target, k->text, author};
}

static enum err encode(struct core *c, struct peer *p, const struct mark *k,
		       struct amend *a, struct object **out)
{
	uint64_t *lamport = p != NULL ? &p->lamport : &c->lan_lamport;
	struct msg m = {0};
	if (*lamport < k->after)
		*lamport = k->after;
	*a = (struct amend){
		.kind = kind_of(k->type)->amend,
		.conv = p != NULL ? p->conv : c->lan_conv,
		.by = c->node_id,
		.lamport = ++*lamport,
		.now_ms = core_wall_ms(c) & PROTO_NUMBER_MAX,
	};
	rng_fill(c->cfg.rng, m.id.b, sizeof m.id.b);
	fill_msg(&m, k, &a->conv, a->now_ms, a->lamport);
	buf_clear(&c->scratch, SIZE_MAX);
	enum err e = msg_encode(&m, &c->scratch);
	if (e == ERR_OK)
		*out = object_new(&m.id, p == NULL, buf_slice(&c->scratch));
	return e;
}

static void marking_free(struct marking *k)
{
	list_del(&k->node);
	k->core->n_sayings--;
	object_release(k->obj);
	mem_free(k);
}

static void on_kept(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct marking *k = ctx;
	struct core *c = k->core;
	struct peer *p = k->is_lan ? NULL : peer_find(c, &k->peer);
	struct amend a;
	struct mark mark = {.target = req->msg.id, .author = req->msg.author};
	if (reply->err == ERR_OK) {
		(void)amend_unpack(req->arg, &a, &mark.text);
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
			if (kinds[i].amend == a.kind)
				mark.type = kinds[i].type;
		marks_tell(c, p, &c->node_id, &mark);
		if (k->is_lan)
			outbox_add_lan(c, k->obj);
		else if (p != NULL)
			outbox_kept(p, k->obj, reply->item_seq);
	} else if (p != NULL && p->n_queued > 0) {
		p->n_queued--;
	}
	k->on_marked(k, p, reply->err, reply->why);
	marking_free(k);
}

static enum err keep(struct marking *k, const struct peer *p, const struct mark *mark,
		     const struct amend *a)
{
	struct store_request req = {.verb = STORE_KEEP, .done = on_kept, .ctx = k};
	struct buf arg;
	req.msg.author = mark->author;
	req.msg.id = mark->target;
	req.amend = amend_apply;
	req.arg = amend_pack(&arg, a, mark->text);
	req.now_ms = a->now_ms;
	if (p != NULL) {
		req.object_id = k->obj->id;
		req.object = slice_of(k->obj->bytes, k->obj->len);
		req.to = &p->node_id;
		req.n_to = 1;
	}
	enum err e = store_submit(k->core->cfg.store, &req);
	buf_wipe(&arg);
	return e;
}

enum err marks_put(struct core *c, struct peer *p, const struct mark *mark,
		   const struct marking *how)
{
	struct amend a;
	struct object *o = NULL;
	enum err e = chat_may_say(c, p);
	if (e == ERR_OK)
		e = encode(c, p, mark, &a, &o);
	if (e != ERR_OK)
		return e;
	struct marking *k = mem_dup(how, sizeof *how);
	k->core = c;
	k->obj = o;
	k->is_lan = p == NULL;
	list_add(&c->markings, &k->node);
	c->n_sayings++;
	if (p != NULL)
		k->peer = p->node_id;
	e = keep(k, p, mark, &a);
	if (e != ERR_OK) {
		marking_free(k);
		return e;
	}
	if (p != NULL) {
		p->n_queued++;
		peer_pin(p);
		dialer_want(p);
	}
	return ERR_OK;
}

void marks_free_all(struct core *c)
{
	list_each_safe (it, &c->markings)
		marking_free(list_entry(it, struct marking, node));
}
