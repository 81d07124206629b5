/* N1, N2, N5, N6: strangers in great numbers. In `make check` fewer of them. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/knock.h"
#include "lib/loop_run.h"
#include "lib/net_node.h"
#include "lib/skip.h"

static struct loop *loop;
static struct net_node node;
static struct rlimit fd_limit;

static const struct net_limits defaults = {
	.handshake_s = 5,
	.half_open_ip = 4,
	.half_open = 64,
	.new_ip_second = 10,
	.new_second = 200,
	.dial_timeout_s = 3,
};

static void start(const struct net_limits *limits)
{
	assert_int_equal(loop_new(&loop), ERR_OK);
	net_node_init(&node, loop, 1, limits);
	net_node_listen(&node);
}

static void stop(void)
{
	net_node_wipe(&node);
	loop_free(loop);
}

static int setup(void **state)
{
	struct rlimit most;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &fd_limit);
	most = fd_limit;
	most.rlim_cur = most.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &most);
}

static int teardown(void **state)
{
	(void)state;
	return setrlimit(RLIMIT_NOFILE, &fd_limit);
}

static unsigned scaled(unsigned in_soak, unsigned in_check)
{
	return getenv("P2PMSG_SOAK") != NULL ? in_soak : in_check;
}

static uint64_t now_ms(void)
{
	return clock_mono_ms(clock_system());
}

static uint64_t cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

/* A sanitizer keeps what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAP_IS_KEPT true
#elif defined(__has_feature)
#define HEAP_IS_KEPT (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define HEAP_IS_KEPT false
#endif

/* Of this process, and so of the strangers too; what the kernel holds is not in it. */
static size_t resident_bytes(void)
{
	unsigned long all, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &all, &resident), 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* ------------------------------------------------------------- an honest peer */

/* As core does: again a little later, when it was turned away. */
struct honest {
	struct net_node node;
	struct timer retry;
	uint64_t started_ms, up_ms;
};

static void dial(void *ctx)
{
	struct honest *h = ctx;
	struct addr to = net_node_ip4(node.port);

	(void)net_node_dial(&h->node, &to, NULL);
}

static void dial_later(struct net_node *n, link_id id)
{
	struct honest *h = n->ctx;

	(void)id;
	if (h->up_ms == 0)
		timer_set(loop_timers(loop), &h->retry, 250, dial, h);
}

static void note_up(struct net_node *n, link_id id)
{
	struct honest *h = n->ctx;

	(void)id;
	h->up_ms = now_ms();
}

static void honest_start(struct honest *h)
{
	memset(h, 0, sizeof(*h));
	net_node_init(&h->node, loop, 77, NULL);
	h->node.ctx = h;
	h->node.on_up = note_up;
	h->node.on_down = dial_later;
	h->started_ms = now_ms();
	dial(h);
}

static void honest_stop(struct honest *h)
{
	timer_stop(&h->retry);
	net_node_wipe(&h->node);
}

static bool is_honest_up(void *ctx)
{
	const struct honest *h = ctx;

	return h->up_ms != 0;
}

/* ----------------------------------------------------------------- a crowd */

struct crowd {
	int *fds;
	unsigned n, max;
	unsigned n_addresses; /* 127.0.1.0 and up */
};

static void crowd_init(struct crowd *c, unsigned max, unsigned n_addresses)
{
	*c = (struct crowd){.max = max, .n_addresses = n_addresses};
	c->fds = mem_array(max, sizeof(int));
}

static void crowd_wipe(struct crowd *c)
{
	while (c->n > 0)
		knock_reset(c->fds[--c->n]);
	mem_free(c->fds);
}

/* So many more, with something to say; the loop runs between, so that the kernel's
 * queue does not stop them. */
