/*
 * front_command: the table of verbs, as rows that can be walked.
 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/front.h"

enum {
	NONE = 0,
	SLASH = COMMAND_SLASH,
	SHELL = COMMAND_SHELL,
	LOCAL = COMMAND_LOCAL,
	CURRENT = COMMAND_CURRENT,
	ALONE = COMMAND_ALONE
};

/* A function for each verb, so that its args struct can have one name for all. */
#define A(aname, akind, aneed, ahelp) \
	{.name = #aname, \
	 .kind = ARG_##akind, \
	 .need = ARG_##aneed, \
	 .index = offsetof(args_here, aname) / sizeof(const char *), \
	 .help = ahelp},
#define C(NAME, cname, cflags, chelp) \
	static const struct command_row *row_##cname(void) \
	{ \
		typedef struct args_##cname args_here; \
		static const struct arg_row args[] = {CMD_ARGS_##NAME(A){ \
			.index = offsetof(args_here, end_) / sizeof(const char *)}}; \
		static const struct command_row row = { \
			.verb = VERB_##NAME, \
			.name = #cname, \
			.flags = cflags, \
			.help = chelp, \
			.args = args, \
			.n_args = sizeof args / sizeof *args - 1}; \
		_Static_assert(sizeof(args_here) / sizeof(const char *) <= \
				       COMMAND_ARGS_MAX, \
			       "COMMAND_ARGS_MAX is too small"); \
		return &row; \
	}
COMMAND_TABLE(C)
#undef C
#undef A

static const struct command_row *(*const rows[VERB_COUNT])(void) = {
#define C(NAME, name, flags, help) row_##name,
	COMMAND_TABLE(C)
#undef C
};

const struct command_row *command_row(enum verb v)
{
	return rows[v]();
}

enum err command_find(const char *name, unsigned flags, const struct command_row **out)
{
	size_t n = strlen(name);
	unsigned found = 0;
	if (n == 0)
		return ERR_UNKNOWN;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row = rows[v]();
		if ((row->flags & flags) != flags || strncmp(row->name, name, n) != 0)
			continue;
		*out = row;
		if (row->name[n] == '\0')
			return ERR_OK;
		found++;
	}
	return found == 0 ? ERR_UNKNOWN : found == 1 ? ERR_OK : ERR_AMBIGUOUS;
}

static void put(struct buf *b, const char *s)
{
	(void)buf_add(b, slice_str(s));
}

static void put_upper(struct buf *b, const char *s)
{
	for (; *s; s++)
		(void)buf_u8(b, (uint8_t)(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s));
}

/* " WHO", " TEXT...", " --wait WAIT", in brackets when it may be left out. */
static void put_arg(struct buf *b, const struct arg_row *arg)
{
	bool is_option = arg->kind == ARG_VALUE || arg->kind == ARG_FLAG;
	put(b, arg->need == ARG_OPT ? " [" : " ");
	if (is_option) {
		put(b, arg->name[1] == '\0' ? "-" : "--");
		put(b, arg->name);
	}
	if (arg->kind == ARG_VALUE)
		put(b, " ");
	if (arg->kind != ARG_FLAG)
		put_upper(b, arg->name);
	if (arg->kind == ARG_REST)
		put(b, "...");
	if (arg->need == ARG_OPT)
		put(b, "]");
}

char *command_usage(const struct command_row *row, bool is_slash)
{
	enum { USAGE_MAX = 1024 };
	struct buf b;
	buf_init(&b, USAGE_MAX);
	put(&b, is_slash ? "/" : "");
	put(&b, row->name);
	/* A client takes all behind the text for text, so options stand before it. */
	for (int is_text = 0; is_text < 2; is_text++)
		for (size_t i = 0; i < row->n_args; i++)
			if ((row->args[i].kind == ARG_REST) == is_text &&
			    (i > 0 || !is_slash || !(row->flags & COMMAND_CURRENT)))
				put_arg(&b, &row->args[i]);
	char *usage = mem_strndup(b.p, b.len);
	buf_wipe(&b);
	return usage;
}

int command_arg_find(const struct command_row *row, const char *name)
{
	for (size_t i = 0; i < row->n_args; i++)
		if (strcmp(row->args[i].name, name) == 0)
			return (int)row->args[i].index;
	return -1;
}

size_t command_args_bytes(const struct command *cmd)
{
	size_t n = 0;
	for (size_t i = 0; i < COMMAND_ARGS_MAX; i++)
		if (cmd->u.arg[i])
			n += strlen(cmd->u.arg[i]) + 1;
	return n;
}

void command_args_move(struct command *cmd, char *room)
{
	for (size_t i = 0; i < COMMAND_ARGS_MAX; i++) {
		if (!cmd->u.arg[i])
			continue;
		size_t n = strlen(cmd->u.arg[i]) + 1;
		cmd->u.arg[i] = memcpy(room, cmd->u.arg[i], n);
		room += n;
	}
}

struct command *command_copy(const struct command *cmd)
{
	struct command *copy = mem_new(sizeof *copy + command_args_bytes(cmd));
	*copy = *cmd;
	command_args_move(copy, (char *)(copy + 1));
	return copy;
}
