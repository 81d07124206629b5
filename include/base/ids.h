/*
 * ids: fixed-size identifiers and their texts.
 */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct id16 {
	uint8_t b[16];
};

struct id32 {
	uint8_t b[32];
};

bool id16_eq(const struct id16 *a, const struct id16 *b);
bool id32_eq(const struct id32 *a, const struct id32 *b);
/* <0, 0, >0 as memcmp. */
int id32_cmp(const struct id32 *a, const struct id32 *b);

/* Lower-case hex with a NUL: out has 2 * in.n + 1 bytes. */
void hex_encode(struct slice in, char *out);
/* Exactly out_len bytes from 2 * out_len hex digits of either case, else ERR_USAGE. */
enum err hex_decode(struct slice in, uint8_t *out, size_t out_len);

/* RFC 4648 base32, lower case, no padding, with a NUL. out has
 * base32_len(in.n) + 1 bytes. */
size_t base32_len(size_t n);
void base32_encode(struct slice in, char *out);
/* Either case; exactly out_len bytes; spare bits must be zero; else ERR_USAGE. */
enum err base32_decode(struct slice in, uint8_t *out, size_t out_len);

#endif
