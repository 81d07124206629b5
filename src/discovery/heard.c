#include "discovery/heard.h"

#include <string.h>

#include "base/mem.h"

enum {
	ASK_MIN_MS = 100, /* after it was heard; and as much again, at random */
	AGAIN_MIN_MS = 1000, /* between two questions to one place */
	STEAL_MS = 500, /* the time a resolver has while others wait for one */
	FRESH_MS = 10000,
};

/* After an answer failed to come; then we wait to hear of it again. */
static const uint32_t retry_ms[] = {10000, 60000};
enum { N_RETRIES = sizeof(retry_ms) / sizeof(retry_ms[0]) };

struct heard_instance {
	char name[SIGHTING_INSTANCE_BYTES]; /* padded with zeros: it is the key */
	struct list places;
};

struct heard {
	struct heard_config cfg;
	struct map *instances;
	struct list places; /* all, the oldest first */
	size_t n_places;
	struct list waiting, asking; /* the longest first */
	size_t n_asking;
	struct timer steal, sweep;
	unsigned round; /* counts backends: see heard_fresh */
};

static void line_up(struct heard *h);

struct heard *heard_new(const struct heard_config *cfg)
{
	struct heard *h = mem_new(sizeof(*h));

	h->cfg = *cfg;
	h->instances = map_new(SIGHTING_INSTANCE_BYTES);
	list_init(&h->places);
	list_init(&h->waiting);
	list_init(&h->asking);
	return h;
}

static uint64_t now_ms(const struct heard *h)
{
	return clock_mono_ms(h->cfg.clock);
}

static void report(const struct heard_place *p, const struct sighting *s, bool is_gone)
{
	struct sighting copy = *s;

	copy.is_gone = is_gone;
	p->in->cfg.ops->report(p->in->cfg.ctx, &copy);
}

static void retract(struct heard_place *p)
{
	if (p->is_reported)
		report(p, &p->reported, true);
	p->is_reported = false;
}

/* The one way back to idle, from whatever state. */
static void place_rest(struct heard_place *p)
{
	struct heard *h = p->in;

	timer_stop(&p->timer);
	list_del(&p->line_node);
	if (p->state == PLACE_ASKING) {
		h->n_asking--;
		if (p->resolver)
			h->cfg.ops->hush(h->cfg.ctx, p->resolver);
		p->resolver = NULL;
	}
	p->state = PLACE_IDLE;
}

static void instance_key(const char *name, char key[static SIGHTING_INSTANCE_BYTES])
{
	memset(key, 0, SIGHTING_INSTANCE_BYTES);
	memcpy(key, name, strnlen(name, SIGHTING_INSTANCE_BYTES - 1));
}

static struct heard_instance *instance_get(struct heard *h, const char *name)
{
	char key[SIGHTING_INSTANCE_BYTES];

	instance_key(name, key);
	return map_get(h->instances, key);
}

static struct heard_instance *instance_make(struct heard *h, const char *name)
{
	struct heard_instance *i = mem_new(sizeof(*i));

	instance_key(name, i->name);
	list_init(&i->places);
	map_put(h->instances, i->name, i);
	return i;
}

static void place_free(struct heard_place *p)
{
	struct heard_instance *i = p->of;

	place_rest(p);
	list_del(&p->of_node);
	list_del(&p->all_node);
	p->in->n_places--;
	if (list_empty(&i->places)) {
		map_del(p->in->instances, i->name);
		mem_free(i);
	}
	mem_free(p);
}

static void place_drop(struct heard_place *p)
{
	retract(p);
	place_free(p);
}

static struct heard_place *place_get(const struct heard_instance *i, uint32_t ifindex,
				     enum addr_family family)
{
	if (!i)
		return NULL;
	list_each (it, &i->places) {
		struct heard_place *p = list_entry(it, struct heard_place, of_node);

		if (p->ifindex == ifindex && p->family == family)
			return p;
	}
	return NULL;
}

static struct heard_place *place_make(struct heard *h, struct heard_instance *i,
				      uint32_t ifindex, enum addr_family family)
{
	struct heard_place *p = mem_new(sizeof(*p));

	p->in = h;
	p->of = i;
	p->instance = i->name;
	p->ifindex = ifindex;
	p->family = family;
	list_init(&p->line_node);
	list_add(&i->places, &p->of_node);
	list_add(&h->places, &p->all_node);
	h->n_places++;
	return p;
}

static void place_wait(void *ctx)
{
	struct heard_place *p = ctx;

	p->state = PLACE_WAITING;
	list_add(&p->in->waiting, &p->line_node);
	line_up(p->in);
}

static void place_ask_in(struct heard_place *p, uint64_t ms)
{
	place_rest(p);
	p->state = PLACE_SOON;
	timer_set(p->in->cfg.timers, &p->timer, ms, place_wait, p);
}

static void place_ask_soon(struct heard_place *p)
{
	place_ask_in(p, ASK_MIN_MS + rng_uniform(p->in->cfg.rng, ASK_MIN_MS));
}

static void place_retry(struct heard_place *p)
{
	uint32_t ms;

	place_rest(p);
	if (p->n_silent == N_RETRIES)
		return;
	ms = retry_ms[p->n_silent++];
	place_ask_in(p, ms + rng_uniform(p->in->cfg.rng, ms / 5));
}

static void place_ask(struct heard_place *p)
{
	struct heard *h = p->in;

	list_del(&p->line_node);
	p->state = PLACE_ASKING;
	p->asked_ms = now_ms(h);
	list_add(&h->asking, &p->line_node);
	h->n_asking++;
	p->resolver = h->cfg.ops->ask(h->cfg.ctx, p);
	if (!p->resolver)
		place_retry(p);
}

