/* Every verb that core does, asked as a front end asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/desk.h"

static void ask(struct desk *d, enum verb verb, const char *a, const char *b)
{
	desk_ask(d, verb, a, b, NULL, 50);
}

static void expect_error(const struct desk *d, unsigned status, const char *part)
{
	assert_int_equal(d->counts[EVENT_ERROR], 1);
	assert_int_equal(d->counts[EVENT_DONE], 0);
	assert_int_equal(d->status, status);
	assert_int_equal(d->last_tag, d->tag);
	if (strstr(d->text, part) == NULL)
		fail_msg("'%s' is not in '%s'", part, d->text);
}

static void expect_done(const struct desk *d)
{
	assert_int_equal(d->counts[EVENT_ERROR], 0);
	assert_int_equal(d->counts[EVENT_DONE], 1);
	assert_int_equal(d->last_tag, d->tag);
}

/* Three nodes that know each other for 10 s; a desk on the first. */
static void open_three(struct desk *d)
{
	struct sim *s = sim_new(1, 3);
	sim_start_all(s);
	sim_run(s, 10000);
	desk_open(d, s);
}

static void names_of_people(void **state)
{
	(void)state;
	struct desk d;
	char text[128];
	open_three(&d);
	const char *id = sim_node(d.s, 1)->id;
	snprintf(text, sizeof text, "n1~%.4s", id);
	const char *const good[] = {"n1", "N1", id, text};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ask(&d, VERB_WHOIS, good[i], NULL);
		expect_done(&d);
		assert_non_null(strstr(d.row, "n1~"));
	}
	snprintf(text, sizeof text, "%.8s", id);
	ask(&d, VERB_WHOIS, text, NULL);
	expect_done(&d);
	snprintf(text, sizeof text, "%.4s-%.4s", id, id + 4);
	ask(&d, VERB_WHOIS, text, NULL);
	expect_done(&d);
	snprintf(text, sizeof text, "p2pmsg:%s@10.0.0.1:7117", id);
	ask(&d, VERB_WHOIS, text, NULL);
	expect_done(&d);
	ask(&d, VERB_WHOIS, "nobody", NULL);
	expect_error(&d, 2, "nobody here is called 'nobody'");
	ask(&d, VERB_WHOIS, "n", NULL); /* a nick is not found by its beginning */
	expect_error(&d, 2, "nobody here");
	snprintf(text, sizeof text, "%s", id);
	text[3] = text[3] == 'a' ? 'b' : 'a';
	ask(&d, VERB_WHOIS, text, NULL);
	expect_error(&d, 2, "mistyped");
	ask(&d, VERB_WHOIS, sim_node(d.s, 0)->id, NULL);
	expect_error(&d, 2, "your own");
	ask(&d, VERB_WHOIS, "#lan", NULL);
	expect_error(&d, 1, "everybody");
	sim_free(d.s);
}

static void an_ambiguous_name_lists_the_candidates(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	struct command nick = {.verb = VERB_NICK};
	nick.u.nick.nick = "n1";
	sim_submit(d.s, 2, &nick);
	sim_run(d.s, 15000);
	ask(&d, VERB_MSG, "n1", "which one?");
	expect_error(&d, 2, "fits 2");
	for (unsigned i = 1; i < 3; i++) {
		char part[16];
		snprintf(part, sizeof part, "%.8s", sim_node(d.s, i)->id);
		assert_non_null(strstr(d.text, part));
	}
	sim_free(d.s);
}

