/* N3, N4: strangers that dawdle, and strangers that talk nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/chan_socket.h"
#include "lib/knock.h"
#include "lib/loop_run.h"

static struct loop *loop;
static struct net_node node;

static int setup(void **state)
{
	struct net_limits limits = net_node_limits();

	(void)state;
	/* For the five seconds of a handshake: one. */
	limits.handshake_s = 1;
	if (loop_new(&loop) != ERR_OK)
		return -1;
	net_node_init(&node, loop, 1, &limits);
	net_node_listen(&node);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_node_wipe(&node);
	loop_free(loop);
	return 0;
}

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

static bool has_closed_all(void *ctx)
{
	(void)ctx;
	return net_node_counts(&node).links == 0;
}

/* ----------------------------------------------------------------------- N3 */

/* Says one byte of bytes every 100 ms, after some at once. */
struct dawdler {
	struct chan_socket *s;
	struct slice bytes;
	struct timer timer;
	uint64_t closed_ms;
};

static void dawdle(void *ctx)
{
	struct dawdler *d = ctx;

	if (d->closed_ms != 0)
		return;
	if (knock_is_closed(d->s->fd)) {
		d->closed_ms = now_ms();
		return;
	}
	if (d->bytes.n > 0) {
		send(d->s->fd, d->bytes.p, 1, MSG_NOSIGNAL);
		d->bytes = slice_of(d->bytes.p + 1, d->bytes.n - 1);
	}
	timer_set(loop_timers(loop), &d->timer, 100, dawdle, d);
}

enum stage { IN_PREAMBLE, IN_LENGTH, IN_MSG1, IN_MSG3, SILENT, STAGES };

static void start_dawdling(struct dawdler *d, struct chan_socket *s, enum stage stage)
{
	static const size_t said_at_once[STAGES] = {0, 12, 20, 5, 0};

	chan_socket_init(s, &node, 2 + stage);
	d->s = s;
	if (stage == IN_MSG3) {
		chan_socket_say(s);
		chan_socket_meet(s);
	}
	d->bytes = chan_out(s->chan);
	size_t n = said_at_once[stage];
	chan_socket_say_raw(s, d->bytes.p, n);
	d->bytes = stage == SILENT ? slice_of(NULL, 0)
				   : slice_of(d->bytes.p + n, d->bytes.n - n);
	timer_set(loop_timers(loop), &d->timer, 100, dawdle, d);
}

static void N3_who_dawdles_is_ended_in_time(void **state)
{
	struct dawdler d[STAGES] = {0};
	struct chan_socket s[STAGES];

	(void)state;
	uint64_t start = now_ms();
	for (int i = 0; i < STAGES; i++)
		start_dawdling(&d[i], &s[i], (enum stage)i);
	loop_for(loop, 900);
	assert_int_equal(net_node_counts(&node).half_open, STAGES);
	loop_for(loop, 500);
	assert_int_equal(net_node_counts(&node).links, 0);
	assert_int_equal(net_node_counts(&node).failed_handshakes, STAGES);
	assert_int_equal(node.peers + node.downs, 0);
	for (int i = 0; i < STAGES; i++) {
		assert_in_range(d[i].closed_ms - start, 900, 1400);
		timer_stop(&d[i].timer);
		chan_socket_wipe(&s[i]);
	}
}

/* Net has no deadline for a record: core's idle time ends it. */
static void N3_half_a_record_disturbs_nobody_else(void **state)
{
	struct chan_socket s;
	struct net_node honest;

	(void)state;
	chan_socket_init(&s, &node, 2);
	chan_socket_shake(&s);
	net_node_await(&node, &node.ups, 1);
	link_id stalled = node.last;
	assert_int_equal(chan_send(s.chan, KIND_MSG, 0, slice_str("never told")), ERR_OK);
	chan_socket_say_raw(&s, chan_out(s.chan).p, 40);
	net_node_init(&honest, loop, 2, NULL);
	struct net_link_pair p = net_node_connect(&honest, &node);
	assert_int_equal(net_node_send(&honest, p.a, KIND_MSG, slice_str("x")), ERR_OK);
	net_node_await(&node, &node.records, 1);
	assert_int_equal(node.downs, 0);
	net_node_close(&node, stalled, CODE_RATE, "");
	net_node_wipe(&honest);
	/* It does not end by itself: it has its two seconds. */
	assert_true(loop_until(loop, has_closed_all, NULL, 3000));
	chan_socket_wipe(&s);
}

