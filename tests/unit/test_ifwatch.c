#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/loop_run.h"
#include "lib/ownnet.h"
#include "lib/skip.h"
#include "net/ifwatch.h"

static struct loop *loop;
static struct ifwatch *watch;
static unsigned n_changes;

static void on_change(void *ctx, const struct ifaces *ifs)
{
	assert_ptr_equal(ctx, &loop);
	assert_non_null(ifs);
	n_changes++;
	if (watch != NULL)
		assert_ptr_equal(ifwatch_get(watch), ifs);
}

static int setup(void **state)
{
	(void)state;
	n_changes = 0;
	watch = NULL;
	return loop_new(&loop) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	ifwatch_stop(watch);
	loop_free(loop);
	return 0;
}

static const struct iface *by_name(const char *name)
{
	const struct ifaces *ifs = ifwatch_get(watch);

	for (size_t i = 0; i < ifs->n; i++) {
		if (strcmp(ifs->v[i].name, name) == 0)
			return &ifs->v[i];
	}
	return NULL;
}

static void the_present_state_is_told_once(void **state)
{
	(void)state;
	assert_int_equal(ifwatch_start(loop, on_change, &loop, &watch), ERR_OK);
	assert_int_equal(n_changes, 0);
	assert_non_null(by_name("lo"));
	loop_for(loop, 20);
	assert_int_equal(n_changes, 1);
	loop_for(loop, 300);
	assert_int_equal(n_changes, 1);
	ifwatch_stop(NULL);
}

static void stop_before_the_first_telling_is_silent(void **state)
{
	(void)state;
	assert_int_equal(ifwatch_start(loop, on_change, &loop, &watch), ERR_OK);
	ifwatch_stop(watch);
	watch = NULL;
	loop_for(loop, 20);
	assert_int_equal(n_changes, 0);
}

/* Below in a namespace, in a process of its own: the status says which line failed. */
#define NEED(what) \
	do { \
		if (!(what)) \
			_exit(10 + __COUNTER__); \
	} while (0)

static void start_there(void *ctx)
{
	NEED(setup(ctx) == 0);
	NEED(ifwatch_start(loop, on_change, &loop, &watch) == ERR_OK);
	loop_for(loop, 20);
	NEED(n_changes == 1);
}

static void change_addresses(void *ctx)
{
	start_there(ctx);
	NEED(by_name("lo")->n_addrs >= 1);
	size_t before = by_name("lo")->n_addrs;
	/* Many changes are told once, when they have come to rest. */
	NEED(ownnet_run("ip addr add 127.1.2.3/8 dev lo"));
	loop_for(loop, 100);
	NEED(ownnet_run("ip addr add 127.1.2.4/8 dev lo"));
	loop_for(loop, 120);
	NEED(n_changes == 1);
	loop_for(loop, 150);
	NEED(n_changes == 2);
	NEED(by_name("lo")->n_addrs == before + 2);
	NEED(ownnet_link_set("lo", false));
	loop_for(loop, 300);
	NEED(n_changes == 3);
	NEED(!by_name("lo")->is_up);
	/* What is as before is not told. */
	NEED(ownnet_run(
		"ip addr add 127.1.2.5/8 dev lo; ip addr del 127.1.2.5/8 dev lo"));
	loop_for(loop, 300);
	NEED(n_changes == 3);
	NEED(ownnet_run("ip link add p2ptest0 type veth peer name p2ptest1"));
	loop_for(loop, 300);
	NEED(n_changes == 4);
	NEED(by_name("p2ptest0") != NULL);
	ifwatch_stop(watch);
	loop_free(loop);
}

static void changes_are_told_when_they_have_come_to_rest(void **state)
{
	if (!ownnet_run("ip link show lo >/dev/null 2>&1"))
		skip_because("no program ip");
	assert_true(ownnet_fork(change_addresses, state));
}

static void flap(void *ctx)
{
	start_there(ctx);
	for (int i = 0; i < 24 && n_changes == 1; i++) {
		char command[64];
		snprintf(command, sizeof(command), "ip addr add 127.1.2.%d/8 dev lo",
			 i + 1);
		NEED(ownnet_run("%s", command));
		loop_for(loop, 100);
	}
	NEED(n_changes > 1);
	ifwatch_stop(watch);
	loop_free(loop);
}

static void what_never_rests_is_told_all_the_same(void **state)
{
	if (!ownnet_run("ip link show lo >/dev/null 2>&1"))
		skip_because("no program ip");
	assert_true(ownnet_fork(flap, state));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_present_state_is_told_once),
		T(stop_before_the_first_telling_is_silent),
		T(changes_are_told_when_they_have_come_to_rest),
		T(what_never_rests_is_told_all_the_same),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
