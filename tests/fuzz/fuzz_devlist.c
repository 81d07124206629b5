/*
 * devlist_parse on any bytes, and again under a good signature, so that the form
 * alone decides.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/devlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { AT_IK = 22, HEAD_BYTES = 22 + 32, SIG_BYTES = 64, RAW_MAX = 4096 };

static void check(struct slice raw)
{
	struct devlist l;

	if (devlist_parse(raw, &l) != ERR_OK)
		return;
	if (!slice_eq(raw, slice_of(l.raw, l.raw_len)) || l.n == 0 ||
	    l.n > DEVLIST_MAX_DEVICES || l.version == 0)
		abort();
	for (unsigned i = 1; i < l.n; i++)
		if (memcmp(l.devices[i - 1].device_id.b, l.devices[i].device_id.b, 16) >=
		    0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t seed[32] = {1};
	uint8_t raw[RAW_MAX], secret[64];

	secret_init();
	check(slice_of(bytes, len));
	if (len < HEAD_BYTES + SIG_BYTES || len > RAW_MAX)
		return 0;
	memcpy(raw, bytes, len);
	crypto_sign_ed25519_seed_keypair(raw + AT_IK, secret, seed);
	crypto_sign_ed25519_detached(raw + len - SIG_BYTES, NULL, raw, len - SIG_BYTES,
				     secret);
	check(slice_of(raw, len));
	return 0;
}
