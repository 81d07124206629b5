/*
 * identity_sign: how identity.c makes what cert.c and devlist.c check.
 */
#ifndef SRC_CRYPTO_IDENTITY_SIGN_H
#define SRC_CRYPTO_IDENTITY_SIGN_H

#include "crypto/cert.h"
#include "crypto/devlist.h"

/* Fills raw and node_id from the other fields. The keys are libsodium's 64-byte
 * secret keys of ik and ds. */
void cert_sign(struct cert *c, const uint8_t ik_secret[static 64],
	       const uint8_t ds_secret[static 64]);
/* Sorts the entries, fills raw and raw_len. */
void devlist_sign(struct devlist *l, const uint8_t ik_secret[static 64]);

#endif
