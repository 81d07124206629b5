/* Links between two nodes: the happy paths, and what each end is told. */
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/knock.h"
#include "lib/loop_run.h"
#include "lib/net_node.h"
#include "lib/skip.h"

static struct loop *loop;
static struct net_node a, b;

static int setup(void **state)
{
	(void)state;
	return net_nodes_start(&loop, &a, &b);
}

static int teardown(void **state)
{
	(void)state;
	net_nodes_stop(loop, &a, &b);
	return 0;
}

/* ------------------------------------------------------------------ coming up */

static void assert_both_up(void)
{
	assert_int_equal(a.ups, 1);
	assert_int_equal(b.ups, 1);
	assert_memory_equal(a.hash, b.hash, sizeof(a.hash));
	assert_true(id32_eq(&a.peer_id, identity_node_id(b.id)));
	assert_true(id32_eq(&b.peer_id, identity_node_id(a.id)));
	assert_true(a.is_initiator);
	assert_false(b.is_initiator);
}

static void two_nodes_talk(void **state)
{
	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	assert_both_up();
	assert_int_equal(a.remote.port, b.port);
	assert_true(addr_is_loopback(&b.remote));
	net_node_say(&a, p.a, "hello ");
	net_node_say(&a, p.a, "Bob");
	net_node_say(&b, p.b, "hello Alice");
	net_node_await(&a, &b.records, 2);
	net_node_await(&a, &a.records, 1);
	net_node_assert_got(&b, "hello Bob");
	net_node_assert_got(&a, "hello Alice");
	assert_int_equal(a.downs + b.downs, 0);
	assert_int_equal(net_node_counts(&a).links, 1);
	assert_int_equal(net_node_counts(&b).links, 1);
	assert_int_equal(net_node_counts(&b).half_open, 0);
	assert_int_equal(net_node_counts(&b).accepted, 1);
}

static void the_same_port_serves_both_families(void **state)
{
	struct addr to = net_node_ip6(b.port);

	(void)state;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_storage sa;
	uint32_t n = addr_to_sockaddr(&to, &sa);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, n) != 0)
		skip_because("no IPv6 on this machine");
	close(fd);
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &b.ups, 1);
	assert_both_up();
	assert_int_equal(b.remote.family, ADDR_IP6);
	(void)net_node_connect(&a, &b);
	assert_int_equal(b.remote.family, ADDR_IP4);
}

static void both_may_dial_each_other_at_once(void **state)
{
	struct addr to_a, to_b = net_node_ip4(b.port);

	(void)state;
	net_node_listen(&a);
	to_a = net_node_ip4(a.port);
	link_id from_a = net_node_dial(&a, &to_b, NULL);
	link_id from_b = net_node_dial(&b, &to_a, NULL);
	net_node_await(&a, &a.ups, 2);
	net_node_await(&a, &b.ups, 2);
	net_node_say(&a, from_a, "1");
	net_node_say(&b, from_b, "2");
	net_node_await(&a, &b.records, 1);
	net_node_await(&a, &a.records, 1);
	net_node_assert_got(&b, "1");
	net_node_assert_got(&a, "2");
}

static void the_target_is_who_answers(void **state)
{
	struct addr to = net_node_ip4(b.port);

	(void)state;
	(void)net_node_dial(&a, &to, identity_node_id(b.id));
	net_node_await(&a, &b.ups, 1);
	assert_both_up();
}

static void who_is_not_the_target_learns_nothing(void **state)
{
	struct addr to = net_node_ip4(b.port);

	(void)state;
	(void)net_node_dial(&a, &to, identity_node_id(a.id));
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_IDENTITY);
	assert_int_equal(a.peers, 0);
	loop_for(loop, 20);
	assert_int_equal(b.peers + b.ups + b.downs, 0);
	assert_int_equal(net_node_counts(&b).failed_handshakes, 1);
	assert_int_equal(net_node_counts(&b).links, 0);
}

