/*
 * hash: the hashing that libsodium 1.0.18 lacks, and the one labelled hash that
 * the whole protocol uses (p2pmsg-protocol(7), "Conventions").
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stdint.h>

#include "base/slice.h"

/* B2b-n(p; parts...): BLAKE2b with out_len (1 to 64) bytes, no key, personal =
 * the 16 ASCII bytes of label, over the n_parts parts one after the other. */
void hash_labelled(const char label[static 16], const struct slice *parts, size_t n_parts,
		   uint8_t *out, size_t out_len);
/* The usual case of one part. */
void hash_one(const char label[static 16], struct slice part, uint8_t *out,
	      size_t out_len);

enum { HMAC_BLAKE2B_BYTES = 64 };
/* RFC 2104 HMAC over BLAKE2b-512 (block 128): what Noise's HKDF asks for. Keyed
 * BLAKE2b is not HMAC. */
void hmac_blake2b(uint8_t out[static HMAC_BLAKE2B_BYTES], struct slice key,
		  const struct slice *parts, size_t n_parts);

/* RFC 5869 with HMAC-SHA-512, HMAC-SHA-256. out_len <= 255 hash lengths. */
void hkdf_sha512(struct slice salt, struct slice ikm, struct slice info, uint8_t *out,
		 size_t out_len);
void hkdf_sha256(struct slice salt, struct slice ikm, struct slice info, uint8_t *out,
		 size_t out_len);

#endif
