/* What a trace shows of the frames of links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/loop_run.h"
#include "lib/net_node.h"

static struct loop *loop;
static struct net_node a, b;

static int setup(void **state)
{
	(void)state;
	return net_nodes_start(&loop, &a, &b);
}

static int teardown(void **state)
{
	(void)state;
	net_nodes_stop(loop, &a, &b);
	return 0;
}

static char traced[4096];

static void note_trace(struct net_node *n, link_id id, const struct chan_trace *t)
{
	size_t at = strlen(traced);

	(void)n;
	(void)id;
	assert_true(t->wire.n > 0);
	snprintf(traced + at, sizeof(traced) - at, "%c%c%.*s ", t->is_out ? '>' : '<',
		 "PHR"[t->stage], (int)t -> record.payload.n,
		 t->record.payload.n > 0 ? (const char *)t->record.payload.p : "");
}

static void a_trace_of_all_links_shows_each_frame(void **state)
{
	(void)state;
	traced[0] = '\0';
	a.on_trace = note_trace;
	net_link_ops()->trace(a.net, 0, true);
	struct net_link_pair p = net_node_connect(&a, &b);
	assert_string_equal(traced, ">P >H <H >H ");
	a.in_call++;
	net_node_say(&a, p.a, "one");
	a.in_call--;
	assert_string_equal(traced, ">P >H <H >H ");
	net_node_await(&a, &b.records, 1);
	net_node_say(&b, p.b, "two");
	net_node_await(&a, &a.records, 1);
	loop_for(loop, 5);
	assert_string_equal(traced, ">P >H <H >H >Rone <Rtwo ");
	net_link_ops()->trace(a.net, 0, false);
	net_node_say(&a, p.a, "three");
	net_node_await(&a, &b.records, 2);
	assert_string_equal(traced, ">P >H <H >H >Rone <Rtwo ");
}

static void a_trace_of_one_link_shows_that_one(void **state)
{
	(void)state;
	traced[0] = '\0';
	a.on_trace = note_trace;
	struct net_link_pair p = net_node_connect(&a, &b), q = net_node_connect(&a, &b);
	net_link_ops()->trace(a.net, q.a, true);
	net_node_say(&a, p.a, "p");
	net_node_say(&a, q.a, "q");
	net_node_await(&a, &b.records, 2);
	assert_string_equal(traced, ">Rq ");
	/* All on and off again leaves it as it was. */
	net_link_ops()->trace(a.net, 0, true);
	net_link_ops()->trace(a.net, 0, false);
	net_node_say(&a, p.a, "p");
	net_node_say(&a, q.a, "q");
	net_node_await(&a, &b.records, 4);
	assert_string_equal(traced, ">Rq >Rq ");
	net_link_ops()->trace(a.net, q.a, false);
	net_node_say(&a, q.a, "q");
	net_node_await(&a, &b.records, 5);
	assert_string_equal(traced, ">Rq >Rq ");
}

static void a_flood_of_traces_is_bounded(void **state)
{
	(void)state;
	net_link_ops()->trace(a.net, 0, true);
	struct net_link_pair p = net_node_connect(&a, &b);
	unsigned before = a.traces, sent = 0;
	while (sent < 10000 && net_node_send(&a, p.a, KIND_MSG, slice_str("x")) == ERR_OK)
		sent++;
	loop_for(loop, 20);
	assert_true(sent > 1000);
	assert_true(a.traces - before >= 1000);
	assert_true(a.traces - before <= 4096);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_trace_of_all_links_shows_each_frame),
		T(a_trace_of_one_link_shows_that_one),
		T(a_flood_of_traces_is_bounded),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
