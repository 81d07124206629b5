#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cur.h"

static const uint8_t bytes[] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x11};

static void reads_big_endian_straight_down(void **state)
{
	struct cur c = cur_of(slice_of(bytes, sizeof(bytes)));

	(void)state;
	assert_int_equal(cur_u8(&c), 0x12);
	assert_int_equal(cur_u16(&c), 0x3456);
	assert_int_equal(cur_u32(&c), 0x789abcde);
	assert_false(cur_done(&c));
	assert_int_equal(cur_u16(&c), 0xf011);
	assert_true(cur_done(&c));
	c = cur_of(slice_of(bytes, 8));
	assert_true(cur_u64(&c) == 0x123456789abcdef0);
	assert_true(cur_done(&c));
}

static uint64_t read_u8(struct cur *c)
{
	return cur_u8(c);
}

static uint64_t read_u16(struct cur *c)
{
	return cur_u16(c);
}

static uint64_t read_u32(struct cur *c)
{
	return cur_u32(c);
}

static void every_cut_integer_is_zero_and_latches(void **state)
{
	static const struct {
		uint64_t (*read)(struct cur *c);
		size_t size;
	} kinds[] = {{read_u8, 1}, {read_u16, 2}, {read_u32, 4}, {cur_u64, 8}};

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		for (size_t n = 0; n < kinds[k].size; n++) {
			struct cur c = cur_of(slice_of(bytes, n));
			assert_true(kinds[k].read(&c) == 0);
			assert_true(c.failed);
			assert_false(cur_done(&c));
			/* What is there is not given out any more either. */
			assert_int_equal(cur_u8(&c), 0);
			assert_int_equal(cur_take(&c, 0).n, 0);
			assert_false(cur_done(&c));
		}
	}
}

static void takes_what_is_there(void **state)
{
	(void)state;
	for (size_t have = 0; have <= sizeof(bytes); have++) {
		for (size_t want = 0; want <= sizeof(bytes) + 1; want++) {
			struct cur c = cur_of(slice_of(bytes, have));
			struct slice s = cur_take(&c, want);
			assert_int_equal(c.failed, want > have);
			assert_int_equal(s.n, want > have ? 0 : want);
			if (want <= have)
				assert_ptr_equal(s.p, bytes);
			assert_int_equal(cur_done(&c), want == have);
		}
	}
}

static void a_huge_length_is_only_too_long(void **state)
{
	struct cur c = cur_of(slice_of(bytes, sizeof(bytes)));

	(void)state;
	cur_u8(&c);
	assert_int_equal(cur_take(&c, SIZE_MAX).n, 0);
	assert_true(c.failed);
	c = cur_of(slice_of(bytes, sizeof(bytes)));
	cur_u8(&c);
	assert_int_equal(cur_take(&c, SIZE_MAX - 7).n, 0);
	assert_true(c.failed);
}

static void copies_or_gives_zeros(void **state)
{
	static const uint8_t zeros[4];
	struct cur c = cur_of(slice_of(bytes, 6));
	uint8_t out[4];

	(void)state;
	cur_copy(&c, out, 4);
	assert_memory_equal(out, bytes, 4);
	cur_copy(&c, NULL, 0);
	assert_false(c.failed);
	cur_copy(&c, out, 4);
	assert_true(c.failed);
	assert_memory_equal(out, zeros, 4);
}

static void expects_these_bytes_and_no_others(void **state)
{
	struct cur c = cur_of(slice_str("P2PM1"));

	(void)state;
	cur_expect(&c, slice_str("P2PM"));
	cur_expect(&c, slice_of(NULL, 0));
	assert_false(c.failed);
	assert_int_equal(cur_u8(&c), '1');
	for (size_t i = 0; i < 4; i++) {
		char text[] = "P2PM";
		text[i] ^= 1;
		c = cur_of(slice_str("P2PM1"));
		cur_expect(&c, slice_str(text));
		assert_true(c.failed);
	}
	c = cur_of(slice_str("P2P"));
	cur_expect(&c, slice_str("P2PM"));
	assert_true(c.failed);
}

static void nothing_at_all_is_done(void **state)
{
	struct cur c = cur_of(slice_of(NULL, 0));

	(void)state;
	assert_true(cur_done(&c));
	assert_int_equal(cur_take(&c, 0).n, 0);
	assert_true(cur_done(&c));
	cur_fail(&c);
	assert_false(cur_done(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_big_endian_straight_down),
		cmocka_unit_test(every_cut_integer_is_zero_and_latches),
		cmocka_unit_test(takes_what_is_there),
		cmocka_unit_test(a_huge_length_is_only_too_long),
		cmocka_unit_test(copies_or_gives_zeros),
		cmocka_unit_test(expects_these_bytes_and_no_others),
		cmocka_unit_test(nothing_at_all_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
