#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "discovery/discovery.h"
#include "discovery/fixed.h"
#include "net/resolve.h"
#include "wire/proto.h"

enum { GIVE_UP_MS = 10000, REPORTS_MAX = 16 };

/* --- a resolver that knows literals and "two.test" --- */

struct resolve {
	struct timer timer;
	char host[64];
	uint16_t port;
	void (*done)(void *ctx, enum err e, const struct addr *addrs, size_t n);
	void *ctx;
};

static const char *two_test[2];
static size_t n_resolving;

static void on_answer(void *ctx)
{
	struct resolve r = *(struct resolve *)ctx;
	struct addr addrs[2];
	size_t n = 0;

	free(ctx);
	n_resolving--;
	if (addr_parse(r.host, &addrs[0]) == ERR_OK)
		n = 1;
	for (size_t i = 0; i < 2 && strcmp(r.host, "two.test") == 0; i++)
		if (two_test[i])
			assert_int_equal(addr_parse(two_test[i], &addrs[n++]), ERR_OK);
	for (size_t i = 0; i < n; i++)
		addrs[i].port = r.port;
	r.done(r.ctx, n > 0 ? ERR_OK : ERR_UNKNOWN, addrs, n);
}

enum err resolve_start(struct loop *l, const char *host, uint16_t port,
		       void (*done)(void *ctx, enum err e, const struct addr *addrs,
				    size_t n),
		       void *ctx, struct resolve **out)
{
	struct resolve *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->host, sizeof(r->host), "%s", host);
	r->port = port;
	r->done = done;
	r->ctx = ctx;
	timer_set(loop_timers(l), &r->timer, 5, on_answer, r);
	n_resolving++;
	*out = r;
	return ERR_OK;
}

void resolve_cancel(struct resolve *r)
{
	if (!r)
		return;
	timer_stop(&r->timer);
	free(r);
	n_resolving--;
}

/* --- tests --- */

/* A loop that runs until so many reports have come. */
struct bench {
	struct loop *loop;
	struct discovery *discovery;
	struct timer give_up;
	struct sighting reports[REPORTS_MAX];
	size_t n_reports, wanted;
	char status[64];
	void (*also)(struct bench *b); /* called with every report */
};

static void on_give_up(void *ctx)
{
	loop_stop(ctx);
}

static void on_sighting(void *ctx, const struct sighting *s)
{
	struct bench *b = ctx;

	if (b->n_reports < REPORTS_MAX)
		b->reports[b->n_reports] = *s;
	if (++b->n_reports >= b->wanted)
		loop_stop(b->loop);
	if (b->also)
		b->also(b);
}

static void on_status(void *ctx, const char *backend, const char *trouble)
{
	struct bench *b = ctx;

	assert_null(trouble);
	strcpy(b->status, backend);
	loop_stop(b->loop);
}

static const struct discovery_events events = {on_sighting, on_status};

static void run(struct bench *b, uint64_t limit_ms)
{
	timer_set(loop_timers(b->loop), &b->give_up, limit_ms, on_give_up, b->loop);
	loop_run(b->loop);
	timer_stop(&b->give_up);
}

static void run_until(struct bench *b, size_t n_reports)
{
	b->wanted = n_reports;
	if (b->n_reports < n_reports)
		run(b, GIVE_UP_MS);
	assert_int_equal(b->n_reports, n_reports);
}

static void bench_init(struct bench *b)
{
	struct discovery_config cfg = {.rng = rng_system(), .mode = DISCOVERY_OFF};

	*b = (struct bench){0};
	two_test[0] = "10.0.0.1";
	two_test[1] = "10.0.0.2";
	assert_int_equal(loop_new(&b->loop), ERR_OK);
	cfg.loop = b->loop;
	assert_int_equal(discovery_start(&cfg, &events, b, &b->discovery), ERR_OK);
	b->wanted = REPORTS_MAX;
	assert_string_equal(b->status, ""); /* never from inside the call */
	run(b, GIVE_UP_MS);
	assert_string_equal(b->status, "off");
}

static void bench_wipe(struct bench *b)
{
	discovery_stop(b->discovery);
	assert_int_equal(n_resolving, 0);
	loop_free(b->loop);
}

