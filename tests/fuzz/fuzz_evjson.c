/*
 * Lines of JSON, as commands and as events. What is taken comes back the same through
 * a line of our own; what is refused says why.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/evjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_command(const struct command *cmd)
{
	struct command *back;
	uint64_t tag;
	char *why, *json = evjson_command(cmd);
	must(evjson_command_parse(slice_str(json), &back, &tag, &why) == ERR_OK);
	must(back->verb == cmd->verb && back->tag == cmd->tag && tag == cmd->tag);
	for (size_t i = 0; i < command_row(cmd->verb)->n_args; i++) {
		const char *a = cmd->u.arg[i], *b = back->u.arg[i];
		must((a == NULL) == (b == NULL) && (!a || strcmp(a, b) == 0));
	}
	mem_free(back);
	mem_free(json);
}

static void check_event(const struct event *ev)
{
	struct event *back;
	char *json = evjson_event(ev), *again;
	for (const char *c = json; *c; c++)
		must(*c >= ' ' && *c <= '~');
	must(evjson_event_parse(slice_str(json), &back) == ERR_OK);
	again = evjson_event(back);
	must(strcmp(json, again) == 0);
	mem_free(again);
	mem_free(back);
	mem_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct command *cmd = NULL;
	struct event *ev = NULL;
	uint64_t tag;
	char *why;
	enum err e = evjson_command_parse(slice_of(bytes, len), &cmd, &tag, &why);
	must((e == ERR_OK) == (cmd != NULL) && (e == ERR_OK) == (why == NULL));
	if (cmd)
		check_command(cmd);
	if (evjson_event_parse(slice_of(bytes, len), &ev) == ERR_OK)
		check_event(ev);
	mem_free(why);
	mem_free(cmd);
	mem_free(ev);
	return 0;
}
