/*
 * net_node: a node with real sockets on loopback and no core: it accepts everybody
 * and counts what happens. Fails the test when an event comes from inside a call of
 * link_ops.
 */
#ifndef TESTS_LIB_NET_NODE_H
#define TESTS_LIB_NET_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"
#include "crypto/identity.h"
#include "net/net.h"

struct net_node {
	struct loop *loop;
	struct rng_seeded rng;
	struct identity *id;
	struct chan_config chan;
	struct net *net;
	uint16_t port; /* 0: does not listen */

	bool is_slow; /* on_peer is left to the test */
	bool says_no; /* on_peer is answered with close */
	/* More to do, or NULL. */
	void (*on_record)(struct net_node *n, link_id id, const struct record *r);
	void (*on_up)(struct net_node *n, link_id id);
	void (*on_room)(struct net_node *n, link_id id);
	void (*on_down)(struct net_node *n, link_id id);
	void (*on_trace)(struct net_node *n, link_id id, const struct chan_trace *t);
	void *ctx; /* theirs */

	unsigned peers, ups, downs, rooms, records, traces;
	link_id last; /* that something happened to */
	uint8_t hash[CHAN_HASH_BYTES]; /* of the last on_up */
	struct addr remote;
	bool is_initiator;
	struct id32 peer_id;
	enum err why; /* of the last on_down, with the next two */
	uint16_t code;
	char reason[PROTO_CLOSE_REASON_BYTES + 1];
	struct buf got; /* the payloads, one after the other */
	int in_call;
};

/* So generous that no test meets them; handshake 5 s, dial 3 s. */
struct net_limits net_node_limits(void);
/* limits NULL: those. Does not listen yet. */
void net_node_init(struct net_node *n, struct loop *l, uint64_t seed,
		   const struct net_limits *limits);
/* Both families, any port. */
void net_node_listen(struct net_node *n);
/* Frees all; the loop is the caller's. */
void net_node_wipe(struct net_node *n);

struct addr net_node_ip4(uint16_t port); /* 127.0.0.1 */
struct addr net_node_ip6(uint16_t port); /* ::1 */

/* Must start. target NULL: whoever answers. */
link_id net_node_dial(struct net_node *n, const struct addr *to,
		      const struct id32 *target);
/* As link_ops, but watched. */
void net_node_accept(struct net_node *n, link_id id);
enum err net_node_send(struct net_node *n, link_id id, uint8_t kind,
		       struct slice payload);
void net_node_close(struct net_node *n, link_id id, uint16_t code, const char *reason);
void net_node_pause(struct net_node *n, link_id id, bool is_paused);

/* a dials b and both come up: the ids at both ends. */
struct net_link_pair {
	link_id a, b;
};
struct net_link_pair net_node_connect(struct net_node *a, struct net_node *b);

/* Waits, at most 5 s, and fails the test. */
void net_node_await(struct net_node *n, const unsigned *counter, unsigned at_least);
struct net_counts net_node_counts(const struct net_node *n);

/* A loop and two nodes on it, of which the second listens; for setup and teardown. */
int net_nodes_start(struct loop **l, struct net_node *a, struct net_node *b);
void net_nodes_stop(struct loop *l, struct net_node *a, struct net_node *b);
/* A MSG of these bytes, which must be taken; and all that came so far. */
void net_node_say(struct net_node *n, link_id id, const char *text);
void net_node_assert_got(struct net_node *n, const char *text);

#endif
