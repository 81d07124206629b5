/* What is done to messages: answers, edits, deletions, reactions, receipts, expiry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/desk.h"

/* Two desks, on node 0 and on node 1, which see all that happens. */
struct two {
	struct sim *s;
	struct desk a, b;
};

static void follow(struct desk *d)
{
	desk_ask(d, VERB_EVENTS, NULL, NULL, NULL, 10);
}

static void two_open(struct two *t, uint64_t seed)
{
	t->s = sim_meet(seed, 2);
	desk_open(&t->a, t->s);
	desk_open_at(&t->b, t->s, 1);
	follow(&t->a);
	follow(&t->b);
}

static void two_reopen(struct two *t)
{
	if (sim_node(t->s, 0)->core != NULL)
		desk_open(&t->a, t->s);
	if (sim_node(t->s, 1)->core != NULL)
		desk_open_at(&t->b, t->s, 1);
}

static void done(struct desk *d, enum verb verb, const char *a, const char *b,
		 const char *c)
{
	desk_ask(d, verb, a, b, c, 100);
	if (d->status != 0)
		fail_msg("%s", d->text);
	assert_int_equal(d->counts[EVENT_DONE], 1);
}

static void fails(struct desk *d, unsigned status, const char *part)
{
	assert_int_equal(d->status, status);
	if (strstr(d->text, part) == NULL)
		fail_msg("'%s' is not in '%s'", part, d->text);
}

/* What happened since it was asked. */
static const char *marks(struct desk *d)
{
	static char room[2][sizeof d->marks];
	static unsigned at;
	char *out = room[at++ % 2];
	memcpy(out, d->marks, sizeof d->marks);
	d->marks[0] = '\0';
	return out;
}

static const char *history(struct desk *d, const char *who)
{
	done(d, VERB_HISTORY, who, NULL, NULL);
	return d->full;
}

static const char *search(struct desk *d, const char *text)
{
	done(d, VERB_SEARCH, text, NULL, NULL);
	return d->full;
}

/* ---- edit ---- */

static void an_edit_is_seen_by_both_and_outlives_restarts(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 80);
	sim_say(t.s, 0, 1, "helo");
	sim_run(t.s, 100);
	done(&t.a, VERB_EDIT, "n1", "hello", NULL);
	assert_string_equal(marks(&t.a), "n0 edit: hello|");
	assert_string_equal(marks(&t.b), "n0 edit: hello|");
	done(&t.a, VERB_EDIT, "n1", "hello!", NULL);
	for (unsigned round = 0; round < 2; round++) {
		assert_string_equal(history(&t.a, "n1"), "hello! edited|");
		assert_string_equal(history(&t.b, "n0"), "hello! edited|");
		assert_string_equal(search(&t.b, "HELLO"), "hello! edited|");
		assert_string_equal(search(&t.b, "helo"), "");
		sim_stop(t.s, 0, true);
		sim_stop(t.s, 1, true);
		sim_start_all(t.s);
		sim_run(t.s, 5000);
		two_reopen(&t);
	}
	/* the numbers go on where they were: the next edit is newer than all */
	done(&t.a, VERB_EDIT, "n1", "good bye", NULL);
	assert_string_equal(history(&t.b, "n0"), "good bye edited|");
	desk_ask(&t.b, VERB_EDIT, "n0", "not mine", NULL, 100);
	fails(&t.b, 1, "no message of yours");
	sim_free(t.s);
}

