#include "core/peer.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/chat.h"
#include "core/contact.h"
#include "core/dialer.h"
#include "core/emit.h"
#include "core/guest.h"
#include "core/knock.h"
#include "core/outbox.h"
#include "core/receipts.h"
#include "core/rival.h"
#include "core/session.h"

enum { RUMOURS_PER_S = 5, RUMOURS_BURST = 500 };

struct peer *peer_find(const struct core *c, const struct id32 *id)
{
	return map_get(c->peers, id);
}

/* The nick alone would let anybody look like anybody. */
void peer_make_name(const char *nick, const char *id_text,
		    char out[static PROTO_NICK_BYTES + 16])
{
	char *safe = text_safe(slice_str(nick), TEXT_NAME, PROTO_NICK_BYTES);
	snprintf(out, PROTO_NICK_BYTES + 16, "%.*s~%.4s", PROTO_NICK_BYTES, safe,
		 id_text);
	mem_free(safe);
}

/* What the user calls it has another mark, so that no nick can look like it. */
static void make_name(struct peer *p)
{
	if (p->alias[0] != '\0')
		snprintf(p->name, sizeof p->name, "%s=%.4s", p->alias, p->id_text);
	else
		peer_make_name(p->nick, p->id_text, p->name);
}

static struct peer *peer_new(struct core *c, const struct id32 *id)
{
	struct peer *p = mem_new(sizeof *p);
	p->core = c;
	p->node_id = *id;
	list_init(&p->of_unsaved);
	p->met_us = core_now_us(c);
	p->met_ms = core_wall_ms(c);
	node_id_compact(id, p->id_text);
	conv_of(&c->node_id, id, &p->conv);
	list_init(&p->sessions);
	list_init(&p->cands);
	list_init(&p->queue);
	make_name(p);
	map_put(c->peers, &p->node_id, p);
	map_put(c->by_text, p->id_text, p);
	map_put(c->by_conv, &p->conv, p);
	return p;
}

void peer_free(struct peer *p)
{
	if (p == NULL)
		return;
	list_del(&p->of_unsaved);
	sas_wipe(p);
	receipts_wipe(p);
	dialer_forget(p);
	outbox_clear(p);
	timer_stop(&p->wake_timer);
	map_del(p->core->by_text, p->id_text);
	map_del(p->core->peers, &p->node_id);
	map_del(p->core->by_conv, &p->conv);
	map_free(p->seen);
	mem_free(p->devlist);
	rival_wipe(p);
	knock_wipe(p);
	mem_free(p);
}

static bool is_held(const struct peer *p)
{
	return !list_empty(&p->sessions) || p->n_sightings > 0 || p->is_contact ||
	       p->knock != NULL || p->n_attempts > 0 || p->n_queued > 0 ||
	       p->traces > 0 || dialer_remembers(p);
}

static void trim_seen(struct peer *p, size_t max)
{
	while (p->seen != NULL && map_count(p->seen) > max) {
		const void *oldest;
		struct id16 gone;
		map_oldest(p->seen, &oldest);
		memcpy(&gone, oldest, sizeof gone);
		map_del(p->seen, &gone);
	}
}

void peer_let_go(struct peer *p)
{
	trim_seen(p, PEER_SEEN_AWAY);
	if (is_held(p))
		return;
	peer_update(p, NULL);
	/* its device list is worth keeping: a lower one must not come back */
	if (p->devlist == NULL || map_count(p->core->peers) > CORE_PEERS_KEPT)
		peer_free(p);
}

static bool is_stranger_away(const struct peer *p)
{
	return list_empty(&p->sessions) && !p->is_contact && p->knock == NULL &&
	       p->n_queued == 0 && p->traces == 0;
}

/* Makes room by dropping the oldest peer that only announcements and addresses hold:
 * anybody can make these up. */
static void drop_one(struct core *c)
{
	size_t pos = 0;
	for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;) {
		if (!is_stranger_away(p))
			continue;
		peer_forget(p);
		return;
	}
}

struct peer *peer_get(struct core *c, const struct id32 *id)
{
	struct peer *p = peer_find(c, id);
	if (p != NULL)
		return p;
	if (map_count(c->peers) >= CORE_PEERS_MAX)
		drop_one(c);
	if (map_count(c->peers) >= CORE_PEERS_MAX)
		return NULL;
	return peer_new(c, id);
}

struct session *peer_session(const struct peer *p)
{
	for (struct list *it = p->sessions.prev; it != &p->sessions; it = it->prev) {
		struct session *s = list_entry(it, struct session, of_peer);
		if (s->phase == SESSION_LIVE && !s->is_leaving)
			return s;
	}
	return NULL;
}

