/* Two keys with one name: whom it means is for the user to say, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/desk.h"

/* Node 0 knows node 1; node 2 takes its name, or one like it. */
struct play {
	struct sim *s;
	struct desk d;
};

static void follow(struct desk *d)
{
	desk_ask(d, VERB_EVENTS, "0", NULL, NULL, 10);
	d->row[0] = d->told[0] = '\0';
	d->n_alarms = 0;
}

static void rename_to(struct play *p, unsigned node, const char *nick)
{
	struct command cmd = {.verb = VERB_NICK};
	cmd.u.nick.nick = nick;
	sim_submit(p->s, node, &cmd);
	sim_run(p->s, 15000);
}

static void play_open(struct play *p, uint64_t seed, const char *nick, bool is_verified)
{
	p->s = sim_meet(seed, 3);
	desk_open(&p->d, p->s);
	sim_say(p->s, 0, 1, "secret");
	sim_run(p->s, 100);
	sim_say(p->s, 1, 0, "and back");
	sim_run(p->s, 100);
	if (is_verified)
		desk_ask(&p->d, VERB_VERIFY, "n1", NULL, "yes", 50);
	follow(&p->d);
	rename_to(p, 2, nick);
}

static const char *id_of(struct play *p, unsigned node)
{
	return sim_node(p->s, node)->id;
}

/* The beginning of it, as a user types it; static, the last four are valid. */
static const char *short_of(struct play *p, unsigned node)
{
	static char text[4][13];
	static unsigned n;
	char *out = text[n++ % 4];
	snprintf(out, sizeof text[0], "%.12s", id_of(p, node));
	return out;
}

static const char *trust_of(struct play *p, unsigned node)
{
	desk_ask(&p->d, VERB_WHOIS, id_of(p, node), NULL, NULL, 10);
	return strrchr(p->d.row, ' ') + 1;
}

static unsigned say(struct play *p, const char *who, const char *text)
{
	desk_ask(&p->d, VERB_MSG, who, text, NULL, 100);
	return p->d.status;
}

static const char *history(struct play *p, const char *who)
{
	desk_ask(&p->d, VERB_HISTORY, who, NULL, NULL, 200);
	return p->d.said;
}

static void restart(struct play *p)
{
	sim_stop(p->s, 0, true);
	sim_start(p->s, 0);
	sim_run(p->s, 1000);
	desk_open(&p->d, p->s);
	follow(&p->d);
}

static void a_name_in_dispute_stops_what_is_sent(void **state)
{
	(void)state;
	struct play p;
	play_open(&p, 300, "n1", false);
	assert_int_equal(p.d.n_alarms, 0); /* a warning */
	assert_non_null(strstr(p.d.row, "is not the n1~"));
	assert_non_null(strstr(p.d.row, short_of(&p, 1)));
	assert_non_null(strstr(p.d.row, short_of(&p, 2)));
	for (unsigned restarts = 0; restarts < 2; restarts++) {
		assert_int_equal(say(&p, "n1", "to whom?"), 2);
		char want[64];
		for (unsigned i = 1; i < 3; i++) {
			snprintf(want, sizeof want, "/trust n1 %s", short_of(&p, i));
			assert_non_null(strstr(p.d.text, want));
		}
		desk_ask(&p.d, VERB_ME, "N1", "waves", NULL, 50);
		assert_int_equal(p.d.status, 2);
		desk_ask(&p.d, VERB_BLOCK, "n1", NULL, NULL, 50);
		assert_int_equal(p.d.status, 2);
		assert_string_equal(trust_of(&p, 1), "changed");
		assert_string_equal(trust_of(&p, 2), "unverified");
		assert_int_equal(say(&p, short_of(&p, 1), "by id"), 0);
		/* looking is another matter */
		desk_ask(&p.d, VERB_WHOIS, "n1", NULL, NULL, 10);
		assert_non_null(strstr(p.d.row, " changed"));
		assert_true(strlen(history(&p, "n1")) > 10);
		restart(&p);
	}
	assert_int_equal(sim_saw(p.s, 1, "to whom?") + sim_saw(p.s, 2, "to whom?"), 0);
	assert_int_equal(sim_saw(p.s, 1, "by id"), 2);
	desk_ask(&p.d, VERB_ALIAS, short_of(&p, 1), "robert", NULL, 50);
	assert_int_equal(say(&p, "robert", "by alias"), 0);
	sim_run(p.s, 100);
	assert_int_equal(sim_saw(p.s, 1, "by alias"), 1);
	sim_free(p.s);
}

static void a_verified_contacts_rival_is_an_alarm(void **state)
{
	(void)state;
	struct play p;
	play_open(&p, 301, "n1", true);
	assert_int_equal(p.d.n_alarms, 1);
	assert_string_equal(trust_of(&p, 1), "changed");
	desk_ask(&p.d, VERB_TRUST, "n1", short_of(&p, 1), NULL, 50);
	assert_string_equal(trust_of(&p, 1), "verified");
	sim_free(p.s);
}

