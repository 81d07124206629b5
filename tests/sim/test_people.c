/* Strangers who knock, groups, and who is forgotten or blocked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/desk.h"
#include "lib/rogue.h"

static void contacts_only(struct sim *s, unsigned node)
{
	options_set(sim_node(s, node)->options, OPT_accept_from, "contacts", OPTION_SET,
		    NULL);
}

static void follow(struct desk *d)
{
	desk_ask(d, VERB_EVENTS, "0", NULL, NULL, 10);
	d->told[0] = '\0';
}

static const char *history(struct desk *d, const char *who)
{
	desk_ask(d, VERB_HISTORY, who, NULL, NULL, 200);
	return d->said;
}

static void restart(struct desk *d)
{
	struct sim *s = d->s;
	sim_stop(s, 0, true);
	sim_start(s, 0);
	sim_run(s, 100);
	desk_open(d, s);
}

/* ---- knocks ---- */

/* Node 1 has knocked at node 0. */
static struct sim *knocked(struct desk *d, uint64_t seed)
{
	struct sim *s = sim_meet(seed, 2);
	contacts_only(s, 0);
	desk_open(d, s);
	follow(d);
	sim_say(s, 1, 0, "may I?");
	sim_run(s, 100);
	return s;
}

static void a_knock_is_held_apart_and_survives(void **state)
{
	(void)state;
	struct desk d;
	struct sim *s = knocked(&d, 400);
	assert_string_equal(d.told, "knock: may I?");
	assert_int_equal(d.counts[EVENT_KNOCK], 1);
	assert_int_equal(sim_node(s, 1)->n_delivered, 1); /* no more than that */
	assert_string_equal(history(&d, NULL), "");
	for (unsigned i = 0; i < 2; i++) {
		restart(&d);
		desk_ask(&d, VERB_EVENTS, "0", NULL, NULL, 10);
		assert_string_equal(d.told, "knock: may I?");
		assert_string_equal(history(&d, NULL), "");
		desk_ask(&d, VERB_WHOIS, "n1", NULL, NULL, 10);
		assert_non_null(strstr(d.row, " unverified"));
	}
	sim_free(s);
}

static void no_restart_makes_room_for_a_second_knock(void **state)
{
	(void)state;
	struct desk d;
	struct sim *s = knocked(&d, 401);
	for (unsigned i = 0; i < 2; i++) {
		sim_stop(s, i, true);
		sim_start(s, i);
		contacts_only(s, 0);
		sim_announce(s, i);
		sim_run(s, 70000);
		sim_say(s, 1, 0, "please?");
		sim_run(s, 1000);
	}
	assert_int_equal(sim_node(s, 1)->n_failed, 2);
	assert_int_equal(sim_saw(s, 0, "please?"), 0);
	desk_open(&d, s);
	desk_ask(&d, VERB_TRUST, "n1", NULL, NULL, 100);
	assert_string_equal(history(&d, NULL), "may I?|");
	sim_free(s);
}

static void who_is_let_in_has_said_it(void **state)
{
	(void)state;
	static const struct {
		enum verb verb;
		const char *arg;
		bool is_restarted;
		const char *said;
	} ways[] = {
		{VERB_TRUST, NULL, false, "may I?|"},
		{VERB_TRUST, NULL, true, "may I?|"},
		{VERB_MSG, "yes", false, "may I?|yes|"},
		{VERB_MSG, "yes", true, "may I?|yes|"},
		{VERB_ALIAS, "robert", false, "may I?|"},
		{VERB_TAG, "lab", false, "may I?|"},
	};
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct desk d;
		struct sim *s = knocked(&d, 410 + i);
		if (ways[i].is_restarted)
			restart(&d);
		follow(&d);
		desk_ask(&d, ways[i].verb, "n1", ways[i].arg, NULL, 100);
		assert_int_equal(d.counts[EVENT_DONE], 1);
		assert_int_equal(d.counts[EVENT_MESSAGE], 1 + (ways[i].verb == VERB_MSG));
		for (unsigned restarts = 0; restarts < 2; restarts++) {
			assert_string_equal(history(&d, NULL), ways[i].said);
			assert_string_equal(history(&d, sim_node(s, 1)->id),
					    ways[i].said);
			restart(&d);
			follow(&d);
			assert_string_equal(d.told, ""); /* it is no knock any more */
		}
		contacts_only(s, 0);
		sim_announce(s, 0);
		sim_run(s, 70000);
		sim_say(s, 1, 0, "thank you");
		sim_run(s, 100);
		assert_int_equal(sim_saw(s, 0, "thank you"), 1);
		sim_free(s);
	}
}

