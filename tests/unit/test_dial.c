/* Dials that come to nothing, and what the other side may do before it is proved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/knock.h"
#include "lib/loop_run.h"
#include "lib/net_node.h"
#include "lib/ownnet.h"

static struct loop *loop;
static struct net_node a;

static int setup(void **state)
{
	struct net_limits limits = net_node_limits();

	(void)state;
	limits.handshake_s = 1;
	limits.dial_timeout_s = 1;
	if (loop_new(&loop) != ERR_OK)
		return -1;
	net_node_init(&a, loop, 1, &limits);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_node_wipe(&a);
	loop_free(loop);
	return 0;
}

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

static enum err dial_now(struct addr to)
{
	link_id id = 99;
	enum err e = net_link_ops()->dial(a.net, &to, NULL, false, &id);

	assert_int_equal(id == 0, e != ERR_OK);
	return e;
}

static void nobody_there_is_unreachable(void **state)
{
	uint16_t port;

	(void)state;
	close(knock_listen(1, &port));
	struct addr to = net_node_ip4(port);
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_UNREACHABLE);
	assert_int_equal(net_node_counts(&a).links, 0);
	assert_int_equal(net_node_counts(&a).failed_handshakes, 0);
}

static void what_cannot_be_dialled_is_said_at_once(void **state)
{
	static const char *const nowhere[] = {
		"127.0.0.1:0",	   "0.0.0.0:7117", "224.0.0.251:7117",
		"[ff02::fb]:7117", "[::]:7117",	   "255.255.255.255:7117",
		"[fe80::1]:7117", /* without its link */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		struct addr to;
		assert_int_equal(addr_parse(nowhere[i], &to), ERR_OK);
		assert_int_equal(dial_now(to), ERR_UNREACHABLE);
	}
	assert_int_equal(dial_now((struct addr){.port = 7117}), ERR_UNREACHABLE);
	loop_for(loop, 10);
	assert_int_equal(a.downs, 0);
	assert_int_equal(net_node_counts(&a).links, 0);
}

static void a_family_that_is_off_is_not_dialled(void **state)
{
	const struct net_config cfg = {
		.loop = loop,
		.chan = &a.chan,
		.limits = net_node_limits(),
		.use_ip6 = true,
	};

	(void)state;
	net_free(a.net);
	a.net = net_new(&cfg);
	assert_int_equal(dial_now(net_node_ip4(7117)), ERR_UNREACHABLE);
}

static void without_descriptors_a_dial_is_refused_at_once(void **state)
{
	struct rlimit old, few;
	uint16_t port;

	(void)state;
	int fd = knock_listen(1, &port), next = dup(fd);
	close(next);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &few);
	enum err e = dial_now(net_node_ip4(port));
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(e, ERR_LIMIT);
	assert_int_equal(dial_now(net_node_ip4(port)), ERR_OK);
	close(fd);
}

/* A queue for one that is full: the kernel drops what comes. */
static void who_does_not_answer_the_connect_is_given_up_in_time(void **state)
{
	uint16_t port;
	int waiting[8];

	(void)state;
	int fd = knock_listen(0, &port);
	struct addr to = net_node_ip4(port);
	waiting[0] = knock(2, port);
	uint64_t start = now_ms();
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_TIMEOUT);
	assert_in_range(now_ms() - start, 1000, 1900);
	close(waiting[0]);
	close(fd);
}

static void a_rumour_is_given_up_sooner(void **state)
{
	struct net_limits limits = net_node_limits();
	uint16_t port;
	link_id id;

	(void)state;
	limits.dial_timeout_s = 3;
	net_node_wipe(&a);
	net_node_init(&a, loop, 1, &limits);
	int fd = knock_listen(0, &port), waiting = knock(2, port);
	struct addr to = net_node_ip4(port);
	uint64_t start = now_ms();
	a.in_call++;
	assert_int_equal(net_link_ops()->dial(a.net, &to, NULL, true, &id), ERR_OK);
	a.in_call--;
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_TIMEOUT);
	assert_in_range(now_ms() - start, 1000, 2500);
	close(waiting);
	close(fd);
}

