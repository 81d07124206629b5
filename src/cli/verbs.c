#include "cli/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum { STDIN_MAX = 64 << 10, READ_BYTES = 4096 };

#define INDEX(name, arg) (int)(offsetof(struct args_##name, arg) / sizeof(const char *))

static const struct verb_needs rows[] = {
	{.verb = VERB_PEERS, .saved_arg = -1, .wait_alone = "3"},
	{.verb = VERB_MSG, .saved_arg = -1, .wait = "10"},
	{.verb = VERB_ME, .saved_arg = -1, .wait = "10"},
	{.verb = VERB_REPLY, .saved_arg = -1, .wait = "10"},
	{.verb = VERB_EDIT, .saved_arg = -1, .wait = "10"},
	{.verb = VERB_DELETE, .saved_arg = -1, .wait = "10"},
	{.verb = VERB_REACT, .saved_arg = -1, .wait = "10"},
	{.verb = VERB_READ, .is_running = true, .saved_arg = -1},
	{.verb = VERB_EXPIRE, .is_offline = true, .saved_arg = -1},
	{.verb = VERB_RECEIPTS, .is_offline = true, .saved_arg = -1},
	{.verb = VERB_NICK,
	 .is_offline = true,
	 .is_storeless = true,
	 .saved_arg = INDEX(nick, nick)},
	{.verb = VERB_ID, .is_offline = true, .is_storeless = true, .saved_arg = -1},
	{.verb = VERB_ADD, .saved_arg = INDEX(add, address)},
	{.verb = VERB_DOCTOR, .is_offline = true, .saved_arg = -1},
	{.verb = VERB_EXPORT, .is_offline = true, .saved_arg = -1},
	{.verb = VERB_IMPORT, .is_offline = true, .saved_arg = -1},
	{.verb = VERB_KEEP, .is_offline = true, .saved_arg = -1},
	{.verb = VERB_OUTBOX, .is_offline = true, .saved_arg = -1},
	{.verb = VERB_TRACE, .is_endless = true, .saved_arg = -1},
	{.verb = VERB_AWAY, .is_running = true, .saved_arg = -1},
	{.verb = VERB_STATUS, .is_offline = true, .saved_arg = INDEX(status, text)},
	{.verb = VERB_SET,
	 .is_offline = true,
	 .is_storeless = true,
	 .saved_arg = INDEX(set, value)},
	{.verb = VERB_SAVE, .is_offline = true, .is_storeless = true, .saved_arg = -1},
	{.verb = VERB_EVENTS, .is_endless = true, .saved_arg = -1},
	{.verb = VERB_QUIT, .is_running = true, .saved_arg = -1},
};

const struct verb_needs *verb_needs(enum verb v)
{
	static const struct verb_needs others = {.saved_arg = -1};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].verb == v)
			return &rows[i];
	return &others;
}

/* ---- text from standard input ---- */

static enum status read_all(struct buf *b)
{
	uint8_t bytes[READ_BYTES];
	ssize_t n;
	while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			say("the text cannot be read from standard input: %s",
			    err_str(err_from_errno(errno)));
			return STATUS_LOCAL;
		}
		if (buf_add(b, slice_of(bytes, (size_t)n)) != ERR_OK) {
			say("the text from standard input is longer than %d bytes: send "
			    "it "
			    "in parts",
			    STDIN_MAX);
			return STATUS_USAGE;
		}
	}
	return STATUS_DONE;
}

/* Without the newline at its end, which is how files and echo end. */
static enum status read_text(char **out)
{
	struct buf b;
	buf_init(&b, STDIN_MAX);
	enum status s = read_all(&b);
	struct slice text = buf_slice(&b);
	if (s == STATUS_DONE && text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (s == STATUS_DONE && !text_is_utf8(text)) {
		say("the text from standard input is not UTF-8 text: nothing was sent");
		s = STATUS_USAGE;
	}
	if (s == STATUS_DONE)
		*out = mem_strndup(text.p, text.n);
	buf_wipe(&b);
	return s;
}

static enum status take_stdin(struct command *cmd, char **text)
{
	const char **arg = cmd->verb == VERB_MSG     ? &cmd->u.msg.text
			   : cmd->verb == VERB_ME    ? &cmd->u.me.text
			   : cmd->verb == VERB_REPLY ? &cmd->u.reply.text
			   : cmd->verb == VERB_EDIT  ? &cmd->u.edit.text
						     : NULL;
	if (!arg || strcmp(*arg, "-") != 0)
		return STATUS_DONE;
	enum status s = read_text(text);
	*arg = *text;
	return s;
}

/* ---- wait ---- */

static enum status take_wait(struct command *cmd, const struct options *o, bool is_alone)
{
	const struct command_row *row = command_row(cmd->verb);
	const struct verb_needs *needs = verb_needs(cmd->verb);
	int index = command_arg_find(row, "wait");
	bool is_given = options_int(o, OPT_wait) >= 0;
	if (index < 0 && is_given) {
		say("%s does not wait for anything: leave --wait out", row->name);
		return STATUS_USAGE;
	}
	if (index < 0)
		return STATUS_DONE;
	if (is_given)
		cmd->u.arg[index] = options_str(o, OPT_wait);
	else if (is_alone && needs->wait_alone)
		cmd->u.arg[index] = needs->wait_alone;
	else
		cmd->u.arg[index] = needs->wait;
	return STATUS_DONE;
}

/* A shell has nothing to leave. */
static enum status check_quit(const struct command *cmd)
{
	if (cmd->verb != VERB_QUIT || cmd->u.quit.node)
		return STATUS_DONE;
	say("quit --node stops the running node (a client is left by /quit)");
	return STATUS_USAGE;
}

enum status verb_prepare(struct command **cmd, const struct options *o, bool is_alone)
{
	char *text = NULL;
	enum status s = check_quit(*cmd);
	if (s == STATUS_DONE)
		s = take_wait(*cmd, o, is_alone);
	if (s == STATUS_DONE)
		s = take_stdin(*cmd, &text);
	if (s == STATUS_DONE) {
		struct command *own = command_copy(*cmd);
		mem_free(*cmd);
		*cmd = own;
	}
	mem_free(text);
	return s;
}