static void who_is_blocked_or_forgotten_has_said_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct desk d;
		struct sim *s = knocked(&d, 420 + i);
		if (i == 1) {
			sim_stop(s, 1, false);
			sim_run(s, 100);
		}
		desk_ask(&d, i == 0 ? VERB_BLOCK : VERB_FORGET, "n1", NULL, NULL, 100);
		assert_int_equal(d.counts[EVENT_DONE], 1);
		assert_string_equal(history(&d, NULL), "");
		restart(&d);
		follow(&d);
		assert_string_equal(d.told, "");
		desk_ask(&d, VERB_UNBLOCK, sim_node(s, 1)->id, NULL, NULL, 100);
		assert_string_equal(history(&d, NULL), "");
		sim_free(s);
	}
}

static void knocks_are_bounded(void **state)
{
	(void)state;
	enum { MANY = 260 };
	struct sim *s = sim_new(430, 1);
	unsigned n_acks = 0, n_later = 0;
	sim_start(s, 0);
	contacts_only(s, 0);
	for (unsigned i = 0; i < MANY; i++) {
		struct rogue r;
		rogue_init(&r, s, 1000 + i, NULL);
		r.addr.ip[2] = (uint8_t)(i >> 4); /* not too many of one address */
		r.addr.ip[3] = (uint8_t)(100 + i % 16);
		rogue_dial(&r, 0);
		rogue_hello(&r);
		struct msg m = rogue_text(&r, 0, "me!");
		rogue_send(&r, &m);
		n_acks += r.n_acks;
		n_later += r.n_nacks == 1 && r.nack_code == CODE_QUOTA;
		rogue_end(&r);
		sim_run(s, 1000);
	}
	assert_int_equal(n_acks, 256);
	assert_int_equal(n_later, MANY - 256);
	sim_free(s);
}

/* Everybody may write again: what was held comes first. */
static void a_knock_is_let_in_with_everybody(void **state)
{
	(void)state;
	struct desk d;
	struct sim *s = knocked(&d, 440);
	options_set(sim_node(s, 0)->options, OPT_accept_from, "all", OPTION_SET, NULL);
	sim_say(s, 1, 0, "second");
	sim_run(s, 100);
	assert_string_equal(history(&d, NULL), "may I?|second|");
	sim_free(s);
}

/* ---- groups ---- */

