#include "ui/jsonport.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/stream.h"
#include "ui/evjson.h"
#include "ui/feed.h"
#include "ui/pending.h"

enum { LOOK_AGAIN_MS = 10 };

struct jsonport {
	struct jsonport_config cfg;
	struct stream *stream;
	struct feed *feed;
	struct timer timer;
	struct pending pending;
	bool is_paused;
	bool is_following;
	bool is_ending; /* nothing more is read; over when all is answered and written */
	bool is_broken;
	int status;
};

/* ---- the end ---- */

bool jsonport_is_open(const struct jsonport *p)
{
	struct pollfd fd = {.fd = p->cfg.in};
	return poll(&fd, 1, 0) <= 0 || !(fd.revents & (POLLHUP | POLLERR));
}

static bool is_written(const struct jsonport *p)
{
	return stream_queued(p->stream) == 0;
}

/* All commands are answered, and nobody waits for events. */
static bool is_done(const struct jsonport *p)
{
	return p->is_ending && p->pending.n == 0 &&
	       (p->cfg.ends_with_input || !p->is_following);
}

static void on_timer(void *ctx);

static void look_again(struct jsonport *p, unsigned ms)
{
	if (!timer_is_set(&p->timer) || ms == 0)
		timer_set(loop_timers(p->cfg.loop), &p->timer, ms, on_timer, p);
}

static void set_pause(struct jsonport *p)
{
	bool was = p->is_paused;
	p->is_paused = pending_is_full(&p->pending) || p->is_ending ||
		       stream_queued(p->stream) > FEED_SOFT_BYTES;
	if (p->is_paused != was)
		stream_pause(p->stream, p->is_paused);
}

static void on_timer(void *ctx)
{
	struct jsonport *p = ctx;
	set_pause(p);
	if (p->is_broken || (is_done(p) && is_written(p)))
		p->cfg.on_over(p->cfg.ctx, p->status);
	else if (is_done(p) || (p->is_paused && !p->is_ending))
		look_again(p, LOOK_AGAIN_MS);
}

static void end(struct jsonport *p)
{
	p->is_ending = true;
	p->is_following = false;
}

static void give_up(struct jsonport *p, int status)
{
	p->is_broken = true;
	p->status = status;
	look_again(p, 0);
}

/* ---- out ---- */

static char *format(void *ctx, const struct event *ev)
{
	struct jsonport *p = ctx;
	if (pending_take(&p->pending, ev) && p->is_paused)
		look_again(p, 0);
	char *json = evjson_event(ev);
	char *line = mem_printf("%s\n", json);
	mem_free(json);
	return line;
}

static void say_error(struct jsonport *p, uint64_t tag, const char *text)
{
	struct event ev = {.type = EVENT_ERROR,
			   .tag = tag,
			   .time_ms = clock_wall_ms(clock_system())};
	ev.u.error.status = 1;
	ev.u.error.text = text;
	char *json = evjson_event(&ev);
	char *line = mem_printf("%s\n", json);
	if (stream_write(p->stream, slice_str(line)) == ERR_FULL)
		give_up(p, 0);
	mem_free(line);
	mem_free(json);
}

static void on_stuck(void *ctx)
{
	give_up(ctx, 0);
}

/* ---- in ---- */

static void submit(struct jsonport *p, const struct command *cmd)
{
	pending_add(&p->pending, cmd);
	enum err e = feed_submit(p->feed, cmd);
	if (e == ERR_RANGE)
		say_error(p, cmd->tag, "the command is too long");
	else if (e != ERR_OK)
		give_up(p, 5);
	if (e != ERR_OK)
		return;
	if (cmd->verb == VERB_EVENTS)
		p->is_following = true;
	if (cmd->verb == VERB_QUIT)
		end(p);
	set_pause(p);
	if (p->is_paused)
		look_again(p, LOOK_AGAIN_MS);
}

static void on_line(void *ctx, struct slice line)
{
	struct jsonport *p = ctx;
	struct command *cmd = NULL;
	uint64_t tag;
	char *why;
	if (p->is_ending || p->is_broken)
		return;
	if (evjson_command_parse(line, &cmd, &tag, &why) != ERR_OK)
		say_error(p, tag, why);
	else if (tag == p->cfg.tag)
		say_error(p, tag, "this tag is taken: use a smaller one");
	else
		submit(p, cmd);
	mem_free(why);
	mem_free(cmd);
}

static void on_end(void *ctx, enum err why)
{
	struct jsonport *p = ctx;
	if (why == ERR_LIMIT)
		say_error(p, 0, "a line may have 131072 bytes; this is the end");
	if (why == ERR_IO ||
	    (why == ERR_OK && !p->cfg.ends_with_input && !jsonport_is_open(p))) {
		give_up(p, 0);
		return;
	}
	if (why == ERR_LIMIT)
		end(p);
	p->is_ending = true;
	p->is_paused = true;
	look_again(p, 0);
}

/* ---- life ---- */

static enum err open_feed(struct jsonport *p)
{
	struct feed_config cfg = {
		.loop = p->cfg.loop,
		.source = p->cfg.source,
		.stream = p->stream,
		.tag = p->cfg.tag,
		.format = format,
		.on_stuck = on_stuck,
		.ctx = p,
	};
	enum err e = feed_start(&cfg, &p->feed);
	return e == ERR_OK ? feed_greet(p->feed) : e;
}

enum err jsonport_start(const struct jsonport_config *cfg, struct jsonport **out)
{
	static const struct stream_handlers handlers = {on_line, on_end, NULL};
	struct jsonport *p = mem_new(sizeof *p);
	p->cfg = *cfg;
	enum err e = stream_open(cfg->loop, cfg->in, cfg->out, EVJSON_COMMAND_MAX,
				 FEED_HARD_BYTES, &handlers, p, &p->stream);
	if (e == ERR_OK)
		e = open_feed(p);
	else if (cfg->in > STDERR_FILENO)
		close(cfg->in);
	if (e == ERR_OK)
		*out = p;
	else
		jsonport_stop(p);
	return e;
}

void jsonport_stop(struct jsonport *p)
{
	if (!p)
		return;
	timer_stop(&p->timer);
	feed_stop(p->feed);
	stream_free(p->stream);
	mem_free(p);
}
