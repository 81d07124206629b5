#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/loop_run.h"
#include "net/io.h"
#include "net/loop.h"

static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	return loop_new(&loop) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

/* What happened, a letter each. */
static char seen[64];

static void note(char what)
{
	size_t n = strlen(seen);

	if (n + 1 < sizeof(seen))
		seen[n] = what;
}

static void start_over(void)
{
	memset(seen, 0, sizeof(seen));
}

/* A context that notes a letter. */
#define LETTER(text) ((void *)(uintptr_t)(text))

static void note_ctx(void *ctx)
{
	note(*(const char *)ctx);
}

static void note_and_stop(void *ctx)
{
	note_ctx(ctx);
	loop_stop(loop);
}

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

/* ------------------------------------------------------------------ timers */

static void timers_fire_in_order_and_not_early(void **state)
{
	struct timer a = {0}, b = {0}, c = {0};
	uint64_t start = now_ms();

	(void)state;
	start_over();
	timer_set(loop_timers(loop), &c, 60, note_and_stop, LETTER("c"));
	timer_set(loop_timers(loop), &a, 0, note_ctx, LETTER("a"));
	timer_set(loop_timers(loop), &b, 20, note_ctx, LETTER("b"));
	loop_run(loop);
	assert_string_equal(seen, "abc");
	assert_in_range(now_ms() - start, 60, 2000);
}

static struct timer chained;

static void set_chained(void *ctx)
{
	timer_set(loop_timers(loop), &chained, 0, note_and_stop, LETTER("2"));
	note_ctx(ctx);
}

static void a_timer_set_by_a_timer_does_not_wait_for_something_else(void **state)
{
	struct timer first = {0};
	uint64_t start = now_ms();

	(void)state;
	start_over();
	timer_set(loop_timers(loop), &first, 0, set_chained, LETTER("1"));
	loop_run(loop);
	assert_string_equal(seen, "12");
	assert_true(now_ms() - start < 2000);
}

static void set_chained_once(void *ctx)
{
	if (strchr(seen, '1') == NULL)
		set_chained(ctx);
}

static void a_timer_set_by_a_hook_is_not_slept_over(void **state)
{
	struct loop_tick tick;
	uint64_t start = now_ms();

	(void)state;
	start_over();
	loop_tick_add(loop, &tick, set_chained_once, LETTER("1"));
	loop_run(loop);
	loop_tick_del(&tick);
	assert_string_equal(seen, "12");
	assert_true(now_ms() - start < 2000);
}

/* ------------------------------------------------------------------- hooks */

static void hooks_run_in_order_after_a_timer(void **state)
{
	struct loop_tick a, b;
	struct timer t = {0};

	(void)state;
	loop_tick_add(loop, &a, note_ctx, LETTER("a"));
	loop_tick_add(loop, &b, note_ctx, LETTER("b"));
	timer_set(loop_timers(loop), &t, 0, note_and_stop, LETTER("t"));
	start_over();
	loop_run(loop);
	loop_tick_del(&a);
	loop_tick_del(&b);
	/* Once before it slept, again after the timer, and again after the look at the
	 * descriptors. */
	assert_memory_equal(strchr(seen, 't'), "tab", 3);
}

static int pipe_fds[2];

static void drain_and_note(void *ctx)
{
	char c;

	assert_int_equal(read(pipe_fds[0], &c, 1), 1);
	note_ctx(ctx);
}

static int n_after_input;

static void count_after_input(void *ctx)
{
	(void)ctx;
	if (strchr(seen, 'i') != NULL && ++n_after_input == 1)
		loop_stop(loop);
}

