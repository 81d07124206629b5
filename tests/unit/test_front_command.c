#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/front.h"

static void every_row_is_whole(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row = command_row(v);
		assert_int_equal(row->verb, v);
		assert_true(strlen(row->name) > 0 && strlen(row->help) > 0);
		assert_true(row->n_args <= COMMAND_ARGS_MAX);
		for (size_t i = 0; i < row->n_args; i++) {
			assert_int_equal(row->args[i].index, i);
			assert_int_equal(command_arg_find(row, row->args[i].name), i);
			assert_true(strlen(row->args[i].help) > 0);
		}
		assert_int_equal(command_arg_find(row, "nonsense"), -1);
	}
}

/* Words come in order, so what may be left out stands behind what may not, and the
 * rest of the line is the last of them. */
static void arguments_can_be_told_apart(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row = command_row(v);
		bool was_optional = false, was_rest = false;
		for (size_t i = 0; i < row->n_args; i++) {
			const struct arg_row *arg = &row->args[i];
			if (arg->kind == ARG_VALUE || arg->kind == ARG_FLAG) {
				assert_int_equal(arg->need, ARG_OPT);
				continue;
			}
			assert_false(was_rest);
			assert_false(was_optional && arg->need == ARG_REQ);
			was_optional |= arg->need == ARG_OPT;
			was_rest |= arg->kind == ARG_REST;
		}
	}
}

static void names_index_the_same_memory_as_rows(void **state)
{
	(void)state;
	struct command cmd = {.verb = VERB_MSG};
	const struct command_row *row = command_row(VERB_MSG);
	cmd.u.arg[command_arg_find(row, "who")] = "bob";
	cmd.u.arg[command_arg_find(row, "text")] = "hi";
	cmd.u.arg[command_arg_find(row, "wait")] = "3";
	assert_string_equal(cmd.u.msg.who, "bob");
	assert_string_equal(cmd.u.msg.text, "hi");
	assert_string_equal(cmd.u.msg.wait, "3");
	assert_null(cmd.u.msg.end_);
}

static void verbs_are_found_by_unique_prefixes(void **state)
{
	static const struct {
		const char *name;
		unsigned flags;
		enum err e;
		enum verb verb;
	} rows[] = {
		{"msg", 0, ERR_OK, VERB_MSG},
		{"w", 0, ERR_OK, VERB_WHOIS},
		{"pe", COMMAND_SLASH, ERR_OK, VERB_PEERS},
		{"p", COMMAND_SLASH, ERR_AMBIGUOUS, 0},
		{"", 0, ERR_UNKNOWN, 0},
		{"msgs", 0, ERR_UNKNOWN, 0},
		{"MSG", 0, ERR_UNKNOWN, 0},
		{"query", COMMAND_SLASH, ERR_OK, VERB_QUERY},
		{"query", COMMAND_SHELL, ERR_UNKNOWN, 0},
		{"q", COMMAND_SHELL, ERR_OK, VERB_QUIT},
		{"q", COMMAND_SLASH, ERR_AMBIGUOUS, 0},
		{"daemon", COMMAND_SLASH, ERR_UNKNOWN, 0},
		{"h", COMMAND_SLASH | COMMAND_LOCAL, ERR_OK, VERB_HELP},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct command_row *row = NULL;
		assert_int_equal(command_find(rows[i].name, rows[i].flags, &row),
				 rows[i].e);
		if (rows[i].e == ERR_OK)
			assert_int_equal(row->verb, rows[i].verb);
	}
}

static void every_verb_is_found_by_its_whole_name(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row;
		assert_int_equal(command_find(command_row(v)->name, 0, &row), ERR_OK);
		assert_int_equal(row->verb, v);
	}
}

static void usage_says_what_to_type(void **state)
{
	static const struct {
		enum verb verb;
		bool is_slash;
		const char *usage;
	} rows[] = {
		{VERB_MSG, false, "msg WHO [--wait WAIT] TEXT..."},
		{VERB_MSG, true, "/msg WHO [--wait WAIT] TEXT..."},
		{VERB_ME, true, "/me [--wait WAIT] TEXT..."},
		{VERB_ME, false, "me WHO [--wait WAIT] TEXT..."},
		{VERB_ID, false, "id [--qr]"},
		{VERB_SAVE, true, "/save"},
		{VERB_AWAY, true, "/away [TEXT...]"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *usage = command_usage(command_row(rows[i].verb), rows[i].is_slash);
		assert_string_equal(usage, rows[i].usage);
		mem_free(usage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(arguments_can_be_told_apart),
		cmocka_unit_test(names_index_the_same_memory_as_rows),
		cmocka_unit_test(verbs_are_found_by_unique_prefixes),
		cmocka_unit_test(every_verb_is_found_by_its_whole_name),
		cmocka_unit_test(usage_says_what_to_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
