/*
 * mdns_event: what the loop gives the mDNS thread to begin with, and what it gets.
 */
#ifndef DISCOVERY_MDNS_EVENT_H
#define DISCOVERY_MDNS_EVENT_H

#include "discovery/links.h"
#include "discovery/sighting.h"

struct mdns_config {
	bool use_daemon, use_embedded; /* the daemon is preferred */
	struct id32 node_id;
	uint16_t port;
	uint8_t role;
	bool is_visible;
	struct links_rule rule;
	uint64_t seed; /* of random names and delays; none of them is a secret */
};

enum mdns_event_kind { MDNS_SIGHTING, MDNS_STATUS };
enum { MDNS_TROUBLE_BYTES = 160 };

struct mdns_event {
	enum mdns_event_kind kind;
	struct sighting sighting;
	const char *backend; /* static */
	char trouble[MDNS_TROUBLE_BYTES]; /* empty: none */
};

#endif
