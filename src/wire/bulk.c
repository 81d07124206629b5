#include "wire/bulk.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "wire/bulk_body.h"
#include "wire/bulk_flow.h"
#include "wire/frame.h"

static_assert(1 + PROTO_BULK_BODY_BYTES + BULKSEAL_TAG_BYTES == NOISE_MAX_MESSAGE,
	      "a record fills a Noise message");

enum { LENGTH_BYTES = 2, TYPE_BYTES = 1, BODY_MAX = PROTO_BULK_PATH_BYTES + 64 };

struct bulk {
	struct bulk_keys keys;
	bool is_sender;
	enum err error; /* once something has come that may not */
	struct bulk_flow flow;
	struct buf body; /* of the record that is being sent, but for BYTES */
};

struct bulk *bulk_new(const struct bulk_keys *keys, const struct bulk_start *start)
{
	struct bulk *b = mem_new(sizeof(*b));

	b->keys = *keys;
	b->is_sender = start->is_sender;
	bulk_flow_init(&b->flow, start);
	buf_init(&b->body, BODY_MAX);
	return b;
}

void bulk_free(struct bulk *b)
{
	if (b == NULL)
		return;
	bulk_keys_wipe(&b->keys);
	buf_wipe(&b->body);
	mem_free(b);
}

/* ----------------------------------------------------------------- sending */

static enum err make_body(struct bulk *b, const struct bulk_record *r, struct slice *out)
{
	*out = r->u.bytes;
	if (r->type == BULK_BYTES)
		return r->u.bytes.n <= PROTO_BULK_BODY_BYTES ? ERR_OK : ERR_RANGE;
	buf_clear(&b->body, BODY_MAX * 2);
	enum err e = bulk_body_put(&b->body, r);
	*out = buf_slice(&b->body);
	return e;
}

static enum err seal(struct bulk *b, enum bulk_type type, struct slice body, uint8_t *out)
{
	size_t n = TYPE_BYTES + body.n, sealed = n + BULKSEAL_TAG_BYTES;

	if (body.n > 0 && body.p != out + BULK_HEAD_BYTES)
		memmove(out + BULK_HEAD_BYTES, body.p, body.n);
	out[0] = (uint8_t)(sealed >> 8);
	out[1] = (uint8_t)sealed;
	out[2] = (uint8_t)type;
	return bulkseal_seal(b->keys.send, slice_of(out + LENGTH_BYTES, n),
			     out + LENGTH_BYTES);
}

enum err bulk_send(struct bulk *b, const struct bulk_record *r, uint8_t *out, size_t max,
		   size_t *n)
{
	struct slice body;
	bool is_again;
	enum err e = make_body(b, r, &body);

	*n = 0;
	if (e == ERR_OK && BULK_OVERHEAD_BYTES + body.n > max)
		e = ERR_FULL;
	if (e == ERR_OK && bulk_flow_take(&b->flow, b->is_sender, r, &is_again) != ERR_OK)
		e = ERR_BUG;
	if (e == ERR_OK)
		e = seal(b, r->type, body, out);
	if (e == ERR_OK)
		*n = BULK_OVERHEAD_BYTES + body.n;
	return e;
}

/* --------------------------------------------------------------- receiving */

static enum err open_frame(struct bulk *b, uint8_t *in, size_t n, struct bulk_record *r,
			   size_t *used)
{
	struct slice body;
	enum err e = frame_get(slice_of(in, n), TYPE_BYTES + BULKSEAL_TAG_BYTES,
			       NOISE_MAX_MESSAGE, &body, used);

	if (e == ERR_OK)
		e = bulkseal_open(b->keys.receive, body, in + LENGTH_BYTES);
	if (e == ERR_OK)
		e = bulk_body_get(
			in[LENGTH_BYTES],
			slice_of(in + BULK_HEAD_BYTES, *used - BULK_OVERHEAD_BYTES), r);
	return e;
}

enum err bulk_next(struct bulk *b, uint8_t *in, size_t n, struct bulk_record *r,
		   size_t *used)
{
	*used = 0;
	if (b->error != ERR_OK)
		return b->error;
	enum err e = open_frame(b, in, n, r, used);
	if (e == ERR_OK)
		e = bulk_flow_take(&b->flow, !b->is_sender, r, &r->is_again);
	if (e != ERR_OK)
		*used = 0;
	if (e != ERR_OK && e != ERR_WAIT)
		b->error = e;
	return e;
}

enum err bulk_eof(const struct bulk *b)
{
	const struct bulk_flow *f = &b->flow;
	bool is_over = b->is_sender ? f->is_all_durable : f->stage == FLOW_ENDED;

	if (b->error != ERR_OK)
		return b->error;
	return is_over || f->stage == FLOW_STOPPED || f->is_stopped_back ? ERR_OK
									 : ERR_TRUNCATED;
}

uint64_t bulk_entries(const struct bulk *b)
{
	return b->flow.entries;
}

uint64_t bulk_bytes(const struct bulk *b)
{
	return b->flow.bytes;
}

bool bulk_has_ended(const struct bulk *b)
{
	return b->flow.stage == FLOW_ENDED;
}
