/*
 * discovery: who may be reachable where. All of it is hints; the handshake
 * proves. Runs mDNS (system Avahi, or the embedded stack when no daemon answers)
 * in a thread of its own and resolves peers given by hand.
 * p2pmsg-protocol(7), "mDNS".
 */
#ifndef DISCOVERY_DISCOVERY_H
#define DISCOVERY_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/rng.h"
#include "discovery/sighting.h"
#include "net/loop.h"

enum discovery_mode {
	DISCOVERY_AUTO,
	DISCOVERY_AVAHI,
	DISCOVERY_EMBEDDED,
	DISCOVERY_OFF
};

struct discovery_config {
	struct loop *loop;
	const struct rng *rng;
	enum discovery_mode mode;
	struct id32 node_id;
	uint16_t port;
	uint8_t role; /* bit 0: rendezvous */
	bool is_visible;
	bool use_ip4, use_ip6;
	/* Names given by the user with --interface; they are used whatever they look
	 * like. Borrowed while running. */
	const char *const *interfaces;
	size_t n_interfaces;
};

struct discovery_events {
	/* On the loop's thread; borrowed for the call. Our own instance is left out. */
	void (*on_sighting)(void *ctx, const struct sighting *s);
	/* Which backend works now ("avahi", "embedded", "off") and, when something is
	 * wrong, one line for people, else NULL. Only when it changes. */
	void (*on_status)(void *ctx, const char *backend, const char *trouble);
};

struct discovery;

enum err discovery_start(const struct discovery_config *cfg,
			 const struct discovery_events *events, void *ctx,
			 struct discovery **out);
/* Withdraws the announcement (waits at most 0.5 s for the thread). NULL is fine. */
void discovery_stop(struct discovery *d);

/* The interfaces changed; the first call starts mDNS. */
void discovery_ifaces_set(struct discovery *d, const struct ifaces *ifs);
void discovery_visible_set(struct discovery *d, bool is_visible);
/* Ask again for this instance (after a failed dial), at most once a second; what the
 * mDNS stack holds and believes in is answered without the network. */
void discovery_again(struct discovery *d, const char *instance);

/* A peer by hand: host[:port], port 7117 when absent; id NULL: whoever answers.
 * Sightings follow, and again every 60 s. One that is there already takes the new id.
 * ERR_USAGE for a bad host or port. */
enum err discovery_fixed_add(struct discovery *d, const char *host_port,
			     const struct id32 *id);
/* Its sightings are taken back at the next tick. ERR_UNKNOWN. */
enum err discovery_fixed_del(struct discovery *d, const char *host_port);

#endif
