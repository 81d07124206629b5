#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/options.h"
#include "lib/options_put.h"

enum { ARGS_MAX = 16 };

/* args: words separated by one space. Returns what is left in the same way. */
static enum err take_argv(struct options *o, const char *args, char *left, char **why)
{
	char *copy = mem_strdup(args), *argv[ARGS_MAX], *words[ARGS_MAX], *p = copy;
	int argc = 0, n = -1;
	enum err e;

	while (p != NULL && *args != '\0' && argc < ARGS_MAX)
		argv[argc++] = strsep(&p, " ");
	e = options_argv(o, argc, argv, words, &n, why);
	left[0] = '\0';
	for (int i = 0; i < n; i++) {
		strcat(left, i > 0 ? " " : "");
		strcat(left, words[i]);
	}
	mem_free(copy);
	return e;
}

static void options_are_taken_wherever_they_stand(void **state)
{
	struct options *o = options_new();
	char left[256];

	(void)state;
	assert_int_equal(take_argv(o,
				   "--port 7 send --json bob --nick=a=b f --no-lan "
				   "--peer x --peer=y --eager_peers 5",
				   left, NULL),
			 ERR_OK);
	assert_string_equal(left, "send bob f");
	assert_int_equal(options_int(o, OPT_port), 7);
	assert_int_equal(options_int(o, OPT_eager_peers), 5);
	assert_true(options_bool(o, OPT_json));
	assert_false(options_bool(o, OPT_lan));
	assert_string_equal(options_str(o, OPT_nick), "a=b");
	assert_list(o, OPT_peer, "|x|y");
	assert_int_equal(options_source(o, OPT_port), OPTION_CMDLINE);
	options_free(o);
}

static void nothing_is_taken_behind_two_dashes(void **state)
{
	struct options *o = options_new();
	char left[256];

	(void)state;
	assert_int_equal(take_argv(o, "msg bob -- --json -- --port x", left, NULL),
			 ERR_OK);
	assert_string_equal(left, "msg bob -- --json -- --port x");
	assert_false(options_bool(o, OPT_json));
	options_free(o);
}

static void options_of_verbs_are_left(void **state)
{
	static const char *const args[] = {
		"",
		"-",
		"msg bob -",
		"history bob -n 5",
		"receive --from bob --once",
		"--help",
		"--no-port",
		"--no-json=yes",
		"--no",
		"--=x",
		"---json",
		"--jso",
		"--jsonx",
	};
	struct options *o = options_new();
	char left[256];

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		assert_int_equal(take_argv(o, args[i], left, NULL), ERR_OK);
		assert_string_equal(left, args[i]);
	}
	options_free(o);
}

static void a_yes_or_no_option_takes_no_word(void **state)
{
	struct options *o = options_new();
	char left[256];

	(void)state;
	assert_int_equal(take_argv(o, "--json no --lan=off", left, NULL), ERR_OK);
	assert_string_equal(left, "no");
	assert_true(options_bool(o, OPT_json));
	assert_false(options_bool(o, OPT_lan));
	assert_int_equal(take_argv(o, "--no-json", left, NULL), ERR_OK);
	assert_false(options_bool(o, OPT_json));
	options_free(o);
}

static void a_wrong_option_says_what_to_type(void **state)
{
	static const char *const rows[][2] = {
		{"--port x", "--port takes 0 to 65535, not 'x'"},
		{"--port=", "--port takes 0 to 65535, not ''"},
		{"msg --port", "--port needs a value: 0 to 65535"},
		{"--eager_peers -1", "--eager-peers takes 0 to 4096, not '-1'"},
		{"--json=7", "--json takes yes or no, not '7'"},
		{"--profile ../x",
		 "--profile takes up to 32 of a-z, A-Z, 0-9, '.', '_' and '-', beginning "
		 "with a letter or digit, not '../x'"},
		{"--ip", "--ip needs a value: both, 4 or 6"},
	};
	struct options *o = options_new();
	char left[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *why = NULL;
		assert_int_equal(err_class(take_argv(o, rows[i][0], left, &why)),
				 ERRC_USER);
		assert_why(why, rows[i][1]);
		assert_int_equal(err_class(take_argv(o, rows[i][0], left, NULL)),
				 ERRC_USER);
	}
	options_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_taken_wherever_they_stand),
		cmocka_unit_test(nothing_is_taken_behind_two_dashes),
		cmocka_unit_test(options_of_verbs_are_left),
		cmocka_unit_test(a_yes_or_no_option_takes_no_word),
		cmocka_unit_test(a_wrong_option_says_what_to_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
