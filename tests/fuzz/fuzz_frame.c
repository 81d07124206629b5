/*
 * frame on any bytes. The first four are the limits of the length, the rest a stream
 * of frames, each of whose bodies is read as a record too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "base/mem.h"
#include "wire/frame.h"
#include "wire/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MUST(x) ((x) ? (void)0 : abort())

/* What is taken comes out of writing it as it went in, but for larger padding. */
static void check_record(struct slice plain)
{
	struct record r;
	uint8_t *again;
	size_t n;

	if (record_read(plain, &r) != ERR_OK)
		return;
	n = record_padded(r.payload.n);
	MUST(n <= plain.n && n <= PROTO_RECORD_MAX_BYTES);
	again = mem_new(n);
	record_write(&r, again);
	MUST(memcmp(again, plain.p, n) == 0);
	mem_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cur c = cur_of(slice_of(bytes, len));
	size_t min = cur_u16(&c), max = cur_u16(&c), used;
	struct slice rest = slice_of(c.p, c.left), body;
	enum err e;

	check_record(rest);
	if (c.failed || min > max)
		return 0;
	while ((e = frame_get(rest, min, max, &body, &used)) == ERR_OK) {
		MUST(used == body.n + 2 && used <= rest.n);
		MUST(body.n >= min && body.n <= max);
		check_record(body);
		rest = slice_of(rest.p + used, rest.n - used);
	}
	MUST(e == ERR_WAIT || e == ERR_PROTO);
	/* An end that is awaited is shorter than what may come. */
	if (e == ERR_WAIT)
		MUST(rest.n < max + 2);
	return 0;
}
