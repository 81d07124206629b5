/*
 * bench_node: two whole nodes (loop, net, core) in two processes, over TCP on
 * loopback. Prints `name<TAB>value<TAB>unit`.
 *
 *   bench_node rate [COUNT]   texts of 100 bytes from core to core, acknowledged
 *   bench_node rtt [COUNT]    a text there, a text back, one at a time
 *   bench_node durable [N]    as rate, both keep all on the disk that TMPDIR is on
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "core/core.h"
#include "net/net.h"

enum { WINDOW = 8192, BURST = 1024, TEXT_BYTES = 100 };

struct node {
	struct loop *loop;
	struct identity *identity;
	struct chan_config chan;
	struct net *net;
	struct core *core;
	struct store *store;
	struct options *options;
	struct front_port front;
	struct loop_tick tick;
	struct loop_watch *watch; /* of the store */
	uint16_t port;
	char peer[NODE_ID_COMPACT_BYTES];
	bool is_sender, is_online, is_rtt;
	const char *path; /* of the database; NULL: in memory */
	unsigned long count, sent, got, delivered;
	uint64_t start_us, rtt_us;
	double *rtts;
	char text[TEXT_BYTES + 1];
};

static uint64_t now_us(void)
{
	return clock_mono_us(clock_system());
}

static void say(struct node *n)
{
	struct command cmd = {.verb = VERB_MSG};
	cmd.u.msg.who = n->peer;
	cmd.u.msg.text = n->text;
	n->front.ops->submit(n->front.impl, &cmd);
	n->sent++;
	n->rtt_us = now_us();
}

static void feed(struct node *n)
{
	for (unsigned i = 0; i < BURST && n->sent < n->count; i++) {
		if (n->sent - n->delivered >= WINDOW)
			return;
		say(n);
	}
}

static void on_delivered(struct node *n)
{
	n->delivered++;
	if (!n->is_rtt && n->delivered == n->count)
		loop_stop(n->loop);
}

static void on_text(struct node *n)
{
	n->got++;
	if (!n->is_rtt)
		return;
	if (!n->is_sender) {
		say(n);
		return;
	}
	n->rtts[n->got - 1] = (double)(now_us() - n->rtt_us);
	if (n->got == n->count)
		loop_stop(n->loop);
	else
		say(n);
}

static void on_online(struct node *n, const char *id)
{
	memcpy(n->peer, id, sizeof n->peer);
	n->is_online = true;
	n->start_us = now_us();
	if (n->is_sender && n->is_rtt)
		say(n);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct node *n = ctx;
	if (ev->type == EVENT_STATE && strcmp(ev->u.state.state, "delivered") == 0)
		on_delivered(n);
	else if (ev->type == EVENT_MESSAGE && strcmp(ev->u.message.direction, "in") == 0)
		on_text(n);
	else if (ev->type == EVENT_PEER && strcmp(ev->u.peer.state, "online") == 0)
		on_online(n, ev->u.peer.id);
	else if (ev->type == EVENT_ERROR)
		fprintf(stderr, "bench_node: %s\n", ev->u.error.text);
}

static void on_tick(void *ctx)
{
	struct node *n = ctx;
	if (n->is_sender && n->is_online && !n->is_rtt)
		feed(n);
	if (core_tick(n->core))
		loop_again(n->loop);
}

static void on_store(void *ctx)
{
	(void)ctx; /* the tick that follows asks the store */
}

static void set(struct node *n, enum option id, const char *value)
{
	char *why = NULL;
	options_set(n->options, id, value, OPTION_CMDLINE, &why);
	mem_free(why);
}

