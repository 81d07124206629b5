/* What the store keeps: across restarts, kills and absences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/desk.h"

static const char *history(struct desk *d, const char *who, const char *n)
{
	desk_ask(d, VERB_HISTORY, who, n, NULL, 200);
	assert_int_equal(d->counts[EVENT_DONE], 1);
	return d->said;
}

static const char *search(struct desk *d, const char *text)
{
	desk_ask(d, VERB_SEARCH, text, NULL, NULL, 200);
	assert_int_equal(d->counts[EVENT_DONE], 1);
	return d->said;
}

/* ---- the outbox ---- */

static void what_waits_survives_a_kill_of_the_sender(void **state)
{
	(void)state;
	struct sim *s = sim_meet(50, 2);
	sim_say(s, 0, 1, "before");
	sim_run(s, 100);
	sim_stop(s, 1, true);
	sim_run(s, 1000);
	sim_say(s, 0, 1, "one");
	sim_say(s, 0, 1, "two");
	sim_run(s, 100);
	sim_stop(s, 0, true);
	sim_run(s, 1000);
	sim_start(s, 0);
	sim_run(s, 1000);
	sim_start(s, 1);
	sim_run(s, 40000);
	assert_int_equal(sim_saw(s, 1, "before"), 1);
	assert_int_equal(sim_saw(s, 1, "one"), 1);
	assert_int_equal(sim_saw(s, 1, "two"), 1);
	struct desk d;
	desk_open_at(&d, s, 1);
	assert_string_equal(history(&d, "n0", NULL), "before|one|two|");
	desk_open(&d, s);
	assert_string_equal(history(&d, "n1", NULL), "before|one|two|");
	desk_ask(&d, VERB_OUTBOX, NULL, NULL, NULL, 100);
	assert_string_equal(d.text, "nothing waits");
	sim_free(s);
}

/* The receiver has kept it and is gone before it could say so. */
static void a_message_whose_acknowledgement_is_lost_is_kept_once(void **state)
{
	(void)state;
	struct sim *s = sim_meet(51, 2);
	sim_latency(s, 10);
	for (unsigned ms = 0; ms < 40; ms += 5) {
		char text[16];
		snprintf(text, sizeof text, "after %u", ms);
		sim_say(s, 0, 1, text);
		sim_run(s, ms);
		sim_stop(s, 1, true);
		sim_run(s, 100);
		sim_start(s, 1);
		sim_run(s, 40000);
	}
	struct desk d;
	desk_open_at(&d, s, 1);
	assert_string_equal(
		history(&d, "n0", NULL),
		"after 0|after 5|after 10|after 15|after 20|after 25|after 30|"
		"after 35|");
	sim_free(s);
}

/* Far more than stands in memory; in order, each once. */
static void ten_thousand_wait_for_somebody_who_is_away(void **state)
{
	(void)state;
	enum { MANY = 10000 };
	struct sim *s = sim_meet(52, 2);
	options_set(sim_node(s, 0)->options, OPT_queue_messages, "20000", OPTION_SET,
		    NULL);
	sim_say(s, 0, 1, "hello");
	sim_run(s, 100);
	sim_stop(s, 1, false);
	for (unsigned i = 0; i < MANY; i++) {
		char text[16];
		snprintf(text, sizeof text, "m%u", i);
		sim_say(s, 0, 1, text);
		if (i % 100 == 0)
			sim_run(s, 1);
	}
	sim_run(s, 100);
	sim_stop(s, 0, true);
	sim_start(s, 0);
	sim_start(s, 1);
	sim_run(s, 60000);
	struct sim_node *n = sim_node(s, 1);
	assert_int_equal(n->n_texts, MANY + 1);
	for (unsigned i = 0; i < MANY; i++) {
		char text[32];
		snprintf(text, sizeof text, "m%u", i);
		if (strcmp(n->texts[i + 1], text) != 0)
			fail_msg("%s instead of %s", n->texts[i + 1], text);
	}
	sim_free(s);
}

/* ---- a node that keeps nothing ---- */

static struct sim *meet_unkept(uint64_t seed)
{
	struct sim *s = sim_new(seed, 2);
	for (unsigned i = 0; i < 2; i++)
		options_set(sim_node(s, i)->options, OPT_store, "none", OPTION_SET, NULL);
	sim_start_all(s);
	sim_run(s, 2000);
	return s;
}

