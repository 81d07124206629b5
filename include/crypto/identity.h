/*
 * identity: who a node is. A person is an Ed25519 key (IK); each of the person's
 * devices has keys of its own (DS signs, DN is the Noise static key, DX is for
 * X3DH) and a certificate in which IK vouches for them. p2pmsg-protocol(7),
 * "Keys" and "Node id".
 */
#ifndef CRYPTO_IDENTITY_H
#define CRYPTO_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/rng.h"
#include "base/slice.h"

enum {
	CERT_BYTES = 306,
	DEVLIST_MAX_DEVICES = 16,
	DEVLIST_MAX_BYTES = 22 + 32 + 8 + 2 + DEVLIST_MAX_DEVICES * 48 + 64,
	NODE_ID_TEXT_BYTES = 14 * 5, /* "abcd-...": 14 groups of 4, 13 dashes, NUL */
	NODE_ID_COMPACT_BYTES = 56 + 1, /* the 56 characters without dashes, NUL */
	NODE_ID_BASE32_BYTES = 52 + 1, /* without the check characters, NUL */
	NODE_ID_SHORT_BYTES = 8 + 1 /* display hint only, NUL */
};

/* A certificate that has been parsed and whose two signatures are good. */
struct cert {
	uint8_t raw[CERT_BYTES];
	struct id32 ik, ds, dn, dx;
	struct id16 device_id;
	uint64_t serial;
	struct id32 node_id; /* computed from ik */
};

/* Exactly 306 bytes, label, flags 0, serial >= 1, both signatures; else ERR_AUTH
 * (signature) or ERR_PROTO (form). */
enum err cert_parse(struct slice raw, struct cert *out);

/* A device list whose signature is good. Entries are sorted as on the wire. */
struct devlist {
	struct id32 ik;
	uint64_t version;
	uint16_t n;
	struct devlist_entry {
		struct id16 device_id;
		uint8_t cert_hash[32];
	} devices[DEVLIST_MAX_DEVICES];
	uint16_t raw_len;
	uint8_t raw[DEVLIST_MAX_BYTES];
};

enum err devlist_parse(struct slice raw, struct devlist *out);
/* True when it names this very certificate (same ik, device and hash). */
bool devlist_names(const struct devlist *l, const struct cert *c);

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
/* A second device of the same person: fresh device keys, certificate serial + 1,
 * device list version + 1 naming both (also set in id). */
struct identity *identity_new_device(struct identity *id, const struct rng *rng);
/* A list of our own, signed: devices are the certificates given. */
enum err identity_sign_devlist(const struct identity *id, uint64_t version,
			       const struct cert *const *certs, size_t n,
			       struct devlist *out);
/* Takes a higher list of our own; ERR_RANGE when it is not higher or not ours. */
enum err identity_set_devlist(struct identity *id, const struct devlist *l);

/* The secret part as fixed fields for keyfile.c; see its format there. */
enum { IDENTITY_SECRET_BYTES = 32 * 4 + 16 + 8 };
void identity_export(const struct identity *id,
		     uint8_t out[static IDENTITY_SECRET_BYTES]);
/* With the stored device list; ERR_CORRUPT when they do not fit together. */
enum err identity_import(const uint8_t in[static IDENTITY_SECRET_BYTES],
			 struct slice devlist, struct identity **out);

/* B2b-32("p2pmsg-nodeid-v1"; ik). */
void node_id_of(const struct id32 *ik, struct id32 *out);
/* 14 groups of 4 with dashes, the last one the check characters. */
void node_id_text(const struct id32 *id, char out[static NODE_ID_TEXT_BYTES]);
void node_id_compact(const struct id32 *id, char out[static NODE_ID_COMPACT_BYTES]);
void node_id_base32(const struct id32 *id, char out[static NODE_ID_BASE32_BYTES]);
void node_id_short(const struct id32 *id, char out[static NODE_ID_SHORT_BYTES]);
/* With or without dashes and blanks, either case, check characters required.
 * ERR_USAGE when it is no id at all, ERR_RANGE when the check fails (a typing
 * mistake). */
enum err node_id_parse(const char *text, struct id32 *out);
/* The 52 characters of a TXT record, no check characters. */
enum err node_id_parse_base32(struct slice text, struct id32 *out);

/* "p2pmsg:<56>[@host:port]". host_port may be NULL. Freed with mem_free. */
char *uri_text(const struct id32 *id, const char *host_port);
/* host_port: at least 1 + strlen(text) bytes; "" when there is none. ERR_USAGE,
 * ERR_RANGE as node_id_parse. */
enum err uri_parse(const char *text, struct id32 *id, char *host_port);

#endif
