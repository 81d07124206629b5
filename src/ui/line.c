/*
 * line: lines from stdin, lines to stdout: for dumb terminals, screen readers, pipes
 * and logs. On a terminal there is a prompt with the current conversation; the system
 * edits the line.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/stream.h"
#include "ui/cmdline.h"
#include "ui/evjson.h"
#include "ui/evtext.h"
#include "ui/feed.h"
#include "ui/frontend.h"
#include "ui/help.h"
#include "ui/ink.h"
#include "ui/outfile.h"
#include "ui/pending.h"
#include "ui/tty.h"

enum {
	LINE_MAX_BYTES = 64 << 10,
	LOOK_AGAIN_MS = 10,
	READ_MS = 500, /* many messages are read at once */
	NAME_BYTES = 64,
	TROUBLE_BYTES = 1000,
	/* Without a terminal the end comes with the last line, so a message is waited
	 * for; on one people see the delivery as it happens. */
	PIPED_WAIT_S = 10
};

/* Tags: plain numbers for what was typed, and a bit for what nobody typed. */
#define TAG_QUIET (UINT64_C(1) << 60) /* its success needs no words */
#define TAG_BANNER (UINT64_C(1) << 61)
#define TAG_QUERY (UINT64_C(1) << 62)
#define TAG_EXPORT (UINT64_C(1) << 59)

struct line {
	struct frontend_config cfg;
	struct stream *stream;
	struct feed *feed;
	struct evtext *text;
	struct timer timer;
	struct timer read_timer;
	char *read_who; /* somebody said something; NULL: all is told as read */
	struct pending pending;
	uint64_t last_tag;
	char *who, *who_name; /* the current conversation; NULL: none */
	struct outfile *export; /* under way; NULL: none */
	bool is_tty;
	bool is_querying; /* the lines after it wait for the answer */
	bool is_paused;
	bool is_prompted; /* the cursor stands behind a prompt */
	bool is_ending, is_over;
	int status;
};

/* ---- what is written ---- */

static void write_text(struct line *l, const char *s)
{
	/* A full queue is the feed's affair; what is lost here is a prompt. */
	(void)stream_write(l->stream, slice_str(s));
}

static char *prompt(const struct line *l)
{
	struct ink k;
	ink_init(&k, tty_is_color(STDOUT_FILENO), 0);
	ink_style(&k, INK_BOLD);
	ink_put(&k, "[");
	ink_name(&k, l->who ? l->who_name : "nobody", NAME_BYTES);
	ink_put(&k, "]");
	ink_style(&k, INK_NORMAL);
	ink_put(&k, " ");
	return ink_take(&k);
}

static void show_prompt(struct line *l)
{
	if (!l->is_tty || l->is_prompted || l->is_ending || l->is_querying)
		return;
	char *p = prompt(l);
	write_text(l, p);
	mem_free(p);
	l->is_prompted = true;
}

/* Before and after text that comes while somebody may be typing. */
static char *around_prompt(const struct line *l, char *text)
{
	if (!text || !l->is_prompted)
		return text;
	char *p = prompt(l);
	char *all = mem_printf("%s%s%s", tty_is_smart(STDOUT_FILENO) ? "\r\x1b[K" : "\n",
			       text, p);
	mem_free(p);
	mem_free(text);
	return all;
}

/* Lines of our own, as events are shown. */
static void say_event(struct line *l, const struct event *ev)
{
	char *text = around_prompt(l, evtext_take(l->text, ev));
	if (text)
		write_text(l, text);
	mem_free(text);
}

static void say_wrong(struct line *l, const char *why)
{
	struct event ev = {.type = EVENT_ERROR};
	ev.u.error.text = why;
	say_event(l, &ev);
}

static void say(struct line *l, const char *what)
{
	struct event ev = {.type = EVENT_DONE};
	ev.u.done.text = what;
	say_event(l, &ev);
}

/* ---- the end ---- */

static void on_timer(void *ctx);

static void look_again(struct line *l, unsigned ms)
{
	timer_set(loop_timers(l->cfg.loop), &l->timer, ms, on_timer, l);
}

