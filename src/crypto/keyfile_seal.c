/*
 * The content of a key file:
 *
 *   "p2pmsg-keyfile"(14) 00 version u8 = 1
 *   kdf u8 (0 none, 1 Argon2id) zeros(3) passes u32 KiB u32 salt(16) nonce(24)
 *   XChaCha20-Poly1305(key, nonce, ad = all before):
 *     ik seed(32) ds seed(32) dn(32) dx(32) device_id(16) serial u64
 *     length u16, device list
 *   B2b-32("p2pmsg-keysum-v1"; all before)
 *
 * key = Argon2id(passphrase, salt), or without a passphrase (passes and KiB are
 * then 0) B2b-32("p2pmsg-keynop-v1"; salt), which is no secret. The sum is what
 * tells a damaged file from a wrong passphrase, and it stands last in every
 * version, so that damage to the version byte is not taken for a newer version.
 */
#include "crypto/keyfile_seal.h"

#include <sodium.h>

#include "base/cur.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/hash.h"

enum {
	VERSION = 1,
	KDF_NONE = 0,
	KDF_ARGON2ID = 1,
	SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
	NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	SUM_BYTES = 32,
	HEADER_BYTES = 14 + 1 + 1 + 4 + 4 + 4 + SALT_BYTES + NONCE_BYTES,
	BODY_MAX = IDENTITY_SECRET_BYTES + 2 + DEVLIST_MAX_BYTES,
	/* A file may have been put there by somebody else: it does not get to ask
	 * for 1 TiB, or a day. */
	PASSES_MAX = 8,
	KIB_MIN = crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024,
	KIB_MAX = 256 * 1024
};

const struct keyfile_cost keyfile_cost_default = {.passes = 3, .kib = 64 * 1024};

/* With its NUL, which is the 00 after it. */
static const char magic[] = "p2pmsg-keyfile";

struct header {
	uint8_t version, kdf;
	struct keyfile_cost cost;
	uint8_t salt[SALT_BYTES], nonce[NONCE_BYTES];
};

static void write_header(struct buf *b, const struct header *h)
{
	buf_add(b, slice_of(magic, sizeof(magic)));
	buf_u8(b, h->version);
	buf_u8(b, h->kdf);
	buf_zeros(b, 3);
	buf_u32(b, h->cost.passes);
	buf_u32(b, h->cost.kib);
	buf_add(b, slice_of(h->salt, SALT_BYTES));
	buf_add(b, slice_of(h->nonce, NONCE_BYTES));
}

static bool is_cost_sane(const struct header *h)
{
	if (h->kdf == KDF_NONE)
		return h->cost.passes == 0 && h->cost.kib == 0;
	return h->cost.passes >= 1 && h->cost.passes <= PASSES_MAX &&
	       h->cost.kib >= KIB_MIN && h->cost.kib <= KIB_MAX;
}

static enum err read_header(struct cur *c, struct header *h)
{
	static const uint8_t zeros[3];

	cur_expect(c, slice_of(magic, sizeof(magic)));
	h->version = cur_u8(c);
	if (c->failed || h->version == 0)
		return ERR_CORRUPT;
	if (h->version > VERSION)
		return ERR_VERSION;
	h->kdf = cur_u8(c);
	cur_expect(c, slice_of(zeros, sizeof(zeros)));
	h->cost.passes = cur_u32(c);
	h->cost.kib = cur_u32(c);
	cur_copy(c, h->salt, SALT_BYTES);
	cur_copy(c, h->nonce, NONCE_BYTES);
	if (c->failed || h->kdf > KDF_ARGON2ID || !is_cost_sane(h))
		return ERR_CORRUPT;
	return ERR_OK;
}

static void make_sum(struct slice content, uint8_t out[static SUM_BYTES])
{
	hash_one("p2pmsg-keysum-v1", content, out, SUM_BYTES);
}

/* Checks the sum and the header; sealed is what lies between them. */
static enum err open_content(struct slice content, struct header *h, struct slice *sealed)
{
	uint8_t sum[SUM_BYTES];

	if (content.n < SUM_BYTES)
		return ERR_CORRUPT;
	const struct slice summed = slice_of(content.p, content.n - SUM_BYTES);
	make_sum(summed, sum);
	if (memcmp(sum, content.p + summed.n, SUM_BYTES) != 0)
		return ERR_CORRUPT;
	struct cur c = cur_of(summed);
	const enum err err = read_header(&c, h);
	*sealed = slice_of(c.p, c.left);
	return err;
}

