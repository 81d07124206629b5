/*
 * control: the Unix socket of a running node. Every client is a jsonport; none of them
 * can do more than one front end may.
 */
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/stream.h"
#include "ui/feed.h"
#include "ui/frontend.h"
#include "ui/jsonport.h"

enum { CLIENTS_MAX = 64 };

struct control {
	struct frontend_config cfg;
	struct local_server *server;
	struct list clients;
	unsigned n_clients;
};

struct client {
	struct list node;
	struct control *control;
	struct jsonport *port;
};

static void client_free(struct client *c)
{
	c->control->n_clients--;
	list_del(&c->node);
	jsonport_stop(c->port);
	mem_free(c);
}

static void on_over(void *ctx, int status)
{
	(void)status;
	client_free(ctx);
}

/* A client that follows events and was killed is only noticed by writing to it. */
static void drop_dead(struct control *k)
{
	list_each_safe (it, &k->clients) {
		struct client *c = list_entry(it, struct client, node);
		if (!jsonport_is_open(c->port))
			client_free(c);
	}
}

/* The descriptor is fresh, so its buffer has room for this. */
static void refuse(int fd, const char *why)
{
	static const char form[] =
		"{\"v\":1,\"type\":\"error\",\"status\":5,\"text\":\"%s\"}\n";
	char *line = mem_printf(form, why);
	if (write(fd, line, strlen(line)) < 0)
		log_debug("control", "a client went before it was refused");
	mem_free(line);
	close(fd);
}

static void on_client(void *ctx, int fd)
{
	struct control *k = ctx;
	if (k->n_clients >= CLIENTS_MAX)
		drop_dead(k);
	if (k->n_clients >= CLIENTS_MAX) {
		refuse(fd, "the node serves 64 programs already");
		return;
	}
	struct client *c = mem_new(sizeof *c);
	*c = (struct client){.control = k};
	struct jsonport_config cfg = {
		.loop = k->cfg.loop,
		.source = k->cfg.source,
		.in = fd,
		.out = fd,
		.tag = FEED_TAG_SERVER,
		.on_over = on_over,
		.ctx = c,
	};
	enum err e = jsonport_start(&cfg, &c->port);
	if (e != ERR_OK) {
		log_warn("control", "a client cannot be served: %s", err_str(e));
		mem_free(c);
		return;
	}
	list_add(&k->clients, &c->node);
	k->n_clients++;
}

static enum err control_start(const struct frontend_config *cfg, void **out)
{
	struct control *k = mem_new(sizeof *k);
	k->cfg = *cfg;
	list_init(&k->clients);
	enum err e = local_listen(cfg->loop, cfg->socket, on_client, k, &k->server);
	if (e == ERR_OK)
		*out = k;
	else
		mem_free(k);
	return e;
}

static void control_stop(void *impl)
{
	struct control *k = impl;
	if (!k)
		return;
	local_stop(k->server);
	list_each_safe (it, &k->clients)
		client_free(list_entry(it, struct client, node));
	mem_free(k);
}

const struct frontend_ops frontend_control = {"control", control_start, control_stop};