static void set_pause(struct line *l)
{
	bool was = l->is_paused;
	l->is_paused = l->is_querying || l->is_ending || pending_is_full(&l->pending);
	if (l->is_paused != was)
		stream_pause(l->stream, l->is_paused);
}

static void on_timer(void *ctx)
{
	struct line *l = ctx;
	set_pause(l);
	show_prompt(l);
	if (!l->is_ending || l->is_over || l->pending.n > 0)
		return;
	if (stream_queued(l->stream) > 0) {
		look_again(l, LOOK_AGAIN_MS);
		return;
	}
	l->is_over = true;
	l->cfg.on_end(l->cfg.ctx, l->status);
}

static void end(struct line *l, int status)
{
	l->is_ending = true;
	l->status = status;
	if (l->is_tty || status != 0)
		l->pending.n = 0;
	look_again(l, 0);
}

/* ---- commands ---- */

static void submit(struct line *l, struct command *cmd)
{
	if (cmd->tag == 0)
		cmd->tag = ++l->last_tag;
	evtext_expect(l->text, cmd->tag, cmd->verb);
	if (cmd->verb == VERB_HISTORY && cmd->u.history.ids)
		evtext_ids(l->text, cmd->tag);
	pending_add(&l->pending, cmd);
	enum err e = feed_submit(l->feed, cmd);
	if (e != ERR_OK) {
		say_wrong(l,
			  e == ERR_IO ? "the node is gone" : "that is too long to send");
		end(l, 5);
	}
	set_pause(l);
}

static void choose(struct line *l, const char *who, const char *name)
{
	char *new_who = mem_strdup(who), *new_name = mem_strdup(name);
	mem_free(l->who);
	mem_free(l->who_name);
	l->who = new_who;
	l->who_name = new_name;
}

static void query(struct line *l, const struct command *cmd)
{
	const char *who = cmd->u.query.who;
	if (!who || strcmp(who, "#lan") == 0) {
		choose(l, "#lan", "#lan");
		return;
	}
	struct command whois = {.verb = VERB_WHOIS, .tag = TAG_QUERY | ++l->last_tag};
	whois.u.whois.who = who;
	l->is_querying = true;
	submit(l, &whois);
}

/* /export FILE, or /export WHO --file FILE. */
static void export(struct line *l, const struct command *cmd)
{
	struct command own = *cmd;
	char *why = NULL;
	const char *path = cmd->u.export.file;
	if (path == NULL) {
		path = cmd->u.export.who;
		own.u.export.who = NULL;
	}
	own.u.export.file = NULL;
	own.tag = TAG_EXPORT | ++l->last_tag;
	if (path == NULL)
		why = mem_strdup("/export FILE writes all that is kept into a new file");
	else if (l->export != NULL)
		why = mem_strdup("an export is under way already");
	else if (outfile_new(path, &l->export, &why) == ERR_OK)
		submit(l, &own);
	if (why != NULL)
		say_wrong(l, why);
	mem_free(why);
}

/* What is said at its end; NULL: it goes on. */
static char *on_export_reply(struct line *l, const struct event *ev)
{
	bool is_end = ev->type == EVENT_DONE || ev->type == EVENT_ERROR;
	struct event told = *ev;
	char *why = NULL, *text;
	if (l->export == NULL)
		return evtext_take(l->text, ev);
	if (!is_end) {
		told.tag = 0;
		char *line = evjson_event(&told);
		outfile_line(l->export, line);
		mem_free(line);
		return NULL;
	}
	enum err e = outfile_end(l->export, ev->type == EVENT_DONE, &why);
	l->export = NULL;
	if (e != ERR_OK && ev->type == EVENT_DONE) {
		told.type = EVENT_ERROR;
		told.u.error = (struct event_error){.status = 5, .text = why};
	}
	text = evtext_take(l->text, &told);
	mem_free(why);
	return text;
}

static void help(struct line *l, const struct command *cmd)
{
	char *text;
	if (help_text(cmd->u.help.verb, true, &text) == ERR_OK)
		write_text(l, text);
	else
		say_wrong(l, text);
	mem_free(text);
}

static void version(struct line *l, const struct command *cmd)
{
	(void)cmd;
	say(l, "p2pmsg " P2PMSG_VERSION);
}

