#include "core/trace.h"

#include <stdio.h>

#include "base/mem.h"

enum { SHOWN_BYTES = 24, SHOWN_TEXT = 60, MEANING_BYTES = 512 };

struct trace {
	struct list node;
	struct reply_to to;
	bool is_all;
	struct id32 peer;
};

/* ---- who watches whom ---- */

static bool fits(const struct trace *t, const struct peer *p)
{
	return t->is_all || (p != NULL && id32_eq(&t->peer, &p->node_id));
}

static void switch_links(struct core *c, const struct trace *t)
{
	const struct link_ops *link = c->cfg.link;
	if (t->is_all)
		link->trace(c->cfg.net, 0, c->n_traces_all > 0);
	size_t pos = 0;
	for (struct session *s; (s = map_next(c->sessions, &pos)) != NULL;)
		if (fits(t, s->peer))
			link->trace(c->cfg.net, s->link,
				    s->peer->traces > 0 || c->n_traces_all > 0);
}

static void count(struct core *c, const struct trace *t, int by)
{
	if (t->is_all)
		c->n_traces_all += (unsigned)by;
	struct peer *p = t->is_all ? NULL : peer_find(c, &t->peer);
	if (p != NULL)
		p->traces += (unsigned)by;
	switch_links(c, t);
}

static struct trace *find(const struct core *c, uint64_t front, const struct peer *p)
{
	list_each (it, &c->traces) {
		struct trace *t = list_entry(it, struct trace, node);
		if (t->to.front == front && t->is_all == (p == NULL) && fits(t, p))
			return t;
	}
	return NULL;
}

void trace_start(struct core *c, struct reply_to to, struct peer *p)
{
	struct trace *t = mem_new(sizeof *t);
	t->to = to;
	t->is_all = p == NULL;
	if (p != NULL)
		t->peer = p->node_id;
	list_add(&c->traces, &t->node);
	count(c, t, 1);
}

static void drop(struct core *c, struct trace *t)
{
	list_del(&t->node);
	count(c, t, -1);
	mem_free(t);
}

bool trace_stop(struct core *c, uint64_t front, struct peer *p)
{
	struct trace *t = find(c, front, p);
	if (t == NULL)
		return false;
	emit_done(c, t->to, NULL);
	drop(c, t);
	return true;
}

void trace_forget(struct core *c, const struct peer *p)
{
	list_each_safe (it, &c->traces) {
		struct trace *t = list_entry(it, struct trace, node);
		if (t->is_all || !fits(t, p))
			continue;
		emit_done(c, t->to, NULL);
		drop(c, t);
	}
}

bool trace_is_on(const struct core *c, uint64_t front, const struct peer *p)
{
	return find(c, front, p) != NULL;
}

void trace_session(struct session *s)
{
	if (s->peer->traces > 0)
		s->core->cfg.link->trace(s->core->cfg.net, s->link, true);
}

void trace_sweep(struct core *c)
{
	list_each_safe (it, &c->traces) {
		struct trace *t = list_entry(it, struct trace, node);
		if (!emit_is_open(c, t->to.front))
			drop(c, t);
	}
}

void trace_free_all(struct core *c)
{
	list_each_safe (it, &c->traces) {
		list_del(it);
		mem_free(list_entry(it, struct trace, node));
	}
}

/* ---- what a frame means ---- */