static void msg_waits_for_the_outcome(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	desk_ask(&d, VERB_MSG, "n1", "hi", "10", 100);
	expect_done(&d);
	assert_string_equal(d.text, "delivered");
	assert_int_equal(d.counts[EVENT_SENT], 1);
	ask(&d, VERB_MSG, "n1", ""); /* empty */
	expect_error(&d, 1, "1 to 16000 bytes");
	desk_ask(&d, VERB_MSG, "n1", "hi", "soon", 100);
	expect_error(&d, 1, "--wait takes a number");
	sim_stop(d.s, 1, false);
	sim_run(d.s, 100);
	desk_ask(&d, VERB_MSG, "n1", "hi", "3", 2900);
	assert_int_equal(d.counts[EVENT_ERROR] + d.counts[EVENT_DONE], 0);
	sim_run(d.s, 200);
	expect_error(&d, 4, "away");
	desk_ask(&d, VERB_MSG, "n1", "hi", "0", 1);
	expect_error(&d, 4, "away");
	ask(&d, VERB_MSG, "n1", "hi");
	expect_done(&d); /* nobody asked how it goes on */
	desk_ask(&d, VERB_MSG, "n2", "hi", "0", 1);
	expect_done(&d);
	assert_string_equal(d.text, "");
	char *long_text = mem_new(PROTO_TEXT_BYTES + 2);
	memset(long_text, 'x', PROTO_TEXT_BYTES + 1);
	ask(&d, VERB_MSG, "n2", long_text);
	expect_error(&d, 1, "16000");
	long_text[PROTO_TEXT_BYTES] = '\0';
	desk_ask(&d, VERB_MSG, "n2", long_text, "5", 100);
	expect_done(&d);
	mem_free(long_text);
	ask(&d, VERB_MSG, "n2", "\xff\xfe");
	expect_error(&d, 1, "UTF-8");
	sim_free(d.s);
}

static void msg_says_when_it_was_refused(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	options_set(sim_node(d.s, 1)->options, OPT_accept_from, "contacts", OPTION_SET,
		    NULL);
	desk_ask(&d, VERB_MSG, "n1", "knock", "5", 100);
	expect_done(&d);
	desk_ask(&d, VERB_MSG, "n1", "knock again", "5", 100);
	expect_error(&d, 3, "refused");
	sim_free(d.s);
}

static void a_young_node_waits_for_a_name(void **state)
{
	(void)state;
	struct sim *s = sim_new(2, 2);
	struct desk d;
	sim_start(s, 0);
	sim_start(s, 1);
	desk_open(&d, s);
	desk_ask(&d, VERB_MSG, "n1", "are you there?", "10", 1000);
	assert_int_equal(d.counts[EVENT_ERROR], 0);
	sim_announce(s, 1);
	sim_run(s, 1000);
	expect_done(&d);
	assert_int_equal(sim_saw(s, 1, "are you there?"), 1);
	desk_ask(&d, VERB_MSG, "n9", "and you?", "10", 1000);
	assert_int_equal(d.counts[EVENT_ERROR], 0);
	sim_run(s, 5000);
	expect_error(&d, 2, "n9");
	desk_ask(&d, VERB_MSG, "n9", "and you?", "10", 10); /* old enough now */
	expect_error(&d, 2, "n9");
	sim_free(s);
}

static void peers_lists_and_listens(void **state)
{
	(void)state;
	struct sim *s = sim_new(3, 2);
	struct desk d;
	sim_start(s, 0);
	sim_start(s, 1);
	desk_open(&d, s);
	ask(&d, VERB_PEERS, NULL, NULL);
	expect_done(&d);
	assert_string_equal(d.text, "nobody yet");
	desk_ask(&d, VERB_PEERS, "3", NULL, NULL, 100);
	sim_announce(s, 1);
	sim_run(s, 2800);
	assert_int_equal(d.counts[EVENT_DONE], 0);
	sim_run(s, 200);
	expect_done(&d);
	assert_int_equal(d.counts[EVENT_PERSON], 1);
	assert_non_null(strstr(d.row, "online"));
	sim_free(s);
}

static void ping_measures(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_PING, "n1", NULL);
	expect_done(&d);
	assert_int_equal(d.counts[EVENT_PONG], 1);
	sim_break(d.s, 0, 1);
	desk_ask(&d, VERB_PING, "n1", "2", NULL, 2500);
	expect_error(&d, 4, "no answer");
	sim_stop(d.s, 2, false);
	sim_run(d.s, 100);
	ask(&d, VERB_PING, "n2", NULL);
	expect_error(&d, 2, "not online");
	sim_free(d.s);
}

