#include "core/profile.h"

#include <stdio.h>

#include "base/text.h"

static struct slice list_of(const struct core *c)
{
	const struct devlist *l = identity_devlist(c->cfg.identity);
	return slice_of(l->raw, l->raw_len);
}

void profile_hello(struct session *s)
{
	const struct core *c = s->core;
	struct msg m = {.type = MSG_HELLO};
	m.u.hello = (struct msg_hello){
		.has = MSG_HAS(3) | MSG_HAS(4) | MSG_HAS(5) | MSG_HAS(6) | MSG_HAS(7),
		.nick = slice_str(c->nick),
		.devlist = list_of(c),
		.time = core_wall_ms(c) & PROTO_NUMBER_MAX,
		.port = c->port,
		.status = slice_str(c->status),
		.away = c->is_away,
	};
	session_ctrl(s, &m);
}

static void send_all(struct core *c)
{
	struct msg m = {.type = MSG_PROFILE};
	m.u.profile = (struct msg_profile){
		.has = MSG_HAS(1) | MSG_HAS(2),
		.nick = slice_str(c->nick),
		.status = slice_str(c->status),
		.away = c->is_away,
	};
	c->profile_sent_us = core_now_us(c);
	size_t pos = 0;
	for (struct session *s; (s = map_next(c->sessions, &pos)) != NULL;)
		if (s->phase == SESSION_LIVE)
			session_ctrl(s, &m);
}

static void on_timer(void *ctx)
{
	send_all(ctx);
}

void profile_changed(struct core *c)
{
	/* a little more than the limit, so that the way here cannot make it less */
	uint64_t gap_us = (PROTO_PROFILE_S + 1) * 1000000ULL;
	uint64_t now = core_now_us(c);
	uint64_t next = c->profile_sent_us == 0 ? now : c->profile_sent_us + gap_us;
	uint64_t wait_ms = next > now ? (next - now) / 1000 : 0;
	if (!timer_is_set(&c->profile_timer))
		timer_set(c->cfg.timers, &c->profile_timer, wait_ms, on_timer, c);
}

void profile_load(struct core *c)
{
	const char *nick = options_str(c->cfg.options, OPT_nick);
	const char *status = options_str(c->cfg.options, OPT_status);
	if (c->is_away && c->away_text[0] != '\0')
		status = c->away_text;
	if (nick[0] != '\0') /* emptied: the login name again, at the next start */
		snprintf(c->nick, sizeof c->nick, "%s", nick);
	snprintf(c->status, sizeof c->status, "%s", status);
}
