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
#include "net/loop.h"

enum sighting_source { SIGHTING_MDNS, SIGHTING_FIXED, SIGHTING_MEMORY, SIGHTING_SERVER };

enum { SIGHTING_INSTANCE_BYTES = 64 };

/* A peer may be reachable at this address. */
struct sighting {
	enum sighting_source source;
	bool is_gone; /* no longer (mDNS goodbye or expiry; a fixed peer forgotten) */
	bool has_id; /* a fixed peer may come without one */
	struct id32 id;
	struct addr addr;
	uint32_t ifindex; /* where it was heard; 0: not known */
	bool is_from_loopback; /* heard on lo */
	char instance
		[SIGHTING_INSTANCE_BYTES]; /* mDNS instance, or the text of a fixed peer */
	uint8_t role; /* bit 0: rendezvous */
	uint8_t proto_min, proto_max;
};

/* A TXT record as length-prefixed strings. ERR_PROTO: over 256 bytes, a length
 * past the end, a duplicate known key, a bad or missing id, no v=1. Fills has_id,
 * id, role, proto_min and proto_max of out. */
enum err sighting_parse_txt(struct slice txt, struct sighting *out);

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
/* Ask the network again for this instance (after a failed dial). */
void discovery_again(struct discovery *d, const char *instance);

/* A peer by hand: host[:port], port 7117 when absent; id NULL: whoever answers.
 * Sightings follow, and again every 60 s. ERR_USAGE for a bad host or port. */
enum err discovery_fixed_add(struct discovery *d, const char *host_port,
			     const struct id32 *id);
enum err discovery_fixed_del(struct discovery *d, const char *host_port);

#endif
