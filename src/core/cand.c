#include "core/cand.h"

#include "base/mem.h"

enum {
	/* Unproved ones kept, per interface. 64 were too few: of 100 nodes started together
	 * each heard of 99 before its first dial was through. */
	RUMOURS_MAX = 2048,
	RUMOURS_IN_FLIGHT_OF_HOST = 2, /* so that one that is silent takes few dials */
	CANDS_PER_PEER = 16,
	MEMORY_PER_PEER = 4,
	MEMORY_FAILS_MAX = 10, /* then a stranger's remembered address is dropped */
	LATER_US = 300 * 1000, /* the side with the larger id waits this long */
	HURRY_US = 1000 * 1000, /* no reason makes two dials come faster than this */
	PROVED_MOST_US = 30 * 1000 * 1000,
	UNPROVED_MOST_US = 60 * 1000 * 1000,
	REFUSED_US = 60 * 1000 * 1000
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

static bool is_from(const struct voucher *v, const struct sighting *s)
{
	return v->source == s->source && v->ifindex == s->ifindex &&
	       strcmp(v->instance, s->instance) == 0;
}

static struct voucher *find_voucher(struct cand *a, const struct sighting *s)
{
	for (unsigned i = 0; i < a->n_vouchers; i++)
		if (is_from(&a->vouchers[i], s))
			return &a->vouchers[i];
	return NULL;
}

static void drop_voucher(struct cand *a, struct voucher *v)
{
	struct voucher *end = a->vouchers + a->n_vouchers;
	memmove(v, v + 1, (size_t)(end - v - 1) * sizeof *v);
	a->n_vouchers--;
}

/* True when it is a new one. */
static bool add_voucher(struct cand *a, const struct sighting *s)
{
	if (find_voucher(a, s) != NULL)
		return false;
	if (a->n_vouchers == CAND_VOUCHERS)
		drop_voucher(a, a->vouchers);
	struct voucher *v = &a->vouchers[a->n_vouchers++];
	*v = (struct voucher){.source = s->source, .ifindex = s->ifindex};
	memcpy(v->instance, s->instance, sizeof v->instance);
	return true;
}

bool cand_is_present(const struct cand *a)
{
	return a->n_vouchers > 0;
}

bool cand_is_fixed(const struct cand *a)
{
	for (unsigned i = 0; i < a->n_vouchers; i++)
		if (a->vouchers[i].source == SIGHTING_FIXED)
			return true;
	return false;
}

/* The user vouches for a fixed one, the handshake for a proved one. */
bool cand_is_rumour(const struct cand *a)
{
	return !a->is_proved && !cand_is_fixed(a);
}

static void sort_rumour(struct cand *a)
{
	if (!cand_is_rumour(a))
		list_del(&a->of_rumours);
	else if (list_empty(&a->of_rumours))
		list_add(&a->core->rumours, &a->of_rumours);
}

/* Keeps RUMOURS_MAX of an interface. One more about a host takes the place of the
 * oldest about it, and a new host that of the oldest of all: so a flood about some
 * hosts does not wash away the others. */
static void limit_rumours(struct core *c, const struct sighting *s)
{
	unsigned n = 0;
	struct cand *oldest = NULL, *same = NULL;
	list_each (it, &c->rumours) {
		struct cand *a = list_entry(it, struct cand, of_rumours);
		if (a->sight.ifindex != s->ifindex || a->link != 0)
			continue;
		oldest = oldest == NULL ? a : oldest;
		if (same == NULL && addr_ip_eq(&a->sight.addr, &s->addr))
			same = a;
		n++;
	}
	if (n < RUMOURS_MAX)
		return;
	oldest = same != NULL ? same : oldest;
	struct peer *p = cand_peer(oldest);
	cand_free(oldest);
	if (p != NULL)
		peer_let_go(p);
}

static bool is_memory(const struct cand *a)
{
	return a->is_proved && !cand_is_present(a) && a->link == 0;
}

static bool is_hearsay(const struct cand *a)
{
	return cand_is_rumour(a) && a->link == 0;
}

/* Drops the oldest of this kind when there are max of them. */
static void limit_of_peer(struct peer *p, bool (*is_kind)(const struct cand *a),
			  unsigned max)
{
	unsigned n = 0;
	struct cand *oldest = NULL;
	list_each (it, &p->cands) {
		struct cand *a = list_entry(it, struct cand, of_peer);
		if (!is_kind(a))
			continue;
		oldest = oldest == NULL ? a : oldest;
		n++;
	}
	if (n >= max)
		cand_free(oldest);
}

static void set_absent(struct cand *a)
{
	struct peer *p = cand_peer(a);
	if (a->n_vouchers > 0 && p != NULL)
		p->n_sightings--;
	a->n_vouchers = 0;
}

static void set_owner(struct cand *a, struct peer *p)
{
	a->has_owner = true;
	a->owner = p->node_id;
	list_del(&a->of_peer);
	list_add(&p->cands, &a->of_peer);
	bool is_added = cand_is_fixed(a) || a->sight.source == SIGHTING_FIXED;
	if (is_added && a->sight.has_id) /* else it is whoever answers there */
		peer_pin(p);
}

static struct cand *find_rumour(const struct core *c, const struct addr *host)
{
	for (struct list *it = c->rumours.prev; it != &c->rumours; it = it->prev) {
		struct cand *a = list_entry(it, struct cand, of_rumours);
		if (addr_ip_eq(&a->sight.addr, host))
			return a;
	}
	return NULL;
}

/* A rumour stands beside what was rumoured of its host before: a flood about some
 * hosts does not overtake one that is new. */
static void set_order(struct cand *a)
{
	const struct cand *same = a->sight.source == SIGHTING_MDNS
					  ? find_rumour(a->core, &a->sight.addr)
					  : NULL;
	if (same != NULL)
		a->is_silent_host = same->is_silent_host;
	list_add(same != NULL ? same->of_order.next : &a->core->cands_order,
		 &a->of_order);
}

static struct cand *cand_new(struct core *c, const struct sighting *s, struct peer *p)
{
	struct cand *a = mem_new(sizeof *a);
	a->core = c;
	a->sight = *s;
	a->sight.is_gone = false;
	key_of(s, &a->key);
	list_init(&a->of_peer);
	list_init(&a->of_order);
	list_init(&a->of_rumours);
	set_order(a);
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
		limit_rumours(c, s);
	struct peer *p = s->has_id ? peer_get(c, &s->id) : NULL;
	if (s->has_id && p == NULL)
		return NULL;
	if (p != NULL) {
		limit_of_peer(p, is_memory, MEMORY_PER_PEER);
		limit_of_peer(p, is_hearsay, CANDS_PER_PEER);
	}
	return cand_new(c, s, p);
}

void cand_free(struct cand *a)
{
	set_absent(a);
	list_del(&a->of_peer);
	list_del(&a->of_order);
	list_del(&a->of_rumours);
	map_del(a->core->cands, &a->key);
	mem_free(a);
}

/* ---- rules ---- */

bool cand_is_alive(const struct cand *a)
{
	const struct peer *p = cand_peer(a);
	if (cand_is_present(a))
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
	if (cand_is_fixed(a) || a->is_proved)
		return true;
	if (at->port < PROTO_PORT_MIN || ifaces_is_broadcast(&c->ifaces, at))
		return false;
	if (addr_is_loopback(at))
		return a->sight.is_from_loopback;
	return ifaces_on_link(&c->ifaces, at);
}

bool cand_address_busy(const struct cand *a)
{
	unsigned n_rumours = 0;
	size_t pos = 0;
	for (const struct cand *o; (o = map_next(a->core->attempts, &pos)) != NULL;) {
		if (addr_eq(&o->sight.addr, &a->sight.addr))
			return true;
		n_rumours +=
			o->counts_unproved && addr_ip_eq(&o->sight.addr, &a->sight.addr);
	}
	return cand_is_rumour(a) && n_rumours >= RUMOURS_IN_FLIGHT_OF_HOST;
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
	bool was_present = cand_is_present(a);
	struct peer *p = cand_peer(a);
	bool is_back = add_voucher(a, s);
	a->sight = *s;
	sort_rumour(a);
	if (!was_present && p != NULL)
		p->n_sightings++;
	if (!is_back)
		return;
	uint64_t now = core_now_us(a->core);
	if (a->is_proved && now - a->tried_us > PROVED_MOST_US)
		a->fails = 0;
	if (a->tried_us == 0)
		a->next_us = now + polite_us(a);
	else if (a->is_proved)
		cand_hurry(a, now);
	if (p == NULL)
		return;
	p->seen_ms = core_wall_ms(a->core);
	if (s->source == SIGHTING_FIXED && s->has_id)
		peer_pin(p);
}

void cand_gone(struct cand *a, const struct sighting *s)
{
	struct voucher *v = find_voucher(a, s);
	if (v == NULL)
		return;
	if (a->n_vouchers == 1)
		set_absent(a);
	else
		drop_voucher(a, v);
	sort_rumour(a);
}

void cand_proved(struct cand *a, struct peer *p)
{
	struct peer *old = cand_peer(a);
	if (old != p) {
		bool is_present = cand_is_present(a);
		if (old != NULL)
			old->n_sightings -= is_present;
		set_owner(a, p);
		p->n_sightings += is_present;
	}
	a->is_proved = true;
	sort_rumour(a);
}

void cand_lasted(struct cand *a)
{
	a->fails = 0;
}

static uint64_t wait_us(const struct cand *a)
{
	unsigned n = a->fails > 0 ? a->fails - 1 : 0;
	n = n < 8 ? n : 8;
	uint64_t first = a->is_proved ? 250 * 1000 : 1000 * 1000;
	uint64_t most = a->is_proved ? PROVED_MOST_US : UNPROVED_MOST_US;
	uint64_t us = first << n;
	return us < most ? us : most;
}

void cand_failed(struct cand *a, uint64_t now)
{
	a->fails++;
	a->next_us = now + jitter(a->core, wait_us(a)) + polite_us(a);
}

void cand_silent(struct cand *a)
{
	if (!cand_is_rumour(a))
		return;
	list_each (it, &a->core->rumours) {
		struct cand *o = list_entry(it, struct cand, of_rumours);
		if (addr_ip_eq(&o->sight.addr, &a->sight.addr))
			o->is_silent_host = true;
	}
}

void cand_retry(struct cand *a, uint64_t now)
{
	if (a->fails > 0)
		cand_failed(a, now);
	else
		a->next_us = now + polite_us(a) / 3;
}

void cand_refused(struct cand *a, uint64_t now)
{
	a->fails++;
	a->next_us = now + REFUSED_US;
}

void cand_hurry(struct cand *a, uint64_t now)
{
	uint64_t at = now;
	if (a->tried_us != 0 && a->tried_us + HURRY_US > at)
		at = a->tried_us + HURRY_US;
	if (a->next_us > at)
		a->next_us = at;
}