static void somebody_else_is_asked_about_once(void **state)
{
	(void)state;
	struct play p;
	play_open(&p, 302, "n1", false);
	desk_ask(&p.d, VERB_TRUST, "n1", short_of(&p, 1), NULL, 50);
	assert_int_equal(p.d.counts[EVENT_DONE], 1);
	assert_string_equal(trust_of(&p, 1), "contact");
	assert_int_equal(say(&p, "n1", "for sure"), 0);
	rename_to(&p, 2, "other");
	rename_to(&p, 2, "n1");
	restart(&p);
	assert_string_equal(trust_of(&p, 1), "contact");
	assert_int_equal(say(&p, "n1", "and again"), 0);
	desk_ask(&p.d, VERB_TRUST, "n1", short_of(&p, 1), NULL, 50);
	assert_non_null(strstr(p.d.text, "already"));
	sim_run(p.s, 40000);
	assert_int_equal(sim_saw(p.s, 1, "for sure"), 1);
	assert_int_equal(sim_saw(p.s, 1, "and again"), 1);
	assert_int_equal(sim_saw(p.s, 2, "for sure") + sim_saw(p.s, 2, "and again"), 0);
	/* another key than that one is asked about */
	assert_string_equal(trust_of(&p, 2), "unverified");
	sim_free(p.s);
}

static void a_new_key_takes_name_alias_tags_and_history(void **state)
{
	(void)state;
	struct play p;
	play_open(&p, 303, "other", true);
	desk_ask(&p.d, VERB_ALIAS, "n1", "robert", NULL, 50);
	desk_ask(&p.d, VERB_TAG, "n1", "lab old", NULL, 50);
	desk_ask(&p.d, VERB_TAG, "other", "mine", NULL, 50);
	sim_stop(p.s, 1, false);
	sim_run(p.s, 100);
	say(&p, "robert", "waits");
	rename_to(&p, 2, "n1");
	desk_ask(&p.d, VERB_TRUST, "robert", short_of(&p, 2), NULL, 0);
	follow(&p.d);
	sim_run(p.s, 200);
	assert_non_null(strstr(p.d.text, "1 waiting message was dropped"));
	for (unsigned restarts = 0; restarts < 2; restarts++) {
		assert_string_equal(trust_of(&p, 2), "contact");
		assert_string_equal(trust_of(&p, 1), "contact");
		assert_int_equal(
			strncmp(history(&p, "robert"),
				"secret|and back|waits|the name means another key", 48),
			0);
		assert_string_equal(history(&p, id_of(&p, 1)), "");
		desk_ask(&p.d, VERB_TAG, "robert", NULL, NULL, 10);
		assert_non_null(strstr(p.d.text, "lab"));
		assert_non_null(strstr(p.d.text, "mine"));
		desk_ask(&p.d, VERB_TAG, id_of(&p, 1), NULL, NULL, 10);
		assert_string_equal(p.d.text, "no tags");
		desk_ask(&p.d, VERB_OUTBOX, NULL, NULL, NULL, 100);
		assert_string_equal(p.d.text, "nothing waits");
		assert_int_equal(say(&p, "n1", "to the new key"), 0);
		restart(&p);
		sim_run(p.s, 40000);
	}
	/* the old one is another person now, and gets nothing that waited */
	sim_start(p.s, 1);
	sim_announce(p.s, 1);
	sim_run(p.s, 40000);
	assert_int_equal(sim_saw(p.s, 1, "waits") + sim_saw(p.s, 2, "waits"), 0);
	assert_int_equal(sim_saw(p.s, 2, "to the new key"), 2);
	assert_int_equal(say(&p, "n1", "once more"), 0);
	sim_run(p.s, 1000);
	assert_int_equal(sim_saw(p.s, 2, "once more"), 1);
	sim_say(p.s, 1, 0, "it is still me");
	sim_run(p.s, 1000);
	assert_string_equal(history(&p, id_of(&p, 1)), "it is still me|");
	sim_free(p.s);
}

static void a_line_in_the_conversation_says_so(void **state)
{
	(void)state;
	struct play p;
	play_open(&p, 304, "n1", false);
	desk_ask(&p.d, VERB_TRUST, "n1", short_of(&p, 2), NULL, 200);
	assert_int_equal(p.d.counts[EVENT_DONE], 1);
	assert_int_equal(strncmp(p.d.told, "note contact: the name means", 28), 0);
	assert_non_null(strstr(p.d.told, short_of(&p, 1)));
	assert_non_null(strstr(p.d.told, short_of(&p, 2)));
	sim_free(p.s);
}

