#include "net/gate.h"

#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

enum {
	/* family, address, scope */
	KEY_BYTES = 1 + 16 + 4,
	/* More than the people of a LAN; the longest known is forgotten first. */
	PROVED_MAX = 1024,
	/* Two are forgotten for each that comes: so they do not pile up. */
	FORGET_AT_ONCE = 2
};

static const uint64_t second_us = 1000 * 1000;
/* So long an address that was let in stands behind those that were not. */
static const uint64_t recent_us = 5 * 1000 * 1000;
static const uint64_t proved_us = UINT64_C(24) * 3600 * 1000 * 1000;

/* So many a second, and at most one second's worth at once: what has been taken is
 * counted in the time that it takes to come back. */
struct tokens {
	uint64_t each_us; /* what one costs */
	uint64_t full_us; /* when it is full again */
};

struct gate_ip {
	uint8_t key[KEY_BYTES];
	struct tokens tokens;
	uint64_t admitted_us; /* the last time; 0: never */
	struct list slots; /* oldest first */
	unsigned n_slots;
	struct list of_gate; /* in strangers or in proved, least recent first */
	struct list of_busy; /* while it has slots */
	bool is_proved;
	uint64_t proved_until_us;
};

struct gate {
	const struct clock *clock;
	struct gate_limits limits;
	struct map *ips; /* key -> struct gate_ip */
	struct list strangers, proved, busy;
	unsigned n_proved;
	unsigned n_half_open, n_half_open_strangers;
	uint64_t seq;
	struct tokens common, reserved;
};

/* ------------------------------------------------------------------ tokens */

static struct tokens tokens_of(unsigned per_second)
{
	return (struct tokens){.each_us = per_second > 0 ? second_us / per_second
							 : second_us + 1};
}

/* One more, of those that span_us bring. */
static bool tokens_have(const struct tokens *t, uint64_t span_us, uint64_t now)
{
	uint64_t from = t->full_us > now ? t->full_us : now;

	return from + t->each_us - now <= span_us;
}

static void tokens_take(struct tokens *t, uint64_t now)
{
	t->full_us = (t->full_us > now ? t->full_us : now) + t->each_us;
}

/* --------------------------------------------------------------- addresses */

static void key_of(const struct addr *a, uint8_t key[static KEY_BYTES])
{
	key[0] = (uint8_t)a->family;
	memcpy(key + 1, a->ip, sizeof(a->ip));
	memcpy(key + 1 + sizeof(a->ip), &a->scope, sizeof(a->scope));
}

static struct gate_ip *ip_find(const struct gate *g, const struct addr *a)
{
	uint8_t key[KEY_BYTES];

	key_of(a, key);
	return map_get(g->ips, key);
}

/* Makes it when it is not known. */
static struct gate_ip *ip_get(struct gate *g, const struct addr *a)
{
	struct gate_ip *ip = ip_find(g, a);

	if (ip != NULL)
		return ip;
	ip = mem_new(sizeof(*ip));
	key_of(a, ip->key);
	ip->tokens = tokens_of(g->limits.new_ip_second);
	list_init(&ip->slots);
	list_init(&ip->of_gate);
	list_init(&ip->of_busy);
	list_add(&g->strangers, &ip->of_gate);
	map_put(g->ips, ip->key, ip);
	return ip;
}

static void ip_free(struct gate *g, struct gate_ip *ip)
{
	map_del(g->ips, ip->key);
	list_del(&ip->of_gate);
	list_del(&ip->of_busy);
	mem_free(ip);
}

static void to_proved(struct gate *g, struct gate_ip *ip)
{
	if (!ip->is_proved) {
		g->n_proved++;
		g->n_half_open_strangers -= ip->n_slots;
	}
	ip->is_proved = true;
	list_del(&ip->of_gate);
	list_add(&g->proved, &ip->of_gate);
}

static void to_strangers(struct gate *g, struct gate_ip *ip)
{
	ip->is_proved = false;
	g->n_proved--;
	g->n_half_open_strangers += ip->n_slots;
	list_del(&ip->of_gate);
	list_add(&g->strangers, &ip->of_gate);
}

static void expire_proved(struct gate *g, uint64_t now)
{
	while (!list_empty(&g->proved)) {
		struct gate_ip *ip = list_entry(g->proved.next, struct gate_ip, of_gate);
		if (ip->proved_until_us > now)
			break;
		to_strangers(g, ip);
	}
}

static bool is_recent(const struct gate_ip *ip, uint64_t now)
{
	return ip->admitted_us != 0 && now - ip->admitted_us < recent_us;
}

/* A stranger that did not come lately and has no handshake is as good as unknown. */
static void forget_some(struct gate *g, uint64_t now)
{
	for (int i = 0; i < FORGET_AT_ONCE && !list_empty(&g->strangers); i++) {
		struct gate_ip *ip =
			list_entry(g->strangers.next, struct gate_ip, of_gate);
		if (ip->n_slots == 0 && ip->tokens.full_us <= now &&
		    !is_recent(ip, now)) {
			ip_free(g, ip);
		} else {
			list_del(&ip->of_gate);
			list_add(&g->strangers, &ip->of_gate);
		}
	}
}

/* ------------------------------------------------------------------- slots */

static struct gate_slot *oldest_of(const struct gate_ip *ip)
{
	return list_entry(ip->slots.next, struct gate_slot, of_ip);
}

