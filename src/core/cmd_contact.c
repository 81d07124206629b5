/* cmd_contact: verbs about what we make of people. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/command.h"
#include "core/contact.h"
#include "core/knock.h"
#include "core/rival.h"
#include "core/session.h"

/* ---- alias ---- */

/* Somebody else whom we call so, or who calls itself so. */
static const struct peer *namesake(const struct core *c, const struct peer *p,
				   const char *name)
{
	char *folded = text_fold(name);
	const struct peer *found = NULL;
	size_t pos = 0;
	for (struct peer *o; folded != NULL && (o = map_next(c->peers, &pos)) != NULL;) {
		char *alias = text_fold(o->alias);
		if (o != p && alias != NULL && strcmp(alias, folded) == 0)
			found = o;
		mem_free(alias);
	}
	mem_free(folded);
	return found;
}

void cmd_alias(struct call *call)
{
	const struct args_alias *a = &call->cmd->u.alias;
	struct peer *p;
	if (!call_who(call, a->who, false, &p))
		return;
	if (a->name != NULL && !text_is_nick(slice_str(a->name))) {
		call_fail(call, 1,
			  "an alias is 1 to %d bytes of plain text that does not begin "
			  "with one of # @ + / -",
			  PROTO_NICK_BYTES);
		return;
	}
	const struct peer *other =
		a->name != NULL ? namesake(call->core, p, a->name) : NULL;
	if (other != NULL) {
		call_fail(call, 1,
			  "you call %s (%.12s) so already; /alias %.12s takes it "
			  "back",
			  other->name, other->id_text, other->id_text);
		return;
	}
	peer_pin(p);
	peer_set_alias(p, a->name != NULL ? a->name : "");
	call_done(call,
		  p->alias[0] != '\0' ? "that is the name now" : "no alias any more");
}

/* ---- tag ---- */

static bool is_tag(const char *word)
{
	size_t n = strlen(word);
	return n > 0 && n <= PEER_TAG_BYTES &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n &&
	       word[0] != '-';
}

static bool apply_tag(struct call *call, struct peer *p, const char *word)
{
	bool is_removed = word[0] == '-';
	const char *tag = word + (is_removed || word[0] == '+' || word[0] == '@');
	if (!is_tag(tag))
		return call_fail(call, 1,
				 "a tag is 1 to %d of a-z, 0-9, _ and -: /tag %s lab",
				 PEER_TAG_BYTES, p->name);
	if (is_removed)
		peer_untag(p, tag);
	else if (!peer_tag(p, tag))
		return call_fail(call, 5, "%s has too many tags", p->name);
	return true;
}

void cmd_tag(struct call *call)
{
	const struct args_tag *a = &call->cmd->u.tag;
	struct peer *p;
	if (!call_who(call, a->who, false, &p))
		return;
	char *words = mem_strdup(a->tags != NULL ? a->tags : "");
	char *rest = words;
	bool is_good = true;
	for (char *word; is_good && (word = strtok_r(rest, " ,\t", &rest)) != NULL;)
		is_good = apply_tag(call, p, word);
	mem_free(words);
	if (!is_good)
		return;
	if (a->tags != NULL) {
		peer_pin(p);
		contact_changed(p);
	}
	call_done(call, p->tags[0] != '\0' ? p->tags : "no tags");
}

/* ---- block ---- */

static void close_all(struct peer *p)
{
	list_each_safe (it, &p->sessions)
		session_close(list_entry(it, struct session, of_peer), CODE_BLOCKED,
			      proto_code_str(CODE_BLOCKED));
}

/* The block of a stranger is kept as contacts are. */
static void block(struct peer *p)
{
	bool is_shut_out = p->is_shut_out || !p->is_contact;
	bool is_online = !list_empty(&p->sessions);
	knock_drop(p);
	p->is_blocked = true;
	peer_pin(p);
	p->is_shut_out = is_shut_out;
	contact_changed(p);
	rival_blocked(p);
	close_all(p);
	if (!is_online)
		peer_tell(p);
}

void cmd_block(struct call *call)
{
	struct peer *p;
	if (!call_who(call, call->cmd->u.block.who, false, &p))
		return;
	block(p);
	call_done(call, "blocked: nothing comes in from this key any more");
}

/* Who was a stranger is one again: no block lets anybody in. */
void cmd_unblock(struct call *call)
{
	struct peer *p;
	if (!call_who(call, call->cmd->u.unblock.who, false, &p))
		return;
	if (!p->is_blocked) {
		call_done(call, "not blocked anyway");
		return;
	}
	p->is_blocked = false;
	if (p->is_shut_out)
		peer_unpin(p);
	else
		contact_changed(p);
	peer_tell(p);
	peer_update(p, NULL);
	call_done(call, "not blocked any more");
}