static void quit(struct line *l, const struct command *cmd)
{
	struct command own = *cmd;
	if (cmd->u.quit.node)
		submit(l, &own);
	end(l, 0);
}

/* What is done here and not by the node. */
static const struct {
	enum verb verb;
	void (*run)(struct line *l, const struct command *cmd);
} own_verbs[] = {
	{VERB_QUERY, query},	 {VERB_EXPORT, export}, {VERB_HELP, help},
	{VERB_VERSION, version}, {VERB_QUIT, quit},
};

/* What says something: its outcome is an event. */
static bool is_saying(const struct command *cmd)
{
	static const enum verb verbs[] = {VERB_MSG,  VERB_ME,	  VERB_REPLY,
					  VERB_EDIT, VERB_DELETE, VERB_REACT};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (cmd->verb == verbs[i])
			return true;
	return false;
}

static void wait_if_piped(const struct line *l, struct command *cmd, char *room,
			  size_t max)
{
	if (l->is_tty || !is_saying(cmd))
		return;
	int index = command_arg_find(command_row(cmd->verb), "wait");
	if (cmd->u.arg[index])
		return;
	snprintf(room, max, "%d", PIPED_WAIT_S);
	cmd->u.arg[index] = room;
}

static void run(struct line *l, struct command *cmd)
{
	char wait[16];
	for (size_t i = 0; i < sizeof own_verbs / sizeof *own_verbs; i++) {
		if (own_verbs[i].verb != cmd->verb)
			continue;
		own_verbs[i].run(l, cmd);
		return;
	}
	if (is_saying(cmd))
		cmd->tag = TAG_QUIET | ++l->last_tag;
	/* The name may mean another key now: the next text must not go to the old one. */
	if (cmd->verb == VERB_TRUST && cmd->u.trust.id && l->who &&
	    strcmp(l->who, "#lan") != 0)
		choose(l, NULL, NULL);
	wait_if_piped(l, cmd, wait, sizeof wait);
	submit(l, cmd);
}

/* ---- what comes in ---- */

static void on_line(void *ctx, struct slice line)
{
	struct line *l = ctx;
	struct command *cmd = NULL;
	char *why;
	if (l->is_ending)
		return;
	l->is_prompted = false; /* the terminal has echoed the end of the line */
	enum err e = cmdline_slash(line, l->who, &cmd, &why);
	if (e == ERR_OK)
		run(l, cmd);
	else if (e != ERR_WAIT)
		say_wrong(l, why);
	mem_free(cmd);
	mem_free(why);
	show_prompt(l);
}

static void on_end(void *ctx, enum err why)
{
	struct line *l = ctx;
	if (why == ERR_LIMIT)
		say_wrong(l, "a line may have 65536 bytes; this one was not sent");
	if (l->is_prompted && why == ERR_OK)
		write_text(l, "\n");
	l->is_prompted = false;
	end(l, why == ERR_LIMIT ? 1 : 0);
}

/* The node introduces itself to somebody who has just come. */
static char *banner(const struct event *ev)
{
	const struct event_node *n = &ev->u.node;
	struct ink k;
	ink_init(&k, false, 0);
	ink_printf(&k, "-- p2pmsg %s; you are ", P2PMSG_VERSION);
	ink_name(&k, n->nick, NAME_BYTES);
	ink_printf(&k, ", %llu online; /help lists the commands\n",
		   (unsigned long long)n->online);
	if (n->trouble) {
		ink_put(&k, "-! warning: ");
		ink_name(&k, n->trouble, TROUBLE_BYTES);
		ink_put(&k, "\n");
	}
	return ink_take(&k);
}

/* ---- what was read ---- */

/* On a terminal somebody has it before his eyes. */
static void tell_read(struct line *l)
{
	struct command cmd = {.verb = VERB_READ, .tag = TAG_QUIET | ++l->last_tag};
	cmd.u.read.who = l->read_who;
	if (!l->is_ending)
		submit(l, &cmd);
	mem_free(l->read_who);
	l->read_who = NULL;
}

static void on_read_timer(void *ctx)
{
	tell_read(ctx);
}