static bool is_better_victim(const struct gate_ip *a, const struct gate_ip *than)
{
	if (than == NULL || a->n_slots != than->n_slots)
		return than == NULL || a->n_slots > than->n_slots;
	return oldest_of(a)->seq < oldest_of(than)->seq;
}

/* As many steps as addresses have a handshake under way: at most half_open. */
static struct gate_slot *find_victim(const struct gate *g, bool only_strangers)
{
	const struct gate_ip *busiest = NULL;

	list_each (it, &g->busy) {
		const struct gate_ip *ip = list_entry(it, struct gate_ip, of_busy);
		if (only_strangers && ip->is_proved)
			continue;
		if (is_better_victim(ip, busiest))
			busiest = ip;
	}
	return busiest != NULL ? oldest_of(busiest) : NULL;
}

static unsigned half_of(unsigned n)
{
	return n - n / 2;
}

/* Who has to go so that one more of ip has a place; NULL: nobody. */
static struct gate_slot *victim_for(const struct gate *g, const struct gate_ip *ip)
{
	if (ip->n_slots >= g->limits.half_open_ip && ip->n_slots > 0)
		return oldest_of(ip);
	if (!ip->is_proved && g->n_half_open_strangers >= half_of(g->limits.half_open))
		return find_victim(g, true);
	if (g->n_half_open >= g->limits.half_open)
		return find_victim(g, false);
	return NULL;
}

static void take_place(struct gate *g, struct gate_ip *ip, struct gate_slot *slot)
{
	slot->ip = ip;
	slot->seq = g->seq++;
	list_init(&slot->of_ip);
	list_add(&ip->slots, &slot->of_ip);
	if (ip->n_slots++ == 0)
		list_add(&g->busy, &ip->of_busy);
	g->n_half_open++;
	g->n_half_open_strangers += !ip->is_proved;
}

void gate_leave(struct gate *g, struct gate_slot *slot)
{
	struct gate_ip *ip = slot->ip;

	if (ip == NULL)
		return;
	slot->ip = NULL;
	list_del(&slot->of_ip);
	if (--ip->n_slots == 0)
		list_del(&ip->of_busy);
	g->n_half_open--;
	g->n_half_open_strangers -= !ip->is_proved;
}

struct gate_slot *gate_evict(struct gate *g)
{
	struct gate_slot *victim = find_victim(g, false);

	if (victim != NULL)
		gate_leave(g, victim);
	return victim;
}

/* ------------------------------------------------------------------ public */

struct gate *gate_new(const struct clock *clock, const struct gate_limits *limits)
{
	struct gate *g = mem_new(sizeof(*g));

	g->clock = clock;
	g->limits = *limits;
	g->ips = map_new(KEY_BYTES);
	list_init(&g->strangers);
	list_init(&g->proved);
	list_init(&g->busy);
	g->common = tokens_of(half_of(limits->new_second));
	g->reserved = tokens_of(limits->new_second / 2);
	return g;
}

void gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	if (g->n_half_open > 0)
		BUG("the gate is freed before those inside have left");
	size_t pos = 0;
	for (struct gate_ip *ip; (ip = map_next(g->ips, &pos)) != NULL;)
		ip_free(g, ip);
	map_free(g->ips);
	mem_free(g);
}

/* Those in all; the reserved ones first, where they may be used. Strangers that come
 * again and again leave half of what may be taken at once to the others: so who is new
 * gets in at once, however often they try. */
static struct tokens *pick_tokens(struct gate *g, const struct gate_ip *ip, uint64_t now)
{
	bool is_again = ip != NULL && !ip->is_proved && is_recent(ip, now);

	if (ip != NULL && ip->is_proved && tokens_have(&g->reserved, second_us, now))
		return &g->reserved;
	return tokens_have(&g->common, is_again ? second_us / 2 : second_us, now)
		       ? &g->common
		       : NULL;
}

/* An address that has used up its own share takes none from all; and an address is
 * remembered only when it is let in, so that a flood does not fill the memory. */
bool gate_admit(struct gate *g, const struct addr *a)
{
	uint64_t now = clock_mono_us(g->clock);

	expire_proved(g, now);
	forget_some(g, now);
	struct gate_ip *ip = ip_find(g, a);
	if (ip != NULL && !tokens_have(&ip->tokens, second_us, now))
		return false;
	struct tokens *all = pick_tokens(g, ip, now);
	if (all == NULL)
		return false;
	tokens_take(all, now);
	ip = ip_get(g, a);
	tokens_take(&ip->tokens, now);
	ip->admitted_us = now;
	return true;
}

struct gate_slot *gate_enter(struct gate *g, const struct addr *a, struct gate_slot *slot)
{
	struct gate_ip *ip = ip_get(g, a);
	struct gate_slot *victim = victim_for(g, ip);

	if (victim != NULL)
		gate_leave(g, victim);
	take_place(g, ip, slot);
	return victim;
}

void gate_proved(struct gate *g, const struct addr *a)
{
	uint64_t now = clock_mono_us(g->clock);

	forget_some(g, now);
	struct gate_ip *ip = ip_get(g, a);
	to_proved(g, ip);
	ip->proved_until_us = now + proved_us;
	if (g->n_proved > PROVED_MAX)
		to_strangers(g, list_entry(g->proved.next, struct gate_ip, of_gate));
}

unsigned gate_half_open(const struct gate *g)
{
	return g->n_half_open;
}

size_t gate_known(const struct gate *g)
{
	return map_count(g->ips);
}
