/* Bulk connections over real sockets on loopback: both outcomes, limits, and that a
 * session beside them is what it was. */
#include "net/bulk_link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "base/thread.h"
#include "lib/knock.h"
#include "lib/loop_run.h"
#include "lib/net_node.h"
#include "wire/bulk.h"

enum { SESSION = 5, TRANSFER = 42 };

/* What one node is told. */
struct ear {
	struct net_node *node;
	unsigned accepted, dialled, failed;
	uint64_t transfer;
	link_id id;
	enum err why;
	struct bulk_up up; /* the last */
};

static struct loop *loop;
static struct net_node a, b;
static struct ear ear_a, ear_b;
static struct clock_manual clock_;
static struct bulk_tokens *tokens;
static uint8_t hash[NOISE_HASHLEN] = {1, 2, 3};

static void forget_up(struct ear *e)
{
	if (e->up.fd > 0)
		close(e->up.fd);
	bulk_keys_wipe(&e->up.keys);
	e->up.fd = 0;
}

static void on_accepted(void *ctx, uint64_t transfer, const struct bulk_up *up)
{
	struct ear *e = ctx;

	assert_int_equal(e->node->in_call, 0);
	forget_up(e);
	e->accepted++;
	e->transfer = transfer;
	e->up = *up;
}

static void on_dialled(void *ctx, link_id id, const struct bulk_up *up)
{
	struct ear *e = ctx;

	assert_int_equal(e->node->in_call, 0);
	forget_up(e);
	e->dialled++;
	e->id = id;
	e->up = *up;
}

static void on_failed(void *ctx, link_id id, enum err why)
{
	struct ear *e = ctx;

	assert_int_equal(e->node->in_call, 0);
	e->failed++;
	e->id = id;
	e->why = why;
}

static const struct bulk_events events = {on_accepted, on_dialled, on_failed};

/* a dials, b listens. */
static int start(struct net_limits limits)
{
	if (loop_new(&loop) != ERR_OK)
		return -1;
	net_node_init(&a, loop, 1, &limits);
	net_node_init(&b, loop, 2, &limits);
	net_node_listen(&b);
	clock_manual_init(&clock_);
	tokens = bulk_tokens_new(&clock_.clock, &b.rng.rng);
	ear_a = (struct ear){.node = &a};
	ear_b = (struct ear){.node = &b};
	net_bulk_set(a.net, NULL, &events, &ear_a);
	net_bulk_set(b.net, tokens, &events, &ear_b);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return start(net_node_limits());
}

static int setup_hasty(void **state)
{
	struct net_limits limits = net_node_limits();

	(void)state;
	limits.handshake_s = 1;
	limits.dial_timeout_s = 1;
	return start(limits);
}

static int setup_narrow(void **state)
{
	struct net_limits limits = net_node_limits();

	(void)state;
	limits.half_open_ip = 3;
	return start(limits);
}

static int teardown(void **state)
{
	(void)state;
	forget_up(&ear_a);
	forget_up(&ear_b);
	net_node_wipe(&a);
	net_node_wipe(&b);
	bulk_tokens_free(tokens);
	loop_free(loop);
	return 0;
}

static struct bulk_secret token(void)
{
	struct bulk_secret s;

	memcpy(s.h, hash, sizeof(s.h));
	assert_int_equal(bulk_tokens_add(tokens, SESSION, hash, TRANSFER, &s.token),
			 ERR_OK);
	return s;
}

static link_id dial(struct addr to, const struct bulk_secret *s)
{
	link_id id = 0;

	a.in_call++;
	assert_int_equal(net_bulk_ops()->dial(a.net, &to, s, &id), ERR_OK);
	a.in_call--;
	assert_int_not_equal(id, 0);
	return id;
}

static void connect_both(const struct bulk_secret *s)
{
	link_id id = dial(net_node_ip4(b.port), s);

	net_node_await(&a, &ear_a.dialled, ear_a.dialled + 1);
	if (ear_b.accepted < ear_a.dialled)
		net_node_await(&a, &ear_b.accepted, ear_a.dialled);
	assert_int_equal(ear_a.id, id);
	assert_int_equal(ear_b.transfer, TRANSFER);
}

static void assert_failed(struct addr to, const struct bulk_secret *s, enum err why)
{
	unsigned failed = ear_a.failed;
	link_id id = dial(to, s);

	net_node_await(&a, &ear_a.failed, failed + 1);
	assert_int_equal(ear_a.id, id);
	assert_int_equal(ear_a.why, why);
	assert_int_equal(ear_a.dialled, 0);
}