static void a_tag_is_everybody_who_has_it(void **state)
{
	(void)state;
	struct sim *s = sim_meet(450, 5);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_MSG, "@lab", "hello", NULL, 100);
	assert_int_equal(d.status, 2);
	assert_non_null(strstr(d.text, "/tag WHO lab"));
	desk_ask(&d, VERB_TAG, "n1", "lab", NULL, 10);
	desk_ask(&d, VERB_TAG, "n2", "lab friends", NULL, 10);
	desk_ask(&d, VERB_TAG, "n3", "friends labour", NULL, 10);
	desk_ask(&d, VERB_TAG, "n4", "lab", NULL, 10);
	desk_ask(&d, VERB_BLOCK, "n4", NULL, NULL, 10);
	desk_ask(&d, VERB_MSG, "@labs", "hello", NULL, 100);
	assert_int_equal(d.status, 2);
	assert_non_null(strstr(d.text, "@lab"));
	assert_non_null(strstr(d.text, "@friends"));
	assert_non_null(strstr(d.text, "@labour"));
	assert_null(strstr(d.text, "@lab @lab "));
	desk_ask(&d, VERB_MSG, "@lab", "hello lab", NULL, 100);
	assert_int_equal(d.counts[EVENT_SENT], 2);
	assert_string_equal(d.text, "to 2: 2 on the way, 0 wait here");
	desk_ask(&d, VERB_ME, "@friends", "waves", "5", 100);
	assert_string_equal(d.text, "delivered to all 2");
	for (unsigned i = 1; i < 5; i++) {
		assert_int_equal(sim_saw(s, i, "hello lab"), i == 1 || i == 2);
		assert_int_equal(sim_saw(s, i, "waves"), i == 2 || i == 3);
	}
	sim_stop(s, 2, false);
	sim_run(s, 100);
	desk_ask(&d, VERB_MSG, "@lab", "later", NULL, 100);
	assert_string_equal(d.text, "to 2: 1 on the way, 1 waits here");
	desk_ask(&d, VERB_MSG, "@lab", "later too", "0", 100);
	assert_int_equal(d.status, 4);
	desk_ask(&d, VERB_MSG, "@lab", "and this", "2", 3000);
	assert_int_equal(d.status, 4);
	assert_non_null(strstr(d.text, "1 of 2 have it"));
	restart(&d);
	sim_start(s, 2);
	sim_announce(s, 2);
	sim_run(s, 40000);
	assert_int_equal(sim_saw(s, 2, "later"), 1);
	assert_int_equal(sim_saw(s, 2, "and this"), 1);
	desk_ask(&d, VERB_MSG, "@lab", "", NULL, 100);
	assert_int_equal(d.status, 5);
	sim_free(s);
}

/* As of a shell's variable that was never set. */
static void an_empty_name_is_nobody(void **state)
{
	(void)state;
	static const char *const empty[] = {"", "\xc2\xad"};
	struct sim *s = sim_meet(452, 2);
	struct desk d;
	desk_open(&d, s);
	for (unsigned i = 0; i < 2; i++) {
		desk_ask(&d, VERB_MSG, empty[i], "secret", NULL, 6000);
		assert_int_equal(d.status, 2);
		desk_ask(&d, VERB_FORGET, empty[i], NULL, NULL, 6000);
		assert_int_equal(d.status, 2);
	}
	assert_int_equal(sim_saw(s, 1, "secret"), 0);
	sim_free(s);
}

/* The node stops, or the client goes, in the middle of it. */
static void a_text_to_many_that_is_cut_short(void **state)
{
	(void)state;
	struct sim *s = sim_meet(451, 3);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_TAG, "n1", "lab", NULL, 10);
	desk_ask(&d, VERB_TAG, "n2", "lab", NULL, 10);
	desk_ask(&d, VERB_MSG, "@lab", "one", "60", 1);
	d.port.ops->close(d.port.impl);
	sim_run(s, 100);
	assert_int_equal(sim_saw(s, 1, "one") + sim_saw(s, 2, "one"), 2);
	desk_open(&d, s);
	desk_ask(&d, VERB_MSG, "@lab", "two", "60", 0);
	sim_stop(s, 0, true);
	sim_free(s);
}

/* ---- who is blocked, who is forgotten ---- */

static void a_blocked_key_learns_nothing(void **state)
{
	(void)state;
	struct sim *s = sim_new(460, 2);
	struct rogue r;
	struct desk d;
	sim_start(s, 0);
	rogue_meet(&r, s, 7, NULL);
	desk_open(&d, s);
	desk_ask(&d, VERB_BLOCK, "rogue", NULL, NULL, 100);
	assert_true(r.is_closed);
	assert_int_equal(r.close_code, CODE_BLOCKED);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			restart(&d);
		follow(&d);
		rogue_hang_up(&r);
		r.n_hellos = r.n_others = r.n_acks = 0;
		r.is_closed = false;
		memset(d.counts, 0, sizeof d.counts);
		rogue_dial(&r, 0);
		if (!r.is_closed)
			rogue_hello(&r);
		assert_true(r.is_closed);
		assert_int_equal(r.close_code, CODE_BLOCKED);
		/* no HELLO: neither nick, status nor device list */
		assert_int_equal(r.n_hellos + r.n_others + r.n_acks, 0);
		assert_int_equal(d.counts[EVENT_PEER] + d.counts[EVENT_NOTICE] +
					 d.counts[EVENT_MESSAGE],
				 0);
		assert_int_equal(sim_links(s, 0), 0);
	}
	rogue_end(&r);
	sim_free(s);
}