static void crowd_knock(struct crowd *c, unsigned more, const void *say, size_t n)
{
	for (; more > 0 && c->n < c->max; more--) {
		int fd = knock(256 + c->n % c->n_addresses, node.port);
		c->fds[c->n++] = fd;
		if (n > 0)
			(void)send(fd, say, n, MSG_NOSIGNAL);
		if (c->n % 64 == 0)
			loop_for(loop, 0);
	}
}

static unsigned crowd_open(const struct crowd *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++)
		n += !knock_is_closed(c->fds[i]);
	return n;
}

/* ----------------------------------------------------------------------- N1 */

static void idle_crowd(unsigned n_addresses, unsigned most_inside)
{
	unsigned n = scaled(10000, 1000);
	struct honest honest;
	struct crowd crowd;

	if (fd_limit.rlim_max < n + 200)
		skip_because("too few descriptors are allowed (ulimit -n)");
	start(&defaults);
	loop_for(loop, 10);
	size_t before = resident_bytes();
	crowd_init(&crowd, n, n_addresses);
	crowd_knock(&crowd, n, NULL, 0);
	loop_for(loop, 10);
	struct net_counts counts = net_node_counts(&node);
	assert_int_equal(counts.accepted, n);
	assert_in_range(counts.half_open, 1, most_inside);
	assert_int_equal(counts.links, counts.half_open);
	assert_int_equal(crowd_open(&crowd), counts.half_open);
	honest_start(&honest);
	assert_true(loop_until(loop, is_honest_up, &honest, 20000));
	if (getenv("P2PMSG_SOAK") != NULL)
		assert_true(honest.up_ms - honest.started_ms < 2000);
	assert_true(resident_bytes() < before + (32 << 20));
	honest_stop(&honest);
	crowd_wipe(&crowd);
	stop();
}

static void N1_a_crowd_that_says_nothing_keeps_nobody_out(void **state)
{
	(void)state;
	/* Half of all, for they are strangers. */
	idle_crowd(100, 32);
}

static void N1_nor_does_one_address(void **state)
{
	(void)state;
	idle_crowd(1, 4);
}

/* Who keeps knocking from one address, and is turned away, is not in the way. */
static void N1_nor_does_one_address_that_never_stops(void **state)
{
	struct honest honest;
	struct crowd crowd;

	(void)state;
	start(&defaults);
	crowd_init(&crowd, 3000, 1);
	crowd_knock(&crowd, 500, NULL, 0);
	honest_start(&honest);
	while (!is_honest_up(&honest) && crowd.n < crowd.max)
		crowd_knock(&crowd, 10, NULL, 0), loop_for(loop, 1);
	assert_true(is_honest_up(&honest));
	assert_int_equal(honest.node.downs, 0);
	honest_stop(&honest);
	crowd_wipe(&crowd);
	stop();
}

/* ----------------------------------------------------------------------- N2 */

/* One message to and fro, all the time: how long each took. */
struct chatter {
	struct net_node alice;
	struct net_link_pair pair;
	uint64_t sent_us;
	uint32_t took_us[20000];
	unsigned n;
};

static struct chatter chatter;

static uint64_t now_us(void)
{
	return clock_mono_us(clock_system());
}

static void ask(void)
{
	chatter.sent_us = now_us();
	assert_int_equal(net_node_send(&chatter.alice, chatter.pair.a, KIND_MSG,
				       slice_str("how are you?")),
			 ERR_OK);
}

static void answer(struct net_node *n, link_id id, const struct record *r)
{
	assert_int_equal(net_node_send(n, id, KIND_MSG, r->payload), ERR_OK);
}

static void on_answer(struct net_node *n, link_id id, const struct record *r)
{
	(void)n;
	(void)id;
	(void)r;
	if (chatter.n < 20000)
		chatter.took_us[chatter.n++] = (uint32_t)(now_us() - chatter.sent_us);
	buf_clear(&chatter.alice.got, SIZE_MAX);
	buf_clear(&node.got, SIZE_MAX);
	ask();
}

