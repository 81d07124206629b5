/*
 * noise_vectors: reads files of Noise test vectors in either of the two formats
 * that implementations publish: JSON (cacophony, snow: "vectors": [...]), and
 * the key=value text of flynn/noise.
 */
#ifndef TESTS_LIB_NOISE_VECTORS_H
#define TESTS_LIB_NOISE_VECTORS_H

#include <stdbool.h>

#include "base/slice.h"

enum { NOISE_VECTOR_PSKS = 8, NOISE_VECTOR_MESSAGES = 16 };

/* Absent keys have n == 0. */
struct noise_vector_side {
	struct slice prologue, s, e, rs;
	struct slice psk[NOISE_VECTOR_PSKS];
	unsigned n_psks;
};

struct noise_vector {
	const char *protocol_name;
	struct noise_vector_side initiator, responder;
	struct slice handshake_hash; /* n == 0: not given */
	/* After the handshake the sides go on taking turns (JSON), or the initiator
	 * begins anew (text). In one-way patterns only the initiator sends (JSON). */
	bool is_restarted;
	unsigned n_messages;
	struct {
		struct slice payload, ciphertext;
	} messages[NOISE_VECTOR_MESSAGES];
};

/* Calls fn for each vector of the file, which lives only during the call. Returns
 * how many there were; fails the running test when the file is in no known form. */
unsigned noise_vectors_each(const char *path,
			    void (*fn)(void *ctx, const struct noise_vector *v),
			    void *ctx);

#endif