static void a_node_that_keeps_nothing_sends_what_waits_while_it_runs(void **state)
{
	(void)state;
	struct sim *s = meet_unkept(60);
	sim_say(s, 0, 1, "hello");
	sim_run(s, 100);
	sim_node(s, 1)->is_cut = true;
	sim_run(s, 60000);
	sim_say(s, 0, 1, "one");
	sim_say(s, 0, 1, "two");
	sim_run(s, 1000);
	assert_int_equal(sim_node(s, 1)->n_texts, 1);
	sim_node(s, 1)->is_cut = false;
	sim_announce(s, 1);
	sim_run(s, 90000);
	assert_int_equal(sim_node(s, 1)->n_texts, 3);
	assert_string_equal(sim_node(s, 1)->texts[2], "two");
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_HISTORY, NULL, NULL, NULL, 100);
	assert_int_equal(d.status, 5);
	assert_non_null(strstr(d.text, "store = none"));
	sim_free(s);
}

static void a_node_that_keeps_nothing_starts_anew(void **state)
{
	(void)state;
	struct sim *s = meet_unkept(61);
	sim_say(s, 0, 1, "hello");
	sim_run(s, 100);
	sim_stop(s, 1, false);
	sim_say(s, 0, 1, "lost");
	sim_run(s, 1000);
	sim_stop(s, 0, false);
	sim_start(s, 0);
	sim_start(s, 1);
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 1, "lost"), 0);
	sim_free(s);
}

/* ---- history ---- */

static void history_shows_the_newest_oldest_first(void **state)
{
	(void)state;
	struct sim *s = sim_meet(53, 3);
	struct desk d;
	sim_say(s, 0, 1, "a");
	sim_run(s, 2000);
	sim_say(s, 1, 0, "b");
	sim_run(s, 2000);
	sim_say(s, 2, 0, "c");
	sim_run(s, 2000);
	sim_say_lan(s, 0, "d");
	sim_run(s, 2000);
	desk_open(&d, s);
	assert_string_equal(history(&d, NULL, NULL), "a|b|c|d|");
	assert_string_equal(history(&d, NULL, "2"), "c|d|");
	assert_string_equal(history(&d, "n1", NULL), "a|b|");
	assert_string_equal(history(&d, "n1", "1"), "b|");
	assert_string_equal(history(&d, "#lan", NULL), "d|");
	assert_string_equal(history(&d, NULL, "0"), "");
	desk_ask(&d, VERB_HISTORY, NULL, NULL, "4s", 100);
	assert_string_equal(d.said, "d|");
	desk_ask(&d, VERB_HISTORY, NULL, NULL, "yesterday", 100);
	assert_int_equal(d.status, 1);
	assert_non_null(strstr(d.text, "--since takes"));
	sim_free(s);
}

/* More than one page, both ways. */
static void history_of_many_pages(void **state)
{
	(void)state;
	enum { MANY = 1000 };
	struct sim *s = sim_meet(54, 2);
	struct desk d;
	for (unsigned i = 0; i < MANY; i++) {
		sim_say(s, 0, 1, "x");
		if (i % 100 == 0)
			sim_run(s, 10);
	}
	sim_run(s, 1000);
	desk_open(&d, s);
	static const unsigned counts[] = {1,   255, 256, 257, 511,
					  512, 513, 768, 999, 1000};
	for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
		char n[16], end[32];
		snprintf(n, sizeof n, "%u", counts[i]);
		snprintf(end, sizeof end, "%u message", counts[i]);
		history(&d, "n1", n);
		assert_int_equal(d.counts[EVENT_MESSAGE], counts[i]);
		assert_int_equal(strncmp(d.text, end, strlen(end)), 0);
	}
	history(&d, NULL, "5000");
	assert_int_equal(d.counts[EVENT_MESSAGE], MANY);
	sim_free(s);
}

static void search_minds_neither_case_nor_accents(void **state)
{
	(void)state;
	struct sim *s = sim_meet(55, 2);
	struct desk d;
	sim_say(s, 0, 1, "Ein Caf\xc3\xa9 in K\xc3\xb6ln");
	sim_say(s, 0, 1, "a cafe");
	sim_say(s, 1, 0, "STRASSE");
	sim_say(s, 1, 0,
		"stra\xc3\x9f"
		"e");
	sim_run(s, 1000);
	desk_open(&d, s);
	assert_string_equal(search(&d, "CAFE"), "a cafe|Ein Caf\xc3\xa9 in K\xc3\xb6ln|");
	assert_string_equal(search(&d, "k\xc3\x96ln"), "Ein Caf\xc3\xa9 in K\xc3\xb6ln|");
	search(&d, "strasse");
	assert_int_equal(d.counts[EVENT_MESSAGE], 2);
	assert_string_equal(search(&d, "nowhere"), "");
	sim_free(s);
}

