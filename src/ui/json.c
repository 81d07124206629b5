/*
 * json: the front end of programs that start a node, or speak to a running one,
 * through a pipe.
 */
#include <unistd.h>

#include "base/mem.h"
#include "ui/feed.h"
#include "ui/frontend.h"
#include "ui/jsonport.h"

struct json {
	struct frontend_config cfg;
	struct jsonport *port;
	bool is_ended;
};

static void on_over(void *ctx, int status)
{
	struct json *j = ctx;
	if (j->is_ended)
		return;
	j->is_ended = true;
	j->cfg.on_end(j->cfg.ctx, status);
}

static enum err json_start(const struct frontend_config *cfg, void **out)
{
	struct json *j = mem_new(sizeof *j);
	j->cfg = *cfg;
	struct jsonport_config port = {
		.loop = cfg->loop,
		.source = cfg->source,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.tag = FEED_TAG_CLIENT,
		.ends_with_input = true,
		.on_over = on_over,
		.ctx = j,
	};
	enum err e = jsonport_start(&port, &j->port);
	if (e == ERR_OK)
		*out = j;
	else
		mem_free(j);
	return e;
}

static void json_stop(void *impl)
{
	struct json *j = impl;
	if (!j)
		return;
	jsonport_stop(j->port);
	mem_free(j);
}

const struct frontend_ops frontend_json = {"json", json_start, json_stop};
