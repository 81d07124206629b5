#include "core/dialer.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/cand.h"
#include "core/contact.h"

enum {
	STAGGER_US = 250 * 1000,
	PEER_DIALS_MAX = 2,
	UNPROVED_DIALS_MAX = 8,
	LASTED_US = 10 * 1000 * 1000, /* a session this old pays for the next dial */
	POKE_US = 10 * 1000 /* looking at thousands of them has its price */
};

/* ---- may it be dialled now? ---- */

static bool has_session(const struct peer *p)
{
	return p != NULL && !list_empty(&p->sessions);
}

static bool is_peer_free(const struct cand *a, uint64_t now)
{
	const struct core *c = a->core;
	const struct peer *p = cand_peer(a);
	if (p == NULL)
		return true;
	if (has_session(p) || p->is_blocked || p->n_attempts >= PEER_DIALS_MAX)
		return false;
	if (p->n_attempts > 0 && now - p->attempt_us < STAGGER_US)
		return false;
	size_t busy = map_count(c->sessions) + map_count(c->attempts);
	return p->is_contact || p->is_wanted || cand_is_fixed(a) ||
	       busy < (size_t)options_int(c->cfg.options, OPT_eager_peers);
}

static bool is_wanted(const struct cand *a, uint64_t now)
{
	const struct core *c = a->core;
	if (a->link != 0 || !cand_is_alive(a) || !is_peer_free(a, now))
		return false;
	if (cand_is_rumour(a) && c->dials_unproved >= UNPROVED_DIALS_MAX)
		return false;
	return cand_is_allowed(a) && !cand_address_busy(a);
}

/* Who is dialled first. Rumours that were tried, and those of a host that did not
 * answer, come last: else the retries of made-up ones would keep a real one out. */
enum rank { RANK_VOUCHED, RANK_NEW, RANK_DOUBTFUL, RANKS };

static enum rank rank_of(const struct cand *a)
{
	if (!cand_is_rumour(a))
		return RANK_VOUCHED;
	return a->fails == 0 && !a->is_silent_host ? RANK_NEW : RANK_DOUBTFUL;
}

/* ---- dialling ---- */

static void begin(struct cand *a, link_id link, uint64_t now)
{
	struct peer *p = cand_peer(a);
	a->link = link;
	a->counts_unproved = cand_is_rumour(a);
	a->core->dials_unproved += a->counts_unproved;
	map_put(a->core->attempts, &a->link, a);
	if (p == NULL)
		return;
	p->n_attempts++;
	p->attempt_us = now;
}

/* The dial is over, well or badly. */
static void end(struct cand *a)
{
	struct peer *p = cand_peer(a);
	map_del(a->core->attempts, &a->link);
	a->link = 0;
	a->core->dials_unproved -= a->counts_unproved;
	a->counts_unproved = false;
	if (p != NULL && p->n_attempts > 0)
		p->n_attempts--;
}

static void dial(struct cand *a, uint64_t now)
{
	const struct core *c = a->core;
	link_id link;
	a->tried_us = now;
	const struct id32 *target = a->sight.has_id ? &a->sight.id : NULL;
	enum err e = c->cfg.link->dial(c->cfg.net, &a->sight.addr, target,
				       cand_is_rumour(a), &link);
	if (e != ERR_OK) {
		cand_failed(a, now);
		return;
	}
	begin(a, link, now);
}

/* The newest first: whoever floods the network with announcements must not stand
 * before the one that came last. */
static void dial_due(struct core *c, uint64_t now, enum rank rank)
{
	struct list *it = c->cands_order.prev, *prev;
	for (; it != &c->cands_order; it = prev) {
		prev = it->prev;
		struct cand *a = list_entry(it, struct cand, of_order);
		if (a->next_us <= now && rank_of(a) == rank && is_wanted(a, now))
			dial(a, now);
	}
}

static void on_timer(void *ctx)
{
	dialer_run(ctx);
}

/* When it may be dialled, if nothing but time is in the way; what else may be (a
 * session, too many dials, no such network) pokes the dialer when it ends. */
static uint64_t due_us(const struct cand *a, uint64_t now)
{
	if (a->link != 0)
		return UINT64_MAX;
	uint64_t at = a->next_us;
	const struct peer *p = cand_peer(a);
	if (has_session(p) || !cand_is_alive(a))
		return UINT64_MAX;
	if (p != NULL && p->n_attempts > 0 && p->attempt_us + STAGGER_US > at)
		at = p->attempt_us + STAGGER_US;
	return at > now ? at : UINT64_MAX;
}

