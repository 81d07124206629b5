/*
 * sim: many cores in one process, on a manual clock, with a seeded rng and real
 * channels joined in memory. The same seed gives the same run, to the byte.
 */
#ifndef TESTS_LIB_SIM_H
#define TESTS_LIB_SIM_H

#include "base/clock.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/timer.h"
#include "core/core.h"

struct sim;

/* One node, as a test sees it. */
struct sim_node {
	struct sim *sim;
	unsigned index;
	struct identity *identity;
	struct options *options;
	struct store *store;
	struct core *core; /* NULL while it is not running */
	struct chan_config chan;
	struct addr addr;
	bool is_cut; /* its cable is pulled: nothing gets in or out, nobody is told */
	struct front_port front;
	char id[NODE_ID_COMPACT_BYTES];
	/* what its front end saw */
	unsigned n_texts, n_online, n_offline, n_delivered, n_failed, n_notices, n_alarms;
	unsigned n_done, n_errors;
	unsigned n_dials; /* what its core has dialled */
	unsigned last_status;
	char last_error[256];
	char **texts; /* "nick: text", as shown */
	size_t n_text_slots;
};

struct sim *sim_new(uint64_t seed, unsigned n_nodes);
void sim_free(struct sim *s);
struct sim_node *sim_node(struct sim *s, unsigned i);
const struct clock *sim_clock(struct sim *s);
/* A hash over every event of every node so far, as hex; static. */
const char *sim_transcript(struct sim *s);
/* Milliseconds each packet takes; 1 at first. */
void sim_latency(struct sim *s, unsigned ms);
/* Where nobody is, nothing answers; at first such a dial is refused at once. */
void sim_dead_hosts(struct sim *s);
/* Keep the texts that are shown (on at first). */
void sim_keep_texts(struct sim *s, bool on);

/* Starts node i with a fresh boot id. */
void sim_start(struct sim *s, unsigned i);
/* What it has been told of its network. */
void sim_ifaces(struct sim *s, unsigned i, struct ifaces *ifs);
/* Ends it with a goodbye, or as kill -9 does (its connections end with EOF). */
void sim_stop(struct sim *s, unsigned i, bool is_killed);
/* Starts all, and lets them hear of each other. */
void sim_start_all(struct sim *s);
/* n nodes that have met, 2 s after their start. */
struct sim *sim_meet(uint64_t seed, unsigned n);
/* All nodes that run hear of i, and i of them, as by mDNS. */
void sim_announce(struct sim *s, unsigned i);
/* One node hears of another. */
void sim_tell(struct sim *s, unsigned who, unsigned of);
/* Breaks all connections between the two without telling either. */
void sim_break(struct sim *s, unsigned a, unsigned b);
/* Breaks them, and both are told at once. */
void sim_reset(struct sim *s, unsigned a, unsigned b);
/* A connection that nobody's rules asked for, each direction with its own delay. */
void sim_dial(struct sim *s, unsigned from, unsigned to, unsigned out_ms,
	      unsigned back_ms);
/* The calendar is set anew; and all clocks go on while nobody runs. */
void sim_wall_jump(struct sim *s, int64_t ms);
void sim_suspend(struct sim *s, uint64_t ms);
/* A node with the same keys as i, at another address. Returns its index. */
unsigned sim_clone(struct sim *s, unsigned i);

/* A line as typed: "msg <id> text". */
void sim_say(struct sim *s, unsigned from, unsigned to, const char *text);
void sim_say_lan(struct sim *s, unsigned from, const char *text);
void sim_submit(struct sim *s, unsigned i, const struct command *cmd);
/* Lets time pass. */
void sim_run(struct sim *s, uint64_t ms);
/* Live connections at i. */
unsigned sim_links(struct sim *s, unsigned i);
/* How often i was shown exactly this text. */
unsigned sim_saw(struct sim *s, unsigned i, const char *text);
/* Bytes and packets that crossed. */
uint64_t sim_bytes(struct sim *s);

/*
 * Raw connections: bytes of a test's own making to and from one node. The handle
 * lives until the node has let go of its side and sim_raw_close was called.
 */
struct sim_raw;
typedef void sim_raw_fn(void *ctx, struct slice bytes, bool is_eof);
struct sim_raw *sim_raw_open(struct sim *s, unsigned to, const struct addr *from,
			     sim_raw_fn *fn, void *ctx);
/* The node dials this address: fn names who takes the bytes, and its ctx. */
typedef sim_raw_fn *sim_raw_open_fn(void *ctx, struct sim_raw *r, void **fn_ctx);
void sim_raw_listen(struct sim *s, const struct addr *at, sim_raw_open_fn *fn, void *ctx);
void sim_raw_send(struct sim_raw *r, struct slice bytes);
void sim_raw_close(struct sim_raw *r);

#endif
