#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void monotonic_time_does_not_go_back(void **state)
{
	uint64_t before = clock_mono_us(clock_system()), first = before;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t now = clock_mono_us(clock_system());
		assert_true(now >= before);
		before = now;
	}
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	assert_true(clock_mono_us(clock_system()) - first >= 2000);
	assert_true(clock_mono_us(clock_system()) - first < 60000000);
}

static void wall_time_is_unix_time(void **state)
{
	uint64_t before = (uint64_t)time(NULL), wall = clock_wall_ms(clock_system());
	uint64_t after = (uint64_t)time(NULL);

	(void)state;
	/* time() may be a tick behind. */
	assert_true(wall / 1000 >= before && wall / 1000 <= after + 1);
}

static void a_manual_clock_stands(void **state)
{
	struct clock_manual m;
	uint64_t mono, wall;

	(void)state;
	clock_manual_init(&m);
	mono = clock_mono_us(&m.clock);
	wall = clock_wall_ms(&m.clock);
	assert_true(mono == clock_mono_us(&m.clock));
	assert_true(mono / 1000 == clock_mono_ms(&m.clock));
	clock_manual_advance(&m, 2500);
	assert_true(clock_mono_us(&m.clock) == mono + 2500);
	assert_true(clock_mono_ms(&m.clock) == mono / 1000 + 2);
	assert_true(clock_wall_ms(&m.clock) == wall + 2);
	m.wall_offset_ms += 7000;
	assert_true(clock_wall_ms(&m.clock) == wall + 7002);
	assert_true(clock_mono_us(&m.clock) == mono + 2500);
}

static void every_manual_clock_starts_alike(void **state)
{
	struct clock_manual a, b;
	char text[CLOCK_TEXT_BYTES];

	(void)state;
	clock_manual_init(&a);
	clock_manual_init(&b);
	assert_true(clock_mono_us(&a.clock) == clock_mono_us(&b.clock));
	clock_text(clock_wall_ms(&a.clock), text);
	assert_string_equal(text, "2026-01-01T00:00:00.000Z");
}

static void times_are_written_as_RFC3339(void **state)
{
	static const struct {
		uint64_t wall_ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{999, "1970-01-01T00:00:00.999Z"},
		{951827696007, "2000-02-29T12:34:56.007Z"},
		{1767323045678, "2026-01-02T03:04:05.678Z"},
		{4107542399999, "2100-02-28T23:59:59.999Z"},
		{4107542400000, "2100-03-01T00:00:00.000Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{253402300800000, "9999-12-31T23:59:59.999Z"},
		{UINT64_MAX, "9999-12-31T23:59:59.999Z"},
	};
	char text[CLOCK_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		clock_text(rows[i].wall_ms, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(strlen(text), CLOCK_TEXT_BYTES - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monotonic_time_does_not_go_back),
		cmocka_unit_test(wall_time_is_unix_time),
		cmocka_unit_test(a_manual_clock_stands),
		cmocka_unit_test(every_manual_clock_starts_alike),
		cmocka_unit_test(times_are_written_as_RFC3339),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
