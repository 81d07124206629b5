#include "base/rng.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/secret.h"

enum { POOL_BYTES = 4096 };

/* Bytes not handed out yet are at the end; those before are wiped. They become keys,
 * so they lie where keys lie. */
static struct {
	uint8_t *p;
	size_t left;
} pool;

/* A child must not draw what its parent draws. */
static void forget_pool(void)
{
	if (pool.left > 0)
		secret_wipe(pool.p + POOL_BYTES - pool.left, pool.left);
	pool.left = 0;
}

static void refill(void)
{
	if (pool.p == NULL) {
		pool.p = secret_new(POOL_BYTES);
		pthread_atfork(NULL, NULL, forget_pool);
	}
	/* The system's generator costs ten times as much for each byte as stretching
	 * one seed of it; a new seed each time, so that no state outlives the pool. */
	uint8_t seed[randombytes_SEEDBYTES];
	randombytes_buf(seed, sizeof(seed));
	randombytes_buf_deterministic(pool.p, POOL_BYTES, seed);
	secret_wipe(seed, sizeof(seed));
	pool.left = POOL_BYTES;
}

static void system_fill(void *ctx, void *out, size_t n)
{
	uint8_t *from;

	(void)ctx;
	if (n > POOL_BYTES / 4) {
		randombytes_buf(out, n);
		return;
	}
	if (n > pool.left)
		refill();
	from = pool.p + POOL_BYTES - pool.left;
	memcpy(out, from, n);
	secret_wipe(from, n);
	pool.left -= n;
}

const struct rng *rng_system(void)
{
	static const struct rng rng = {.fill = system_fill};

	return &rng;
}

/* Every call is a stream of its own, numbered by the nonce. */
static void seeded_fill(void *ctx, void *out, size_t n)
{
	struct rng_seeded *r = ctx;
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(r->counter >> (8 * i));
	r->counter++;
	crypto_stream_chacha20(out, n, nonce, r->seed);
}

void rng_seeded_init(struct rng_seeded *r, uint64_t seed)
{
	*r = (struct rng_seeded){.rng = {seeded_fill, r}};
	for (size_t i = 0; i < sizeof(seed); i++)
		r->seed[i] = (uint8_t)(seed >> (8 * i));
}

/* Values below 2^32 mod bound are drawn again: they would come up more often. */
uint32_t rng_uniform(const struct rng *r, uint32_t bound)
{
	uint32_t v, least = bound > 1 ? (0u - bound) % bound : 0;

	if (bound < 2)
		return 0;
	do
		rng_fill(r, &v, sizeof(v));
	while (v < least);
	return v % bound;
}
