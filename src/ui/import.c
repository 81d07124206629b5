/*
 * import: the lines of an export, each one as a command to the node. Some are under way
 * at a time; the first that is wrong ends it, and what was before it is kept.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/stream.h"
#include "ui/evjson.h"
#include "ui/feed.h"
#include "ui/frontend.h"

enum { UNDER_WAY_MAX = 48, UNDER_WAY_LOW = 16, NUMBER_BYTES = 24, WHY_BYTES = 1000 };

struct import {
	struct frontend_config cfg;
	struct stream *in;
	struct stream *out; /* what a feed needs; nothing is written to it */
	struct feed *feed;
	struct timer timer;
	uint64_t line; /* the last one that was read */
	unsigned under_way;
	uint64_t n_messages, n_records, n_known;
	uint64_t bad_line; /* the first of them; 0: none, or it is not a line's fault */
	char *why; /* NULL: all is well so far */
	int status;
	bool is_ended, is_paused, is_over;
};

/* ---- the end ---- */

static void print(const struct import *m)
{
	char *text =
		mem_printf("%" PRIu64 " messages and %" PRIu64
			   " other records were taken in, %" PRIu64 " were known already",
			   m->n_messages, m->n_records, m->n_known);
	struct event ev = {.type = EVENT_DONE, .time_ms = clock_wall_ms(clock_system())};
	ev.u.done.text = text;
	char *json = m->cfg.is_json ? evjson_event(&ev) : NULL;
	if (m->why == NULL)
		printf("%s\n", json != NULL ? json : text);
	else if (m->bad_line != 0)
		fprintf(stderr, "p2pmsg: line %" PRIu64 ": %s (%s)\n", m->bad_line,
			m->why, text);
	else
		fprintf(stderr, "p2pmsg: %s (%s)\n", m->why, text);
	mem_free(json);
	mem_free(text);
}

static void on_timer(void *ctx)
{
	struct import *m = ctx;
	bool is_done = (m->is_ended || m->why != NULL) && m->under_way == 0;
	bool pause = m->why != NULL ||
		     m->under_way >= (m->is_paused ? UNDER_WAY_LOW : UNDER_WAY_MAX);
	if (pause != m->is_paused && m->in != NULL)
		stream_pause(m->in, pause);
	m->is_paused = pause;
	if (!is_done || m->is_over)
		return;
	m->is_over = true;
	print(m);
	m->cfg.on_end(m->cfg.ctx, m->status);
}

static void look_again(struct import *m)
{
	timer_set(loop_timers(m->cfg.loop), &m->timer, 0, on_timer, m);
}

/* The first line of those that are wrong counts, whichever is answered first. */
static void fail(struct import *m, uint64_t line, int status, const char *why)
{
	look_again(m);
	if (m->why != NULL && (m->bad_line == 0 || line >= m->bad_line))
		return;
	mem_free(m->why);
	m->why = text_safe(slice_str(why), TEXT_NAME, WHY_BYTES);
	m->bad_line = line;
	m->status = status;
}

/* ---- a line ---- */

struct parsed {
	struct command cmd;
	char numbers[COMMAND_ARGS_MAX][NUMBER_BYTES];
	char *why;
};

/* Texts are borrowed from the JSON. */
static bool take_arg(struct parsed *p, const struct arg_row *arg, const json_t *value)
{
	const char **to = &p->cmd.u.arg[arg->index];
	if (json_is_string(value)) {
		*to = json_string_value(value);
	} else if (json_is_integer(value)) {
		snprintf(p->numbers[arg->index], NUMBER_BYTES, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		*to = p->numbers[arg->index];
	} else {
		p->why = mem_printf("\"%s\" is neither a text nor a whole number",
				    arg->name);
	}
	return p->why == NULL;
}

/* The fields that restore knows; the others are for people. */
static void take_args(struct parsed *p, const json_t *root)
{
	const struct command_row *row = command_row(VERB_RESTORE);
	const char *type = json_string_value(json_object_get(root, "type"));
	bool is_entry = type != NULL && strcmp(type, "entry") == 0;
	if (!is_entry && (type == NULL || strcmp(type, "record") != 0)) {
		p->why = mem_strdup("\"type\" is neither entry nor record: is this an "
				    "export?");
		return;
	}
	if (is_entry == (json_object_get(root, "kind") != NULL)) {
		p->why =
			mem_strdup("\"kind\" is what a record has, and an entry has not");
		return;
	}
	for (size_t i = 0; i < row->n_args; i++) {
		const json_t *value = json_object_get(root, row->args[i].name);
		if (value != NULL && !take_arg(p, &row->args[i], value))
			return;
	}
}

static void submit(struct import *m, const struct command *cmd)
{
	enum err e = feed_submit(m->feed, cmd);
	if (e == ERR_OK)
		m->under_way++;
	else if (e == ERR_RANGE)
		fail(m, m->line, 1, "it is too long");
	else
		fail(m, 0, 5, "the node is gone");
	if (m->under_way >= UNDER_WAY_MAX)
		look_again(m);
}

static void on_line(void *ctx, struct slice line)
{
	struct import *m = ctx;
	struct parsed p = {.cmd = {.verb = VERB_RESTORE}};
	json_error_t at;
	m->line++;
	if (m->why != NULL || line.n == 0)
		return;
	json_t *root =
		json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &at);
	if (root == NULL)
		p.why = mem_printf("that is not JSON (column %d): %s", at.column,
				   at.text);
	else if (!json_is_object(root))
		p.why = mem_strdup("that is no JSON object");
	else
		take_args(&p, root);
	p.cmd.tag = m->line;
	if (p.why != NULL)
		fail(m, m->line, 1, p.why);
	else
		submit(m, &p.cmd);
	mem_free(p.why);
	json_decref(root);
}

