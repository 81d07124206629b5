/* Calendars that jump beneath what is kept: order, outbox and trust do not mind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/desk.h"

enum { ROUNDS = 30, HOUR_MS = 3600000, TEXTS_BYTES = 4096 };

static const int64_t decade_ms = 3652LL * 24 * HOUR_MS;

struct day {
	struct sim *s;
	char want[TEXTS_BYTES]; /* all that was said, in that order */
	unsigned n;
	struct desk desks[2];
};

/* One says something, a second goes by, and the calendar is another one. */
static void say(struct day *d, unsigned from, int64_t jump_ms)
{
	char text[32];
	size_t used = strlen(d->want);
	snprintf(text, sizeof text, "%u by %u", d->n++, from);
	snprintf(d->want + used, sizeof d->want - used, "%s|", text);
	sim_say(d->s, from, 1 - from, text);
	sim_run(d->s, 1000);
	sim_wall_jump(d->s, jump_ms);
}

static void check_history(struct day *d, unsigned at)
{
	struct desk *desk = &d->desks[at];
	desk_open_at(desk, d->s, at);
	desk_ask(desk, VERB_HISTORY, at == 0 ? "n1" : "n0", "1000", NULL, 500);
	assert_string_equal(desk->said, d->want);
}

static void compare_words(struct sim *s, struct desk *d)
{
	static const char *const of[] = {"n1", "n0"};
	for (unsigned i = 0; i < 2; i++) {
		desk_open_at(&d[i], s, i);
		desk_ask(&d[i], VERB_EVENTS, "0", NULL, NULL, 10);
	}
	for (unsigned i = 0; i < 2; i++)
		desk_ask(&d[i], VERB_VERIFY, of[i], NULL, NULL, 500);
	assert_string_equal(d[0].sas, d[1].sas);
	for (unsigned i = 0; i < 2; i++) {
		sim_wall_jump(s, HOUR_MS);
		desk_ask(&d[i], VERB_VERIFY, of[i], "yes", NULL, 500);
	}
	for (unsigned i = 0; i < 2; i++) {
		desk_ask(&d[i], VERB_WHOIS, of[i], NULL, NULL, 10);
		assert_non_null(strstr(d[i].row, " verified"));
	}
}

/* The transcript of it; mem_free. */
static char *spend_a_day(uint64_t seed)
{
	struct day d = {.s = sim_meet(seed, 2)};
	for (unsigned i = 0; i < ROUNDS; i++)
		say(&d, i % 2, i % 3 == 0 ? -2 * HOUR_MS : HOUR_MS);
	compare_words(d.s, d.desks);
	sim_stop(d.s, 1, true);
	say(&d, 0, -decade_ms);
	sim_stop(d.s, 0, true);
	sim_start(d.s, 0);
	say(&d, 0, 2 * decade_ms);
	sim_start(d.s, 1);
	sim_run(d.s, 40000);
	say(&d, 1, 0);
	say(&d, 0, 0);
	for (unsigned at = 0; at < 2; at++)
		check_history(&d, at);
	assert_int_equal(sim_links(d.s, 0), 1);
	char *transcript = mem_strdup(sim_transcript(d.s));
	sim_free(d.s);
	return transcript;
}

static void C3_jumps_each_second_and_the_order_stays(void **state)
{
	(void)state;
	char *first = spend_a_day(90), *second = spend_a_day(90),
	     *other = spend_a_day(91);
	assert_string_equal(first, second);
	assert_string_not_equal(first, other);
	mem_free(first);
	mem_free(second);
	mem_free(other);
}

/* Node 1 is away, and something waits for it. */
static struct sim *one_waits(uint64_t seed)
{
	struct sim *s = sim_meet(seed, 2);
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	sim_say(s, 0, 1, "waits");
	sim_run(s, 2 * HOUR_MS);
	return s;
}

static void it_arrives(struct sim *s)
{
	assert_int_equal(sim_node(s, 0)->n_failed, 0);
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 1, "waits"), 1);
	sim_free(s);
}

static void C3_a_jump_ahead_gives_nothing_up(void **state)
{
	(void)state;
	struct sim *s = one_waits(92);
	sim_wall_jump(s, decade_ms);
	sim_run(s, 23 * HOUR_MS);
	sim_wall_jump(s, -decade_ms);
	it_arrives(s);
}

/* As of a machine whose battery is empty, until it has asked a time server. */
static void C3_a_start_in_another_decade_gives_nothing_up(void **state)
{
	(void)state;
	struct sim *s = one_waits(93);
	sim_stop(s, 0, true);
	sim_wall_jump(s, decade_ms);
	sim_start(s, 0);
	sim_run(s, HOUR_MS / 2);
	sim_wall_jump(s, -decade_ms);
	it_arrives(s);
}

/* It was wrong before, then. */
static void C3_a_calendar_that_stays_is_believed_after_a_day(void **state)
{
	(void)state;
	struct sim *s = one_waits(94);
	sim_wall_jump(s, decade_ms);
	sim_run(s, 26 * HOUR_MS);
	assert_int_equal(sim_node(s, 0)->n_failed, 1);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(C3_jumps_each_second_and_the_order_stays),
		cmocka_unit_test(C3_a_jump_ahead_gives_nothing_up),
		cmocka_unit_test(C3_a_start_in_another_decade_gives_nothing_up),
		cmocka_unit_test(C3_a_calendar_that_stays_is_believed_after_a_day),
	};
	return cmocka_run_group_tests_name("clocks", tests, NULL, NULL);
}
