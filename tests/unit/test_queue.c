#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/queue.h"
#include "lib/child.h"

static struct queue *make(size_t max)
{
	struct queue *q;

	assert_int_equal(queue_new(max, &q), ERR_OK);
	return q;
}

/* Numbers as items: never read through. */
static void *item(size_t v)
{
	return (void *)(uintptr_t)(v + 1);
}

static bool is_readable(const struct queue *q)
{
	struct pollfd p = {.fd = queue_fd(q), .events = POLLIN};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

static void what_goes_in_first_comes_out_first(void **state)
{
	struct queue *q = make(5000);
	size_t in = 0, out = 0;

	(void)state;
	assert_null(queue_take(q));
	for (size_t round = 0; round < 1000; round++) {
		for (size_t n = round % 7; n > 0; n--)
			assert_int_equal(queue_put(q, item(in++)), ERR_OK);
		for (size_t n = round % 5; n > 0 && out < in; n--)
			assert_ptr_equal(queue_take(q), item(out++));
	}
	while (out < in)
		assert_ptr_equal(queue_take(q), item(out++));
	assert_null(queue_take(q));
	queue_free(q, NULL);
}

static void the_descriptor_says_whether_there_is_something(void **state)
{
	struct queue *q = make(100);

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_false(is_readable(q));
		for (size_t i = 0; i < 40; i++) {
			queue_put(q, item(i));
			assert_true(is_readable(q));
		}
		for (size_t i = 0; i < 40; i++) {
			assert_true(is_readable(q));
			queue_take(q);
		}
		assert_false(is_readable(q));
		assert_null(queue_take(q));
		assert_false(is_readable(q));
	}
	queue_free(q, NULL);
}

static void it_is_full_at_its_maximum(void **state)
{
	(void)state;
	for (size_t max = 0; max < 70; max++) {
		struct queue *q = make(max);
		for (size_t i = 0; i < max; i++)
			assert_int_equal(queue_put(q, item(i)), ERR_OK);
		assert_int_equal(queue_put(q, item(max)), ERR_FULL);
		if (max > 0) {
			assert_ptr_equal(queue_take(q), item(0));
			assert_int_equal(queue_put(q, item(max)), ERR_OK);
			assert_int_equal(queue_put(q, item(max)), ERR_FULL);
		}
		for (size_t i = 1; i < max + 1 && max > 0; i++)
			assert_ptr_equal(queue_take(q), item(i));
		queue_free(q, NULL);
	}
}

static void after_closing_nothing_goes_in(void **state)
{
	struct queue *q = make(10);

	(void)state;
	queue_put(q, item(0));
	queue_close(q);
	queue_close(q);
	assert_int_equal(queue_put(q, item(1)), ERR_FULL);
	assert_int_equal(queue_put_wait(q, item(1)), ERR_FULL);
	assert_ptr_equal(queue_take(q), item(0)); /* what is in comes out */
	assert_null(queue_take(q));
	queue_free(q, NULL);
}

static size_t n_dropped;

static void drop(void *p)
{
	n_dropped++;
	mem_free(p);
}

static void items_left_are_dropped(void **state)
{
	struct queue *q = make(10);

	(void)state;
	n_dropped = 0;
	for (int i = 0; i < 7; i++)
		queue_put(q, mem_new(8));
	mem_free(queue_take(q));
	queue_free(q, drop);
	assert_int_equal(n_dropped, 6);
	queue_free(NULL, drop);
	queue_free(make(1), drop);
	assert_int_equal(n_dropped, 6);
}

static void make_without_descriptors(void *ctx)
{
	const struct rlimit limit = {3, 3};
	struct queue *q;

	(void)ctx;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (dup(0) >= 0)
		;
	_exit(queue_new(1, &q) == ERR_IO && q == NULL ? 0 : 1);
}

static void without_descriptors_there_is_none(void **state)
{
	(void)state;
	assert_int_equal(child_run(make_without_descriptors, NULL), 0);
}

/* ---- threads ---- */

enum { PUTTERS = 4, EACH = 20000 };

