/* on_ctrl: messages that steer a session. */
#include "base/log.h"
#include "base/mem.h"
#include "core/contact.h"
#include "core/dialer.h"
#include "core/emit.h"
#include "core/outbox.h"
#include "core/session.h"

enum {
	PROFILE_GAP_US = (PROTO_PROFILE_S - 1) * 1000000,
	LISTS_BURST = 16,
	LIST_NOTICES = 4
};

/* ---- device lists ---- */

static void devlist_notice(struct peer *p, const char *level, const char *what)
{
	if (!bucket_take(&p->list_notices, core_now_us(p->core), 1, LIST_NOTICES))
		return;
	if (p->presence == PRESENCE_ONLINE || p->is_contact)
		peer_notice(p, level, "%s: %s", p->name, what);
}

/* Devices that are no longer named end here; a provisional one has yet to show its
 * list. */
static void close_unlisted(struct session *s)
{
	struct peer *p = s->peer;
	list_each_safe (it, &p->sessions) {
		struct session *other = list_entry(it, struct session, of_peer);
		if (other != s && !other->is_provisional &&
		    !devlist_names(p->devlist, &other->cert))
			session_close(other, CODE_UNAUTHORISED,
				      "certificate not in the device list");
	}
}

static enum err take_higher(struct session *s, const struct devlist *l)
{
	struct peer *p = s->peer;
	if (p->devlist != NULL)
		devlist_notice(p, "info", "uses another device, or one less");
	mem_free(p->devlist);
	p->devlist = mem_dup(l, sizeof *l);
	contact_changed(p);
	close_unlisted(s);
	return devlist_names(l, &s->cert) ? ERR_OK : ERR_IDENTITY;
}

/* What is wrong with a key that was compared is worth more noise. */
static const char *level_of(const struct peer *p)
{
	return p->is_verified ? "alarm" : "warning";
}

/* Keeps the highest version ever seen ("Device list"). */
static enum err take_devlist(struct session *s, struct slice raw)
{
	struct devlist l;
	struct peer *p = s->peer;
	if (devlist_parse(raw, &l) != ERR_OK || !id32_eq(&l.ik, &s->cert.ik))
		return ERR_PROTO;
	if (p->devlist == NULL || l.version > p->devlist->version)
		return take_higher(s, &l);
	if (l.version < p->devlist->version) {
		log_info("devlist", "%.8s: an older device list, ignored", p->id_text);
		if (p->is_contact)
			devlist_notice(p, level_of(p),
				       "showed an older device list, which was ignored");
		return ERR_OK;
	}
	if (!slice_eq(slice_of(l.raw, l.raw_len),
		      slice_of(p->devlist->raw, p->devlist->raw_len)))
		devlist_notice(p, level_of(p), "the device list is contradictory");
	return ERR_OK;
}

enum err on_devlist(struct session *s, const struct msg *m)
{
	/* each one costs a signature's check, and perhaps a line on the screen */
	if (!bucket_take(&s->peer->lists, core_now_us(s->core), 1, LISTS_BURST))
		return ERR_LIMIT;
	return take_devlist(s, m->u.devlist.list);
}

/* ---- HELLO and PROFILE ---- */

enum err on_hello(struct session *s, const struct msg *m)
{
	const struct msg_hello *h = &m->u.hello;
	if (h->has & MSG_HAS(3)) {
		enum err e = take_devlist(s, h->devlist);
		if (e != ERR_OK)
			return e;
	}
	/* provisional: the list it brought must be one that we now hold */
	if (s->peer->devlist == NULL || !devlist_names(s->peer->devlist, &s->cert))
		return ERR_IDENTITY;
	peer_profile(s->peer, h->nick, h->status, h->away);
	if (h->has & MSG_HAS(4))
		s->hello_ms = h->time;
	s->hello_us = core_now_us(s->core);
	if (h->has & MSG_HAS(5))
		dialer_remember(s, (uint16_t)h->port);
	session_live(s);
	return ERR_OK;
}

enum err on_profile(struct session *s, const struct msg *m)
{
	const struct msg_profile *f = &m->u.profile;
	uint64_t now = core_now_us(s->core);
	if (s->peer->profile_us != 0 && now - s->peer->profile_us < PROFILE_GAP_US)
		return ERR_OK; /* faster than allowed: not shown */
	s->peer->profile_us = now;
	peer_profile(s->peer, f->nick, f->status, f->away);
	return ERR_OK;
}

/* ---- acknowledgements ---- */

enum err on_ack(struct session *s, const struct msg *m)
{
	for (size_t i = 0; i < m->u.ack.ids.n; i++)
		if (!outbox_acked(s, msg_ids_get(&m->u.ack.ids, i)))
			return ERR_LIMIT;
	return ERR_OK;
}

enum err on_nack(struct session *s, const struct msg *m)
{
	const struct msg_nack *n = &m->u.nack;
	if (!outbox_nacked(s, n->target.p, (unsigned)n->code, n->retry_s))
		return ERR_LIMIT;
	return ERR_OK;
}
