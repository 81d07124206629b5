/* on_chat: texts that come in. */
#include "core/chat.h"

#include "base/mem.h"

enum {
	DAY_S = 86400,
	KNOCK_BYTES = 512,
	LAN_IPS_MAX = 4096,
	/* a flood of empty words costs too */
	DAY_OVERHEAD_BYTES = 64
};

/* The rate of one address on #lan; several peers may share it. */
struct lan_ip {
	uint8_t key[16];
	struct bucket bucket;
};

static struct bucket *lan_bucket(struct core *c, const struct addr *a)
{
	struct lan_ip *ip = map_get(c->lan_ips, a->ip);
	if (ip != NULL)
		return &ip->bucket;
	if (map_count(c->lan_ips) >= LAN_IPS_MAX)
		mem_free(map_del(c->lan_ips,
				 ((struct lan_ip *)map_oldest(c->lan_ips, NULL))->key));
	ip = mem_new(sizeof *ip);
	memcpy(ip->key, a->ip, sizeof ip->key);
	map_put(c->lan_ips, ip->key, ip);
	return &ip->bucket;
}

void chat_free(struct core *c)
{
	size_t pos = 0;
	for (void *v; (v = map_next(c->lan_ips, &pos)) != NULL;)
		mem_free(v);
	map_free(c->lan_ips);
}

/* Who is over his own limit takes nothing from those who share his address, and earns
 * nothing before he waits as he was told; a contact does not depend on them at all. */
static bool is_within_lan_rate(struct session *s)
{
	struct peer *p = s->peer;
	uint64_t now = core_now_us(s->core);
	if (!bucket_take(&p->lan, now, PROTO_LAN_PER_S, PROTO_LAN_BURST)) {
		p->lan = (struct bucket){.at_us = now > 0 ? now : 1};
		return false;
	}
	if (p->is_contact || bucket_take(lan_bucket(s->core, &s->remote), now,
					 PROTO_LAN_PER_S, PROTO_LAN_BURST))
		return true;
	bucket_give_back(&p->lan);
	return false;
}

static bool is_within_day(struct peer *p, size_t n)
{
	uint64_t now = core_now_us(p->core);
	if (p->is_contact)
		return true;
	if (p->day_us == 0 || now - p->day_us >= DAY_S * 1000000ULL) {
		p->day_us = now > 0 ? now : 1;
		p->day_bytes = 0;
	}
	uint64_t max = (uint64_t)options_int(p->core->cfg.options, OPT_stranger_mib_day);
	n += DAY_OVERHEAD_BYTES;
	if (p->day_bytes + n > max << 20)
		return false;
	p->day_bytes += n;
	return true;
}

static uint64_t day_left_s(const struct peer *p)
{
	return DAY_S - (core_now_us(p->core) - p->day_us) / 1000000;
}

/* max(seen) + 1 is what we send next; a number far ahead is clamped. */
static void take_lamport(uint64_t *seen, uint64_t got)
{
	if (got > *seen + PROTO_LAMPORT_AHEAD)
		got = *seen + 1;
	if (got > *seen)
		*seen = got;
}

static void show(struct session *s, const struct msg *m, bool is_lan)
{
	const struct msg_text *t = &m->u.text;
	struct peer *p = s->peer;
	char id[33];
	char small[256];
	char *text = t->text.n < sizeof small ? small : mem_new(t->text.n + 1);
	hex_encode(slice_of(m->id.b, sizeof m->id.b), id);
	memcpy(text, t->text.p, t->text.n);
	text[t->text.n] = '\0';
	struct event ev = {.type = EVENT_MESSAGE};
	ev.u.message = (struct event_message){
		.id = id,
		.conv = is_lan ? "#lan" : p->id_text,
		.direction = "in",
		.peer = p->id_text,
		.name = p->name,
		.nick = p->nick[0] != '\0' ? p->nick : NULL,
		.text = text,
		.style = t->style == 1 ? "action" : "plain",
		.sent = t->time,
	};
	emit(s->core, &ev);
	if (text != small)
		mem_free(text);
}

/* With accept_from = contacts a stranger gets one knock, and no more. */
static bool is_stranger(const struct peer *p)
{
	return !p->is_contact && options_enum(p->core->cfg.options, OPT_accept_from) != 0;
}

static bool may_knock(const struct peer *p, const struct msg *m)
{
	return !p->is_knock_shown && m->u.text.text.n <= KNOCK_BYTES;
}

static void knock(struct peer *p, const struct msg *m)
{
	p->is_knock_shown = true;
	peer_notice(p, "info", "%s knocks (answer with /msg to let them write): %.*s",
		    p->name, (int)m->u.text.text.n, (const char *)m->u.text.text.p);
}

/* CODE_OK, or what to refuse it with. */
static enum proto_code check(struct session *s, const struct msg *m, bool *is_lan,
			     uint64_t *retry_s)
{
	const struct core *c = s->core;
	struct slice conv = m->u.text.conv;
	*retry_s = 0;
	*is_lan = memcmp(conv.p, c->lan_conv.b, sizeof c->lan_conv.b) == 0;
	if (!*is_lan && memcmp(conv.p, s->peer->conv.b, sizeof s->peer->conv.b) != 0)
		return CODE_PROTOCOL;
	if (*is_lan && !options_bool(c->cfg.options, OPT_lan))
		return CODE_UNSUPPORTED;
	if (!*is_lan && is_stranger(s->peer) && !may_knock(s->peer, m))
		return CODE_UNAUTHORISED;
	*retry_s = *is_lan ? 1 : 60;
	if (*is_lan && !is_within_lan_rate(s))
		return CODE_RATE;
	if (is_within_day(s->peer, m->u.text.text.n))
		return CODE_OK;
	*retry_s = day_left_s(s->peer);
	return CODE_RATE;
}

enum err on_text(struct session *s, const struct msg *m)
{
	struct peer *p = s->peer;
	bool is_lan;
	uint64_t retry_s;
	if (!peer_first_sight(p, &m->id)) {
		session_ack(s, &m->id); /* a repeat: acknowledged again, shown once */
		return ERR_OK;
	}
	enum proto_code code = check(s, m, &is_lan, &retry_s);
	if (code != CODE_OK) {
		map_del(p->seen, &m->id); /* it may come again, and be taken then */
		session_nack(s, &m->id, code, retry_s);
		return ERR_OK;
	}
	take_lamport(is_lan ? &s->core->lan_lamport : &p->lamport, m->u.text.lamport);
	if (!is_lan && is_stranger(p))
		knock(p, m);
	else
		show(s, m, is_lan);
	session_ack(s, &m->id);
	return ERR_OK;
}
