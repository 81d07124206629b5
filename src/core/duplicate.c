#include "core/duplicate.h"

#include "base/log.h"
#include "core/outbox.h"

enum verdict {
	KEEP_NEW, /* close the old one */
	KEEP_OLD, /* close the new one */
	OTHERS_CHOICE /* the initiator closes what it does not want */
};

/* True when our side comes first in the order of (node_id || device_id). */
static bool are_we_smaller(const struct session *s)
{
	const struct core *c = s->core;
	int cmp = id32_cmp(&c->node_id, &s->cert.node_id);
	if (cmp == 0)
		cmp = memcmp(identity_device_id(c->cfg.identity)->b, s->cert.device_id.b,
			     sizeof s->cert.device_id.b);
	return cmp < 0;
}

/* Another boot of the same device: its old process is gone. When that happens
 * again and again, two processes share the keys. */
static enum verdict judge_boot(struct session *s)
{
	struct peer *p = s->peer;
	uint64_t now = core_now_us(s->core);
	if (p->boots == 0 || now - p->boots_since_us > PROTO_CLONE_S * 1000000ULL) {
		p->boots = 0;
		p->boots_since_us = now;
	}
	if (++p->boots <= PROTO_CLONE_BOOTS)
		return KEEP_NEW;
	if (p->cloned_until_us <= now)
		peer_notice(
			p, "alarm",
			"%s runs twice with the same keys (a cloned profile?); keeping "
			"the session there is",
			p->name);
	p->cloned_until_us = now + PROTO_CLONE_S * 1000000ULL;
	return KEEP_OLD;
}

/* They are settled when they go live, so either may be the older. */
static bool are_close(const struct session *a, const struct session *b)
{
	uint64_t apart = a->up_us > b->up_us ? a->up_us - b->up_us : b->up_us - a->up_us;
	return apart < PROTO_DUP_SAME_S * 1000000ULL;
}

static enum verdict judge(struct session *s, const struct session *old)
{
	if (!id16_eq(&s->boot, &old->boot))
		return judge_boot(s);
	if (s->is_initiator == old->is_initiator)
		return s->is_initiator ? KEEP_NEW : OTHERS_CHOICE;
	if (are_close(s, old))
		return s->is_initiator == are_we_smaller(s) ? KEEP_NEW : KEEP_OLD;
	return KEEP_NEW;
}

static bool is_rival(const struct session *s, const struct session *old)
{
	return old != s && !old->is_leaving && old->phase == SESSION_LIVE &&
	       id16_eq(&s->cert.device_id, &old->cert.device_id);
}

bool duplicate_settle(struct session *s)
{
	list_each_safe (it, &s->peer->sessions) {
		struct session *old = list_entry(it, struct session, of_peer);
		if (!is_rival(s, old))
			continue;
		switch (judge(s, old)) {
		case KEEP_NEW:
			session_close(old, CODE_DUPLICATE, "replaced by a newer session");
			break;
		case OTHERS_CHOICE:
			old->is_leaving = true;
			outbox_return(old); /* its initiator may be gone for good */
			break;
		case KEEP_OLD:
			session_close(s, CODE_DUPLICATE, "another session is kept");
			return false;
		}
	}
	return true;
}