static void nick_status_and_away_are_seen_by_others(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_NICK, "#chan", NULL);
	expect_error(&d, 1, "a nick is");
	ask(&d, VERB_NICK, "ada", NULL);
	expect_done(&d);
	ask(&d, VERB_NICK, NULL, NULL);
	assert_string_equal(d.text, "ada");
	ask(&d, VERB_AWAY, "lunch", NULL);
	expect_done(&d);
	sim_run(d.s, 15000);
	struct desk other;
	desk_open_at(&other, d.s, 1);
	ask(&other, VERB_WHOIS, "ada", NULL);
	expect_done(&other);
	ask(&d, VERB_STATUS, NULL, NULL);
	assert_int_equal(d.counts[EVENT_NODE], 1);
	ask(&d, VERB_AWAY, NULL, NULL);
	assert_string_equal(d.text, "you are back");
	sim_free(d.s);
}

static void set_shows_and_changes(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_SET, NULL, NULL);
	expect_done(&d);
	assert_true(d.counts[EVENT_OPTION] > 10);
	ask(&d, VERB_SET, "queue-messages", NULL);
	assert_string_equal(d.row, "queue_messages=10000 from default");
	ask(&d, VERB_SET, "queue_messages", "5");
	expect_done(&d);
	ask(&d, VERB_SET, "queue_messages", NULL);
	assert_string_equal(d.row, "queue_messages=5 from set");
	ask(&d, VERB_SET, "queue_messages", "many");
	expect_error(&d, 1, "many");
	ask(&d, VERB_SET, "colour", "red");
	expect_error(&d, 1, "no setting is called 'colour'");
	ask(&d, VERB_SET, "profile", "other");
	expect_error(&d, 1, "command line");
	ask(&d, VERB_SAVE, NULL, NULL);
	expect_error(&d, 5, "cannot write");
	sim_free(d.s);
}

static void add_and_forget(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_ADD, "10.0.0.9", NULL); /* no port for it in the simulation */
	expect_error(&d, 5, "10.0.0.9");
	ask(&d, VERB_ADD, "p2pmsg:nonsense", NULL);
	expect_error(&d, 1, "no p2pmsg: URI");
	ask(&d, VERB_ADD, "10.0.0.9", "abcd");
	expect_error(&d, 1, "no whole id");
	ask(&d, VERB_FORGET, "n1", NULL);
	expect_error(&d, 1, "online");
	sim_stop(d.s, 1, false);
	sim_run(d.s, 100);
	ask(&d, VERB_FORGET, "n1", NULL);
	expect_done(&d);
	ask(&d, VERB_WHOIS, "n1", NULL);
	expect_error(&d, 2, "nobody");
	sim_free(d.s);
}

static void events_replay_and_say_what_is_lost(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_EVENTS, "0", NULL);
	assert_true(d.counts[EVENT_PEER] >= 2);
	assert_int_equal(d.first_cursor, 1);
	sim_say(d.s, 1, 0, "live");
	sim_run(d.s, 50);
	assert_int_equal(d.counts[EVENT_MESSAGE], 1);
	for (int i = 0; i < 1500; i++) {
		sim_say(d.s, 0, 1, "fill");
		if (i % 500 == 499)
			sim_run(d.s, 100);
	}
	struct desk late;
	desk_open(&late, d.s);
	ask(&late, VERB_EVENTS, "1", NULL);
	assert_int_equal(late.counts[EVENT_LAGGED], 1);
	assert_int_equal(late.first_cursor, late.lagged_to + 1);
	ask(&late, VERB_EVENTS, "x", NULL);
	expect_error(&late, 1, "--since takes a number");
	sim_free(d.s);
}

static void a_cursor_of_an_earlier_start_is_an_error(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_EVENTS, "1000", NULL);
	expect_error(&d, 1, "begin again with --since 0");
	ask(&d, VERB_EVENTS, "18446744073709551614", NULL);
	expect_error(&d, 1, "begin again with --since 0");
	sim_say(d.s, 1, 0, "not followed");
	sim_run(d.s, 50);
	assert_int_equal(d.counts[EVENT_MESSAGE], 0);
	sim_free(d.s);
}

