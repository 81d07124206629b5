/*
 * chan_socket: a real channel over a bare socket, moved by hand, for a stranger who
 * keeps the protocol up to where the test wants and then does not.
 */
#ifndef TESTS_LIB_CHAN_SOCKET_H
#define TESTS_LIB_CHAN_SOCKET_H

#include "lib/net_node.h"

struct chan_socket {
	struct loop *loop;
	struct rng_seeded rng;
	struct identity *id;
	struct chan_config cfg;
	struct chan *chan;
	int fd;
};

/* From 127.0.x.y (knock) to the node, as its initiator; nothing is said yet. */
void chan_socket_init(struct chan_socket *s, struct net_node *n, unsigned from);
void chan_socket_wipe(struct chan_socket *s);

/* Says what the channel has to say next. */
void chan_socket_say(struct chan_socket *s);
/* Those bytes, which the channel knows nothing of. */
void chan_socket_say_raw(struct chan_socket *s, const void *bytes, size_t n);
/* Runs the loop until message 2 is here, and accepts: message 3 is ready in chan. */
void chan_socket_meet(struct chan_socket *s);
/* Says all of the handshake. */
void chan_socket_shake(struct chan_socket *s);

#endif
