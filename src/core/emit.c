#include "core/emit.h"

#include <stdio.h>

#include "base/mem.h"

/* ---- the ring ---- */

uint64_t emit_oldest(const struct core *c)
{
	return c->newest == 0 ? 0 : c->oldest;
}

/* A slot is used again and again; only an unusually large one is given back. All
 * together are bounded, so that long texts push the oldest out sooner. */
enum { SLOT_BYTES = 512, SLOT_KEPT_BYTES = 2048, KEPT_BYTES = 8 << 20 };

struct kept {
	struct event *ev; /* with its strings behind it */
	size_t size;
};

static struct kept *slot(const struct core *c, uint64_t cursor)
{
	return &c->kept[cursor % CORE_EVENTS_KEPT];
}

static void slot_resize(struct core *c, struct kept *k, size_t size)
{
	mem_free(k->ev);
	k->ev = size > 0 ? mem_new(size) : NULL;
	c->kept_bytes = c->kept_bytes - k->size + size;
	k->size = size;
}

static void forget_oldest(struct core *c)
{
	slot_resize(c, slot(c, c->oldest), 0);
	c->oldest++;
}

static void keep(struct core *c, const struct event *ev)
{
	struct kept *k = slot(c, ev->cursor);
	if (ev->cursor - c->oldest >= CORE_EVENTS_KEPT)
		c->oldest++; /* it stood in this slot */
	size_t need = event_copy_into(ev, k->ev, k->size);
	if (need > k->size || k->size > SLOT_KEPT_BYTES) {
		slot_resize(c, k, need > SLOT_BYTES ? need : SLOT_BYTES);
		event_copy_into(ev, k->ev, k->size);
	}
	while (c->kept_bytes > KEPT_BYTES && c->oldest < ev->cursor)
		forget_oldest(c);
}

void emit_init(struct core *c)
{
	c->kept = mem_array(CORE_EVENTS_KEPT, sizeof *c->kept);
	c->oldest = 1;
}

/* ---- what must not be read again ---- */

static void wipe(const char *text)
{
	if (text != NULL)
		memset((char *)text, 0, strlen(text));
}

static bool is_from(const char *direction, const char *peer, const char *from)
{
	if (from == NULL)
		return strcmp(direction, "out") == 0;
	return strcmp(direction, "in") == 0 && peer != NULL && strcmp(peer, from) == 0;
}

static void wipe_message(struct event_message *m)
{
	wipe(m->text);
	wipe(m->reply_text);
	wipe(m->reactions);
	m->reply_text = m->reactions = NULL;
	m->expires = 0;
	m->deleted = true;
}

static void wipe_one(struct event *ev, const char *id, const char *from)
{
	struct event_message *m = &ev->u.message;
	struct event_edit *e = &ev->u.edit;
	if (ev->type == EVENT_EDIT && strcmp(e->id, id) == 0 &&
	    is_from(e->direction, e->peer, from))
		wipe(e->text);
	if (ev->type != EVENT_MESSAGE)
		return;
	if (m->reply_to != NULL && strcmp(m->reply_to, id) == 0) {
		wipe(m->reply_text);
		m->reply_text = NULL;
	}
	if (strcmp(m->id, id) == 0 && is_from(m->direction, m->peer, from))
		wipe_message(m);
}

void emit_scrub(struct core *c, const char *id, const char *from)
{
	for (uint64_t at = emit_oldest(c); at != 0 && at <= c->newest; at++)
		wipe_one(slot(c, at)->ev, id, from);
}

void emit_expires(struct core *c, const char *id, const char *from, uint64_t expires_ms)
{
	for (uint64_t at = emit_oldest(c); at != 0 && at <= c->newest; at++) {
		struct event *ev = slot(c, at)->ev;
		struct event_message *m = &ev->u.message;
		if (ev->type == EVENT_MESSAGE && strcmp(m->id, id) == 0 && !m->deleted &&
		    is_from(m->direction, m->peer, from))
			m->expires = expires_ms;
	}
}

uint64_t emit_scrub_expired(struct core *c, uint64_t now_ms)
{
	uint64_t next = 0;
	for (uint64_t at = emit_oldest(c); at != 0 && at <= c->newest; at++) {
		const struct event *ev = slot(c, at)->ev;
		const struct event_message *m = &ev->u.message;
		if (ev->type != EVENT_MESSAGE || m->expires == 0)
			continue;
		if (m->expires > now_ms)
			next = next == 0 || m->expires < next ? m->expires : next;
		else
			emit_scrub(c, m->id,
				   strcmp(m->direction, "in") == 0 ? m->peer : NULL);
	}
	return next;
}

static void show(struct front *f, const struct event *ev)
{
	if (f->fn == NULL)
		return;
	f->is_in_call = true;
	f->fn(f->fn_ctx, ev);
	f->is_in_call = false;
}

void emit(struct core *c, struct event *ev)
{
	ev->cursor = ++c->newest;
	ev->tag = 0;
	ev->time_ms = core_wall_ms(c);
	keep(c, ev);
	list_each_safe (it, &c->fronts) {
		struct front *f = list_entry(it, struct front, node);
		if (f->is_following)
			show(f, ev);
	}
}

void emit_notice(struct core *c, const char *level, const char *text, const char *about)
{
	struct event ev = {.type = EVENT_NOTICE};
	ev.u.notice.level = level;
	ev.u.notice.text = text;
	ev.u.notice.peer = about;
	emit(c, &ev);
}

/* ---- replies ---- */

static struct front *front_find(const struct core *c, uint64_t id)
{
	list_each (it, &c->fronts) {
		struct front *f = list_entry(it, struct front, node);
		if (f->id == id && f->fn != NULL)
			return f;
	}
	return NULL;
}

