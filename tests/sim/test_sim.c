/* Scenarios of many nodes in one process: sessions, repeats, losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/sim.h"

static void two_nodes_meet_and_chat(void **state)
{
	(void)state;
	struct sim *s = sim_meet(1, 2);
	assert_int_equal(sim_links(s, 0), 1);
	assert_int_equal(sim_links(s, 1), 1);
	sim_say(s, 0, 1, "hello");
	sim_say(s, 1, 0, "hello yourself");
	sim_run(s, 100);
	assert_int_equal(sim_saw(s, 1, "hello"), 1);
	assert_int_equal(sim_saw(s, 0, "hello yourself"), 1);
	assert_int_equal(sim_node(s, 0)->n_delivered, 1);
	assert_int_equal(sim_node(s, 1)->n_delivered, 1);
	sim_free(s);
}

static void simultaneous_dial_leaves_one_session(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++) {
		struct sim *s = sim_new(seed, 2);
		sim_latency(s, 400); /* longer than the wait of the larger id */
		sim_start(s, 0);
		sim_start(s, 1);
		sim_announce(s, 0);
		sim_run(s, 8000);
		assert_int_equal(sim_links(s, 0), 1);
		assert_int_equal(sim_links(s, 1), 1);
		sim_say(s, 0, 1, "one");
		sim_say(s, 1, 0, "two");
		sim_run(s, 3000);
		assert_int_equal(sim_saw(s, 1, "one"), 1);
		assert_int_equal(sim_saw(s, 0, "two"), 1);
		assert_int_equal(sim_node(s, 0)->n_online, 1);
		sim_free(s);
	}
}

static void link_lost_without_fin_and_back_within_a_second(void **state)
{
	(void)state;
	struct sim *s = sim_meet(3, 2);
	sim_say(s, 0, 1, "before");
	sim_run(s, 7000);
	sim_break(s, 0, 1);
	sim_say(s, 0, 1, "into the void");
	sim_run(s, 500);
	sim_stop(s, 1, true); /* the peer comes back as another boot */
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 5000);
	assert_int_equal(sim_links(s, 1), 1);
	assert_int_equal(sim_saw(s, 1, "into the void"), 1);
	sim_free(s);
}

static void silent_link_is_found_dead_and_replaced(void **state)
{
	(void)state;
	struct sim *s = sim_meet(4, 2);
	sim_run(s, 10000);
	sim_break(s, 0, 1);
	sim_say(s, 0, 1, "late");
	sim_run(s, 70000);
	assert_int_equal(sim_saw(s, 1, "late"), 1);
	assert_int_equal(sim_links(s, 0), 1);
	assert_int_equal(sim_links(s, 1), 1);
	sim_free(s);
}

static void messages_for_somebody_away_arrive_in_order_once(void **state)
{
	(void)state;
	struct sim *s = sim_meet(5, 2);
	char text[32];
	sim_stop(s, 1, true);
	sim_run(s, 1000);
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof text, "m%d", i);
		sim_say(s, 0, 1, text);
	}
	sim_run(s, 1000);
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 3000);
	struct sim_node *n = sim_node(s, 1);
	assert_int_equal(n->n_texts, 500);
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof text, "m%d", i);
		assert_string_equal(n->texts[i], text);
	}
	assert_int_equal(sim_node(s, 0)->n_delivered, 500);
	sim_free(s);
}

static void order_holds_across_many_reconnects(void **state)
{
	(void)state;
	struct sim *s = sim_meet(6, 2);
	sim_latency(s, 20);
	char text[32];
	int sent = 0;
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 40; i++) {
			snprintf(text, sizeof text, "m%d", sent++);
			sim_say(s, 0, 1, text);
		}
		sim_run(s, (uint64_t)(round * 7 % 60));
		/* both sides notice: the connection is reset */
		sim_break(s, 0, 1);
		sim_announce(s, 1);
		sim_run(s, round % 3 == 0 ? 50000 : 200);
	}
	sim_run(s, 120000);
	struct sim_node *n = sim_node(s, 1);
	assert_int_equal(n->n_texts, sent);
	for (int i = 0; i < sent; i++) {
		snprintf(text, sizeof text, "m%d", i);
		assert_string_equal(n->texts[i], text);
	}
	sim_free(s);
}

static void queue_full_is_said_and_nothing_taken(void **state)
{
	(void)state;
	struct sim *s = sim_meet(7, 2);
	sim_say(s, 0, 1, "know you");
	sim_run(s, 100);
	sim_stop(s, 1, false);
	options_set(sim_node(s, 0)->options, OPT_queue_messages, "1000", OPTION_SET,
		    NULL);
	sim_run(s, 100);
	for (int i = 0; i < 1001; i++)
		sim_say(s, 0, 1, "x");
	sim_run(s, 100);
	assert_int_equal(sim_node(s, 0)->n_errors, 1);
	assert_int_equal(sim_node(s, 0)->last_status, 5);
	assert_non_null(strstr(sim_node(s, 0)->last_error, "queue full"));
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 3000);
	assert_int_equal(sim_saw(s, 1, "x"), 1000);
	sim_free(s);
}