static void hooks_run_after_input_without_another_wake_up(void **state)
{
	struct loop_watch *w;
	struct loop_tick tick;
	uint64_t start = now_ms();

	(void)state;
	start_over();
	n_after_input = 0;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(
		loop_watch_start(loop, pipe_fds[0], drain_and_note, LETTER("i"), &w),
		ERR_OK);
	loop_tick_add(loop, &tick, count_after_input, NULL);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	loop_run(loop);
	assert_true(n_after_input >= 1);
	assert_true(now_ms() - start < 2000);
	loop_tick_del(&tick);
	loop_watch_stop(w);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static struct timer after_input;

/* Takes so long that the timer is due when it returns. */
static void drain_slowly(void *ctx)
{
	drain_and_note(ctx);
	while (timers_wait(loop_timers(loop)) > 0)
		;
}

static void what_input_collects_goes_before_timers_have_their_turn(void **state)
{
	struct loop_watch *w;
	struct loop_tick tick;

	(void)state;
	start_over();
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(
		loop_watch_start(loop, pipe_fds[0], drain_slowly, LETTER("i"), &w),
		ERR_OK);
	timer_set(loop_timers(loop), &after_input, 20, note_and_stop, LETTER("t"));
	loop_tick_add(loop, &tick, note_ctx, LETTER("h"));
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	loop_run(loop);
	assert_memory_equal(strchr(seen, 'i'), "ih", 2);
	loop_tick_del(&tick);
	loop_watch_stop(w);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* The first collects nothing until the second has given it something. */
static int given, taken;

static void take(void *ctx)
{
	(void)ctx;
	taken += given;
	if (given > 0)
		loop_stop(loop);
	given = 0;
}

static void give_once(void *ctx)
{
	(void)ctx;
	if (taken == 0) {
		given = 1;
		loop_again(loop);
	}
}

static void what_a_later_hook_gives_an_earlier_one_is_taken_before_sleeping(void **state)
{
	struct loop_tick a, b;
	uint64_t start = now_ms();

	(void)state;
	given = taken = 0;
	loop_tick_add(loop, &a, take, NULL);
	loop_tick_add(loop, &b, give_once, NULL);
	loop_run(loop);
	loop_tick_del(&a);
	loop_tick_del(&b);
	assert_int_equal(taken, 1);
	assert_true(now_ms() - start < 2000);
}

static void always_again(void *ctx)
{
	(void)ctx;
	loop_again(loop);
}

static void hooks_that_keep_each_other_busy_keep_nothing_waiting(void **state)
{
	struct loop_tick tick;

	(void)state;
	loop_tick_add(loop, &tick, always_again, NULL);
	loop_for(loop, 20);
	loop_tick_del(&tick);
}

static struct loop_tick victims[3];

static void delete_neighbours(void *ctx)
{
	note_ctx(ctx);
	loop_tick_del(&victims[0]);
	loop_tick_del(&victims[2]);
	loop_stop(loop);
}

static void a_hook_may_delete_those_before_and_behind_it(void **state)
{
	(void)state;
	start_over();
	loop_tick_add(loop, &victims[0], note_ctx, LETTER("a"));
	loop_tick_add(loop, &victims[1], delete_neighbours, LETTER("b"));
	loop_tick_add(loop, &victims[2], note_ctx, LETTER("c"));
	loop_run(loop);
	loop_tick_del(&victims[1]);
	assert_memory_equal(seen, "ab", 2);
	assert_null(strchr(seen, 'c'));
	assert_ptr_equal(strchr(seen, 'a'), strrchr(seen, 'a'));
}

/* ----------------------------------------------------------------- watches */

static struct loop_watch *own_watch;

static void stop_itself(void *ctx)
{
	note_ctx(ctx);
	loop_watch_stop(own_watch);
	own_watch = NULL;
}

static void a_watch_may_stop_itself(void **state)
{
	(void)state;
	start_over();
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(
		loop_watch_start(loop, pipe_fds[0], stop_itself, LETTER("w"), &own_watch),
		ERR_OK);
	assert_int_equal(write(pipe_fds[1], "xy", 2), 2);
	loop_for(loop, 30);
	assert_string_equal(seen, "w");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void a_watch_leaves_the_descriptor_blocking_as_it_was(void **state)
{
	struct loop_watch *w;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(loop_watch_start(loop, pipe_fds[0], note_ctx, LETTER("w"), &w),
			 ERR_OK);
	assert_int_equal(fcntl(pipe_fds[0], F_GETFL) & O_NONBLOCK, 0);
	loop_watch_stop(w);
	assert_int_equal(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(loop_watch_start(loop, pipe_fds[0], note_ctx, LETTER("w"), &w),
			 ERR_OK);
	assert_int_equal(fcntl(pipe_fds[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	loop_watch_stop(w);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	struct loop_watch *w, *twice;
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(loop_watch_start(loop, fd, note_ctx, LETTER("w"), &w), ERR_PERM);
	assert_null(w);
	close(fd);
	assert_int_not_equal(loop_watch_start(loop, fd, note_ctx, LETTER("w"), &w),
			     ERR_OK);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(loop_watch_start(loop, pipe_fds[0], note_ctx, LETTER("w"), &w),
			 ERR_OK);
	assert_int_equal(
		loop_watch_start(loop, pipe_fds[0], note_ctx, LETTER("w"), &twice),
		ERR_IN_USE);
	loop_watch_stop(w);
	loop_watch_stop(NULL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void a_watch_hears_the_end_of_its_pipe(void **state)
{
	(void)state;
	start_over();
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(
		loop_watch_start(loop, pipe_fds[0], stop_itself, LETTER("e"), &own_watch),
		ERR_OK);
	close(pipe_fds[1]);
	loop_for(loop, 30);
	assert_string_equal(seen, "e");
	close(pipe_fds[0]);
}

/* ----------------------------------------------------------- signals, work */

static void note_signal(void *ctx, int signum)
{
	assert_int_equal(signum, SIGUSR1);
	note_and_stop(ctx);
}

static void a_signal_comes_on_the_loop(void **state)
{
	struct loop_signal *s;

	(void)state;
	start_over();
	assert_int_equal(loop_signal_start(loop, SIGUSR1, note_signal, LETTER("s"), &s),
			 ERR_OK);
	raise(SIGUSR1);
	assert_string_equal(seen, "");
	loop_run(loop);
	assert_string_equal(seen, "s");
	loop_signal_stop(s);
	loop_signal_stop(NULL);
	assert_int_equal(loop_signal_start(loop, SIGKILL, note_signal, LETTER("s"), &s),
			 ERR_IO);
	assert_null(s);
}

static void a_broken_pipe_is_an_error_and_no_end(void **state)
{
	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	close(pipe_fds[0]);
	assert_int_equal(write(pipe_fds[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(pipe_fds[1]);
}

static pthread_t worker;

static void remember_thread(void *ctx)
{
	(void)ctx;
	worker = pthread_self();
}

static void work_is_done_elsewhere_and_told_here(void **state)
{
	(void)state;
	start_over();
	worker = pthread_self();
	loop_work_start(loop, remember_thread, note_and_stop, LETTER("d"));
	assert_string_equal(seen, "");
	loop_run(loop);
	assert_string_equal(seen, "d");
	assert_false(pthread_equal(worker, pthread_self()));
}

/* ------------------------------------------------------------------- sleep */

static void an_idle_loop_uses_no_time(void **state)
{
	struct rusage before, after;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	loop_for(loop, 300);
	getrusage(RUSAGE_SELF, &after);
	struct timeval used;
	timersub(&after.ru_utime, &before.ru_utime, &used);
	assert_int_equal(used.tv_sec, 0);
	assert_true(used.tv_usec < 100 * 1000);
}

static void a_loop_runs_again_after_a_stop(void **state)
{
	struct timer t = {0};

	(void)state;
	start_over();
	for (int i = 0; i < 3; i++) {
		timer_set(loop_timers(loop), &t, 1, note_and_stop, LETTER("r"));
		loop_run(loop);
	}
	assert_string_equal(seen, "rrr");
	loop_free(NULL);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(timers_fire_in_order_and_not_early),
		T(a_timer_set_by_a_timer_does_not_wait_for_something_else),
		T(a_timer_set_by_a_hook_is_not_slept_over),
		T(hooks_run_in_order_after_a_timer),
		T(hooks_run_after_input_without_another_wake_up),
		T(what_input_collects_goes_before_timers_have_their_turn),
		T(what_a_later_hook_gives_an_earlier_one_is_taken_before_sleeping),
		T(hooks_that_keep_each_other_busy_keep_nothing_waiting),
		T(a_hook_may_delete_those_before_and_behind_it),
		T(a_watch_may_stop_itself),
		T(a_watch_leaves_the_descriptor_blocking_as_it_was),
		T(what_cannot_be_watched_is_refused),
		T(a_watch_hears_the_end_of_its_pipe),
		T(a_signal_comes_on_the_loop),
		T(a_broken_pipe_is_an_error_and_no_end),
		T(work_is_done_elsewhere_and_told_here),
		T(an_idle_loop_uses_no_time),
		T(a_loop_runs_again_after_a_stop),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
