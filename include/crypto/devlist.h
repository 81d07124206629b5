/*
 * devlist: the devices of one person, signed by the person's key (IK).
 * p2pmsg-protocol(7), "Keys".
 *
 *   "p2pmsg-device-list-v1" 00 ik(32) version u64 n u16
 *   n times (device_id(16) cert_hash(32)), then sig_IK(64) over all of that
 *
 * One form only: 1 to 16 devices, ascending by device_id, none twice, version 1
 * or more. Which of two lists is newer is the caller's business.
 */
#ifndef CRYPTO_DEVLIST_H
#define CRYPTO_DEVLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"
#include "crypto/cert.h"

enum {
	DEVLIST_MAX_DEVICES = 16,
	DEVLIST_MAX_BYTES = 22 + 32 + 8 + 2 + DEVLIST_MAX_DEVICES * 48 + 64
};

/* A device list whose signature is good. Entries are sorted as on the wire. */
struct devlist {
	struct id32 ik;
	uint64_t version;
	uint16_t n;
	struct devlist_entry {
		struct id16 device_id;
		uint8_t cert_hash[CERT_HASH_BYTES];
	} devices[DEVLIST_MAX_DEVICES];
	uint16_t raw_len;
	uint8_t raw[DEVLIST_MAX_BYTES];
};

/* ERR_PROTO (form), ERR_AUTH (signature). out is written only on ERR_OK. */
enum err devlist_parse(struct slice raw, struct devlist *out);
/* True when it names this very certificate (same ik, device and hash). */
bool devlist_names(const struct devlist *l, const struct cert *c);

#endif
