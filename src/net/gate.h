/*
 * gate: who may come in. Limits on strangers before anything is computed for them:
 * half-open handshakes and new connections a second, for each address and in all
 * (p2pmsg-protocol(7), "Handshake"). Logic only, on the clock port: no sockets.
 *
 * Half of each limit in all is kept for addresses that proved a key in the last
 * 24 h. An address of which nothing came for 5 s goes before others: a flood
 * from some hundred addresses leaves room for one more; one from thousands (IPv6) does
 * not. When there are too many half-open ones, the oldest of the busiest address
 * makes room.
 */
#ifndef NET_GATE_H
#define NET_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/list.h"

struct gate;
struct gate_ip;

/* At least 1 each, half_open at least 2. */
struct gate_limits {
	unsigned half_open_ip, half_open;
	unsigned new_ip_second, new_second;
};

/* One half-open handshake; embedded in its connection, zeroed at first. */
struct gate_slot {
	struct gate_ip *ip; /* NULL while it has no place */
	struct list of_ip;
	uint64_t seq;
};

/* clock outlives it. */
struct gate *gate_new(const struct clock *clock, const struct gate_limits *limits);
/* Every slot must have left. NULL is fine. */
void gate_free(struct gate *g);

/* A new connection from a: false when there are too many a second. */
bool gate_admit(struct gate *g, const struct addr *a);
/* Its handshake begins: slot has a place. What is returned, when it is not NULL, has
 * lost its own: its connection is to be closed. */
struct gate_slot *gate_enter(struct gate *g, const struct addr *a,
			     struct gate_slot *slot);
/* The handshake is over, well or not. Harmless twice. */
void gate_leave(struct gate *g, struct gate_slot *slot);
/* Takes the place of the oldest of the busiest address, when something else has run
 * out; NULL when there is none. */
struct gate_slot *gate_evict(struct gate *g);
void gate_proved(struct gate *g, const struct addr *a);

unsigned gate_half_open(const struct gate *g);
size_t gate_known(const struct gate *g); /* addresses remembered */

#endif
