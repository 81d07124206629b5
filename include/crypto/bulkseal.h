/*
 * bulkseal: the cipher of one direction of a bulk connection: ChaCha20-Poly1305 as a
 * CipherState of Noise (section 5.1) with empty associated data, as noise.h has it,
 * but for 2^40 records at most and, where the build found it, with libcrypto, which
 * seals the same bytes several times as fast as libsodium. p2pmsg-protocol(7), "Bulk
 * connections".
 *
 * Any thread may make, use and free one; one thread at a time.
 */
#ifndef CRYPTO_BULKSEAL_H
#define CRYPTO_BULKSEAL_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/noise.h"

struct bulkseal;

enum { BULKSEAL_TAG_BYTES = NOISE_TAGLEN };
#define BULKSEAL_RECORDS_MAX (UINT64_C(1) << 40)

/* Goes on where cs is, which is wiped. The key lies in locked memory, and for
 * libcrypto also in its own context, which wipes it when it ends. Never NULL. */
struct bulkseal *bulkseal_new(struct noise_cipherstate *cs);
/* Wipes. NULL is fine. */
void bulkseal_free(struct bulkseal *s);

/* out has plaintext.n + 16 bytes, and is plaintext's memory or apart from it.
 * ERR_LIMIT after 2^40 records, ERR_RANGE above 65,519 bytes: nothing is sealed.
 * Nothing is allocated. */
enum err bulkseal_seal(struct bulkseal *s, struct slice plaintext, uint8_t *out);
/* out has ciphertext.n - 16 bytes, likewise. ERR_AUTH: out is wiped, and the counter
 * stands; ERR_PROTO: too short or too long for a Noise message; ERR_LIMIT as above. */
enum err bulkseal_open(struct bulkseal *s, struct slice ciphertext, uint8_t *out);

/* Records sealed or opened so far. */
uint64_t bulkseal_count(const struct bulkseal *s);
/* "libcrypto" or "libsodium": which of them does it. */
const char *bulkseal_library(const struct bulkseal *s);

#endif
