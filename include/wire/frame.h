/*
 * frame: the two envelopes inside a session: `u16 length || bytes` on the wire,
 * and the padded record that a Noise transport message carries
 * (p2pmsg-protocol(7), "Records").
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* One frame at the front of bytes whose body has at least min and at most max
 * bytes: *body is borrowed from bytes, *used counts the length prefix too.
 * ERR_WAIT when more is needed; ERR_PROTO as soon as the prefix is out of range,
 * before anything of the body is waited for. */
enum err frame_get(struct slice bytes, size_t min, size_t max, struct slice *body,
		   size_t *used);

struct record {
	uint8_t kind;
	uint8_t flags;
	struct slice payload;
};

/* The padded size of a record with this payload: 64, 128 ... 16384, header
 * included. payload <= PROTO_PAYLOAD_MAX_BYTES. */
size_t record_padded(size_t payload);
/* True for the sizes that a padded record can have. */
bool record_is_padded(size_t n);
/* Writes header, payload and zeros to out, which has record_padded(payload.n)
 * bytes; payload may already stand at out + 4. */
void record_write(const struct record *r, uint8_t *out);
/* ERR_PROTO: size not of the set, len too large, padding not zero. The payload is
 * borrowed from plain. */
enum err record_read(struct slice plain, struct record *out);

#endif
