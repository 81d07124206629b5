/*
 * frame: what a length prefix and a padded record may look like, to the byte.
 */
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire/proto.h"

static void takes_one_frame_of_several(void **state)
{
	static const uint8_t bytes[] = {0, 2, 'a', 'b', 0, 1, 'c'};
	struct slice body;
	size_t used;

	(void)state;
	assert_int_equal(frame_get(slice_of(bytes, sizeof(bytes)), 1, 4, &body, &used),
			 ERR_OK);
	assert_int_equal(used, 4);
	assert_int_equal(body.n, 2);
	assert_ptr_equal(body.p, bytes + 2);
	assert_int_equal(frame_get(slice_of(bytes + 4, 3), 1, 4, &body, &used), ERR_OK);
	assert_int_equal(used, 3);
	assert_int_equal(body.p[0], 'c');
}

static void waits_for_every_missing_byte(void **state)
{
	static const uint8_t bytes[] = {0, 3, 'a', 'b', 'c'};
	struct slice body;
	size_t used;

	(void)state;
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(frame_get(slice_of(bytes, n), 3, 3, &body, &used),
				 ERR_WAIT);
	assert_int_equal(frame_get(slice_of(bytes, 5), 3, 3, &body, &used), ERR_OK);
}

/* With every pair of limits and every prefix, one byte of it or both. */
static void refuses_a_length_as_soon_as_it_can(void **state)
{
	static const size_t limits[][2] = {{0, 0},	{1, 1},	    {32, 32},
					   {80, 16400}, {608, 608}, {256, 511}};
	struct slice body;
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		size_t min = limits[i][0], max = limits[i][1];
		for (unsigned v = 0; v <= UINT16_MAX; v++) {
			uint8_t prefix[2] = {(uint8_t)(v >> 8), (uint8_t)v};
			bool fits = v >= min && v <= max;
			bool may_fit = (v | 0xff) >= min && (v & 0xff00) <= max;
			enum err e =
				frame_get(slice_of(prefix, 2), min, max, &body, &used);
			assert_int_equal(e, !fits    ? ERR_PROTO
					    : v == 0 ? ERR_OK
						     : ERR_WAIT);
			e = frame_get(slice_of(prefix, 1), min, max, &body, &used);
			assert_int_equal(e, may_fit ? ERR_WAIT : ERR_PROTO);
		}
	}
}

static void pads_to_the_next_power_of_two(void **state)
{
	size_t want = 64;

	(void)state;
	for (size_t n = 0; n <= PROTO_PAYLOAD_MAX_BYTES; n++) {
		if (n + 4 > want)
			want *= 2;
		assert_int_equal(record_padded(n), want);
	}
	assert_int_equal(want, PROTO_RECORD_MAX_BYTES);
}

static void reads_what_it_wrote(void **state)
{
	static const size_t sizes[] = {0, 1, 59, 60, 61, 123, 124, 125, 1000, 16380};
	uint8_t *payload = mem_new(PROTO_PAYLOAD_MAX_BYTES);
	uint8_t *out = mem_new(PROTO_RECORD_MAX_BYTES);

	(void)state;
	memset(payload, 0xa5, PROTO_PAYLOAD_MAX_BYTES);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct record r = {KIND_MSG, 1, slice_of(payload, sizes[i])}, back;
		size_t n = record_padded(sizes[i]);
		memset(out, 0xff, PROTO_RECORD_MAX_BYTES);
		record_write(&r, out);
		assert_int_equal(record_read(slice_of(out, n), &back), ERR_OK);
		assert_int_equal(back.kind, KIND_MSG);
		assert_int_equal(back.flags, 1);
		assert_true(slice_eq(back.payload, r.payload));
		assert_ptr_equal(back.payload.p, out + 4);
	}
	mem_free(out);
	mem_free(payload);
}

static void writes_around_a_payload_in_place(void **state)
{
	uint8_t out[64];
	struct record r = {KIND_CTRL, 0, slice_of(out + 4, 10)}, back;

	(void)state;
	memset(out, 0xff, sizeof(out));
	memcpy(out + 4, "0123456789", 10);
	record_write(&r, out);
	assert_int_equal(record_read(slice_of(out, sizeof(out)), &back), ERR_OK);
	assert_memory_equal(back.payload.p, "0123456789", 10);
}

static void refuses_sizes_outside_the_set(void **state)
{
	uint8_t *plain = mem_new(2 * PROTO_RECORD_MAX_BYTES);
	struct record r;

	(void)state;
	for (size_t n = 0; n <= 2 * PROTO_RECORD_MAX_BYTES; n++) {
		bool is_size = n >= 64 && n <= 16384 && (n & (n - 1)) == 0;
		assert_int_equal(record_read(slice_of(plain, n), &r),
				 is_size ? ERR_OK : ERR_PROTO);
	}
	mem_free(plain);
}

static void refuses_a_length_beyond_the_record(void **state)
{
	uint8_t plain[64] = {KIND_MSG, 0, 0, 60};
	struct record r;

	(void)state;
	assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r), ERR_OK);
	assert_int_equal(r.payload.n, 60);
	plain[3] = 61;
	assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r), ERR_PROTO);
	plain[2] = plain[3] = 0xff;
	assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r), ERR_PROTO);
}

static void refuses_padding_that_is_not_zero(void **state)
{
	uint8_t plain[128] = {KIND_MSG, 0, 0, 5, 1, 2, 3, 4, 5};
	struct record r;

	(void)state;
	for (size_t i = 9; i < sizeof(plain); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			plain[i] = (uint8_t)(1U << bit);
			assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r),
					 ERR_PROTO);
		}
		plain[i] = 0;
	}
	assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r), ERR_OK);
	memset(plain + 9, 7, sizeof(plain) - 9);
	assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r), ERR_PROTO);
	/* A single byte of it. */
	plain[3] = sizeof(plain) - 5;
	assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r), ERR_PROTO);
	plain[sizeof(plain) - 1] = 0;
	assert_int_equal(record_read(slice_of(plain, sizeof(plain)), &r), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_one_frame_of_several),
		cmocka_unit_test(waits_for_every_missing_byte),
		cmocka_unit_test(refuses_a_length_as_soon_as_it_can),
		cmocka_unit_test(pads_to_the_next_power_of_two),
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(writes_around_a_payload_in_place),
		cmocka_unit_test(refuses_sizes_outside_the_set),
		cmocka_unit_test(refuses_a_length_beyond_the_record),
		cmocka_unit_test(refuses_padding_that_is_not_zero),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
