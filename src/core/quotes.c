#include "core/quotes.h"

#include <stdio.h>

#include "base/mem.h"
#include "core/amend.h"

enum { QUOTES_MAX = 64 };

static void drop(struct core *c, struct quote *q)
{
	list_del(&q->node);
	c->n_quotes--;
	mem_free(q);
}

void quotes_add(struct core *c, const struct id32 *author, const struct id16 *id,
		const struct id16 *reply_to, const char *excerpt)
{
	struct quote *q = mem_new(sizeof *q);
	q->author = *author;
	q->id = *id;
	hex_encode(slice_of(reply_to->b, sizeof reply_to->b), q->reply_to);
	snprintf(q->excerpt, sizeof q->excerpt, "%s", excerpt);
	if (c->n_quotes >= QUOTES_MAX)
		drop(c, list_entry(c->quotes.next, struct quote, node));
	list_add(&c->quotes, &q->node);
	c->n_quotes++;
}

struct quote *quotes_take(struct core *c, struct shown *s,
			  const struct store_message *kept)
{
	list_each_safe (it, &c->quotes) {
		struct quote *q = list_entry(it, struct quote, node);
		if (!id16_eq(&q->id, &kept->id) || !id32_eq(&q->author, &kept->author))
			continue;
		list_del(it);
		c->n_quotes--;
		s->ev.u.message.reply_to = q->reply_to;
		s->ev.u.message.reply_text = q->excerpt;
		return q;
	}
	return NULL;
}

void quotes_free_all(struct core *c)
{
	list_each_safe (it, &c->quotes)
		drop(c, list_entry(it, struct quote, node));
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

static void on_target(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct core *c = ctx;
	char excerpt[KEPT_EXCERPT_BYTES + 8];
	struct slice text;
	if (reply->err != ERR_OK || reply->n_messages == 0)
		return;
	const struct store_message *m = reply->messages;
	if (!id16_eq(&m->conv, &req->msg.conv) || kept_text(m, &text) != ERR_OK ||
	    (m->expires_ms != 0 && m->expires_ms <= core_wall_ms(c)))
		return;
	kept_excerpt(text, excerpt);
	mark_reply(c, &req->peer, &req->object_id, &m->conv);
	quotes_add(c, &req->peer, &req->object_id, &m->id, excerpt);
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
	(void)store_submit(p->core->cfg.store, &req);
}