static void chat_start(void)
{
	memset(&chatter, 0, sizeof(chatter));
	net_node_init(&chatter.alice, loop, 5, NULL);
	chatter.pair = net_node_connect(&chatter.alice, &node);
	chatter.alice.on_record = on_answer;
	node.on_record = answer;
	ask();
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned p95_ms(void)
{
	qsort(chatter.took_us, chatter.n, sizeof(uint32_t), compare);
	return chatter.took_us[chatter.n * 95 / 100] / 1000;
}

/* Preamble and message 1 with a key that is one. */
static size_t first_words(uint8_t out[static 64])
{
	static const uint8_t preamble[] = {'P', '2', 'P', 'M', 1, 0, 0, 0, 0, 0, 0, 0};

	memcpy(out, preamble, sizeof(preamble));
	out[12] = 0;
	out[13] = 32;
	memset(out + 14, 9, 32);
	return 46;
}

static unsigned crowd_answered(const struct crowd *c)
{
	unsigned n = 0;
	char byte;

	for (unsigned i = 0; i < c->n; i++)
		n += recv(c->fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
	return n;
}

static void N2_a_crowd_that_begins_and_stops_does_not_disturb_a_chat(void **state)
{
	unsigned n = scaled(10000, 1500);
	struct crowd crowd;
	uint8_t words[64];
	size_t n_words = first_words(words);

	(void)state;
	if (fd_limit.rlim_max < n + 200)
		skip_because("too few descriptors are allowed (ulimit -n)");
	start(&defaults);
	chat_start();
	crowd_init(&crowd, n, 200);
	uint64_t start_ms = now_ms();
	while (crowd.n < n) {
		crowd_knock(&crowd, 20, words, n_words);
		loop_for(loop, 1);
	}
	loop_for(loop, 100);
	uint64_t took_ms = now_ms() - start_ms;
	/* Of strangers, half of 200 a second were worth an answer, and one second's
	 * worth more at first. Those who lost their place have lost their answer. */
	struct net_counts counts = net_node_counts(&node);
	assert_int_equal(counts.accepted, n + 1);
	assert_true(counts.accepted - counts.refused_limit <= 102 + took_ms / 10);
	assert_true(crowd_answered(&crowd) <= 102 + took_ms / 10);
	assert_true(crowd_answered(&crowd) >= 32);
	assert_true(chatter.n > 100);
	assert_true(p95_ms() < (getenv("P2PMSG_SOAK") != NULL ? 200 : 2000));
	assert_int_equal(chatter.alice.downs, 0);
	net_node_wipe(&chatter.alice);
	crowd_wipe(&crowd);
	stop();
}

/* ----------------------------------------------------------------------- N5 */

enum { FEW = 64, HIGH = 1000 };

/* Out of the way: these shall not be those that run out. */
static void move_high(struct crowd *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		int fd = fcntl(c->fds[i], F_DUPFD_CLOEXEC, HIGH);
		assert_true(fd >= HIGH);
		close(c->fds[i]);
		c->fds[i] = fd;
	}
}

static void limit_fds(rlim_t n)
{
	struct rlimit few = fd_limit;

	few.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

/* The kernel connects them; nobody has accepted any yet. */
static void crowd_wait(struct crowd *c)
{
	while (c->n < c->max) {
		c->fds[c->n] = knock(256 + c->n % c->n_addresses, node.port);
		c->n++;
	}
	move_high(c);
}

static void N5_half_open_ones_make_room_when_descriptors_run_out(void **state)
{
	struct net_limits generous = net_node_limits();
	struct honest honest;
	struct crowd crowd;

	(void)state;
	if (fd_limit.rlim_max < HIGH + 400)
		skip_because("too few descriptors are allowed (ulimit -n)");
	start(&generous);
	crowd_init(&crowd, 300, 10);
	crowd_wait(&crowd);
	limit_fds(FEW);
	uint64_t cpu = cpu_ms();
	loop_for(loop, 300);
	assert_true(cpu_ms() - cpu < 150);
	assert_int_equal(net_node_counts(&node).accepted, 300);
	assert_in_range(net_node_counts(&node).half_open, 10, FEW);
	limit_fds(fd_limit.rlim_max);
	honest_start(&honest);
	limit_fds(FEW);
	assert_true(loop_until(loop, is_honest_up, &honest, 5000));
	assert_int_equal(honest.node.downs, 0);
	limit_fds(fd_limit.rlim_max);
	honest_stop(&honest);
	crowd_wipe(&crowd);
	stop();
}

static void N5_without_any_descriptor_it_waits_and_recovers(void **state)
{
	struct honest honest;
	int taken[FEW];
	unsigned n = 0;

	(void)state;
	start(&defaults);
	honest_start(&honest);
	limit_fds(FEW);
	while (n < FEW && (taken[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	assert_in_range(n, 1, FEW - 1);
	uint64_t cpu = cpu_ms();
	loop_for(loop, 600);
	assert_true(cpu_ms() - cpu < 100);
	assert_int_equal(net_node_counts(&node).accepted, 0);
	assert_false(is_honest_up(&honest));
	while (n > 0)
		close(taken[--n]);
	assert_true(loop_until(loop, is_honest_up, &honest, 2000));
	assert_int_equal(honest.node.downs, 0);
	honest_stop(&honest);
	stop();
}

/* ----------------------------------------------------------------------- N6 */

/* Strangers that come and go, in a few ways; every tenth is an honest peer. */
static void come_and_go(struct net_node *peer, unsigned i)
{
	uint8_t words[64];
	size_t n = first_words(words);

	if (i % 10 == 9) {
		struct net_link_pair p = net_node_connect(peer, &node);
		net_node_close(peer, p.a, CODE_OK, "");
		net_node_await(&node, &node.downs, i / 10 + 1);
		return;
	}
	int fd = knock(2 + i / 20000, node.port);
	if (i % 10 >= 5)
		(void)send(fd, words, i % 2 == 0 ? n : n / 2, MSG_NOSIGNAL);
	if (i % 10 >= 3)
		loop_for(loop, 0);
	if (i % 10 == 4)
		shutdown(fd, SHUT_WR);
	if (i % 3 == 0)
		close(fd);
	else
		knock_reset(fd);
	if (i % 64 == 0)
		loop_for(loop, 1);
}

static bool has_no_links(void *ctx)
{
	(void)ctx;
	return net_node_counts(&node).links == 0;
}

static void N6_coming_and_going_leaves_nothing(void **state)
{
	unsigned n = scaled(50000, 2000);
	struct net_node peer;

	(void)state;
	start(NULL);
	net_node_init(&peer, loop, 3, NULL);
	/* The first hundreds show what the process keeps for itself. */
	unsigned i = 0;
	for (; i < n / 4; i++)
		come_and_go(&peer, i);
	assert_true(loop_until(loop, has_no_links, NULL, 5000));
	unsigned fds = open_fds();
	size_t resident = resident_bytes();
	for (; i < n; i++)
		come_and_go(&peer, i);
	assert_true(loop_until(loop, has_no_links, NULL, 5000));
	assert_int_equal(net_node_counts(&node).accepted, n);
	assert_int_equal(open_fds(), fds);
	if (!HEAP_IS_KEPT)
		assert_true(resident_bytes() < resident + (2 << 20));
	net_node_wipe(&peer);
	stop();
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(N1_a_crowd_that_says_nothing_keeps_nobody_out),
		T(N1_nor_does_one_address),
		T(N1_nor_does_one_address_that_never_stops),
		T(N2_a_crowd_that_begins_and_stops_does_not_disturb_a_chat),
		T(N5_half_open_ones_make_room_when_descriptors_run_out),
		T(N5_without_any_descriptor_it_waits_and_recovers),
		T(N6_coming_and_going_leaves_nothing),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
