#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/thread.h"

struct seen {
	atomic_int ran;
	int has_signals;
	int gate[2];
};

static void note(void *ctx)
{
	struct seen *s = ctx;
	sigset_t mask;

	sigemptyset(&mask);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	s->has_signals = !sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGINT);
	atomic_fetch_add(&s->ran, 1);
}

static void join_waits_for_the_end(void **state)
{
	struct seen s = {0};
	struct thread *t;

	(void)state;
	assert_int_equal(thread_start("a name that is too long", note, &s, &t), ERR_OK);
	thread_join(t);
	assert_int_equal(atomic_load(&s.ran), 1);
}

static void signals_stay_with_the_starter(void **state)
{
	struct seen s = {0};
	struct thread *t;
	sigset_t before, after;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(thread_start("t", note, &s, &t), ERR_OK);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	thread_join(t);
	assert_false(s.has_signals);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

static void wait_at_gate(void *ctx)
{
	struct seen *s = ctx;
	char c;

	while (read(s->gate[0], &c, 1) != 1)
		;
	atomic_fetch_add(&s->ran, 1);
}

static void detached_it_ends_by_itself(void **state)
{
	static struct seen s;
	struct thread *t;

	(void)state;
	assert_int_equal(pipe(s.gate), 0);
	assert_int_equal(thread_start("t", wait_at_gate, &s, &t), ERR_OK);
	thread_detach(t);
	assert_int_equal(atomic_load(&s.ran), 0);
	assert_int_equal(write(s.gate[1], "x", 1), 1);
	for (int i = 0; i < 500 && atomic_load(&s.ran) == 0; i++)
		usleep(10000);
	assert_int_equal(atomic_load(&s.ran), 1);
	close(s.gate[0]);
	close(s.gate[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(join_waits_for_the_end),
		cmocka_unit_test(signals_stay_with_the_starter),
		cmocka_unit_test(detached_it_ends_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
