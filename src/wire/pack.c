/*
 * pack: see the header. A value begins with one byte that says its kind and,
 * for most kinds, its size or value in some following bytes. That first part is
 * the head; one table describes all heads of more than one byte, together with
 * the range in which each is the shortest form.
 */
#include "wire/pack.h"

#include <msgpack.h>
#include <string.h>

#include "base/text.h"
#include "wire/proto.h"

enum head_kind {
	HEAD_NONE, /* not in the profile */
	HEAD_UINT,
	HEAD_NEGATIVE,
	HEAD_NIL,
	HEAD_BOOL,
	HEAD_STR,
	HEAD_BIN,
	HEAD_ARRAY,
	HEAD_PAIRS
};

struct head {
	enum head_kind kind;
	uint64_t v; /* the value, length or count */
};

/* 0xc0 to 0xdf: how many bytes follow, and which values need that many. */
static const struct form {
	uint8_t kind, width;
	uint64_t least, most;
} forms[32] = {
	[0x00] = {HEAD_NIL, 0, 0, 0},
	[0x02] = {HEAD_BOOL, 0, 0, 1},
	[0x03] = {HEAD_BOOL, 0, 0, 1},
	[0x04] = {HEAD_BIN, 1, 0, UINT8_MAX},
	[0x05] = {HEAD_BIN, 2, UINT8_MAX + 1, UINT16_MAX},
	[0x06] = {HEAD_BIN, 4, UINT16_MAX + 1, UINT32_MAX},
	[0x0c] = {HEAD_UINT, 1, 0x80, UINT8_MAX},
	[0x0d] = {HEAD_UINT, 2, UINT8_MAX + 1, UINT16_MAX},
	[0x0e] = {HEAD_UINT, 4, UINT16_MAX + 1, UINT32_MAX},
	[0x0f] = {HEAD_UINT, 8, UINT64_C(1) << 32, UINT64_MAX},
	[0x10] = {HEAD_NEGATIVE, 1, 0x80, 0xdf},
	[0x11] = {HEAD_NEGATIVE, 2, 0x8000, 0xff7f},
	[0x12] = {HEAD_NEGATIVE, 4, 0x80000000, 0xffff7fff},
	[0x13] = {HEAD_NEGATIVE, 8, UINT64_C(1) << 63, 0xffffffff7fffffff},
	[0x19] = {HEAD_STR, 1, 32, UINT8_MAX},
	[0x1a] = {HEAD_STR, 2, UINT8_MAX + 1, UINT16_MAX},
	[0x1b] = {HEAD_STR, 4, UINT16_MAX + 1, UINT32_MAX},
	[0x1c] = {HEAD_ARRAY, 2, 16, UINT16_MAX},
	[0x1d] = {HEAD_ARRAY, 4, UINT16_MAX + 1, UINT32_MAX},
	[0x1e] = {HEAD_PAIRS, 2, 16, UINT16_MAX},
	[0x1f] = {HEAD_PAIRS, 4, UINT16_MAX + 1, UINT32_MAX},
};

/* Out of line, so that the heads of one byte cost next to nothing. */
__attribute__((noinline)) static struct head wide_head(struct cur *c, uint8_t first)
{
	const struct form *f = &forms[first & 0x1f];
	struct slice tail = cur_take(c, f->width);
	uint64_t v = f->width == 0 ? first & 1 : 0;

	for (size_t i = 0; i < tail.n; i++)
		v = v << 8 | tail.p[i];
	if (v < f->least || v > f->most)
		return (struct head){HEAD_NONE, 0};
	return (struct head){f->kind, v};
}

static inline struct head head_get(struct cur *c)
{
	uint8_t first;

	/* Not cur_u8: every byte of every message begins here. */
	if (c->left == 0) {
		cur_fail(c);
		return (struct head){HEAD_NONE, 0};
	}
	first = *c->p++;
	c->left--;
	if (first < 0x80)
		return (struct head){HEAD_UINT, first};
	if (first < 0x90)
		return (struct head){HEAD_PAIRS, first & 0x0f};
	if (first < 0xa0)
		return (struct head){HEAD_ARRAY, first & 0x0f};
	if (first < 0xc0)
		return (struct head){HEAD_STR, first & 0x1f};
	if (first < 0xe0)
		return wide_head(c, first);
	return (struct head){HEAD_NEGATIVE, first};
}

