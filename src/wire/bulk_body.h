/*
 * bulk_body: what stands in a record of a bulk connection behind its type.
 */
#ifndef WIRE_BULK_BODY_H
#define WIRE_BULK_BODY_H

#include "base/buf.h"
#include "wire/bulk.h"

/* The body of any type but BYTES, added to b. ERR_RANGE: a field breaks its row, or no
 * such type. */
enum err bulk_body_put(struct buf *b, const struct bulk_record *r);
/* Borrows from body. ERR_PROTO. */
enum err bulk_body_get(uint8_t type, struct slice body, struct bulk_record *out);

#endif