static void on_steal(void *ctx)
{
	line_up(ctx);
}

/* Others wait and all resolvers are busy: the one that has been at it longest gives
 * way, so that a flood of names nobody answers for cannot keep a real peer out. */
static bool steal(struct heard *h)
{
	struct heard_place *p = list_entry(h->asking.next, struct heard_place, line_node);
	uint64_t age = now_ms(h) - p->asked_ms;

	if (age < STEAL_MS) {
		timer_set(h->cfg.timers, &h->steal, STEAL_MS - age, on_steal, h);
		return false;
	}
	place_retry(p);
	return true;
}

static void line_up(struct heard *h)
{
	while (!list_empty(&h->waiting)) {
		if (h->n_asking >= h->cfg.asking_max && !steal(h))
			return;
		place_ask(list_entry(h->waiting.next, struct heard_place, line_node));
	}
	timer_stop(&h->steal);
}

void heard_appear(struct heard *h, const char *instance, uint32_t ifindex,
		  enum addr_family family, bool is_loopback)
{
	struct heard_instance *i = instance_get(h, instance);
	struct heard_place *p = place_get(i, ifindex, family);

	if (!p) {
		if (!i)
			i = instance_make(h, instance);
		p = place_make(h, i, ifindex, family);
	}
	p->is_loopback = is_loopback;
	p->round = h->round;
	p->n_silent = 0;
	if (p->state != PLACE_WAITING && p->state != PLACE_ASKING)
		place_ask_soon(p);
	if (h->n_places > h->cfg.places_max)
		place_drop(list_entry(h->places.next, struct heard_place, all_node));
}

void heard_vanish(struct heard *h, const char *instance, uint32_t ifindex,
		  enum addr_family family)
{
	struct heard_place *p = place_get(instance_get(h, instance), ifindex, family);

	if (!p)
		return;
	place_drop(p);
	line_up(h);
}

void heard_vanish_link(struct heard *h, uint32_t ifindex)
{
	list_each_safe (it, &h->places) {
		struct heard_place *p = list_entry(it, struct heard_place, all_node);

		if (p->ifindex == ifindex)
			place_drop(p);
	}
	line_up(h);
}

void heard_again(struct heard *h, const char *instance)
{
	struct heard_instance *i = instance_get(h, instance);

	if (!i)
		return;
	list_each (it, &i->places) {
		struct heard_place *p = list_entry(it, struct heard_place, of_node);
		uint64_t since = now_ms(h) - p->asked_ms;

		if (p->state == PLACE_WAITING || p->state == PLACE_ASKING)
			continue;
		p->n_silent = 0;
		place_ask_in(p, since < AGAIN_MIN_MS ? AGAIN_MIN_MS - since : 0);
	}
}

static void on_sweep(void *ctx)
{
	struct heard *h = ctx;

	list_each_safe (it, &h->places) {
		struct heard_place *p = list_entry(it, struct heard_place, all_node);

		if (p->round != h->round)
			place_drop(p);
	}
}

void heard_fresh(struct heard *h)
{
	h->round++;
	list_each_safe (it, &h->places) {
		struct heard_place *p = list_entry(it, struct heard_place, all_node);

		p->resolver = NULL;
		place_rest(p);
		if (!p->is_reported)
			place_free(p);
	}
	timer_stop(&h->steal);
	timer_set(h->cfg.timers, &h->sweep, FRESH_MS, on_sweep, h);
}

static bool is_same(const struct sighting *a, const struct sighting *b)
{
	return id32_eq(&a->id, &b->id) && addr_eq(&a->addr, &b->addr) &&
	       a->role == b->role && a->proto_min == b->proto_min &&
	       a->proto_max == b->proto_max && a->is_from_loopback == b->is_from_loopback;
}

static void place_report(struct heard_place *p, const struct sighting *s)
{
	if (p->is_reported && is_same(&p->reported, s))
		return;
	if (p->is_reported &&
	    !(addr_eq(&p->reported.addr, &s->addr) && id32_eq(&p->reported.id, &s->id)))
		retract(p);
	p->is_reported = true;
	p->reported = *s;
	report(p, s, false);
}

void heard_answer(struct heard_place *p, const struct addr *a, struct slice txt)
{
	struct heard *h = p->in;
	struct sighting s = {.source = SIGHTING_MDNS,
			     .addr = *a,
			     .ifindex = p->ifindex,
			     .is_from_loopback = p->is_loopback};

	place_rest(p);
	p->n_silent = 0;
	memcpy(s.instance, p->instance, sizeof(s.instance));
	s.addr.scope = a->family == ADDR_IP6 && addr_is_link_local(a) ? p->ifindex : 0;
	/* A bad record stays bad until the instance appears anew. */
	if (sighting_parse_txt(txt, &s) == ERR_OK)
		place_report(p, &s);
	else
		retract(p);
	line_up(h);
}

void heard_silence(struct heard_place *p)
{
	struct heard *h = p->in;

	retract(p);
	place_retry(p);
	line_up(h);
}

size_t heard_count(const struct heard *h)
{
	return h->n_places;
}

void heard_free(struct heard *h)
{
	if (!h)
		return;
	list_each_safe (it, &h->places) {
		struct heard_place *p = list_entry(it, struct heard_place, all_node);

		p->resolver = NULL;
		place_free(p);
	}
	timer_stop(&h->steal);
	timer_stop(&h->sweep);
	map_free(h->instances);
	mem_free(h);
}