static void note_read(struct line *l, const struct event *ev)
{
	const struct event_message *m = &ev->u.message;
	if (!l->is_tty || ev->type != EVENT_MESSAGE || ev->cursor == 0 ||
	    strcmp(m->direction, "in") != 0 || strcmp(m->conv, "#lan") == 0)
		return;
	if (l->read_who && strcmp(l->read_who, m->conv) != 0)
		tell_read(l);
	if (l->read_who)
		return;
	l->read_who = mem_strdup(m->conv);
	timer_set(loop_timers(l->cfg.loop), &l->read_timer, READ_MS, on_read_timer, l);
}

static char *on_query_reply(struct line *l, const struct event *ev)
{
	const struct event_whois *w = &ev->u.whois;
	if (ev->type == EVENT_WHOIS && w->id) {
		choose(l, w->id, w->name ? w->name : w->id);
		return NULL;
	}
	if (ev->type != EVENT_DONE && ev->type != EVENT_ERROR)
		return NULL;
	l->is_querying = false;
	look_again(l, 0);
	if (ev->type == EVENT_DONE)
		return NULL;
	/* What was meant for somebody must not go to whoever was current before. */
	mem_free(l->who);
	l->who = NULL;
	return evtext_take(l->text, ev);
}

static bool is_quiet(const struct event *ev)
{
	return ev->tag & (TAG_QUIET | TAG_BANNER) && ev->type == EVENT_DONE;
}

static char *format(void *ctx, const struct event *ev)
{
	struct line *l = ctx;
	char *text = NULL;
	if (pending_take(&l->pending, ev))
		look_again(l, 0);
	note_read(l, ev);
	evtext_columns_set(l->text, tty_columns(STDOUT_FILENO));
	if (ev->tag & TAG_QUERY)
		text = on_query_reply(l, ev);
	else if (ev->tag & TAG_EXPORT)
		text = on_export_reply(l, ev);
	else if (ev->tag & TAG_BANNER && ev->type == EVENT_NODE)
		text = banner(ev);
	else if (!is_quiet(ev))
		text = evtext_take(l->text, ev);
	return around_prompt(l, text);
}

static void on_stuck(void *ctx)
{
	end(ctx, 5);
}

/* ---- life ---- */

static void begin(struct line *l)
{
	struct command events = {.verb = VERB_EVENTS};
	struct command status = {.verb = VERB_STATUS, .tag = TAG_BANNER};
	if (l->cfg.is_own_node)
		events.u.events.since = "0";
	choose(l, "#lan", "#lan");
	if (l->is_tty)
		submit(l, &status);
	submit(l, &events);
	show_prompt(l);
}

static void line_stop(void *impl)
{
	struct line *l = impl;
	if (!l)
		return;
	timer_stop(&l->timer);
	timer_stop(&l->read_timer);
	mem_free(l->read_who);
	feed_stop(l->feed);
	stream_free(l->stream);
	outfile_free(l->export);
	evtext_free(l->text);
	mem_free(l->who);
	mem_free(l->who_name);
	mem_free(l);
}

static enum err open_parts(struct line *l)
{
	static const struct stream_handlers handlers = {on_line, on_end, NULL};
	struct evtext_config text = {
		.is_color = tty_is_color(STDOUT_FILENO),
		.has_qr = isatty(STDOUT_FILENO),
	};
	l->text = evtext_new(&text);
	enum err e = stream_open(l->cfg.loop, STDIN_FILENO, STDOUT_FILENO, LINE_MAX_BYTES,
				 FEED_HARD_BYTES, &handlers, l, &l->stream);
	struct feed_config feed = {
		.loop = l->cfg.loop,
		.source = l->cfg.source,
		.stream = l->stream,
		.tag = FEED_TAG_CLIENT,
		.format = format,
		.on_stuck = on_stuck,
		.ctx = l,
	};
	return e == ERR_OK ? feed_start(&feed, &l->feed) : e;
}

static enum err line_start(const struct frontend_config *cfg, void **out)
{
	struct line *l = mem_new(sizeof *l);
	l->cfg = *cfg;
	l->is_tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	enum err e = open_parts(l);
	if (e == ERR_OK) {
		begin(l);
		*out = l;
	} else {
		line_stop(l);
	}
	return e;
}

const struct frontend_ops frontend_line = {"line", line_start, line_stop};
