/*
 * sighting: a peer may be reachable at this address. A hint; the handshake proves.
 * p2pmsg-protocol(7), "mDNS".
 */
#ifndef DISCOVERY_SIGHTING_H
#define DISCOVERY_SIGHTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"

enum sighting_source { SIGHTING_MDNS, SIGHTING_FIXED, SIGHTING_MEMORY, SIGHTING_SERVER };

enum { SIGHTING_INSTANCE_BYTES = 64 };

/* One with is_gone takes back the one with the same source, instance, addr and
 * ifindex; the same address may still be known from elsewhere. */
struct sighting {
	enum sighting_source source;
	bool is_gone; /* no longer (mDNS goodbye or expiry; a fixed peer forgotten) */
	bool has_id; /* a fixed peer may come without one */
	struct id32 id;
	struct addr addr;
	uint32_t ifindex; /* where it was heard; 0: not known */
	bool is_from_loopback; /* heard on lo */
	/* mDNS instance, or the text of a fixed peer (its first 63 bytes). Any bytes
	 * but NUL: make it safe before showing it. */
	char instance[SIGHTING_INSTANCE_BYTES];
	uint8_t role; /* bit 0: rendezvous */
	uint8_t proto_min, proto_max; /* 0: not known */
};

/* A TXT record as length-prefixed strings. ERR_PROTO: over 256 bytes, a length
 * past the end, a duplicate known key, a bad or missing id, no v=1, a known key with
 * a bad value. Fills has_id, id, role, proto_min and proto_max of out. */
enum err sighting_parse_txt(struct slice txt, struct sighting *out);

#endif
