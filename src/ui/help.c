#include "ui/help.h"

#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/text.h"
#include "core/front.h"
#include "ui/ink.h"

enum { SHOWN_BYTES = 64, COLUMN = 34 };

/* "  left                 right" */
static void put_pair(struct ink *k, const char *left, const char *right)
{
	size_t n = strlen(left);
	ink_printf(k, "  %s", left);
	if (n + 2 > COLUMN)
		ink_put(k, "\n  ");
	ink_printf(k, "%*s", n + 2 > COLUMN ? COLUMN : (int)(COLUMN - n), "");
	ink_put(k, right);
	ink_put(k, "\n");
}

static void put_verbs(struct ink *k, bool is_slash)
{
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row = command_row(v);
		if (!(row->flags & (is_slash ? COMMAND_SLASH : COMMAND_SHELL)))
			continue;
		char *usage = command_usage(row, is_slash);
		put_pair(k, usage, row->help);
		mem_free(usage);
	}
}

static void put_option(struct ink *k, enum option id)
{
	const struct option_row *row = option_row(id);
	bool is_switch = row->kind == OPTION_BOOL;
	char *left = mem_printf("--%s%s", row->name, is_switch ? "" : " VALUE");
	for (char *c = left; *c; c++)
		*c = *c == '_' ? '-' : *c;
	put_pair(k, left, row->help);
	mem_free(left);
}

static void put_shell(struct ink *k)
{
	ink_put(k,
		"p2pmsg: an encrypted messenger for the local network\n\n"
		"  p2pmsg                            the client; starts a node if none "
		"runs\n\nCommands:\n");
	put_verbs(k, false);
	ink_put(k, "\nOptions, before or after the command:\n");
	for (unsigned id = 0; id < OPT_COUNT; id++)
		if (option_row(id)->flags & OPTION_ARGV)
			put_option(k, id);
	ink_put(k, "\nand every setting, as --name VALUE; `p2pmsg set` lists them. "
		   "See p2pmsg(1).\n");
}

static void put_client(struct ink *k)
{
	put_verbs(k, true);
	ink_put(k, "Anything else is sent to the current conversation; // sends a line "
		   "that begins with /.\n");
}

static void put_one(struct ink *k, const struct command_row *row, bool is_slash)
{
	char *usage = command_usage(row, is_slash);
	ink_printf(k, "%s%s\n", is_slash ? "" : "p2pmsg ", usage);
	ink_printf(k, "  %s\n", row->help);
	for (size_t i = is_slash && row->flags & COMMAND_CURRENT ? 1 : 0; i < row->n_args;
	     i++) {
		const struct arg_row *arg = &row->args[i];
		bool is_option = arg->kind == ARG_VALUE || arg->kind == ARG_FLAG;
		char *left = mem_printf("%s%s", is_option ? "--" : "", arg->name);
		put_pair(k, left, arg->help);
		mem_free(left);
	}
	mem_free(usage);
}

static enum err fail(const char *verb, bool is_slash, bool is_ambiguous, char **out)
{
	char *safe = text_safe(slice_str(verb), TEXT_NAME, SHOWN_BYTES);
	*out = mem_printf(is_ambiguous ? "%s fits several commands: %shelp lists them"
				       : "there is no command %s: %shelp lists them",
			  safe, is_slash ? "/" : "p2pmsg ");
	mem_free(safe);
	return ERR_USAGE;
}

enum err help_text(const char *verb, bool is_slash, char **out)
{
	struct ink k;
	const struct command_row *row = NULL;
	enum err e = ERR_OK;
	if (verb && is_slash && *verb == '/')
		verb++;
	if (verb)
		e = command_find(verb, is_slash ? COMMAND_SLASH : COMMAND_SHELL, &row);
	if (e != ERR_OK)
		return fail(verb, is_slash, e == ERR_AMBIGUOUS, out);
	ink_init(&k, false, 0);
	if (row)
		put_one(&k, row, is_slash);
	else if (is_slash)
		put_client(&k);
	else
		put_shell(&k);
	*out = ink_take(&k);
	return ERR_OK;
}
