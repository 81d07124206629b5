/*
 * noise_symmetric: the SymmetricState of the Noise specification (section 5.2)
 * with its own names. For noise.c, and for tests that play an attacker who keeps
 * the handshake's books correctly.
 */
#ifndef SRC_CRYPTO_NOISE_SYMMETRIC_H
#define SRC_CRYPTO_NOISE_SYMMETRIC_H

#include "crypto/noise.h"

void noise_initialize_symmetric(struct noise_symmetricstate *ss, const char *name);
void noise_mix_key(struct noise_symmetricstate *ss, struct slice ikm);
void noise_mix_hash(struct noise_symmetricstate *ss, struct slice part);
void noise_mix_key_and_hash(struct noise_symmetricstate *ss, struct slice ikm);
/* out has plaintext.n + 16 bytes, plaintext.n while there is no key. */
enum err noise_encrypt_and_hash(struct noise_symmetricstate *ss, struct slice plaintext,
				uint8_t *out);
enum err noise_decrypt_and_hash(struct noise_symmetricstate *ss, struct slice ciphertext,
				uint8_t *out);
/* Split(): k1 is the initiator's sending key. */
void noise_symmetric_split(const struct noise_symmetricstate *ss,
			   struct noise_cipherstate *c1, struct noise_cipherstate *c2);
/* What EncryptAndHash adds now. */
size_t noise_tag_len(const struct noise_symmetricstate *ss);

#endif