static void on_in_end(void *ctx, enum err why)
{
	struct import *m = ctx;
	char text[80];
	m->is_ended = true;
	snprintf(text, sizeof text, "it is longer than %d bytes", EVJSON_EVENT_MAX);
	if (why == ERR_LIMIT)
		fail(m, m->line + 1, 1, text);
	else if (why != ERR_OK)
		fail(m, m->line + 1, 5, err_str(why));
	look_again(m);
}

/* ---- the node ---- */

static void on_done(struct import *m, const char *what)
{
	bool is_known = what != NULL && strcmp(what, "known") == 0;
	bool is_record = what != NULL && strcmp(what, "record") == 0;
	m->n_known += is_known;
	m->n_records += is_record;
	m->n_messages += !is_known && !is_record;
}

static char *format(void *ctx, const struct event *ev)
{
	struct import *m = ctx;
	if (ev->type == EVENT_ERROR && ev->tag == 0) { /* of the connection */
		m->under_way = 0;
		fail(m, 0, 5, ev->u.error.text != NULL ? ev->u.error.text : "it failed");
		return NULL;
	}
	if ((ev->type != EVENT_DONE && ev->type != EVENT_ERROR) || m->under_way == 0)
		return NULL;
	m->under_way--;
	if (ev->type == EVENT_DONE)
		on_done(m, ev->u.done.text);
	else
		fail(m, ev->tag, ev->u.error.status <= 5 ? (int)ev->u.error.status : 5,
		     ev->u.error.text != NULL ? ev->u.error.text : "it failed");
	look_again(m);
	return NULL;
}

static void on_stuck(void *ctx)
{
	fail(ctx, 0, 5, "the node does not answer");
}

/* ---- life ---- */

static void import_stop(void *impl)
{
	struct import *m = impl;
	if (m == NULL)
		return;
	timer_stop(&m->timer);
	feed_stop(m->feed);
	stream_free(m->in);
	stream_free(m->out);
	mem_free(m->why);
	mem_free(m);
}

static void on_no_line(void *ctx, struct slice line)
{
	(void)ctx;
	(void)line;
}

static void on_out_end(void *ctx, enum err why)
{
	(void)ctx;
	(void)why;
}

static enum err open_parts(struct import *m)
{
	static const struct stream_handlers in = {on_line, on_in_end, NULL};
	static const struct stream_handlers out = {on_no_line, on_out_end, NULL};
	enum err e = stream_open(m->cfg.loop, -1, -1, 1, 1, &out, m, &m->out);
	struct feed_config feed = {
		.loop = m->cfg.loop,
		.source = m->cfg.source,
		.stream = m->out,
		.tag = FEED_TAG_CLIENT,
		.format = format,
		.on_stuck = on_stuck,
		.ctx = m,
	};
	if (e == ERR_OK)
		e = feed_start(&feed, &m->feed);
	if (e == ERR_OK)
		e = stream_open(m->cfg.loop, m->cfg.in, -1, EVJSON_EVENT_MAX, 1, &in, m,
				&m->in);
	if (e != ERR_OK && m->cfg.in > STDERR_FILENO)
		close(m->cfg.in);
	return e;
}

static enum err import_start(const struct frontend_config *cfg, void **out)
{
	struct import *m = mem_new(sizeof *m);
	m->cfg = *cfg;
	enum err e = open_parts(m);
	if (e == ERR_OK)
		*out = m;
	else
		import_stop(m);
	return e;
}

const struct frontend_ops frontend_import = {"import", import_start, import_stop};
