/* cmd_rival: the verb that lets people in, and says which key a name means. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/chat.h"
#include "core/command.h"
#include "core/contact.h"
#include "core/kept.h"
#include "core/rival.h"
#include "core/waiter.h"

enum { PREFIX_MIN = 4 };

/* ---- which key ---- */

/* As it is typed, without dashes, small; "": no beginning of an id. */
static void squeeze(const char *typed, char out[static NODE_ID_COMPACT_BYTES])
{
	const char *mark = strpbrk(typed, "~=");
	size_t n = 0;
	for (const char *at = mark != NULL ? mark + 1 : typed; *at != '\0'; at++) {
		char ch = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
		if (ch == '-')
			continue;
		bool is_digit = (ch >= 'a' && ch <= 'z') || (ch >= '2' && ch <= '7');
		if (!is_digit || n + 1 >= NODE_ID_COMPACT_BYTES) {
			n = 0;
			break;
		}
		out[n++] = ch;
	}
	out[n] = '\0';
}

struct keys {
	char prefix[NODE_ID_COMPACT_BYTES];
	struct id32 found;
	unsigned n;
};

static void try_key(struct keys *k, const struct id32 *id)
{
	char text[NODE_ID_COMPACT_BYTES];
	node_id_compact(id, text);
	if (strncmp(text, k->prefix, strlen(k->prefix)) != 0 ||
	    (k->n > 0 && id32_eq(&k->found, id)))
		return;
	k->found = *id;
	k->n++;
}

/* One of those that use the name, first of all; else any that was seen, or a whole id
 * that somebody gave to the user. */
static bool find_key(struct call *call, const struct peer *p, const char *typed,
		     struct id32 *out)
{
	struct keys k = {.n = 0};
	size_t pos = 0;
	if (node_id_parse(typed, out) == ERR_OK)
		return true;
	squeeze(typed, k.prefix);
	if (strlen(k.prefix) >= PREFIX_MIN) {
		try_key(&k, &p->node_id);
		for (unsigned i = 0; i < p->n_rivals; i++)
			try_key(&k, &p->rivals[i].id);
		for (struct peer *o;
		     k.n == 0 && (o = map_next(call->core->peers, &pos)) != NULL;)
			try_key(&k, &o->node_id);
	}
	*out = k.found;
	if (k.n == 1)
		return true;
	return call_fail(call, 2,
			 k.n > 1 ? "'%s' fits several ids; give more of it"
				 : "'%s' is no id of anybody here: give the beginning of "
				   "one (/whois shows them)",
			 typed);
}

/* ---- let in ---- */

static void let_in(struct call *call, struct peer *p)
{
	char why[1024];
	const char *who = call->cmd->u.trust.who;
	bool has_knocked = p->knock != NULL;
	if (rival_is_open(p)) {
		rival_explain(p, who, why, sizeof why);
		call_fail(call, 2, "%s", why);
		return;
	}
	peer_pin(p);
	peer_tell(p);
	call_done(call, has_knocked
				? "let in: what was held stands in the conversation"
				: "a contact now; that does not mean that the key was "
				  "compared, see /verify");
}

/* ---- somebody else ---- */

static void keep_name(struct call *call, struct peer *p)
{
	unsigned n = rival_decide_all(p);
	char text[256];
	peer_pin(p);
	snprintf(text, sizeof text,
		 n > 0 ? "the name means %s; %u other key%s not meant, and you are not "
			 "asked about %s again"
		       : "the name means %s already",
		 p->name, n, n == 1 ? " is" : "s are", n == 1 ? "it" : "them");
	call_done(call, text);
}

/* ---- a new key of the same person ---- */

/* Copied with the request. */
struct moving {
	struct reply_to to;
	struct id32 heir;
};

static void hand_over_tags(struct peer *from, struct peer *to)
{
	char *words = mem_strdup(from->tags), *rest = words;
	for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
		(void)peer_tag(to, word);
	mem_free(words);
	from->tags[0] = '\0';
}

static void hand_over_name(struct peer *from, struct peer *to)
{
	char alias[sizeof from->alias];
	memcpy(alias, from->alias, sizeof alias);
	memcpy(to->pinned, from->pinned, sizeof to->pinned);
	mem_free(to->look);
	to->look = mem_strdup(from->look);
	if (alias[0] == '\0')
		return;
	peer_set_alias(from, "");
	peer_set_alias(to, alias);
}

/* The old one stays, as somebody who is called by a short id: it may be an impostor's
 * victim, or the impostor. */
static void hand_over(struct peer *from, struct peer *to)
{
	rival_decide(from, &to->node_id, RIVAL_HEIR);
	rival_decide(to, &from->node_id, RIVAL_OTHER);
	for (unsigned i = 0; i < from->n_rivals; i++)
		if (from->rivals[i].state == RIVAL_OPEN)
			rival_decide(to, &from->rivals[i].id, RIVAL_OTHER);
	rival_decide_all(from);
	peer_pin(to);
	hand_over_name(from, to);
	hand_over_tags(from, to);
	if (to->lamport < from->lamport)
		to->lamport = from->lamport;
	outbox_clear(from);
	peer_trust(from, false, false);
	contact_changed(from);
	contact_changed(to);
	peer_tell(to);
}

static void show_note(struct core *c, const struct store_message *kept)
{
	struct shown shown;
	if (shown_init(&shown, c, kept) == ERR_OK)
		emit(c, &shown.ev);
	shown_wipe(&shown);
}