static void what_is_done_waits_for_those_who_are_away(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 81);
	sim_say(t.s, 0, 1, "one");
	sim_say(t.s, 0, 1, "two");
	sim_run(t.s, 100);
	sim_say(t.s, 1, 0, "three");
	sim_run(t.s, 100);
	sim_stop(t.s, 1, true);
	sim_run(t.s, 100);
	done(&t.a, VERB_EDIT, "n1", "TWO", NULL);
	done(&t.a, VERB_DELETE, "n1", NULL, NULL);
	done(&t.a, VERB_EDIT, "n1", "ONE", NULL);
	done(&t.a, VERB_REACT, "n1", "\xf0\x9f\x91\x8d", NULL);
	sim_stop(t.s, 0, true);
	sim_start(t.s, 0);
	sim_run(t.s, 1000);
	sim_start(t.s, 1);
	sim_run(t.s, 40000);
	two_reopen(&t);
	const char *all = history(&t.b, "n0");
	assert_non_null(strstr(all, "ONE edited| deleted|three \xf0\x9f\x91\x8d n0~"));
	all = history(&t.a, "n1");
	assert_non_null(strstr(all, "ONE edited| deleted|three \xf0\x9f\x91\x8d you|"));
	desk_ask(&t.a, VERB_OUTBOX, NULL, NULL, NULL, 100);
	assert_string_equal(t.a.text, "nothing waits");
	sim_free(t.s);
}

/* Whenever either side is killed, both come to the same. */
static void kills_at_any_time_lose_nothing_and_do_nothing_twice(void **state)
{
	(void)state;
	struct two t;
	char expected[64];
	two_open(&t, 82);
	sim_latency(t.s, 10);
	sim_say(t.s, 0, 1, "begin");
	sim_run(t.s, 100);
	for (unsigned ms = 5; ms < 65; ms += 5) {
		char text[32];
		snprintf(text, sizeof text, "text %u", ms);
		desk_ask(&t.a, VERB_EDIT, "n1", text, NULL, ms);
		sim_stop(t.s, ms / 5 % 2, true);
		sim_run(t.s, 100);
		sim_start(t.s, ms / 5 % 2);
		sim_run(t.s, 40000);
		two_reopen(&t);
		snprintf(expected, sizeof expected, "text %u edited|", ms);
		assert_string_equal(history(&t.a, "n1"), expected);
		assert_string_equal(history(&t.b, "n0"), expected);
	}
	sim_free(t.s);
}

/* ---- delete ---- */

struct sought {
	const char *text;
	size_t n, n_rows;
};

static void on_rows(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct sought *s = ctx;
	(void)req;
	for (size_t i = 0; i < reply->n_messages; i++) {
		struct slice body = reply->messages[i].body;
		s->n_rows++;
		s->n += memmem(body.p, body.n, s->text, strlen(s->text)) != NULL;
	}
}

/* Bodies in the store of node i that have the text in them. */
static size_t stored(struct two *t, unsigned i, const char *text)
{
	struct sought s = {.text = text};
	struct store_request req = {
		.verb = STORE_PAGE, .done = on_rows, .ctx = &s, .is_all_convs = true};
	assert_int_equal(store_submit(sim_node(t->s, i)->store, &req), ERR_OK);
	sim_run(t->s, 10);
	assert_true(s.n_rows > 0);
	return s.n;
}

/* All that a bot gets which asks for what it missed. */
static const char *replayed(struct two *t, unsigned i)
{
	static struct desk late;
	desk_open_at(&late, t->s, i);
	desk_ask(&late, VERB_EVENTS, "0", NULL, NULL, 10);
	late.port.ops->close(late.port.impl);
	strcat(late.full, late.marks);
	return late.full;
}

static void a_deleted_text_is_nowhere_any_more(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 83);
	sim_say(t.s, 0, 1, "secret one");
	sim_run(t.s, 100);
	done(&t.a, VERB_EDIT, "n1", "secret two", NULL);
	done(&t.b, VERB_REPLY, "n0", "what?", NULL);
	assert_int_equal(stored(&t, 1, "secret"), 1);
	done(&t.a, VERB_DELETE, "n1", NULL, NULL);
	assert_string_equal(marks(&t.a), "n0 delete|");
	assert_string_equal(marks(&t.b), "n0 delete|");
	for (unsigned i = 0; i < 2; i++) {
		struct desk *d = i == 0 ? &t.a : &t.b;
		assert_int_equal(stored(&t, i, "secret"), 0);
		assert_string_equal(history(d, i == 0 ? "n1" : "n0"),
				    " deleted|what? re ?|");
		assert_string_equal(search(d, "secret"), "");
		/* nor in what a bot may have missed */
		assert_non_null(strstr(replayed(&t, i), "delete|"));
		assert_null(strstr(replayed(&t, i), "secret"));
	}
	desk_ask(&t.a, VERB_EDIT, "n1", "again", NULL, 100);
	fails(&t.a, 1, "no message of yours");
	desk_ask(&t.b, VERB_REACT, "n0", "x", NULL, 100);
	fails(&t.b, 1, "no message of anybody else");
	sim_free(t.s);
}

