#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/loop_run.h"
#include "lib/ownnet.h"
#include "net/resolve.h"

static struct loop *loop;
static unsigned n_done;
static enum err result;
static struct addr found[16];
static size_t n_found;

static void on_done(void *ctx, enum err e, const struct addr *addrs, size_t n)
{
	assert_ptr_equal(ctx, &loop);
	assert_in_range(n, 0, 16);
	n_done++;
	result = e;
	n_found = n;
	if (n > 0)
		memcpy(found, addrs, n * sizeof(*addrs));
}

static bool is_done(void *ctx)
{
	(void)ctx;
	return n_done > 0;
}

static int setup(void **state)
{
	(void)state;
	n_done = 0;
	result = ERR_BUG;
	return loop_new(&loop) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void ask(const char *host)
{
	struct resolve *r;

	n_done = 0;
	assert_int_equal(resolve_start(loop, host, 7117, on_done, &loop, &r), ERR_OK);
	assert_int_equal(n_done, 0);
	assert_true(loop_until(loop, is_done, NULL, 5000));
	loop_for(loop, 5);
	assert_int_equal(n_done, 1);
}

static void literals_are_answered(void **state)
{
	struct addr want;

	(void)state;
	ask("192.0.2.1");
	assert_int_equal(result, ERR_OK);
	assert_int_equal(n_found, 1);
	assert_int_equal(addr_parse("192.0.2.1:7117", &want), ERR_OK);
	assert_true(addr_eq(&found[0], &want));
	ask("2001:db8::1");
	assert_int_equal(result, ERR_OK);
	assert_int_equal(addr_parse("[2001:db8::1]:7117", &want), ERR_OK);
	assert_true(addr_eq(&found[0], &want));
}

static void localhost_is_here(void **state)
{
	(void)state;
	ask("localhost");
	assert_int_equal(result, ERR_OK);
	assert_true(n_found >= 1);
	for (size_t i = 0; i < n_found; i++) {
		assert_true(addr_is_loopback(&found[i]));
		assert_int_equal(found[i].port, 7117);
	}
}

/* No server is asked for a label of 64 bytes: it can be none. */
static void a_name_that_cannot_be_is_unknown(void **state)
{
	char name[80] = {0};

	(void)state;
	memset(name, 'x', 64);
	ask(name);
	assert_int_equal(result, ERR_UNKNOWN);
	assert_int_equal(n_found, 0);
}

static void a_cancelled_question_is_not_answered(void **state)
{
	struct resolve *r;

	(void)state;
	assert_int_equal(resolve_start(loop, "localhost", 1, on_done, &loop, &r), ERR_OK);
	resolve_cancel(r);
	assert_int_equal(resolve_start(loop, "127.0.0.1", 1, on_done, &loop, &r), ERR_OK);
	resolve_cancel(r);
	resolve_cancel(NULL);
	loop_for(loop, 100);
	assert_int_equal(n_done, 0);
}

enum { WRONG = 4 };

/* Where no server can be reached, it takes as long as it takes; nobody waits for it. */
static void ask_nobody(void *ctx)
{
	struct resolve *r;
	uint64_t start = clock_mono_ms(clock_system());

	if (setup(ctx) != 0 ||
	    resolve_start(loop, "nobody.example", 1, on_done, &loop, &r) != ERR_OK)
		_exit(WRONG);
	loop_for(loop, 10);
	if (n_done == 0)
		resolve_cancel(r);
	else if (result == ERR_OK)
		_exit(WRONG);
	loop_free(loop);
	if (clock_mono_ms(clock_system()) - start > 2000)
		_exit(WRONG);
}

static void the_end_waits_for_no_answer(void **state)
{
	assert_true(ownnet_fork(ask_nobody, state));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(literals_are_answered),
		T(localhost_is_here),
		T(a_name_that_cannot_be_is_unknown),
		T(a_cancelled_question_is_not_answered),
		T(the_end_waits_for_no_answer),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
