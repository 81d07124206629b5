#include "ui/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { LOOK_AGAIN_MS = 20, RESUME_BYTES = FEED_SOFT_BYTES / 4 };

enum state { FLOWING, CUT, CATCHING_UP };

struct feed {
	struct feed_config cfg;
	struct front_port port;
	struct timer timer;
	enum state state;
	uint64_t cursor; /* of the last event written */
	uint64_t newest; /* of the newest event that went by */
	uint64_t newest_ms; /* when that happened */
	uint64_t told_to; /* the reader knows that it is late up to here */
	bool may_skip; /* what follows the cursor is lost, and the reader was told */
	bool is_stuck;
	bool is_paused; /* the port knows that we have enough */
};

/* ---- out ---- */

static enum err write_event(struct feed *f, const struct event *ev)
{
	char *text = f->cfg.format(f->cfg.ctx, ev);
	enum err e = text ? stream_write(f->cfg.stream, slice_str(text)) : ERR_OK;
	mem_free(text);
	return e;
}

static void on_timer(void *ctx);

static void look_again(struct feed *f, unsigned ms)
{
	timer_set(loop_timers(f->cfg.loop), &f->timer, ms, on_timer, f);
}

static void pause(struct feed *f, bool is_full)
{
	if (f->is_paused == is_full || !f->port.ops->pause)
		return;
	f->is_paused = is_full;
	f->port.ops->pause(f->port.impl, is_full);
	if (is_full)
		look_again(f, LOOK_AGAIN_MS);
}

static void write_reply(struct feed *f, const struct event *ev)
{
	enum err e = write_event(f, ev);
	if (stream_queued(f->cfg.stream) > FEED_SOFT_BYTES)
		pause(f, true);
	if (e == ERR_OK || f->is_stuck)
		return;
	f->is_stuck = true;
	look_again(f, 0);
}

/* ---- kept events ---- */

static void let_go_by(struct feed *f, const struct event *ev)
{
	if (f->state == FLOWING) {
		if (f->cursor == 0)
			f->cursor = ev->cursor - 1;
		f->may_skip = false;
		look_again(f, LOOK_AGAIN_MS);
	}
	f->state = CUT;
	f->newest = ev->cursor;
	f->newest_ms = ev->time_ms;
}

/* Live events still come while the old ones are on their way. */
static bool is_next(const struct feed *f, const struct event *ev)
{
	return ev->cursor == f->cursor + 1 || f->may_skip || f->cursor == 0;
}

static void write_kept(struct feed *f, const struct event *ev)
{
	if (f->state == CATCHING_UP && is_next(f, ev))
		f->state = FLOWING;
	if (f->state == CATCHING_UP)
		return;
	if (f->state == CUT || stream_queued(f->cfg.stream) > FEED_SOFT_BYTES) {
		let_go_by(f, ev);
		return;
	}
	f->cursor = ev->cursor;
	write_reply(f, ev);
}

/* ---- our own commands ---- */

static void on_own_reply(struct feed *f, const struct event *ev)
{
	struct event told = *ev;
	told.tag = 0;
	if (ev->type == EVENT_LAGGED)
		f->may_skip = true;
	if (ev->type == EVENT_LAGGED || ev->type == EVENT_NODE)
		write_reply(f, &told);
}

static void tell_late(struct feed *f)
{
	struct event ev = {.type = EVENT_LAGGED, .time_ms = f->newest_ms};
	ev.u.lagged.from = f->cursor + 1;
	ev.u.lagged.to = f->newest;
	ev.u.lagged.late = true;
	if (f->cursor >= f->told_to)
		write_reply(f, &ev);
	f->told_to = f->newest;
}

static void catch_up(struct feed *f)
{
	char since[24];
	struct command cmd = {.verb = VERB_EVENTS, .tag = f->cfg.tag};
	snprintf(since, sizeof since, "%" PRIu64, f->cursor);
	cmd.u.events.since = since;
	f->state = CATCHING_UP;
	tell_late(f);
	f->port.ops->submit(f->port.impl, &cmd);
}

static void on_timer(void *ctx)
{
	struct feed *f = ctx;
	if (f->is_stuck) {
		f->cfg.on_stuck(f->cfg.ctx);
		return;
	}
	if (!f->is_paused && f->state != CUT)
		return;
	if (stream_queued(f->cfg.stream) > RESUME_BYTES) {
		look_again(f, LOOK_AGAIN_MS);
		return;
	}
	pause(f, false);
	if (f->state == CUT)
		catch_up(f);
}

/* Frames are not kept, and there may be more of them than anybody can read. */
static bool is_too_much(const struct feed *f, const struct event *ev)
{
	return ev->type == EVENT_TRACE && stream_queued(f->cfg.stream) > FEED_SOFT_BYTES;
}

static void on_event(void *ctx, const struct event *ev)
{
	struct feed *f = ctx;
	if (is_too_much(f, ev))
		return;
	if (ev->tag == f->cfg.tag)
		on_own_reply(f, ev);
	else if (ev->cursor != 0)
		write_kept(f, ev);
	else
		write_reply(f, ev);
}

/* ---- life ---- */

enum err feed_start(const struct feed_config *cfg, struct feed **out)
{
	struct feed *f = mem_new(sizeof *f);
	f->cfg = *cfg;
	enum err e = cfg->source.open(cfg->source.ctx, on_event, f, &f->port);
	if (e == ERR_OK)
		*out = f;
	else
		mem_free(f);
	return e;
}

void feed_stop(struct feed *f)
{
	if (!f)
		return;
	timer_stop(&f->timer);
	f->port.ops->close(f->port.impl);
	mem_free(f);
}

enum err feed_submit(struct feed *f, const struct command *cmd)
{
	if (cmd->verb == VERB_EVENTS) {
		const char *since = cmd->u.events.since;
		f->state = FLOWING;
		f->cursor = since ? strtoull(since, NULL, 10) : 0;
	}
	return f->port.ops->submit(f->port.impl, cmd);
}

enum err feed_greet(struct feed *f)
{
	struct command cmd = {.verb = VERB_STATUS, .tag = f->cfg.tag};
	return f->port.ops->submit(f->port.impl, &cmd);
}