static void what_was_deleted_before_it_went_does_not_go(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 84);
	sim_say(t.s, 0, 1, "hello");
	sim_run(t.s, 100);
	sim_stop(t.s, 1, false);
	sim_run(t.s, 100);
	sim_say(t.s, 0, 1, "oops");
	sim_run(t.s, 100);
	done(&t.a, VERB_DELETE, "n1", NULL, NULL);
	sim_say(t.s, 0, 1, "fine");
	sim_start(t.s, 1);
	sim_run(t.s, 40000);
	two_reopen(&t);
	assert_string_equal(history(&t.b, "n0"), "hello|fine|");
	assert_int_equal(sim_saw(t.s, 1, "oops"), 0);
	sim_free(t.s);
}

/* ---- react ---- */

static void each_has_one_reaction_that_can_be_changed(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 85);
	sim_say(t.s, 0, 1, "hello");
	sim_run(t.s, 100);
	done(&t.b, VERB_REACT, "n0", "\xf0\x9f\x91\x8d", NULL);
	assert_string_equal(marks(&t.a), "n1 reaction: \xf0\x9f\x91\x8d|");
	done(&t.b, VERB_REACT, "n0", "a, b \"c\"", NULL);
	marks(&t.a);
	assert_string_equal(history(&t.b, "n0"), "hello \"a, b 'c'\" you|");
	done(&t.b, VERB_REACT, "n0", NULL, NULL);
	assert_string_equal(marks(&t.a), "n1 reaction: |");
	assert_string_equal(history(&t.a, "n1"), "hello|");
	desk_ask(&t.b, VERB_REACT, "n0", "longer than thirty-two bytes can be", NULL,
		 100);
	fails(&t.b, 1, "at most 32 bytes");
	sim_free(t.s);
}

static void three_on_lan_edit_react_and_delete(void **state)
{
	(void)state;
	struct sim *s = sim_meet(86, 3);
	struct desk d[3];
	for (unsigned i = 0; i < 3; i++) {
		desk_open_at(&d[i], s, i);
		follow(&d[i]);
	}
	sim_say_lan(s, 0, "to all");
	sim_run(s, 2000);
	done(&d[0], VERB_EDIT, "#lan", "to you all", NULL);
	done(&d[1], VERB_REACT, "#lan", "\xf0\x9f\x91\x8d", NULL);
	done(&d[2], VERB_REACT, "#lan", "\xf0\x9f\x91\x8d", NULL);
	sim_run(s, 2000);
	for (unsigned i = 0; i < 3; i++) {
		const char *all = history(&d[i], "#lan");
		assert_int_equal(strncmp(all, "to you all edited \xf0\x9f\x91\x8d ", 22),
				 0);
		assert_int_equal(strstr(all, "you,") != NULL || strstr(all, "you|"),
				 i > 0);
		assert_non_null(strchr(all, ','));
	}
	done(&d[0], VERB_DELETE, "#lan", NULL, NULL);
	sim_run(s, 2000);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(history(&d[i], "#lan"), " deleted|");
	sim_free(s);
}

/* Some of a burst are refused for now and come again: the edit of one must find it. */
static void an_edit_in_a_burst_finds_its_message(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 87);
	for (unsigned i = 0; i < 60; i++) {
		char text[16];
		snprintf(text, sizeof text, "m%u", i);
		sim_say_lan(t.s, 0, text);
		sim_run(t.s, 1);
		if (i % 10 == 9)
			desk_ask(&t.a, VERB_EDIT, "#lan", "edited", NULL, 1);
	}
	sim_run(t.s, 60000);
	desk_ask(&t.b, VERB_HISTORY, "#lan", "100", NULL, 500);
	unsigned n = 0;
	for (const char *at = t.b.full; (at = strstr(at, "edited edited|")) != NULL; at++)
		n++;
	assert_int_equal(n, 6);
	assert_int_equal(t.b.counts[EVENT_MESSAGE], 60);
	sim_free(t.s);
}

