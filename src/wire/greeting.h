/*
 * greeting: the payload of the second and third handshake message, 512 bytes:
 * `len u16 || map || zeros` (p2pmsg-protocol(7), "Handshake").
 */
#ifndef WIRE_GREETING_H
#define WIRE_GREETING_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "wire/proto.h"

struct greeting {
	uint64_t has; /* see wire/fields.h */
	struct slice cert; /* 306 bytes, not judged here */
	uint64_t minor, caps, list_version;
	struct slice boot; /* 16 bytes */
};

void greeting_write(const struct greeting *g, uint8_t out[static PROTO_HS_PAYLOAD_BYTES]);
/* Borrows from bytes. ERR_PROTO. */
enum err greeting_read(struct slice bytes, struct greeting *out);

#endif
