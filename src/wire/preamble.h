/*
 * preamble: the 12 bytes with which an initiator begins, and the 12 with which a
 * responder refuses them (p2pmsg-protocol(7), "Preamble and versions").
 */
#ifndef WIRE_PREAMBLE_H
#define WIRE_PREAMBLE_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "wire/proto.h"

/* Of a session. */
void preamble_write(uint8_t out[static PROTO_PREAMBLE_BYTES]);
void preamble_write_bulk(uint8_t out[static PROTO_PREAMBLE_BYTES]);

/* Judges a session's preamble at the front of bytes. ERR_PROTO at the first byte that
 * cannot be one; ERR_WAIT for the rest of the 12; ERR_VERSION for a major or a
 * pattern that is not ours, which a refusal answers. */
enum err preamble_check(struct slice bytes);
/* Likewise, a bulk connection's. ERR_UNKNOWN when it is none, as far as the role:
 * preamble_check judges it; ERR_PROTO for broken flags. */
enum err preamble_check_bulk(struct slice bytes);

struct refusal {
	uint8_t min, max, code;
};

void refusal_write(uint8_t out[static PROTO_REFUSAL_BYTES]);
/* As preamble_check; ERR_OK with the 12 bytes read. */
enum err refusal_read(struct slice bytes, struct refusal *out);

#endif
