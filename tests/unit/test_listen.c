/* The choice of the port, and how strangers at it are treated. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/child.h"
#include "lib/knock.h"
#include "lib/loop_run.h"
#include "lib/net_node.h"
#include "lib/skip.h"

static struct loop *loop;
static struct net_node a;

static void start(bool use_ip4, bool use_ip6)
{
	struct net_limits limits = net_node_limits();

	limits.handshake_s = 1;
	net_node_init(&a, loop, 1, &limits);
	if (use_ip4 && use_ip6)
		return;
	const struct net_config cfg = {
		.loop = loop,
		.chan = &a.chan,
		.limits = limits,
		.use_ip4 = use_ip4,
		.use_ip6 = use_ip6,
	};
	net_free(a.net);
	a.net = net_new(&cfg);
}

static int setup(void **state)
{
	(void)state;
	if (loop_new(&loop) != ERR_OK)
		return -1;
	start(true, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_node_wipe(&a);
	loop_free(loop);
	return 0;
}

/* A socket that has a port to itself: of one family only. */
static int occupy(enum addr_family family, uint16_t *port)
{
	static const int on = 1;
	struct addr own = {.family = family, .port = *port};
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)addr_to_sockaddr(&own, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (family == ADDR_IP6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, 1) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ||
	    addr_from_sockaddr((struct sockaddr *)&sa, &own) != ERR_OK) {
		close(fd);
		return -1;
	}
	*port = own.port;
	return fd;
}

static uint16_t free_port(void)
{
	uint16_t port;

	close(knock_listen(1, &port));
	return port;
}

/* --------------------------------------------------------------------- ports */

static void the_wanted_port_is_taken(void **state)
{
	uint16_t wanted = 0, port;
	enum err e = ERR_IN_USE;

	(void)state;
	/* Somebody else may be faster, or have it in the other family. */
	for (int i = 0; i < 10 && e == ERR_IN_USE; i++) {
		wanted = free_port();
		e = net_listen(a.net, wanted, 0, &port);
	}
	assert_int_equal(e, ERR_OK);
	assert_int_equal(port, wanted);
	assert_int_equal(net_listen(a.net, 0, 0, &port), ERR_BUG);
}

static void a_port_of_another_program_is_in_use(void **state)
{
	const enum addr_family families[] = {ADDR_IP4, ADDR_IP6};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint16_t taken = 0, port = 1;
		int fd = occupy(families[i], &taken);
		if (fd < 0 && families[i] == ADDR_IP6)
			skip_because("no IPv6 on this machine");
		assert_true(fd >= 0);
		assert_int_equal(net_listen(a.net, taken, 0, &port), ERR_IN_USE);
		assert_int_equal(port, 0);
		/* Nothing of the other family is left behind. */
		close(fd);
		assert_int_equal(knock_try(2, taken), -1);
	}
}

static void the_last_port_comes_first(void **state)
{
	unsigned taken = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		uint16_t last = free_port(), port;
		assert_int_equal(net_listen(a.net, 0, last, &port), ERR_OK);
		taken += port == last;
		net_node_wipe(&a);
		start(true, true);
	}
	/* Somebody else may be faster now and then. */
	assert_in_range(taken, 1, 3);
}

static void another_port_is_found_when_last_is_taken_in_one_family(void **state)
{
	uint16_t taken = 0, port;

	(void)state;
	int fd = occupy(ADDR_IP6, &taken);
	if (fd < 0)
		skip_because("no IPv6 on this machine");
	assert_int_equal(net_listen(a.net, 0, taken, &port), ERR_OK);
	assert_int_not_equal(port, taken);
	close(fd);
}

static void without_a_wish_it_is_7117_or_any_that_is_free(void **state)
{
	struct net_node second;
	uint16_t seven = PROTO_PORT_DEFAULT, port, other;

	(void)state;
	int fd = occupy(ADDR_IP4, &seven);
	bool is_free = fd >= 0;
	if (is_free)
		close(fd);
	assert_int_equal(net_listen(a.net, 0, 0, &port), ERR_OK);
	if (is_free)
		assert_int_equal(port, PROTO_PORT_DEFAULT);
	net_node_init(&second, loop, 2, NULL);
	assert_int_equal(net_listen(second.net, 0, 0, &other), ERR_OK);
	assert_int_not_equal(port, other);
	assert_in_range(other, 1024, 65535);
	net_node_wipe(&second);
}

static void one_family_alone_is_served_when_asked_for(void **state)
{
	uint16_t port;

	(void)state;
	net_node_wipe(&a);
	start(false, true);
	enum err e = net_listen(a.net, 0, 0, &port);
	if (e == ERR_UNREACHABLE)
		skip_because("no IPv6 on this machine");
	assert_int_equal(e, ERR_OK);
	assert_int_equal(knock_try(2, port), -1);
}

