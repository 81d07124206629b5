/* Two nodes and up to three connections between them, in every order: what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/sim.h"

enum { LINKS = 3, TEXTS = 12 };

/* One connection: who dials, when, and how long each direction takes. */
struct plan {
	unsigned from, at_ms, out_ms, back_ms;
};

static const unsigned starts[] = {0, 30, 6000};
static const struct {
	unsigned out_ms, back_ms;
} delays[] = {{1, 1}, {1, 90}, {70, 5}};

enum { STARTS = 3, DELAYS = 3, PER_LINK = 2 * STARTS * DELAYS };

static struct plan plan_of(unsigned number)
{
	unsigned d = number / 2 / STARTS % DELAYS;
	return (struct plan){
		.from = number % 2,
		.at_ms = starts[number / 2 % STARTS],
		.out_ms = delays[d].out_ms,
		.back_ms = delays[d].back_ms,
	};
}

static void say(struct sim *s, unsigned i)
{
	char text[16];
	snprintf(text, sizeof text, "t%u", i);
	sim_say(s, 0, 1, text);
	sim_say(s, 1, 0, text);
}

static void expect_in_order(struct sim *s, unsigned i, const char *what)
{
	const struct sim_node *n = sim_node(s, i);
	char text[16];
	if (n->n_texts != TEXTS)
		fail_msg("%s: node %u was shown %u of %u", what, i, n->n_texts, TEXTS);
	for (unsigned k = 0; k < TEXTS; k++) {
		snprintf(text, sizeof text, "t%u", k);
		if (strcmp(n->texts[k], text) != 0)
			fail_msg("%s: node %u: %s comes %u.", what, i, n->texts[k], k);
	}
}

static void forget_shown(struct sim_node *n)
{
	for (unsigned k = 0; k < n->n_texts; k++)
		free(n->texts[k]);
	n->n_texts = n->n_online = n->n_offline = n->n_alarms = 0;
}

/* met: the nodes had a session before, so they hold each other's device list. */
static void run_one(struct sim *s, const unsigned number[LINKS], unsigned n, bool met)
{
	char what[128];
	snprintf(what, sizeof what, "links %u: %u %u %u%s", n, number[0], number[1],
		 number[2], met ? ", met before" : "");
	for (unsigned i = 0; i < 2; i++) {
		sim_start(s, i);
		core_listening(sim_node(s, i)->core, 0); /* nobody dials by himself */
	}
	if (met) {
		sim_dial(s, 0, 1, 1, 1);
		sim_run(s, 100);
		sim_reset(s, 0, 1);
		sim_node(s, 0)->n_online = sim_node(s, 0)->n_offline = 0;
		sim_node(s, 1)->n_online = sim_node(s, 1)->n_offline = 0;
	}
	/* what is said while nobody is known waits in no queue: meet first */
	unsigned said = 0;
	for (unsigned ms = 0; ms <= 6300; ms += 10) {
		for (unsigned k = 0; k < n; k++) {
			struct plan p = plan_of(number[k]);
			if (p.at_ms == ms)
				sim_dial(s, p.from, !p.from, p.out_ms, p.back_ms);
		}
		bool is_known =
			sim_node(s, 0)->n_online > 0 && sim_node(s, 1)->n_online > 0;
		if (is_known && said < TEXTS && (ms < 400 || ms > 5900) && ms % 40 == 0)
			say(s, said++);
		sim_run(s, 10);
	}
	while (said < TEXTS)
		say(s, said++);
	sim_run(s, 3000);
	for (unsigned i = 0; i < 2; i++) {
		if (sim_links(s, i) != 1)
			fail_msg("%s: node %u has %u links", what, i, sim_links(s, i));
		if (sim_node(s, i)->n_online != 1 || sim_node(s, i)->n_offline != 0)
			fail_msg("%s: node %u: online %u times, offline %u", what, i,
				 sim_node(s, i)->n_online, sim_node(s, i)->n_offline);
		expect_in_order(s, i, what);
	}
	for (unsigned i = 0; i < 2; i++) {
		sim_stop(s, i, true);
		forget_shown(sim_node(s, i));
	}
	sim_run(s, 200);
}

static void explore(unsigned n, unsigned step, bool met)
{
	unsigned all = 1, number[LINKS] = {0};
	struct sim *s = sim_new(77, 2);
	for (unsigned k = 0; k < n; k++)
		all *= PER_LINK;
	for (unsigned i = 0; i < all; i += step) {
		for (unsigned k = 0, rest = i; k < n; k++, rest /= PER_LINK)
			number[k] = rest % PER_LINK;
		run_one(s, number, n, met);
	}
	sim_free(s);
}

static unsigned step_for(unsigned step)
{
	return getenv("P2PMSG_SOAK") != NULL ? 1 : step;
}

static void two_links_of_strangers_leave_one(void **state)
{
	(void)state;
	explore(2, step_for(1), false);
}

static void two_links_of_acquaintances_leave_one(void **state)
{
	(void)state;
	explore(2, step_for(1), true);
}

static void three_links_of_strangers_leave_one(void **state)
{
	(void)state;
	explore(3, step_for(53), false);
}

static void three_links_of_acquaintances_leave_one(void **state)
{
	(void)state;
	explore(3, step_for(47), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_links_of_strangers_leave_one),
		cmocka_unit_test(two_links_of_acquaintances_leave_one),
		cmocka_unit_test(three_links_of_strangers_leave_one),
		cmocka_unit_test(three_links_of_acquaintances_leave_one),
	};
	return cmocka_run_group_tests_name("duplicates", tests, NULL, NULL);
}