/* Where to cut valid UTF-8 so that it stays that. */
static size_t cut_at(const char *s, size_t n, size_t max)
{
	if (n <= max)
		return n;
	while (max > 0 && ((uint8_t)s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

static void describe_text(const struct msg *m, char *out, size_t max)
{
	const char *text = (const char *)m->u.text.text.p;
	size_t n = m->u.text.text.n;
	snprintf(out, max, " %zu bytes: %.*s", n, (int)cut_at(text, n, SHOWN_TEXT), text);
}

static void describe_ack(const struct msg *m, char *out, size_t max)
{
	snprintf(out, max, " of %u", m->u.ack.ids.n);
}

static void describe_nack(const struct msg *m, char *out, size_t max)
{
	snprintf(out, max, " %s", proto_code_str((unsigned)m->u.nack.code));
}

static void describe_hello(const struct msg *m, char *out, size_t max)
{
	snprintf(out, max, " nick %.*s", (int)m->u.hello.nick.n,
		 (const char *)m->u.hello.nick.p);
}

static const struct {
	enum msg_type type;
	void (*describe)(const struct msg *m, char *out, size_t max);
} describers[] = {
	{MSG_TEXT, describe_text},
	{MSG_ACK, describe_ack},
	{MSG_NACK, describe_nack},
	{MSG_HELLO, describe_hello},
};

static void add_object(const struct msg *m, char *out, size_t max)
{
	size_t used = strlen(out);
	/* room for the longest description, so that none is cut within a letter */
	if (max - used < 2 * PROTO_NICK_BYTES)
		return;
	snprintf(out + used, max - used, " %s", msg_row_find(m->type)->name);
	used = strlen(out);
	for (size_t i = 0; i < sizeof describers / sizeof *describers; i++)
		if (describers[i].type == m->type && used < max)
			describers[i].describe(m, out + used, max - used);
}

static void objects(const struct record *r, char *out, size_t max)
{
	struct slice rest = r->payload;
	while (rest.n > 0) {
		struct msg m;
		size_t used = 0;
		enum proto_code code;
		if (msg_decode(r->kind, rest, &m, &used, &code) != ERR_OK)
			break;
		add_object(&m, out, max);
		rest = slice_of(rest.p + used, rest.n - used);
	}
}

static void meaning_of(const struct chan_trace *t, char *out, size_t max)
{
	static const char *const kinds[] = {
		[KIND_CTRL] = "CTRL", [KIND_MSG] = "MSG",     [KIND_PING] = "PING",
		[KIND_PONG] = "PONG", [KIND_REKEY] = "REKEY", [KIND_CLOSE] = "CLOSE",
	};
	const struct record *r = &t->record;
	out[0] = '\0';
	if (t->stage == CHAN_STAGE_PREAMBLE)
		snprintf(out, max, "protocol version and Noise message 1, in clear");
	else if (t->stage == CHAN_STAGE_HANDSHAKE)
		snprintf(out, max, "Noise handshake: keys and certificate");
	else if (r->kind < sizeof kinds / sizeof *kinds && kinds[r->kind] != NULL)
		snprintf(out, max, "%s", kinds[r->kind]);
	else
		snprintf(out, max, "kind %u", r->kind);
	if (t->stage == CHAN_STAGE_RECORD &&
	    (r->kind == KIND_CTRL || r->kind == KIND_MSG))
		objects(r, out, max);
}

void trace_on_frame(struct core *c, link_id id, const struct chan_trace *t)
{
	static const char *const stages[] = {
		[CHAN_STAGE_PREAMBLE] = "preamble",
		[CHAN_STAGE_HANDSHAKE] = "handshake",
		[CHAN_STAGE_RECORD] = "record",
	};
	char meaning[MEANING_BYTES], hex[2 * SHOWN_BYTES + 1];
	const struct session *s = map_get(c->sessions, &id);
	size_t n = t->wire.n < SHOWN_BYTES ? t->wire.n : SHOWN_BYTES;
	hex_encode(slice_of(t->wire.p, n), hex);
	meaning_of(t, meaning, sizeof meaning);
	struct event ev = {.type = EVENT_TRACE};
	ev.u.trace = (struct event_trace){
		.peer = s != NULL ? s->peer->id_text : NULL,
		.name = s != NULL ? s->peer->name : "(not known yet)",
		.direction = t->is_out ? "out" : "in",
		.stage = stages[t->stage],
		.length = t->wire.n,
		.bytes = hex,
		.meaning = meaning,
	};
	list_each (it, &c->traces) {
		struct trace *one = list_entry(it, struct trace, node);
		if (fits(one, s != NULL ? s->peer : NULL))
			emit_reply(c, one->to, &ev);
	}
}