/* ---- reply and ids ---- */

static void a_reply_says_what_it_answers(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 88);
	sim_say(t.s, 0, 1,
		"the question,\nwhich is long: 3456789 123456789 123456789 "
		"123456789 123456789 and on");
	sim_run(t.s, 100);
	done(&t.b, VERB_REPLY, "n0", "yes", NULL);
	const char *end =
		"yes re the question, which is long: 3456789 123456789 123456789 "
		"123456789 123456789 and...|";
	assert_non_null(strstr(history(&t.a, "n1"), end));
	assert_non_null(strstr(history(&t.b, "n0"), end));
	/* live too */
	assert_non_null(strstr(replayed(&t, 0), end));
	assert_non_null(strstr(replayed(&t, 1), end));
	desk_ask(&t.b, VERB_HISTORY, "n0", "1", NULL, 100); /* it is not in the page */
	assert_string_equal(t.b.full, "yes re ?|");
	sim_free(t.s);
}

/* The id of the last message that d was shown. */
static void last_id(struct two *t, struct desk *d, const char *who, char out[33])
{
	(void)t;
	desk_ask(d, VERB_HISTORY, who, "1", NULL, 100);
	memcpy(out, d->id, 33);
}

static void a_message_is_named_by_how_its_id_begins(void **state)
{
	(void)state;
	struct two t;
	char first[33], id[33];
	two_open(&t, 89);
	sim_say(t.s, 0, 1, "first");
	sim_run(t.s, 100);
	last_id(&t, &t.a, "n1", first);
	for (unsigned i = 0; i < 400; i++) {
		sim_say(t.s, 0, 1, "x");
		sim_run(t.s, 1);
	}
	sim_run(t.s, 1000);
	done(&t.a, VERB_EDIT, "n1", "FIRST", first);
	assert_string_equal(marks(&t.b), "n0 edit: FIRST|");
	snprintf(id, sizeof id, "%.8s", first);
	done(&t.b, VERB_REACT, "n0", "+1", id);
	snprintf(id, sizeof id, "%.3s", first);
	desk_ask(&t.a, VERB_EDIT, "n1", "no", id, 100);
	fails(&t.a, 1, "--id takes 4 to 32");
	desk_ask(&t.a, VERB_EDIT, "n1", "no", "xyzw", 100);
	fails(&t.a, 1, "--id takes 4 to 32");
	memset(id, first[0] == 'f' ? '0' : 'f', 8);
	id[8] = '\0';
	desk_ask(&t.a, VERB_DELETE, "n1", id, NULL, 100);
	fails(&t.a, 1, "no message of yours");
	desk_ask(&t.b, VERB_EDIT, "n0", "mine?", first, 100);
	fails(&t.b, 1, "no message of yours");
	sim_free(t.s);
}

/* ---- read ---- */

static void nobody_is_told_what_was_read_unless_wanted(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 90);
	sim_say(t.s, 0, 1, "one");
	sim_run(t.s, 100);
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 10000);
	assert_string_equal(marks(&t.a), "");
	done(&t.b, VERB_RECEIPTS, "n0", "on", NULL);
	assert_non_null(strstr(t.b.text, "is told what you have read (on)"));
	sim_say(t.s, 0, 1, "two");
	sim_run(t.s, 100);
	sim_run(t.s, 10000);
	assert_string_equal(marks(&t.a), ""); /* not read yet */
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 5000);
	assert_string_equal(marks(&t.a), "read|"); /* not what was read before */
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 5000);
	assert_string_equal(marks(&t.a), "");
	done(&t.b, VERB_RECEIPTS, "n0", "off", NULL);
	options_set(sim_node(t.s, 1)->options, OPT_receipts, "yes", OPTION_SET, NULL);
	sim_say(t.s, 0, 1, "three");
	sim_run(t.s, 100);
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 5000);
	assert_string_equal(marks(&t.a), "");
	done(&t.b, VERB_RECEIPTS, "n0", "default", NULL);
	sim_say(t.s, 0, 1, "four");
	sim_run(t.s, 100);
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 5000);
	assert_string_equal(marks(&t.a), "read|");
	desk_ask(&t.b, VERB_RECEIPTS, "n0", "maybe", NULL, 100);
	fails(&t.b, 1, "on, off or default");
	sim_free(t.s);
}

