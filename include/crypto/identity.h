/*
 * identity: who a node is. A person is an Ed25519 key (IK); each of the person's
 * devices has keys of its own (DS signs, DN is the Noise static key, DX is for
 * X3DH) and a certificate in which IK vouches for them. p2pmsg-protocol(7),
 * "Keys" and "Node id".
 */
#ifndef CRYPTO_IDENTITY_H
#define CRYPTO_IDENTITY_H

#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/rng.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "crypto/devlist.h"
#include "crypto/node_id.h"

/* Our own keys. Secrets live in guarded memory; opaque outside crypto. */
struct identity;

/* New keys, certificate serial 1, device list version 1. */
struct identity *identity_generate(const struct rng *rng);
void identity_free(struct identity *id); /* NULL is fine */

const struct cert *identity_cert(const struct identity *id);
const struct devlist *identity_devlist(const struct identity *id);
const struct id32 *identity_node_id(const struct identity *id);
const struct id16 *identity_device_id(const struct identity *id);
/* The Noise static private key, 32 bytes, in guarded memory. */
const uint8_t *identity_dn_secret(const struct identity *id);
/* The key of the local database, which follows from the identity key's seed: 32 bytes,
 * wiped by the caller. */
void identity_db_key(const struct identity *id, uint8_t out[static 32]);
/* A second device of the same person: fresh device keys, certificate serial + 1,
 * device list version + 1 naming all of the old one and the new (also set in id).
 * NULL when the list is full (DEVLIST_MAX_DEVICES). */
struct identity *identity_new_device(struct identity *id, const struct rng *rng);
/* A list of our own, signed: devices are the certificates given, in any order.
 * ERR_RANGE for version 0 and for n that is 0 or above DEVLIST_MAX_DEVICES,
 * ERR_USAGE for a certificate of another ik or a device given twice. */
enum err identity_sign_devlist(const struct identity *id, uint64_t version,
			       const struct cert *const *certs, size_t n,
			       struct devlist *out);
/* Takes a higher list of our own; ERR_RANGE when it is not higher or not ours. */
enum err identity_set_devlist(struct identity *id, const struct devlist *l);

/* The secret part as fixed fields for keyfile.c; see its format there. */
enum { IDENTITY_SECRET_BYTES = 32 * 4 + 16 + 8 };
void identity_export(const struct identity *id,
		     uint8_t out[static IDENTITY_SECRET_BYTES]);
/* With the stored device list; ERR_CORRUPT when they do not fit together. A list
 * that does not name this device is fine: another device removed it. */
enum err identity_import(const uint8_t in[static IDENTITY_SECRET_BYTES],
			 struct slice devlist, struct identity **out);

#endif
