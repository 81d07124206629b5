/*
 * msg: objects as a whole, and the table of rows.
 */
#include "wire/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/msg_rows.h"
#include "lib/vectors.h"

static void rows_are_found_by_number(void **state)
{
	const struct msg_row *row;
	unsigned n = 0;

	(void)state;
	for (uint64_t number = 0; number < 70000; number++) {
		row = msg_row_find(number);
		if (row == NULL)
			continue;
		assert_int_equal(row->type, number);
		assert_ptr_equal(row, row_named(row->name));
		n++;
	}
	assert_null(msg_row_at(n));
	assert_non_null(msg_row_at(n - 1));
	assert_null(msg_row_find(UINT64_MAX));
}

static void rows_are_well_formed(void **state)
{
	const struct msg_row *row;

	(void)state;
	for (size_t i = 0; (row = msg_row_at(i)) != NULL; i++) {
		assert_true(row->kind == KIND_CTRL || row->kind == KIND_MSG);
		/* Numbers say the kind, and leave room for rendezvous calls. */
		assert_int_equal(row->kind == KIND_CTRL, row->type < 16);
		assert_true(row->phases != 0);
		for (size_t k = 0; k < row->n_fields; k++) {
			const struct msg_field *f = &row->fields[k];
			assert_true(k == 0 || f[-1].key < f->key);
			assert_true(f->key < 64 && f->min <= f->max);
			assert_true(f->offset >= sizeof(uint64_t));
			assert_true(f->offset < row->size);
		}
	}
}

struct object_case {
	uint8_t kind;
	const char *hex;
	enum err e;
	enum proto_code code; /* when refused or unknown */
};

#define ID "c410 30313233343536373839616263646500 "
#define CONV "00 c410 30313233343536373839616263646500 "

static void check_objects(const struct object_case *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pool pool = {0};
		char *hex = mem_strdup(v[i].hex), *to = hex;
		struct msg m;
		size_t used;
		enum proto_code code;
		enum err e;
		struct slice s;

		for (const char *p = v[i].hex; *p != '\0'; p++) {
			if (*p != ' ')
				*to++ = *p;
		}
		*to = '\0';
		s = pool_hex(&pool, hex);
		e = msg_decode(v[i].kind, s, &m, &used, &code);
		if (e != v[i].e)
			fail_msg("%s: %s", v[i].hex, err_name(e));
		assert_int_equal(used, e == ERR_PROTO ? 0 : s.n);
		if (e == ERR_REFUSED || e == ERR_UNKNOWN) {
			assert_int_equal(code, v[i].code);
			if (v[i].kind == KIND_MSG)
				assert_true(id16_eq(&m.id, &an_id));
		}
		mem_free(hex);
		pool_wipe(&pool);
	}
}

#define CHECK_OBJECTS(v) check_objects(v, sizeof(v) / sizeof(*(v)))