/* ----------------------------------------------------------------------- N4 */

struct prefix {
	uint8_t bytes[2];
};

static const struct prefix prefixes[] = {
	{{0, 0}}, {{0, 1}}, {{0, 15}}, {{0, 16}}, {{0xff, 0xff}}, {{0x40, 0x11}},
};
enum { PREFIXES = sizeof(prefixes) / sizeof(*prefixes) };

static void assert_closed_soon(void)
{
	uint64_t start = now_ms();

	assert_true(loop_until(loop, has_closed_all, NULL, 900));
	/* And not because a deadline passed. */
	assert_true(now_ms() - start < 900);
}

static void N4_lengths_that_cannot_be_are_not_waited_for(void **state)
{
	static const char preamble[] = "P2PM\x01\0\0\0\0\0\0";

	(void)state;
	for (size_t i = 0; i < PREFIXES; i++) {
		int fd = knock(2, node.port);
		assert_int_equal(send(fd, preamble, 12, 0), 12);
		assert_int_equal(send(fd, &prefixes[i], 2, 0), 2);
		loop_for(loop, 5);
		assert_closed_soon();
		assert_int_equal(knock_read(fd, (char[8]){0}, 8), 0);
		close(fd);
	}
	assert_int_equal(net_node_counts(&node).failed_handshakes, PREFIXES);
	assert_int_equal(node.peers, 0);
}

static void N4_nor_are_those_inside_a_session(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PREFIXES; i++) {
		struct chan_socket s;
		chan_socket_init(&s, &node, 2);
		chan_socket_shake(&s);
		net_node_await(&node, &node.ups, i + 1);
		chan_socket_say_raw(&s, &prefixes[i], 2);
		net_node_await(&node, &node.downs, i + 1);
		assert_int_equal(node.why, ERR_PROTO);
		loop_for(loop, 1);
		assert_true(knock_is_closed(s.fd));
		chan_socket_wipe(&s);
	}
	assert_int_equal(net_node_counts(&node).links, 0);
	assert_int_equal(net_node_counts(&node).failed_handshakes, 0);
}

static void N4_other_protocols_get_no_answer(void **state)
{
	static const char *const hellos[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client hello",
		"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"P2PE\x01\x01\x02",
		"p2pm\x01",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(*hellos); i++) {
		int fd = knock(2, node.port);
		char padded[64] = {0};
		strncpy(padded, hellos[i], sizeof(padded) - 1);
		assert_int_equal(send(fd, padded, sizeof(padded), 0), sizeof(padded));
		loop_for(loop, 5);
		assert_closed_soon();
		assert_int_equal(knock_read(fd, (char[8]){0}, 8), 0);
		close(fd);
	}
	assert_int_equal(node.peers + node.downs, 0);
}

/* A stranger says a good beginning, and then whatever comes. */
static void say_noise(const struct rng *rng, size_t good)
{
	struct chan_socket s;
	uint8_t noise[1500];
	uint32_t n = rng_uniform(rng, sizeof(noise));

	chan_socket_init(&s, &node, 2);
	rng_fill(rng, noise, sizeof(noise));
	struct slice out = chan_out(s.chan);
	chan_socket_say_raw(&s, out.p, good < out.n ? good : out.n);
	chan_socket_say_raw(&s, noise, n);
	loop_for(loop, 0);
	chan_socket_wipe(&s);
}

static void N4_random_bytes_end_in_silence(void **state)
{
	unsigned rounds = getenv("P2PMSG_SOAK") != NULL ? 20000 : 300;
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 4);
	for (unsigned i = 0; i < rounds; i++)
		say_noise(&rng.rng, i % 50);
	assert_true(loop_until(loop, has_closed_all, NULL, 3000));
	assert_int_equal(node.peers + node.ups + node.downs, 0);
	assert_int_equal(net_node_counts(&node).failed_handshakes, rounds);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(N3_who_dawdles_is_ended_in_time),
		T(N3_half_a_record_disturbs_nobody_else),
		T(N4_lengths_that_cannot_be_are_not_waited_for),
		T(N4_nor_are_those_inside_a_session),
		T(N4_other_protocols_get_no_answer),
		T(N4_random_bytes_end_in_silence),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
