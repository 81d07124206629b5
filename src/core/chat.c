#include "core/chat.h"

#include "base/mem.h"
#include "core/dialer.h"
#include "core/expire.h"
#include "core/kept.h"
#include "core/outbox.h"
#include "core/quotes.h"
#include "crypto/hash.h"

static const char conv_label[16] = {'p', '2', 'p', 'm', 's', 'g', '-', 'c',
				    'o', 'n', 'v', 'i', 'd', '-', 'v', '1'};

void conv_of(const struct id32 *a, const struct id32 *b, struct id16 *out)
{
	bool is_ordered = id32_cmp(a, b) < 0;
	const struct slice parts[] = {
		slice_of((is_ordered ? a : b)->b, 32),
		slice_of((is_ordered ? b : a)->b, 32),
	};
	hash_labelled(conv_label, parts, 2, out->b, sizeof out->b);
}

void conv_lan(struct id16 *out)
{
	hash_one(conv_label, slice_str("#lan"), out->b, sizeof out->b);
}

/* ---- said ---- */

static enum err encode(struct core *c, struct peer *p, struct slice text, bool is_action,
		       const struct chat_reply *re, struct msg *m, struct object **out)
{
	const struct id16 *conv = p != NULL ? &p->conv : &c->lan_conv;
	uint64_t *lamport = p != NULL ? &p->lamport : &c->lan_lamport;
	*m = (struct msg){.type = MSG_TEXT};
	rng_fill(c->cfg.rng, m->id.b, sizeof m->id.b);
	m->u.text = (struct msg_text){
		.has = is_action ? MSG_HAS(6) : 0,
		.conv = slice_of(conv->b, sizeof conv->b),
		.time = core_wall_ms(c) & PROTO_NUMBER_MAX,
		.lamport = ++*lamport,
		.text = text,
		.style = is_action,
		.expire_s = p != NULL ? p->expire_s : c->lan_expire_s,
	};
	if (m->u.text.expire_s > 0)
		m->u.text.has |= MSG_HAS(27);
	if (re != NULL) {
		m->u.text.has |= MSG_HAS(4) | MSG_HAS(5);
		m->u.text.reply_to = slice_of(re->id.b, sizeof re->id.b);
		m->u.text.reply_author = slice_of(re->author.b, sizeof re->author.b);
	}
	buf_clear(&c->scratch, SIZE_MAX);
	enum err e = msg_encode(m, &c->scratch);
	if (e == ERR_OK)
		*out = object_new(&m->id, p == NULL, buf_slice(&c->scratch));
	return e;
}

static unsigned queued_for(const struct core *c, const struct peer *p)
{
	return p != NULL ? p->n_queued : c->n_sayings;
}

/* Nobody is there, or too much waits already. */
enum err chat_may_say(const struct core *c, const struct peer *p)
{
	if (queued_for(c, p) >= (unsigned)options_int(c->cfg.options, OPT_queue_messages))
		return ERR_FULL;
	return p == NULL ? outbox_may_add_lan(c) : ERR_OK;
}

static void saying_free(struct saying *s)
{
	list_del(&s->node);
	s->core->n_sayings--;
	object_release(s->obj);
	mem_free(s);
}

static void show(struct core *c, const struct store_message *kept)
{
	struct shown shown;
	if (shown_init(&shown, c, kept) == ERR_OK) {
		struct quote *q = quotes_take(c, &shown, kept);
		expire_known(c, kept->expires_ms);
		emit(c, &shown.ev);
		mem_free(q);
	}
	shown_wipe(&shown);
}

static void on_kept(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct saying *s = ctx;
	struct core *c = s->core;
	struct peer *p = s->is_lan ? NULL : peer_find(c, &s->peer);
	if (reply->err == ERR_OK) {
		show(c, &req->msg);
		if (s->is_lan)
			outbox_add_lan(c, s->obj);
		else if (p != NULL)
			outbox_kept(p, s->obj, reply->item_seq);
	} else if (p != NULL && p->n_queued > 0) { /* not if it was forgotten meanwhile */
		p->n_queued--;
	}
	s->on_said(s, p, reply->err, reply->why);
	saying_free(s);
}

static enum err keep(struct saying *s, const struct peer *p, const struct msg *m)
{
	struct core *c = s->core;
	struct slice object = slice_of(s->obj->bytes, s->obj->len);
	struct kept_body body = {
		.object = object,
		.peer = p != NULL ? slice_of(p->node_id.b, sizeof p->node_id.b)
				  : slice_of(NULL, 0),
		.is_reply = m->u.text.reply_to.n > 0,
	};
	struct store_request req = {.verb = STORE_KEEP, .done = on_kept, .ctx = s};
	req.is_new = true;
	req.msg = (struct store_message){
		.author = c->node_id,
		.id = m->id,
		.conv = p != NULL ? p->conv : c->lan_conv,
		.lamport = m->u.text.lamport,
		.sent_ms = m->u.text.time,
		.kept_ms = core_wall_ms(c),
		.state = p != NULL ? STORE_QUEUED : STORE_NONE,
	};
	if (m->u.text.expire_s > 0)
		req.msg.expires_ms = req.msg.kept_ms + m->u.text.expire_s * 1000;
	if (p != NULL) {
		req.object_id = m->id;
		req.object = object;
		req.to = &p->node_id;
		req.n_to = 1;
	}
	buf_clear(&c->scratch, SIZE_MAX);
	enum err e = kept_encode(&c->scratch, &body);
	req.msg.body = buf_slice(&c->scratch);
	return e == ERR_OK ? store_submit(c->cfg.store, &req) : e;
}

/* Shown and on its way at once. */
static void say_unkept(struct core *c, struct peer *p, const struct msg *m,
		       struct object *o, const struct saying *how)
{
	struct saying s = *how;
	struct shown shown;
	s.core = c;
	s.obj = o;
	s.is_lan = p == NULL;
	if (p != NULL)
		peer_pin(p);
	shown_said(&shown, c, m, p);
	expire_unkept(c, &shown);
	emit(c, &shown.ev);
	shown_wipe(&shown);
	if (p != NULL) {
		p->n_queued++;
		outbox_unkept(p, o);
		dialer_want(p);
	} else {
		outbox_add_lan(c, o);
	}
	s.on_said(&s, p, ERR_OK, "");
	object_release(o);
}

enum err chat_say(struct core *c, struct peer *p, struct slice text, bool is_action,
		  const struct chat_reply *re, const struct saying *how)
{
	struct msg m;
	struct object *o = NULL;
	enum err e = chat_may_say(c, p);
	if (e == ERR_OK)
		e = encode(c, p, text, is_action, re, &m, &o);
	if (e != ERR_OK)
		return e;
	if (!c->is_kept) {
		say_unkept(c, p, &m, o, how);
		return ERR_OK;
	}
	struct saying *s = mem_dup(how, sizeof *how);
	s->core = c;
	s->obj = o;
	s->is_lan = p == NULL;
	if (re != NULL)
		quotes_add(c, &c->node_id, &m.id, &re->id, re->excerpt);
	list_add(&c->sayings, &s->node);
	c->n_sayings++;
	if (p != NULL) {
		s->peer = p->node_id;
		peer_pin(p);
	}
	e = keep(s, p, &m);
	if (e != ERR_OK) {
		saying_free(s);
		return e;
	}
	if (p != NULL) {
		p->n_queued++;
		dialer_want(p);
	}
	return ERR_OK;
}

void chat_free_sayings(struct core *c)
{
	list_each_safe (it, &c->sayings)
		saying_free(list_entry(it, struct saying, node));
}
