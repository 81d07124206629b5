#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/timer.h"
#include "lib/child.h"

struct world {
	struct clock_manual clock;
	struct timers *ts;
};

static char fired[64];

static void append(const char *name)
{
	strncat(fired, name, sizeof(fired) - strlen(fired) - 1);
}

static void note(void *ctx)
{
	append(ctx);
}

static void set(struct world *w, struct timer *t, uint64_t ms, const char *name)
{
	timer_set(w->ts, t, ms, note, (void *)(uintptr_t)name);
}

static void pass(struct world *w, uint64_t ms)
{
	clock_manual_advance(&w->clock, ms * 1000);
	timers_run(w->ts);
}

static int start(void **state)
{
	static struct world w;

	clock_manual_init(&w.clock);
	w.ts = timers_new(&w.clock.clock);
	fired[0] = '\0';
	*state = &w;
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;

	timers_free(w->ts);
	return 0;
}

static void nothing_is_set_at_first(void **state)
{
	struct world *w = *state;
	struct timer t = {0};

	assert_false(timer_is_set(&t));
	timer_stop(&t);
	timers_run(w->ts);
	assert_true(timers_wait(w->ts) == UINT64_MAX);
	timers_free(NULL);
}

static void fires_once_and_not_before_its_time(void **state)
{
	struct world *w = *state;
	struct timer t = {0};

	set(w, &t, 10, "a");
	assert_true(timer_is_set(&t));
	pass(w, 9);
	assert_string_equal(fired, "");
	pass(w, 1);
	assert_string_equal(fired, "a");
	assert_false(timer_is_set(&t));
	pass(w, 100);
	assert_string_equal(fired, "a");
}

static void they_fire_in_the_order_of_their_deadlines(void **state)
{
	struct world *w = *state;
	struct timer t[4] = {{0}};

	set(w, &t[0], 30, "c");
	set(w, &t[1], 10, "a");
	set(w, &t[2], 40, "d");
	set(w, &t[3], 20, "b");
	pass(w, 100);
	assert_string_equal(fired, "abcd");
}

static void equal_deadlines_fire_as_they_were_set(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	struct world *w = *state;
	struct timer t[8] = {{0}};

	for (size_t i = 0; i < 8; i++)
		set(w, &t[i], 5, names[i]);
	set(w, &t[2], 5, "C"); /* again: now the last */
	pass(w, 5);
	assert_string_equal(fired, "abdefghC");
}

static void setting_again_moves(void **state)
{
	struct world *w = *state;
	struct timer a = {0}, b = {0};

	set(w, &a, 10, "a");
	set(w, &b, 20, "b");
	set(w, &a, 30, "A");
	pass(w, 20);
	assert_string_equal(fired, "b");
	set(w, &a, 1, "A");
	pass(w, 1);
	assert_string_equal(fired, "bA");
}

static void a_stopped_one_does_not_fire(void **state)
{
	struct world *w = *state;
	struct timer a = {0}, b = {0};

	set(w, &a, 10, "a");
	set(w, &b, 10, "b");
	timer_stop(&a);
	timer_stop(&a);
	assert_false(timer_is_set(&a));
	pass(w, 10);
	assert_string_equal(fired, "b");
}

static void wait_is_rounded_up(void **state)
{
	struct world *w = *state;
	struct timer t = {0};

	set(w, &t, 10, "a");
	assert_true(timers_wait(w->ts) == 10);
	clock_manual_advance(&w->clock, 1);
	assert_true(timers_wait(w->ts) == 10);
	clock_manual_advance(&w->clock, 998);
	assert_true(timers_wait(w->ts) == 10);
	clock_manual_advance(&w->clock, 1);
	assert_true(timers_wait(w->ts) == 9);
	clock_manual_advance(&w->clock, 8999);
	assert_true(timers_wait(w->ts) == 1);
	timers_run(w->ts);
	assert_string_equal(fired, "");
	clock_manual_advance(&w->clock, 1);
	assert_true(timers_wait(w->ts) == 0);
	clock_manual_advance(&w->clock, 1000000);
	assert_true(timers_wait(w->ts) == 0);
	timer_stop(&t);
}

static void the_longest_delays_do_not_wrap(void **state)
{
	struct world *w = *state;
	struct timer a = {0}, b = {0};

	set(w, &a, UINT64_MAX, "a");
	set(w, &b, UINT64_MAX / 1000, "b");
	pass(w, 1000000);
	assert_string_equal(fired, "");
	assert_true(timers_wait(w->ts) > UINT64_MAX / 2000);
	timer_stop(&a);
	timer_stop(&b);
}

