#include "wire/records.h"

#include <assert.h>

#include "base/secret.h"
#include "wire/proto.h"

static_assert(sizeof(struct record_keys) <= SECRET_SLOT_BYTES, "keys fill one slot");

enum { LENGTH_BYTES = 2 };

static const uint64_t minute_us = UINT64_C(60) * 1000 * 1000;

enum err records_init(struct records *r, struct noise_handshakestate *hs, uint64_t now_us,
		      uint8_t *h_out)
{
	*r = (struct records){.start_us = now_us, .rekey_us = now_us};
	r->keys = secret_slot_new();
	return noise_split(hs, &r->keys->send, &r->keys->receive, h_out);
}

void records_wipe(struct records *r)
{
	secret_slot_free(r->keys);
	*r = (struct records){0};
}

size_t records_frame_bytes(size_t payload)
{
	return LENGTH_BYTES + record_padded(payload) + PROTO_TAG_BYTES;
}

static void rekey_send(struct records *r, uint64_t now_us)
{
	noise_rekey(&r->keys->send);
	r->rekey_n = r->keys->send.n;
	r->rekey_bytes = 0;
	r->rekey_us = now_us;
}

enum err records_seal(struct records *r, const struct record *rec, struct buf *out,
		      uint64_t now_us)
{
	size_t n = records_frame_bytes(rec->payload.n), body = n - LENGTH_BYTES;
	struct slice plain;
	uint8_t *at;
	enum err e = buf_reserve(out, n, &at);

	if (e != ERR_OK)
		return e;
	at[0] = (uint8_t)(body >> 8);
	at[1] = (uint8_t)body;
	record_write(rec, at + LENGTH_BYTES);
	plain = slice_of(at + LENGTH_BYTES, body - PROTO_TAG_BYTES);
	e = noise_encrypt_with_ad(&r->keys->send, slice_of(NULL, 0), plain,
				  at + LENGTH_BYTES);
	if (e != ERR_OK)
		return e;
	buf_commit(out, n);
	r->rekey_bytes += n;
	if (rec->kind == KIND_REKEY)
		rekey_send(r, now_us);
	return ERR_OK;
}

bool records_rekey_is_due(const struct records *r, size_t frame_bytes, uint64_t now_us)
{
	/* The REKEY record itself is the last of the 2^20. */
	return r->keys->send.n - r->rekey_n >= PROTO_REKEY_RECORDS - 1 ||
	       r->rekey_bytes + frame_bytes > PROTO_REKEY_BYTES - PROTO_FRAME_MAX_BYTES ||
	       now_us - r->rekey_us >= PROTO_REKEY_MIN * minute_us;
}

enum err records_frame_get(struct slice in, struct slice *body, size_t *used)
{
	const size_t least = record_padded(0) + PROTO_TAG_BYTES;
	const size_t most = PROTO_RECORD_MAX_BYTES + PROTO_TAG_BYTES;
	enum err e = frame_get(in, least, most, body, used);
	size_t n = in.n >= LENGTH_BYTES ? (size_t)in.p[0] << 8 | in.p[1] : least;

	return record_is_padded(n - PROTO_TAG_BYTES) ? e : ERR_PROTO;
}

enum err records_open(struct records *r, uint8_t *body, size_t n, struct record *out)
{
	enum err e = noise_decrypt_with_ad(&r->keys->receive, slice_of(NULL, 0),
					   slice_of(body, n), body);

	if (e != ERR_OK)
		return e;
	return record_read(slice_of(body, n - PROTO_TAG_BYTES), out);
}

void records_rekey_receive(struct records *r)
{
	noise_rekey(&r->keys->receive);
}

bool records_is_worn(const struct records *r, uint64_t now_us)
{
	return r->keys->send.n >= PROTO_REHANDSHAKE_RECORDS ||
	       r->keys->receive.n >= PROTO_REHANDSHAKE_RECORDS ||
	       now_us - r->start_us >= PROTO_REHANDSHAKE_H * 60 * minute_us;
}
