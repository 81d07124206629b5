/*
 * pack: MessagePack in the strict profile of p2pmsg-protocol(7), "MessagePack
 * profile". Reading is our own bounded cursor and allocates nothing; writing is
 * msgpack-c's packer into a buf.
 */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/err.h"
#include "base/slice.h"

/* Walks one object at the front of bytes and checks the whole profile: depth,
 * counts against the bytes left, shortest encodings, ascending unsigned map keys,
 * UTF-8 without NUL, no float, ext or 0xc1. *used is its length. nil is accepted
 * where the profile lists it (the id of an object); the readers below decide.
 * ERR_PROTO. Never more than depth_max deep, never allocates. */
enum err pack_check(struct slice bytes, unsigned depth_max, size_t *used);

/* The readers take one value each from a cursor over checked bytes; they latch
 * failure when the value is of another kind, and check bounds all the same. */
uint32_t pack_get_array(struct cur *c);
uint32_t pack_get_map(struct cur *c);
uint64_t pack_get_uint(struct cur *c);
bool pack_get_bool(struct cur *c);
struct slice pack_get_str(struct cur *c);
struct slice pack_get_bin(struct cur *c);
bool pack_get_nil(struct cur *c); /* true, and consumed, when the next is nil */
/* One whole value of any kind, borrowed. */
struct slice pack_get_any(struct cur *c);

/* The writers add to b; any that does not fit makes b->len stay and returns
 * ERR_FULL. */
enum err pack_array(struct buf *b, uint32_t n);
enum err pack_map(struct buf *b, uint32_t n);
enum err pack_uint(struct buf *b, uint64_t v);
enum err pack_bool(struct buf *b, bool v);
enum err pack_str(struct buf *b, struct slice s);
enum err pack_bin(struct buf *b, struct slice s);
enum err pack_nil(struct buf *b);

#endif
