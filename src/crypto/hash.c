#include "crypto/hash.h"

#include <sodium.h>

#include "base/secret.h"

enum { BLAKE2B_BLOCK = 128, HMAC_MAX = 64 };

static void blake2b_parts(crypto_generichash_blake2b_state *st, const struct slice *parts,
			  size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		crypto_generichash_blake2b_update(st, parts[i].p, parts[i].n);
}

void hash_labelled(const char label[static 16], const struct slice *parts, size_t n_parts,
		   uint8_t *out, size_t out_len)
{
	static const uint8_t no_salt[crypto_generichash_blake2b_SALTBYTES];
	crypto_generichash_blake2b_state st;

	crypto_generichash_blake2b_init_salt_personal(&st, NULL, 0, out_len, no_salt,
						      (const uint8_t *)label);
	blake2b_parts(&st, parts, n_parts);
	crypto_generichash_blake2b_final(&st, out, out_len);
	secret_wipe(&st, sizeof(st));
}

void hash_one(const char label[static 16], struct slice part, uint8_t *out,
	      size_t out_len)
{
	hash_labelled(label, &part, 1, out, out_len);
}

/* HASH((key XOR pad) || parts) */
static void hmac_half(uint8_t out[static HMAC_BLAKE2B_BYTES],
		      const uint8_t key[static BLAKE2B_BLOCK], uint8_t pad,
		      const struct slice *parts, size_t n_parts)
{
	crypto_generichash_blake2b_state st;
	uint8_t block[BLAKE2B_BLOCK];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	crypto_generichash_blake2b_init(&st, NULL, 0, HMAC_BLAKE2B_BYTES);
	crypto_generichash_blake2b_update(&st, block, sizeof(block));
	blake2b_parts(&st, parts, n_parts);
	crypto_generichash_blake2b_final(&st, out, HMAC_BLAKE2B_BYTES);
	secret_wipe(block, sizeof(block));
	secret_wipe(&st, sizeof(st));
}

void hmac_blake2b(uint8_t out[static HMAC_BLAKE2B_BYTES], struct slice key,
		  const struct slice *parts, size_t n_parts)
{
	uint8_t block[BLAKE2B_BLOCK] = {0};
	uint8_t inner[HMAC_BLAKE2B_BYTES];

	if (key.n > sizeof(block))
		crypto_generichash_blake2b(block, HMAC_BLAKE2B_BYTES, key.p, key.n, NULL,
					   0);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
	hmac_half(inner, block, 0x36, parts, n_parts);
	hmac_half(out, block, 0x5c, &(struct slice){inner, sizeof(inner)}, 1);
	secret_wipe(block, sizeof(block));
	secret_wipe(inner, sizeof(inner));
}

static void hmac_sha512(uint8_t *out, struct slice key, const struct slice *parts,
			size_t n_parts)
{
	crypto_auth_hmacsha512_state st;

	crypto_auth_hmacsha512_init(&st, key.p, key.n);
	for (size_t i = 0; i < n_parts; i++)
		crypto_auth_hmacsha512_update(&st, parts[i].p, parts[i].n);
	crypto_auth_hmacsha512_final(&st, out);
	secret_wipe(&st, sizeof(st));
}

static void hmac_sha256(uint8_t *out, struct slice key, const struct slice *parts,
			size_t n_parts)
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key.p, key.n);
	for (size_t i = 0; i < n_parts; i++)
		crypto_auth_hmacsha256_update(&st, parts[i].p, parts[i].n);
	crypto_auth_hmacsha256_final(&st, out);
	secret_wipe(&st, sizeof(st));
}

struct hmac {
	size_t len;
	void (*mac)(uint8_t *out, struct slice key, const struct slice *parts,
		    size_t n_parts);
};

/* RFC 5869: PRK = HMAC(salt, IKM); T(i) = HMAC(PRK, T(i-1) || info || i). An empty
 * salt is a key of zeros, which for HMAC is the same as no key. */
static void hkdf(const struct hmac *h, struct slice salt, struct slice ikm,
		 struct slice info, uint8_t *out, size_t out_len)
{
	uint8_t prk[HMAC_MAX], t[HMAC_MAX];
	size_t t_len = 0;

	h->mac(prk, salt, &ikm, 1);
	for (uint8_t i = 1; out_len > 0; i++) {
		const struct slice parts[] = {{t, t_len}, info, {&i, 1}};
		h->mac(t, slice_of(prk, h->len), parts, 3);
		t_len = h->len;
		const size_t n = out_len < t_len ? out_len : t_len;
		memcpy(out, t, n);
		out += n;
		out_len -= n;
	}
	secret_wipe(prk, sizeof(prk));
	secret_wipe(t, sizeof(t));
}

void hkdf_sha512(struct slice salt, struct slice ikm, struct slice info, uint8_t *out,
		 size_t out_len)
{
	static const struct hmac h = {crypto_auth_hmacsha512_BYTES, hmac_sha512};

	hkdf(&h, salt, ikm, info, out, out_len);
}

void hkdf_sha256(struct slice salt, struct slice ikm, struct slice info, uint8_t *out,
		 size_t out_len)
{
	static const struct hmac h = {crypto_auth_hmacsha256_BYTES, hmac_sha256};

	hkdf(&h, salt, ikm, info, out, out_len);
}