static void who_says_nothing_is_given_up_in_time(void **state)
{
	uint16_t port;

	(void)state;
	int fd = knock_listen(5, &port);
	struct addr to = net_node_ip4(port);
	uint64_t start = now_ms();
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_TIMEOUT);
	assert_in_range(now_ms() - start, 1000, 1900);
	close(fd);
}

/* What a server of ours does with the one connection that comes. */
struct server {
	int fd, conn;
	uint16_t port;
	struct loop_watch *watch;
	void (*serve)(struct server *s);
};

static void on_knock(void *ctx)
{
	struct server *s = ctx;

	s->conn = accept(s->fd, NULL, NULL);
	if (s->conn >= 0)
		s->serve(s);
}

static void serve_one(struct server *s, void (*serve)(struct server *s))
{
	s->serve = serve;
	s->conn = -1;
	s->fd = knock_listen(5, &s->port);
	assert_int_equal(loop_watch_start(loop, s->fd, on_knock, s, &s->watch), ERR_OK);
	struct addr to = net_node_ip4(s->port);
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.downs, 1);
	loop_watch_stop(s->watch);
	close(s->fd);
	if (s->conn >= 0)
		close(s->conn);
}

static void hang_up(struct server *s)
{
	close(s->conn);
	s->conn = -1;
}

static void who_hangs_up_is_told_of(void **state)
{
	struct server s;

	(void)state;
	serve_one(&s, hang_up);
	assert_int_equal(a.why, ERR_TRUNCATED);
	assert_int_equal(a.peers, 0);
}

static void refuse_version(struct server *s)
{
	assert_int_equal(send(s->conn, "P2PE\x02\x03\x02\0\0\0\0\0", 12, 0), 12);
}

static void a_refusal_is_told_with_its_code(void **state)
{
	struct server s;

	(void)state;
	serve_one(&s, refuse_version);
	assert_int_equal(a.why, ERR_VERSION);
	assert_int_equal(a.code, 2);
}

static void talk_http(struct server *s)
{
	static const char page[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	assert_int_equal(send(s->conn, page, sizeof(page), 0), sizeof(page));
}

static void who_speaks_something_else_is_a_broken_protocol(void **state)
{
	struct server s;

	(void)state;
	serve_one(&s, talk_http);
	assert_int_equal(a.why, ERR_PROTO);
}

/* The kernel gives the dialler the very port that it dials. */
static void dial_oneself(void *ctx)
{
	struct addr to = net_node_ip4(40000);

	/* A loop of its own: the parent's descriptors are shared. */
	if (setup(ctx) != 0 || !ownnet_run("echo 40000 40001 >"
					   "/proc/sys/net/ipv4/ip_local_port_range"))
		_exit(9);
	for (int i = 0; i < 20; i++) {
		unsigned downs = a.downs;
		(void)net_node_dial(&a, &to, NULL);
		net_node_await(&a, &a.downs, downs + 1);
		if (a.why != ERR_UNREACHABLE)
			_exit(8);
	}
}

static void an_echo_of_our_own_is_nobody(void **state)
{
	assert_true(ownnet_fork(dial_oneself, state));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(nobody_there_is_unreachable),
		T(what_cannot_be_dialled_is_said_at_once),
		T(a_family_that_is_off_is_not_dialled),
		T(without_descriptors_a_dial_is_refused_at_once),
		T(who_does_not_answer_the_connect_is_given_up_in_time),
		T(a_rumour_is_given_up_sooner),
		T(who_says_nothing_is_given_up_in_time),
		T(an_echo_of_our_own_is_nobody),
		T(who_hangs_up_is_told_of),
		T(a_refusal_is_told_with_its_code),
		T(who_speaks_something_else_is_a_broken_protocol),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