static void what_was_read_is_told_when_the_other_is_back(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 91);
	sim_say(t.s, 1, 0, "hello");
	sim_run(t.s, 100);
	options_set(sim_node(t.s, 1)->options, OPT_receipts, "yes", OPTION_SET, NULL);
	sim_say(t.s, 0, 1, "one");
	sim_say(t.s, 0, 1, "two");
	sim_run(t.s, 100);
	sim_stop(t.s, 0, true);
	sim_run(t.s, 1000);
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 5000);
	sim_stop(t.s, 1, true);
	sim_start(t.s, 1);
	sim_run(t.s, 1000);
	sim_start(t.s, 0);
	desk_open(&t.a, t.s);
	follow(&t.a);
	sim_run(t.s, 40000);
	assert_string_equal(marks(&t.a), "read|read|");
	assert_string_equal(history(&t.a, "n1"), "hello|one|two|");
	assert_string_equal(t.a.state, "read");
	sim_free(t.s);
}

/* More than one RECEIPT holds; and the session ends between two of them. */
static void many_are_told_in_parts(void **state)
{
	(void)state;
	enum { MANY = 700 };
	struct two t;
	two_open(&t, 92);
	options_set(sim_node(t.s, 1)->options, OPT_receipts, "yes", OPTION_SET, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		sim_say(t.s, 0, 1, "x");
		sim_run(t.s, 1);
	}
	sim_run(t.s, 1000);
	unsigned before = t.a.counts[EVENT_STATE];
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 900);
	assert_int_equal(t.a.counts[EVENT_STATE] - before, 256);
	sim_reset(t.s, 0, 1);
	sim_run(t.s, 20000);
	assert_int_equal(t.a.counts[EVENT_STATE] - before, MANY);
	sim_free(t.s);
}

/* A page of our own says nothing about what is before it. */
static void what_was_read_behind_many_of_our_own_is_told(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 99);
	options_set(sim_node(t.s, 1)->options, OPT_receipts, "yes", OPTION_SET, NULL);
	sim_say(t.s, 0, 1, "one");
	sim_run(t.s, 100);
	for (unsigned i = 0; i < 300; i++) {
		sim_say(t.s, 1, 0, "x");
		sim_run(t.s, 1);
	}
	sim_run(t.s, 1000);
	marks(&t.a);
	done(&t.b, VERB_READ, "n0", NULL, NULL);
	sim_run(t.s, 10000);
	assert_string_equal(marks(&t.a), "read|");
	sim_free(t.s);
}

/* ---- typing ---- */

static void typing_is_told_when_wanted_and_not_too_often(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 93);
	done(&t.a, VERB_TYPING, "n1", NULL, NULL);
	assert_string_equal(marks(&t.b), "");
	options_set(sim_node(t.s, 0)->options, OPT_typing, "yes", OPTION_SET, NULL);
	for (unsigned i = 0; i < 40; i++)
		done(&t.a, VERB_TYPING, "n1", NULL, NULL); /* 4 s */
	assert_string_equal(marks(&t.b), "typing on|");
	sim_run(t.s, 1000);
	done(&t.a, VERB_TYPING, "n1", "on", NULL);
	done(&t.a, VERB_TYPING, "n1", "off", NULL);
	done(&t.a, VERB_TYPING, "n1", "off", NULL);
	assert_string_equal(marks(&t.b), "typing on|typing off|");
	done(&t.a, VERB_TYPING, "n1", "on", NULL);
	assert_string_equal(marks(&t.b), "");
	desk_ask(&t.a, VERB_TYPING, "#lan", NULL, NULL, 100);
	fails(&t.a, 1, "everybody");
	sim_free(t.s);
}

/* ---- expire ---- */