static void on_noted(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	if (reply->err == ERR_OK)
		show_note(ctx, &req->msg);
}

/* The line in the conversation. */
static void note(struct peer *from, struct peer *to)
{
	struct core *c = to->core;
	struct msg m = {.type = MSG_TEXT};
	struct store_request req = {.verb = STORE_KEEP, .done = on_noted, .ctx = c};
	struct buf object;
	char text[256];
	snprintf(text, sizeof text,
		 "the name means another key from here on: %.12s instead of %.12s; it "
		 "was not compared by that",
		 to->id_text, from->id_text);
	rng_fill(c->cfg.rng, m.id.b, sizeof m.id.b);
	m.u.text = (struct msg_text){
		.conv = slice_of(to->conv.b, sizeof to->conv.b),
		.time = core_wall_ms(c) & PROTO_NUMBER_MAX,
		.lamport = ++to->lamport,
		.text = slice_str(text),
	};
	buf_init(&object, PROTO_PAYLOAD_MAX_BYTES);
	buf_clear(&c->scratch, SIZE_MAX);
	if (msg_encode(&m, &object) == ERR_OK) {
		struct kept_body body = {
			.object = buf_slice(&object),
			.peer = slice_of(to->node_id.b, sizeof to->node_id.b),
			.note = true,
		};
		(void)kept_encode(&c->scratch, &body);
		req.is_new = true;
		req.msg = (struct store_message){
			.author = c->node_id,
			.id = m.id,
			.conv = to->conv,
			.lamport = to->lamport,
			.sent_ms = m.u.text.time,
			.kept_ms = core_wall_ms(c),
			.body = buf_slice(&c->scratch),
		};
		if (c->is_kept)
			(void)store_submit(c->cfg.store, &req);
		else
			show_note(c, &req.msg);
	}
	buf_wipe(&object);
}

/* What waited for the old key goes nowhere. */
static void tell_given_up(struct peer *from, const struct store_reply *reply)
{
	for (size_t i = 0; i < reply->n_items; i++) {
		char id[33];
		struct event ev = {.type = EVENT_STATE};
		hex_encode(slice_of(reply->items[i].id.b, 16), id);
		ev.u.state = (struct event_state){
			.id = id,
			.peer = from->id_text,
			.name = from->name,
			.state = "failed",
			.why = "the name means another key now",
		};
		emit(from->core, &ev);
		waiter_on_outcome(from->core, &reply->items[i].id, ERR_REFUSED,
				  CODE_CHANGED);
	}
}

static void on_moved(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct core *c = ctx;
	struct moving m;
	char text[256];
	memcpy(&m, req->arg.p, sizeof m);
	struct peer *from = peer_find(c, &req->peer), *to = peer_find(c, &m.heir);
	if (reply->err != ERR_OK || from == NULL || to == NULL) {
		emit_error(c, m.to, 5, "nothing was changed: %s",
			   reply->err == ERR_OK	   ? "that peer was forgotten meanwhile"
			   : reply->why[0] != '\0' ? reply->why
						   : err_str(reply->err));
		return;
	}
	tell_given_up(from, reply);
	hand_over(from, to);
	note(from, to);
	char dropped[64] = "";
	if (reply->n_items > 0)
		snprintf(dropped, sizeof dropped, "; %zu waiting message%s dropped",
			 reply->n_items, reply->n_items == 1 ? " was" : "s were");
	snprintf(text, sizeof text,
		 "the name means %s (%.12s) now, with all that was said, and is not "
		 "verified by that%s",
		 to->name, to->id_text, dropped);
	emit_done(c, m.to, text);
}

static void move_name(struct call *call, struct peer *p, const struct id32 *id)
{
	struct core *c = call->core;
	struct peer *heir = peer_get(c, id);
	if (id32_eq(id, &c->node_id) || heir == NULL || heir->is_blocked) {
		call_fail(call, 1, "%s",
			  heir == NULL	     ? "too many are known already"
			  : heir->is_blocked ? "you have blocked that key; /unblock it "
					       "first, if you are sure"
					     : "that is your own id");
		return;
	}
	if (!p->is_contact) {
		call_fail(call, 1,
			  "%s is nobody you know, so there is nothing to move: "
			  "/trust %.12s lets the other key in",
			  p->name, heir->id_text);
		return;
	}
	struct store_request req = {.verb = STORE_MOVE, .done = on_moved};
	const struct moving m = {call->to, *id};
	req.ctx = c;
	req.arg = slice_of((const uint8_t *)&m, sizeof m);
	req.msg.author = c->node_id;
	req.msg.conv = p->conv;
	req.to_conv = heir->conv;
	req.is_peer = true;
	req.peer = p->node_id;
	peer_pin(heir);
	if (store_submit(c->cfg.store, &req) != ERR_OK)
		call_fail(call, 5, "the store is busy; try again");
}

void cmd_trust(struct call *call)
{
	const struct args_trust *a = &call->cmd->u.trust;
	struct peer *p;
	struct id32 id;
	if (!call_whom(call, a->who, false, &p))
		return;
	if (p->is_blocked)
		call_fail(call, 1, "you have blocked %s; /unblock %.12s first", p->name,
			  p->id_text);
	else if (a->id == NULL)
		let_in(call, p);
	else if (!find_key(call, p, a->id, &id))
		return;
	else if (id32_eq(&id, &p->node_id))
		keep_name(call, p);
	else
		move_name(call, p, &id);
}
