#include "ui/attach.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/stream.h"
#include "ui/evjson.h"

enum { OUT_MAX = 1 << 20 };

struct attach {
	struct loop *loop;
	char *path;
	void (*on_gone)(void *ctx);
	void *ctx;
	struct list links;
	int first; /* connected, for the first port; -1: used */
	bool is_gone;
};

/* One port. */
struct link {
	struct list node;
	struct attach *attach;
	struct stream *stream;
	front_event_fn *fn;
	void *fn_ctx;
	bool is_greeted;
	bool is_ended;
	bool is_leaving; /* quit was said: the end is what was asked for */
};

/* ---- from the node ---- */

/* The server introduces the node to every client; a port in the same process is not
 * told either. */
static bool is_greeting(struct link *k, const struct event *ev)
{
	bool is_first = !k->is_greeted;
	k->is_greeted = true;
	return is_first && ev->type == EVENT_NODE && ev->tag == 0;
}

static void on_line(void *ctx, struct slice line)
{
	struct link *k = ctx;
	struct event *ev = NULL;
	enum err e = evjson_event_parse(line, &ev);
	if (e == ERR_OK && !is_greeting(k, ev))
		k->fn(k->fn_ctx, ev);
	else if (e != ERR_OK && e != ERR_UNKNOWN)
		log_warn("attach", "a line of the node is left out: %s", err_str(e));
	mem_free(ev);
}

static void tell_gone(struct link *k, enum err why)
{
	struct event ev = {.type = EVENT_ERROR, .time_ms = clock_wall_ms(clock_system())};
	ev.u.error.status = 5;
	ev.u.error.text = why == ERR_OK ? "the node has stopped"
					: "the connection to the node broke";
	k->fn(k->fn_ctx, &ev);
}

static void on_end(void *ctx, enum err why)
{
	struct link *k = ctx;
	struct attach *a = k->attach;
	k->is_ended = true;
	if (!k->is_leaving || why != ERR_OK)
		tell_gone(k, why);
	if (a->is_gone)
		return;
	a->is_gone = true;
	a->on_gone(a->ctx);
}

/* ---- to the node ---- */

static enum err link_submit(void *impl, const struct command *cmd)
{
	struct link *k = impl;
	if (k->is_ended)
		return ERR_IO;
	char *json = evjson_command(cmd);
	size_t n = strlen(json);
	enum err e = n > EVJSON_COMMAND_MAX ? ERR_RANGE : ERR_OK;
	json[n] = '\n'; /* in place of its NUL */
	if (e == ERR_OK)
		e = stream_write(k->stream, slice_of(json, n + 1));
	mem_free(json);
	k->is_leaving = k->is_leaving || (e == ERR_OK && cmd->verb == VERB_QUIT);
	return e;
}

/* What is not read fills the node's queue for us, and then its lists wait too. */
static void link_pause(void *impl, bool is_full)
{
	struct link *k = impl;
	if (!k->is_ended)
		stream_pause(k->stream, is_full);
}

static void link_close(void *impl)
{
	struct link *k = impl;
	list_del(&k->node);
	stream_free(k->stream);
	mem_free(k);
}

static enum err connect_port(struct attach *a, int *fd)
{
	*fd = a->first;
	a->first = -1;
	return *fd >= 0 ? ERR_OK : local_connect(a->path, fd);
}

static enum err link_open(void *ctx, front_event_fn *fn, void *fn_ctx,
			  struct front_port *out)
{
	static const struct front_port_ops ops = {
		.submit = link_submit, .pause = link_pause, .close = link_close};
	static const struct stream_handlers handlers = {on_line, on_end, NULL};
	struct attach *a = ctx;
	int fd;
	enum err e = connect_port(a, &fd);
	if (e != ERR_OK)
		return e;
	struct link *k = mem_new(sizeof *k);
	*k = (struct link){.attach = a, .fn = fn, .fn_ctx = fn_ctx};
	e = stream_open(a->loop, fd, fd, EVJSON_EVENT_MAX, OUT_MAX, &handlers, k,
			&k->stream);
	if (e != ERR_OK) {
		close(fd);
		mem_free(k);
		return e;
	}
	list_add(&a->links, &k->node);
	*out = (struct front_port){&ops, k};
	return ERR_OK;
}

/* ---- life ---- */

enum err attach_start(struct loop *l, const char *path, void (*on_gone)(void *ctx),
		      void *ctx, struct attach **out)
{
	int fd;
	enum err e = local_connect(path, &fd);
	if (e != ERR_OK)
		return e;
	struct attach *a = mem_new(sizeof *a);
	*a = (struct attach){.loop = l,
			     .path = mem_strdup(path),
			     .on_gone = on_gone,
			     .ctx = ctx,
			     .first = fd};
	list_init(&a->links);
	*out = a;
	return ERR_OK;
}

void attach_stop(struct attach *a)
{
	if (!a)
		return;
	if (!list_empty(&a->links))
		BUG("a port is open while the connection is stopped");
	if (a->first >= 0)
		close(a->first);
	mem_free(a->path);
	mem_free(a);
}

struct front_source attach_source(struct attach *a)
{
	return (struct front_source){link_open, a};
}
