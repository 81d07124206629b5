/*
 * noise_pattern: the handshake patterns as data (sections 7, 9 and 18 of the
 * Noise specification, revision 34). A struct noise_pattern is one fundamental
 * or deferred pattern together with a set of psk modifiers.
 */
#ifndef SRC_CRYPTO_NOISE_PATTERN_H
#define SRC_CRYPTO_NOISE_PATTERN_H

#include "crypto/noise.h"

enum { NOISE_TOKENS_MAX = 8, NOISE_NAME_BYTES = 80 };

/* "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b" with a NUL. */
void noise_pattern_name(const struct noise_pattern *p, char out[static NOISE_NAME_BYTES]);
/* The tokens of message number i, psk included; returns how many. */
unsigned noise_pattern_tokens(const struct noise_pattern *p, unsigned i,
			      uint8_t out[static NOISE_TOKENS_MAX]);
/* True when the static key of that side is a pre-message. */
bool noise_pattern_has_premessage(const struct noise_pattern *p, bool initiator);

#endif