static void lan_reaches_everybody_once(void **state)
{
	(void)state;
	struct sim *s = sim_meet(8, 5);
	sim_say_lan(s, 2, "all of you");
	sim_run(s, 500);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(sim_saw(s, i, "all of you"), i != 2);
	sim_free(s);
}

static void lan_goes_again_when_the_session_is_replaced_in_time(void **state)
{
	(void)state;
	struct sim *s = sim_meet(9, 2);
	sim_break(s, 0, 1);
	sim_say_lan(s, 0, "lost at first");
	sim_run(s, 50000); /* found dead after 45 s, and dialled again */
	assert_int_equal(sim_saw(s, 1, "lost at first"), 1);
	sim_free(s);
}

static void lan_is_limited_but_nothing_is_lost(void **state)
{
	(void)state;
	struct sim *s = sim_meet(10, 2);
	for (int i = 0; i < 60; i++)
		sim_say_lan(s, 0, "spam");
	sim_run(s, 100);
	assert_in_range(sim_saw(s, 1, "spam"), 15, 25);
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 1, "spam"), 60);
	sim_free(s);
}

static void D5_cloned_profile_is_said_and_does_not_flap(void **state)
{
	(void)state;
	struct sim *s = sim_meet(11, 2);
	unsigned clone = sim_clone(s, 1);
	sim_start(s, clone);
	for (int i = 0; i < 10; i++) {
		sim_tell(s, clone, 0);
		sim_tell(s, 0, clone);
		sim_tell(s, 1, 0);
		sim_run(s, 2000);
	}
	assert_in_range(sim_node(s, 0)->n_alarms, 1, 2);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void a_restart_is_no_clone(void **state)
{
	(void)state;
	struct sim *s = sim_meet(12, 2);
	for (int i = 0; i < 6; i++) {
		sim_stop(s, 1, true);
		sim_start(s, 1);
		sim_announce(s, 1);
		sim_run(s, 30000);
	}
	assert_int_equal(sim_node(s, 0)->n_alarms, 0);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void goodbye_is_seen_at_once(void **state)
{
	(void)state;
	struct sim *s = sim_meet(13, 3);
	assert_int_equal(sim_links(s, 0), 2);
	sim_stop(s, 2, false);
	sim_run(s, 10);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void forty_nodes_all_see_all(void **state)
{
	(void)state;
	struct sim *s = sim_new(14, 40);
	sim_keep_texts(s, false);
	sim_start_all(s);
	sim_run(s, 5000);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(sim_links(s, i), 39);
	sim_free(s);
}

/* A day of everything, in which each number is drawn from the seed. */
static void mixed_run(uint64_t seed, char out[33])
{
	struct sim *s = sim_meet(seed, 4);
	struct rng_seeded dice;
	char text[32];
	rng_seeded_init(&dice, seed + 1000);
	for (int i = 0; i < 200; i++) {
		unsigned a = rng_uniform(&dice.rng, 4),
			 b = (a + 1 + rng_uniform(&dice.rng, 3)) % 4;
		snprintf(text, sizeof text, "t%d", i);
		switch (rng_uniform(&dice.rng, 8)) {
		case 0:
			sim_break(s, a, b);
			break;
		case 1:
			sim_stop(s, a, rng_uniform(&dice.rng, 2));
			sim_start(s, a);
			sim_announce(s, a);
			break;
		case 2:
			sim_say_lan(s, a, text);
			break;
		default:
			sim_say(s, a, b, text);
		}
		sim_run(s, rng_uniform(&dice.rng, 3000));
	}
	sim_run(s, 200000);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(sim_links(s, i), 3);
	memcpy(out, sim_transcript(s), 33);
	sim_free(s);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	(void)state;
	char a[33], b[33], c[33];
	mixed_run(42, a);
	mixed_run(42, b);
	mixed_run(43, c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_meet_and_chat),
		cmocka_unit_test(simultaneous_dial_leaves_one_session),
		cmocka_unit_test(link_lost_without_fin_and_back_within_a_second),
		cmocka_unit_test(silent_link_is_found_dead_and_replaced),
		cmocka_unit_test(messages_for_somebody_away_arrive_in_order_once),
		cmocka_unit_test(order_holds_across_many_reconnects),
		cmocka_unit_test(queue_full_is_said_and_nothing_taken),
		cmocka_unit_test(lan_reaches_everybody_once),
		cmocka_unit_test(lan_goes_again_when_the_session_is_replaced_in_time),
		cmocka_unit_test(lan_is_limited_but_nothing_is_lost),
		cmocka_unit_test(D5_cloned_profile_is_said_and_does_not_flap),
		cmocka_unit_test(a_restart_is_no_clone),
		cmocka_unit_test(goodbye_is_seen_at_once),
		cmocka_unit_test(forty_nodes_all_see_all),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
	};
	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
