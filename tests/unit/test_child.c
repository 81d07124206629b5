#include "net/child.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/child.h"

enum { MAX_BYTES = 32 };

static char *out;

static int setup(void **state)
{
	(void)state;
	out = secret_new(MAX_BYTES);
	memset(out, 'z', MAX_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	secret_free(out);
	return 0;
}

static bool is_wiped(void)
{
	static const char zeros[MAX_BYTES];

	return memcmp(out, zeros, MAX_BYTES) == 0;
}

static void assert_line(const char *command, const char *line)
{
	assert_int_equal(child_first_line(command, out, MAX_BYTES), ERR_OK);
	assert_string_equal(out, line);
}

static void the_first_line_is_given_and_no_other(void **state)
{
	(void)state;
	assert_line("echo secret", "secret");
	assert_line("printf 'a b\\nsecond\\n'", "a b");
	/* Nothing of the second stays behind. */
	assert_null(memchr(out, 'o', MAX_BYTES));
	assert_line("printf 'no newline'", "no newline");
	assert_line("printf 'in'; sleep 0.05; printf ' parts\\n'; sleep 0.05; echo x",
		    "in parts");
}

static void a_line_that_just_fits_fits(void **state)
{
	(void)state;
	assert_line("printf '%031d\\n' 7", "0000000000000000000000000000007");
	assert_line("printf '%031d' 7", "0000000000000000000000000000007");
	assert_int_equal(child_first_line("printf '%032d\\n' 7", out, MAX_BYTES),
			 ERR_LIMIT);
	assert_true(is_wiped());
	assert_int_equal(child_first_line("printf '%032d' 7", out, MAX_BYTES), ERR_LIMIT);
	assert_int_equal(child_first_line("echo x", out, 0), ERR_LIMIT);
}

static void a_failure_leaves_nothing(void **state)
{
	static const char *const failing[] = {
		"echo secret; exit 3",
		"echo secret; kill -9 $$",
		"true",
		"echo",
		"no-such-command-anywhere 2>/dev/null",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(failing) / sizeof(*failing); i++) {
		memset(out, 'z', MAX_BYTES);
		assert_int_equal(child_first_line(failing[i], out, MAX_BYTES), ERR_IO);
		assert_true(is_wiped());
	}
}

static void a_talkative_command_ends_well(void **state)
{
	(void)state;
	assert_line("echo secret; head -c 500000 /dev/zero", "secret");
	/* But not one that never ends. */
	assert_int_equal(child_first_line("yes", out, MAX_BYTES), ERR_IO);
	assert_true(is_wiped());
}

static void it_has_the_usual_signals(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_line("(trap '' USR1; true); sh -c 'kill -PIPE $$'; echo $?", "141");
	/* Who ignores its children learns how they end all the same, this once. */
	signal(SIGCHLD, SIG_IGN);
	assert_line("echo x", "x");
	assert_true(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
}

static void run_without_stdout(void *ctx)
{
	(void)ctx;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (child_first_line("echo alone", out, MAX_BYTES) != ERR_OK ||
	    strcmp(out, "alone") != 0)
		_exit(4);
}

static void it_works_without_stdout(void **state)
{
	assert_int_equal(child_run(run_without_stdout, state), 0);
}

static void read_typed(void *ctx)
{
	int p[2];

	(void)ctx;
	if (pipe(p) != 0 || write(p[1], "typed\n", 6) != 6)
		_exit(4);
	dup2(p[0], STDIN_FILENO);
	close(p[0]);
	close(p[1]);
	if (child_first_line("read x; echo \"<$x>\"", out, MAX_BYTES) != ERR_OK ||
	    strcmp(out, "<typed>") != 0)
		_exit(5);
}

static void it_asks_at_our_stdin(void **state)
{
	assert_int_equal(child_run(read_typed, state), 0);
}

static void it_has_no_descriptors_of_ours(void **state)
{
	static const char command[] = "cd /proc/$$/fd; echo *";
	char usual[MAX_BYTES] = {0};

	(void)state;
	/* What the shell opens itself, and what we were started with, is no matter. */
	FILE *f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(usual, sizeof(usual), f));
	usual[strcspn(usual, "\n")] = 0;
	pclose(f);
	assert_int_equal(child_first_line(command, out, MAX_BYTES), ERR_OK);
	assert_string_equal(out, usual);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_first_line_is_given_and_no_other),
		T(a_line_that_just_fits_fits),
		T(a_failure_leaves_nothing),
		T(a_talkative_command_ends_well),
		T(it_has_the_usual_signals),
		T(it_works_without_stdout),
		T(it_asks_at_our_stdin),
		T(it_has_no_descriptors_of_ours),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