static void messages_disappear_on_both_sides(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 94);
	sim_say(t.s, 0, 1, "stays");
	sim_run(t.s, 100);
	done(&t.a, VERB_EXPIRE, "n1", "1m", NULL);
	assert_non_null(strstr(t.a.text, "is gone after 1 minute"));
	sim_say(t.s, 0, 1, "goes");
	sim_run(t.s, 30000);
	assert_string_equal(history(&t.a, "n1"), "stays|goes expires|");
	assert_string_equal(history(&t.b, "n0"), "stays|goes expires|");
	assert_int_equal(stored(&t, 1, "goes"), 1);
	sim_run(t.s, 31000);
	for (unsigned i = 0; i < 2; i++) {
		struct desk *d = i == 0 ? &t.a : &t.b;
		assert_string_equal(history(d, i == 0 ? "n1" : "n0"), "stays|");
		assert_string_equal(search(d, "goes"), "");
		assert_int_equal(stored(&t, i, "goes"), 0);
		assert_null(strstr(replayed(&t, i), "goes"));
	}
	sim_stop(t.s, 0, true);
	sim_start(t.s, 0);
	sim_run(t.s, 40000);
	two_reopen(&t);
	done(&t.a, VERB_EXPIRE, "n1", NULL, NULL);
	assert_non_null(strstr(t.a.text, "after 1 minute"));
	done(&t.a, VERB_EXPIRE, "n1", "off", NULL);
	sim_say(t.s, 0, 1, "stays too");
	sim_run(t.s, 100);
	assert_string_equal(history(&t.b, "n0"), "stays|stays too|");
	static const char *const bad[] = {"59s", "5w",		 "1", "m",
					  "-5m", "99999999999w", ""};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		desk_ask(&t.a, VERB_EXPIRE, "n1", bad[i], NULL, 100);
		fails(&t.a, 1, "expire takes");
	}
	sim_free(t.s);
}

/* What nobody has seen yet waits for somebody to see it. */
static void the_time_runs_from_the_first_showing(void **state)
{
	(void)state;
	struct sim *s = sim_meet(95, 2);
	struct two t = {.s = s};
	desk_open(&t.a, s);
	done(&t.a, VERB_EXPIRE, "n1", "2m", NULL);
	/* the simulation's own front end follows; another one takes its place */
	static struct desk quiet;
	sim_node(s, 1)->front.ops->close(sim_node(s, 1)->front.impl);
	desk_open_at(&quiet, s, 1);
	sim_node(s, 1)->front = quiet.port;
	sim_say(s, 0, 1, "one");
	sim_run(s, 1000);
	sim_say(s, 0, 1, "two");
	sim_run(s, 200000);
	assert_int_equal(stored(&t, 1, "one"), 1);
	desk_open_at(&t.b, s, 1);
	assert_string_equal(history(&t.b, "n0"), "one expires|two expires|");
	sim_run(s, 115000);
	assert_string_equal(history(&t.b, "n0"), "one expires|two expires|");
	sim_run(s, 6000);
	assert_string_equal(history(&t.b, "n0"), "");
	sim_say(s, 0, 1, "three");
	sim_run(s, 200000);
	follow(&t.b); /* a bot that asks for what it missed has seen it */
	sim_run(s, 115000);
	assert_int_equal(stored(&t, 1, "three"), 1);
	sim_run(s, 8000);
	assert_string_equal(history(&t.b, "n0"), "");
	assert_null(strstr(replayed(&t, 1), "three"));
	sim_free(s);
}

/* Where nothing is kept there is still what a bot may have missed. */
static void unkept_messages_disappear_too(void **state)
{
	(void)state;
	struct sim *s = sim_new(98, 2);
	struct two t = {.s = s};
	for (unsigned i = 0; i < 2; i++)
		options_set(sim_node(s, i)->options, OPT_store, "none", OPTION_SET, NULL);
	sim_start_all(s);
	sim_run(s, 2000);
	desk_open(&t.a, s);
	done(&t.a, VERB_EXPIRE, "n1", "1m", NULL);
	sim_say(s, 0, 1, "goes");
	sim_run(s, 30000);
	assert_non_null(strstr(replayed(&t, 0), "goes"));
	assert_non_null(strstr(replayed(&t, 1), "goes"));
	sim_run(s, 40000);
	assert_null(strstr(replayed(&t, 0), "goes"));
	assert_null(strstr(replayed(&t, 1), "goes"));
	sim_free(s);
}