static void who_is_refused_on_sight_has_not_heard_of_us(void **state)
{
	struct addr to = net_node_ip4(b.port);

	(void)state;
	a.says_no = true;
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.peers, 1);
	loop_for(loop, 20);
	assert_int_equal(a.downs + a.ups, 0);
	assert_int_equal(b.peers + b.ups + b.downs, 0);
	assert_int_equal(net_node_counts(&a).links, 0);
	assert_int_equal(net_node_counts(&b).links, 0);
}

static void a_dialler_that_is_refused_is_told(void **state)
{
	struct addr to = net_node_ip4(b.port);

	(void)state;
	b.says_no = true;
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_TRUNCATED);
	assert_int_equal(b.peers, 1);
	assert_int_equal(b.ups + b.downs, 0);
}

static void an_answer_may_take_its_time(void **state)
{
	struct addr to = net_node_ip4(b.port);

	(void)state;
	b.is_slow = true;
	link_id id = net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.ups, 1);
	net_node_await(&a, &b.peers, 1);
	/* The dialler is up, and says more than is taken before the decision. */
	static uint8_t much[PROTO_PAYLOAD_MAX_BYTES];
	for (int i = 0; i < 8; i++)
		assert_int_equal(
			net_node_send(&a, id, KIND_MSG, slice_of(much, sizeof(much))),
			ERR_OK);
	loop_for(loop, 50);
	assert_int_equal(b.ups + b.records, 0);
	net_node_accept(&b, b.last);
	net_node_await(&a, &b.records, 8);
	assert_int_equal(b.got.len, 8 * sizeof(much));
	assert_int_equal(b.ups, 1);
}

/* By the port it leads to; there is only one. */
static int socket_to(uint16_t port)
{
	for (int fd = 3; fd < 1000; fd++) {
		struct sockaddr_storage sa = {0};
		socklen_t n = sizeof(sa);
		struct addr to;
		if (getpeername(fd, (struct sockaddr *)&sa, &n) == 0 &&
		    addr_from_sockaddr((struct sockaddr *)&sa, &to) == ERR_OK &&
		    to.port == port)
			return fd;
	}
	return -1;
}

static void small_records_are_not_held_back(void **state)
{
	int is_on = 0;
	socklen_t n = sizeof(is_on);

	(void)state;
	(void)net_node_connect(&a, &b);
	int fd = socket_to(b.port);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &is_on, &n), 0);
	assert_int_equal(is_on, 1);
}

/* A burst is one write, and so one segment or two: not one for each record. */
static void a_burst_of_records_is_written_at_once(void **state)
{
	struct tcp_info before = {0}, after = {0};
	socklen_t n = sizeof(before);

	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	int fd = socket_to(b.port);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &before, &n), 0);
	for (int i = 0; i < 200; i++)
		net_node_say(&a, p.a, "short");
	net_node_await(&a, &b.records, 200);
	n = sizeof(after);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &after, &n), 0);
	assert_in_range(after.tcpi_data_segs_out - before.tcpi_data_segs_out, 1, 2);
}

/* --------------------------------------------------------------------- ending */

static void close_is_told_with_code_and_reason(void **state)
{
	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	net_node_say(&a, p.a, "last words");
	net_node_close(&a, p.a, CODE_DUPLICATE, "twice");
	assert_int_equal(net_node_send(&a, p.a, KIND_MSG, slice_str("no")), ERR_UNKNOWN);
	net_node_await(&a, &b.downs, 1);
	net_node_assert_got(&b, "last words");
	assert_int_equal(b.why, ERR_OK);
	assert_int_equal(b.code, CODE_DUPLICATE);
	assert_string_equal(b.reason, "twice");
	assert_int_equal(net_node_send(&b, p.b, KIND_MSG, slice_str("no")), ERR_UNKNOWN);
	loop_for(loop, 20);
	assert_int_equal(a.downs, 0);
	assert_int_equal(net_node_counts(&a).links, 0);
	assert_int_equal(net_node_counts(&b).links, 0);
}

static void both_may_close_at_once(void **state)
{
	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	net_node_close(&a, p.a, CODE_OK, "");
	net_node_close(&b, p.b, CODE_OK, "");
	loop_for(loop, 50);
	assert_int_equal(a.downs + b.downs, 0);
	assert_int_equal(net_node_counts(&a).links + net_node_counts(&b).links, 0);
}