/* A count is believed only when that many values can still be there. */
static bool count_fits(const struct cur *c, struct head h)
{
	if (h.kind == HEAD_ARRAY)
		return h.v <= PROTO_ARRAY_MAX && h.v <= c->left;
	return h.v <= PROTO_MAP_MAX && 2 * h.v <= c->left;
}

enum { WORD_BYTES = sizeof(uint64_t) };

/* Eight bytes of ASCII, none of them zero. */
static bool is_plain(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return (((w - UINT64_C(0x0101010101010101)) | w) &
		UINT64_C(0x8080808080808080)) == 0;
}

/* Most text is ASCII: eight bytes at a time, the last eight perhaps twice. */
bool pack_is_text(struct slice s)
{
	size_t i = 0;

	while (s.n - i >= WORD_BYTES && is_plain(s.p + i))
		i += WORD_BYTES;
	if (i == s.n ||
	    (i > 0 && s.n - i < WORD_BYTES && is_plain(s.p + s.n - WORD_BYTES)))
		return true;
	return text_is_utf8(slice_of(s.p + i, s.n - i));
}

/* One array or map that the walk is inside of. */
struct level {
	uint32_t at, end; /* values seen and expected; a pair counts as two */
	bool is_map, may_hold_nil;
	uint64_t key; /* the last one, when at > 1 */
};

static bool key_fits(const struct level *l, struct head h)
{
	return h.kind == HEAD_UINT && (l->at == 0 || h.v > l->key);
}

/* Accounts for a value with head h in l; nothing is consumed but its bytes. */
static bool level_take(struct level *l, struct head h, struct cur *c)
{
	if (l->is_map && l->at % 2 == 0) {
		if (!key_fits(l, h))
			return false;
		l->key = h.v;
	}
	l->at++;
	if (h.kind == HEAD_NIL)
		return l->may_hold_nil && l->at == 2;
	if (h.kind == HEAD_STR)
		return pack_is_text(cur_take(c, (size_t)h.v)) && !c->failed;
	if (h.kind == HEAD_BIN)
		cur_take(c, (size_t)h.v);
	return h.kind != HEAD_NONE && !c->failed;
}

static struct level level_of(struct head h)
{
	bool is_map = h.kind == HEAD_PAIRS;
	uint32_t n = (uint32_t)h.v;

	return (struct level){.end = is_map ? 2 * n : n, .is_map = is_map};
}

/* The one walk: over one value, whose arrays and maps are at most depth_max deep. */
static bool walk(struct cur *c, unsigned depth_max, bool is_object)
{
	struct level levels[PACK_DEPTH_CAP + 1];
	unsigned depth = 0;

	levels[0] = (struct level){.end = 1};
	for (;;) {
		while (levels[depth].at == levels[depth].end) {
			if (depth-- == 0)
				return true;
		}
		struct head h = head_get(c);
		if (!level_take(&levels[depth], h, c))
			return false;
		if (h.kind != HEAD_ARRAY && h.kind != HEAD_PAIRS)
			continue;
		if (depth == depth_max || depth == PACK_DEPTH_CAP || !count_fits(c, h))
			return false;
		levels[++depth] = level_of(h);
		levels[depth].may_hold_nil =
			is_object && depth == 1 && h.kind == HEAD_ARRAY && h.v == 3;
	}
}

enum err pack_check(struct slice bytes, unsigned depth_max, size_t *used)
{
	struct cur c = cur_of(bytes);

	*used = 0;
	if (!walk(&c, depth_max, true))
		return ERR_PROTO;
	*used = bytes.n - c.left;
	return ERR_OK;
}

static uint64_t get(struct cur *c, enum head_kind kind)
{
	struct head h = head_get(c);

	if (h.kind == kind)
		return h.v;
	cur_fail(c);
	return 0;
}

static uint32_t get_count(struct cur *c, enum head_kind kind)
{
	struct head h = {kind, get(c, kind)};

	if (count_fits(c, h))
		return (uint32_t)h.v;
	cur_fail(c);
	return 0;
}

uint32_t pack_get_array(struct cur *c)
{
	return get_count(c, HEAD_ARRAY);
}

uint32_t pack_get_map(struct cur *c)
{
	return get_count(c, HEAD_PAIRS);
}

