/*
 * oneshot: one command of a shell: its replies on stdout, its failure on stderr and as
 * the exit status.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/stream.h"
#include "ui/evjson.h"
#include "ui/evtext.h"
#include "ui/feed.h"
#include "ui/frontend.h"
#include "ui/shelltext.h"
#include "ui/tty.h"

enum { LOOK_AGAIN_MS = 5, TAG_COMMAND = 1, TAG_THEN = 2, TEXT_BYTES = 2000 };

struct oneshot {
	struct frontend_config cfg;
	struct stream *stream;
	struct feed *feed;
	struct evtext *text;
	struct timer timer;
	bool is_endless; /* ends when it is interrupted, or its reader goes */
	bool is_then_due;
	bool has_printed;
	bool is_ending, is_over;
	int status;
};

/* ---- the end ---- */

static void on_timer(void *ctx);

static void look_again(struct oneshot *o, unsigned ms)
{
	timer_set(loop_timers(o->cfg.loop), &o->timer, ms, on_timer, o);
}

static void end(struct oneshot *o, int status)
{
	if (o->is_ending)
		return;
	o->is_ending = true;
	o->status = status;
	look_again(o, 0);
}

static void submit(struct oneshot *o, const struct command *cmd, uint64_t tag)
{
	struct command own = *cmd;
	own.tag = tag;
	evtext_expect(o->text, tag, cmd->verb);
	if (cmd->verb == VERB_HISTORY && cmd->u.history.ids)
		evtext_ids(o->text, tag);
	enum err e = feed_submit(o->feed, &own);
	if (e == ERR_OK)
		return;
	fprintf(stderr, "p2pmsg: %s\n",
		e == ERR_RANGE ? "that is too long to send" : "the node is gone");
	end(o, e == ERR_RANGE ? 1 : 5);
}

static void on_timer(void *ctx)
{
	struct oneshot *o = ctx;
	if (o->is_then_due) {
		o->is_then_due = false;
		submit(o, o->cfg.then, TAG_THEN);
	}
	if (!o->is_ending || o->is_over)
		return;
	if (stream_queued(o->stream) > 0) {
		look_again(o, LOOK_AGAIN_MS);
		return;
	}
	o->is_over = true;
	o->cfg.on_end(o->cfg.ctx, o->status);
}

/* ---- what comes ---- */

static void on_error(struct oneshot *o, const struct event *ev)
{
	const char *why = ev->u.error.text ? ev->u.error.text : "it failed";
	char *words = shelltext(why);
	char *safe = text_safe(slice_str(words), TEXT_NAME, TEXT_BYTES);
	if (!o->cfg.is_json || o->cfg.command->verb == VERB_EXPORT)
		fprintf(stderr, "p2pmsg: %s\n", safe);
	mem_free(safe);
	mem_free(words);
	end(o, ev->u.error.status <= 5 ? (int)ev->u.error.status : 5);
}

/* The exit status tells of success; so a list is its rows, and `id --json` is one
 * line. */
static bool is_superfluous(const struct oneshot *o, const struct event *ev)
{
	enum verb verb = o->cfg.command->verb;
	return ev->type == EVENT_DONE &&
	       (o->has_printed || verb == VERB_PEERS || verb == VERB_EXPORT);
}

static char *json_line(struct oneshot *o, const struct event *ev)
{
	struct event told = *ev;
	told.tag = 0; /* there is one command only */
	o->has_printed = true;
	char *json = evjson_event(&told);
	char *line = mem_printf("%s\n", json);
	mem_free(json);
	return line;
}

/* The command's success is told once, when what follows it is done too. */
static bool is_first_half(struct oneshot *o, const struct event *ev)
{
	if (ev->type != EVENT_DONE || ev->tag != TAG_COMMAND || !o->cfg.then)
		return false;
	o->is_then_due = true;
	look_again(o, 0);
	return true;
}

static char *format(void *ctx, const struct event *ev)
{
	struct oneshot *o = ctx;
	if (o->is_ending || is_first_half(o, ev))
		return NULL;
	if (ev->type == EVENT_ERROR)
		on_error(o, ev);
	if (ev->type == EVENT_DONE)
		end(o, 0);
	if (ev->type == EVENT_ERROR && o->cfg.command->verb == VERB_EXPORT)
		return NULL;
	if (o->cfg.is_json)
		return is_superfluous(o, ev) ? NULL : json_line(o, ev);
	return ev->type == EVENT_ERROR ? NULL : evtext_take(o->text, ev);
}

/* The reader of our output went: a follower has done what it could, and any other
 * command has failed, whatever the node said. */
static void on_end(void *ctx, enum err why)
{
	struct oneshot *o = ctx;
	(void)why;
	end(o, 0);
	if (o->is_endless || o->is_over)
		return;
	fprintf(stderr, "p2pmsg: the output cannot be written (is the disk full, or its "
			"reader gone?)\n");
	o->status = 5;
}

static void on_stuck(void *ctx)
{
	on_end(ctx, ERR_FULL);
}

/* ---- life ---- */

static void oneshot_stop(void *impl)
{
	struct oneshot *o = impl;
	if (!o)
		return;
	timer_stop(&o->timer);
	feed_stop(o->feed);
	stream_free(o->stream);
	evtext_free(o->text);
	mem_free(o);
}

static void on_no_line(void *ctx, struct slice line)
{
	(void)ctx;
	(void)line;
}

static enum err open_parts(struct oneshot *o)
{
	static const struct stream_handlers handlers = {on_no_line, on_end, NULL};
	struct evtext_config text = {
		.is_color = tty_is_color(STDOUT_FILENO),
		.has_qr = isatty(STDOUT_FILENO),
		.is_bare = true,
		.columns = tty_columns(STDOUT_FILENO),
	};
	o->text = evtext_new(&text);
	enum err e = stream_open(o->cfg.loop, -1, STDOUT_FILENO, 1, FEED_HARD_BYTES,
				 &handlers, o, &o->stream);
	struct feed_config feed = {
		.loop = o->cfg.loop,
		.source = o->cfg.source,
		.stream = o->stream,
		.tag = FEED_TAG_CLIENT,
		.format = format,
		.on_stuck = on_stuck,
		.ctx = o,
	};
	return e == ERR_OK ? feed_start(&feed, &o->feed) : e;
}

static enum err oneshot_start(const struct frontend_config *cfg, void **out)
{
	struct oneshot *o = mem_new(sizeof *o);
	enum verb verb = cfg->command->verb;
	o->cfg = *cfg;
	/* An export is for programs. */
	o->cfg.is_json = cfg->is_json || verb == VERB_EXPORT;
	o->is_endless = verb == VERB_EVENTS || verb == VERB_TRACE;
	enum err e = open_parts(o);
	if (e == ERR_OK) {
		submit(o, cfg->command, TAG_COMMAND);
		*out = o;
	} else {
		oneshot_stop(o);
	}
	return e;
}

const struct frontend_ops frontend_oneshot = {"oneshot", oneshot_start, oneshot_stop};
