/*
 * noise: the Noise Protocol Framework, revision 34, for 25519, ChaChaPoly and
 * BLAKE2b, with the names of its specification. Patterns are data: a list of
 * tokens for each message, psk modifiers included (sections 7 and 9).
 *
 * No I/O, no allocation: the caller embeds the objects and wipes them. Any error
 * of a handshake but ERR_USAGE is final: it has then been wiped, and everything
 * after is ERR_USAGE.
 */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/slice.h"

enum {
	NOISE_DHLEN = 32,
	NOISE_KEYLEN = 32,
	NOISE_HASHLEN = 64,
	NOISE_TAGLEN = 16,
	NOISE_PSKLEN = 32,
	NOISE_MAX_MESSAGE = 65535,
	NOISE_MAX_PSKS = 5
};

/* Section 5.1. n == 2^64-1 is reserved: encrypting with it is ERR_LIMIT. */
struct noise_cipherstate {
	uint8_t k[NOISE_KEYLEN];
	uint64_t n;
	bool has_key;
};

void noise_cipherstate_initialize_key(struct noise_cipherstate *cs, const uint8_t *key);
/* out has plaintext.n + 16 bytes (plaintext.n without a key) and may be the same
 * memory as plaintext.p. ERR_LIMIT when n is used up. */
enum err noise_encrypt_with_ad(struct noise_cipherstate *cs, struct slice ad,
			       struct slice plaintext, uint8_t *out);
/* out has ciphertext.n - 16 bytes and may be ciphertext's memory. ERR_AUTH, and n
 * does not advance; ERR_LIMIT as above. */
enum err noise_decrypt_with_ad(struct noise_cipherstate *cs, struct slice ad,
			       struct slice ciphertext, uint8_t *out);
/* Section 4.2, REKEY(k). n is unchanged. */
void noise_rekey(struct noise_cipherstate *cs);

/* Section 5.2. */
struct noise_symmetricstate {
	struct noise_cipherstate cipher;
	uint8_t ck[NOISE_HASHLEN];
	uint8_t h[NOISE_HASHLEN];
};

enum noise_token {
	NOISE_E = 1,
	NOISE_S,
	NOISE_EE,
	NOISE_ES,
	NOISE_SE,
	NOISE_SS,
	NOISE_PSK
};

struct noise_pattern; /* one row of the table of patterns; static */

/* By the name within a protocol name: "XX", "NNpsk0", "KK1", "IKpsk1+psk2"; NULL
 * when it is not known or a modifier is not supported. */
const struct noise_pattern *noise_pattern_find(const char *name);
/* True when the static key of that side travels or is known. */
bool noise_pattern_has_static(const struct noise_pattern *p, bool initiator);
/* True when that side must know the other's static key beforehand. */
bool noise_pattern_needs_remote(const struct noise_pattern *p, bool initiator);
unsigned noise_pattern_psks(const struct noise_pattern *p);
unsigned noise_pattern_messages(const struct noise_pattern *p);

/* Section 5.3. */
struct noise_handshakestate {
	struct noise_symmetricstate symmetric;
	const struct noise_pattern *pattern;
	const struct rng *rng;
	uint8_t s[NOISE_DHLEN], s_pub[NOISE_DHLEN];
	uint8_t e[NOISE_DHLEN], e_pub[NOISE_DHLEN];
	uint8_t rs[NOISE_DHLEN], re[NOISE_DHLEN];
	uint8_t psk[NOISE_MAX_PSKS][NOISE_PSKLEN];
	bool has_s, has_e, has_rs, has_re, initiator, is_e_fixed;
	unsigned n_psks, next_psk, next_message;
};

/* What a handshake starts from. Key pointers that do not apply are NULL; each
 * points to 32 bytes that are copied. */
struct noise_keys {
	const uint8_t *s; /* own static private key */
	const uint8_t *rs; /* the other's static public key, known beforehand */
	const uint8_t *e; /* fixed ephemeral private key: for test vectors only */
	const uint8_t *psk[NOISE_MAX_PSKS]; /* in the order of their use */
};

/* Initialize(). ERR_USAGE when a key that the pattern needs is missing. */
enum err noise_handshake_init(struct noise_handshakestate *hs,
			      const struct noise_pattern *pattern, bool initiator,
			      struct slice prologue, const struct noise_keys *keys,
			      const struct rng *rng);
/* WriteMessage: out has room for out_max; *out_len bytes are written. ERR_AUTH
 * for an all-zero DH result, ERR_LIMIT when it does not fit, ERR_USAGE when it is
 * not our turn. */
enum err noise_write_message(struct noise_handshakestate *hs, struct slice payload,
			     uint8_t *out, size_t out_max, size_t *out_len);
/* ReadMessage: payload_out has room for message.n bytes. ERR_AUTH, ERR_PROTO (too
 * short), ERR_USAGE (not our turn). A remote key equal to our own of the same
 * kind (reflection) is ERR_AUTH. */
enum err noise_read_message(struct noise_handshakestate *hs, struct slice message,
			    uint8_t *payload_out, size_t *payload_len);
/* True when all messages of the pattern have passed. */
bool noise_is_done(const struct noise_handshakestate *hs);
/* True when it is this side's turn to write. */
bool noise_is_my_turn(const struct noise_handshakestate *hs);
/* Split(): send and receive of this side, already swapped for the responder. h
 * (the channel binding, section 11.2) is copied to h_out unless NULL. The
 * handshake is wiped. ERR_USAGE before the last message. One-way patterns: the
 * direction towards the initiator is used up, ERR_LIMIT. */
enum err noise_split(struct noise_handshakestate *hs, struct noise_cipherstate *send,
		     struct noise_cipherstate *receive, uint8_t *h_out);
void noise_handshake_wipe(struct noise_handshakestate *hs);

#endif
