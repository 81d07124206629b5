/*
 * fields: every field of every message at its edges. The tests walk the table, so
 * that a new row is tested as soon as it is there.
 */
#include "wire/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/msg_rows.h"
#include "wire/msg.h"
#include "wire/pack.h"

typedef void field_fn(const struct msg_row *row, const struct msg_field *f,
		      struct buf *b);

static void each_field(field_fn *fn)
{
	const struct msg_row *row;
	unsigned n = 0;

	for (size_t i = 0; (row = msg_row_at(i)) != NULL; i++) {
		for (size_t k = 0; k < row->n_fields; k++, n++) {
			struct buf b;
			buf_init(&b, 200000);
			fn(row, &row->fields[k], &b);
			buf_wipe(&b);
		}
	}
	assert_true(n > 0);
}

static enum err decode(const struct msg_row *row, const struct buf *b, struct msg *m,
		       size_t *used, enum proto_code *code)
{
	return msg_decode(row->kind, buf_slice(b), m, used, code);
}

/* What one deviation makes of an object: a message can be refused, a control
 * object cannot. */
static void assert_refused(const struct msg_row *row, const struct buf *b)
{
	struct msg m;
	size_t used = 0;
	enum proto_code code = CODE_OK;
	enum err e = decode(row, b, &m, &used, &code);

	if (row->kind == KIND_CTRL) {
		assert_int_equal(e, ERR_PROTO);
		return;
	}
	assert_int_equal(e, ERR_REFUSED);
	assert_int_equal(code, CODE_PROTOCOL);
	assert_int_equal(used, b->len);
	assert_true(id16_eq(&m.id, &an_id));
}

static void assert_taken(const struct msg_row *row, const struct buf *b, struct msg *m)
{
	size_t used;
	enum proto_code code;

	assert_int_equal(decode(row, b, m, &used, &code), ERR_OK);
	assert_int_equal(used, b->len);
	assert_int_equal(m->type, row->type);
}

/* The value just outside of a limit. False when there is none, or none that an
 * object can hold. */
static bool value_outside(const struct msg_field *f, bool is_max, uint64_t *out)
{
	if (f->type == MSG_BOOL || (!is_max && f->min == 0))
		return false;
	*out = is_max ? f->max + 1 : f->min - 1;
	return f->max != UINT64_MAX && (f->type != MSG_IDS || *out <= PROTO_ARRAY_MAX);
}

static void check_decode_limits(const struct msg_row *row, const struct msg_field *f,
				struct buf *b)
{
	struct msg m;
	uint64_t v;

	for (unsigned is_max = 0; is_max < 2; is_max++) {
		v = is_max ? f->max : f->min;
		buf_clear(b, 0);
		pack_with(b, row, f, &v);
		assert_taken(row, b, &m);
		assert_true(msg_get_has(&m) & MSG_HAS(f->key));
		if (!value_outside(f, is_max, &v))
			continue;
		buf_clear(b, 0);
		pack_with(b, row, f, &v);
		assert_refused(row, b);
	}
}

static void every_limit_holds_when_decoding(void **state)
{
	(void)state;
	each_field(check_decode_limits);
}

static void check_encode_limits(const struct msg_row *row, const struct msg_field *f,
				struct buf *b)
{
	struct msg m;
	uint64_t v;

	for (unsigned is_max = 0; is_max < 2; is_max++) {
		fill_with(&m, row, f, is_max ? f->max : f->min);
		buf_clear(b, 0);
		assert_int_equal(msg_encode(&m, b), ERR_OK);
		if (!value_outside(f, is_max, &v))
			continue;
		fill_with(&m, row, f, v);
		buf_clear(b, 0);
		buf_u8(b, 7);
		assert_int_equal(msg_encode(&m, b), ERR_RANGE);
		assert_int_equal(b->len, 1);
	}
}

static void every_limit_holds_when_encoding(void **state)
{
	(void)state;
	each_field(check_encode_limits);
}

static void check_absence(const struct msg_row *row, const struct msg_field *f,
			  struct buf *b)
{
	struct msg m;

	pack_with(b, row, f, NULL);
	if (f->need == MSG_REQ) {
		assert_refused(row, b);
		return;
	}
	assert_taken(row, b, &m);
	assert_false(msg_get_has(&m) & MSG_HAS(f->key));
}

static void required_fields_are_required(void **state)
{
	(void)state;
	each_field(check_absence);
}

/* An optional field whose bit is not set stays at home, whatever its value. */
static void check_unset(const struct msg_row *row, const struct msg_field *f,
			struct buf *b)
{
	struct msg m, back;

	fill_with(&m, row, f, f->max);
	msg_set_has(&m, msg_get_has(&m) & ~MSG_HAS(f->key));
	assert_int_equal(msg_encode(&m, b), ERR_OK);
	assert_taken(row, b, &back);
	assert_int_equal((msg_get_has(&back) & MSG_HAS(f->key)) != 0, f->need == MSG_REQ);
}

static void has_decides_what_is_sent(void **state)
{
	(void)state;
	each_field(check_unset);
}

enum { NO_TYPE = -1 };

