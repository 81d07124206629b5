#include "core/cand.h"

#include "base/mem.h"

enum {
	/* Unproved ids kept, per interface. 64 were too few: of 100 nodes started together
	 * each heard of 99 before its first dial was through. */
	NEW_PER_MINUTE = 1024,
	MEMORY_PER_PEER = 4,
	MEMORY_FAILS_MAX = 10, /* then a stranger's remembered address is dropped */
	LATER_US = 300 * 1000 /* the side with the larger id waits this long */
};

static void key_of(const struct sighting *s, struct cand_key *key)
{
	memset(key, 0, sizeof *key);
	if (s->has_id)
		memcpy(key->id, s->id.b, sizeof key->id);
	memcpy(key->ip, s->addr.ip, sizeof key->ip);
	key->family = (uint8_t)s->addr.family;
	key->port = s->addr.port;
	key->scope = s->addr.scope;
}

struct cand *cand_find(const struct core *c, const struct sighting *s)
{
	struct cand_key key;
	key_of(s, &key);
	return map_get(c->cands, &key);
}

struct peer *cand_peer(const struct cand *a)
{
	return a->has_owner ? peer_find(a->core, &a->owner) : NULL;
}

/* ---- making and dropping ---- */

/* The user vouches for a fixed one, the handshake for a proved one; the rest are
 * announcements that anybody can make up. */
static bool is_rumour(const struct cand *a)
{
	return !a->is_proved && a->sight.source == SIGHTING_MDNS && a->link == 0;
}

/* Keeps the newest NEW_PER_MINUTE rumours of an interface. */
static void limit_rumours(struct core *c, uint32_t ifindex, uint64_t now)
{
	unsigned n = 0;
	struct cand *oldest = NULL;
	list_each (it, &c->cands_order) {
		struct cand *a = list_entry(it, struct cand, of_order);
		if (!is_rumour(a) || a->sight.ifindex != ifindex ||
		    now - a->heard_us > 60 * 1000000ULL)
			continue;
		oldest = oldest == NULL ? a : oldest;
		n++;
	}
	if (n < NEW_PER_MINUTE)
		return;
	struct peer *p = cand_peer(oldest);
	cand_free(oldest);
	if (p != NULL)
		peer_let_go(p);
}

static void limit_memory(struct peer *p)
{
	unsigned n = 0;
	struct cand *oldest = NULL;
	list_each (it, &p->cands) {
		struct cand *a = list_entry(it, struct cand, of_peer);
		if (a->sight.source != SIGHTING_MEMORY || a->link != 0)
			continue;
		oldest = oldest == NULL ? a : oldest;
		n++;
	}
	if (n >= MEMORY_PER_PEER)
		cand_free(oldest);
}

static void set_owner(struct cand *a, struct peer *p)
{
	a->has_owner = true;
	a->owner = p->node_id;
	list_del(&a->of_peer);
	list_add(&p->cands, &a->of_peer);
	if (a->sight.source == SIGHTING_FIXED)
		peer_pin(p); /* added by the user */
}

static struct cand *cand_new(struct core *c, const struct sighting *s, struct peer *p)
{
	struct cand *a = mem_new(sizeof *a);
	a->core = c;
	a->sight = *s;
	a->sight.is_gone = false;
	a->heard_us = core_now_us(c);
	key_of(s, &a->key);
	list_init(&a->of_peer);
	list_init(&a->of_order);
	list_add(&c->cands_order, &a->of_order);
	map_put(c->cands, &a->key, a);
	if (p != NULL)
		set_owner(a, p);
	return a;
}

struct cand *cand_get(struct core *c, const struct sighting *s)
{
	struct cand *a = cand_find(c, s);
	if (a != NULL)
		return a;
	if (s->has_id && id32_eq(&s->id, &c->node_id))
		return NULL;
	if (s->source == SIGHTING_MDNS)
		limit_rumours(c, s->ifindex, core_now_us(c));
	struct peer *p = s->has_id ? peer_get(c, &s->id) : NULL;
	if (s->has_id && p == NULL)
		return NULL;
	if (s->source == SIGHTING_MEMORY && p != NULL)
		limit_memory(p);
	return cand_new(c, s, p);
}