/* A session that replaces another has yet to say HELLO: nobody went away. */
static bool is_changing_over(const struct peer *p)
{
	return p->presence == PRESENCE_ONLINE && !list_empty(&p->sessions);
}

static enum presence work_out(const struct peer *p)
{
	if (peer_session(p) != NULL || is_changing_over(p))
		return PRESENCE_ONLINE;
	bool is_kept = p->is_contact || p->knock != NULL;
	if (p->presence == PRESENCE_ONLINE || p->presence == PRESENCE_OFFLINE || is_kept)
		return p->n_sightings > 0 || is_kept || dialer_remembers(p)
			       ? PRESENCE_OFFLINE
			       : PRESENCE_GONE;
	return p->n_sightings > 0 ? PRESENCE_DISCOVERED : PRESENCE_GONE;
}

static const char *const presence_names[] = {
	[PRESENCE_NONE] = "unknown",  [PRESENCE_DISCOVERED] = "discovered",
	[PRESENCE_ONLINE] = "online", [PRESENCE_OFFLINE] = "offline",
	[PRESENCE_GONE] = "gone",
};

const char *peer_state_str(const struct peer *p)
{
	enum presence now = work_out(p);
	if (now != PRESENCE_ONLINE && p->n_attempts > 0)
		return "dialing";
	return presence_names[now];
}

const char *peer_trust_str(const struct peer *p)
{
	if (p->is_blocked)
		return "blocked";
	if (p->is_mismatched || rival_is_open(p))
		return "changed";
	if (p->is_verified)
		return "verified";
	return p->is_contact ? "contact" : "unverified";
}

/* The list may come from the disk: whose it is, is looked at again. */
const struct id32 *peer_ik(const struct peer *p)
{
	const struct session *s = peer_session(p);
	struct id32 id;
	if (s != NULL)
		return &s->cert.ik;
	if (p->devlist == NULL)
		return NULL;
	node_id_of(&p->devlist->ik, &id);
	return id32_eq(&id, &p->node_id) ? &p->devlist->ik : NULL;
}

void peer_describe(const struct peer *p, struct event_peer *out,
		   char address[static ADDR_TEXT_BYTES])
{
	const struct session *s = peer_session(p);
	address[0] = '\0';
	if (s != NULL)
		addr_str(&s->remote, address);
	else
		dialer_best_address(p, address);
	*out = (struct event_peer){
		.id = p->id_text,
		.name = p->name,
		.nick = p->nick[0] != '\0' ? p->nick : NULL,
		.state = peer_state_str(p),
		.trust = peer_trust_str(p),
		.alias = p->alias[0] != '\0' ? p->alias : NULL,
		.tags = p->tags[0] != '\0' ? p->tags : NULL,
		.address = address[0] != '\0' ? address : NULL,
		.path = s != NULL ? "direct" : NULL,
		.role = p->role & 1 ? "rendezvous" : "peer",
		.status = p->status[0] != '\0' ? p->status : NULL,
		.away = p->is_away,
		.seen = s != NULL ? core_wall_ms(p->core) : p->seen_ms,
		.knock = p->knock != NULL ? p->knock->text : NULL,
	};
}

static void tell(struct peer *p, const char *why)
{
	char address[ADDR_TEXT_BYTES];
	struct event ev = {.type = EVENT_PEER};
	peer_describe(p, &ev.u.peer, address);
	ev.u.peer.state = presence_names[p->presence];
	ev.u.peer.why = why;
	emit(p->core, &ev);
}

void peer_tell(struct peer *p)
{
	if (p->presence != PRESENCE_NONE && p->presence != PRESENCE_GONE)
		tell(p, NULL);
}

void peer_notice(const struct peer *p, const char *level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	emit_notice(p->core, level, text, p->id_text);
}

void peer_update(struct peer *p, const char *why)
{
	enum presence now = work_out(p);
	if (now == p->presence)
		return;
	bool is_first = p->presence == PRESENCE_NONE && now == PRESENCE_GONE;
	if (now == PRESENCE_DISCOVERED &&
	    !bucket_take(&p->core->rumoured, core_now_us(p->core), RUMOURS_PER_S,
			 RUMOURS_BURST))
		return; /* whoever makes people up shall not fill the screen with them */
	p->presence = now;
	if (!is_first)
		tell(p, why);
}

void peer_forget(struct peer *p)
{
	bool is_known = p->presence != PRESENCE_NONE && p->presence != PRESENCE_GONE;
	p->presence = PRESENCE_GONE;
	if (is_known)
		tell(p, "forgotten");
	peer_free(p);
}