static void set_wake(struct core *c, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	list_each (it, &c->cands_order) {
		uint64_t at = due_us(list_entry(it, struct cand, of_order), now);
		next = at < next ? at : next;
	}
	if (next == UINT64_MAX)
		timer_stop(&c->dial_timer);
	else
		timer_set(c->cfg.timers, &c->dial_timer, (next - now) / 1000 + 1,
			  on_timer, c);
}

/* A dial that failed at once may have been the last of a remembered address. */
static struct cand *find_lost(const struct core *c)
{
	list_each (it, &c->cands_order) {
		struct cand *a = list_entry(it, struct cand, of_order);
		if (a->link == 0 && a->is_proved && !cand_is_alive(a))
			return a;
	}
	return NULL;
}

static void let_go(struct cand *a)
{
	struct peer *p = cand_peer(a);
	if (a->link == 0 && !cand_is_alive(a))
		cand_free(a);
	if (p != NULL)
		peer_let_go(p);
}

void dialer_run(struct core *c)
{
	uint64_t now = core_now_us(c);
	c->dial_us = now;
	for (enum rank rank = RANK_VOUCHED; rank < RANKS; rank++)
		dial_due(c, now, rank);
	for (struct cand *a; (a = find_lost(c)) != NULL;)
		let_go(a);
	set_wake(c, now);
}

void dialer_poke(struct core *c)
{
	uint64_t now = core_now_us(c), at = c->dial_us + POKE_US;
	timer_set(c->cfg.timers, &c->dial_timer, at > now ? (at - now) / 1000 + 1 : 0,
		  on_timer, c);
}

/* ---- what happened ---- */

/* Heard of at an address that is new: it may have left the one that the session runs
 * to, and nothing else would tell us for PROTO_DEAD_S. If it is a lie, it costs a
 * PING. */
static void doubt_sessions(const struct peer *p, const struct addr *at)
{
	uint64_t now = core_now_us(p->core);
	list_each (it, &p->sessions) {
		struct session *s = list_entry(it, struct session, of_peer);
		if (now - s->up_us > LASTED_US && !addr_ip_eq(&s->remote, at))
			session_probe(s);
	}
}

void dialer_sighting(struct core *c, const struct sighting *s)
{
	bool is_new = cand_find(c, s) == NULL;
	struct cand *a = s->is_gone ? cand_find(c, s) : cand_get(c, s);
	if (a == NULL)
		return;
	struct peer *p = cand_peer(a);
	if (s->is_gone)
		cand_gone(a, s);
	else
		cand_seen(a, s);
	if (p != NULL && is_new)
		doubt_sessions(p, &s->addr);
	if (p != NULL && !s->is_gone && s->source == SIGHTING_MDNS)
		p->role = s->role;
	if (p != NULL)
		peer_update(p, NULL);
	if (s->is_gone)
		let_go(a);
}

void dialer_on_proved(struct core *c, link_id id, struct peer *p, bool is_taken)
{
	struct cand *a = map_get(c->attempts, &id);
	if (a == NULL)
		return;
	end(a);
	if (p != NULL)
		cand_proved(a, p);
	if (!is_taken)
		cand_refused(a, core_now_us(c));
	dialer_poke(c);
}

void dialer_on_up(struct session *s)
{
	const struct core_ports *ports = &s->core->cfg.ports;
	if (ports->address_proved != NULL)
		ports->address_proved(ports->ctx, &s->remote);
	s->peer->is_wanted = false;
}

bool dialer_on_down(struct core *c, link_id id, enum err why, uint16_t code)
{
	struct cand *a = map_get(c->attempts, &id);
	if (a == NULL)
		return false;
	const struct core_ports *ports = &c->cfg.ports;
	char where[ADDR_TEXT_BYTES];
	addr_str(&a->sight.addr, where);
	log_debug("dialer", "%s: %s (%u)", where, err_str(why), code);
	if (why == ERR_VERSION && a->fails == 0)
		core_notice(c, "warning", "%s speaks another protocol version: %s", where,
			    proto_code_str(code));
	end(a);
	cand_failed(a, core_now_us(c));
	if (why == ERR_TIMEOUT)
		cand_silent(a);
	if (a->fails == 1 && a->sight.source == SIGHTING_MDNS && ports->again != NULL)
		ports->again(ports->ctx, a->sight.instance);
	let_go(a);
	dialer_poke(c);
	return true;
}

static bool is_refusal(unsigned code)
{
	return code == CODE_QUOTA || code == CODE_RATE || code == CODE_BLOCKED ||
	       code == CODE_UNAUTHORISED || code == CODE_PROTOCOL;
}