/* Nobody was there to sweep: the start does it, and nothing is shown before. */
static void what_expired_while_nobody_ran_is_gone_at_the_start(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 96);
	done(&t.a, VERB_EXPIRE, "#lan", "5m", NULL);
	sim_say(t.s, 0, 1, "stays");
	sim_say_lan(t.s, 0, "goes");
	sim_run(t.s, 2000);
	assert_string_equal(history(&t.b, "#lan"), "goes expires|");
	for (unsigned i = 0; i < 2; i++)
		sim_stop(t.s, i, true);
	sim_run(t.s, 400000);
	for (unsigned i = 0; i < 2; i++)
		sim_start(t.s, i);
	two_reopen(&t);
	desk_ask(&t.b, VERB_HISTORY, NULL, NULL, NULL, 10);
	assert_string_equal(t.b.full, "stays|");
	assert_int_equal(stored(&t, 0, "goes"), 0);
	assert_int_equal(stored(&t, 1, "goes"), 0);
	done(&t.a, VERB_EXPIRE, "#lan", NULL, NULL);
	assert_non_null(strstr(t.a.text, "after 5 minutes"));
	sim_free(t.s);
}

/* ---- late ---- */

static void late_is_by_clocks_that_were_compared(void **state)
{
	(void)state;
	struct two t;
	two_open(&t, 97);
	sim_say(t.s, 0, 1, "now");
	sim_run(t.s, 100);
	sim_stop(t.s, 1, false);
	sim_run(t.s, 1000);
	sim_say(t.s, 0, 1, "two hours ago");
	sim_run(t.s, 7200000);
	sim_start(t.s, 1);
	sim_run(t.s, 60000);
	desk_open_at(&t.b, t.s, 1);
	const char *all = history(&t.b, "n0");
	assert_int_equal(strncmp(all, "now|two hours ago late 72", 25), 0);
	sim_say(t.s, 0, 1, "again");
	sim_run(t.s, 100);
	assert_non_null(strstr(history(&t.b, "n0"), "|again|"));
	sim_wall_jump(t.s, 7200000); /* all calendars: nobody is late by that */
	sim_say(t.s, 0, 1, "jump");
	sim_run(t.s, 100);
	assert_non_null(strstr(history(&t.b, "n0"), "|jump"));
	sim_free(t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_is_seen_by_both_and_outlives_restarts),
		cmocka_unit_test(what_is_done_waits_for_those_who_are_away),
		cmocka_unit_test(kills_at_any_time_lose_nothing_and_do_nothing_twice),
		cmocka_unit_test(a_deleted_text_is_nowhere_any_more),
		cmocka_unit_test(what_was_deleted_before_it_went_does_not_go),
		cmocka_unit_test(each_has_one_reaction_that_can_be_changed),
		cmocka_unit_test(three_on_lan_edit_react_and_delete),
		cmocka_unit_test(an_edit_in_a_burst_finds_its_message),
		cmocka_unit_test(a_reply_says_what_it_answers),
		cmocka_unit_test(a_message_is_named_by_how_its_id_begins),
		cmocka_unit_test(nobody_is_told_what_was_read_unless_wanted),
		cmocka_unit_test(what_was_read_is_told_when_the_other_is_back),
		cmocka_unit_test(many_are_told_in_parts),
		cmocka_unit_test(what_was_read_behind_many_of_our_own_is_told),
		cmocka_unit_test(typing_is_told_when_wanted_and_not_too_often),
		cmocka_unit_test(messages_disappear_on_both_sides),
		cmocka_unit_test(the_time_runs_from_the_first_showing),
		cmocka_unit_test(unkept_messages_disappear_too),
		cmocka_unit_test(what_expired_while_nobody_ran_is_gone_at_the_start),
		cmocka_unit_test(late_is_by_clocks_that_were_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