/* ------------------------------------------------------------------- coming up */

static void assert_is_ready(int fd)
{
	struct timeval in = {0}, out = {0};
	socklen_t n = sizeof(in);
	int on = 0;

	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &in, &n);
	getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, &n);
	assert_int_equal(in.tv_sec, PROTO_BULK_DEAD_S);
	assert_int_equal(out.tv_sec, PROTO_BULK_DEAD_S);
	n = sizeof(on);
	getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &n);
	assert_true(on);
}

/* The dialler has it whole and says one record, which the other takes. */
static void assert_talks(struct ear *from, struct ear *to)
{
	struct bulk_start start = {.is_sender = true, .is_folder = true};
	struct bulk_record r = {.type = BULK_END}, got;
	uint8_t frame[BULK_SMALL_FRAME_BYTES];
	size_t n, used;

	struct bulk *sender = bulk_new(&from->up.keys, &start);
	start.is_sender = false;
	struct bulk *receiver = bulk_new(&to->up.keys, &start);
	from->up.keys = to->up.keys = (struct bulk_keys){0};
	assert_int_equal(bulk_send(sender, &r, frame, sizeof(frame), &n), ERR_OK);
	assert_int_equal(write(from->up.fd, frame, n), n);
	memset(frame, 0, sizeof(frame));
	assert_int_equal(read(to->up.fd, frame, sizeof(frame)), n);
	assert_int_equal(bulk_next(receiver, frame, n, &got, &used), ERR_OK);
	assert_int_equal(got.type, BULK_END);
	bulk_free(sender);
	bulk_free(receiver);
}

static void a_token_brings_a_connection(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	connect_both(&s);
	assert_is_ready(ear_a.up.fd);
	assert_is_ready(ear_b.up.fd);
	assert_int_equal(ear_a.up.remote.port, b.port);
	assert_true(addr_is_loopback(&ear_b.up.remote));
	assert_talks(&ear_a, &ear_b);
	/* net has nothing more to do with them. */
	assert_int_equal(net_node_counts(&a).links, 0);
	assert_int_equal(net_node_counts(&b).links, 0);
	assert_int_equal(net_node_counts(&b).half_open, 0);
	assert_int_equal(net_node_counts(&b).failed_handshakes, 0);
	assert_int_equal(a.ups + a.peers + a.downs + b.ups + b.peers + b.downs, 0);
}

static void either_side_may_send_the_files(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	connect_both(&s);
	assert_talks(&ear_b, &ear_a);
}

static void it_outlives_net(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	connect_both(&s);
	net_free(a.net);
	net_free(b.net);
	a.net = b.net = NULL;
	assert_talks(&ear_a, &ear_b);
}