uint64_t pack_get_uint(struct cur *c)
{
	return get(c, HEAD_UINT);
}

/* Two's complement of the shortest width that holds it: so its value tells the width. */
static int64_t negative_of(uint64_t v)
{
	uint64_t sign = v <= UINT8_MAX	  ? UINT64_C(1) << 7
			: v <= UINT16_MAX ? UINT64_C(1) << 15
			: v <= UINT32_MAX ? UINT64_C(1) << 31
					  : UINT64_C(1) << 63;

	return (int64_t)((v ^ sign) - sign);
}

int64_t pack_get_int(struct cur *c)
{
	struct head h = head_get(c);

	if (h.kind == HEAD_NEGATIVE)
		return negative_of(h.v);
	if (h.kind == HEAD_UINT && h.v <= INT64_MAX)
		return (int64_t)h.v;
	cur_fail(c);
	return 0;
}

bool pack_get_bool(struct cur *c)
{
	return get(c, HEAD_BOOL) != 0;
}

struct slice pack_get_bin(struct cur *c)
{
	return cur_take(c, (size_t)get(c, HEAD_BIN));
}

struct slice pack_get_str(struct cur *c)
{
	struct slice s = cur_take(c, (size_t)get(c, HEAD_STR));

	if (pack_is_text(s))
		return s;
	cur_fail(c);
	return slice_of(NULL, 0);
}

bool pack_get_nil(struct cur *c)
{
	if (c->failed || c->left == 0 || *c->p != 0xc0)
		return false;
	cur_u8(c);
	return true;
}

struct slice pack_get_any(struct cur *c, unsigned depth_max)
{
	struct cur at = *c;

	if (!c->failed && walk(c, depth_max, false))
		return slice_of(at.p, at.left - c->left);
	cur_fail(c);
	return slice_of(NULL, 0);
}

/* As buf_add, but in line where there is room: a message is some fifteen heads, of
 * sizes that the compiler knows. */
static inline int add(void *ctx, const char *p, size_t n)
{
	struct buf *b = ctx;

	if (n > b->cap - b->head - b->len || n > b->max - b->len)
		return buf_add(b, slice_of(p, n)) == ERR_OK ? 0 : -1;
	memcpy(b->p + b->head + b->len, p, n);
	b->len += n;
	return 0;
}

static msgpack_packer packer(struct buf *b)
{
	return (msgpack_packer){.data = b, .callback = add};
}

/* A head is one write, so there is nothing to take back. */
static enum err written(int rc)
{
	return rc == 0 ? ERR_OK : ERR_FULL;
}

enum err pack_array(struct buf *b, uint32_t n)
{
	msgpack_packer pk = packer(b);

	return written(msgpack_pack_array(&pk, n));
}

enum err pack_map(struct buf *b, uint32_t n)
{
	msgpack_packer pk = packer(b);

	return written(msgpack_pack_map(&pk, n));
}

enum err pack_uint(struct buf *b, uint64_t v)
{
	msgpack_packer pk = packer(b);

	return written(msgpack_pack_uint64(&pk, v));
}

enum err pack_int(struct buf *b, int64_t v)
{
	msgpack_packer pk = packer(b);

	return written(msgpack_pack_int64(&pk, v));
}

enum err pack_bool(struct buf *b, bool v)
{
	msgpack_packer pk = packer(b);

	return written(v ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk));
}

enum err pack_nil(struct buf *b)
{
	msgpack_packer pk = packer(b);

	return written(msgpack_pack_nil(&pk));
}

/* Head and body are two writes; the head alone must not stay. */
static enum err add_body(struct buf *b, int rc, struct slice body, size_t before)
{
	enum err e = written(rc);

	if (e == ERR_OK)
		e = buf_add(b, body);
	if (e != ERR_OK)
		buf_truncate(b, before);
	return e;
}

enum err pack_str(struct buf *b, struct slice s)
{
	msgpack_packer pk = packer(b);
	size_t before = b->len;

	return add_body(b, msgpack_pack_str(&pk, s.n), s, before);
}

enum err pack_bin(struct buf *b, struct slice s)
{
	msgpack_packer pk = packer(b);
	size_t before = b->len;

	return add_body(b, msgpack_pack_bin(&pk, s.n), s, before);
}
