/*
 * close: the payload of a CLOSE record, `code u16 || reason` (p2pmsg-protocol(7),
 * "Records").
 */
#ifndef WIRE_CLOSE_H
#define WIRE_CLOSE_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "wire/proto.h"

enum { CLOSE_MIN_BYTES = 2, CLOSE_MAX_BYTES = 2 + PROTO_CLOSE_REASON_BYTES };

/* Returns how many bytes were written. reason (NULL: none) is cut to what a CLOSE may
 * carry, between characters; one that is not UTF-8 is left out. */
size_t close_write(uint16_t code, const char *reason,
		   uint8_t out[static CLOSE_MAX_BYTES]);
/* The reason is borrowed from payload, whose size the caller has checked. ERR_PROTO
 * when it is no text. */
enum err close_read(struct slice payload, uint16_t *code, struct slice *reason);

#endif