static void freeing_a_net_says_that_it_goes(void **state)
{
	(void)state;
	(void)net_node_connect(&a, &b);
	net_node_wipe(&a);
	net_node_await(&b, &b.downs, 1);
	assert_int_equal(b.why, ERR_OK);
	assert_int_equal(b.code, CODE_SHUTDOWN);
	net_node_init(&a, loop, 1, NULL);
}

/* What b has not read makes its kernel reset the connection; what b had said is read
 * all the same, although a's next write fails. */
static void the_reason_is_read_even_when_writing_fails(void **state)
{
	(void)state;
	struct net_link_pair p = net_node_connect(&a, &b);
	net_node_pause(&b, p.b, true);
	net_node_say(&a, p.a, "unread");
	loop_for(loop, 10);
	net_node_wipe(&b);
	net_node_say(&a, p.a, "to nobody");
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(a.why, ERR_OK);
	assert_int_equal(a.code, CODE_SHUTDOWN);
	net_node_init(&b, loop, 2, NULL);
}

static void freeing_a_net_in_the_middle_of_everything_is_clean(void **state)
{
	struct addr to = net_node_ip4(b.port);

	(void)state;
	/* One up, one with its answer open, one in its handshake, one connecting. */
	struct net_link_pair p = net_node_connect(&a, &b);
	net_node_pause(&b, p.b, true);
	static uint8_t much[PROTO_PAYLOAD_MAX_BYTES];
	while (net_node_send(&a, p.a, KIND_MSG, slice_of(much, sizeof(much))) == ERR_OK)
		;
	a.is_slow = true;
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &a.peers, 2);
	int fd = knock(2, b.port);
	loop_for(loop, 20);
	(void)net_node_dial(&a, &to, NULL);
	net_link_ops()->trace(a.net, 0, true);
	(void)net_node_send(&a, p.a, KIND_PING, slice_of(much, PROTO_PING_BYTES));
	net_node_wipe(&a);
	net_node_wipe(&b);
	close(fd);
	net_node_init(&a, loop, 1, NULL);
	net_node_init(&b, loop, 2, NULL);
}

static void close_in_record(struct net_node *n, link_id id, const struct record *r)
{
	(void)r;
	net_node_close(n, id, CODE_OK, "enough");
	net_node_close(n, id, CODE_OK, "enough");
}

static void a_link_may_be_closed_while_it_tells(void **state)
{
	(void)state;
	b.on_record = close_in_record;
	struct net_link_pair p = net_node_connect(&a, &b);
	for (int i = 0; i < 10; i++)
		net_node_say(&a, p.a, "x");
	net_node_await(&a, &a.downs, 1);
	assert_int_equal(b.records, 1);
	assert_int_equal(a.why, ERR_OK);
	assert_string_equal(a.reason, "enough");
}

static void close_it(struct net_node *n, link_id id)
{
	net_node_close(n, id, CODE_REJECTED, "");
}

static void a_link_may_be_closed_as_soon_as_it_is_up(void **state)
{
	(void)state;
	struct addr to = net_node_ip4(b.port);
	a.on_up = close_it;
	b.on_down = close_it;
	(void)net_node_dial(&a, &to, NULL);
	net_node_await(&a, &b.downs, 1);
	assert_int_equal(b.code, CODE_REJECTED);
	assert_int_equal(b.ups, 1);
	assert_int_equal(a.downs, 0);
}

static void a_dial_may_be_called_off(void **state)
{
	struct addr to = net_node_ip4(b.port);

	(void)state;
	link_id id = net_node_dial(&a, &to, NULL);
	net_node_close(&a, id, CODE_OK, "");
	loop_for(loop, 20);
	assert_int_equal(a.peers + a.ups + a.downs, 0);
	assert_int_equal(b.peers, 0);
	assert_int_equal(net_node_counts(&a).links, 0);
}

