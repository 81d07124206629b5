#include "core/quotes.h"

#include <stdio.h>

#include "base/mem.h"
#include "core/amend.h"
#include "core/chat.h"

enum { QUOTES_MAX = 64 };

static void unlink_one(struct core *c, struct quote *q)
{
	list_del(&q->node);
	c->n_quotes--;
}

static void quote_free(struct quote *q)
{
	mem_free(q->held);
	mem_free(q);
}

/* What waited for it is shown without. */
static void drop(struct core *c, struct quote *q)
{
	unlink_one(c, q);
	if (q->held != NULL)
		chat_show(c, q->held);
	quote_free(q);
}

static struct quote *add(struct core *c, const struct id32 *author, const struct id16 *id)
{
	struct quote *q = mem_new(sizeof *q);
	q->author = *author;
	q->id = *id;
	if (c->n_quotes >= QUOTES_MAX)
		drop(c, list_entry(c->quotes.next, struct quote, node));
	list_add(&c->quotes, &q->node);
	c->n_quotes++;
	return q;
}

static struct quote *find(const struct core *c, const struct id32 *author,
			  const struct id16 *id)
{
	list_each (it, &c->quotes) {
		struct quote *q = list_entry(it, struct quote, node);
		if (id16_eq(&q->id, id) && id32_eq(&q->author, author))
			return q;
	}
	return NULL;
}

static void know(struct quote *q, const struct id16 *reply_to, const char *excerpt)
{
	hex_encode(slice_of(reply_to->b, sizeof reply_to->b), q->reply_to);
	snprintf(q->excerpt, sizeof q->excerpt, "%s", excerpt);
	q->is_known = true;
}

void quotes_add(struct core *c, const struct id32 *author, const struct id16 *id,
		const struct id16 *reply_to, const char *excerpt)
{
	know(add(c, author, id), reply_to, excerpt);
}

bool quotes_hold(struct core *c, const struct store_message *kept)
{
	struct quote *q = find(c, &kept->author, &kept->id);
	if (q == NULL || !q->is_asked || q->held != NULL)
		return false;
	q->held = mem_new(sizeof *kept + kept->body.n);
	*q->held = *kept;
	q->held->body = slice_of(q->held + 1, kept->body.n);
	memcpy(q->held + 1, kept->body.p, kept->body.n);
	return true;
}

struct quote *quotes_take(struct core *c, struct shown *s,
			  const struct store_message *kept)
{
	struct quote *q = find(c, &kept->author, &kept->id);
	if (q == NULL || !q->is_known)
		return NULL;
	unlink_one(c, q);
	s->ev.u.message.reply_to = q->reply_to;
	s->ev.u.message.reply_text = q->excerpt;
	return q;
}

void quotes_free_all(struct core *c)
{
	list_each_safe (it, &c->quotes)
		quote_free(list_entry(it, struct quote, node));
	list_init(&c->quotes);
}

/* ---- asked ---- */

/* Behind the KEEP of the answer, which is on its way by now. */
static void mark_reply(struct core *c, const struct id32 *author, const struct id16 *id,
		       const struct id16 *conv)
{
	const struct amend a = {.kind = AMEND_REPLY, .conv = *conv, .by = *author};
	struct store_request req = {.verb = STORE_KEEP, .amend = amend_apply};
	struct buf arg;
	req.msg.author = *author;
	req.msg.id = *id;
	req.arg = amend_pack(&arg, &a, slice_of(NULL, 0));
	(void)store_submit(c->cfg.store, &req);
	buf_wipe(&arg);
}

/* Is it in this conversation, and to be seen? */
static bool is_good(struct core *c, const struct store_request *req,
		    const struct store_reply *reply, struct slice *text)
{
	const struct store_message *m = reply->messages;
	return reply->err == ERR_OK && reply->n_messages > 0 &&
	       id16_eq(&m->conv, &req->msg.conv) && kept_text(m, text) == ERR_OK &&
	       (m->expires_ms == 0 || m->expires_ms > core_wall_ms(c));
}

static void on_target(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct core *c = ctx;
	char excerpt[KEPT_EXCERPT_BYTES + 8];
	struct slice text;
	struct quote *q = find(c, &req->peer, &req->object_id);
	if (q == NULL)
		return;
	q->is_asked = false;
	if (!is_good(c, req, reply, &text)) {
		drop(c, q);
		return;
	}
	kept_excerpt(text, excerpt);
	know(q, &reply->messages->id, excerpt);
	mark_reply(c, &q->author, &q->id, &reply->messages->conv);
	struct store_message *held = q->held;
	q->held = NULL;
	if (held != NULL)
		chat_show(c, held);
	mem_free(held);
}

void quotes_ask(struct peer *p, const struct msg *m)
{
	const struct msg_text *t = &m->u.text;
	struct store_request req = {.verb = STORE_GET, .done = on_target};
	if (t->reply_to.n == 0 || t->reply_author.n == 0 || !p->core->is_kept)
		return;
	req.ctx = p->core;
	memcpy(req.msg.author.b, t->reply_author.p, sizeof req.msg.author.b);
	memcpy(req.msg.id.b, t->reply_to.p, sizeof req.msg.id.b);
	memcpy(req.msg.conv.b, t->conv.p, sizeof req.msg.conv.b);
	req.peer = p->node_id;
	req.object_id = m->id;
	if (store_submit(p->core->cfg.store, &req) == ERR_OK)
		add(p->core, &p->node_id, &m->id)->is_asked = true;
}
