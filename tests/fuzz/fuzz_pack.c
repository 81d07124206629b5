/*
 * pack on any bytes. What the walk takes, the readers take too, value by value, and
 * the writers give back to the byte; what is cut is not taken.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "wire/pack.h"
#include "wire/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MUST(x) ((x) ? (void)0 : abort())

static void copy_value(struct cur *c, struct buf *out);

static void copy_values(struct cur *c, struct buf *out, uint32_t n)
{
	while (n-- > 0)
		copy_value(c, out);
}

/* Reads one value by its first byte and writes it again. The walk has limited how
 * deep this goes. */
static void copy_value(struct cur *c, struct buf *out)
{
	uint8_t b = c->left > 0 ? *c->p : 0xc1;
	uint32_t n;

	if (b < 0x80 || (b >= 0xcc && b <= 0xcf)) {
		pack_uint(out, pack_get_uint(c));
	} else if (b >= 0xe0 || (b >= 0xd0 && b <= 0xd3)) {
		pack_int(out, pack_get_int(c));
	} else if (b < 0x90 || b >= 0xde) {
		n = pack_get_map(c);
		pack_map(out, n);
		copy_values(c, out, 2 * n);
	} else if (b < 0xa0 || b >= 0xdc) {
		n = pack_get_array(c);
		pack_array(out, n);
		copy_values(c, out, n);
	} else if (b < 0xc0 || b >= 0xd9) {
		pack_str(out, pack_get_str(c));
	} else if (b >= 0xc4) {
		pack_bin(out, pack_get_bin(c));
	} else if (b == 0xc0) {
		MUST(pack_get_nil(c));
		pack_nil(out);
	} else {
		pack_bool(out, pack_get_bool(c));
	}
}

static void check_taken(struct slice s)
{
	struct cur c = cur_of(s);
	struct buf out;
	size_t used;
	uint8_t *tight = mem_dup(s.p, s.n);

	buf_init(&out, s.n);
	copy_value(&c, &out);
	MUST(cur_done(&c) && slice_eq(buf_slice(&out), s));
	buf_wipe(&out);
	for (size_t n = 0; n < s.n; n += 1 + n / 8)
		MUST(pack_check(slice_of(tight, n), PROTO_DEPTH_MAX, &used) == ERR_PROTO);
	mem_free(tight);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice s = slice_of(bytes, len);
	struct cur c = cur_of(s);
	size_t used, any;

	any = pack_get_any(&c, PROTO_DEPTH_MAX).n;
	if (pack_check(s, PROTO_DEPTH_MAX, &used) != ERR_OK) {
		MUST(used == 0 && any == 0 && c.failed);
		return 0;
	}
	/* They differ in the one nil only, by which any took nothing. */
	MUST(used > 0 && used <= len && (any == used || c.failed));
	check_taken(slice_of(bytes, used));
	return 0;
}
