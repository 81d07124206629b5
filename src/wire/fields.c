#include "wire/fields.h"

#include <string.h>

#include "wire/pack.h"
#include "wire/proto.h"

void msg_ids_put(uint8_t out[static MSG_IDS_STEP], const struct id16 *id)
{
	out[0] = 0xc4;
	out[1] = sizeof(id->b);
	memcpy(out + 2, id->b, sizeof(id->b));
}

/* What stands inside a body is below the object's array and the body's map. */
enum { VALUE_DEPTH = PROTO_DEPTH_MAX - 2 };

static bool in_range(const struct msg_field *f, uint64_t v)
{
	return v >= f->min && v <= f->max;
}

/* Each get_<type> takes the value at c; false, with c anywhere, when it is no such
 * value. Each put_<type> adds one that is checked likewise. */

static bool get_uint(struct cur *c, const struct msg_field *f, void *out)
{
	uint64_t v = pack_get_uint(c);

	memcpy(out, &v, sizeof(v));
	return in_range(f, v);
}

static enum err put_uint(struct buf *b, const struct msg_field *f, const void *in)
{
	const uint64_t *v = in;

	return in_range(f, *v) ? pack_uint(b, *v) : ERR_RANGE;
}

static bool int_in_range(const struct msg_field *f, int64_t v)
{
	return v >= (int64_t)f->min && v <= (int64_t)f->max;
}

static bool get_int(struct cur *c, const struct msg_field *f, void *out)
{
	int64_t v = pack_get_int(c);

	memcpy(out, &v, sizeof(v));
	return int_in_range(f, v);
}

static enum err put_int(struct buf *b, const struct msg_field *f, const void *in)
{
	const int64_t *v = in;

	return int_in_range(f, *v) ? pack_int(b, *v) : ERR_RANGE;
}

static bool get_bool(struct cur *c, const struct msg_field *f, void *out)
{
	bool v = pack_get_bool(c);

	memcpy(out, &v, sizeof(v));
	return in_range(f, v);
}

static enum err put_bool(struct buf *b, const struct msg_field *f, const void *in)
{
	const bool *v = in;

	return in_range(f, *v) ? pack_bool(b, *v) : ERR_RANGE;
}

static bool get_str(struct cur *c, const struct msg_field *f, void *out)
{
	struct slice v = pack_get_str(c);

	memcpy(out, &v, sizeof(v));
	return in_range(f, v.n);
}

static enum err put_str(struct buf *b, const struct msg_field *f, const void *in)
{
	const struct slice *v = in;

	if (!in_range(f, v->n) || !pack_is_text(*v))
		return ERR_RANGE;
	return pack_str(b, *v);
}

static bool get_bin(struct cur *c, const struct msg_field *f, void *out)
{
	struct slice v = pack_get_bin(c);

	memcpy(out, &v, sizeof(v));
	return in_range(f, v.n);
}

static enum err put_bin(struct buf *b, const struct msg_field *f, const void *in)
{
	const struct slice *v = in;

	return in_range(f, v->n) ? pack_bin(b, *v) : ERR_RANGE;
}

/* Every element of the list is the head of a bin16 and its 16 bytes. */
static bool ids_are_bin16(const struct msg_ids *ids)
{
	static const uint8_t head[2] = {0xc4, 16};

	for (size_t i = 0; i < ids->n; i++) {
		if (memcmp(ids->p + i * MSG_IDS_STEP, head, sizeof(head)) != 0)
			return false;
	}
	return true;
}

static bool get_ids(struct cur *c, const struct msg_field *f, void *out)
{
	uint32_t n = pack_get_array(c);
	struct slice raw = cur_take(c, (size_t)n * MSG_IDS_STEP);
	struct msg_ids v = {raw.p, (uint16_t)n};

	if (c->failed || !in_range(f, n) || !ids_are_bin16(&v))
		return false;
	memcpy(out, &v, sizeof(v));
	return true;
}

static enum err put_ids(struct buf *b, const struct msg_field *f, const void *in)
{
	const struct msg_ids *v = in;
	enum err e;

