#include "lib/fake_front.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"

enum { KEPT_FIRST = 2048 };

struct port {
	struct list node;
	struct fake_front *front;
	uint64_t id;
	front_event_fn *fn; /* NULL: closed */
	void *fn_ctx;
	bool is_following;
};

struct queued {
	struct list node;
	uint64_t port;
	uint64_t due_us;
	struct command *cmd;
};

struct fake_front {
	struct loop *loop;
	struct loop_tick tick;
	struct timer timer; /* makes a tick when a command is due */
	unsigned delay_ms;
	uint64_t last_due_us;
	struct list ports, queue;
	uint64_t last_port, newest;
	struct event **kept; /* cursor c at c % n_kept */
	size_t n_kept, n_commands;
	void (*fn)(void *ctx, uint64_t port, const struct command *cmd);
	void *ctx;
};

static struct port *find(const struct fake_front *f, uint64_t id)
{
	list_each (it, &f->ports) {
		struct port *p = list_entry(it, struct port, node);
		if (p->id == id && p->fn)
			return p;
	}
	return NULL;
}

/* ---- events ---- */

void fake_front_reply(struct fake_front *f, uint64_t port, const struct event *ev)
{
	struct port *p = find(f, port);
	if (p)
		p->fn(p->fn_ctx, ev);
}

void fake_front_done(struct fake_front *f, uint64_t port, uint64_t tag, const char *text)
{
	struct event ev = {.type = EVENT_DONE, .tag = tag, .time_ms = 1};
	ev.u.done.text = text;
	fake_front_reply(f, port, &ev);
}

void fake_front_error(struct fake_front *f, uint64_t port, uint64_t tag, unsigned status,
		      const char *text)
{
	struct event ev = {.type = EVENT_ERROR, .tag = tag, .time_ms = 1};
	ev.u.error.status = status;
	ev.u.error.text = text;
	fake_front_reply(f, port, &ev);
}

void fake_front_emit(struct fake_front *f, const struct event *ev)
{
	struct event own = *ev;
	own.cursor = ++f->newest;
	struct event **slot = &f->kept[own.cursor % f->n_kept];
	mem_free(*slot);
	*slot = event_copy(&own);
	list_each (it, &f->ports) {
		struct port *p = list_entry(it, struct port, node);
		if (p->fn && p->is_following)
			p->fn(p->fn_ctx, &own);
	}
}

void fake_front_emit_notice(struct fake_front *f, const char *text)
{
	struct event ev = {.type = EVENT_NOTICE, .time_ms = 1};
	ev.u.notice.level = "info";
	ev.u.notice.text = text;
	fake_front_emit(f, &ev);
}

/* ---- the two commands that every front end gives ---- */

static void run_status(struct fake_front *f, uint64_t port, const struct command *cmd)
{
	struct event ev = {.type = EVENT_NODE, .tag = cmd->tag, .time_ms = 1};
	ev.u.node.version = "test";
	ev.u.node.nick = "ada";
	ev.u.node.newest = f->newest;
	fake_front_reply(f, port, &ev);
	fake_front_done(f, port, cmd->tag, NULL);
}

static void tell_lagged(struct fake_front *f, uint64_t port, uint64_t tag, uint64_t from,
			uint64_t to)
{
	struct event ev = {.type = EVENT_LAGGED, .tag = tag, .time_ms = 1};
	ev.u.lagged.from = from;
	ev.u.lagged.to = to;
	fake_front_reply(f, port, &ev);
}

static void run_events(struct fake_front *f, uint64_t port, const struct command *cmd)
{
	const char *text = cmd->u.events.since;
	uint64_t since = text ? strtoull(text, NULL, 10) : f->newest, last = f->newest;
	uint64_t oldest = f->newest > f->n_kept ? f->newest - f->n_kept + 1 : 1;
	if (since > 0 && since + 1 < oldest)
		tell_lagged(f, port, cmd->tag, since + 1, oldest - 1);
	if (find(f, port))
		find(f, port)->is_following = true;
	for (uint64_t at = since + 1 > oldest ? since + 1 : oldest; at <= last; at++)
		fake_front_reply(f, port, f->kept[at % f->n_kept]);
}

static void run_queued(struct fake_front *f, const struct queued *q)
{
	f->n_commands++;
	if (q->cmd->verb == VERB_EVENTS)
		run_events(f, q->port, q->cmd);
	else if (q->cmd->verb == VERB_STATUS && !q->cmd->u.status.text)
		run_status(f, q->port, q->cmd);
	else if (f->fn)
		f->fn(f->ctx, q->port, q->cmd);
	else
		fake_front_done(f, q->port, q->cmd->tag, NULL);
}