struct putter {
	struct queue *q;
	size_t number;
	enum err last;
	pthread_t thread;
};

static void *put_many(void *ctx)
{
	struct putter *p = ctx;

	for (size_t i = 0; i < EACH; i++)
		p->last = queue_put_wait(p->q, item(p->number * EACH + i));
	return NULL;
}

static void start(struct putter *p, void *(*fn)(void *ctx))
{
	assert_int_equal(pthread_create(&p->thread, NULL, fn, p), 0);
}

/* Sleeps on the descriptor and takes until there is nothing: a wake-up that is lost
 * lets it sleep for ever. */
static void nothing_is_lost_between_threads(void **state)
{
	struct queue *q = make(64);
	struct putter putters[PUTTERS];
	size_t next[PUTTERS] = {0}, total = 0;

	(void)state;
	for (size_t i = 0; i < PUTTERS; i++) {
		putters[i] = (struct putter){.q = q, .number = i};
		start(&putters[i], put_many);
	}
	while (total < (size_t)PUTTERS * EACH) {
		struct pollfd p = {.fd = queue_fd(q), .events = POLLIN};
		assert_int_equal(poll(&p, 1, 10000), 1);
		for (void *v; (v = queue_take(q)) != NULL; total++) {
			size_t n = (uintptr_t)v - 1;
			/* In the order in which each of them put. */
			assert_int_equal(n % EACH, next[n / EACH]++);
		}
	}
	for (size_t i = 0; i < PUTTERS; i++) {
		pthread_join(putters[i].thread, NULL);
		assert_int_equal(putters[i].last, ERR_OK);
		assert_int_equal(next[i], EACH);
	}
	assert_false(is_readable(q));
	queue_free(q, NULL);
}

static void *put_one(void *ctx)
{
	struct putter *p = ctx;

	p->last = queue_put_wait(p->q, item(p->number));
	return NULL;
}

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static void a_waiting_put_goes_on_when_there_is_room(void **state)
{
	struct queue *q = make(1);
	struct putter p = {.q = q, .number = 7, .last = ERR_BUG};

	(void)state;
	queue_put(q, item(0));
	start(&p, put_one);
	pause_a_little();
	assert_ptr_equal(queue_take(q), item(0));
	pthread_join(p.thread, NULL);
	assert_int_equal(p.last, ERR_OK);
	assert_ptr_equal(queue_take(q), item(7));
	queue_free(q, NULL);
}

static void closing_frees_every_waiting_put(void **state)
{
	struct queue *q = make(1);
	struct putter p[3];

	(void)state;
	queue_put(q, item(0));
	for (size_t i = 0; i < 3; i++) {
		p[i] = (struct putter){.q = q, .number = i, .last = ERR_BUG};
		start(&p[i], put_one);
	}
	pause_a_little();
	queue_close(q);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(p[i].thread, NULL);
		assert_int_equal(p[i].last, ERR_FULL);
	}
	assert_ptr_equal(queue_take(q), item(0));
	assert_null(queue_take(q));
	queue_free(q, NULL);
}

#ifdef DEBUG
static void free_with_items(void *ctx)
{
	struct queue *q = make(1);

	(void)ctx;
	queue_put(q, item(0));
	queue_free(q, NULL);
}

static void items_may_not_be_forgotten(void **state)
{
	(void)state;
	assert_true(child_aborts(free_with_items, NULL));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_first_comes_out_first),
		cmocka_unit_test(the_descriptor_says_whether_there_is_something),
		cmocka_unit_test(it_is_full_at_its_maximum),
		cmocka_unit_test(after_closing_nothing_goes_in),
		cmocka_unit_test(items_left_are_dropped),
		cmocka_unit_test(without_descriptors_there_is_none),
		cmocka_unit_test(nothing_is_lost_between_threads),
		cmocka_unit_test(a_waiting_put_goes_on_when_there_is_room),
		cmocka_unit_test(closing_frees_every_waiting_put),
#ifdef DEBUG
		cmocka_unit_test(items_may_not_be_forgotten),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
