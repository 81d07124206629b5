/* cmd_talk: verbs that say something, and about ourselves. */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/chat.h"
#include "core/command.h"
#include "core/outbox.h"
#include "core/profile.h"
#include "core/tag.h"
#include "core/talk.h"
#include "core/waiter.h"

/* ---- msg, me ---- */

void talk_failed(struct call *call, const struct peer *p, enum err e)
{
	if (e == ERR_FULL && p != NULL)
		call_fail(call, 5,
			  "queue full: %u messages wait for %s, who is away; this one "
			  "was not "
			  "taken",
			  p->n_queued, p->name);
	else if (e == ERR_FULL)
		call_fail(call, 5,
			  "too many messages wait for #lan, which takes %d a second; "
			  "this one was not taken",
			  PROTO_LAN_PER_S);
	else if (e == ERR_UNREACHABLE)
		call_fail(call, 2, "nobody is on #lan now; nothing was sent");
	else
		call_fail(call, 1, "a message is 1 to %d bytes of UTF-8 text without NUL",
			  PROTO_TEXT_BYTES);
}

void talk_done(struct core *c, struct reply_to to, struct peer *p, const struct object *o,
	       bool has_wait, uint64_t wait_s)
{
	bool is_sent = o->is_lan || (p != NULL && peer_session(p) != NULL);
	struct event ev = {.type = EVENT_SENT};
	ev.u.sent.id = o->id_text;
	ev.u.sent.peer = p != NULL ? p->id_text : NULL;
	ev.u.sent.state = is_sent ? "sent" : "queued";
	emit_reply(c, to, &ev);
	if (has_wait)
		waiter_delivery(c, to, p, &o->id, wait_s);
	else
		emit_done(c, to, NULL);
}

static bool anybody_online(const struct core *c)
{
	size_t pos = 0;
	for (const struct peer *p; (p = map_next(c->peers, &pos)) != NULL;)
		if (peer_session(p) != NULL)
			return true;
	return false;
}

static void on_said(const struct saying *s, struct peer *p, enum err e, const char *why)
{
	if (e == ERR_OK)
		talk_done(s->core, s->to, p, s->obj, s->has_wait, s->wait_s);
	else
		emit_error(s->core, s->to, 5,
			   "the message could not be kept, so it was not sent: %s",
			   why[0] != '\0' ? why : err_str(e));
}

void talk_say(struct call *call, struct peer *p, const char *text, const char *wait,
	      bool is_action, const struct chat_reply *re)
{
	uint64_t wait_s;
	if (!call_number(call, wait, "wait", 0, TALK_WAIT_MAX_S, &wait_s))
		return;
	struct saying how = {.to = call->to,
			     .has_wait = wait != NULL,
			     .wait_s = wait_s,
			     .on_said = on_said};
	enum err e = chat_say(call->core, p, slice_str(text), is_action, re, &how);
	if (e != ERR_OK)
		talk_failed(call, p, e);
}

static void say(struct call *call, const char *who, const char *text, const char *wait,
		bool is_action)
{
	struct core *c = call->core;
	struct peer *p;
	uint64_t wait_s;
	if (!call_number(call, wait, "wait", 0, TALK_WAIT_MAX_S, &wait_s))
		return;
	if (tag_is(who)) {
		tag_say(call, who, text, is_action, wait != NULL, wait_s);
		return;
	}
	if (!call_who(call, who, true, &p))
		return;
	if (p == NULL && call->patience_ms > 0 && !anybody_online(c))
		waiter_again(c, call->to, call->cmd, call->patience_ms);
	else
		talk_say(call, p, text, wait, is_action, NULL);
}

void cmd_msg(struct call *call)
{
	const struct args_msg *a = &call->cmd->u.msg;
	say(call, a->who, a->text, a->wait, false);
}

void cmd_me(struct call *call)
{
	const struct args_me *a = &call->cmd->u.me;
	say(call, a->who, a->text, a->wait, true);
}

/* ---- nick, status, away ---- */

static bool set_option(struct call *call, enum option id, const char *value)
{
	char *why = NULL;
	if (options_set(call->core->cfg.options, id, value, OPTION_SET, &why) != ERR_OK) {
		call_fail(call, 1, "%s", why != NULL ? why : "not a valid value");
		mem_free(why);
		return false;
	}
	profile_load(call->core);
	profile_changed(call->core);
	return true;
}

void cmd_nick(struct call *call)
{
	const char *nick = call->cmd->u.nick.nick;
	if (nick == NULL) {
		call_done(call, call->core->nick);
		return;
	}
	if (!text_is_nick(slice_str(nick))) {
		call_fail(
			call, 1,
			"a nick is 1 to %d bytes of plain text that does not begin with "
			"one of # @ + / -",
			PROTO_NICK_BYTES);
		return;
	}
	if (set_option(call, OPT_nick, nick))
		call_done(call, "others see the new nick; /save keeps it");
}

static void send_node(struct call *call)
{
	struct core *c = call->core;
	bool is_running = c->port != 0;
	char boot[33];
	hex_encode(slice_of(c->cfg.boot.b, sizeof c->cfg.boot.b), boot);
	struct event ev = {.type = EVENT_NODE};
	ev.u.node = (struct event_node){
		.version = P2PMSG_VERSION,
		.profile = c->cfg.profile,
		.running = is_running,
		.id = c->id_text,
		.nick = c->nick,
		.status = c->status[0] != '\0' ? c->status : NULL,
		.away = c->is_away,
		.port = c->port,
		.discovery = is_running ? c->discovery : NULL,
		.trouble = c->trouble,
		.visible = options_enum(c->cfg.options, OPT_visibility) == 0,
		.oldest = emit_oldest(c),
		.newest = c->newest,
		.boot = is_running ? boot : NULL,
		.uptime_s = (core_now_us(c) - c->started_us) / 1000000,
	};
	size_t pos = 0;
	for (struct peer *p; (p = map_next(c->peers, &pos)) != NULL;) {
		ev.u.node.online += peer_session(p) != NULL;
		ev.u.node.known++;
		ev.u.node.queued += p->n_queued;
	}
	emit_reply(c, call->to, &ev);
}

void cmd_status(struct call *call)
{
	const char *text = call->cmd->u.status.text;
	if (text == NULL) {
		send_node(call);
		call_done(call, NULL);
	} else if (set_option(call, OPT_status, strcmp(text, "-") == 0 ? "" : text)) {
		call_done(call, "others see the new status");
	}
}

void cmd_away(struct call *call)
{
	struct core *c = call->core;
	const char *text = call->cmd->u.away.text;
	if (text != NULL &&
	    (strlen(text) > PROTO_STATUS_BYTES || !text_is_utf8(slice_str(text)))) {
		call_fail(call, 1, "why you are away is at most %d bytes of UTF-8 text",
			  PROTO_STATUS_BYTES);
		return;
	}
	c->is_away = text != NULL || !c->is_away;
	snprintf(c->away_text, sizeof c->away_text, "%s", text != NULL ? text : "");
	profile_load(c);
	profile_changed(c);
	call_done(call,
		  c->is_away ? "you are away; /away brings you back" : "you are back");
}