static void queued_free(struct queued *q)
{
	list_del(&q->node);
	mem_free(q->cmd);
	mem_free(q);
}

static void on_timer(void *ctx)
{
	(void)ctx;
}

static uint64_t now_us(void)
{
	return clock_mono_us(clock_system());
}

static void on_tick(void *ctx)
{
	struct fake_front *f = ctx;
	while (!list_empty(&f->queue)) {
		struct queued *q = list_entry(f->queue.next, struct queued, node);
		if (q->due_us > now_us()) {
			timer_set(loop_timers(f->loop), &f->timer,
				  (q->due_us - now_us()) / 1000 + 1, on_timer, f);
			break;
		}
		if (find(f, q->port))
			run_queued(f, q);
		queued_free(q);
	}
	list_each_safe (it, &f->ports) {
		struct port *p = list_entry(it, struct port, node);
		if (p->fn)
			continue;
		list_del(&p->node);
		mem_free(p);
	}
}

/* ---- ports ---- */

static uint64_t due_us(struct fake_front *f, const struct command *cmd)
{
	if (f->delay_ms == 0 || cmd->verb == VERB_EVENTS || cmd->verb == VERB_STATUS)
		return 0;
	uint64_t from = f->last_due_us > now_us() ? f->last_due_us : now_us();
	return f->last_due_us = from + f->delay_ms * 1000;
}

void fake_front_delay(struct fake_front *f, unsigned ms)
{
	f->delay_ms = ms;
}

static enum err port_submit(void *impl, const struct command *cmd)
{
	struct port *p = impl;
	struct queued *q = mem_new(sizeof *q);
	q->port = p->id;
	q->cmd = command_copy(cmd);
	q->due_us = due_us(p->front, cmd);
	list_add(&p->front->queue, &q->node);
	return ERR_OK;
}

static void port_close(void *impl)
{
	struct port *p = impl;
	p->fn = NULL;
}

static enum err open_port(void *ctx, front_event_fn *fn, void *fn_ctx,
			  struct front_port *out)
{
	static const struct front_port_ops ops = {.submit = port_submit,
						  .close = port_close};
	struct fake_front *f = ctx;
	struct port *p = mem_new(sizeof *p);
	*p = (struct port){.front = f, .id = ++f->last_port, .fn = fn, .fn_ctx = fn_ctx};
	list_add(&f->ports, &p->node);
	*out = (struct front_port){&ops, p};
	return ERR_OK;
}

struct front_source fake_front_source(struct fake_front *f)
{
	return (struct front_source){open_port, f};
}

/* ---- life ---- */

struct fake_front *fake_front_new(struct loop *l)
{
	struct fake_front *f = mem_new(sizeof *f);
	f->loop = l;
	list_init(&f->ports);
	list_init(&f->queue);
	fake_front_keep(f, KEPT_FIRST);
	loop_tick_add(l, &f->tick, on_tick, f);
	return f;
}

void fake_front_keep(struct fake_front *f, size_t n)
{
	for (size_t i = 0; i < f->n_kept; i++)
		mem_free(f->kept[i]);
	mem_free(f->kept);
	f->kept = mem_array(n, sizeof *f->kept);
	f->n_kept = n;
	f->newest = 0;
}

void fake_front_on_command(struct fake_front *f,
			   void (*fn)(void *ctx, uint64_t port,
				      const struct command *cmd),
			   void *ctx)
{
	f->fn = fn;
	f->ctx = ctx;
}

size_t fake_front_ports(const struct fake_front *f)
{
	size_t n = 0;
	list_each (it, &f->ports)
		n += list_entry(it, struct port, node)->fn != NULL;
	return n;
}

size_t fake_front_commands(const struct fake_front *f)
{
	return f->n_commands;
}

void fake_front_free(struct fake_front *f)
{
	if (!f)
		return;
	loop_tick_del(&f->tick);
	timer_stop(&f->timer);
	while (!list_empty(&f->queue))
		queued_free(list_entry(f->queue.next, struct queued, node));
	list_each_safe (it, &f->ports)
		mem_free(list_entry(it, struct port, node));
	for (size_t i = 0; i < f->n_kept; i++)
		mem_free(f->kept[i]);
	mem_free(f->kept);
	mem_free(f);
}
