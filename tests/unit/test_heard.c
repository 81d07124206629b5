#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/heard.h"
#include "discovery/txt.h"

enum { ASKED_MAX = 4096, REPORTS_MAX = 16 };

/* A backend that answers when told to. */
struct bench {
	struct clock_manual clock;
	struct rng_seeded rng;
	struct timers *timers;
	struct heard *heard;
	struct heard_place *asked[ASKED_MAX]; /* NULL once hushed */
	size_t n_asked, n_open;
	bool is_deaf;
	struct sighting reports[REPORTS_MAX];
	size_t n_reports;
};

static void *on_ask(void *ctx, struct heard_place *p)
{
	struct bench *b = ctx;

	if (b->is_deaf)
		return NULL;
	b->asked[b->n_asked] = p;
	b->n_open++;
	return &b->asked[b->n_asked++];
}

static void on_hush(void *ctx, void *resolver)
{
	struct heard_place **slot = resolver;

	assert_non_null(*slot);
	*slot = NULL;
	((struct bench *)ctx)->n_open--;
}

static void on_report(void *ctx, const struct sighting *s)
{
	struct bench *b = ctx;

	if (b->n_reports < REPORTS_MAX)
		b->reports[b->n_reports] = *s;
	b->n_reports++;
}

static const struct heard_ops ops = {on_ask, on_hush, on_report};

static void bench_init(struct bench *b, size_t places_max, size_t asking_max)
{
	*b = (struct bench){0};
	clock_manual_init(&b->clock);
	rng_seeded_init(&b->rng, 1);
	b->timers = timers_new(&b->clock.clock);
	b->heard = heard_new(&(struct heard_config){.ops = &ops,
						    .ctx = b,
						    .timers = b->timers,
						    .clock = &b->clock.clock,
						    .rng = &b->rng.rng,
						    .places_max = places_max,
						    .asking_max = asking_max});
}

static void bench_wipe(struct bench *b)
{
	heard_free(b->heard);
	timers_free(b->timers);
}

static void pass(struct bench *b, uint64_t ms)
{
	for (; ms > 0; ms--) {
		clock_manual_advance(&b->clock, 1000);
		timers_run(b->timers);
	}
}

static void appear(struct bench *b, const char *instance)
{
	heard_appear(b->heard, instance, 2, ADDR_IP4, false);
}

static void appear_number(struct bench *b, int i)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", i);
	appear(b, name);
}

static void answer_as(struct heard_place *p, const char *addr, uint8_t id_byte)
{
	uint8_t txt[TXT_MAX_BYTES];
	struct id32 id = {{id_byte}};
	struct addr a;

	assert_non_null(p);
	assert_int_equal(addr_parse(addr, &a), ERR_OK);
	heard_answer(p, &a, slice_of(txt, txt_build(&id, 0, txt)));
}

static struct heard_place *last_asked(const struct bench *b)
{
	return b->n_asked > 0 ? b->asked[b->n_asked - 1] : NULL;
}

/* One place, heard, asked and answered. */
static void bench_with_one(struct bench *b)
{
	bench_init(b, 100, 10);
	appear(b, "one");
	pass(b, 200);
	answer_as(last_asked(b), "10.0.0.1:7117", 1);
	assert_int_equal(b->n_reports, 1);
}

static const struct sighting *last_report(const struct bench *b)
{
	return &b->reports[b->n_reports - 1];
}

static void asks_100_to_200_ms_later(void **state)
{
	struct bench b;
	size_t n_between;

	(void)state;
	bench_init(&b, 1000, 1000);
	for (int i = 0; i < 100; i++)
		appear_number(&b, i);
	pass(&b, 99);
	assert_int_equal(b.n_asked, 0);
	pass(&b, 51);
	n_between = b.n_asked;
	assert_in_range(n_between, 20, 80); /* spread, not at once */
	pass(&b, 50);
	assert_int_equal(b.n_asked, 100);
	bench_wipe(&b);
}

static void an_answer_is_reported(void **state)
{
	struct bench b;

	(void)state;
	bench_with_one(&b);
	assert_int_equal(b.n_open, 0); /* the resolver is freed at once */
	assert_string_equal(b.reports[0].instance, "one");
	assert_int_equal(b.reports[0].source, SIGHTING_MDNS);
	assert_true(b.reports[0].has_id);
	assert_int_equal(b.reports[0].id.b[0], 1);
	assert_int_equal(b.reports[0].addr.port, 7117);
	assert_int_equal(b.reports[0].ifindex, 2);
	assert_false(b.reports[0].is_gone);
	bench_wipe(&b);
}

