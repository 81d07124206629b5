/*
 * noise_pair: two ends of a Noise handshake with fixed keys, and a way to let
 * them talk.
 */
#ifndef TESTS_LIB_NOISE_PAIR_H
#define TESTS_LIB_NOISE_PAIR_H

#include "base/rng.h"
#include "crypto/noise.h"

struct noise_pair {
	struct noise_handshakestate side[2]; /* [1] is the initiator */
	uint8_t s[2][NOISE_DHLEN], s_pub[2][NOISE_DHLEN];
	uint8_t e[2][NOISE_DHLEN], e_pub[2][NOISE_DHLEN];
	uint8_t psk[NOISE_MAX_PSKS][NOISE_PSKLEN];
	struct rng_seeded rng;
};

/* Both ends ready to begin, with every key that the pattern needs; ephemerals are
 * e[]. Fails the test when the pattern is not known. */
void noise_pair_init(struct noise_pair *np, const char *pattern);
/* One message from the side whose turn it is to the other. */
void noise_pair_pass(struct noise_pair *np, struct slice payload);
/* The rest of the handshake, then Split: send and receive of both, with equal h.
 */
struct noise_transport {
	struct noise_cipherstate send[2], receive[2]; /* [1]: the initiator's */
	uint8_t h[NOISE_HASHLEN];
};
void noise_pair_finish(struct noise_pair *np, struct noise_transport *t);
/* One transport message from that side to the other, and compares. */
void noise_transport_pass(struct noise_transport *t, int from);

#endif