/* Cuts at a code point. */
static void take_text(char *out, size_t max, struct slice s)
{
	size_t n = s.n < max ? s.n : max;
	while (n > 0 && n < s.n && (s.p[n] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

/* First contact wins: whoever takes this nick later is somebody else. */
static void name_pin(struct peer *p)
{
	if (p->is_contact && p->pinned[0] == '\0')
		memcpy(p->pinned, p->nick, sizeof p->pinned);
}

void peer_profile(struct peer *p, struct slice nick, struct slice status, bool is_away)
{
	char old_nick[sizeof p->nick], old_status[sizeof p->status];
	bool was_away = p->is_away;
	memcpy(old_nick, p->nick, sizeof old_nick);
	memcpy(old_status, p->status, sizeof old_status);
	take_text(p->nick, PROTO_NICK_BYTES, nick);
	take_text(p->status, PROTO_STATUS_BYTES, status);
	p->is_away = is_away;
	bool is_renamed = strcmp(old_nick, p->nick) != 0;
	if (is_renamed)
		make_name(p);
	name_pin(p);
	bool is_new =
		is_renamed || was_away != is_away || strcmp(old_status, p->status) != 0;
	if (is_renamed) {
		contact_changed(p);
		rival_look(p);
	}
	if (is_new && p->presence == PRESENCE_ONLINE)
		tell(p, NULL);
}

void peer_set_alias(struct peer *p, const char *alias)
{
	snprintf(p->alias, sizeof p->alias, "%s", alias);
	make_name(p);
	contact_changed(p);
	peer_tell(p);
}

void peer_trust(struct peer *p, bool is_verified, bool is_mismatched)
{
	const char *before = peer_trust_str(p);
	p->is_verified = is_verified;
	p->is_mismatched = is_mismatched;
	if (is_verified)
		peer_pin(p);
	contact_changed(p);
	if (strcmp(before, peer_trust_str(p)) != 0)
		peer_tell(p);
}

/* Where the word begins, or NULL. */
static char *find_tag(const struct peer *p, const char *tag)
{
	size_t n = strlen(tag);
	for (const char *at = p->tags; (at = strstr(at, tag)) != NULL; at += n)
		if ((at == p->tags || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return (char *)at;
	return NULL;
}

bool peer_has_tag(const struct peer *p, const char *tag)
{
	return tag[0] != '\0' && find_tag(p, tag) != NULL;
}

bool peer_tag(struct peer *p, const char *tag)
{
	size_t used = strlen(p->tags);
	if (peer_has_tag(p, tag))
		return true;
	if (used + 1 + strlen(tag) >= sizeof p->tags)
		return false;
	snprintf(p->tags + used, sizeof p->tags - used, "%s%s", used > 0 ? " " : "", tag);
	return true;
}

void peer_untag(struct peer *p, const char *tag)
{
	char *at = find_tag(p, tag);
	if (at == NULL)
		return;
	size_t n = strlen(tag);
	char *rest = at + n + (at[n] == ' ');
	memmove(at, rest, strlen(rest) + 1);
	n = strlen(p->tags);
	if (n > 0 && p->tags[n - 1] == ' ')
		p->tags[n - 1] = '\0';
}

void peer_pin(struct peer *p)
{
	if (p->is_shut_out)
		contact_changed(p);
	p->is_shut_out = false;
	if (p->is_contact)
		return;
	p->is_contact = true;
	name_pin(p);
	guest_promote(p);
	contact_changed(p);
	rival_look(p);
	if (p->knock != NULL)
		knock_accept(p);
}

void peer_unpin(struct peer *p)
{
	contact_remove(p);
	rival_wipe(p);
	p->pinned[0] = '\0';
	p->is_contact = p->is_shut_out = false;
}

/* Time that is not worth a thousandth of a token yet is left for the next call, or
 * whoever asks fast enough would never get another. */
bool bucket_take(struct bucket *b, uint64_t now_us, unsigned per_s, unsigned burst)
{
	uint64_t full = (uint64_t)burst * 1000;
	uint64_t earned = b->at_us == 0 ? full : (now_us - b->at_us) * per_s / 1000;
	uint64_t milli = b->milli + earned;
	b->milli = (uint32_t)(milli < full ? milli : full);
	if (b->at_us == 0 || earned > 0)
		b->at_us = now_us > 0 ? now_us : 1;
	if (b->milli < 1000)
		return false;
	b->milli -= 1000;
	return true;
}

void bucket_give_back(struct bucket *b)
{
	b->milli += 1000;
}

bool peer_first_sight(struct peer *p, const struct id16 *id)
{
	if (p->seen == NULL)
		p->seen = map_new(sizeof *id);
	if (map_put(p->seen, id, p) != NULL)
		return false;
	trim_seen(p, PEER_SEEN_MAX);
	return true;
}

void peer_lose_sight(struct peer *p, const struct id16 *id)
{
	if (p->seen != NULL)
		map_del(p->seen, id);
}
