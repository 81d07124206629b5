#include "wire/bulk_body.h"

#include <string.h>

#define AT(type, field) #field, offsetof(struct bulk_##type, field)
#define NUMBER 0, PROTO_NUMBER_MAX

static const struct msg_field entry_rows[] = {
	{0, MSG_STR, MSG_REQ, 0, PROTO_BULK_PATH_BYTES, AT(entry, path)},
	{1, MSG_UINT, MSG_REQ, BULK_FILE, BULK_DIRECTORY, AT(entry, kind)},
	{2, MSG_UINT, MSG_OPT, NUMBER, AT(entry, size)},
	{3, MSG_INT, MSG_REQ, (uint64_t)INT64_MIN, INT64_MAX, AT(entry, mtime_ns)},
	{4, MSG_UINT, MSG_REQ, 0, 1, AT(entry, mode)},
};

static const struct msg_field end_rows[] = {
	{0, MSG_UINT, MSG_REQ, NUMBER, AT(end, entries)},
	{1, MSG_UINT, MSG_REQ, NUMBER, AT(end, bytes)},
	{2, MSG_BIN, MSG_OPT, PROTO_BULK_DIGEST_BYTES, PROTO_BULK_DIGEST_BYTES,
	 AT(end, digest)},
};

static const struct msg_field durable_rows[] = {
	{0, MSG_UINT, MSG_REQ, NUMBER, AT(durable, entries)},
	{1, MSG_UINT, MSG_REQ, NUMBER, AT(durable, bytes)},
};

static const struct msg_field stop_rows[] = {
	{0, MSG_UINT, MSG_REQ, 1, UINT16_MAX, AT(stop, code)},
	{1, MSG_STR, MSG_OPT, 0, PROTO_BULK_TEXT_BYTES, AT(stop, text)},
};

#undef AT
#undef NUMBER

/* ----------------------------------------------------------------- bodies */

struct body_row;
typedef enum err get_fn(const struct body_row *row, struct slice body,
			struct bulk_record *out);
typedef enum err put_fn(const struct body_row *row, const struct bulk_record *r,
			struct buf *b);

struct body_row {
	get_fn *get;
	put_fn *put; /* NULL: not from here */
	struct fields fields;
};

static enum err get_map(const struct body_row *row, struct slice body,
			struct bulk_record *out)
{
	struct cur c = cur_of(body);
	enum proto_code code;

	if (fields_get(&c, &row->fields, &out->u, &code) != ERR_OK || !cur_done(&c))
		return ERR_PROTO;
	return ERR_OK;
}

static enum err put_map(const struct body_row *row, const struct bulk_record *r,
			struct buf *b)
{
	return fields_put(b, &row->fields, &r->u);
}

static bool is_consistent(const struct bulk_entry *e)
{
	return e->kind == BULK_FILE || (e->has & MSG_HAS(2)) == 0;
}

static enum err get_entry(const struct body_row *row, struct slice body,
			  struct bulk_record *out)
{
	enum err e = get_map(row, body, out);

	return e == ERR_OK && !is_consistent(&out->u.entry) ? ERR_PROTO : e;
}

static enum err put_entry(const struct body_row *row, const struct bulk_record *r,
			  struct buf *b)
{
	return is_consistent(&r->u.entry) ? put_map(row, r, b) : ERR_RANGE;
}

static enum err get_bytes(const struct body_row *row, struct slice body,
			  struct bulk_record *out)
{
	(void)row;
	out->u.bytes = body;
	return ERR_OK;
}

static bool is_hole(uint64_t n)
{
	return n > 0 && n <= PROTO_NUMBER_MAX;
}

static enum err get_hole(const struct body_row *row, struct slice body,
			 struct bulk_record *out)
{
	struct cur c = cur_of(body);

	(void)row;
	out->u.hole = cur_u64(&c);
	return cur_done(&c) && is_hole(out->u.hole) ? ERR_OK : ERR_PROTO;
}

static enum err put_hole(const struct body_row *row, const struct bulk_record *r,
			 struct buf *b)
{
	(void)row;
	return is_hole(r->u.hole) ? buf_u64(b, r->u.hole) : ERR_RANGE;
}

#define FIELDS(v) \
	{ \
		v, sizeof(v) / sizeof(*(v)) \
	}
static const struct body_row rows[] = {
	[BULK_ENTRY] = {get_entry, put_entry, FIELDS(entry_rows)},
	[BULK_BYTES] = {.get = get_bytes},
	[BULK_END] = {get_map, put_map, FIELDS(end_rows)},
	[BULK_DURABLE] = {get_map, put_map, FIELDS(durable_rows)},
	[BULK_STOP] = {get_map, put_map, FIELDS(stop_rows)},
	[BULK_HOLE] = {.get = get_hole, .put = put_hole},
};
#undef FIELDS

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

enum err bulk_body_put(struct buf *b, const struct bulk_record *r)
{
	if ((unsigned)r->type >= N_ROWS || rows[r->type].put == NULL)
		return ERR_RANGE;
	return rows[r->type].put(&rows[r->type], r, b);
}

enum err bulk_body_get(uint8_t type, struct slice body, struct bulk_record *out)
{
	if (type >= N_ROWS || rows[type].get == NULL)
		return ERR_PROTO;
	*out = (struct bulk_record){.type = (enum bulk_type)type};
	return rows[type].get(&rows[type], body, out);
}