	if (!in_range(f, v->n) || !ids_are_bin16(v))
		return ERR_RANGE;
	e = pack_array(b, v->n);
	if (e != ERR_OK)
		return e;
	return buf_add(b, slice_of(v->p, (size_t)v->n * MSG_IDS_STEP));
}

static const struct {
	bool (*get)(struct cur *c, const struct msg_field *f, void *out);
	enum err (*put)(struct buf *b, const struct msg_field *f, const void *in);
} types[] = {
	[MSG_UINT] = {get_uint, put_uint}, [MSG_BOOL] = {get_bool, put_bool},
	[MSG_STR] = {get_str, put_str},	   [MSG_BIN] = {get_bin, put_bin},
	[MSG_IDS] = {get_ids, put_ids},	   [MSG_INT] = {get_int, put_int},
};

static bool is_critical(uint64_t key)
{
	return key >= PROTO_CRITICAL_KEY_FIRST && key <= PROTO_CRITICAL_KEY_LAST;
}

/* Reads one map; the two findings do not stop it, since what follows the map is
 * wanted all the same, and since a breach of the profile counts for more. */
struct reading {
	struct cur *c;
	const struct msg_field *f, *end; /* the next field that may come */
	uint8_t *out;
	uint64_t has;
	bool is_bad, is_unsupported;
};

/* Goes to the field with this key, if there is one, over those that are absent. */
static const struct msg_field *find(struct reading *r, uint64_t key)
{
	while (r->f < r->end && r->f->key < key) {
		if (r->f->need == MSG_REQ)
			r->is_bad = true;
		r->f++;
	}
	return r->f < r->end && r->f->key == key ? r->f++ : NULL;
}

static void get_value(struct reading *r, uint64_t key)
{
	const struct msg_field *f = find(r, key);
	struct cur at = *r->c;

	if (f != NULL) {
		if (types[f->type].get(r->c, f, r->out + f->offset) && !r->c->failed) {
			r->has |= MSG_HAS(f->key);
			return;
		}
		r->is_bad = true;
		*r->c = at;
	} else if (is_critical(key)) {
		r->is_unsupported = true;
	}
	pack_get_any(r->c, VALUE_DEPTH);
}

static void get_pairs(struct reading *r)
{
	uint32_t n = pack_get_map(r->c);
	uint64_t key, last = 0;

	for (uint32_t i = 0; i < n && !r->c->failed; i++) {
		key = pack_get_uint(r->c);
		if (i > 0 && key <= last)
			cur_fail(r->c);
		last = key;
		get_value(r, key);
	}
	find(r, UINT64_MAX);
}

enum err fields_get(struct cur *c, const struct fields *t, void *out,
		    enum proto_code *code)
{
	struct reading r = {.c = c, .f = t->v, .end = t->v + t->n, .out = out};

	get_pairs(&r);
	memcpy(out, &r.has, sizeof(r.has));
	if (c->failed)
		return ERR_PROTO;
	if (!r.is_bad && !r.is_unsupported)
		return ERR_OK;
	*code = r.is_unsupported ? CODE_UNSUPPORTED : CODE_PROTOCOL;
	return ERR_REFUSED;
}

static bool is_present(const struct msg_field *f, const void *in)
{
	const uint64_t *has = in;

	return f->need == MSG_REQ || (*has & MSG_HAS(f->key)) != 0;
}

static uint32_t count_present(const struct fields *t, const void *in)
{
	uint32_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += is_present(&t->v[i], in);
	return n;
}

enum err fields_put(struct buf *b, const struct fields *t, const void *in)
{
	enum err e = pack_map(b, count_present(t, in));

	for (size_t i = 0; i < t->n && e == ERR_OK; i++) {
		const struct msg_field *f = &t->v[i];
		if (!is_present(f, in))
			continue;
		e = pack_uint(b, f->key);
		if (e == ERR_OK)
			e = types[f->type].put(b, f, (const uint8_t *)in + f->offset);
	}
	return e;
}
