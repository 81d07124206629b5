/* Back-pressure on one link: what does not fit, what is not read, what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

enum { FLOOD = 1200, FLOOD_BYTES = 8000 };

struct flood {
	link_id id;
	unsigned next;
	bool is_waiting;
	unsigned full;
};

static void flood_on(struct net_node *n, link_id id)
{
	struct flood *f = n->ctx;
	static uint8_t bytes[FLOOD_BYTES];

	f->is_waiting = false;
	while (f->next < FLOOD && !f->is_waiting) {
		memcpy(bytes, &f->next, sizeof(f->next));
		enum err e = net_node_send(n, id, KIND_MSG, slice_of(bytes, FLOOD_BYTES));
		f->is_waiting = e == ERR_FULL;
		f->full += e == ERR_FULL;
		assert_true(e == ERR_OK || e == ERR_FULL);
		f->next += e == ERR_OK;
	}
}

static void assert_flood_in_order(struct net_node *n)
{
	struct slice got = buf_slice(&n->got);

	assert_int_equal(got.n, (size_t)FLOOD * FLOOD_BYTES);
	for (unsigned i = 0; i < FLOOD; i++)
		assert_memory_equal(got.p + (size_t)i * FLOOD_BYTES, &i, sizeof(i));
}

static void everything_arrives_in_order_when_room_is_waited_for(void **state)
{
	struct flood f = {0};

	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	a.ctx = &f;
	a.on_room = flood_on;
	flood_on(&a, p.a);
	assert_true(f.is_waiting);
	net_node_await(&a, &b.records, FLOOD);
	assert_flood_in_order(&b);
	assert_int_equal(a.rooms, f.full);
}

static struct timer resume;

static void resume_link(void *ctx)
{
	const link_id *id = ctx;

	net_node_pause(&b, *id, false);
}

static link_id paused_id;

/* Every 100th record is one too many for a while. */
static void pause_at_times(struct net_node *n, link_id id, const struct record *r)
{
	(void)r;
	assert_false(timer_is_set(&resume));
	if (n->records % 100 != 0)
		return;
	paused_id = id;
	net_node_pause(n, id, true);
	timer_set(loop_timers(loop), &resume, 1, resume_link, &paused_id);
}

static void a_paused_link_tells_nothing_and_loses_nothing(void **state)
{
	struct flood f = {0};

	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	a.ctx = &f;
	a.on_room = flood_on;
	b.on_record = pause_at_times;
	flood_on(&a, p.a);
	net_node_await(&a, &b.records, FLOOD);
	assert_flood_in_order(&b);
	timer_stop(&resume);
}

/* Until nothing more goes out: the buffers of the kernel take a while to fill. */
static void await_standstill(const struct flood *f)
{
	unsigned sent;

	do {
		sent = f->next;
		loop_for(loop, 200);
	} while (f->next != sent);
}

static void a_paused_link_stops_the_sender(void **state)
{
	struct flood f = {0};

	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	net_node_pause(&b, p.b, true);
	a.ctx = &f;
	a.on_room = flood_on;
	flood_on(&a, p.a);
	await_standstill(&f);
	assert_true(f.is_waiting);
	assert_true(f.next < FLOOD);
	assert_int_equal(b.records, 0);
	/* And the other way is free. */
	net_node_say(&b, p.b, "wait");
	net_node_await(&a, &a.records, 1);
	net_node_pause(&b, p.b, false);
	net_node_await(&a, &b.records, FLOOD);
	assert_flood_in_order(&b);
}

static void what_waits_is_written_before_the_end(void **state)
{
	struct flood f = {0};

	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	a.ctx = &f;
	flood_on(&a, p.a);
	assert_true(f.is_waiting);
	net_node_close(&a, p.a, CODE_OK, "that was all");
	net_node_await(&a, &b.downs, 1);
	assert_int_equal(b.records, f.next);
	assert_int_equal(b.why, ERR_OK);
	assert_string_equal(b.reason, "that was all");
	assert_int_equal(a.rooms, 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(everything_arrives_in_order_when_room_is_waited_for),
		T(a_paused_link_tells_nothing_and_loses_nothing),
		T(a_paused_link_stops_the_sender),
		T(what_waits_is_written_before_the_end),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