static void a_literal_is_a_sighting(void **state)
{
	struct id32 id = {{7}};
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1:4242", &id), ERR_OK);
	assert_int_equal(b.n_reports, 0);
	run_until(&b, 1);
	assert_int_equal(b.reports[0].source, SIGHTING_FIXED);
	assert_false(b.reports[0].is_gone);
	assert_true(b.reports[0].has_id);
	assert_int_equal(b.reports[0].id.b[0], 7);
	assert_int_equal(b.reports[0].addr.port, 4242);
	assert_int_equal(b.reports[0].addr.ip[0], 192);
	assert_string_equal(b.reports[0].instance, "192.0.2.1:4242");
	bench_wipe(&b);
}

static void the_port_may_be_missing(void **state)
{
	struct bench b;

	(void)state;
	assert_int_equal(FIXED_PORT, PROTO_PORT_DEFAULT);
	assert_int_equal(FIXED_PORT_MIN, PROTO_PORT_MIN);
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "2001:db8::1", NULL), ERR_OK);
	run_until(&b, 1);
	assert_int_equal(b.reports[0].addr.port, FIXED_PORT);
	assert_int_equal(b.reports[0].addr.family, ADDR_IP6);
	assert_false(b.reports[0].has_id);
	bench_wipe(&b);
}

static void every_address_of_a_name(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test:4242", NULL), ERR_OK);
	run_until(&b, 2);
	assert_int_equal(b.reports[0].addr.ip[3], 1);
	assert_int_equal(b.reports[1].addr.ip[3], 2);
	assert_int_equal(b.reports[1].addr.port, 4242);
	bench_wipe(&b);
}

static void an_address_that_is_no_longer_there(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	run_until(&b, 2);
	two_test[0] = "10.0.0.3";
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	run_until(&b, 5);
	assert_true(b.reports[2].is_gone);
	assert_int_equal(b.reports[2].addr.ip[3], 1);
	assert_false(b.reports[3].is_gone);
	assert_int_equal(b.reports[3].addr.ip[3], 3);
	assert_int_equal(b.reports[4].addr.ip[3], 2);
	bench_wipe(&b);
}

/* A name server that is away says nothing about the peer. */
static void a_name_that_does_not_resolve_keeps_its_addresses(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	run_until(&b, 2);
	two_test[0] = two_test[1] = NULL;
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	run_until(&b, 4);
	assert_false(b.reports[2].is_gone);
	assert_false(b.reports[3].is_gone);
	bench_wipe(&b);
}

static void what_is_no_host_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  ":7117",
					  "a b",
					  "host:",
					  "host:x",
					  "host:70000",
					  "-host",
					  "a/b",
					  "[::1",
					  "[::1]:x",
					  "h\x1b[0m",
					  "h\xc3\xa4",
					  "user@host",
					  "::::",
					  "a:b:c",
					  "1:2:3:4:5:6:7:8:9",
					  "fe80::1::2",
					  "[::::]:7117",
					  "::",
					  "0.0.0.0",
					  "255.255.255.255",
					  "ff02::1",
					  "224.0.0.251",
					  "10.0.0.256",
					  "10.0.0",
					  "7117",
					  "10.0.0.1%lo",
					  "2001:db8::1%lo",
					  "bob%lo",
					  ".",
					  "a..b",
					  "bob:1023"};
	static const char *const good[] = {
		"bob",		 "bob.lan",	   "bob.lan.",
		"4you",		 "a-b_c",	   "10.0.0.1",
		"10.0.0.1:7117", "fe80::1%nope0",  "[fe80::1%nope0]:7117",
		"2001:db8::1",	 "::ffff:10.0.0.1"};
	char huge[600];
	struct bench b;

	(void)state;
	memset(huge, 'a', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	bench_init(&b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(discovery_fixed_add(b.discovery, bad[i], NULL),
				 ERR_USAGE);
		assert_int_equal(discovery_fixed_del(b.discovery, bad[i]), ERR_USAGE);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(discovery_fixed_add(b.discovery, good[i], NULL), ERR_OK);
	assert_int_equal(discovery_fixed_add(b.discovery, huge, NULL), ERR_USAGE);
	bench_wipe(&b);
}

static void forgotten_is_gone(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_del(b.discovery, "192.0.2.1"), ERR_UNKNOWN);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1", NULL), ERR_OK);
	run_until(&b, 1);
	/* The same peer, though written in another way. */
	assert_int_equal(discovery_fixed_del(b.discovery, "192.0.2.1:7117"), ERR_OK);
	assert_int_equal(discovery_fixed_del(b.discovery, "192.0.2.1:7117"), ERR_UNKNOWN);
	assert_int_equal(b.n_reports, 1);
	run_until(&b, 2);
	assert_true(b.reports[1].is_gone);
	assert_true(addr_eq(&b.reports[0].addr, &b.reports[1].addr));
	run(&b, 50);
	assert_int_equal(b.n_reports, 2);
	bench_wipe(&b);
}