static void a_port_for_the_administrator_is_not_permitted(void **state)
{
	uint16_t port;

	(void)state;
	if (geteuid() == 0 && seteuid(65534) != 0)
		skip_because("root cannot become nobody here");
	enum err e = net_listen(a.net, 80, 0, &port);
	/* Where anybody may have it, it proves nothing. */
	bool is_free_for_all = e == ERR_OK;
	assert_int_equal(seteuid(getuid()), 0);
	if (is_free_for_all)
		skip_because("every port is free for all here");
	assert_int_equal(e, ERR_PERM);
}

/* socket(AF_INET6, ...) fails as on a kernel without IPv6. */
static bool take_away_ip6(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(*code), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0 &&
	       socket(AF_INET6, SOCK_STREAM, 0) < 0;
}

enum { CANNOT = 3, WRONG = 4 };

static void live_without_ip6(void *ctx)
{
	struct addr to = net_node_ip6(7117);
	uint16_t port;
	link_id id;

	/* A loop of its own: the parent's descriptors are shared. */
	if (setup(ctx) != 0 || !take_away_ip6())
		_exit(CANNOT);
	if (net_listen(a.net, 0, 0, &port) != ERR_OK || knock_try(2, port) < 0 ||
	    net_link_ops()->dial(a.net, &to, NULL, false, &id) != ERR_UNREACHABLE)
		_exit(WRONG);
	net_node_wipe(&a);
	start(false, true);
	if (net_listen(a.net, 0, 0, &port) != ERR_UNREACHABLE)
		_exit(WRONG);
}

static void a_host_without_ip6_works(void **state)
{
	int status = child_run(live_without_ip6, state);
	if (status == CANNOT << 8)
		skip_because("IPv6 cannot be switched off here");
	assert_int_equal(status, 0);
}

/* ----------------------------------------------------------------- strangers */

struct knocker {
	int fd;
};

static bool is_closed(void *ctx)
{
	struct knocker *k = ctx;

	return knock_is_closed(k->fd);
}

static size_t said_to(struct slice bytes, char *answer, size_t max)
{
	struct knocker k = {knock(2, a.port)};

	assert_int_equal(send(k.fd, bytes.p, bytes.n, 0), bytes.n);
	loop_for(loop, 30);
	size_t n = knock_read(k.fd, answer, max);
	assert_true(loop_until(loop, is_closed, &k, 3000));
	close(k.fd);
	return n;
}

static void another_version_is_answered_and_nothing_else_is(void **state)
{
	char answer[64];

	(void)state;
	net_node_listen(&a);
	assert_int_equal(said_to(slice_of("P2PM\x09\0\0\0\0\0\0\0", 12), answer, 64), 12);
	assert_memory_equal(answer, "P2PE", 4);
	assert_int_equal(said_to(slice_str("GET / HTTP/1.1\r\n\r\n"), answer, 64), 0);
	assert_int_equal(said_to(slice_str("SSH-2.0-OpenSSH_9.2\r\n"), answer, 64), 0);
	assert_int_equal(a.peers + a.downs, 0);
	assert_int_equal(net_node_counts(&a).failed_handshakes, 3);
	loop_for(loop, 10);
	assert_int_equal(net_node_counts(&a).half_open, 0);
	assert_int_equal(net_node_counts(&a).links, 0);
}

static void one_that_sends_on_after_its_refusal_is_ended_all_the_same(void **state)
{
	static const char more[4096];

	(void)state;
	net_node_listen(&a);
	struct knocker k = {knock(2, a.port)};
	send(k.fd, "P2PM\x09\0\0\0\0\0\0\0", 12, 0);
	send(k.fd, more, sizeof(more), 0);
	loop_for(loop, 30);
	/* Until it ends itself, or our patience does. */
	assert_int_equal(net_node_counts(&a).half_open, 1);
	loop_for(loop, 2100);
	assert_int_equal(net_node_counts(&a).half_open, 0);
	assert_int_equal(net_node_counts(&a).links, 0);
	close(k.fd);
}

static void who_has_no_answer_from_us_in_time_is_ended(void **state)
{
	struct net_node b;

	(void)state;
	net_node_listen(&a);
	a.is_slow = true;
	net_node_init(&b, loop, 2, NULL);
	struct addr to = net_node_ip4(a.port);
	(void)net_node_dial(&b, &to, NULL);
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_TIMEOUT);
	assert_int_equal(a.peers, 1);
	net_node_await(&b, &b.downs, 1);
	net_node_wipe(&b);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_wanted_port_is_taken),
		T(a_port_of_another_program_is_in_use),
		T(the_last_port_comes_first),
		T(another_port_is_found_when_last_is_taken_in_one_family),
		T(without_a_wish_it_is_7117_or_any_that_is_free),
		T(one_family_alone_is_served_when_asked_for),
		T(a_port_for_the_administrator_is_not_permitted),
		T(a_host_without_ip6_works),
		T(another_version_is_answered_and_nothing_else_is),
		T(one_that_sends_on_after_its_refusal_is_ended_all_the_same),
		T(who_has_no_answer_from_us_in_time_is_ended),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
