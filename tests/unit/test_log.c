#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "lib/child.h"
#include "lib/tempdir.h"

struct seen {
	unsigned n;
	enum log_level level;
	char line[8192];
};

static void take(void *ctx, enum log_level level, const char *line)
{
	struct seen *s = ctx;

	s->n++;
	s->level = level;
	snprintf(s->line, sizeof(s->line), "%s", line);
}

static int set_sink(void **state)
{
	static struct seen seen;

	seen = (struct seen){0};
	*state = &seen;
	log_sink_set(take, &seen);
	log_level_set(LOG_DEBUG);
	return 0;
}

static int reset(void **state)
{
	(void)state;
	log_sink_set(NULL, NULL);
	log_level_set(LOG_WARN);
	return 0;
}

static void a_line_names_its_area(void **state)
{
	struct seen *s = *state;

	log_info("net", "port %d is %s", 7117, "open");
	assert_string_equal(s->line, "net: port 7117 is open");
	assert_int_equal(s->level, LOG_INFO);
	assert_int_equal(s->n, 1);
}

static void the_level_drops_what_is_above(void **state)
{
	struct seen *s = *state;

	for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		s->n = 0;
		log_level_set((enum log_level)level);
		assert_int_equal(log_level_get(), level);
		log_error("a", "x");
		log_warn("a", "x");
		log_info("a", "x");
		log_debug("a", "x");
		assert_int_equal(s->n, level + 1);
	}
}

static void U5_hostile_text_cannot_make_a_line(void **state)
{
	struct seen *s = *state;

	log_warn("net", "nick %s", "bob\nnet: all is well\x1b[2J\r\xff\xe2\x80\xae");
	assert_string_equal(s->line, "net: nick bob\\u{A}net: all is well\\u{1B}[2J\\u{D}"
				     "\\xff\\u{202E}");
}

static void every_byte_is_safe(void **state)
{
	struct seen *s = *state;

	for (int c = 1; c < 256; c++) {
		char text[] = {'<', (char)c, '>', '\0'};
		log_warn("net", "%s", text);
		for (const char *p = s->line; *p != '\0'; p++)
			assert_in_range(*p, ' ', '~');
	}
}

static void a_long_line_is_cut(void **state)
{
	struct seen *s = *state;
	char text[6000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_warn("net", "%s", text);
	assert_in_range(strlen(s->line), 1000, 2048);
	/* Escapes make it longer again. */
	memset(text, '\x1b', sizeof(text) - 1);
	log_warn("net", "%s", text);
	assert_in_range(strlen(s->line), 1000, 2048);
	assert_string_equal(s->line + strlen(s->line) - 3, "...");
}

static void fail_to_write(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
	errno = EIO;
}

static void errno_stays_what_it_was(void **state)
{
	(void)state;
	log_sink_set(fail_to_write, NULL);
	errno = ENOSPC;
	log_warn("file", "%s", "x");
	assert_int_equal(errno, ENOSPC);
}

static void log_again(void *ctx, enum log_level level, const char *line)
{
	(void)level;
	log_sink_set(take, ctx);
	log_warn("sink", "%s", line);
}

static void a_sink_may_log(void **state)
{
	struct seen *s = *state;

	log_sink_set(log_again, s);
	log_warn("a", "x");
	assert_string_equal(s->line, "sink: a: x");
}

/* Runs in a child, whose stderr is the file. */
static void log_to_file(void *ctx)
{
	int fd = open(ctx, O_WRONLY | O_CREAT, 0600);

	dup2(fd, STDERR_FILENO);
	log_sink_set(NULL, NULL);
	log_warn("net", "port is taken");
}

static void without_a_sink_it_goes_to_stderr(void **state)
{
	char *path, *text;
	void *dir;

	(void)state;
	assert_int_equal(tempdir_setup(&dir), 0);
	path = tempdir_path(dir, "stderr");
	assert_int_equal(child_run(log_to_file, path), 0);
	text = tempdir_read(path);
	assert_string_equal(text, "p2pmsg: net: port is taken\n");
	mem_free(text);
	mem_free(path);
	tempdir_teardown(&dir);
}

static void report(void *ctx)
{
	(void)ctx;
	BUG("that cannot be");
}

static void a_bug_stops_debug_builds_only(void **state)
{
	(void)state;
#ifdef DEBUG
	assert_true(child_aborts(report, NULL));
#else
	struct seen *s = *state;
	report(NULL);
	assert_non_null(strstr(s->line, "test_log.c"));
	assert_non_null(strstr(s->line, "that cannot be"));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_names_its_area, set_sink),
		cmocka_unit_test_setup(the_level_drops_what_is_above, set_sink),
		cmocka_unit_test_setup(U5_hostile_text_cannot_make_a_line, set_sink),
		cmocka_unit_test_setup(every_byte_is_safe, set_sink),
		cmocka_unit_test_setup(a_long_line_is_cut, set_sink),
		cmocka_unit_test_setup(errno_stays_what_it_was, set_sink),
		cmocka_unit_test_setup(a_sink_may_log, set_sink),
		cmocka_unit_test_setup(without_a_sink_it_goes_to_stderr, reset),
		cmocka_unit_test_setup(a_bug_stops_debug_builds_only, set_sink),
	};

	return cmocka_run_group_tests(tests, NULL, reset);
}