static void link_local_gets_its_scope(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 100, 10);
	heard_appear(b.heard, "six", 9, ADDR_IP6, false);
	pass(&b, 200);
	answer_as(last_asked(&b), "[fe80::1]:7117", 1);
	assert_int_equal(last_report(&b)->addr.scope, 9);
	heard_appear(b.heard, "global", 9, ADDR_IP6, false);
	pass(&b, 200);
	answer_as(last_asked(&b), "[2001:db8::1]:7117", 1);
	assert_int_equal(last_report(&b)->addr.scope, 0);
	bench_wipe(&b);
}

static void only_changes_are_reported(void **state)
{
	struct bench b;

	(void)state;
	bench_with_one(&b);
	appear(&b, "one");
	pass(&b, 200);
	assert_int_equal(b.n_asked, 2);
	answer_as(last_asked(&b), "10.0.0.1:7117", 1);
	assert_int_equal(b.n_reports, 1);
	appear(&b, "one");
	pass(&b, 200);
	answer_as(last_asked(&b), "10.0.0.2:7117", 1);
	assert_int_equal(b.n_reports, 3);
	assert_true(b.reports[1].is_gone);
	assert_int_equal(b.reports[1].addr.ip[3], 1);
	assert_false(b.reports[2].is_gone);
	assert_int_equal(b.reports[2].addr.ip[3], 2);
	bench_wipe(&b);
}

static void heard_again_while_asking_changes_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 100, 1);
	appear(&b, "asking");
	pass(&b, 200);
	appear(&b, "waiting");
	pass(&b, 200);
	appear(&b, "asking");
	appear(&b, "waiting");
	pass(&b, 250);
	assert_int_equal(b.n_asked, 1);
	assert_int_equal(b.n_open, 1);
	answer_as(last_asked(&b), "10.0.0.1:7117", 1);
	assert_int_equal(b.n_asked, 2);
	bench_wipe(&b);
}

static void vanished_is_gone(void **state)
{
	struct bench b;

	(void)state;
	bench_with_one(&b);
	heard_vanish(b.heard, "other", 2, ADDR_IP4);
	heard_vanish(b.heard, "one", 3, ADDR_IP4);
	heard_vanish(b.heard, "one", 2, ADDR_IP6);
	assert_int_equal(b.n_reports, 1);
	heard_vanish(b.heard, "one", 2, ADDR_IP4);
	assert_int_equal(b.n_reports, 2);
	assert_true(last_report(&b)->is_gone);
	assert_string_equal(last_report(&b)->instance, "one");
	assert_int_equal(last_report(&b)->addr.port, 7117);
	assert_int_equal(heard_count(b.heard), 0);
	bench_wipe(&b);
}

static void vanished_before_the_answer_is_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 100, 10);
	appear(&b, "soon");
	heard_vanish(b.heard, "soon", 2, ADDR_IP4);
	appear(&b, "asking");
	pass(&b, 200);
	assert_int_equal(b.n_open, 1);
	heard_vanish(b.heard, "asking", 2, ADDR_IP4);
	assert_int_equal(b.n_open, 0);
	assert_int_equal(b.n_reports, 0);
	bench_wipe(&b);
}

static void an_interface_takes_its_places_along(void **state)
{
	struct bench b;

	(void)state;
	bench_with_one(&b);
	heard_appear(b.heard, "one", 3, ADDR_IP4, false);
	pass(&b, 200);
	answer_as(last_asked(&b), "10.0.0.1:7117", 1);
	assert_int_equal(b.n_reports, 2); /* two interfaces on one link: both are told */
	heard_vanish_link(b.heard, 2);
	assert_int_equal(b.n_reports, 3);
	assert_int_equal(last_report(&b)->ifindex, 2);
	assert_int_equal(heard_count(b.heard), 1);
	bench_wipe(&b);
}

static void silence_is_asked_again_twice(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 100, 10);
	appear(&b, "mute");
	pass(&b, 200);
	for (size_t i = 1; i <= 3; i++) {
		assert_int_equal(b.n_asked, i);
		heard_silence(last_asked(&b));
		pass(&b, 100000);
	}
	assert_int_equal(b.n_asked, 3);
	assert_int_equal(b.n_reports, 0);
	appear(&b, "mute");
	pass(&b, 200);
	assert_int_equal(b.n_asked, 4);
	bench_wipe(&b);
}

static void what_does_not_answer_any_more_is_gone(void **state)
{
	struct bench b;

	(void)state;
	bench_with_one(&b);
	pass(&b, 1000);
	heard_again(b.heard, "one");
	pass(&b, 1);
	heard_silence(last_asked(&b));
	assert_int_equal(b.n_reports, 2);
	assert_true(last_report(&b)->is_gone);
	pass(&b, 20000);
	answer_as(last_asked(&b), "10.0.0.1:7117", 1);
	assert_int_equal(b.n_reports, 3);
	assert_false(last_report(&b)->is_gone);
	bench_wipe(&b);
}

