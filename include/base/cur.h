/*
 * cur: a bounded read cursor that latches failure. Reading past the end gives
 * zeros and sets failed; so a parser reads straight down and asks once, at the
 * end, whether all of it was there.
 */
#ifndef BASE_CUR_H
#define BASE_CUR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct cur {
	const uint8_t *p;
	size_t left;
	bool failed;
};

struct cur cur_of(struct slice s);
uint8_t cur_u8(struct cur *c);
uint16_t cur_u16(struct cur *c); /* big-endian, as all below */
uint32_t cur_u32(struct cur *c);
uint64_t cur_u64(struct cur *c);
/* The next n bytes, borrowed; an empty slice on failure. */
struct slice cur_take(struct cur *c, size_t n);
/* Copies the next n bytes to out; zeros on failure. */
void cur_copy(struct cur *c, void *out, size_t n);
/* Fails unless the next bytes are exactly these. */
void cur_expect(struct cur *c, struct slice s);
/* Latches failure by the caller's own judgement. */
void cur_fail(struct cur *c);
/* True when nothing failed and nothing is left. */
bool cur_done(const struct cur *c);

#endif
