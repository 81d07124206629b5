/*
 * chan_sides: the two sides of a channel, as values: ours, which its owner gives, and
 * the other, which the handshake proves.
 */
#ifndef WIRE_CHAN_SIDES_H
#define WIRE_CHAN_SIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/rng.h"
#include "crypto/identity.h"

struct chan_pool;

/* What is the same for all channels of a node; outlives them. */
struct chan_config {
	const struct identity *self;
	struct id16 boot; /* random per process start */
	const struct rng *rng;
	const struct clock *clock;
	uint64_t caps; /* our capability bits */
	/* Bytes that may wait in chan_out; at least one largest frame is let in. */
	size_t out_max;
	struct chan_pool *pool; /* NULL: none */
};

/* The other side, proved. */
struct chan_peer {
	struct cert cert;
	struct id16 boot;
	uint64_t minor; /* already min(ours, theirs) */
	uint64_t caps;
	uint64_t list_version;
	bool is_initiator; /* we are */
};

#endif
