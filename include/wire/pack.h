/*
 * pack: MessagePack in the strict profile of p2pmsg-protocol(7), "MessagePack
 * profile". Reading is our own bounded cursor and allocates nothing; writing is
 * msgpack-c's packer into a buf.
 */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/err.h"
#include "base/slice.h"

/* No walk goes deeper, whatever depth_max says. */
enum { PACK_DEPTH_CAP = 16 };

/* Walks one object at the front of bytes and checks the whole profile: depth
 * (arrays and maps inside one another), counts against the bytes left, shortest
 * encodings, ascending unsigned map keys, UTF-8 without NUL, no float, ext or
 * 0xc1. nil is accepted only where the profile lists it: as the second of the
 * three elements of the outermost array, the id of an object. *used is its length.
 * ERR_PROTO. Never more than depth_max deep, never allocates. */
enum err pack_check(struct slice bytes, unsigned depth_max, size_t *used);

/*
 * The readers take one value each from a cursor and latch failure when it is of
 * another kind. Each checks all that can be seen from its own value: shortest
 * encoding, count and length against the bytes left, UTF-8. So bytes that are read
 * to the end by them need no pack_check before; what remains for the caller is the
 * order of map keys. After a failure they give 0, false or an empty slice.
 */
uint32_t pack_get_array(struct cur *c); /* the count; its elements come next */
uint32_t pack_get_map(struct cur *c); /* pairs */
uint64_t pack_get_uint(struct cur *c);
int64_t pack_get_int(struct cur *c); /* of either sign */
bool pack_get_bool(struct cur *c);
struct slice pack_get_str(struct cur *c);
struct slice pack_get_bin(struct cur *c);
bool pack_get_nil(struct cur *c); /* true, and consumed, when the next is nil */
/* One whole value of any kind but nil, borrowed, checked as by pack_check. */
struct slice pack_get_any(struct cur *c, unsigned depth_max);

/* The writers add to b; any that does not fit makes b->len stay and returns
 * ERR_FULL. Strings are not checked for UTF-8. */
enum err pack_array(struct buf *b, uint32_t n);
enum err pack_map(struct buf *b, uint32_t n);
enum err pack_uint(struct buf *b, uint64_t v);
enum err pack_int(struct buf *b, int64_t v);
enum err pack_bool(struct buf *b, bool v);
enum err pack_str(struct buf *b, struct slice s);
enum err pack_bin(struct buf *b, struct slice s);
enum err pack_nil(struct buf *b);

/* What pack_get_str demands of a string. */
bool pack_is_text(struct slice s);

#endif
