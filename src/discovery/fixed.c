#include "discovery/fixed.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/resolve.h"

enum { FIXED_REPEAT_MS = 60000, FIXED_HOST_BYTES = 256, FIXED_ADDRS_MAX = 16 };

struct fixed_peer {
	struct fixed *in;
	struct list node;
	char host[FIXED_HOST_BYTES];
	uint16_t port;
	char text[SIGHTING_INSTANCE_BYTES];
	bool has_id;
	bool is_dead; /* forgotten; freed when nothing of it is on the call stack */
	bool is_reporting;
	bool is_buried; /* its addresses are reported gone at the next tick */
	struct id32 id;
	struct resolve *resolve; /* while one runs */
	struct timer timer;
	struct addr addrs[FIXED_ADDRS_MAX]; /* as reported */
	size_t n_addrs;
};

struct fixed {
	struct loop *loop;
	struct list peers;
	void (*report)(void *ctx, const struct sighting *s);
	void *ctx;
};

struct fixed *fixed_new(struct loop *l,
			void (*report)(void *ctx, const struct sighting *s), void *ctx)
{
	struct fixed *f = mem_new(sizeof(*f));

	f->loop = l;
	f->report = report;
	f->ctx = ctx;
	list_init(&f->peers);
	return f;
}

static void peer_free(struct fixed_peer *p)
{
	resolve_cancel(p->resolve);
	p->resolve = NULL;
	timer_stop(&p->timer);
	list_del(&p->node);
	p->is_dead = true;
	if (!p->is_reporting)
		mem_free(p);
}

void fixed_free(struct fixed *f)
{
	if (!f)
		return;
	list_each_safe (it, &f->peers)
		peer_free(list_entry(it, struct fixed_peer, node));
	mem_free(f);
}

/* The owner may forget the peer, and all of us, from inside. */
static void peer_report(struct fixed_peer *p, const struct addr *a, bool is_gone)
{
	struct sighting s = {.source = SIGHTING_FIXED,
			     .is_gone = is_gone,
			     .has_id = p->has_id,
			     .id = p->id,
			     .addr = *a};

	if (p->is_dead || (p->is_buried && !is_gone))
		return;
	memcpy(s.instance, p->text, sizeof(s.instance));
	p->in->report(p->in->ctx, &s);
}

static void peer_leave(struct fixed_peer *p)
{
	p->is_reporting = false;
	if (p->is_dead)
		mem_free(p);
}

static bool has_addr(const struct addr *addrs, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (addr_eq(&addrs[i], a))
			return true;
	return false;
}

static void on_repeat(void *ctx);

/* A name that does not resolve now may do so later; what it gave before is kept,
 * because a name server that is away says nothing about the peer. */
static void on_resolved(void *ctx, enum err e, const struct addr *addrs, size_t n)
{
	struct fixed_peer *p = ctx;
	struct addr old[FIXED_ADDRS_MAX];
	size_t n_old = p->n_addrs;

	p->resolve = NULL;
	p->is_reporting = true;
	timer_set(loop_timers(p->in->loop), &p->timer, FIXED_REPEAT_MS, on_repeat, p);
	if (e == ERR_OK) {
		memcpy(old, p->addrs, sizeof(old));
		p->n_addrs = n < FIXED_ADDRS_MAX ? n : FIXED_ADDRS_MAX;
		memcpy(p->addrs, addrs, p->n_addrs * sizeof(addrs[0]));
		for (size_t i = 0; i < n_old; i++)
			if (!has_addr(p->addrs, p->n_addrs, &old[i]))
				peer_report(p, &old[i], true);
	}
	for (size_t i = 0; i < p->n_addrs; i++)
		peer_report(p, &p->addrs[i], false);
	peer_leave(p);
}

static void on_repeat(void *ctx)
{
	struct fixed_peer *p = ctx;

	if (resolve_start(p->in->loop, p->host, p->port, on_resolved, p, &p->resolve) ==
	    ERR_OK)
		return;
	p->resolve = NULL;
	timer_set(loop_timers(p->in->loop), &p->timer, FIXED_REPEAT_MS, on_repeat, p);
}

/* The interface of a scope may turn up later, so it is not looked for. */
static bool is_literal(const char *host)
{
	char ip[FIXED_HOST_BYTES];
	size_t n = strcspn(host, "%");
	struct addr a;

	snprintf(ip, sizeof(ip), "%.*s", (int)n, host);
	if (addr_parse(ip, &a) != ERR_OK || !addr_is_unicast(&a))
		return false;
	return host[n] == '\0' || (a.family == ADDR_IP6 && addr_is_link_local(&a));
}

/* The last part of a name is no number: else it was to be an address. */
static bool is_name(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot ? dot + 1 : host;

	return strpbrk(host, ":%") == NULL && strchr("-.", host[0]) == NULL &&
	       strstr(host, "..") == NULL &&
	       (last[0] == '\0' || last[strspn(last, "0123456789")] != '\0');
}

/* A name server is not asked about what cannot be a host. */
static bool is_host(const char *host)
{
	for (const char *c = host; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && !strchr(".-_:%", *c))
			return false;
	return is_name(host) || is_literal(host);
}

static enum err parse(const char *host_port, struct fixed_peer *out)
{
	enum err e = addr_split(host_port, out->host, sizeof(out->host), &out->port);

	if (e != ERR_OK)
		return e;
	if (!is_host(out->host) || (out->port != 0 && out->port < FIXED_PORT_MIN))
		return ERR_USAGE;
	if (out->port == 0)
		out->port = FIXED_PORT;
	return ERR_OK;
}

static struct fixed_peer *find(struct fixed *f, const struct fixed_peer *like)
{
	list_each (it, &f->peers) {
		struct fixed_peer *p = list_entry(it, struct fixed_peer, node);

		if (!p->is_buried && p->port == like->port &&
		    strcasecmp(p->host, like->host) == 0)
			return p;
	}
	return NULL;
}

enum err fixed_add(struct fixed *f, const char *host_port, const struct id32 *id)
{
	struct fixed_peer like = {0}, *p;
	enum err e = parse(host_port, &like);

	if (e != ERR_OK)
		return e;
	p = find(f, &like);
	if (!p) {
		p = mem_dup(&like, sizeof(like));
		p->in = f;
		snprintf(p->text, sizeof(p->text), "%s", host_port);
		list_add(&f->peers, &p->node);
	}
	p->has_id = id;
	p->id = id ? *id : (struct id32){0};
	if (!p->resolve)
		timer_set(loop_timers(f->loop), &p->timer, 0, on_repeat, p);
	return ERR_OK;
}

static void on_bury(void *ctx)
{
	struct fixed_peer *p = ctx;

	p->is_reporting = true;
	for (size_t i = 0; i < p->n_addrs; i++)
		peer_report(p, &p->addrs[i], true);
	peer_free(p);
	peer_leave(p);
}

enum err fixed_del(struct fixed *f, const char *host_port)
{
	struct fixed_peer like = {0}, *p;
	enum err e = parse(host_port, &like);

	if (e != ERR_OK)
		return e;
	p = find(f, &like);
	if (!p)
		return ERR_UNKNOWN;
	resolve_cancel(p->resolve);
	p->resolve = NULL;
	p->is_buried = true;
	timer_set(loop_timers(f->loop), &p->timer, 0, on_bury, p);
	return ERR_OK;
}
