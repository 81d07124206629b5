/*
 * rng: randomness is an argument.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	void (*fill)(void *ctx, void *out, size_t n);
	void *ctx;
};

/* The system's, read through a buffer of the calling process that is wiped as
 * it is used (a system call per 16-byte id would cost more than sealing a
 * message). Static. One thread only: the loop's; other threads call libsodium. */
const struct rng *rng_system(void);

/* Repeats to the byte for a seed (ChaCha20 stream); for tests and the
 * simulation only. What a call gives depends on the calls before it, not on how many
 * bytes they asked for. It must not be moved in memory. */
struct rng_seeded {
	struct rng rng;
	uint8_t seed[32];
	uint64_t counter;
};
void rng_seeded_init(struct rng_seeded *r, uint64_t seed);

static inline void rng_fill(const struct rng *r, void *out, size_t n)
{
	r->fill(r->ctx, out, n);
}

/* Uniform in 0 ... bound - 1; bound > 0. */
uint32_t rng_uniform(const struct rng *r, uint32_t bound);

#endif