static void calls_for_links_that_are_not_are_harmless(void **state)
{
	(void)state;
	const struct link_ops *ops = net_link_ops();
	ops->accept(a.net, 77);
	ops->close(a.net, 77, 0, NULL);
	ops->pause(a.net, 77, true);
	ops->trace(a.net, 77, true);
	assert_false(ops->is_worn(a.net, 77));
	assert_int_equal(ops->send(a.net, 77, KIND_MSG, 0, slice_str("x")), ERR_UNKNOWN);
	struct addr to = net_node_ip4(b.port);
	link_id id = net_node_dial(&a, &to, NULL);
	assert_int_not_equal(ops->send(a.net, id, KIND_MSG, 0, slice_str("x")), ERR_OK);
	assert_false(ops->is_worn(a.net, id));
	ops->accept(a.net, id);
	net_node_await(&a, &b.ups, 1);
	assert_false(ops->is_worn(a.net, id));
	ops->accept(a.net, id);
	loop_for(loop, 10);
	assert_int_equal(a.downs, 0);
}

/* --------------------------------------------------------------------- memory */

static void an_idle_link_needs_little(void **state)
{
	enum { LINKS = 100 };

	(void)state;
	(void)net_node_connect(&a, &b);
	loop_for(loop, 5);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < LINKS; i++)
		(void)net_node_connect(&a, &b);
	loop_for(loop, 5);
	size_t after = mallinfo2().uordblks;
	/* Both ends are here, each with its channel. A sanitizer's heap tells nothing. */
	if (after == before)
		skip_because("the sanitizer's allocator does not count");
	assert_in_range((after - before) / (2 * LINKS), 100, 4096);
}

/* ------------------------------------------------------------------- goodbye */

static unsigned said;

static void count_said(void *ctx)
{
	(void)ctx;
	said++;
}

static void goodbye_is_heard_by_all(void **state)
{
	(void)state;
	said = 0;
	for (int i = 0; i < 5; i++)
		(void)net_node_connect(&a, &b);
	a.in_call++;
	net_goodbye(a.net, count_said, NULL);
	a.in_call--;
	assert_int_equal(said, 0);
	net_node_await(&a, &said, 1);
	net_node_await(&a, &b.downs, 5);
	assert_int_equal(b.why, ERR_OK);
	assert_int_equal(b.code, CODE_SHUTDOWN);
	assert_int_equal(a.downs, 0);
	loop_for(loop, 50);
	assert_int_equal(said, 1);
	link_id id;
	struct addr to = net_node_ip4(b.port);
	assert_int_equal(net_link_ops()->dial(a.net, &to, NULL, false, &id),
			 ERR_UNREACHABLE);
}

static void goodbye_without_links_comes_at_once_but_not_from_inside(void **state)
{
	(void)state;
	said = 0;
	net_goodbye(a.net, count_said, NULL);
	assert_int_equal(said, 0);
	loop_for(loop, 5);
	assert_int_equal(said, 1);
	net_goodbye(b.net, count_said, NULL);
	loop_for(loop, 5);
	assert_int_equal(said, 2);
	assert_int_equal(knock_try(2, b.port), -1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(two_nodes_talk),
		T(the_same_port_serves_both_families),
		T(both_may_dial_each_other_at_once),
		T(the_target_is_who_answers),
		T(who_is_not_the_target_learns_nothing),
		T(who_is_refused_on_sight_has_not_heard_of_us),
		T(a_dialler_that_is_refused_is_told),
		T(an_answer_may_take_its_time),
		T(small_records_are_not_held_back),
		T(a_burst_of_records_is_written_at_once),
		T(close_is_told_with_code_and_reason),
		T(both_may_close_at_once),
		T(freeing_a_net_says_that_it_goes),
		T(the_reason_is_read_even_when_writing_fails),
		T(freeing_a_net_in_the_middle_of_everything_is_clean),
		T(a_link_may_be_closed_while_it_tells),
		T(a_link_may_be_closed_as_soon_as_it_is_up),
		T(a_dial_may_be_called_off),
		T(calls_for_links_that_are_not_are_harmless),
		T(an_idle_link_needs_little),
		T(goodbye_is_heard_by_all),
		T(goodbye_without_links_comes_at_once_but_not_from_inside),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
