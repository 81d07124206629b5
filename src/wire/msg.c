/*
 * msg: an object is [type, id, body]. The rows come from msg_def.h, the bodies are
 * left to fields.
 */
#include "wire/msg.h"

#include <string.h>

#include "wire/fields.h"
#include "wire/pack.h"

/* Each row stands in a function of its own, where `body` can name its struct. The
 * last field is a dummy, so that a message may have none. */
#define F(key, fname, ftype, min, max, need) \
	{key, MSG_##ftype, MSG_##need, min, max, #fname, offsetof(body, fname)},
#define M(NAME, name, number, kind, phases) \
	static const struct msg_row *row_##name(void) \
	{ \
		typedef struct msg_##name body; \
		static const struct msg_field fields[] = {MSG_FIELDS_##NAME(F){0}}; \
		static const struct msg_row row = { \
			MSG_##NAME,   KIND_##kind, phases, \
			#NAME,	      fields,	   sizeof(fields) / sizeof(*fields) - 1, \
			sizeof(body), \
		}; \
		return &row; \
	}
MSG_TABLE(M)
#undef M
#undef F

typedef const struct msg_row *row_fn(void);

static row_fn *const rows[] = {
#define M(NAME, name, number, kind, phases) row_##name,
	MSG_TABLE(M)
#undef M
};

/* The same by number; two rows of one number do not compile (-Woverride-init). */
static row_fn *const by_number[] = {
#define M(NAME, name, number, kind, phases) [number] = row_##name,
	MSG_TABLE(M)
#undef M
};

#define COUNT(v) (sizeof(v) / sizeof(*(v)))

const struct msg_row *msg_row_find(uint64_t number)
{
	if (number >= COUNT(by_number) || by_number[number] == NULL)
		return NULL;
	return by_number[number]();
}

const struct msg_row *msg_row_at(size_t i)
{
	return i < COUNT(rows) ? rows[i]() : NULL;
}

/* The id as the record's kind wants it: nil, or 16 bytes. */
static void id_get(struct cur *c, uint8_t kind, struct id16 *id)
{
	struct slice s;

	if (kind == KIND_CTRL) {
		if (!pack_get_nil(c))
			cur_fail(c);
		return;
	}
	s = pack_get_bin(c);
	if (s.n == sizeof(id->b))
		memcpy(id->b, s.p, s.n);
	else
		cur_fail(c);
}

/* Up to the body; 0, which is no message, in *number after a failure. */
static uint64_t head_get(struct cur *c, uint8_t kind, struct id16 *id)
{
	uint64_t number;

	if ((kind != KIND_CTRL && kind != KIND_MSG) || pack_get_array(c) != 3)
		cur_fail(c);
	number = pack_get_uint(c);
	id_get(c, kind, id);
	return number;
}

/* A body of which only the form can be judged. */
static enum err unknown_get(struct cur *c)
{
	struct cur at = *c;

	pack_get_any(c, PROTO_DEPTH_MAX - 1);
	pack_get_map(&at);
	return c->failed || at.failed ? ERR_PROTO : ERR_UNKNOWN;
}

static enum err body_get(struct cur *c, const struct msg_row *row, struct msg *out,
			 enum proto_code *code)
{
	struct fields t = {row->fields, row->n_fields};

	out->type = row->type;
	memset(&out->u, 0, row->size);
	return fields_get(c, &t, &out->u, code);
}

enum err msg_decode(uint8_t kind, struct slice payload, struct msg *out, size_t *used,
		    enum proto_code *code)
{
	struct cur c = cur_of(payload);
	uint64_t number = head_get(&c, kind, &out->id);
	const struct msg_row *row;
	enum err e;

	*used = 0;
	*code = CODE_PROTOCOL;
	if (c.failed)
		return ERR_PROTO;
	row = msg_row_find(number);
	if (row != NULL && row->kind != kind)
		return ERR_PROTO;
	e = row != NULL ? body_get(&c, row, out, code) : unknown_get(&c);
	if (e == ERR_UNKNOWN)
		*code = CODE_UNSUPPORTED;
	/* A control record is one object, and there is no one to refuse it to. */
	if (kind == KIND_CTRL && (e == ERR_REFUSED || c.left > 0))
		return ERR_PROTO;
	if (e != ERR_PROTO)
		*used = payload.n - c.left;
	return e;
}

static enum err head_put(struct buf *b, const struct msg *m, const struct msg_row *row)
{
	enum err e = pack_array(b, 3);

	if (e == ERR_OK)
		e = pack_uint(b, m->type);
	if (e != ERR_OK)
		return e;
	if (row->kind == KIND_CTRL)
		return pack_nil(b);
	return pack_bin(b, slice_of(m->id.b, sizeof(m->id.b)));
}

enum err msg_encode(const struct msg *m, struct buf *b)
{
	const struct msg_row *row = msg_row_find(m->type);
	size_t before = b->len;
	struct fields t;
	enum err e;

	if (row == NULL)
		return ERR_RANGE;
	t = (struct fields){row->fields, row->n_fields};
	e = head_put(b, m, row);
	if (e == ERR_OK)
		e = fields_put(b, &t, &m->u);
	if (e != ERR_OK)
		buf_truncate(b, before);
	return e;
}