static void what_trust_refuses(void **state)
{
	(void)state;
	struct play p;
	play_open(&p, 305, "n1", false);
	static const struct {
		const char *who, *id;
		unsigned status;
	} rows[] = {
		{"n1", "aaaaaaaa", 2}, {"n1", "n1", 2}, {"nobody", "aaaa", 2},
		{"n1", "x", 2},	       {"n1", NULL, 2}, {"#lan", "aaaa", 1},
		{"n1", "!!!!", 2},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		sim_run(p.s, 5000);
		desk_ask(&p.d, VERB_TRUST, rows[i].who, rows[i].id, NULL, 100);
		assert_int_equal(p.d.status, rows[i].status);
	}
	desk_ask(&p.d, VERB_TRUST, "n1", id_of(&p, 0), NULL, 100); /* our own */
	assert_int_equal(p.d.status, 1);
	desk_ask(&p.d, VERB_BLOCK, short_of(&p, 2), NULL, NULL, 100);
	assert_string_equal(trust_of(&p, 1), "contact"); /* that decides */
	desk_ask(&p.d, VERB_TRUST, "n1", short_of(&p, 2), NULL, 100);
	assert_int_equal(p.d.status, 1);
	assert_int_equal(say(&p, "n1", "hello"), 0);
	sim_free(p.s);
}

/* A key that the user was given another way, and that nobody has met. */
static void a_whole_id_may_be_of_somebody_unseen(void **state)
{
	(void)state;
	struct play p;
	play_open(&p, 306, "n1", false);
	struct sim *other = sim_new(999, 1);
	desk_ask(&p.d, VERB_TRUST, "n1", sim_node(other, 0)->id, NULL, 200);
	assert_int_equal(p.d.counts[EVENT_DONE], 1);
	desk_ask(&p.d, VERB_WHOIS, "n1", NULL, NULL, 10);
	assert_non_null(strstr(p.d.row, " contact"));
	char start[6];
	snprintf(start, sizeof start, "~%.4s", sim_node(other, 0)->id);
	assert_non_null(strstr(p.d.row, start));
	assert_int_equal(strncmp(history(&p, "n1"), "secret|and back|", 16), 0);
	sim_free(other);
	sim_free(p.s);
}

static void U2_names_that_look_alike_are_rivals(void **state)
{
	(void)state;
	static const char *const nicks[] = {
		"N1", /* case */
		"\xef\xbc\xae\xef\xbc\x91", /* width */
		"nl", /* a letter for the digit */
		"\xd0\xbf\x31", /* Cyrillic pe */
	};
	for (unsigned i = 0; i < sizeof nicks / sizeof *nicks; i++) {
		struct play p;
		play_open(&p, 310 + i, nicks[i], false);
		assert_non_null(strstr(p.d.row, "is not the n1~"));
		assert_int_equal(say(&p, "n1", "to whom?"), 2);
		assert_int_equal(say(&p, nicks[i], "to whom?"), 2);
		sim_free(p.s);
	}
}

/* Thousands of keys with the name: the list is bounded, the contact is there still. */
static void a_crowd_of_rivals(void **state)
{
	(void)state;
	enum { CROWD = 20 };
	struct play p;
	p.s = sim_meet(320, CROWD);
	desk_open(&p.d, p.s);
	sim_say(p.s, 0, 1, "secret");
	sim_run(p.s, 100);
	follow(&p.d);
	for (unsigned i = 2; i < CROWD; i++) {
		struct command cmd = {.verb = VERB_NICK};
		cmd.u.nick.nick = "n1";
		sim_submit(p.s, i, &cmd);
	}
	sim_run(p.s, 15000);
	assert_true(p.d.counts[EVENT_NOTICE] <= 8);
	assert_int_equal(say(&p, "n1", "to whom?"), 2);
	desk_ask(&p.d, VERB_TRUST, "n1", short_of(&p, 1), NULL, 50);
	assert_int_equal(p.d.counts[EVENT_DONE], 1);
	desk_ask(&p.d, VERB_WHOIS, "n1", NULL, NULL, 10);
	assert_non_null(strstr(p.d.row, " contact"));
	sim_free(p.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_in_dispute_stops_what_is_sent),
		cmocka_unit_test(a_verified_contacts_rival_is_an_alarm),
		cmocka_unit_test(somebody_else_is_asked_about_once),
		cmocka_unit_test(a_new_key_takes_name_alias_tags_and_history),
		cmocka_unit_test(a_line_in_the_conversation_says_so),
		cmocka_unit_test(what_trust_refuses),
		cmocka_unit_test(a_whole_id_may_be_of_somebody_unseen),
		cmocka_unit_test(U2_names_that_look_alike_are_rivals),
		cmocka_unit_test(a_crowd_of_rivals),
	};
	return cmocka_run_group_tests_name("rivals", tests, NULL, NULL);
}