bool emit_is_open(const struct core *c, uint64_t front)
{
	return front_find(c, front) != NULL;
}

bool emit_is_following(const struct core *c, uint64_t front)
{
	const struct front *f = front_find(c, front);
	return f != NULL && f->is_following;
}

bool emit_is_full(const struct core *c, uint64_t front)
{
	const struct front *f = front_find(c, front);
	return f != NULL && f->is_full;
}

void emit_reply(struct core *c, struct reply_to to, struct event *ev)
{
	struct front *f = front_find(c, to.front);
	if (f == NULL)
		return;
	ev->cursor = 0;
	ev->tag = to.tag;
	if (ev->time_ms == 0)
		ev->time_ms = core_wall_ms(c);
	show(f, ev);
}

void emit_done(struct core *c, struct reply_to to, const char *text)
{
	struct event ev = {.type = EVENT_DONE};
	ev.u.done.text = text;
	emit_reply(c, to, &ev);
}

static size_t letter_bytes(uint8_t lead)
{
	return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

void emit_format(char *out, size_t max, const char *fmt, va_list ap)
{
	vsnprintf(out, max, fmt, ap);
	size_t n = strlen(out), at = n;
	while (at > 0 && ((uint8_t)out[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && n - (at - 1) < letter_bytes((uint8_t)out[at - 1]))
		out[at - 1] = '\0';
}

void emit_error(struct core *c, struct reply_to to, unsigned status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	emit_format(text, sizeof text, fmt, ap);
	va_end(ap);
	struct event ev = {.type = EVENT_ERROR};
	ev.u.error.status = status;
	ev.u.error.text = text;
	emit_reply(c, to, &ev);
}

static void tell_lagged(struct core *c, struct reply_to to, uint64_t since,
			uint64_t oldest)
{
	struct event ev = {.type = EVENT_LAGGED};
	ev.u.lagged.from = since + 1;
	ev.u.lagged.to = oldest - 1;
	emit_reply(c, to, &ev);
}

void emit_follow(struct core *c, struct reply_to to, uint64_t since)
{
	emit_scrub_expired(c, core_wall_ms(c));
	uint64_t oldest = emit_oldest(c);
	if (since > 0 && since + 1 < oldest)
		tell_lagged(c, to, since, oldest);
	uint64_t last = c->newest; /* what a callback adds comes by following */
	for (uint64_t at = since + 1 > oldest ? since + 1 : oldest; at > 0 && at <= last;
	     at++) {
		struct front *f = front_find(c, to.front);
		if (f == NULL)
			return;
		f->is_following = true;
		show(f, c->kept[at % CORE_EVENTS_KEPT].ev);
	}
	struct front *f = front_find(c, to.front);
	if (f != NULL)
		f->is_following = true;
}

/* ---- front ends ---- */

struct queued_command *queued_command_new(struct reply_to to, const struct command *cmd)
{
	struct queued_command *q = mem_new(sizeof *q + command_args_bytes(cmd));
	q->to = to;
	q->cmd = *cmd;
	command_args_move(&q->cmd, (char *)(q + 1));
	return q;
}

void queued_command_free(struct queued_command *q)
{
	mem_free(q);
}

static enum err front_submit(void *impl, const struct command *cmd)
{
	struct front *f = impl;
	struct reply_to to = {.front = f->id, .tag = cmd->tag};
	struct queued_command *q = queued_command_new(to, cmd);
	list_add(&f->core->commands, &q->node);
	return ERR_OK;
}

static void front_pause(void *impl, bool is_full)
{
	struct front *f = impl;
	f->is_full = is_full;
}

static void front_close(void *impl)
{
	struct front *f = impl;
	f->fn = NULL;
	f->is_following = false;
}

static const struct front_port_ops port_ops = {
	.submit = front_submit,
	.pause = front_pause,
	.close = front_close,
};

static enum err front_open(void *ctx, front_event_fn *fn, void *fn_ctx,
			   struct front_port *out)
{
	struct core *c = ctx;
	if (c->n_fronts >= CORE_FRONTS_MAX)
		return ERR_FULL;
	struct front *f = mem_new(sizeof *f);
	*f = (struct front){.id = ++c->next_front, .core = c, .fn = fn, .fn_ctx = fn_ctx};
	list_add(&c->fronts, &f->node);
	c->n_fronts++;
	*out = (struct front_port){.ops = &port_ops, .impl = f};
	return ERR_OK;
}

struct front_source core_front_source(struct core *c)
{
	return (struct front_source){.open = front_open, .ctx = c};
}

struct queued_command *emit_next_command(struct core *c)
{
	if (list_empty(&c->commands))
		return NULL;
	struct queued_command *q =
		list_entry(c->commands.next, struct queued_command, node);
	list_del(&q->node);
	return q;
}

void emit_sweep(struct core *c)
{
	list_each_safe (it, &c->fronts) {
		struct front *f = list_entry(it, struct front, node);
		if (f->fn != NULL || f->is_in_call)
			continue;
		list_del(&f->node);
		c->n_fronts--;
		mem_free(f);
	}
}

void emit_free_all(struct core *c)
{
	for (struct queued_command *q; (q = emit_next_command(c)) != NULL;)
		queued_command_free(q);
	list_each_safe (it, &c->fronts) {
		list_del(it);
		mem_free(list_entry(it, struct front, node));
	}
	for (size_t i = 0; i < CORE_EVENTS_KEPT; i++)
		mem_free(c->kept[i].ev);
	mem_free(c->kept);
}
