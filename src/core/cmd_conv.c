/* cmd_conv: verbs about a conversation as a whole: expire, read, receipts, typing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/command.h"
#include "core/contact.h"
#include "core/expire.h"
#include "core/receipts.h"
#include "core/session.h"

/* ---- expire ---- */

static const struct unit {
	char letter;
	uint64_t s;
	const char *name;
} units[] = {{'w', 7 * 86400, "week"},
	     {'d', 86400, "day"},
	     {'h', 3600, "hour"},
	     {'m', 60, "minute"},
	     {'s', 1, "second"}};
enum { UNITS = sizeof units / sizeof *units, DIGITS_MAX = 7 };

/* "90s", "5m", "12h", "7d", "4w", "off"; within what the protocol allows. */
static bool parse_time(const char *text, uint64_t *out)
{
	size_t n = strspn(text, "0123456789");
	*out = 0;
	if (strcmp(text, "off") == 0)
		return true;
	for (size_t i = 0; i < UNITS; i++)
		if (n > 0 && n <= DIGITS_MAX && text[n] == units[i].letter &&
		    text[n + 1] == '\0')
			*out = strtoull(text, NULL, 10) * units[i].s;
	return *out >= PROTO_EXPIRE_MIN_S && *out <= PROTO_EXPIRE_MAX_S;
}

static void tell_expire(struct call *call, const char *name, uint64_t s)
{
	char text[200];
	size_t i = 0;
	if (s == 0) {
		snprintf(text, sizeof text, "what you say to %s stays", name);
		call_done(call, text);
		return;
	}
	while (i < UNITS - 1 && s % units[i].s != 0)
		i++;
	unsigned long long n = s / units[i].s;
	snprintf(text, sizeof text, "what you say to %s is gone after %llu %s%s", name, n,
		 units[i].name, n == 1 ? "" : "s");
	call_done(call, text);
}

void cmd_expire(struct call *call)
{
	const struct args_expire *a = &call->cmd->u.expire;
	struct core *c = call->core;
	struct peer *p;
	uint64_t s;
	if (!call_who(call, a->who, true, &p))
		return;
	if (a->time != NULL && !parse_time(a->time, &s)) {
		call_fail(call, 1,
			  "expire takes a time from 1m to 4w (90s, 5m, 12h, 7d, "
			  "4w), or off");
		return;
	}
	if (a->time != NULL && p == NULL) {
		expire_set_lan(c, s);
	} else if (a->time != NULL) {
		p->expire_s = s;
		peer_pin(p);
		contact_changed(p);
	}
	tell_expire(call, p != NULL ? p->name : "#lan",
		    p != NULL ? p->expire_s : c->lan_expire_s);
}

/* ---- read, receipts ---- */

void cmd_read(struct call *call)
{
	struct peer *p;
	if (!call_who(call, call->cmd->u.read.who, true, &p))
		return;
	if (p != NULL)
		receipts_read(p);
	call_done(call, NULL);
}

void cmd_receipts(struct call *call)
{
	static const char *const words[] = {"default", "on", "off"};
	const struct args_receipts *a = &call->cmd->u.receipts;
	struct peer *p;
	char text[200];
	unsigned mode = 0, n = sizeof words / sizeof *words;
	if (!call_who(call, a->who, false, &p))
		return;
	while (a->state != NULL && mode < n && strcmp(a->state, words[mode]) != 0)
		mode++;
	if (mode == n) {
		call_fail(call, 1, "receipts WHO takes on, off or default, not '%s'",
			  a->state);
		return;
	}
	if (a->state != NULL) {
		p->receipts = (uint8_t)mode;
		peer_pin(p);
		contact_changed(p);
	}
	snprintf(text, sizeof text, "%s is %s what you have read (%s)", p->name,
		 receipts_are_on(p) ? "told" : "not told", words[p->receipts]);
	call_done(call, text);
}

/* ---- typing ---- */

static void tell_typing(struct peer *p, struct session *s, bool is_typing)
{
	struct core *c = p->core;
	struct msg m = {.type = MSG_TYPING};
	rng_fill(c->cfg.rng, m.id.b, sizeof m.id.b);
	m.u.typing = (struct msg_typing){
		.conv = slice_of(p->conv.b, sizeof p->conv.b),
		.time = core_wall_ms(c) & PROTO_NUMBER_MAX,
		.lamport = p->lamport,
		.is_typing = is_typing,
	};
	if (session_loose(s, &m) != ERR_OK)
		return;
	p->is_typing_told = is_typing;
	if (is_typing)
		p->typing_us = core_now_us(c);
}

/* Front ends call it at every key; nobody is told more often than the protocol allows, nor
 * that what was not told has stopped. */
void cmd_typing(struct call *call)
{
	const struct args_typing *a = &call->cmd->u.typing;
	struct core *c = call->core;
	struct peer *p;
	if (!call_who(call, a->who, false, &p))
		return;
	bool is_typing = a->state == NULL || strcmp(a->state, "on") == 0;
	if (!is_typing && strcmp(a->state, "off") != 0) {
		call_fail(call, 1, "typing WHO takes on or off, not '%s'", a->state);
		return;
	}
	struct session *s = peer_session(p);
	uint64_t next = p->typing_us + PROTO_TYPING_S * 1000000ULL;
	bool is_due = is_typing ? p->typing_us == 0 || core_now_us(c) >= next
				: p->is_typing_told;
	if (s != NULL && is_due && options_bool(c->cfg.options, OPT_typing))
		tell_typing(p, s, is_typing);
	call_done(call, NULL);
}
