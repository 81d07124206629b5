#include "discovery/backends.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
	PLACES_MAX = 65536,
	ASKING_MAX = 512, /* the system daemon allows a client 1024 objects */
	PAUSE_MS = 5000, /* before a backend that does not start is tried again */
	PAUSE_WAS_UP_MS = 500,
	SLOW_MS = 1000, /* a call that took longer: the daemon is stuck, */
	SLOW_FACTOR = 10, /* and is left alone this many times as long */
	PAUSE_MAX_MS = 300000,
	RENAME_MIN_MS = 100,
	RENAME_MAX_MS = 60000,
	WHY_BYTES = 96,
};

/* In the order of preference: a daemon that answers leaves no need for a stack of
 * our own. */
enum { ROW_DAEMON, ROW_EMBEDDED, N_ROWS };
static const struct backend_ops *const rows[N_ROWS] = {
	[ROW_DAEMON] = &avahi_client_ops,
	[ROW_EMBEDDED] = &avahi_core_ops,
};

enum backend_state { BACKEND_CLOSED, BACKEND_OPENING, BACKEND_UP };

struct backend {
	struct backends *in;
	const struct backend_ops *ops;
	bool is_allowed; /* by the configuration */
	void *self;
	enum backend_state state;
	bool has_failed; /* closed when things are settled */
	bool was_up;
	uint64_t pause_ms;
	struct timer pause; /* while it runs the backend is left closed */
	char why[WHY_BYTES];
};

struct backends {
	struct backends_config cfg;
	struct links_rule rule;
	uint64_t seed;
	struct rng_seeded rng;
	struct heard *heard;
	bool is_dirty, is_visible;
	uint64_t awake_ms;
	struct ifaces ifaces;
	struct link_names names; /* the embedded stack was started with these */
	struct backend rows[N_ROWS];
	struct backend *active;
	struct backend_link *links[IFACES_MAX];
	size_t n_links;
	struct backend_service service;
	unsigned edition; /* of the announcement; links with an older one renew it */
	unsigned n_collisions;
	struct timer rename;
	char refused[WHY_BYTES];
	struct mdns_event told; /* the last status */
};

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

/* --- what backends ask and tell --- */

const struct AvahiPoll *backend_poll(const struct backend *b)
{
	return b->in->cfg.poll;
}

const struct links_rule *backend_rule(const struct backend *b)
{
	return &b->in->rule;
}

const struct link_names *backend_names(const struct backend *b)
{
	return &b->in->names;
}

const struct backend_service *backend_service(const struct backend *b)
{
	return &b->in->service;
}

void backend_on_up(struct backend *b)
{
	if (b->state == BACKEND_UP)
		b->in->edition++;
	b->state = BACKEND_UP;
	b->was_up = true;
	b->in->is_dirty = true;
}

/* A stuck daemon holds every call for 25 s. If it were asked again soon, nothing
 * else would get its turn: so the pause grows with what the call took. */
void backend_on_failed(struct backend *b, const char *why)
{
	uint64_t took = now_ms() - b->in->awake_ms;

	b->pause_ms = b->was_up ? PAUSE_WAS_UP_MS : PAUSE_MS;
	if (took > SLOW_MS)
		b->pause_ms = took < PAUSE_MAX_MS / SLOW_FACTOR ? took * SLOW_FACTOR
								: PAUSE_MAX_MS;
	b->has_failed = true;
	b->in->is_dirty = true;
	snprintf(b->why, sizeof(b->why), "%s", why);
}

/*
 * Our name on an interface. Not the same on all of them: Avahi takes equal records on
 * two interfaces for one, and says goodbye on the last of them only. The same through
 * a change of the backend, so that what a killed daemon left in the caches of others
 * stays true.
 */
static void name_on(const struct backends *b, uint32_t ifindex,
		    char out[static BACKEND_INSTANCE_BYTES])
{
	struct rng_seeded rng;
	uint8_t random[8];

	rng_seeded_init(&rng, b->seed ^ ((uint64_t)b->n_collisions << 32 | ifindex));
	rng_fill(&rng.rng, random, sizeof(random));
	hex_encode(slice_of(random, sizeof(random)), out);
}

