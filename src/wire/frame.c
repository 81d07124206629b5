/*
 * frame: see the header. All that is done to a length from a peer is compared,
 * never added to.
 */
#include "wire/frame.h"

#include <string.h>

#include "base/cur.h"
#include "wire/proto.h"

/* The least and the most that a length can be of which only these bytes are known. */
static bool prefix_fits(struct slice bytes, size_t min, size_t max)
{
	size_t least, most;

	if (bytes.n == 0)
		return true;
	least = (size_t)bytes.p[0] << 8;
	most = least | 0xff;
	if (bytes.n > 1)
		least = most = least | bytes.p[1];
	return most >= min && least <= max;
}

enum err frame_get(struct slice bytes, size_t min, size_t max, struct slice *body,
		   size_t *used)
{
	struct cur c = cur_of(bytes);

	if (!prefix_fits(bytes, min, max))
		return ERR_PROTO;
	*body = cur_take(&c, cur_u16(&c));
	if (c.failed)
		return ERR_WAIT;
	*used = bytes.n - c.left;
	return ERR_OK;
}

enum { RECORD_MIN_BYTES = 64 };

size_t record_padded(size_t payload)
{
	size_t n = RECORD_MIN_BYTES;

	while (n < PROTO_RECORD_HEADER_BYTES + payload)
		n *= 2;
	return n;
}

bool record_is_padded(size_t n)
{
	return n >= RECORD_MIN_BYTES && n <= PROTO_RECORD_MAX_BYTES && (n & (n - 1)) == 0;
}

void record_write(const struct record *r, uint8_t *out)
{
	size_t n = r->payload.n;
	uint8_t *payload = out + PROTO_RECORD_HEADER_BYTES;

	out[0] = r->kind;
	out[1] = r->flags;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	if (n > 0 && r->payload.p != payload)
		memcpy(payload, r->payload.p, n);
	memset(payload + n, 0, record_padded(n) - PROTO_RECORD_HEADER_BYTES - n);
}

/* Compared with itself, one byte apart, it is the same byte all along. */
static bool is_zero(struct slice s)
{
	return s.n == 0 || (s.p[0] == 0 && memcmp(s.p, s.p + 1, s.n - 1) == 0);
}

enum err record_read(struct slice plain, struct record *out)
{
	struct cur c = cur_of(plain);

	if (!record_is_padded(plain.n))
		return ERR_PROTO;
	out->kind = cur_u8(&c);
	out->flags = cur_u8(&c);
	out->payload = cur_take(&c, cur_u16(&c));
	if (c.failed || !is_zero(slice_of(c.p, c.left)))
		return ERR_PROTO;
	return ERR_OK;
}