static void many_at_once_find_their_own(void **state)
{
	enum { N = 20 };
	struct bulk_secret s[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		s[i] = token();
	for (size_t i = 0; i < N; i++)
		dial(net_node_ip4(b.port), &s[i]);
	net_node_await(&a, &ear_a.dialled, N);
	net_node_await(&a, &ear_b.accepted, N);
	assert_int_equal(bulk_tokens_count(tokens), 0);
}

/* What follows the opening at once is not read by net, in whatever pieces it comes. */
static void no_byte_of_a_record_is_taken(void **state)
{
	struct bulk_secret s = token();
	uint8_t opening[BULK_OPENING_BYTES + 3], rest[8];

	(void)state;
	bulk_dial_free(bulk_dial_new(&s, &a.rng.rng, opening));
	memcpy(opening + BULK_OPENING_BYTES, "abc", 3);
	int fd = knock(1, b.port);
	assert_int_equal(write(fd, opening, sizeof(opening)), sizeof(opening));
	net_node_await(&b, &ear_b.accepted, 1);
	assert_int_equal(read(ear_b.up.fd, rest, sizeof(rest)), 3);
	assert_memory_equal(rest, "abc", 3);
	close(fd);
}

static void an_opening_may_come_in_pieces(void **state)
{
	struct bulk_secret s = token();
	uint8_t opening[BULK_OPENING_BYTES], answer[BULK_ANSWER_BYTES + 1];

	(void)state;
	bulk_dial_free(bulk_dial_new(&s, &a.rng.rng, opening));
	int fd = knock(1, b.port);
	for (size_t i = 0; i < sizeof(opening); i++) {
		assert_int_equal(ear_b.accepted, 0);
		assert_int_equal(write(fd, opening + i, 1), 1);
		loop_for(loop, 1);
	}
	net_node_await(&b, &ear_b.accepted, 1);
	assert_int_equal(knock_read(fd, answer, sizeof(answer)), BULK_ANSWER_BYTES);
	close(fd);
}

/* -------------------------------------------------------------------- refused */

static void M8_an_unknown_token_ends_in_silence(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	s.token.b[0] ^= 1;
	assert_failed(net_node_ip4(b.port), &s, ERR_TRUNCATED);
	assert_int_equal(ear_b.accepted, 0);
	assert_int_equal(net_node_counts(&b).failed_handshakes, 1);
	assert_int_equal(bulk_tokens_count(tokens), 1);
}

static void M8_a_used_token_ends_in_silence(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	connect_both(&s);
	forget_up(&ear_a);
	ear_a.dialled = 0;
	assert_failed(net_node_ip4(b.port), &s, ERR_TRUNCATED);
	assert_int_equal(ear_b.accepted, 1);
}

static void M8_an_expired_token_ends_in_silence(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	clock_manual_advance(&clock_, (uint64_t)PROTO_BULK_TOKEN_S * 1000 * 1000);
	assert_failed(net_node_ip4(b.port), &s, ERR_TRUNCATED);
	assert_int_equal(ear_b.accepted, 0);
}

static void M8_a_token_dies_with_its_session(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	bulk_tokens_drop_session(tokens, SESSION);
	assert_failed(net_node_ip4(b.port), &s, ERR_TRUNCATED);
	assert_int_equal(ear_b.accepted, 0);
}

static void M8_a_token_of_another_session_ends_in_silence(void **state)
{
	struct bulk_secret s = token(), other = s;

	(void)state;
	other.h[0] ^= 1;
	assert_failed(net_node_ip4(b.port), &other, ERR_TRUNCATED);
	assert_int_equal(ear_b.accepted, 0);
	connect_both(&s);
}

static void who_takes_none_says_so(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	net_bulk_set(b.net, NULL, NULL, NULL);
	assert_failed(net_node_ip4(b.port), &s, ERR_VERSION);
}

static void nobody_there_is_unreachable(void **state)
{
	struct bulk_secret s = token();
	uint16_t port;
	link_id id;

	(void)state;
	close(knock_listen(1, &port));
	assert_failed(net_node_ip4(port), &s, ERR_UNREACHABLE);
	struct addr nowhere = net_node_ip4(0);
	assert_int_equal(net_bulk_ops()->dial(a.net, &nowhere, &s, &id), ERR_UNREACHABLE);
	assert_int_equal(id, 0);
}

/* Somebody else at that address, whatever it says. */
static void assert_answered(const void *bytes, size_t n, enum err why)
{
	struct bulk_secret s = token();
	uint16_t port;
	unsigned failed = ear_a.failed;

	int listener = knock_listen(1, &port);
	dial(net_node_ip4(port), &s);
	loop_for(loop, 20);
	int fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	uint8_t opening[BULK_OPENING_BYTES + 1];
	assert_int_equal(recv(fd, opening, sizeof(opening), 0), BULK_OPENING_BYTES);
	if (n > 0)
		assert_int_equal(write(fd, bytes, n), n);
	else
		close(fd);
	net_node_await(&a, &ear_a.failed, failed + 1);
	assert_int_equal(ear_a.why, why);
	if (n > 0)
		close(fd);
	close(listener);
}

static void a_wrong_answer_is_none(void **state)
{
	uint8_t answer[BULK_ANSWER_BYTES] = {0, PROTO_BULK_MSG_BYTES, 9};

	(void)state;
	assert_answered(answer, sizeof(answer), ERR_AUTH);
	assert_answered("HTTP/1.1 400 Bad Request\r\n", 26, ERR_PROTO);
	assert_answered("P2PE\1\1\2\0\0\0\0\0", 12, ERR_VERSION);
	assert_answered("P2PX", 4, ERR_PROTO);
	assert_answered(NULL, 0, ERR_TRUNCATED);
	assert_int_equal(ear_a.dialled, 0);
}

static void who_does_not_answer_is_given_up_in_time(void **state)
{
	struct bulk_secret s = token();
	uint16_t port;

	(void)state;
	int listener = knock_listen(1, &port);
	uint64_t before = clock_mono_ms(clock_system());
	assert_failed(net_node_ip4(port), &s, ERR_TIMEOUT);
	assert_in_range(clock_mono_ms(clock_system()) - before, 900, 3000);
	close(listener);
}

static void what_is_called_off_has_no_outcome(void **state)
{
	struct bulk_secret s = token();
	link_id id = dial(net_node_ip4(b.port), &s);

	(void)state;
	net_bulk_ops()->cancel(a.net, id);
	net_bulk_ops()->cancel(a.net, id);
	net_bulk_ops()->cancel(a.net, 12345);
	loop_for(loop, 50);
	assert_int_equal(ear_a.dialled + ear_a.failed, 0);
	assert_int_equal(net_node_counts(&a).links, 0);
}

static void net_may_end_meanwhile(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	dial(net_node_ip4(b.port), &s);
	net_free(a.net);
	a.net = NULL;
	loop_for(loop, 50);
	assert_int_equal(ear_a.dialled + ear_a.failed, 0);
	assert_int_equal(net_node_counts(&b).links, 0);
}

/* --------------------------------------------------------------------- limits */

static bool is_closed(void *ctx)
{
	return knock_is_closed(*(int *)ctx);
}

static void N3_an_opening_that_stops_is_closed_in_time(void **state)
{
	struct bulk_secret s = token();
	static const size_t at[] = {1, 7, 12, 20, 28, 30, 77};
	uint8_t opening[BULK_OPENING_BYTES];
	int fds[7];

	(void)state;
	bulk_dial_free(bulk_dial_new(&s, &a.rng.rng, opening));
	for (size_t i = 0; i < 7; i++) {
		fds[i] = knock((unsigned)i + 1, b.port);
		assert_int_equal(write(fds[i], opening, at[i]), at[i]);
	}
	loop_for(loop, 100);
	assert_int_equal(net_node_counts(&b).half_open, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_true(loop_until(loop, is_closed, &fds[i], 3000));
		close(fds[i]);
	}
	assert_int_equal(net_node_counts(&b).half_open, 0);
	assert_int_equal(net_node_counts(&b).failed_handshakes, 7);
	assert_int_equal(bulk_tokens_count(tokens), 1);
}

/* The rest of its opening is not waited for. */
static void an_unknown_id_is_closed_at_once(void **state)
{
	struct bulk_secret s = token();
	uint8_t opening[BULK_OPENING_BYTES];

	(void)state;
	s.token.b[0] ^= 1;
	bulk_dial_free(bulk_dial_new(&s, &a.rng.rng, opening));
	int fd = knock(1, b.port);
	assert_int_equal(write(fd, opening, BULK_ID_END - 1), BULK_ID_END - 1);
	loop_for(loop, 20);
	assert_false(knock_is_closed(fd));
	assert_int_equal(write(fd, opening + BULK_ID_END - 1, 1), 1);
	loop_for(loop, 20);
	assert_true(knock_is_closed(fd));
	close(fd);
}

/* An opening does not get around the places of unfinished handshakes. */
static void N1_openings_take_the_places_of_handshakes(void **state)
{
	struct bulk_secret s = token();
	uint8_t opening[BULK_OPENING_BYTES];
	int fds[5];

	(void)state;
	bulk_dial_free(bulk_dial_new(&s, &a.rng.rng, opening));
	for (size_t i = 0; i < 5; i++) {
		fds[i] = knock(1, b.port);
		assert_int_equal(write(fds[i], opening, 77), 77);
		loop_for(loop, 10);
	}
	assert_int_equal(net_node_counts(&b).half_open, 3);
	assert_int_equal(net_node_counts(&b).refused_limit, 2);
	assert_true(knock_is_closed(fds[0]) && knock_is_closed(fds[1]));
	assert_int_equal(write(fds[4], opening + 77, 1), 1);
	net_node_await(&b, &ear_b.accepted, 1);
	for (size_t i = 0; i < 5; i++)
		close(fds[i]);
}

/* -------------------------------------------------------------------- beside it */

static void sessions_come_up_beside_it(void **state)
{
	struct bulk_secret s = token();

	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	connect_both(&s);
	net_node_say(&a, p.a, "hello");
	net_node_await(&a, &b.records, 1);
	net_node_assert_got(&b, "hello");
}

/* As before there were bulk connections: see "Preamble and versions". */
static void A11_other_preambles_are_judged_as_before(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t n, answer;
		bool is_closed;
	} v[] = {
		{"P2PM\1\0\0\0\0\0\0\0", 12, 0, false}, /* a session begins */
		{"P2PM\1\1\3\0\0\0\0\0", 12, 0, false}, /* a bulk connection */
		{"P2PM\1", 5, 0, false},
		{"P2PM\2\1\3\0\0\0\0\0", 12, 12, true},
		{"P2PM\1\0\3\0\0\0\0\0", 12, 12, true},
		{"P2PM\1\1\0\0\0\0\0\0", 12, 12, true},
		{"P2PM\1\1\2\0\0\0\0\0", 12, 12, true},
		{"P2PM\1\1\3\1\0\0\0\0", 12, 0, true}, /* broken flags: no answer */
		{"P2PM\1\1\3\0\0\0\0\1", 12, 0, true},
		{"P2PM\1\0\0\1\0\0\0\0", 12, 0, true},
		{"X", 1, 0, true},
		{"P2PX", 4, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		uint8_t answer[20];
		for (unsigned bytewise = 0; bytewise < 2; bytewise++) {
			int fd = knock(1, b.port);
			for (size_t k = 0; k < v[i].n;) {
				size_t n = bytewise ? 1 : v[i].n;
				if (write(fd, v[i].bytes + k, n) < 0)
					break;
				k += n;
				loop_for(loop, 1);
			}
			loop_for(loop, 20);
			assert_int_equal(knock_read(fd, answer, sizeof(answer)),
					 v[i].answer);
			assert_int_equal(knock_is_closed(fd), v[i].is_closed);
			close(fd);
			loop_for(loop, 5);
		}
	}
}

static void A3_any_byte_of_an_opening_flipped_ends_in_silence(void **state)
{
	uint8_t opening[BULK_OPENING_BYTES], answer[20];
	struct bulk_secret s = token();

	(void)state;
	for (size_t i = 0; i < BULK_OPENING_BYTES; i++) {
		bulk_dial_free(bulk_dial_new(&s, &a.rng.rng, opening));
		opening[i] ^= (uint8_t)(1 << i % 8);
		int fd = knock(1, b.port);
		assert_int_equal(write(fd, opening, sizeof(opening)), sizeof(opening));
		loop_for(loop, 10);
		/* Of what names another version, pattern or role, the refusal. */
		size_t n = knock_read(fd, answer, sizeof(answer));
		assert_int_equal(n, i >= 4 && i <= 6 ? PROTO_REFUSAL_BYTES : 0);
		assert_true(loop_until(loop, is_closed, &fd, 2000));
		close(fd);
	}
	assert_int_equal(ear_b.accepted, 0);
	assert_int_equal(b.peers, 0);
	assert_int_equal(net_node_counts(&b).links, 0);
	connect_both(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_brings_a_connection),
		TEST(either_side_may_send_the_files),
		TEST(it_outlives_net),
		TEST(many_at_once_find_their_own),
		TEST(no_byte_of_a_record_is_taken),
		TEST(an_opening_may_come_in_pieces),
		TEST(M8_an_unknown_token_ends_in_silence),
		TEST(M8_a_used_token_ends_in_silence),
		TEST(M8_an_expired_token_ends_in_silence),
		TEST(M8_a_token_dies_with_its_session),
		TEST(M8_a_token_of_another_session_ends_in_silence),
		TEST(who_takes_none_says_so),
		TEST(nobody_there_is_unreachable),
		TEST(a_wrong_answer_is_none),
		cmocka_unit_test_setup_teardown(who_does_not_answer_is_given_up_in_time,
						setup_hasty, teardown),
		TEST(what_is_called_off_has_no_outcome),
		TEST(net_may_end_meanwhile),
		cmocka_unit_test_setup_teardown(
			N3_an_opening_that_stops_is_closed_in_time, setup_hasty,
			teardown),
		TEST(an_unknown_id_is_closed_at_once),
		cmocka_unit_test_setup_teardown(N1_openings_take_the_places_of_handshakes,
						setup_narrow, teardown),
		TEST(sessions_come_up_beside_it),
		TEST(A11_other_preambles_are_judged_as_before),
		TEST(A3_any_byte_of_an_opening_flipped_ends_in_silence),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