static bool is_own(const struct backends *b, const char *instance)
{
	char name[BACKEND_INSTANCE_BYTES];

	for (size_t i = 0; i < b->ifaces.n; i++) {
		name_on(b, b->ifaces.v[i].index, name);
		if (strcmp(instance, name) == 0)
			return true;
	}
	return false;
}

void backend_on_browse(struct backend_link *l, bool is_new, const char *instance,
		       enum addr_family family)
{
	struct backends *b = l->of->in;

	if (strlen(instance) >= SIGHTING_INSTANCE_BYTES || is_own(b, instance))
		return;
	if (is_new)
		heard_appear(b->heard, instance, l->iface.index, family,
			     l->iface.is_loopback);
	else
		heard_vanish(b->heard, instance, l->iface.index, family);
}

void backend_on_refused(struct backend *b, const char *why)
{
	snprintf(b->in->refused, sizeof(b->in->refused), "%s", why);
	b->in->is_dirty = true;
}

/* --- the choice --- */

static void on_pause(void *ctx)
{
	struct backend *b = ctx;

	b->in->is_dirty = true;
}

static void forget_links(struct backends *b)
{
	while (b->n_links > 0)
		mem_free(b->links[--b->n_links]);
}

static void backend_close(struct backend *b)
{
	struct backends *all = b->in;

	if (b->self)
		b->ops->close(b->self);
	if (all->active == b) {
		all->active = NULL;
		all->refused[0] = '\0';
		forget_links(all);
		heard_fresh(all->heard);
	}
	b->self = NULL;
	b->state = BACKEND_CLOSED;
	b->has_failed = b->was_up = false;
}

static void close_failed(struct backends *b)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		struct backend *row = &b->rows[i];

		if (!row->has_failed)
			continue;
		backend_close(row);
		timer_set(b->cfg.timers, &row->pause, row->pause_ms, on_pause, row);
	}
}

static void backend_open(struct backend *b)
{
	struct backends *all = b->in;
	uint64_t start = now_ms();

	if (b->ops->has_addresses)
		links_names(&all->rule, &all->ifaces, &all->names);
	b->state = BACKEND_OPENING;
	b->why[0] = '\0';
	b->self = b->ops->open(b);
	if (b->state != BACKEND_UP && !b->has_failed && now_ms() - start > SLOW_MS)
		backend_on_failed(b, "it does not answer in time");
}

static bool has_links(const struct backends *b)
{
	const struct iface *used[IFACES_MAX];

	return links_pick(&b->rule, &b->ifaces, used) > 0;
}

static bool can_run(const struct backend *b)
{
	const struct backends *all = b->in;

	if (!b->ops->has_addresses)
		return true;
	return has_links(all) && (b->state == BACKEND_CLOSED ||
				  links_fit(&all->rule, &all->ifaces, &all->names));
}

static void choose(struct backends *b)
{
	struct backend *up = NULL;

	for (size_t i = 0; i < N_ROWS; i++) {
		struct backend *row = &b->rows[i];

		if (row->state != BACKEND_CLOSED && (up || !can_run(row)))
			backend_close(row);
		if (row->state == BACKEND_CLOSED && !up && row->is_allowed &&
		    can_run(row) && !timer_is_set(&row->pause))
			backend_open(row);
		if (!up && row->state == BACKEND_UP && !row->has_failed)
			up = row;
	}
	b->active = up;
}

/* --- the interfaces in use --- */

static bool is_same_iface(const struct iface *a, const struct iface *b)
{
	return a->index == b->index && strcmp(a->name, b->name) == 0;
}

static struct backend_link *link_find(struct backends *b, const struct iface *i)
{
	for (size_t k = 0; k < b->n_links; k++)
		if (is_same_iface(&b->links[k]->iface, i))
			return b->links[k];
	return NULL;
}

static bool is_used(const struct backend_link *l, const struct iface *const *used,
		    size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (is_same_iface(&l->iface, used[k]))
			return true;
	return false;
}

static void link_drop(struct backends *b, size_t at)
{
	struct backend_link *l = b->links[at];

	b->active->ops->link_close(b->active->self, l);
	heard_vanish_link(b->heard, l->iface.index);
	b->links[at] = b->links[--b->n_links];
	mem_free(l);
}

