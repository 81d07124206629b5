/*
 * rowseal: what stands in one cell of a database. XChaCha20-Poly1305; the associated data
 * says which cell it is, so that it opens nowhere else. p2pmsg-protocol(7), "Local
 * storage".
 *
 *   nonce(24) ciphertext tag(16)
 *
 * The nonce is 16 random bytes of this opening and a count: it cannot repeat, and costs no
 * system call a row.
 */
#ifndef CRYPTO_ROWSEAL_H
#define CRYPTO_ROWSEAL_H

#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/slice.h"

enum { ROWSEAL_KEY_BYTES = 32, ROWSEAL_PREFIX_BYTES = 16, ROWSEAL_BYTES = 24 + 16 };

struct rowseal {
	const uint8_t *key; /* borrowed */
	uint8_t prefix[ROWSEAL_PREFIX_BYTES];
	uint64_t n;
};

void rowseal_init(struct rowseal *r, const uint8_t key[static ROWSEAL_KEY_BYTES],
		  const struct rng *rng);
/* out has room for plain.n + ROWSEAL_BYTES, and plain is not in it. */
void rowseal_seal(struct rowseal *r, struct slice ad, struct slice plain, uint8_t *out);
/* out has room for sealed.n - ROWSEAL_BYTES, which is what *n becomes. ERR_AUTH: not sealed
 * with this key, or damaged, or of another cell; also when it is too short. */
enum err rowseal_open(const struct rowseal *r, struct slice ad, struct slice sealed,
		      uint8_t *out, size_t *n);

#endif
