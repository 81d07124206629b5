#include "crypto/rowseal.h"

#include <sodium.h>

enum { NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };

void rowseal_init(struct rowseal *r, const uint8_t key[static ROWSEAL_KEY_BYTES],
		  const struct rng *rng)
{
	*r = (struct rowseal){.key = key};
	rng_fill(rng, r->prefix, sizeof(r->prefix));
}

void rowseal_seal(struct rowseal *r, struct slice ad, struct slice plain, uint8_t *out)
{
	const uint64_t n = r->n++;

	memcpy(out, r->prefix, sizeof(r->prefix));
	for (unsigned i = 0; i < NONCE_BYTES - ROWSEAL_PREFIX_BYTES; i++)
		out[ROWSEAL_PREFIX_BYTES + i] = (uint8_t)(n >> (8 * i));
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out + NONCE_BYTES, NULL, plain.p, plain.n, ad.p, ad.n, NULL, out, r->key);
}

enum err rowseal_open(const struct rowseal *r, struct slice ad, struct slice sealed,
		      uint8_t *out, size_t *n)
{
	unsigned long long len;

	*n = 0;
	if (sealed.n < ROWSEAL_BYTES)
		return ERR_AUTH;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    out, &len, NULL, sealed.p + NONCE_BYTES, sealed.n - NONCE_BYTES, ad.p,
		    ad.n, sealed.p, r->key) != 0)
		return ERR_AUTH;
	*n = (size_t)len;
	return ERR_OK;
}