static void trace_says_how_it_ends(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_TRACE, "n1", NULL);
	assert_int_equal(d.counts[EVENT_NOTICE], 1);
	assert_int_equal(d.counts[EVENT_DONE], 0);
	assert_int_equal(d.last_tag, d.tag);
	assert_non_null(strstr(d.row, "is on; /trace n1~"));
	assert_non_null(strstr(d.row, " off ends it"));
	uint64_t traced = d.tag;
	ask(&d, VERB_TRACE, "n1", "on");
	expect_done(&d);
	assert_string_equal(d.text, "the trace is on already");
	ask(&d, VERB_TRACE, "n1", "off");
	assert_int_equal(d.counts[EVENT_DONE], 2);
	assert_int_equal(d.first_done, traced);
	ask(&d, VERB_TRACE, "all", NULL);
	assert_non_null(strstr(d.row, "/trace all off"));
	sim_free(d.s);
}

static void status_says_whether_the_node_runs(void **state)
{
	(void)state;
	struct sim *s = sim_new(6, 1);
	struct desk d;
	sim_start(s, 0);
	desk_open(&d, s);
	ask(&d, VERB_STATUS, NULL, NULL);
	expect_done(&d);
	assert_string_equal(d.row, "running boot off");
	core_listening(sim_node(s, 0)->core, 0);
	ask(&d, VERB_STATUS, NULL, NULL);
	assert_string_equal(d.row, "idle - ");
	sim_free(s);
}

static void missing_arguments_are_named(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	ask(&d, VERB_MSG, "n1", NULL);
	expect_error(&d, 1, "msg needs text");
	ask(&d, VERB_WHOIS, NULL, NULL);
	expect_error(&d, 1, "whois needs who");
	ask(&d, (enum verb)VERB_COUNT, NULL, NULL);
	expect_error(&d, 1, "no such command");
	ask(&d, VERB_HELP, NULL, NULL);
	expect_error(&d, 1, "done by the client");
	sim_free(d.s);
}

static void nobody_on_lan_is_said(void **state)
{
	(void)state;
	struct sim *s = sim_new(4, 1);
	struct desk d;
	sim_start(s, 0);
	sim_run(s, 6000);
	desk_open(&d, s);
	ask(&d, VERB_MSG, "#lan", "hello?");
	expect_error(&d, 2, "nobody is on #lan");
	sim_free(s);
}

static void a_closed_front_is_not_called_again(void **state)
{
	(void)state;
	struct desk d;
	open_three(&d);
	desk_ask(&d, VERB_PING, "n1", NULL, NULL, 0);
	d.port.ops->close(d.port.impl);
	memset(d.counts, 0, sizeof d.counts);
	sim_run(d.s, 10000);
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		assert_int_equal(d.counts[i], 0);
	sim_free(d.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_people),
		cmocka_unit_test(an_ambiguous_name_lists_the_candidates),
		cmocka_unit_test(msg_waits_for_the_outcome),
		cmocka_unit_test(msg_says_when_it_was_refused),
		cmocka_unit_test(a_young_node_waits_for_a_name),
		cmocka_unit_test(peers_lists_and_listens),
		cmocka_unit_test(ping_measures),
		cmocka_unit_test(nick_status_and_away_are_seen_by_others),
		cmocka_unit_test(set_shows_and_changes),
		cmocka_unit_test(add_and_forget),
		cmocka_unit_test(events_replay_and_say_what_is_lost),
		cmocka_unit_test(a_cursor_of_an_earlier_start_is_an_error),
		cmocka_unit_test(trace_says_how_it_ends),
		cmocka_unit_test(status_says_whether_the_node_runs),
		cmocka_unit_test(missing_arguments_are_named),
		cmocka_unit_test(nobody_on_lan_is_said),
		cmocka_unit_test(a_closed_front_is_not_called_again),
	};
	return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