void dialer_on_lost(const struct session *s, enum err why, unsigned code)
{
	struct core *c = s->core;
	uint64_t now = core_now_us(c);
	/* A change of our network is no fault of the peer, however soon it came. */
	bool has_lasted =
		s->up_us != 0 && (now - s->up_us > LASTED_US || s->probe_us != 0);
	bool is_failure = !has_lasted || code != CODE_OK || why != ERR_OK;
	list_each (it, &s->peer->cands) {
		struct cand *a = list_entry(it, struct cand, of_peer);
		if (a->is_proved && has_lasted)
			cand_lasted(a);
		if (is_refusal(code))
			cand_refused(a, now);
		else if (a->is_proved && a->link == 0)
			(is_failure ? cand_failed : cand_retry)(a, now);
	}
	dialer_poke(c);
}

void dialer_remember(struct session *s, uint16_t port)
{
	if (port < PROTO_PORT_MIN)
		return;
	struct sighting sight = {.source = SIGHTING_MEMORY, .has_id = true};
	sight.id = s->peer->node_id;
	sight.addr = s->remote;
	sight.addr.port = port;
	struct cand *a = cand_get(s->core, &sight);
	if (a != NULL)
		cand_proved(a, s->peer);
	contact_changed(s->peer);
}

void dialer_renew(struct session *s)
{
	struct core *c = s->core;
	if (!s->is_initiator || c->cfg.link->is_worn == NULL ||
	    !c->cfg.link->is_worn(c->cfg.net, s->link))
		return;
	list_each (it, &s->peer->cands) {
		struct cand *a = list_entry(it, struct cand, of_peer);
		if (a->link != 0 || !addr_eq(&a->sight.addr, &s->remote))
			continue;
		dial(a, core_now_us(c));
		return;
	}
}

void dialer_want(struct peer *p)
{
	if (has_session(p))
		return;
	p->is_wanted = true;
	uint64_t now = core_now_us(p->core);
	list_each (it, &p->cands) {
		struct cand *a = list_entry(it, struct cand, of_peer);
		if (a->is_proved)
			cand_hurry(a, now);
	}
	dialer_poke(p->core);
}

void dialer_forget(struct peer *p)
{
	list_each_safe (it, &p->cands) {
		struct cand *a = list_entry(it, struct cand, of_peer);
		if (a->link != 0) {
			p->core->cfg.link->close(p->core->cfg.net, a->link, CODE_OK, "");
			end(a);
		}
		cand_free(a);
	}
}

void dialer_free(struct core *c)
{
	while (!list_empty(&c->cands_order)) {
		struct cand *a = list_entry(c->cands_order.next, struct cand, of_order);
		if (a->link != 0)
			end(a);
		cand_free(a);
	}
	timer_stop(&c->dial_timer);
	map_free(c->cands);
	map_free(c->attempts);
}

/* ---- for people ---- */

bool dialer_remembers(const struct peer *p)
{
	list_each (it, &p->cands) {
		const struct cand *a = list_entry(it, struct cand, of_peer);
		if (a->is_proved && cand_is_alive(a))
			return true;
	}
	return false;
}

void dialer_best_address(const struct peer *p, char out[static ADDR_TEXT_BYTES])
{
	const struct cand *best = NULL;
	list_each (it, &p->cands) {
		const struct cand *a = list_entry(it, struct cand, of_peer);
		if (best == NULL || (a->is_proved && !best->is_proved))
			best = a;
	}
	out[0] = '\0';
	if (best != NULL)
		addr_str(&best->sight.addr, out);
}

/* One address may be a candidate twice: as it was given, and with the id behind it. */
static bool is_repeated(const struct peer *p, const struct cand *a)
{
	list_each (it, &p->cands) {
		const struct cand *o = list_entry(it, struct cand, of_peer);
		if (o == a)
			return false;
		if (addr_eq(&o->sight.addr, &a->sight.addr))
			return true;
	}
	return false;
}

char *dialer_addresses(const struct peer *p, const char **found_by)
{
	static const char *const names[] = {
		[SIGHTING_MDNS] = "mDNS",
		[SIGHTING_FIXED] = "by hand",
		[SIGHTING_MEMORY] = "it connected to us",
		[SIGHTING_SERVER] = "rendezvous",
	};
	char *all = mem_strdup("");
	*found_by = NULL;
	list_each (it, &p->cands) {
		const struct cand *a = list_entry(it, struct cand, of_peer);
		char one[ADDR_TEXT_BYTES];
		addr_str(&a->sight.addr, one);
		if (!is_repeated(p, a)) {
			char *longer = mem_printf("%s%s%s", all,
						  all[0] != '\0' ? ", " : "", one);
			mem_free(all);
			all = longer;
		}
		if (*found_by == NULL || cand_is_present(a))
			*found_by = names[a->sight.source];
	}
	return all;
}