static void again_asks_at_most_once_a_second(void **state)
{
	struct bench b;

	(void)state;
	bench_with_one(&b);
	for (int i = 0; i < 1000; i++) {
		heard_again(b.heard, "one");
		pass(&b, 10);
		if (b.n_open > 0)
			answer_as(last_asked(&b), "10.0.0.1:7117", 1);
	}
	assert_in_range(b.n_asked, 9, 12);
	heard_again(b.heard, "unknown");
	bench_wipe(&b);
}

static void a_bad_record_takes_back_what_was_said(void **state)
{
	struct bench b;
	struct addr a;

	(void)state;
	bench_with_one(&b);
	appear(&b, "one");
	pass(&b, 200);
	assert_int_equal(addr_parse("10.0.0.1:7117", &a), ERR_OK);
	heard_answer(last_asked(&b), &a, slice_of("\3v=2", 4));
	assert_int_equal(b.n_reports, 2);
	assert_true(last_report(&b)->is_gone);
	pass(&b, 100000);
	assert_int_equal(b.n_asked, 2);
	bench_wipe(&b);
}

static void the_oldest_is_dropped(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 10, 100);
	appear(&b, "first");
	pass(&b, 200);
	answer_as(last_asked(&b), "10.0.0.1:7117", 1);
	for (int i = 0; i < 1000; i++) {
		appear_number(&b, i);
		assert_true(heard_count(b.heard) <= 10);
	}
	assert_int_equal(b.n_reports, 2);
	assert_true(last_report(&b)->is_gone);
	assert_string_equal(last_report(&b)->instance, "first");
	bench_wipe(&b);
}

/* D2: names nobody answers for must not keep a real peer out. */
static void D2_a_flood_gives_way(void **state)
{
	struct bench b;
	uint64_t ms = 0;

	(void)state;
	bench_init(&b, 65536, 256);
	for (int i = 0; i < 1000; i++)
		appear_number(&b, i);
	appear(&b, "real");
	for (bool is_found = false; !is_found && ms < 20000; ms++) {
		pass(&b, 1);
		assert_true(b.n_open <= 256);
		for (size_t i = 0; i < b.n_asked && !is_found; i++)
			is_found =
				b.asked[i] && strcmp(b.asked[i]->instance, "real") == 0;
	}
	assert_in_range(ms, 100, 5000);
	bench_wipe(&b);
}

static void another_backend_takes_over(void **state)
{
	struct bench b;

	(void)state;
	bench_with_one(&b);
	appear(&b, "two");
	pass(&b, 200);
	answer_as(last_asked(&b), "10.0.0.2:7117", 2);
	appear(&b, "asking");
	pass(&b, 200);
	appear(&b, "soon");
	heard_fresh(b.heard);
	assert_int_equal(b.n_open, 1); /* not hushed: its backend is gone */
	assert_int_equal(heard_count(b.heard), 2);
	appear(&b, "two");
	pass(&b, 9000);
	answer_as(last_asked(&b), "10.0.0.2:7117", 2);
	assert_int_equal(b.n_reports, 2); /* nobody has left so far */
	pass(&b, 1001);
	assert_int_equal(b.n_reports, 3);
	assert_true(last_report(&b)->is_gone);
	assert_string_equal(last_report(&b)->instance, "one");
	assert_int_equal(heard_count(b.heard), 1);
	bench_wipe(&b);
}

static void a_backend_that_cannot_ask_is_tried_later(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 100, 10);
	b.is_deaf = true;
	appear(&b, "one");
	pass(&b, 200);
	assert_int_equal(b.n_asked, 0);
	b.is_deaf = false;
	pass(&b, 15000);
	assert_int_equal(b.n_asked, 1);
	bench_wipe(&b);
}

static void freed_in_every_state(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 100, 1);
	appear(&b, "asking");
	appear(&b, "waiting");
	pass(&b, 200);
	appear(&b, "soon");
	assert_int_equal(heard_count(b.heard), 3);
	bench_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_100_to_200_ms_later),
		cmocka_unit_test(an_answer_is_reported),
		cmocka_unit_test(link_local_gets_its_scope),
		cmocka_unit_test(only_changes_are_reported),
		cmocka_unit_test(heard_again_while_asking_changes_nothing),
		cmocka_unit_test(vanished_is_gone),
		cmocka_unit_test(vanished_before_the_answer_is_nothing),
		cmocka_unit_test(an_interface_takes_its_places_along),
		cmocka_unit_test(silence_is_asked_again_twice),
		cmocka_unit_test(what_does_not_answer_any_more_is_gone),
		cmocka_unit_test(again_asks_at_most_once_a_second),
		cmocka_unit_test(a_bad_record_takes_back_what_was_said),
		cmocka_unit_test(the_oldest_is_dropped),
		cmocka_unit_test(D2_a_flood_gives_way),
		cmocka_unit_test(another_backend_takes_over),
		cmocka_unit_test(a_backend_that_cannot_ask_is_tried_later),
		cmocka_unit_test(freed_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
