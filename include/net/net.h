/*
 * net: TCP. Listens, accepts within limits, dials, and carries one chan on each
 * connection. Implements link_ops (link.h).
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/options.h"
#include "net/link.h"
#include "net/loop.h"
#include "wire/chan.h"

struct net;

/* The limits of p2pmsg-protocol(7), "Handshake". */
struct net_limits {
	unsigned handshake_s;
	unsigned half_open_ip, half_open;
	unsigned new_ip_second, new_second;
	unsigned dial_timeout_s; /* TCP connect: 3; to a rumour: 1.2 at most */
};

struct net_config {
	struct loop *loop;
	const struct chan_config *chan; /* outlives net */
	struct net_limits limits;
	bool use_ip4, use_ip6;
};

struct net *net_new(const struct net_config *cfg);
/* Closes every link (CLOSE 13 where it can). Not from inside an event; from done of
 * net_goodbye it is fine. NULL too. */
void net_free(struct net *n);
/* Before anything else. events and ctx outlive n. */
void net_events_set(struct net *n, const struct link_events *events, void *ctx);
const struct link_ops *net_link_ops(void); /* with the struct net * as first argument */

/*
 * Listens on every address of the chosen families. wanted 0: tries last (0: none),
 * then 7117, then any free port; otherwise only wanted: ERR_IN_USE, ERR_PERM.
 * The same port for IPv4 and IPv6; a family that the host lacks is left out.
 */
enum err net_listen(struct net *n, uint16_t wanted, uint16_t last, uint16_t *port);
/* Says CLOSE 13 on every link and calls done, never from inside this call, once all
 * is written and the others had a moment (200 ms) to end too, or after 1 s. No more
 * events, no new links. */
void net_goodbye(struct net *n, void (*done)(void *ctx), void *ctx);

/* Addresses that proved a key: half of each global bucket is kept for them. */
void net_address_proved(struct net *n, const struct addr *a);

/* For /status and tests. */
struct net_counts {
	/* Connections of any state, those that are ending too; and of them those
	 * accepted whose handshake is under way. */
	unsigned links, half_open;
	/* Since the start: taken from the kernel; of those, turned away or dropped for
	 * a limit; of those let in, ended before they were up. */
	uint64_t accepted, refused_limit, failed_handshakes;
};
void net_counts_get(const struct net *n, struct net_counts *out);

#endif
