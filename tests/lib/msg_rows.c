#include "lib/msg_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/pack.h"

const struct id16 an_id = {"0123456789abcde"};

enum { FILLER_BYTES = 70000, IDS_MAX = 1025 };

/* A letter, over and over. */
static const uint8_t *filler(void)
{
	static uint8_t v[FILLER_BYTES];

	if (v[0] == 0)
		memset(v, 'x', sizeof(v));
	return v;
}

/* The same id, over and over. */
static const uint8_t *some_ids(void)
{
	static uint8_t v[IDS_MAX * MSG_IDS_STEP];

	if (v[0] != 0)
		return v;
	for (size_t i = 0; i < IDS_MAX; i++)
		msg_ids_put(v + i * MSG_IDS_STEP, &an_id);
	return v;
}

const struct msg_row *row_named(const char *name)
{
	const struct msg_row *row;

	for (size_t i = 0; (row = msg_row_at(i)) != NULL; i++) {
		if (strcmp(row->name, name) == 0)
			return row;
	}
	fail_msg("no row is called %s", name);
	return NULL;
}

const struct msg_field *row_field(const struct msg_row *row, unsigned key)
{
	for (size_t i = 0; i < row->n_fields; i++) {
		if (row->fields[i].key == key)
			return &row->fields[i];
	}
	fail_msg("%s has no key %u", row->name, key);
	return NULL;
}

void *field_at(struct msg *m, const struct msg_field *f)
{
	return (uint8_t *)&m->u + f->offset;
}

void msg_set_has(struct msg *m, uint64_t has)
{
	memcpy(&m->u, &has, sizeof(has));
}

uint64_t msg_get_has(const struct msg *m)
{
	uint64_t has;

	memcpy(&has, &m->u, sizeof(has));
	return has;
}

static void pack_ids(struct buf *b, uint64_t n)
{
	pack_array(b, (uint32_t)n);
	for (uint64_t i = 0; i < n; i++)
		pack_bin(b, slice_of(an_id.b, sizeof(an_id.b)));
}

static void pack_value(struct buf *b, const struct msg_field *f, uint64_t v)
{
	if (f->type == MSG_UINT)
		pack_uint(b, v);
	else if (f->type == MSG_BOOL)
		pack_bool(b, v != 0);
	else if (f->type == MSG_STR)
		pack_str(b, slice_of(filler(), (size_t)v));
	else if (f->type == MSG_BIN)
		pack_bin(b, slice_of(filler(), (size_t)v));
	else
		pack_ids(b, v);
}

static void pack_head(struct buf *b, const struct msg_row *row, size_t pairs)
{
	pack_array(b, 3);
	pack_uint(b, row->type);
	if (row->kind == KIND_CTRL)
		pack_nil(b);
	else
		pack_bin(b, slice_of(an_id.b, sizeof(an_id.b)));
	pack_map(b, (uint32_t)pairs);
}

/* odd: left out, or followed by raw. */
static void pack_row(struct buf *b, const struct msg_row *row,
		     const struct msg_field *odd, const struct slice *raw)
{
	pack_head(b, row, row->n_fields - (raw == NULL));
	for (size_t i = 0; i < row->n_fields; i++) {
		const struct msg_field *f = &row->fields[i];
		if (f == odd && raw == NULL)
			continue;
		pack_uint(b, f->key);
		if (f == odd)
			buf_add(b, *raw);
		else
			pack_value(b, f, f->min);
	}
}

void pack_with_raw(struct buf *b, const struct msg_row *row, const struct msg_field *odd,
		   struct slice raw)
{
	pack_row(b, row, odd, &raw);
}

void pack_with(struct buf *b, const struct msg_row *row, const struct msg_field *odd,
	       const uint64_t *value)
{
	struct buf raw;

	if (odd != NULL && value == NULL) {
		pack_row(b, row, odd, NULL);
		return;
	}
	buf_init(&raw, FILLER_BYTES + 16);
	if (odd != NULL)
		pack_value(&raw, odd, *value);
	pack_with_raw(b, row, odd, buf_slice(&raw));
	buf_wipe(&raw);
}

static void set_field(struct msg *m, const struct msg_field *f, uint64_t v)
{
	void *at = field_at(m, f);

	if (f->type == MSG_UINT)
		*(uint64_t *)at = v;
	else if (f->type == MSG_BOOL)
		*(bool *)at = v != 0;
	else if (f->type == MSG_IDS)
		*(struct msg_ids *)at = (struct msg_ids){some_ids(), (uint16_t)v};
	else
		*(struct slice *)at = slice_of(filler(), (size_t)v);
}

void fill_with(struct msg *m, const struct msg_row *row, const struct msg_field *odd,
	       uint64_t value)
{
	memset(m, 0, sizeof(*m));
	m->type = row->type;
	m->id = an_id;
	for (size_t i = 0; i < row->n_fields; i++) {
		const struct msg_field *f = &row->fields[i];
		msg_set_has(m, msg_get_has(m) | MSG_HAS(f->key));
		set_field(m, f, f == odd ? value : f->min);
	}
}