static enum err make_key(const struct header *h, struct slice passphrase,
			 uint8_t out[static KEY_BYTES])
{
	if (h->kdf == KDF_NONE) {
		hash_one("p2pmsg-keynop-v1", slice_of(h->salt, SALT_BYTES), out,
			 KEY_BYTES);
		return ERR_OK;
	}
	if (crypto_pwhash_argon2id(out, KEY_BYTES, (const char *)passphrase.p,
				   passphrase.n, h->salt, h->cost.passes,
				   (size_t)h->cost.kib * 1024,
				   crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
		log_error("keyfile", "no memory (%u KiB) to open the key file",
			  (unsigned)h->cost.kib);
		return ERR_IO;
	}
	return ERR_OK;
}

/* secret, list length, list; returns how many bytes. */
static size_t write_body(const struct identity *id, uint8_t out[static BODY_MAX])
{
	const struct devlist *l = identity_devlist(id);
	uint8_t *p = out + IDENTITY_SECRET_BYTES;

	identity_export(id, out);
	p[0] = (uint8_t)(l->raw_len >> 8);
	p[1] = (uint8_t)l->raw_len;
	memcpy(p + 2, l->raw, l->raw_len);
	return IDENTITY_SECRET_BYTES + 2u + l->raw_len;
}

static enum err read_body(struct slice body, struct identity **out)
{
	struct cur c = cur_of(body);
	const struct slice secret = cur_take(&c, IDENTITY_SECRET_BYTES);
	const struct slice list = cur_take(&c, cur_u16(&c));

	if (!cur_done(&c))
		return ERR_CORRUPT;
	return identity_import(secret.p, list, out);
}

/* What one sealing or opening needs, in guarded memory. */
struct work {
	uint8_t key[KEY_BYTES];
	uint8_t body[BODY_MAX];
};

static void write_sealed(struct buf *b, struct work *w, size_t body_len,
			 const struct header *h)
{
	uint8_t sealed[BODY_MAX + TAG_BYTES];
	const struct slice header = buf_slice(b);

	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, w->body, body_len,
						   header.p, header.n, NULL, h->nonce,
						   w->key);
	buf_add(b, slice_of(sealed, body_len + TAG_BYTES));
}

enum err keyfile_seal(const struct identity *id, struct slice passphrase,
		      const struct keyfile_cost *cost, const struct rng *rng,
		      struct buf *out)
{
	struct header h = {.version = VERSION};
	struct work *w = secret_new(sizeof(*w));
	uint8_t sum[SUM_BYTES];

	if (passphrase.n > 0) {
		h.kdf = KDF_ARGON2ID;
		h.cost = *cost;
	}
	rng_fill(rng, h.salt, SALT_BYTES);
	rng_fill(rng, h.nonce, NONCE_BYTES);
	const enum err err = make_key(&h, passphrase, w->key);
	if (err == ERR_OK) {
		write_header(out, &h);
		write_sealed(out, w, write_body(id, w->body), &h);
		make_sum(buf_slice(out), sum);
		buf_add(out, slice_of(sum, SUM_BYTES));
	}
	secret_free(w);
	return err;
}

enum err keyfile_check(struct slice content, bool *needs_passphrase)
{
	struct header h;
	struct slice sealed;
	const enum err err = open_content(content, &h, &sealed);

	*needs_passphrase = err == ERR_OK && h.kdf != KDF_NONE;
	return err;
}

static enum err unseal(struct slice content, const struct header *h, struct slice sealed,
		       struct work *w, struct identity **out)
{
	unsigned long long body_len;

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(w->body, &body_len, NULL, sealed.p,
						       sealed.n, content.p, HEADER_BYTES,
						       h->nonce, w->key) != 0)
		return h->kdf == KDF_NONE ? ERR_CORRUPT : ERR_PASSPHRASE;
	return read_body(slice_of(w->body, (size_t)body_len), out);
}

enum err keyfile_unseal(struct slice content, struct slice passphrase,
			struct identity **out)
{
	struct header h;
	struct slice sealed;

	*out = NULL;
	enum err err = open_content(content, &h, &sealed);
	if (err != ERR_OK)
		return err;
	if (sealed.n < TAG_BYTES || sealed.n > BODY_MAX + TAG_BYTES)
		return ERR_CORRUPT;
	if (h.kdf != KDF_NONE && passphrase.n == 0)
		return ERR_PASSPHRASE;
	struct work *w = secret_new(sizeof(*w));
	err = make_key(&h, passphrase, w->key);
	if (err == ERR_OK)
		err = unseal(content, &h, sealed, w, out);
	secret_free(w);
	return err;
}
