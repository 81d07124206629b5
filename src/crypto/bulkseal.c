/*
 * bulkseal: see the header. What libcrypto does it does with one context that is kept:
 * setting a nonce is all that a record costs beside its bytes. Where the system's
 * libcrypto has no ChaCha20-Poly1305 (one that is cut down to certified ciphers),
 * libsodium does the same.
 */
#include "crypto/bulkseal.h"

#include <sodium.h>
#include <string.h>

#ifdef HAVE_LIBCRYPTO
#include <openssl/crypto.h>
#include <openssl/evp.h>
#endif

#include "base/secret.h"

enum { NONCE_BYTES = crypto_aead_chacha20poly1305_IETF_NPUBBYTES };

struct bulkseal {
	uint8_t k[NOISE_KEYLEN];
	uint64_t n;
#ifdef HAVE_LIBCRYPTO
	EVP_CIPHER_CTX *evp; /* NULL: libsodium does it */
#endif
};

/* Noise, section 12.3. */
static void make_nonce(uint64_t n, uint8_t out[static NONCE_BYTES])
{
	memset(out, 0, 4);
	for (int i = 0; i < 8; i++)
		out[4 + i] = (uint8_t)(n >> 8 * i);
}

/* --------------------------------------------------------------- libsodium */

static void sodium_seal(const struct bulkseal *s, struct slice in, uint8_t *out)
{
	uint8_t nonce[NONCE_BYTES];

	make_nonce(s->n, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in.p, in.n, NULL, 0, NULL,
						  nonce, s->k);
}

static bool sodium_open(const struct bulkseal *s, struct slice in, uint8_t *out)
{
	uint8_t nonce[NONCE_BYTES];

	make_nonce(s->n, nonce);
	return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in.p, in.n,
							 NULL, 0, nonce, s->k) == 0;
}

/* --------------------------------------------------------------- libcrypto */

#ifdef HAVE_LIBCRYPTO

/* Neither its settings file nor its own work at exit is wanted. */
static EVP_CIPHER_CTX *evp_new(const uint8_t k[static NOISE_KEYLEN])
{
	EVP_CIPHER_CTX *evp = NULL;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT,
				NULL) == 1)
		evp = EVP_CIPHER_CTX_new();
	if (evp != NULL &&
	    EVP_CipherInit_ex(evp, EVP_chacha20_poly1305(), NULL, k, NULL, 1) == 1)
		return evp;
	EVP_CIPHER_CTX_free(evp);
	return NULL;
}

static bool evp_start(struct bulkseal *s, int is_sealing)
{
	uint8_t nonce[NONCE_BYTES];

	make_nonce(s->n, nonce);
	return EVP_CipherInit_ex(s->evp, NULL, NULL, NULL, nonce, is_sealing) == 1;
}

static bool evp_seal(struct bulkseal *s, struct slice in, uint8_t *out)
{
	int n = 0, more = 0;

	return evp_start(s, 1) &&
	       (in.n == 0 || EVP_CipherUpdate(s->evp, out, &n, in.p, (int)in.n) == 1) &&
	       EVP_CipherFinal_ex(s->evp, out + n, &more) == 1 &&
	       (size_t)n + (size_t)more == in.n &&
	       EVP_CIPHER_CTX_ctrl(s->evp, EVP_CTRL_AEAD_GET_TAG, BULKSEAL_TAG_BYTES,
				   out + in.n) == 1;
}

static bool evp_open(struct bulkseal *s, struct slice in, uint8_t *out)
{
	uint8_t tag[BULKSEAL_TAG_BYTES];
	size_t text = in.n - sizeof(tag);
	int n = 0, more = 0;

	memcpy(tag, in.p + text, sizeof(tag));
	return evp_start(s, 0) &&
	       EVP_CIPHER_CTX_ctrl(s->evp, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) ==
		       1 &&
	       (text == 0 || EVP_CipherUpdate(s->evp, out, &n, in.p, (int)text) == 1) &&
	       EVP_CipherFinal_ex(s->evp, out + n, &more) == 1;
}

/* Of a context that has failed at anything but a tag nothing is expected any more. */
static bool seal_text(struct bulkseal *s, struct slice in, uint8_t *out)
{
	if (s->evp != NULL)
		return evp_seal(s, in, out);
	sodium_seal(s, in, out);
	return true;
}

static bool open_text(struct bulkseal *s, struct slice in, uint8_t *out)
{
	return s->evp != NULL ? evp_open(s, in, out) : sodium_open(s, in, out);
}

#else

static bool seal_text(struct bulkseal *s, struct slice in, uint8_t *out)
{
	sodium_seal(s, in, out);
	return true;
}

static bool open_text(struct bulkseal *s, struct slice in, uint8_t *out)
{
	return sodium_open(s, in, out);
}

#endif

/* ------------------------------------------------------------------ public */

struct bulkseal *bulkseal_new(struct noise_cipherstate *cs)
{
	struct bulkseal *s = secret_new(sizeof(*s));

	memcpy(s->k, cs->k, sizeof(s->k));
	/* Without a key it must not seal at all. */
	s->n = cs->has_key ? cs->n : BULKSEAL_RECORDS_MAX;
	secret_wipe(cs, sizeof(*cs));
#ifdef HAVE_LIBCRYPTO
	s->evp = evp_new(s->k);
#endif
	return s;
}

void bulkseal_free(struct bulkseal *s)
{
	if (s == NULL)
		return;
#ifdef HAVE_LIBCRYPTO
	EVP_CIPHER_CTX_free(s->evp);
#endif
	secret_free(s);
}

enum err bulkseal_seal(struct bulkseal *s, struct slice plaintext, uint8_t *out)
{
	if (plaintext.n > NOISE_MAX_MESSAGE - BULKSEAL_TAG_BYTES)
		return ERR_RANGE;
	if (s->n >= BULKSEAL_RECORDS_MAX)
		return ERR_LIMIT;
	if (!seal_text(s, plaintext, out))
		return ERR_BUG;
	s->n++;
	return ERR_OK;
}

enum err bulkseal_open(struct bulkseal *s, struct slice ciphertext, uint8_t *out)
{
	if (ciphertext.n < BULKSEAL_TAG_BYTES || ciphertext.n > NOISE_MAX_MESSAGE)
		return ERR_PROTO;
	if (s->n >= BULKSEAL_RECORDS_MAX)
		return ERR_LIMIT;
	if (!open_text(s, ciphertext, out)) {
		/* libcrypto writes as it reads, before it knows. */
		if (ciphertext.n > BULKSEAL_TAG_BYTES)
			secret_wipe(out, ciphertext.n - BULKSEAL_TAG_BYTES);
		return ERR_AUTH;
	}
	s->n++;
	return ERR_OK;
}

uint64_t bulkseal_count(const struct bulkseal *s)
{
	return s->n;
}

const char *bulkseal_library(const struct bulkseal *s)
{
#ifdef HAVE_LIBCRYPTO
	return s->evp != NULL ? "libcrypto" : "libsodium";
#else
	(void)s;
	return "libsodium";
#endif
}