static void node_start(struct node *n)
{
	struct net_config nc = {.limits = {5, 64, 64, 1000, 1000, 3}, .use_ip4 = true};
	struct core_config cc = {.clock = clock_system(), .rng = rng_system()};
	struct command follow = {.verb = VERB_EVENTS};
	secret_init();
	loop_new(&n->loop);
	n->identity = identity_generate(rng_system());
	n->options = options_new();
	set(n, OPT_stranger_mib_day, "1048576");
	set(n, OPT_queue_messages, "100000");
	if (n->path == NULL)
		set(n, OPT_store, "none");
	rng_fill(rng_system(), n->chan.boot.b, sizeof n->chan.boot.b);
	n->chan.self = n->identity;
	n->chan.rng = rng_system();
	n->chan.clock = clock_system();
	n->chan.out_max = 256 << 10;
	n->chan.pool = chan_pool_new(64);
	nc.loop = n->loop;
	nc.chan = &n->chan;
	n->net = net_new(&nc);
	cc.timers = loop_timers(n->loop);
	cc.identity = n->identity;
	cc.boot = n->chan.boot;
	cc.options = n->options;
	cc.link = net_link_ops();
	cc.net = n->net;
	char why[STORE_WHY_BYTES];
	static const uint8_t key[STORE_KEY_BYTES] = {1};
	const struct store_config sc = {.path = n->path, .key = key, .rng = rng_system()};
	if (store_open(&sc, &n->store, why) != ERR_OK) {
		fprintf(stderr, "bench_node: %s\n", why);
		exit(1);
	}
	if (store_fd(n->store) >= 0)
		loop_watch_start(n->loop, store_fd(n->store), on_store, n, &n->watch);
	cc.store = n->store;
	cc.profile = "bench";
	n->core = core_new(&cc);
	net_events_set(n->net, core_link_events(), n->core);
	net_listen(n->net, 0, 0, &n->port);
	core_listening(n->core, n->port);
	while (!core_is_ready(n->core))
		core_tick(n->core);
	loop_tick_add(n->loop, &n->tick, on_tick, n);
	struct front_source src = core_front_source(n->core);
	src.open(src.ctx, on_event, n, &n->front);
	n->front.ops->submit(n->front.impl, &follow);
	memset(n->text, 'x', TEXT_BYTES);
}

/* The sender sees the end, and cleans up; all the rest dies with the process. */
static char *make_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = mem_printf("%s/bench_node.XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(1);
	}
	return dir;
}

static void remove_dir(const char *dir)
{
	static const char *const names[] = {"a.db", "b.db"};
	static const char *const parts[] = {"", "-wal", "-shm", ".lock"};
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 4; k++) {
			char *name = mem_printf("%s/%s%s", dir, names[i], parts[k]);
			unlink(name);
			mem_free(name);
		}
	}
	rmdir(dir);
}

static void child(int to_parent, const char *dir, bool is_rtt, unsigned long count)
{
	struct node *n = mem_new(sizeof *n);
	n->is_rtt = is_rtt;
	n->count = count;
	n->path = dir != NULL ? mem_printf("%s/b.db", dir) : NULL;
	node_start(n);
	if (write(to_parent, &n->port, sizeof n->port) != sizeof n->port)
		_exit(1);
	alarm(300);
	loop_run(n->loop);
}

static void dial(struct node *n, uint16_t port)
{
	struct sighting s = {.source = SIGHTING_FIXED};
	s.addr = (struct addr){.family = ADDR_IP4, .port = port, .ip = {127, 0, 0, 1}};
	core_sighting(n->core, &s);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void report(struct node *n, uint64_t took_us)
{
	if (n->is_rtt) {
		qsort(n->rtts, n->count, sizeof *n->rtts, by_value);
		printf("node.rtt.median\t%.1f\tus\n", n->rtts[n->count / 2]);
		printf("node.rtt.p95\t%.1f\tus\n", n->rtts[n->count * 95 / 100]);
	} else {
		printf("node.%s\t%.0f\tmessages/s\n",
		       n->path != NULL ? "durable" : "rate",
		       (double)n->count * 1e6 / (double)took_us);
	}
}

int main(int argc, char **argv)
{
	bool is_rtt = argc > 1 && strcmp(argv[1], "rtt") == 0;
	bool is_durable = argc > 1 && strcmp(argv[1], "durable") == 0;
	unsigned long count = argc > 2	   ? strtoul(argv[2], NULL, 10)
			      : is_rtt	   ? 5000
			      : is_durable ? 100000
					   : 500000;
	char *dir = is_durable ? make_dir() : NULL;
	int fds[2];
	uint16_t port;
	if (pipe(fds) != 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		child(fds[1], dir, is_rtt, count);
		_exit(0);
	}
	struct node *n = mem_new(sizeof *n);
	n->is_sender = true;
	n->path = dir != NULL ? mem_printf("%s/a.db", dir) : NULL;
	n->is_rtt = is_rtt;
	n->count = count;
	n->rtts = mem_array(count, sizeof *n->rtts);
	node_start(n);
	if (read(fds[0], &port, sizeof port) != sizeof port)
		return 1;
	dial(n, port);
	alarm(300);
	loop_run(n->loop);
	report(n, now_us() - n->start_us);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	if (dir != NULL)
		remove_dir(dir);
	return 0;
}
