/* What a rogue claims of a message is kept with it, and does no harm later either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/desk.h"
#include "lib/rogue.h"

/* Ends node 0 as kill -9 does; a rogue comes back to the new one. */
static void revive(struct sim *s, struct rogue *r)
{
	rogue_hang_up(r);
	sim_stop(s, 0, true);
	sim_start(s, 0);
	sim_run(s, 100);
	rogue_dial(r, 0);
	rogue_hello(r);
}

static void answer(struct desk *d, struct rogue *r, const char *text)
{
	char id[NODE_ID_COMPACT_BYTES];
	const unsigned before = r->n_texts;
	node_id_compact(identity_node_id(r->identity), id);
	desk_ask(d, VERB_MSG, id, text, NULL, 50);
	assert_int_equal(d->status, 0);
	assert_int_equal(r->n_texts, before + 1);
}

static void M5_a_claimed_order_does_not_outlive_a_restart(void **state)
{
	(void)state;
	struct sim *s = sim_new(30, 1);
	struct rogue r;
	struct desk d;
	sim_start(s, 0);
	rogue_meet(&r, s, 31, NULL);
	for (unsigned i = 0; i < 3; i++) {
		char text[16];
		snprintf(text, sizeof text, "ahead %u", i);
		struct msg m = rogue_text(&r, 0, text);
		m.u.text.lamport = PROTO_NUMBER_MAX;
		rogue_send(&r, &m);
		revive(s, &r);
		desk_open(&d, s);
		snprintf(text, sizeof text, "answer %u", i);
		answer(&d, &r, text);
	}
	desk_ask(&d, VERB_HISTORY, NULL, NULL, NULL, 50);
	assert_string_equal(d.said,
			    "ahead 0|answer 0|ahead 1|answer 1|ahead 2|answer 2|");
	rogue_end(&r);
	sim_free(s);
}

static void M5_a_claimed_time_is_still_only_shown(void **state)
{
	(void)state;
	/* the beginning, the year 10^6, the highest number */
	static const uint64_t times[] = {0, 31494784780800000ULL, PROTO_NUMBER_MAX};
	struct sim *s = sim_new(32, 1);
	struct rogue r;
	struct desk d;
	sim_start(s, 0);
	rogue_meet(&r, s, 33, NULL);
	for (unsigned i = 0; i < 3; i++) {
		char text[16];
		snprintf(text, sizeof text, "time %u", i);
		struct msg m = rogue_text(&r, 0, text);
		m.u.text.time = times[i] < PROTO_NUMBER_MAX ? times[i] : PROTO_NUMBER_MAX;
		m.u.text.lamport = i + 1;
		rogue_send(&r, &m);
	}
	revive(s, &r);
	desk_open(&d, s);
	desk_ask(&d, VERB_HISTORY, NULL, NULL, NULL, 50);
	assert_string_equal(d.said, "time 0|time 1|time 2|");
	answer(&d, &r, "an answer");
	desk_ask(&d, VERB_HISTORY, NULL, "2", NULL, 50);
	assert_string_equal(d.said, "time 2|an answer|");
	rogue_end(&r);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M5_a_claimed_order_does_not_outlive_a_restart),
		cmocka_unit_test(M5_a_claimed_time_is_still_only_shown),
	};
	return cmocka_run_group_tests_name("kept claims", tests, NULL, NULL);
}
