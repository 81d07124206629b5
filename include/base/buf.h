/*
 * buf: a byte queue with a hard maximum. Bytes are added at the end and dropped
 * at the front. The owner embeds it: buf_init, then buf_wipe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct buf {
	uint8_t *p; /* start of the allocation; NULL until first used */
	size_t head; /* first byte that is not dropped yet */
	size_t len; /* bytes held, from head on */
	size_t cap;
	size_t max; /* len never exceeds it */
};

/* Holds at most max bytes; allocates as it grows, at most about twice max. */
void buf_init(struct buf *b, size_t max);
/* Frees and zeroes; the struct may be initialised again. */
void buf_wipe(struct buf *b);

/* What is held. Valid until the next call that changes b. */
struct slice buf_slice(const struct buf *b);

/* ERR_FULL, with nothing added, when the maximum would be passed. */
enum err buf_add(struct buf *b, struct slice s);
enum err buf_u8(struct buf *b, uint8_t v);
enum err buf_u16(struct buf *b, uint16_t v); /* big-endian, as all below */
enum err buf_u32(struct buf *b, uint32_t v);
enum err buf_u64(struct buf *b, uint64_t v);
enum err buf_zeros(struct buf *b, size_t n);

/* Room for n more bytes at *out, to be filled and then committed (or not).
 * ERR_FULL as above. */
enum err buf_reserve(struct buf *b, size_t n, uint8_t **out);
void buf_commit(struct buf *b, size_t n);

/* Drops n bytes at the front; n <= len. */
void buf_drop(struct buf *b, size_t n);
/* Takes bytes off the end, down to len. */
void buf_truncate(struct buf *b, size_t len);
/* Drops all; keeps the allocation only if it is at most keep bytes. */
void buf_clear(struct buf *b, size_t keep);

#endif