struct again {
	struct world *w;
	struct timer t;
	unsigned n;
};

static void set_again(void *ctx)
{
	struct again *a = ctx;

	a->n++;
	assert_false(timer_is_set(&a->t));
	timer_set(a->w->ts, &a->t, 0, set_again, a);
}

static void a_delay_of_0_waits_for_the_next_run(void **state)
{
	struct world *w = *state;
	struct again a = {.w = w};
	struct timer later = {0};

	timer_set(w->ts, &a.t, 0, set_again, &a);
	set(w, &later, 0, "x");
	timers_run(w->ts);
	assert_int_equal(a.n, 1);
	assert_string_equal(fired, "x");
	assert_true(timers_wait(w->ts) == 0);
	timers_run(w->ts);
	assert_int_equal(a.n, 2);
	timer_stop(&a.t);
}

static void stop_other(void *ctx)
{
	timer_stop(ctx);
	append("s");
}

static void one_may_stop_another_that_is_due(void **state)
{
	struct world *w = *state;
	struct timer a = {0}, b = {0}, c = {0};

	timer_set(w->ts, &a, 1, stop_other, &b);
	set(w, &b, 1, "b");
	set(w, &c, 1, "c");
	pass(w, 1);
	assert_string_equal(fired, "sc");
}

static void free_it(void *ctx)
{
	mem_free(ctx);
	append("f");
}

static void one_may_free_itself(void **state)
{
	struct world *w = *state;
	struct timer *t = mem_new(sizeof(*t));

	timer_set(w->ts, t, 1, free_it, t);
	pass(w, 1);
	assert_string_equal(fired, "f");
}

enum { MANY = 500 };

struct one {
	struct timer t;
	struct world *w;
	bool is_set;
	uint64_t due_us;
};

static void check_one(void *ctx)
{
	struct one *o = ctx;

	assert_true(o->is_set);
	assert_true(o->due_us <= o->w->clock.now_us);
	o->is_set = false;
}

static void touch_one(struct world *w, struct one *o, const struct rng *rng)
{
	if (rng_uniform(rng, 3) == 0) {
		timer_stop(&o->t);
		o->is_set = false;
		return;
	}
	o->due_us = w->clock.now_us + rng_uniform(rng, 100) * 1000u;
	o->is_set = true;
	timer_set(w->ts, &o->t, (o->due_us - w->clock.now_us) / 1000, check_one, o);
}

/* Against a flag and a time for each. */
static void none_is_lost_or_early(void **state)
{
	static struct one v[MANY];
	struct world *w = *state;
	struct rng_seeded r;

	memset(v, 0, sizeof(v));
	rng_seeded_init(&r, 1);
	for (size_t step = 0; step < 20000; step++) {
		struct one *o = &v[rng_uniform(&r.rng, MANY)];
		o->w = w;
		touch_one(w, o, &r.rng);
		if (step % 50 != 0)
			continue;
		pass(w, rng_uniform(&r.rng, 10));
		for (size_t i = 0; i < MANY; i++) {
			assert_int_equal(timer_is_set(&v[i].t), v[i].is_set);
			assert_true(!v[i].is_set || v[i].due_us > w->clock.now_us);
		}
	}
	for (size_t i = 0; i < MANY; i++)
		timer_stop(&v[i].t);
}

#ifdef DEBUG
static void free_while_set(void *ctx)
{
	struct world *w = ctx;
	struct timer t = {0};

	set(w, &t, 1, "a");
	timers_free(w->ts);
}

static void set_in_another_heap(void *ctx)
{
	struct world *w = ctx, other = *w;
	struct timer t = {0};

	other.ts = timers_new(&w->clock.clock);
	set(w, &t, 1, "a");
	set(&other, &t, 1, "a");
}

static void misuse_is_a_bug(void **state)
{
	assert_true(child_aborts(free_while_set, *state));
	assert_true(child_aborts(set_in_another_heap, *state));
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_set_at_first),
		TEST(fires_once_and_not_before_its_time),
		TEST(they_fire_in_the_order_of_their_deadlines),
		TEST(equal_deadlines_fire_as_they_were_set),
		TEST(setting_again_moves),
		TEST(a_stopped_one_does_not_fire),
		TEST(wait_is_rounded_up),
		TEST(the_longest_delays_do_not_wrap),
		TEST(a_delay_of_0_waits_for_the_next_run),
		TEST(one_may_stop_another_that_is_due),
		TEST(one_may_free_itself),
		TEST(none_is_lost_or_early),
#ifdef DEBUG
		TEST(misuse_is_a_bug),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
