#include "lib/bulk_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/bulk_body.h"

struct bulk_secret bulk_pair_secret(uint64_t seed)
{
	struct bulk_secret secret;
	struct rng_seeded rng;

	rng_seeded_init(&rng, seed);
	rng_fill(&rng.rng, &secret, sizeof(secret));
	return secret;
}

void bulk_pair_keys(uint64_t seed, struct bulk_keys keys[static 2])
{
	struct bulk_secret secret = bulk_pair_secret(seed);
	uint8_t opening[BULK_OPENING_BYTES], answer[BULK_ANSWER_BYTES];
	struct rng_seeded rng;

	rng_seeded_init(&rng, ~seed);
	struct bulk_dial *d = bulk_dial_new(&secret, &rng.rng, opening);
	assert_int_equal(bulk_answer(&secret, &rng.rng,
				     slice_of(opening, sizeof(opening)), answer,
				     &keys[1]),
			 ERR_OK);
	assert_int_equal(bulk_dial_finish(d, slice_of(answer, sizeof(answer)), &keys[0]),
			 ERR_OK);
	bulk_dial_free(d);
}

void bulk_pair_init(struct bulk_pair *p, uint64_t seed, const struct bulk_start *start)
{
	struct bulk_start s = *start;
	struct bulk_keys keys[2], raw[2];

	memset(p, 0, sizeof(*p));
	bulk_pair_keys(seed, keys);
	s.is_sender = true;
	p->sender = bulk_new(&keys[0], &s);
	s.is_sender = false;
	p->receiver = bulk_new(&keys[1], &s);
	bulk_pair_keys(seed, raw);
	p->raw = raw[0].send;
	p->raw_back = raw[1].send;
	bulkseal_free(raw[0].receive);
	bulkseal_free(raw[1].receive);
}

void bulk_pair_wipe(struct bulk_pair *p)
{
	bulk_free(p->sender);
	bulk_free(p->receiver);
	bulkseal_free(p->raw);
	bulkseal_free(p->raw_back);
}

static enum err hear(struct bulk_pair *p, struct bulk *by)
{
	size_t used;
	enum err e = bulk_next(by, p->frame, p->frame_n, &p->got, &used);

	assert_int_equal(used, e == ERR_OK ? p->frame_n : 0);
	return e;
}

/* The counters of raw go along. */
static enum err pass(struct bulk_pair *p, struct bulk *from, struct bulk *to,
		     const struct bulk_record *r)
{
	uint8_t none[BULKSEAL_TAG_BYTES];
	enum err e = bulk_send(from, r, p->frame, sizeof(p->frame), &p->frame_n);

	if (e != ERR_OK)
		return e;
	bulkseal_seal(from == p->sender ? p->raw : p->raw_back, slice_of(NULL, 0), none);
	return hear(p, to);
}

enum err bulk_pair_forth(struct bulk_pair *p, const struct bulk_record *r)
{
	return pass(p, p->sender, p->receiver, r);
}

enum err bulk_pair_back(struct bulk_pair *p, const struct bulk_record *r)
{
	return pass(p, p->receiver, p->sender, r);
}

static enum err pass_raw(struct bulk_pair *p, struct bulkseal *by, struct bulk *to,
			 struct slice plain)
{
	size_t sealed = plain.n + BULKSEAL_TAG_BYTES;

	assert_int_equal(bulkseal_seal(by, plain, p->frame + 2), ERR_OK);
	p->frame[0] = (uint8_t)(sealed >> 8);
	p->frame[1] = (uint8_t)sealed;
	p->frame_n = 2 + sealed;
	return hear(p, to);
}

enum err bulk_pair_raw(struct bulk_pair *p, struct slice plain)
{
	return pass_raw(p, p->raw, p->receiver, plain);
}

enum err bulk_pair_raw_back(struct bulk_pair *p, struct slice plain)
{
	return pass_raw(p, p->raw_back, p->sender, plain);
}

enum err bulk_pair_force(struct bulk_pair *p, bool from_sender,
			 const struct bulk_record *r)
{
	struct buf b;

	buf_init(&b, BULK_FRAME_MAX_BYTES);
	buf_u8(&b, (uint8_t)r->type);
	if (r->type == BULK_BYTES)
		buf_add(&b, r->u.bytes);
	else
		assert_int_equal(bulk_body_put(&b, r), ERR_OK);
	enum err e = from_sender ? bulk_pair_raw(p, buf_slice(&b))
				 : bulk_pair_raw_back(p, buf_slice(&b));
	buf_wipe(&b);
	return e;
}

/* ----------------------------------------------------------------- records */

struct bulk_record bulk_of_entry(const char *path, uint64_t size)
{
	struct bulk_record r = {.type = BULK_ENTRY};

	r.u.entry = (struct bulk_entry){
		.has = MSG_HAS(2),
		.path = slice_str(path),
		.size = size,
		.mtime_ns = -5,
		.mode = 1,
	};
	return r;
}

struct bulk_record bulk_of_directory(const char *path)
{
	struct bulk_record r = {.type = BULK_ENTRY};

	r.u.entry = (struct bulk_entry){.path = slice_str(path), .kind = BULK_DIRECTORY};
	return r;
}

struct bulk_record bulk_of_stream(void)
{
	struct bulk_record r = {.type = BULK_ENTRY};

	r.u.entry = (struct bulk_entry){.path = slice_str("-")};
	return r;
}

struct bulk_record bulk_of_bytes(size_t n)
{
	static uint8_t bytes[PROTO_BULK_BODY_BYTES + 1];
	struct bulk_record r = {.type = BULK_BYTES};

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)i;
	r.u.bytes = slice_of(bytes, n);
	return r;
}

struct bulk_record bulk_of_hole(uint64_t n)
{
	struct bulk_record r = {.type = BULK_HOLE};

	r.u.hole = n;
	return r;
}

struct bulk_record bulk_of_end(uint64_t entries, uint64_t bytes)
{
	struct bulk_record r = {.type = BULK_END};

	r.u.end = (struct bulk_end){.entries = entries, .bytes = bytes};
	return r;
}

struct bulk_record bulk_of_durable(uint64_t entries, uint64_t bytes)
{
	struct bulk_record r = {.type = BULK_DURABLE};

	r.u.durable = (struct bulk_durable){.entries = entries, .bytes = bytes};
	return r;
}

struct bulk_record bulk_of_stop(uint64_t code)
{
	struct bulk_record r = {.type = BULK_STOP};

	r.u.stop = (struct bulk_stop){
		.has = MSG_HAS(1), .code = code, .text = slice_str("why")};
	return r;
}
