/* on_chat: texts that come in. */
#include "core/chat.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/expire.h"
#include "core/kept.h"
#include "core/knock.h"
#include "core/quotes.h"

enum {
	DAY_S = 86400,
	NOT_KEPT_RETRY_S = 10,
	LAN_IPS_MAX = 4096,
	LATE_S = 60,
	LATE_MAX_S = 366 * DAY_S, /* nobody waits so long: it is made up */
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

uint64_t chat_lamport(uint64_t *seen, uint64_t got)
{
	if (got > *seen + PROTO_LAMPORT_AHEAD)
		got = *seen + 1;
	if (got > *seen)
		*seen = got;
	return got;
}

/* With accept_from = contacts a stranger gets one knock, and no more. */
static bool is_stranger(const struct peer *p)
{
	return !p->is_contact && options_enum(p->core->cfg.options, OPT_accept_from) != 0;
}

static enum proto_code check(struct session *s, const struct arrival *a, bool *is_lan,
			     uint64_t *retry_s)
{
	const struct core *c = s->core;
	*retry_s = 0;
	*is_lan = memcmp(a->conv.p, c->lan_conv.b, sizeof c->lan_conv.b) == 0;
	if (!*is_lan && memcmp(a->conv.p, s->peer->conv.b, sizeof s->peer->conv.b) != 0)
		return CODE_PROTOCOL;
	if (*is_lan && !options_bool(c->cfg.options, OPT_lan))
		return CODE_UNSUPPORTED;
	if (!*is_lan && is_stranger(s->peer)) {
		enum proto_code code = a->knock != NULL
					       ? knock_check(s->peer, a->knock, retry_s)
					       : CODE_UNAUTHORISED;
		if (code != CODE_OK)
			return code;
	}
	*retry_s = *is_lan ? 1 : 60;
	if (*is_lan && !is_within_lan_rate(s))
		return CODE_RATE;
	if (is_within_day(s->peer, a->n))
		return CODE_OK;
	*retry_s = day_left_s(s->peer);
	return CODE_RATE;
}

/* What is refused for now comes again; until then, what is about it comes too soon. */
static void will_come_again(struct session *s, uint64_t retry_s)
{
	uint64_t until = core_now_us(s->core) + (retry_s + 1) * 1000000;
	if (until > s->peer->again_us)
		s->peer->again_us = until;
}

enum proto_code chat_admit(struct session *s, const struct arrival *a, bool *is_lan,
			   uint64_t *retry_s)
{
	enum proto_code code = check(s, a, is_lan, retry_s);
	if (code == CODE_RATE)
		will_come_again(s, *retry_s);
	return code;
}

/* ---- kept, then shown and acknowledged ---- */

static void show_text(struct core *c, struct shown *shown,
		      const struct store_message *kept)
{
	struct quote *q = quotes_take(c, shown, kept);
	expire_on_shown(c, shown, kept);
	emit(c, &shown->ev);
	mem_free(q);
}

void chat_show(struct core *c, const struct store_message *kept)
{
	struct shown shown;
	if (shown_init(&shown, c, kept) != ERR_OK)
		BUG("what was kept cannot be shown");
	else
		show_text(c, &shown, kept);
	shown_wipe(&shown);
}

void chat_not_kept(struct core *c, struct session *s, const struct id16 *id, enum err e,
		   const char *why)
{
	if (s != NULL) {
		will_come_again(s, NOT_KEPT_RETRY_S);
		session_nack(s, id, e == ERR_NOSPACE ? CODE_DISK_FULL : CODE_RATE,
			     NOT_KEPT_RETRY_S);
	}
	if (!c->is_not_kept)
		core_notice(c, "alarm", "messages cannot be kept, so none are taken: %s",
			    why[0] != '\0' ? why : err_str(e));
	c->is_not_kept = true;
}

static void on_kept(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct core *c = ctx;
	link_id link = req->tag;
	struct session *s = map_get(c->sessions, &link);
	if (reply->err != ERR_OK && reply->err != ERR_EXISTS) {
		chat_not_kept(c, s, &req->msg.id, reply->err, reply->why);
		return;
	}
	c->is_not_kept = false;
	if (reply->err == ERR_OK && !quotes_hold(c, &req->msg))
		chat_show(c, &req->msg);
	if (s != NULL) /* a repeat is acknowledged again, shown once */
		session_ack(s, &req->msg.id);
}

/* How long it was on its way, by the sender's own clock as HELLO told it: neither that
 * it goes wrong nor that ours jumps makes anybody late. */
static uint64_t late_s(const struct session *s, uint64_t sent_ms)
{
	uint64_t passed_ms = (core_now_us(s->core) - s->hello_us) / 1000;
	uint64_t now_ms = s->hello_ms != 0 ? s->hello_ms + passed_ms
					   : core_wall_ms(s->core) & PROTO_NUMBER_MAX;
	uint64_t late = now_ms > sent_ms ? (now_ms - sent_ms) / 1000 : 0;
	return late > LATE_S && late < LATE_MAX_S ? late : 0;
}

static enum err keep(struct session *s, const struct msg *m, bool is_lan)
{
	struct core *c = s->core;
	struct peer *p = s->peer;
	struct kept_body body = {.nick = slice_str(p->nick),
				 .late_s = late_s(s, m->u.text.time)};
	struct store_request req = {.verb = STORE_KEEP, .done = on_kept, .ctx = c};
	struct buf object;
	uint64_t *seen = is_lan ? &c->lan_lamport : &p->lamport;
	buf_init(&object, PROTO_PAYLOAD_MAX_BYTES);
	enum err e = msg_encode(m, &object);
	body.object = buf_slice(&object);
	if (!is_lan)
		body.peer = slice_of(p->node_id.b, sizeof p->node_id.b);
	buf_clear(&c->scratch, SIZE_MAX);
	if (e == ERR_OK)
		e = kept_encode(&c->scratch, &body);
	req.tag = s->link;
	req.is_new = true;
	req.msg = (struct store_message){
		.author = p->node_id,
		.id = m->id,
		.conv = is_lan ? c->lan_conv : p->conv,
		.lamport = chat_lamport(seen, m->u.text.lamport),
		.sent_ms = m->u.text.time,
		.kept_ms = core_wall_ms(c),
		.expires_ms = expire_from_now(c, m),
		.body = buf_slice(&c->scratch),
	};
	quotes_ask(p, m); /* answered before it is kept, as a rule */
	if (e == ERR_OK)
		e = store_submit(c->cfg.store, &req);
	buf_wipe(&object);
	return e;
}

/* Shown and acknowledged at once. */
static void take_unkept(struct session *s, const struct msg *m, bool is_lan)
{
	struct core *c = s->core;
	struct peer *p = s->peer;
	struct shown shown;
	(void)chat_lamport(is_lan ? &c->lan_lamport : &p->lamport, m->u.text.lamport);
	shown_heard(&shown, m, p, is_lan);
	expire_unkept(c, &shown);
	emit(c, &shown.ev);
	shown_wipe(&shown);
	session_ack(s, &m->id);
}

enum err on_text(struct session *s, const struct msg *m)
{
	bool is_lan;
	uint64_t retry_s;
	if (!s->core->is_kept && !peer_first_sight(s->peer, &m->id)) {
		session_ack(s, &m->id); /* a repeat, as above */
		return ERR_OK;
	}
	const struct arrival a = {m->id, m->u.text.conv, m->u.text.text.n, m};
	enum proto_code code = chat_admit(s, &a, &is_lan, &retry_s);
	if (code != CODE_OK) {
		peer_lose_sight(s->peer, &m->id); /* it may come again, and be taken */
		session_nack(s, &m->id, code, retry_s);
		return ERR_OK;
	}
	bool is_knock = !is_lan && is_stranger(s->peer);
	enum err e = ERR_OK;
	if (!is_lan && !is_knock) /* everybody may write meanwhile */
		knock_accept(s->peer);
	if (is_knock)
		e = knock_take(s, m);
	else if (!s->core->is_kept)
		take_unkept(s, m, is_lan);
	else
		e = keep(s, m, is_lan);
	if (e != ERR_OK)
		chat_not_kept(s->core, s, &m->id, e, "");
	return ERR_OK;
}