static bool has_addrs(const struct backend_link *l, const struct addr *addrs, size_t n)
{
	bool is_equal = l->n_addrs == n;

	for (size_t i = 0; i < n && is_equal; i++)
		is_equal = addr_eq(&l->addrs[i], &addrs[i]);
	return is_equal;
}

static void link_update(struct backends *b, struct backend_link *l, const struct iface *i)
{
	struct addr addrs[LINK_ADDRS_MAX];
	size_t n = links_addrs(&b->rule, i, addrs);

	if (b->active->ops->has_addresses && !has_addrs(l, addrs, n))
		l->edition = 0;
	l->iface = *i;
	l->n_addrs = n;
	memcpy(l->addrs, addrs, n * sizeof(addrs[0]));
}

static void link_add(struct backends *b, const struct iface *i)
{
	struct backend_link *l = mem_new(sizeof(*l));

	l->of = b->active;
	name_on(b, i->index, l->instance);
	link_update(b, l, i);
	b->links[b->n_links++] = l;
	b->active->ops->link_open(b->active->self, l);
}

static void sync_links(struct backends *b)
{
	const struct iface *used[IFACES_MAX];
	size_t n = links_pick(&b->rule, &b->ifaces, used);

	for (size_t k = b->n_links; k > 0 && !b->active->has_failed; k--)
		if (!is_used(b->links[k - 1], used, n))
			link_drop(b, k - 1);
	for (size_t k = 0; k < n && !b->active->has_failed; k++) {
		struct backend_link *l = link_find(b, used[k]);

		if (l)
			link_update(b, l, used[k]);
		else
			link_add(b, used[k]);
	}
}

/* --- the announcement --- */

static void sync_service(struct backends *b, struct backend_link *l)
{
	bool is_wanted = b->is_visible && !timer_is_set(&b->rename);

	if (!is_wanted && l->is_published)
		b->active->ops->unpublish(b->active->self, l);
	if (is_wanted && (!l->is_published || l->edition != b->edition))
		b->active->ops->publish(b->active->self, l, &b->service);
	l->is_published = is_wanted;
	l->edition = b->edition;
}

static void sync_services(struct backends *b)
{
	for (size_t k = 0; k < b->n_links && !b->active->has_failed; k++)
		sync_service(b, b->links[k]);
}

static void choose_host(struct backends *b)
{
	char hex[13];
	uint8_t random[6];

	rng_fill(&b->rng.rng, random, sizeof(random));
	hex_encode(slice_of(random, sizeof(random)), hex);
	snprintf(b->service.host, sizeof(b->service.host), "p2pmsg-%s." BACKEND_DOMAIN,
		 hex);
	b->edition++;
}

static void on_rename(void *ctx)
{
	struct backends *b = ctx;

	b->n_collisions++;
	for (size_t k = 0; k < b->n_links; k++)
		name_on(b, b->links[k]->iface.index, b->links[k]->instance);
	choose_host(b);
	b->is_dirty = true;
}

/* Somebody who takes every name we choose makes us slow, not busy. */
void backend_on_collision(struct backend *row)
{
	struct backends *b = row->in;
	uint64_t ms = RENAME_MIN_MS;

	if (timer_is_set(&b->rename))
		return;
	for (unsigned i = 0; i < b->n_collisions && ms < RENAME_MAX_MS; i++)
		ms *= 2;
	timer_set(b->cfg.timers, &b->rename, ms, on_rename, b);
	b->is_dirty = true;
}

/* --- how it stands --- */

static void status_trouble(const struct backends *b, char out[static MDNS_TROUBLE_BYTES])
{
	const struct backend *daemon = &b->rows[ROW_DAEMON];
	const struct backend *embedded = &b->rows[ROW_EMBEDDED];

	out[0] = '\0';
	if (!has_links(b))
		snprintf(out, MDNS_TROUBLE_BYTES,
			 "no multicast: no usable network interface is up");
	else if (!b->active && !embedded->is_allowed)
		snprintf(out, MDNS_TROUBLE_BYTES, "the Avahi daemon cannot be used: %s",
			 daemon->why[0] ? daemon->why : "it is not running");
	else if (!b->active)
		snprintf(out, MDNS_TROUBLE_BYTES, "mDNS does not start: %s",
			 embedded->why);
	else if (b->refused[0])
		snprintf(out, MDNS_TROUBLE_BYTES, "others cannot see this node: %s",
			 b->refused);
}

