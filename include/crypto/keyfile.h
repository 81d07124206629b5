/*
 * keyfile: the sealed file that holds our identity.
 *
 * With a passphrase the content is sealed under Argon2id(passphrase); without
 * one the seal only detects damage, and the file's mode 0600 is what protects
 * it. The format is described in keyfile.c and p2pmsg-protocol(7).
 */
#ifndef CRYPTO_KEYFILE_H
#define CRYPTO_KEYFILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/slice.h"
#include "crypto/identity.h"

/* True in *needs_passphrase when the file is sealed with one. ERR_MISSING,
 * ERR_PERM (also when others may read it), ERR_CORRUPT (no key file of ours, or
 * damaged: never make a new identity silently), ERR_VERSION (from a newer one).
 * A checksum tells damage from everything else: any flipped bit and any cut is
 * ERR_CORRUPT, never ERR_PASSPHRASE or ERR_VERSION. */
enum err keyfile_probe(const char *path, bool *needs_passphrase);

/* passphrase.n 0: none; one that is not needed is ignored. ERR_PASSPHRASE, those of
 * keyfile_probe, and ERR_IO (also when there is no memory). Takes about 0.1 s and
 * 64 MiB with a passphrase: not on the loop. */
enum err keyfile_load(const char *path, struct slice passphrase, struct identity **out);

/* Atomic, 0600; as slow as keyfile_load. On error the old file is whole, and only
 * when the folder itself could not be synced it may be the new one already.
 * ERR_MISSING (no such folder), ERR_NOSPACE, ERR_READONLY, ERR_PERM, ERR_IO. */
enum err keyfile_save(const char *path, const struct identity *id,
		      struct slice passphrase, const struct rng *rng);

#endif
