/*
 * cert_parse on any bytes. Random bytes never carry a good signature, so inputs of
 * the right size are also signed with keys of the fuzzer: then the form alone
 * decides, and what is taken must come out as it went in.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { BODY_BYTES = 178, AT_IK = 22, AT_DS = 54 };

static void sign(uint8_t raw[static CERT_BYTES])
{
	const uint8_t seed[2][32] = {{1}, {2}};
	uint8_t secret[2][64];

	for (int i = 0; i < 2; i++)
		crypto_sign_ed25519_seed_keypair(raw + (i == 0 ? AT_IK : AT_DS),
						 secret[i], seed[i]);
	for (int i = 0; i < 2; i++)
		crypto_sign_ed25519_detached(raw + BODY_BYTES + 64 * i, NULL, raw,
					     BODY_BYTES, secret[i]);
}

static void check(struct slice raw)
{
	uint8_t hash[CERT_HASH_BYTES];
	struct cert c;

	if (cert_parse(raw, &c) != ERR_OK)
		return;
	cert_hash(&c, hash);
	if (!slice_eq(raw, slice_of(c.raw, CERT_BYTES)) || c.serial == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t raw[CERT_BYTES];

	secret_init();
	check(slice_of(bytes, len));
	if (len != CERT_BYTES)
		return 0;
	memcpy(raw, bytes, len);
	sign(raw);
	check(slice_of(raw, len));
	return 0;
}
