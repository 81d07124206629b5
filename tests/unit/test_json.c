#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/frontend_run.h"
#include "ui/evjson.h"

static struct frontend_run run(const char *input)
{
	struct frontend_run r = {.ops = &frontend_json, .input = input};
	frontend_run(&r);
	return r;
}

static void wipe(struct frontend_run *r)
{
	mem_free(r->out);
	mem_free(r->err);
}

static unsigned count(const char *out, const char *piece)
{
	unsigned n = 0;
	for (; (out = strstr(out, piece)) != NULL; out++)
		n++;
	return n;
}

static void assert_all_events(char *out)
{
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n")) {
		struct event *ev;
		assert_int_equal(evjson_event_parse(slice_str(line), &ev), ERR_OK);
		mem_free(ev);
	}
}

static void commands_in_events_out(void **state)
{
	struct frontend_run r =
		run("{\"cmd\":\"peers\",\"tag\":4}\n{\"cmd\":\"nick\"}\n");
	(void)state;
	assert_int_equal(r.status, 0);
	assert_int_equal(count(r.out, "\"type\":\"node\""), 1);
	assert_int_equal(count(r.out, "\"for\":4"), 1);
	assert_int_equal(count(r.out, "\"type\":\"done\""), 2);
	assert_all_events(r.out);
	wipe(&r);
}

static void following_does_not_outlive_the_input(void **state)
{
	struct frontend_run r = run("{\"cmd\":\"events\",\"since\":0}\n");
	(void)state;
	assert_int_equal(r.status, 0);
	wipe(&r);
}

static void any_input_is_answered(void **state)
{
	struct frontend_run r = run("hello\n{\"cmd\":\"peers\"}\n{}\n{\"cmd\":\"peers\","
				    "\"tag\":9223372036854775807}\n{\"cmd\"");
	(void)state;
	assert_int_equal(r.status, 0);
	assert_int_equal(count(r.out, "\"type\":\"error\""), 4);
	assert_int_equal(count(r.out, "\"type\":\"done\""), 1);
	assert_all_events(r.out);
	wipe(&r);
}

static void quit_ends_it(void **state)
{
	struct frontend_run r = run("{\"cmd\":\"quit\",\"tag\":1}\n{\"cmd\":\"nick\"}\n");
	(void)state;
	assert_int_equal(r.status, 0);
	assert_int_equal(count(r.out, "\"type\":\"done\""), 1);
	assert_int_equal(count(r.out, "\"for\":1"), 1);
	wipe(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_in_events_out),
		cmocka_unit_test(following_does_not_outlive_the_input),
		cmocka_unit_test(any_input_is_answered),
		cmocka_unit_test(quit_ends_it),
	};
	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
