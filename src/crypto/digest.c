#include "crypto/digest.h"

#include <sodium.h>
#include <string.h>

_Static_assert(sizeof(struct digest) >= sizeof(crypto_generichash_blake2b_state),
	       "the state fits");
_Static_assert(sizeof(((struct digest *)0)->state) ==
		       sizeof(crypto_generichash_blake2b_state),
	       "all of it is saved");

enum { VERSION_BYTES = DIGEST_SAVED_BYTES - sizeof(struct digest) };

static crypto_generichash_blake2b_state *state_of(struct digest *d)
{
	return (crypto_generichash_blake2b_state *)(void *)d->state;
}

void digest_init(struct digest *d, const char *label)
{
	static const uint8_t no_salt[crypto_generichash_blake2b_SALTBYTES];

	/* What libsodium leaves unset would otherwise go to the disk. */
	memset(d, 0, sizeof(*d));
	crypto_generichash_blake2b_init_salt_personal(state_of(d), NULL, 0, DIGEST_BYTES,
						      no_salt, (const uint8_t *)label);
}

void digest_add(struct digest *d, struct slice s)
{
	crypto_generichash_blake2b_update(state_of(d), s.p, s.n);
}

void digest_zeros(struct digest *d, uint64_t n)
{
	static const uint8_t zeros[65536];

	while (n > 0) {
		const size_t part = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);
		digest_add(d, slice_of(zeros, part));
		n -= part;
	}
}

void digest_get(const struct digest *d, uint8_t out[static DIGEST_BYTES])
{
	struct digest copy = *d;

	crypto_generichash_blake2b_final(state_of(&copy), out, DIGEST_BYTES);
}

/* What the meaning of the state depends on. */
static void fill_version(char out[static VERSION_BYTES])
{
	const uint16_t order = 1;

	memset(out, 0, VERSION_BYTES);
	memcpy(out, &order, sizeof(order));
	strncpy(out + sizeof(order), sodium_version_string(),
		VERSION_BYTES - sizeof(order) - 1);
}

void digest_save(const struct digest *d, uint8_t out[static DIGEST_SAVED_BYTES])
{
	fill_version((char *)out);
	memcpy(out + VERSION_BYTES, d->state, sizeof(d->state));
}

enum err digest_load(struct digest *d, const uint8_t in[static DIGEST_SAVED_BYTES])
{
	char version[VERSION_BYTES];

	fill_version(version);
	if (memcmp(in, version, sizeof(version)) != 0)
		return ERR_VERSION;
	memcpy(d->state, in + VERSION_BYTES, sizeof(d->state));
	return ERR_OK;
}
