/*
 * evjson_command: the command half.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/evjson.h"
#include "ui/json_text.h"

enum { NUMBER_BYTES = 24, SHOWN_BYTES = 64 };

/* ---- out ---- */

static json_t *arg_to(const struct arg_row *arg, const char *value)
{
	return arg->kind == ARG_FLAG ? json_true() : json_text(value);
}

char *evjson_command(const struct command *cmd)
{
	const struct command_row *row = command_row(cmd->verb);
	json_t *root = json_object();
	json_object_set_new(root, "cmd", json_string(row->name));
	for (size_t i = 0; i < row->n_args; i++) {
		const struct arg_row *arg = &row->args[i];
		const char *value = cmd->u.arg[arg->index];
		if (value)
			json_object_set_new(root, arg->name, arg_to(arg, value));
	}
	if (cmd->tag)
		json_object_set_new(root, "tag", json_integer((json_int_t)cmd->tag));
	return json_line(root, 0);
}

/* ---- in ---- */

/* A command under way from JSON; its texts are borrowed from the JSON. */
struct reading {
	struct command cmd;
	char numbers[COMMAND_ARGS_MAX][NUMBER_BYTES];
	char *why;
};

static enum err read_text(struct reading *r, const struct arg_row *arg,
			  const json_t *value)
{
	r->cmd.u.arg[arg->index] = json_string_value(value);
	return json_is_string(value) ? ERR_OK : ERR_USAGE;
}

/* Bots write {"wait":3}, others {"wait":"3"}. */
static enum err read_value(struct reading *r, const struct arg_row *arg,
			   const json_t *value)
{
	if (!json_is_integer(value))
		return read_text(r, arg, value);
	char *text = r->numbers[arg->index];
	snprintf(text, NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	r->cmd.u.arg[arg->index] = text;
	return ERR_OK;
}

static enum err read_flag(struct reading *r, const struct arg_row *arg,
			  const json_t *value)
{
	r->cmd.u.arg[arg->index] = json_is_true(value) ? "yes" : NULL;
	return json_is_boolean(value) ? ERR_OK : ERR_USAGE;
}

static const struct {
	enum err (*read)(struct reading *r, const struct arg_row *arg,
			 const json_t *value);
	const char *takes;
} kinds[] = {
	[ARG_PEER] = {read_text, "a text"},
	[ARG_WORD] = {read_text, "a text"},
	[ARG_REST] = {read_text, "a text"},
	[ARG_VALUE] = {read_value, "a number or a text"},
	[ARG_FLAG] = {read_flag, "true or false"},
};

static enum err read_arg(struct reading *r, const struct command_row *row,
			 const struct arg_row *arg, const json_t *root)
{
	const json_t *value = json_object_get(root, arg->name);
	if (!value || json_is_null(value)) {
		if (arg->need == ARG_OPT)
			return ERR_OK;
		r->why = mem_printf("\"%s\" needs \"%s\": %s", row->name, arg->name,
				    arg->help);
		return ERR_USAGE;
	}
	enum err e = kinds[arg->kind].read(r, arg, value);
	if (e != ERR_OK)
		r->why = mem_printf("\"%s\" of \"%s\" takes %s", arg->name, row->name,
				    kinds[arg->kind].takes);
	return e;
}

/* Only whole names: a program has no use for short ones, and they would change their
 * meaning when a verb is added. */
static enum err read_verb(struct reading *r, const json_t *root,
			  const struct command_row **row)
{
	const json_t *cmd = json_object_get(root, "cmd");
	if (!json_is_string(cmd)) {
		r->why = mem_strdup("a command looks like {\"cmd\":\"peers\",\"tag\":1}");
		return ERR_USAGE;
	}
	const char *name = json_string_value(cmd);
	if (command_find(name, 0, row) != ERR_OK || strcmp((*row)->name, name) != 0) {
		char *shown = text_safe(slice_str(name), TEXT_NAME, SHOWN_BYTES);
		r->why = mem_printf("there is no command \"%s\"", shown);
		mem_free(shown);
		return ERR_USAGE;
	}
	if ((*row)->flags & COMMAND_LOCAL) {
		r->why = mem_printf("\"%s\" is for people; the node does not know it",
				    name);
		return ERR_USAGE;
	}
	return ERR_OK;
}

static enum err read_tag(struct reading *r, const json_t *root)
{
	const json_t *tag = json_object_get(root, "tag");
	if (!tag || json_is_null(tag))
		return ERR_OK;
	if (!json_is_integer(tag) || json_integer_value(tag) < 0) {
		r->why = mem_strdup("\"tag\" takes a whole number from 0 on");
		return ERR_USAGE;
	}
	r->cmd.tag = (uint64_t)json_integer_value(tag);
	return ERR_OK;
}

static enum err read_command(struct reading *r, const json_t *root)
{
	const struct command_row *row;
	enum err e = read_tag(r, root);
	if (e == ERR_OK)
		e = read_verb(r, root, &row);
	if (e != ERR_OK)
		return e;
	r->cmd.verb = row->verb;
	for (size_t i = 0; i < row->n_args && e == ERR_OK; i++)
		e = read_arg(r, row, &row->args[i], root);
	return e;
}

enum err evjson_command_parse(struct slice line, struct command **out, uint64_t *tag,
			      char **why)
{
	struct reading r = {.why = NULL};
	json_error_t at;
	enum err e = ERR_USAGE;
	json_t *root =
		json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &at);
	if (!root)
		r.why = mem_printf("that is not JSON (column %d): %s", at.column,
				   at.text);
	else if (!json_is_object(root))
		r.why = mem_strdup("a command is an object: {\"cmd\":\"peers\"}");
	else
		e = read_command(&r, root);
	*tag = r.cmd.tag;
	*why = r.why;
	if (e == ERR_OK)
		*out = command_copy(&r.cmd);
	json_decref(root);
	return e;
}
