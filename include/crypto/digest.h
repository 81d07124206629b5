/*
 * digest: BLAKE2b over bytes that come piece by piece, and whose state can be kept on
 * disk between two runs.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { DIGEST_BYTES = 32, DIGEST_SAVED_BYTES = 416 };

/* A plain value: a copy goes its own way, and nothing needs wiping. Not for secrets. */
struct digest {
	_Alignas(64) uint8_t state[384];
};

/* label: the personal, as for hash_labelled; NULL: plain BLAKE2b-256 (`b2sum -l 256`). */
void digest_init(struct digest *d, const char *label);
void digest_add(struct digest *d, struct slice s);
void digest_zeros(struct digest *d, uint64_t n);
/* Of what was added so far; d goes on. */
void digest_get(const struct digest *d, uint8_t out[static DIGEST_BYTES]);

/* Another libsodium, or another kind of machine, cannot read what this one saved:
 * ERR_VERSION. */
void digest_save(const struct digest *d, uint8_t out[static DIGEST_SAVED_BYTES]);
enum err digest_load(struct digest *d, const uint8_t in[static DIGEST_SAVED_BYTES]);

#endif
