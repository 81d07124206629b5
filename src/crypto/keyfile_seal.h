/*
 * keyfile_seal: the content of a key file, without the disk. For keyfile.c, for
 * tests (which cannot wait for the real cost of a passphrase) and the fuzzer.
 */
#ifndef SRC_CRYPTO_KEYFILE_SEAL_H
#define SRC_CRYPTO_KEYFILE_SEAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "crypto/identity.h"

enum { KEYFILE_MAX_BYTES = 65536 };

/* Of Argon2id, one lane. */
struct keyfile_cost {
	uint32_t passes, kib;
};
/* 0.1 s and 64 MiB: RFC 9106, second recommended choice, but for the lanes. */
extern const struct keyfile_cost keyfile_cost_default;

/* out is initialised by the caller with KEYFILE_MAX_BYTES. passphrase.n 0: none.
 * ERR_IO when there is no memory for the passphrase. */
enum err keyfile_seal(const struct identity *id, struct slice passphrase,
		      const struct keyfile_cost *cost, const struct rng *rng,
		      struct buf *out);
/* Form, version and checksum only: ERR_CORRUPT, ERR_VERSION. */
enum err keyfile_check(struct slice content, bool *needs_passphrase);
/* ERR_CORRUPT, ERR_VERSION, ERR_PASSPHRASE, ERR_IO as above. */
enum err keyfile_unseal(struct slice content, struct slice passphrase,
			struct identity **out);

#endif
