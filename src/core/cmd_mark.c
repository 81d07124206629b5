/* cmd_mark: verbs that answer, change, take back and react to what was said. */
#include <string.h>

#include "base/text.h"
#include "core/chat.h"
#include "core/find.h"
#include "core/marks.h"
#include "core/talk.h"

/* The argument by its name; verbs about messages name theirs alike. */
static const char *arg(const struct call *call, const char *name)
{
	const struct command_row *row = command_row(call->cmd->verb);
	int i = command_arg_find(row, name);
	return i >= 0 ? call->cmd->u.arg[i] : NULL;
}

/* The message is looked for when all else about the command is good. */
static void about(struct call *call, enum find_whose whose, find_fn *fn)
{
	struct peer *p;
	uint64_t wait_s;
	if (call_number(call, arg(call, "wait"), "wait", 0, TALK_WAIT_MAX_S, &wait_s) &&
	    call_who(call, arg(call, "who"), true, &p))
		find_message(call, p, whose, arg(call, "id"), fn);
}

/* ---- edit, delete, react ---- */

static void on_marked(const struct marking *k, struct peer *p, enum err e,
		      const char *why)
{
	struct core *c = k->core;
	if (e == ERR_MISSING || e == ERR_REFUSED)
		emit_error(c, k->to, 1, "the message is gone");
	else if (e == ERR_EXISTS)
		emit_error(c, k->to, 1, "it was deleted meanwhile");
	else if (e == ERR_LIMIT)
		emit_error(c, k->to, 1, "%d have reacted to it already",
			   KEPT_REACTIONS_MAX);
	else if (e != ERR_OK)
		emit_error(c, k->to, 5, "it could not be kept, so it was not sent: %s",
			   why[0] != '\0' ? why : err_str(e));
	else
		talk_done(c, k->to, p, k->obj, k->has_wait, k->wait_s);
}

static void mark(struct call *call, struct peer *p, const struct found *f,
		 enum msg_type type)
{
	const char *wait = arg(call, "wait"), *text = arg(call, "text");
	struct mark k = {.type = type,
			 .target = f->id,
			 .author = f->author,
			 .text = slice_str(text != NULL ? text : ""),
			 .after = f->lamport};
	struct marking how = {
		.to = call->to, .has_wait = wait != NULL, .on_marked = on_marked};
	if (!call_number(call, wait, "wait", 0, TALK_WAIT_MAX_S, &how.wait_s))
		return;
	enum err e = marks_put(call->core, p, &k, &how);
	if (e != ERR_OK)
		talk_failed(call, p, e);
}

static void on_edit_found(struct call *call, struct peer *p, const struct found *f)
{
	mark(call, p, f, MSG_EDIT);
}

void cmd_edit(struct call *call)
{
	struct slice text = slice_str(call->cmd->u.edit.text);
	if (text.n == 0 || text.n > PROTO_TEXT_BYTES || !text_is_utf8(text))
		talk_failed(call, NULL, ERR_RANGE);
	else
		about(call, FIND_MINE, on_edit_found);
}

/* What has not gone need not go. It may have been on its way before, so the DELETE goes
 * all the same. */
static void on_delete_found(struct call *call, struct peer *p, const struct found *f)
{
	if (p != NULL && f->state == STORE_QUEUED)
		(void)outbox_cancel(p, &f->id);
	mark(call, p, f, MSG_DELETE);
}

void cmd_delete(struct call *call)
{
	about(call, FIND_MINE, on_delete_found);
}

static void on_react_found(struct call *call, struct peer *p, const struct found *f)
{
	mark(call, p, f, MSG_REACTION);
}

void cmd_react(struct call *call)
{
	const char *text = call->cmd->u.react.text;
	struct slice s = slice_str(text != NULL ? text : "");
	if (s.n > PROTO_REACTION_BYTES || !text_is_utf8(s))
		call_fail(call, 1, "a reaction is at most %d bytes of UTF-8 text",
			  PROTO_REACTION_BYTES);
	else
		about(call, FIND_OTHERS, on_react_found);
}

/* ---- reply ---- */

static void on_reply_found(struct call *call, struct peer *p, const struct found *f)
{
	const struct args_reply *a = &call->cmd->u.reply;
	const struct chat_reply re = {f->author, f->id, f->excerpt};
	talk_say(call, p, a->text, a->wait, false, &re);
}

void cmd_reply(struct call *call)
{
	about(call, FIND_OTHERS, on_reply_found);
}
