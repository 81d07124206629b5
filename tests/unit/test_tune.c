/* tune: the rule of pacing as arithmetic, against a model of a slow link; and what is
 * done to sockets. */
#include "base/tune.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { MS = 1000 };

static uint64_t next(uint64_t rate, uint64_t rtt, uint64_t min_rtt, uint64_t delivery)
{
	const struct tune_sample s = {rtt, min_rtt, delivery};

	return tune_next_rate(rate, &s);
}

static void a_standing_queue_slows_down(void **state)
{
	(void)state;
	/* To four fifths of what is less, the rate or what arrives. */
	assert_int_equal(next(1000000, 100 * MS, 10 * MS, 2000000), 800000);
	assert_int_equal(next(2000000, 100 * MS, 10 * MS, 1000000), 800000);
	assert_int_equal(next(0, 100 * MS, 10 * MS, 1000000), 800000);
	assert_int_equal(next(1000000, 100 * MS, 10 * MS, 0), 800000);
	assert_int_equal(next(UINT64_MAX, 100 * MS, 10 * MS, 1000000), 800000);
	/* With nothing known nothing is done. */
	assert_int_equal(next(0, 100 * MS, 10 * MS, 0), 0);
}

static void up_to_25_ms_are_no_queue(void **state)
{
	(void)state;
	assert_int_equal(next(1000000, 35 * MS, 10 * MS, 500000), 1050000);
	assert_int_equal(next(1000000, 35 * MS + 1, 10 * MS, 500000), 400000);
	assert_int_equal(next(1000000, 25 * MS, 1, 2000000), 1050000);
	assert_int_equal(next(1000000, 5 * MS, 10 * MS, 500000), 1050000);
}

static void what_is_not_known_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(next(1000000, 0, 10 * MS, 500000), 1000000);
	assert_int_equal(next(1000000, 100 * MS, 0, 500000), 1000000);
	assert_int_equal(next(0, 5 * MS, 5 * MS, 500000), 0);
}

static void the_rate_stays_in_bounds(void **state)
{
	uint64_t rate = 1000000;

	(void)state;
	for (int i = 0; i < 100; i++)
		rate = next(rate, 900 * MS, 1 * MS, 1);
	assert_int_equal(rate, 32 << 10);
	assert_true(next(rate, 1 * MS, 1 * MS, 1) > rate);
	for (int i = 0; i < 2000; i++) {
		uint64_t more = next(rate, 1 * MS, 1 * MS, 1);
		assert_true(more >= rate);
		rate = more;
	}
	assert_true(rate == UINT64_MAX);
	assert_true(next(UINT64_MAX, 1 * MS, 1 * MS, 1) == UINT64_MAX);
}

/* A link of that many bytes a second with a queue in front, filled at the rate of the
 * rule from 1 s on; at first as fast as the queue takes it. */
struct model {
	uint64_t link, queue_max, queue, rate;
	uint64_t worst_us, sent;
};

static void model_tick(struct model *m)
{
	uint64_t room = m->link / 10;
	uint64_t in = m->rate == 0 ? m->queue_max : m->rate / 10;
	uint64_t all = m->queue + in, out = all < room ? all : room;

	m->queue = all - out < m->queue_max ? all - out : m->queue_max;
	m->sent += out;
	uint64_t wait_us = m->queue * 1000000 / m->link;
	if (m->worst_us < wait_us)
		m->worst_us = wait_us;
	m->rate = next(m->rate, 2 * MS + wait_us, 2 * MS, out * 10);
}

/* 20 and 100 Mbit/s with a queue of 400 ms: after 3 s the wait stays short, and most of
 * the link is used. */
static void a_slow_link_keeps_a_short_queue(void **state)
{
	static const uint64_t links[] = {20 * 1000000 / 8, 100 * 1000000 / 8,
					 1000000000 / 8};

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		struct model m = {.link = links[i], .queue_max = links[i] * 4 / 10};
		for (int t = 0; t < 30; t++)
			model_tick(&m);
		m.worst_us = m.sent = 0;
		for (int t = 0; t < 600; t++)
			model_tick(&m);
		assert_in_range(m.worst_us, 0, 60 * MS);
		assert_in_range(m.sent, m.link * 60 * 7 / 10, m.link * 60);
	}
}

/* ------------------------------------------------------------------- sockets */

static void tcp_pair(int fds[static 2])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&at, &n);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&at, sizeof(at)), 0);
	fds[1] = accept(listener, NULL, NULL);
	close(listener);
}

static int unsent_of(int fd)
{
	int v = 0;
	socklen_t n = sizeof(v);

	getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &v, &n);
	return v;
}

static void loopback_is_left_alone(void **state)
{
	struct tune t;
	int fds[2];

	(void)state;
	tcp_pair(fds);
	int before = unsent_of(fds[0]);
	tune_init(&t, fds[0]);
	assert_false(t.is_paced);
	assert_int_equal(unsent_of(fds[0]), before);
	tune_tick(&t);
	assert_int_equal(t.rate, 0);
	close(fds[0]);
	close(fds[1]);
}

static void what_is_no_tcp_is_left_alone(void **state)
{
	struct tune t;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	tune_init(&t, fds[0]);
	assert_false(t.is_paced);
	tune_tick(&t);
	t.is_paced = true;
	tune_tick(&t);
	assert_int_equal(t.rate, 0);
	close(fds[0]);
	close(fds[1]);
	tune_init(&t, -1);
	tune_tick(&t);
}

/* Forced, since there is but loopback here: without a queue the rate rises, and the
 * kernel is told. */
static void a_tick_tells_the_kernel(void **state)
{
	struct tune t = {.rate = 1000000, .is_paced = true};
	uint64_t rate = 0;
	socklen_t n = sizeof(rate);
	int fds[2];
	char byte = 1;

	(void)state;
	tcp_pair(fds);
	t.fd = fds[0];
	for (int i = 0; i < 10; i++) {
		assert_int_equal(write(fds[0], &byte, 1), 1);
		assert_int_equal(read(fds[1], &byte, 1), 1);
	}
	tune_tick(&t);
	assert_int_equal(t.rate, 1050000);
	assert_int_equal(getsockopt(fds[0], SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &n),
			 0);
	assert_int_equal(rate, 1050000);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_standing_queue_slows_down),
		cmocka_unit_test(up_to_25_ms_are_no_queue),
		cmocka_unit_test(what_is_not_known_changes_nothing),
		cmocka_unit_test(the_rate_stays_in_bounds),
		cmocka_unit_test(a_slow_link_keeps_a_short_queue),
		cmocka_unit_test(loopback_is_left_alone),
		cmocka_unit_test(what_is_no_tcp_is_left_alone),
		cmocka_unit_test(a_tick_tells_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
