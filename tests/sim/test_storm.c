/* Time that jumps, networks that change, and everything at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/desk.h"

/* ---- time ---- */

static void a_ping_that_waits_does_not_overtake_the_hello(void **state)
{
	(void)state;
	struct sim *s = sim_new(28, 2);
	struct desk d;
	sim_start(s, 0);
	sim_start(s, 1);
	desk_open(&d, s);
	desk_ask(&d, VERB_PING, "n1", "5", NULL, 10);
	for (unsigned i = 0; i < 2; i++) {
		sim_tell(s, !i, i); /* the other one dials */
		sim_run(s, 1000);
	}
	assert_int_equal(d.counts[EVENT_PONG], 1);
	assert_int_equal(sim_node(s, 0)->n_online, 1);
	assert_int_equal(sim_node(s, 0)->n_offline, 0);
	sim_free(s);
}

static void C5_suspend_of_an_hour_loses_nothing(void **state)
{
	(void)state;
	struct sim *s = sim_meet(29, 2);
	sim_say(s, 0, 1, "before");
	sim_say(s, 1, 0, "before");
	sim_run(s, 100);
	sim_say(s, 0, 1, "asleep");
	sim_suspend(s, 3600 * 1000);
	sim_say(s, 1, 0, "awake");
	sim_run(s, 10000);
	assert_int_equal(sim_saw(s, 1, "asleep"), 1);
	assert_int_equal(sim_saw(s, 0, "awake"), 1);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void C3_jumps_of_the_wall_clock_change_nothing(void **state)
{
	(void)state;
	struct sim *s = sim_meet(30, 2);
	char text[16];
	for (unsigned i = 0; i < 200; i++) {
		sim_wall_jump(s, i % 2 ? -7200000 : 3600000);
		snprintf(text, sizeof text, "w%u", i);
		sim_say(s, 0, 1, text);
		sim_run(s, 1000);
	}
	assert_int_equal(sim_node(s, 1)->n_texts, 200);
	assert_int_equal(sim_node(s, 1)->n_online, 1);
	assert_int_equal(sim_node(s, 1)->n_offline, 0);
	sim_free(s);
}

static void renew(bool is_busy)
{
	struct sim *s = sim_meet(31, 2);
	unsigned before = sim_node(s, 0)->n_dials + sim_node(s, 1)->n_dials;
	for (unsigned i = 0; i < 25 * 60 * 6; i++) {
		if (is_busy) {
			sim_say(s, 0, 1, "busy");
			sim_say(s, 1, 0, "busy");
		}
		sim_run(s, 10000);
	}
	assert_int_equal(sim_node(s, 0)->n_dials + sim_node(s, 1)->n_dials - before, 1);
	assert_int_equal(sim_node(s, 0)->n_online, 1);
	assert_int_equal(sim_node(s, 1)->n_online, 1);
	assert_int_equal(sim_links(s, 0), 1);
	assert_int_equal(sim_node(s, 0)->n_texts, is_busy ? 25 * 60 * 6 : 0);
	sim_free(s);
}

static void an_idle_session_is_renewed_after_a_day(void **state)
{
	(void)state;
	renew(false);
}

static void a_busy_session_is_renewed_after_a_day(void **state)
{
	(void)state;
	renew(true);
}

static void a_change_of_the_network_is_probed_in_5_s(void **state)
{
	(void)state;
	struct sim *s = sim_meet(32, 2);
	struct ifaces ifs;
	sim_ifaces(s, 0, &ifs);
	for (unsigned i = 0; i < 100; i++) { /* flapping, but alive */
		core_ifaces(sim_node(s, 0)->core, &ifs);
		sim_run(s, 100);
	}
	assert_int_equal(sim_node(s, 0)->n_offline, 0);
	sim_break(s, 0, 1);
	sim_say(s, 0, 1, "on the new network");
	core_ifaces(sim_node(s, 0)->core, &ifs);
	sim_run(s, 7000);
	assert_int_equal(sim_saw(s, 1, "on the new network"), 1);
	sim_free(s);
}

/* From one network to the next, sooner than a session counts as lasting. */
static void changes_of_the_network_in_a_row_make_no_dial_wait(void **state)
{
	(void)state;
	struct sim *s = sim_meet(36, 2);
	struct ifaces ifs;
	char text[16];
	for (unsigned i = 0; i < 8; i++) {
		sim_break(s, 0, 1);
		sim_ifaces(s, 0, &ifs);
		core_ifaces(sim_node(s, 0)->core, &ifs);
		snprintf(text, sizeof text, "net%u", i);
		sim_say(s, i % 2, 1 - i % 2, text);
		sim_run(s, 6000);
		assert_int_equal(sim_saw(s, 1 - i % 2, text), 1);
	}
	sim_free(s);
}

/* ---- everything at once ---- */

/* The numbers said so far, by whom to whom. */
struct said {
	unsigned n[3][3];
};

static void expect_all(struct sim *s, const struct said *said, uint64_t seed)
{
	for (unsigned to = 0; to < 3; to++) {
		struct sim_node *n = sim_node(s, to);
		unsigned next[3] = {0};
		for (unsigned k = 0; k < n->n_texts; k++) {
			unsigned from, number;
			assert_int_equal(sscanf(n->texts[k], "%u:%u", &from, &number), 2);
			if (number != next[from]++)
				fail_msg("seed %u: %u got %u of %u, not %u",
					 (unsigned)seed, to, number, from,
					 next[from] - 1);
		}
		for (unsigned from = 0; from < 3; from++)
			if (next[from] != said->n[from][to])
				fail_msg("seed %u: %u got %u of %u from %u",
					 (unsigned)seed, to, next[from],
					 said->n[from][to], from);
		if (sim_links(s, to) != 2)
			fail_msg("seed %u: %u has %u links", (unsigned)seed, to,
				 sim_links(s, to));
	}
}

static void say_next(struct sim *s, struct said *said, unsigned a, unsigned b)
{
	char text[32];
	snprintf(text, sizeof text, "%u:%u", a, said->n[a][b]++);
	sim_say(s, a, b, text);
}

static void storm_step(struct sim *s, const struct rng *dice, struct said *said)
{
	unsigned a = rng_uniform(dice, 3), b = (a + 1 + rng_uniform(dice, 2)) % 3;
	unsigned n = 1 + rng_uniform(dice, 40);
	switch (rng_uniform(dice, 10)) {
	case 0:
		sim_break(s, a, b);
		break;
	case 1:
		sim_reset(s, a, b);
		break;
	case 2:
	case 3:
		sim_dial(s, a, b, n, 1 + rng_uniform(dice, 200));
		break;
	case 4:
		sim_latency(s, n);
		break;
	case 5:
		sim_suspend(s, n * 1000);
		break;
	default:
		while (n-- > 0)
			say_next(s, said, a, b);
	}
	sim_run(s, rng_uniform(dice, 4) == 0 ? rng_uniform(dice, 9000)
					     : rng_uniform(dice, 150));
}

static void C5_nothing_lost_twice_or_out_of_order_in_a_storm(void **state)
{
	(void)state;
	uint64_t last = getenv("P2PMSG_SOAK") != NULL ? 2000 : 25;
	for (uint64_t seed = 1; seed <= last; seed++) {
		struct sim *s = sim_meet(seed, 3);
		struct rng_seeded dice;
		struct said said = {0};
		rng_seeded_init(&dice, seed);
		for (unsigned i = 0; i < 80; i++)
			storm_step(s, &dice.rng, &said);
		sim_run(s, 150000);
		expect_all(s, &said, seed);
		sim_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_that_waits_does_not_overtake_the_hello),
		cmocka_unit_test(C5_suspend_of_an_hour_loses_nothing),
		cmocka_unit_test(C3_jumps_of_the_wall_clock_change_nothing),
		cmocka_unit_test(an_idle_session_is_renewed_after_a_day),
		cmocka_unit_test(a_busy_session_is_renewed_after_a_day),
		cmocka_unit_test(a_change_of_the_network_is_probed_in_5_s),
		cmocka_unit_test(changes_of_the_network_in_a_row_make_no_dial_wait),
		cmocka_unit_test(C5_nothing_lost_twice_or_out_of_order_in_a_storm),
	};
	return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}
