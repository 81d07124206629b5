#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/verbs.h"
#include "lib/child.h"

static struct command *new_command(enum verb verb, const char *first, const char *second)
{
	struct command cmd = {.verb = verb};
	cmd.u.arg[0] = first;
	cmd.u.arg[1] = second;
	return command_copy(&cmd);
}

/* What --wait becomes: given (NULL: not), with a running node and alone. */
static const struct {
	enum verb verb;
	const char *given, *running, *alone;
} waits[] = {
	{VERB_MSG, NULL, "10", "10"}, {VERB_MSG, "3", "3", "3"},
	{VERB_MSG, "0", "0", "0"},    {VERB_PEERS, NULL, NULL, "3"},
	{VERB_PEERS, "7", "7", "7"},  {VERB_PING, NULL, NULL, NULL},
	{VERB_PING, "2", "2", "2"},
};

static void assert_wait(size_t i, bool is_alone, const char *want)
{
	struct options *o = options_new();
	struct command *cmd = new_command(waits[i].verb, NULL, NULL);
	if (waits[i].verb != VERB_PEERS) {
		mem_free(cmd);
		cmd = new_command(waits[i].verb, "bob", "hi");
	}
	if (waits[i].verb == VERB_PING) {
		mem_free(cmd);
		cmd = new_command(waits[i].verb, "bob", NULL);
	}
	if (waits[i].given)
		options_set(o, OPT_wait, waits[i].given, OPTION_CMDLINE, NULL);
	assert_int_equal(verb_prepare(&cmd, o, is_alone), STATUS_DONE);
	const char *got = cmd->u.arg[command_arg_find(command_row(cmd->verb), "wait")];
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
	mem_free(cmd);
	options_free(o);
}

static void each_verb_waits_as_suits_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		assert_wait(i, false, waits[i].running);
		assert_wait(i, true, waits[i].alone);
	}
}

static void refuse(enum verb verb, bool has_wait)
{
	struct options *o = options_new();
	struct command *cmd = new_command(verb, NULL, NULL);
	if (has_wait)
		options_set(o, OPT_wait, "3", OPTION_CMDLINE, NULL);
	assert_int_equal(verb_prepare(&cmd, o, false), STATUS_USAGE);
	mem_free(cmd);
	options_free(o);
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	refuse(VERB_ID, true);
	refuse(VERB_QUIT, false);
}

static void saved_arguments_are_those_that_change(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		int arg = verb_needs(v)->saved_arg;
		assert_true(arg < (int)command_row(v)->n_args);
	}
	assert_int_equal(verb_needs(VERB_SET)->saved_arg,
			 command_arg_find(command_row(VERB_SET), "value"));
	assert_int_equal(verb_needs(VERB_PEERS)->saved_arg, -1);
	assert_int_equal(verb_needs(VERB_HELP)->saved_arg, -1);
	assert_true(verb_needs(VERB_EVENTS)->is_endless);
	assert_false(verb_needs(VERB_MSG)->is_offline);
}

/* ---- text from standard input, in a process of its own ---- */

struct input {
	const char *bytes;
	size_t n;
	const char *want; /* NULL: refused */
};

static void read_stdin(void *ctx)
{
	const struct input *in = ctx;
	struct options *o = options_new();
	struct command *cmd = new_command(VERB_MSG, "bob", "-");
	FILE *file = tmpfile();
	fwrite(in->bytes, 1, in->n, file);
	rewind(file);
	dup2(fileno(file), STDIN_FILENO);
	enum status s = verb_prepare(&cmd, o, false);
	bool is_right =
		in->want ? s == STATUS_DONE && strcmp(cmd->u.msg.text, in->want) == 0
			 : s == STATUS_USAGE;
	mem_free(cmd);
	options_free(o);
	fclose(file);
	_exit(is_right ? 0 : 1);
}

static void a_dash_reads_the_text(void **state)
{
	static char big[70000];
	const struct input inputs[] = {
		{"hello\n", 6, "hello"},	  {"two\nlines\n\n", 11, "two\nlines\n"},
		{"no newline", 10, "no newline"}, {"", 0, ""},
		{"nul\0byte", 8, NULL},		  {"caf\xe9", 4, NULL},
		{big, sizeof big, NULL},
	};
	(void)state;
	memset(big, 'x', sizeof big);
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
		if (child_run(read_stdin, (void *)(uintptr_t)&inputs[i]) != 0)
			fail_msg("input %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verb_waits_as_suits_it),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(saved_arguments_are_those_that_change),
		cmocka_unit_test(a_dash_reads_the_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