/* Else a block taken back would let in whoever was never let in. */
static void a_block_taken_back_lets_no_stranger_in(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool is_restarted = i % 2 == 1, is_named = i >= 2;
		struct desk d;
		struct sim *s = knocked(&d, 470 + i);
		desk_ask(&d, VERB_BLOCK, "n1", NULL, NULL, 100);
		if (is_named)
			desk_ask(&d, VERB_ALIAS, "n1", "ned", NULL, 100);
		if (is_restarted)
			restart(&d);
		desk_ask(&d, VERB_WHOIS, is_named ? "ned" : "n1", NULL, NULL, 10);
		assert_non_null(strstr(d.row, " blocked"));
		desk_ask(&d, VERB_UNBLOCK, is_named ? "ned" : "n1", NULL, NULL, 100);
		assert_int_equal(d.status, 0);
		if (is_restarted)
			restart(&d);
		follow(&d);
		sim_announce(s, 1);
		sim_run(s, 60000);
		desk_ask(&d, VERB_WHOIS, is_named ? "ned" : "n1", NULL, NULL, 10);
		assert_non_null(strstr(d.row, is_named ? " contact" : " unverified"));
		sim_say(s, 1, 0, "now?");
		sim_run(s, 1000);
		assert_string_equal(d.told,
				    is_named ? "in contact: now?" : "knock: now?");
		sim_free(s);
	}
}

static void who_is_forgotten_is_a_stranger_again(void **state)
{
	(void)state;
	struct sim *s = sim_meet(461, 2);
	struct desk d;
	desk_open(&d, s);
	sim_say(s, 0, 1, "secret");
	sim_run(s, 100);
	desk_ask(&d, VERB_VERIFY, "n1", NULL, "yes", 50);
	desk_ask(&d, VERB_ALIAS, "n1", "robert", NULL, 50);
	desk_ask(&d, VERB_TAG, "n1", "lab", NULL, 50);
	sim_stop(s, 1, false);
	sim_run(s, 100);
	desk_ask(&d, VERB_FORGET, "robert", NULL, NULL, 100);
	assert_int_equal(d.counts[EVENT_DONE], 1);
	assert_non_null(strstr(d.text, "verified"));
	for (unsigned i = 0; i < 2; i++) {
		desk_ask(&d, VERB_HISTORY, NULL, NULL, NULL, 100);
		assert_string_equal(d.said, "");
		desk_ask(&d, VERB_MSG, "@lab", "hello", NULL, 100);
		assert_int_equal(d.status, 2);
		sim_run(s, 6000);
		desk_ask(&d, VERB_WHOIS, "robert", NULL, NULL, 10);
		assert_int_equal(d.status, 2);
		if (i == 0)
			restart(&d);
	}
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 40000);
	desk_ask(&d, VERB_WHOIS, "n1", NULL, NULL, 10);
	assert_non_null(strstr(d.row, " unverified"));
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_knock_is_held_apart_and_survives),
		cmocka_unit_test(no_restart_makes_room_for_a_second_knock),
		cmocka_unit_test(who_is_let_in_has_said_it),
		cmocka_unit_test(who_is_blocked_or_forgotten_has_said_nothing),
		cmocka_unit_test(knocks_are_bounded),
		cmocka_unit_test(a_knock_is_let_in_with_everybody),
		cmocka_unit_test(a_tag_is_everybody_who_has_it),
		cmocka_unit_test(a_text_to_many_that_is_cut_short),
		cmocka_unit_test(an_empty_name_is_nobody),
		cmocka_unit_test(a_blocked_key_learns_nothing),
		cmocka_unit_test(a_block_taken_back_lets_no_stranger_in),
		cmocka_unit_test(who_is_forgotten_is_a_stranger_again),
	};
	return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
