#include "crypto/noise_symmetric.h"

#include <sodium.h>

#include "base/secret.h"
#include "crypto/hash.h"

_Static_assert((int)NOISE_HASHLEN == (int)HMAC_BLAKE2B_BYTES,
	       "HMAC-HASH gives HASHLEN bytes");
_Static_assert(NOISE_KEYLEN == crypto_aead_chacha20poly1305_IETF_KEYBYTES, "key");
_Static_assert(NOISE_TAGLEN == crypto_aead_chacha20poly1305_IETF_ABYTES, "tag");

/* Reserved for REKEY (section 5.1). */
static const uint64_t nonce_max = UINT64_MAX;

void noise_cipherstate_initialize_key(struct noise_cipherstate *cs, const uint8_t *key)
{
	memcpy(cs->k, key, NOISE_KEYLEN);
	cs->n = 0;
	cs->has_key = true;
}

/* Section 12.3: 32 bits of zeros, then n little-endian. */
static void make_nonce(uint64_t n, uint8_t out[static 12])
{
	memset(out, 0, 4);
	for (int i = 0; i < 8; i++)
		out[4 + i] = (uint8_t)(n >> 8 * i);
}

static void copy(uint8_t *out, struct slice in)
{
	if (in.n > 0)
		memmove(out, in.p, in.n);
}

enum err noise_encrypt_with_ad(struct noise_cipherstate *cs, struct slice ad,
			       struct slice plaintext, uint8_t *out)
{
	uint8_t nonce[12];

	if (!cs->has_key) {
		copy(out, plaintext);
		return ERR_OK;
	}
	if (cs->n == nonce_max)
		return ERR_LIMIT;
	make_nonce(cs->n, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plaintext.p, plaintext.n,
						  ad.p, ad.n, NULL, nonce, cs->k);
	cs->n++;
	return ERR_OK;
}

enum err noise_decrypt_with_ad(struct noise_cipherstate *cs, struct slice ad,
			       struct slice ciphertext, uint8_t *out)
{
	uint8_t nonce[12];

	if (!cs->has_key) {
		copy(out, ciphertext);
		return ERR_OK;
	}
	if (cs->n == nonce_max)
		return ERR_LIMIT;
	make_nonce(cs->n, nonce);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, ciphertext.p,
						      ciphertext.n, ad.p, ad.n, nonce,
						      cs->k) != 0)
		return ERR_AUTH;
	cs->n++;
	return ERR_OK;
}

void noise_rekey(struct noise_cipherstate *cs)
{
	static const uint8_t zeros[NOISE_KEYLEN];
	uint8_t nonce[12], out[NOISE_KEYLEN + NOISE_TAGLEN];

	make_nonce(nonce_max, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, zeros, sizeof(zeros), NULL,
						  0, NULL, nonce, cs->k);
	memcpy(cs->k, out, NOISE_KEYLEN);
	secret_wipe(out, sizeof(out));
}

/* Section 4.3, HKDF(chaining_key, input_key_material, n): n is 2 or 3. */
static void noise_hkdf(const uint8_t ck[static NOISE_HASHLEN], struct slice ikm,
		       uint8_t (*out)[NOISE_HASHLEN], uint8_t n)
{
	uint8_t temp_key[NOISE_HASHLEN];
	const struct slice key = {temp_key, sizeof(temp_key)};

	hmac_blake2b(temp_key, slice_of(ck, NOISE_HASHLEN), &ikm, 1);
	for (uint8_t i = 0; i < n; i++) {
		const uint8_t number = i + 1;
		const struct slice parts[] = {
			{i == 0 ? NULL : out[i - 1], i == 0 ? 0 : NOISE_HASHLEN},
			{&number, 1},
		};
		hmac_blake2b(out[i], key, parts, 2);
	}
	secret_wipe(temp_key, sizeof(temp_key));
}

void noise_initialize_symmetric(struct noise_symmetricstate *ss, const char *name)
{
	const struct slice s = slice_str(name);

	memset(ss, 0, sizeof(*ss));
	if (s.n <= NOISE_HASHLEN)
		memcpy(ss->h, s.p, s.n);
	else
		crypto_generichash_blake2b(ss->h, NOISE_HASHLEN, s.p, s.n, NULL, 0);
	memcpy(ss->ck, ss->h, NOISE_HASHLEN);
}

void noise_mix_key(struct noise_symmetricstate *ss, struct slice ikm)
{
	uint8_t out[2][NOISE_HASHLEN];

	noise_hkdf(ss->ck, ikm, out, 2);
	memcpy(ss->ck, out[0], NOISE_HASHLEN);
	noise_cipherstate_initialize_key(&ss->cipher, out[1]);
	secret_wipe(out, sizeof(out));
}

void noise_mix_hash(struct noise_symmetricstate *ss, struct slice part)
{
	crypto_generichash_blake2b_state st;

	crypto_generichash_blake2b_init(&st, NULL, 0, NOISE_HASHLEN);
	crypto_generichash_blake2b_update(&st, ss->h, NOISE_HASHLEN);
	crypto_generichash_blake2b_update(&st, part.p, part.n);
	crypto_generichash_blake2b_final(&st, ss->h, NOISE_HASHLEN);
}

void noise_mix_key_and_hash(struct noise_symmetricstate *ss, struct slice ikm)
{
	uint8_t out[3][NOISE_HASHLEN];

	noise_hkdf(ss->ck, ikm, out, 3);
	memcpy(ss->ck, out[0], NOISE_HASHLEN);
	noise_mix_hash(ss, slice_of(out[1], NOISE_HASHLEN));
	noise_cipherstate_initialize_key(&ss->cipher, out[2]);
	secret_wipe(out, sizeof(out));
}

size_t noise_tag_len(const struct noise_symmetricstate *ss)
{
	return ss->cipher.has_key ? NOISE_TAGLEN : 0;
}

enum err noise_encrypt_and_hash(struct noise_symmetricstate *ss, struct slice plaintext,
				uint8_t *out)
{
	const size_t n = plaintext.n + noise_tag_len(ss);
	const enum err err = noise_encrypt_with_ad(
		&ss->cipher, slice_of(ss->h, NOISE_HASHLEN), plaintext, out);

	if (err == ERR_OK)
		noise_mix_hash(ss, slice_of(out, n));
	return err;
}

enum err noise_decrypt_and_hash(struct noise_symmetricstate *ss, struct slice ciphertext,
				uint8_t *out)
{
	uint8_t ad[NOISE_HASHLEN];

	/* The hash goes first: out may be the memory of ciphertext. */
	memcpy(ad, ss->h, sizeof(ad));
	noise_mix_hash(ss, ciphertext);
	return noise_decrypt_with_ad(&ss->cipher, slice_of(ad, sizeof(ad)), ciphertext,
				     out);
}

void noise_symmetric_split(const struct noise_symmetricstate *ss,
			   struct noise_cipherstate *c1, struct noise_cipherstate *c2)
{
	uint8_t out[2][NOISE_HASHLEN];

	noise_hkdf(ss->ck, slice_of(NULL, 0), out, 2);
	noise_cipherstate_initialize_key(c1, out[0]);
	noise_cipherstate_initialize_key(c2, out[1]);
	secret_wipe(out, sizeof(out));
}
