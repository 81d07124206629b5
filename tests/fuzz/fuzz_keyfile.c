/*
 * The content of a key file: as it is; with its checksum mended; and as the body
 * of a file without a passphrase, which anybody can seal. A passphrase is never
 * tried: the cost of Argon2id is no business of a fuzzer.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/keyfile_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { HEADER_BYTES = 68, SUM_BYTES = 32, SALT_AT = 28, NONCE_AT = 44 };

static void check(struct slice content)
{
	struct identity *id;
	bool needs;
	const enum err checked = keyfile_check(content, &needs);
	const enum err err = keyfile_unseal(content, slice_of(NULL, 0), &id);

	if (err == ERR_OK && (checked != ERR_OK || needs || id == NULL))
		abort();
	if (err != ERR_OK && id != NULL)
		abort();
	identity_free(id);
}

static void mend_sum(uint8_t *p, size_t n)
{
	hash_one("p2pmsg-keysum-v1", slice_of(p, n - SUM_BYTES), p + n - SUM_BYTES,
		 SUM_BYTES);
}

static void check_mended(const uint8_t *bytes, size_t len)
{
	if (len < SUM_BYTES)
		return;
	uint8_t *copy = mem_dup(bytes, len);
	mend_sum(copy, len);
	check(slice_of(copy, len));
	mem_free(copy);
}

static void check_body(const uint8_t *bytes, size_t len)
{
	static const uint8_t header[HEADER_BYTES] = "p2pmsg-keyfile\0\1";
	const size_t n = HEADER_BYTES + len + 16 + SUM_BYTES;
	uint8_t *file = mem_new(n), key[32];

	memcpy(file, header, HEADER_BYTES);
	hash_one("p2pmsg-keynop-v1", slice_of(file + SALT_AT, 16), key, sizeof(key));
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEADER_BYTES, NULL, bytes, len,
						   file, HEADER_BYTES, NULL,
						   file + NONCE_AT, key);
	mend_sum(file, n);
	check(slice_of(file, n));
	mem_free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	secret_init();
	if (len > KEYFILE_MAX_BYTES)
		return 0;
	check(slice_of(bytes, len));
	check_mended(bytes, len);
	check_body(bytes, len);
	return 0;
}
