/*
 * cert: the certificate in which a person's key (IK) vouches for one device.
 * p2pmsg-protocol(7), "Keys".
 *
 *   "p2pmsg-device-cert-v1" 00 ik(32) ds(32) dn(32) dx(32) device_id(16)
 *   serial u64 flags u32, then sig_IK(64) sig_DS(64) over all of that
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"

enum { CERT_BYTES = 306, CERT_HASH_BYTES = 32 };

/* A certificate that has been parsed and whose two signatures are good. */
struct cert {
	uint8_t raw[CERT_BYTES];
	struct id32 ik, ds, dn, dx;
	struct id16 device_id;
	uint64_t serial;
	struct id32 node_id; /* computed from ik */
};

/* Exactly 306 bytes, label, flags 0, serial >= 1, both signatures; else ERR_AUTH
 * (signature) or ERR_PROTO (form). out is written only on ERR_OK. */
enum err cert_parse(struct slice raw, struct cert *out);
/* What a device list says of it: B2b-32("p2pmsg-devcrt-v1"; raw). */
void cert_hash(const struct cert *c, uint8_t out[static CERT_HASH_BYTES]);

#endif