static void search_shows_what_stands_around(void **state)
{
	(void)state;
	static const char *const said[] = {"a", "b", "the word", "c",
					   "d", "e", "word",	 "f"};
	struct sim *s = sim_meet(62, 3);
	struct desk d;
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		sim_say(s, 0, 1, said[i]);
		sim_say(s, 0, 2, "elsewhere");
		sim_run(s, 100);
	}
	desk_open(&d, s);
	desk_ask(&d, VERB_SEARCH, "word", NULL, "2", 200);
	assert_string_equal(d.said, "(d)|(e)|word|(f)|(a)|(b)|the word|(c)|(d)|");
	assert_string_equal(d.text, "2 messages");
	desk_ask(&d, VERB_SEARCH, "word", "1", "2", 200);
	assert_string_equal(d.said, "(d)|(e)|word|(f)|");
	desk_ask(&d, VERB_SEARCH, "word", "1", "51", 200);
	assert_int_equal(d.status, 1);
	sim_free(s);
}

/* ---- people ---- */

static void people_are_known_after_a_restart(void **state)
{
	(void)state;
	struct sim *s = sim_meet(56, 2);
	struct desk d;
	sim_say(s, 0, 1, "hello");
	sim_run(s, 100);
	desk_open(&d, s);
	desk_ask(&d, VERB_ALIAS, "n1", "Robert", NULL, 10);
	desk_ask(&d, VERB_TAG, "n1", "lab friends", NULL, 10);
	sim_stop(s, 1, false);
	sim_stop(s, 0, true);
	sim_start(s, 0);
	desk_open(&d, s);
	desk_ask(&d, VERB_TAG, "robert", "-lab", NULL, 10);
	assert_string_equal(d.text, "friends");
	desk_ask(&d, VERB_WHOIS, "robert", NULL, NULL, 10);
	assert_non_null(strstr(d.row, "Robert="));
	/* nobody announces anybody: what worked before is tried */
	sim_start(s, 1);
	sim_run(s, 35000);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void who_is_blocked_stays_out(void **state)
{
	(void)state;
	struct sim *s = sim_meet(57, 2);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_BLOCK, "n1", NULL, NULL, 100);
	assert_int_equal(d.counts[EVENT_DONE], 1);
	assert_int_equal(sim_links(s, 0), 0);
	sim_stop(s, 0, false);
	sim_start(s, 0);
	sim_announce(s, 0);
	sim_say(s, 1, 0, "let me in");
	sim_run(s, 100000);
	assert_int_equal(sim_links(s, 0), 0);
	assert_int_equal(sim_saw(s, 0, "let me in"), 0);
	desk_open(&d, s);
	desk_ask(&d, VERB_UNBLOCK, "n1", NULL, NULL, 100);
	sim_announce(s, 0);
	sim_run(s, 70000);
	assert_int_equal(sim_saw(s, 0, "let me in"), 1);
	sim_free(s);
}

static void who_is_forgotten_leaves_nothing(void **state)
{
	(void)state;
	struct sim *s = sim_meet(58, 2);
	struct desk d;
	sim_say(s, 0, 1, "secret");
	sim_run(s, 100);
	sim_stop(s, 1, false);
	sim_say(s, 0, 1, "waits");
	sim_run(s, 100);
	desk_open(&d, s);
	desk_ask(&d, VERB_FORGET, "n1", NULL, NULL, 100);
	assert_int_equal(d.counts[EVENT_DONE], 1);
	assert_string_equal(history(&d, NULL, NULL), "");
	sim_stop(s, 0, false);
	sim_start(s, 0);
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 40000);
	assert_int_equal(sim_saw(s, 1, "waits"), 0);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_survives_a_kill_of_the_sender),
		cmocka_unit_test(a_message_whose_acknowledgement_is_lost_is_kept_once),
		cmocka_unit_test(ten_thousand_wait_for_somebody_who_is_away),
		cmocka_unit_test(
			a_node_that_keeps_nothing_sends_what_waits_while_it_runs),
		cmocka_unit_test(a_node_that_keeps_nothing_starts_anew),
		cmocka_unit_test(history_shows_the_newest_oldest_first),
		cmocka_unit_test(history_of_many_pages),
		cmocka_unit_test(search_minds_neither_case_nor_accents),
		cmocka_unit_test(search_shows_what_stands_around),
		cmocka_unit_test(people_are_known_after_a_restart),
		cmocka_unit_test(who_is_blocked_stays_out),
		cmocka_unit_test(who_is_forgotten_leaves_nothing),
	};
	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