void cand_free(struct cand *a)
{
	cand_gone(a);
	list_del(&a->of_peer);
	list_del(&a->of_order);
	map_del(a->core->cands, &a->key);
	mem_free(a);
}

/* ---- rules ---- */

bool cand_is_alive(const struct cand *a)
{
	const struct peer *p = cand_peer(a);
	if (a->is_present)
		return true;
	return a->is_proved &&
	       ((p != NULL && p->is_contact) || a->fails < MEMORY_FAILS_MAX);
}

bool cand_is_allowed(const struct cand *a)
{
	const struct core *c = a->core;
	const struct addr *at = &a->sight.addr;
	if (!addr_is_unicast(at) || at->port == 0)
		return false;
	if (a->sight.source == SIGHTING_FIXED || a->is_proved)
		return true;
	if (at->port < PROTO_PORT_MIN || ifaces_is_broadcast(&c->ifaces, at))
		return false;
	if (addr_is_loopback(at))
		return a->sight.is_from_loopback;
	return ifaces_on_link(&c->ifaces, at);
}

bool cand_address_busy(const struct cand *a)
{
	size_t pos = 0;
	for (const struct cand *o; (o = map_next(a->core->attempts, &pos)) != NULL;)
		if (addr_eq(&o->sight.addr, &a->sight.addr))
			return true;
	return false;
}

/* ---- what happened ---- */

static uint64_t polite_us(const struct cand *a)
{
	return a->has_owner && id32_cmp(&a->core->node_id, &a->owner) > 0 ? LATER_US : 0;
}

static uint64_t jitter(const struct core *c, uint64_t us)
{
	return us * (80 + rng_uniform(c->cfg.rng, 41)) / 100;
}

void cand_seen(struct cand *a, const struct sighting *s)
{
	bool is_back = !a->is_present || strcmp(a->sight.instance, s->instance) != 0;
	struct peer *p = cand_peer(a);
	uint64_t now = core_now_us(a->core);
	if (!a->is_present && p != NULL)
		p->n_sightings++;
	a->is_present = true;
	a->sight = *s;
	if (!is_back)
		return;
	if (a->is_proved || a->fails == 0) {
		a->fails = 0;
		a->next_us = now + polite_us(a);
	}
	if (p != NULL)
		p->seen_ms = core_wall_ms(a->core);
}

void cand_gone(struct cand *a)
{
	struct peer *p = cand_peer(a);
	if (a->is_present && p != NULL)
		p->n_sightings--;
	a->is_present = false;
}

void cand_proved(struct cand *a, struct peer *p)
{
	if (!a->has_owner || !id32_eq(&a->owner, &p->node_id)) {
		bool was_present = a->is_present;
		cand_gone(a);
		set_owner(a, p);
		a->is_present = was_present;
		p->n_sightings += was_present;
	}
	a->is_proved = true;
	a->fails = 0;
	a->next_us = 0;
}

static uint64_t wait_us(const struct cand *a)
{
	unsigned n = a->fails > 0 ? a->fails - 1 : 0;
	n = n < 8 ? n : 8;
	uint64_t first = a->is_proved ? 250 * 1000 : 1000 * 1000;
	uint64_t most = (a->is_proved ? 30 : 60) * 1000000ULL;
	uint64_t us = first << n;
	return us < most ? us : most;
}

void cand_failed(struct cand *a, uint64_t now)
{
	a->fails++;
	a->next_us = now + jitter(a->core, wait_us(a)) + polite_us(a);
}

void cand_retry(struct cand *a, uint64_t now)
{
	a->next_us = now + polite_us(a) / 3;
}
