/*
 * A line typed in a client, and the same bytes as words of a shell, parted by NUL.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lib/vtcheck.h"
#include "ui/cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { WORDS_MAX = 32 };

static void check(enum err e, struct command *cmd, char *why)
{
	if ((e == ERR_OK) != (cmd != NULL) || (e == ERR_USAGE) != (why != NULL))
		abort();
	if (e != ERR_OK && e != ERR_USAGE && e != ERR_WAIT)
		abort();
	char *bad = why ? vtcheck(slice_str(why), 0) : NULL;
	if (bad)
		abort();
	for (size_t i = 0; cmd && i < command_row(cmd->verb)->n_args; i++)
		if (command_row(cmd->verb)->args[i].need == ARG_REQ && !cmd->u.arg[i])
			abort();
	mem_free(cmd);
	mem_free(why);
}

static void try_line(struct slice line, const char *current)
{
	struct command *cmd = NULL;
	char *why;
	enum err e = cmdline_slash(line, current, &cmd, &why);
	check(e, cmd, why);
}

static void try_words(struct slice bytes)
{
	char *own = mem_strndup(bytes.p, bytes.n), *words[WORDS_MAX];
	struct command *cmd = NULL;
	char *why;
	size_t n = 0;
	for (size_t at = 0; at <= bytes.n && n < WORDS_MAX; at += strlen(own + at) + 1)
		words[n++] = own + at;
	enum err e = cmdline_shell(n, words, &cmd, &why);
	check(e, cmd, why);
	mem_free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice line = slice_of(bytes, len);
	try_line(line, NULL);
	try_line(line, "bob");
	try_words(line);
	return 0;
}