static void check_kinds(const struct msg_row *row, const struct msg_field *f,
			struct buf *b)
{
	static const struct {
		int type; /* of the field for which it would do */
		uint8_t bytes[6];
		size_t n;
	} values[] = {
		{MSG_UINT, {0x05}, 1},
		{NO_TYPE, {0xff}, 1},
		{MSG_BOOL, {0xc3}, 1},
		{MSG_STR, {0xa1, 'x'}, 2},
		{MSG_BIN, {0xc4, 1, 0}, 3},
		{NO_TYPE, {0x80}, 1},
		{NO_TYPE, {0x91, 0x00}, 2},
		{NO_TYPE, {0x91, 0xa1, 'x'}, 3},
		{NO_TYPE, {0x91, 0xc4, 1, 0}, 4},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		if (values[i].type == (int)f->type)
			continue;
		buf_clear(b, 0);
		pack_with_raw(b, row, f, slice_of(values[i].bytes, values[i].n));
		assert_refused(row, b);
	}
}

static void a_value_of_another_kind_is_refused(void **state)
{
	(void)state;
	each_field(check_kinds);
}

/* A value outside the profile costs the connection, whatever else is wrong. */
static void check_profile(const struct msg_row *row, const struct msg_field *f,
			  struct buf *b)
{
	static const struct {
		uint8_t bytes[6];
		size_t n;
	} values[] = {
		{{0xc0}, 1},
		{{0xca, 0x3f, 0, 0, 0}, 5},
		{{0xc1}, 1},
		{{0xcc, 5}, 2},
		{{0xa1, 0xff}, 2},
		{{0xd4, 0, 0}, 3},
		{{0xd9, 1, 'x'}, 3},
		{{0x91, 0x91, 0x91, 0}, 4},
		{{0xdd, 0, 0, 0, 0}, 5},
		{{0xdd, 0xff, 0xff, 0xff, 0xff}, 5},
	};
	struct msg m;
	size_t used;
	enum proto_code code;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		buf_clear(b, 0);
		pack_with_raw(b, row, f, slice_of(values[i].bytes, values[i].n));
		assert_int_equal(decode(row, b, &m, &used, &code), ERR_PROTO);
		assert_int_equal(used, 0);
	}
}

static void a_value_outside_the_profile_closes(void **state)
{
	(void)state;
	each_field(check_profile);
}

static void text_of_our_own_must_be_utf8(void **state)
{
	struct msg m;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	fill_with(&m, row_named("TEXT"), NULL, 0);
	m.u.text.text = slice_of("a\0b", 3);
	assert_int_equal(msg_encode(&m, &b), ERR_RANGE);
	m.u.text.text = slice_str("\xff");
	assert_int_equal(msg_encode(&m, &b), ERR_RANGE);
	m.u.text.text = slice_str("\xc3\xa9");
	assert_int_equal(msg_encode(&m, &b), ERR_OK);
	m.type = (enum msg_type)200;
	assert_int_equal(msg_encode(&m, &b), ERR_RANGE);
	buf_wipe(&b);
}

static void ids_of_our_own_must_be_bin16(void **state)
{
	uint8_t ids[2 * MSG_IDS_STEP];
	struct msg m;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	msg_ids_put(ids, &an_id);
	msg_ids_put(ids + MSG_IDS_STEP, &an_id);
	fill_with(&m, row_named("ACK"), NULL, 0);
	m.u.ack.ids = (struct msg_ids){ids, 2};
	assert_int_equal(msg_encode(&m, &b), ERR_OK);
	assert_memory_equal(msg_ids_get(&m.u.ack.ids, 1), an_id.b, 16);
	ids[MSG_IDS_STEP + 1] = 15;
	assert_int_equal(msg_encode(&m, &b), ERR_RANGE);
	buf_wipe(&b);
}

/* No message has such a field yet; entries of bulk connections do. */
static void an_int_may_be_negative_within_its_range(void **state)
{
	struct signed_body {
		uint64_t has;
		int64_t v;
	} in = {0}, out;
	static const struct msg_field row = {3,
					     MSG_INT,
					     MSG_REQ,
					     (uint64_t)-200,
					     100,
					     "v",
					     offsetof(struct signed_body, v)};
	static const struct fields table = {&row, 1};
	static const struct {
		int64_t v;
		bool is_good;
	} values[] = {{-201, false},	  {-200, true},	     {-1, true},
		      {0, true},	  {100, true},	     {101, false},
		      {INT64_MIN, false}, {INT64_MAX, false}};
	enum proto_code code;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		in.v = values[i].v;
		buf_clear(&b, 100);
		assert_int_equal(fields_put(&b, &table, &in),
				 values[i].is_good ? ERR_OK : ERR_RANGE);
		buf_clear(&b, 100);
		pack_map(&b, 1);
		pack_uint(&b, 3);
		pack_int(&b, values[i].v);
		struct cur c = cur_of(buf_slice(&b));
		memset(&out, 0, sizeof(out));
		assert_int_equal(fields_get(&c, &table, &out, &code),
				 values[i].is_good ? ERR_OK : ERR_REFUSED);
		assert_true(cur_done(&c));
		assert_true(!values[i].is_good || out.v == values[i].v);
	}
	buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_holds_when_decoding),
		cmocka_unit_test(every_limit_holds_when_encoding),
		cmocka_unit_test(required_fields_are_required),
		cmocka_unit_test(has_decides_what_is_sent),
		cmocka_unit_test(a_value_of_another_kind_is_refused),
		cmocka_unit_test(a_value_outside_the_profile_closes),
		cmocka_unit_test(text_of_our_own_must_be_utf8),
		cmocka_unit_test(ids_of_our_own_must_be_bin16),
		cmocka_unit_test(an_int_may_be_negative_within_its_range),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