static void tell_status(struct backends *b)
{
	struct mdns_event e = {.kind = MDNS_STATUS, .backend = "off"};

	if (b->active && b->n_links > 0)
		e.backend = b->active->ops->name;
	status_trouble(b, e.trouble);
	if (b->told.backend && strcmp(b->told.backend, e.backend) == 0 &&
	    strcmp(b->told.trouble, e.trouble) == 0)
		return;
	b->told = e;
	b->cfg.put(b->cfg.ctx, &e);
}

/* --- what heard.c asks for --- */

static void *on_ask(void *ctx, struct heard_place *p)
{
	struct backends *b = ctx;

	if (!b->active || b->active->has_failed)
		return NULL;
	return b->active->ops->ask(b->active->self, p);
}

/* The resolvers of a backend that failed are freed when it is closed. */
static void on_hush(void *ctx, void *resolver)
{
	struct backends *b = ctx;

	if (b->active && !b->active->has_failed)
		b->active->ops->hush(b->active->self, resolver);
}

static void on_report(void *ctx, const struct sighting *s)
{
	struct backends *b = ctx;

	b->cfg.put(b->cfg.ctx,
		   &(struct mdns_event){.kind = MDNS_SIGHTING, .sighting = *s});
}

static const struct heard_ops heard_ops = {on_ask, on_hush, on_report};

/* --- for the thread --- */

static struct heard *make_heard(struct backends *b)
{
	return heard_new(&(struct heard_config){.ops = &heard_ops,
						.ctx = b,
						.timers = b->cfg.timers,
						.clock = clock_system(),
						.rng = &b->rng.rng,
						.places_max = PLACES_MAX,
						.asking_max = ASKING_MAX});
}

struct backends *backends_new(const struct backends_config *cfg)
{
	const struct mdns_config *mdns = cfg->mdns;
	struct backends *b = mem_new(sizeof(*b));

	b->cfg = *cfg;
	b->cfg.mdns = NULL;
	b->rule = mdns->rule;
	b->is_visible = mdns->is_visible;
	b->seed = mdns->seed;
	rng_seeded_init(&b->rng, mdns->seed);
	b->heard = make_heard(b);
	for (size_t i = 0; i < N_ROWS; i++) {
		b->rows[i].in = b;
		b->rows[i].ops = rows[i];
	}
	b->rows[ROW_DAEMON].is_allowed = mdns->use_daemon;
	b->rows[ROW_EMBEDDED].is_allowed = mdns->use_embedded;
	b->service.port = mdns->port;
	b->service.txt_len = txt_build(&mdns->node_id, mdns->role, b->service.txt);
	choose_host(b);
	backends_awake(b);
	return b;
}

void backends_free(struct backends *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < N_ROWS; i++) {
		backend_close(&b->rows[i]);
		timer_stop(&b->rows[i].pause);
	}
	timer_stop(&b->rename);
	heard_free(b->heard);
	mem_free(b);
}

void backends_ifaces_set(struct backends *b, const struct ifaces *ifs)
{
	b->ifaces = *ifs;
	b->is_dirty = true;
}

void backends_visible_set(struct backends *b, bool is_visible)
{
	b->is_dirty |= b->is_visible != is_visible;
	b->is_visible = is_visible;
}

void backends_again(struct backends *b, const char *instance)
{
	heard_again(b->heard, instance);
}

void backends_awake(struct backends *b)
{
	b->awake_ms = now_ms();
}

bool backends_is_dirty(const struct backends *b)
{
	return b->is_dirty;
}

void backends_settle(struct backends *b)
{
	b->is_dirty = false;
	close_failed(b);
	choose(b);
	if (b->active)
		sync_links(b);
	if (b->active)
		sync_services(b);
	if (!b->is_dirty)
		tell_status(b);
}