static void an_object_is_type_id_body(void **state)
{
	static const struct object_case v[] = {
		{KIND_CTRL, "93 01 c0 81 02 a0", ERR_OK, 0},
		{KIND_CTRL, "92 01 c0", ERR_PROTO, 0},
		{KIND_CTRL, "94 01 c0 81 02 a0 00", ERR_PROTO, 0},
		{KIND_CTRL, "dc 00 03 01 c0 81 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 a1 61 c0 81 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 ff c0 81 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 cc 01 c0 81 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 91 02", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 c0", ERR_PROTO, 0},
		{KIND_CTRL, "81 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "", ERR_PROTO, 0},
		{KIND_CTRL, "c0", ERR_PROTO, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

#define TEXT_BODY "84 " CONV "01 00 02 00 03 a1 61"

static void the_id_is_nil_or_16_bytes(void **state)
{
	static const struct object_case v[] = {
		{KIND_MSG, "93 10 " ID TEXT_BODY, ERR_OK, 0},
		{KIND_MSG, "93 10 c0 " TEXT_BODY, ERR_PROTO, 0},
		{KIND_MSG, "93 10 00 " TEXT_BODY, ERR_PROTO, 0},
		{KIND_MSG, "93 10 c40f 303132333435363738396162636465" TEXT_BODY,
		 ERR_PROTO, 0},
		{KIND_MSG, "93 10 c411 3031323334353637383961626364650000" TEXT_BODY,
		 ERR_PROTO, 0},
		{KIND_MSG, "93 10 b0 30313233343536373839616263646566 " TEXT_BODY,
		 ERR_PROTO, 0},
		{KIND_CTRL, "93 01 " ID "81 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 00 81 02 a0", ERR_PROTO, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

static void a_type_belongs_to_its_kind_of_record(void **state)
{
	static const struct object_case v[] = {
		{KIND_MSG, "93 01 " ID "81 02 a0", ERR_PROTO, 0},
		{KIND_MSG, "93 01 c0 81 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 10 c0 " TEXT_BODY, ERR_PROTO, 0},
		{KIND_CTRL, "93 10 " ID TEXT_BODY, ERR_PROTO, 0},
		{KIND_PING, "93 01 c0 81 02 a0", ERR_PROTO, 0},
		{KIND_PING, "93 10 " ID TEXT_BODY, ERR_PROTO, 0},
		{0x80, "93 7e " ID "80", ERR_PROTO, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

static void unknown_types_are_told_apart_from_bad_objects(void **state)
{
	static const struct object_case v[] = {
		{KIND_CTRL, "93 7e c0 80", ERR_UNKNOWN, CODE_UNSUPPORTED},
		{KIND_CTRL, "93 00 c0 80", ERR_UNKNOWN, CODE_UNSUPPORTED},
		{KIND_CTRL, "93 cf ffffffffffffffff c0 80", ERR_UNKNOWN,
		 CODE_UNSUPPORTED},
		{KIND_MSG, "93 7e " ID "80", ERR_UNKNOWN, CODE_UNSUPPORTED},
		{KIND_MSG, "93 cd 1000 " ID "81 00 91 90", ERR_UNKNOWN, CODE_UNSUPPORTED},
		{KIND_MSG, "93 7e " ID "81 20 00", ERR_UNKNOWN, CODE_UNSUPPORTED},
		{KIND_MSG, "93 7e " ID "81 00 91 91 90", ERR_PROTO, 0},
		{KIND_MSG, "93 7e " ID "81 00 c0", ERR_PROTO, 0},
		{KIND_MSG, "93 7e " ID "82 01 00 00 00", ERR_PROTO, 0},
		{KIND_MSG, "93 7e " ID "90", ERR_PROTO, 0},
		{KIND_MSG, "93 7e " ID "00", ERR_PROTO, 0},
		{KIND_MSG, "93 7e c0 80", ERR_PROTO, 0},
		{KIND_CTRL, "93 7e " ID "80", ERR_PROTO, 0},
		{KIND_CTRL, "93 7e c0 80 00", ERR_PROTO, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

static void unknown_keys_are_ignored_unless_critical(void **state)
{
	static const struct object_case v[] = {
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 a1 61 1f 00", ERR_OK,
		 0},
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 a1 61 30 00", ERR_OK,
		 0},
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 a1 61 cd 1000 91 90",
		 ERR_OK, 0},
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 a1 61 1f c0", ERR_PROTO,
		 0},
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 a1 61 1f 91 91 90",
		 ERR_PROTO, 0},
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 a1 61 20 00",
		 ERR_REFUSED, CODE_UNSUPPORTED},
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 a1 61 2f 91 90",
		 ERR_REFUSED, CODE_UNSUPPORTED},
		/* Both: what is not understood may be the reason of what is odd. */
		{KIND_MSG, "93 10 " ID "85 " CONV "01 00 02 00 03 00 20 00", ERR_REFUSED,
		 CODE_UNSUPPORTED},
		{KIND_MSG, "93 10 " ID "81 20 c0", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 82 02 a0 1f 00", ERR_OK, 0},
		{KIND_CTRL, "93 01 c0 82 00 91 00 02 a0", ERR_OK, 0},
		{KIND_CTRL, "93 01 c0 82 02 a0 20 00", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 82 02 a0 2f 00", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 82 02 a0 30 00", ERR_OK, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

static void keys_ascend_known_or_not(void **state)
{
	static const struct object_case v[] = {
		{KIND_CTRL, "93 01 c0 82 02 a0 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 82 05 00 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 83 02 a0 1f 00 1f 00", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 83 02 a0 1f 00 1e 00", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 82 02 a0 a1 61 00", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 82 02 a0", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 81 cc 02 a0", ERR_PROTO, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

/* Of the same 18 bytes as a bin16, and yet none. */
static void a_list_holds_ids_only(void **state)
{
	static const struct object_case v[] = {
		{KIND_CTRL, "93 02 c0 81 00 91 " ID, ERR_OK, 0},
		{KIND_CTRL, "93 02 c0 81 00 91 b1 3031323334353637383961626364656667",
		 ERR_PROTO, 0},
		{KIND_CTRL,
		 "93 02 c0 81 00 92 " ID "b1 3031323334353637383961626364656667",
		 ERR_PROTO, 0},
		{KIND_CTRL, "93 02 c0 81 00 90", ERR_PROTO, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

static void a_control_record_holds_one_object(void **state)
{
	static const struct object_case v[] = {
		{KIND_CTRL, "93 01 c0 81 02 a0 00", ERR_PROTO, 0},
		{KIND_CTRL, "93 01 c0 81 02 a0 93 01 c0 81 02 a0", ERR_PROTO, 0},
	};

	(void)state;
	CHECK_OBJECTS(v);
}

/* A refused one in the middle does not take the others with it. */
static void a_message_record_holds_several(void **state)
{
	static const uint64_t too_much = PROTO_NUMBER_MAX + 1;
	const struct msg_row *row = row_named("TEXT");
	enum err want[] = {ERR_OK, ERR_REFUSED, ERR_UNKNOWN, ERR_OK};
	struct buf all, one;
	struct slice s;
	struct msg m;
	size_t used;
	enum proto_code code;

	(void)state;
	buf_init(&all, 10000);
	buf_init(&one, 10000);
	for (size_t i = 0; i < 4; i++) {
		buf_clear(&one, 10000);
		pack_with(&one, row, i == 1 ? row_field(row, 1) : NULL, &too_much);
		buf_add(&all, buf_slice(&one));
		if (i == 2)
			all.p[all.head + all.len - one.len + 1] = 0x7e;
	}
	s = buf_slice(&all);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(msg_decode(KIND_MSG, s, &m, &used, &code), want[i]);
		s = slice_of(s.p + used, s.n - used);
	}
	assert_int_equal(s.n, 0);
	assert_int_equal(msg_decode(KIND_MSG, s, &m, &used, &code), ERR_PROTO);
	buf_wipe(&one);
	buf_wipe(&all);
}

static void codes_have_texts(void **state)
{
	(void)state;
	assert_string_equal(proto_code_str(CODE_BLOCKED), "blocked");
	assert_string_equal(proto_code_str(CODE_WAITING), "waiting for approval");
	assert_string_equal(proto_code_str(16), "unknown code");
	assert_string_equal(proto_code_str(UINT32_MAX), "unknown code");
	for (unsigned code = 0; code < 70000; code++)
		assert_int_equal(proto_code_is_retried(code) != 0,
				 code == 6 || code == 7 || code == 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_number),
		cmocka_unit_test(rows_are_well_formed),
		cmocka_unit_test(an_object_is_type_id_body),
		cmocka_unit_test(the_id_is_nil_or_16_bytes),
		cmocka_unit_test(a_type_belongs_to_its_kind_of_record),
		cmocka_unit_test(unknown_types_are_told_apart_from_bad_objects),
		cmocka_unit_test(unknown_keys_are_ignored_unless_critical),
		cmocka_unit_test(keys_ascend_known_or_not),
		cmocka_unit_test(a_list_holds_ids_only),
		cmocka_unit_test(a_control_record_holds_one_object),
		cmocka_unit_test(a_message_record_holds_several),
		cmocka_unit_test(codes_have_texts),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