static void added_twice_takes_the_new_id(void **state)
{
	struct id32 id = {{9}};
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1", NULL), ERR_OK);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1", &id), ERR_OK);
	run_until(&b, 1);
	assert_int_equal(b.reports[0].id.b[0], 9);
	run(&b, 50);
	assert_int_equal(b.n_reports, 1);
	bench_wipe(&b);
}

static void added_again_after_it_was_forgotten(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1", NULL), ERR_OK);
	run_until(&b, 1);
	assert_int_equal(discovery_fixed_del(b.discovery, "192.0.2.1"), ERR_OK);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1", NULL), ERR_OK);
	run_until(&b, 3);
	assert_true(b.reports[1].is_gone);
	assert_false(b.reports[2].is_gone);
	bench_wipe(&b);
}

static void forget_it(struct bench *b)
{
	if (b->n_reports == 1)
		assert_int_equal(discovery_fixed_del(b->discovery, "two.test"), ERR_OK);
}

static void the_owner_may_forget_from_inside(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	b.also = forget_it;
	run_until(&b, 3);
	assert_true(b.reports[1].is_gone);
	assert_true(b.reports[2].is_gone);
	run(&b, 50);
	assert_int_equal(b.n_reports, 3);
	bench_wipe(&b);
}

static void stop_all(struct bench *b)
{
	discovery_stop(b->discovery);
	b->discovery = NULL;
	b->also = NULL;
}

static void the_owner_may_stop_from_inside(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1", NULL), ERR_OK);
	b.also = stop_all;
	run(&b, 100);
	assert_int_equal(b.n_reports, 1);
	bench_wipe(&b);
}

static void stop_when_gone(struct bench *b)
{
	if (b->reports[b->n_reports - 1].is_gone)
		stop_all(b);
}

static void the_owner_may_stop_when_it_forgets(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	run_until(&b, 2);
	assert_int_equal(discovery_fixed_del(b.discovery, "two.test"), ERR_OK);
	b.also = stop_when_gone;
	b.wanted = REPORTS_MAX;
	run(&b, 100);
	assert_int_equal(b.n_reports, 3);
	bench_wipe(&b);
}

static void stopped_or_forgotten_while_resolving(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_int_equal(discovery_fixed_add(b.discovery, "two.test", NULL), ERR_OK);
	assert_int_equal(discovery_fixed_add(b.discovery, "192.0.2.1", NULL), ERR_OK);
	run(&b, 1);
	assert_int_equal(n_resolving, 2);
	assert_int_equal(discovery_fixed_del(b.discovery, "192.0.2.1"), ERR_OK);
	assert_int_equal(n_resolving, 1);
	bench_wipe(&b);
}

static int init(void **state)
{
	(void)state;
	secret_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_literal_is_a_sighting),
		cmocka_unit_test(the_port_may_be_missing),
		cmocka_unit_test(every_address_of_a_name),
		cmocka_unit_test(an_address_that_is_no_longer_there),
		cmocka_unit_test(a_name_that_does_not_resolve_keeps_its_addresses),
		cmocka_unit_test(what_is_no_host_is_refused),
		cmocka_unit_test(forgotten_is_gone),
		cmocka_unit_test(added_twice_takes_the_new_id),
		cmocka_unit_test(added_again_after_it_was_forgotten),
		cmocka_unit_test(the_owner_may_forget_from_inside),
		cmocka_unit_test(the_owner_may_stop_from_inside),
		cmocka_unit_test(the_owner_may_stop_when_it_forgets),
		cmocka_unit_test(stopped_or_forgotten_while_resolving),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
