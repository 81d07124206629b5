#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "lib/child.h"

static volatile size_t huge = SIZE_MAX;

static void assert_holds(const struct buf *b, const char *text)
{
	struct slice s = buf_slice(b);

	assert_int_equal(s.n, strlen(text));
	assert_int_equal(b->len, s.n);
	if (s.n > 0)
		assert_memory_equal(s.p, text, s.n);
}

static void empty_it_needs_no_memory(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_null(b.p);
	assert_holds(&b, "");
	buf_drop(&b, 0);
	buf_truncate(&b, 0);
	buf_clear(&b, 0);
	assert_null(b.p);
	buf_wipe(&b);
	buf_wipe(&b);
	assert_int_equal(buf_u8(&b, 1), ERR_FULL);
}

static void adds_behind_and_drops_in_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_int_equal(buf_add(&b, slice_str("hello")), ERR_OK);
	assert_int_equal(buf_add(&b, slice_of(NULL, 0)), ERR_OK);
	buf_drop(&b, 2);
	assert_holds(&b, "llo");
	assert_int_equal(buf_add(&b, slice_str("world")), ERR_OK);
	assert_holds(&b, "lloworld");
	buf_truncate(&b, 20);
	assert_holds(&b, "lloworld");
	buf_truncate(&b, 4);
	assert_holds(&b, "llow");
	buf_drop(&b, 4);
	assert_holds(&b, "");
	buf_wipe(&b);
}

static void takes_exactly_its_maximum(void **state)
{
	uint8_t bytes[101] = {0}, *p;
	struct buf b;

	(void)state;
	for (size_t max = 0; max <= 100; max++) {
		buf_init(&b, max);
		assert_int_equal(buf_add(&b, slice_of(bytes, max + 1)), ERR_FULL);
		assert_int_equal(b.len, 0);
		assert_int_equal(buf_add(&b, slice_of(bytes, max)), ERR_OK);
		assert_int_equal(buf_add(&b, slice_of(bytes, 1)), ERR_FULL);
		assert_int_equal(buf_u8(&b, 1), ERR_FULL);
		assert_int_equal(buf_zeros(&b, 1), ERR_FULL);
		assert_int_equal(buf_reserve(&b, 1, &p), ERR_FULL);
		assert_null(p);
		assert_int_equal(buf_reserve(&b, huge, &p), ERR_FULL);
		assert_int_equal(buf_zeros(&b, huge), ERR_FULL);
		assert_int_equal(b.len, max);
		buf_wipe(&b);
	}
}

static void a_length_cannot_wrap(void **state)
{
	uint8_t *p;
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_int_equal(buf_add(&b, slice_str("abc")), ERR_OK);
	assert_int_equal(buf_reserve(&b, huge - 2, &p), ERR_FULL);
	assert_int_equal(buf_zeros(&b, huge), ERR_FULL);
	assert_holds(&b, "abc");
	buf_wipe(&b);
}

static void integers_are_big_endian(void **state)
{
	static const uint8_t want[] = {0x12, 0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 0xfe,
				       0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
	struct buf b;

	(void)state;
	buf_init(&b, sizeof(want));
	assert_int_equal(buf_u8(&b, 0x12), ERR_OK);
	assert_int_equal(buf_u16(&b, 0x1234), ERR_OK);
	assert_int_equal(buf_u32(&b, 0x12345678), ERR_OK);
	assert_int_equal(buf_u64(&b, 0xfedcba9876543210), ERR_OK);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(buf_slice(&b).p, want, sizeof(want));
	buf_wipe(&b);
}

static void an_integer_is_added_whole_or_not(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	for (size_t room = 0; room < 8; room++) {
		buf_clear(&b, 0);
		assert_int_equal(buf_zeros(&b, 8 - room), ERR_OK);
		assert_int_equal(buf_u64(&b, 1), ERR_FULL);
		assert_int_equal(buf_u32(&b, 1), room < 4 ? ERR_FULL : ERR_OK);
		assert_int_equal(b.len, room < 4 ? 8 - room : 12 - room);
	}
	assert_int_equal(buf_u16(&b, 1), ERR_OK);
	assert_int_equal(buf_u16(&b, 1), ERR_FULL);
	assert_int_equal(b.len, 7);
	buf_wipe(&b);
}

static void reserved_room_counts_when_committed(void **state)
{
	struct buf b;
	uint8_t *p;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(buf_reserve(&b, 100, &p), ERR_OK);
	memset(p, 'x', 100);
	assert_holds(&b, "");
	buf_commit(&b, 3);
	assert_holds(&b, "xxx");
	assert_int_equal(buf_reserve(&b, 0, &p), ERR_OK);
	assert_non_null(p);
	assert_int_equal(buf_reserve(&b, 98, &p), ERR_FULL);
	buf_wipe(&b);
}

static void clearing_keeps_a_small_allocation(void **state)
{
	struct buf b;
	const uint8_t *p;

	(void)state;
	buf_init(&b, 1000);
	buf_zeros(&b, 200);
	p = b.p;
	buf_drop(&b, 1);
	buf_clear(&b, b.cap);
	assert_ptr_equal(b.p, p);
	assert_int_equal(b.head, 0);
	assert_holds(&b, "");
	buf_clear(&b, b.cap - 1);
	assert_null(b.p);
	assert_int_equal(buf_add(&b, slice_str("x")), ERR_OK);
	assert_holds(&b, "x");
	buf_wipe(&b);
}

/* Against a plain array; every step with a random length. */
static void does_what_an_array_would(void **state)
{
	static uint8_t bytes[1 << 16];
	struct rng_seeded rng;
	size_t from = 0, to = 0;
	struct buf b;

	(void)state;
	rng_seeded_init(&rng, 1);
	rng_fill(&rng.rng, bytes, sizeof(bytes));
	buf_init(&b, 700);
	while (to < sizeof(bytes)) {
		size_t n = rng_uniform(&rng.rng, 200);
		if (n > sizeof(bytes) - to)
			n = sizeof(bytes) - to;
		if (buf_add(&b, slice_of(bytes + to, n)) == ERR_OK)
			to += n;
		else
			assert_true(to - from + n > 700);
		n = rng_uniform(&rng.rng, 200);
		if (n > to - from)
			n = to - from;
		buf_drop(&b, n);
		from += n;
		assert_int_equal(b.len, to - from);
		assert_true(b.cap <= 1400);
		if (b.len > 0)
			assert_memory_equal(buf_slice(&b).p, bytes + from, b.len);
	}
	buf_wipe(&b);
}

/* A stream that never runs empty must neither grow the buffer nor have what is held
 * copied for every few bytes. It is hardest when there is hardly any room left. */
static void a_long_stream_costs_no_more_than_its_bytes(void **state)
{
	size_t streamed = 0, copied = 0, head;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_zeros(&b, 50000);
	buf_zeros(&b, b.cap - b.len - 8);
	for (uint32_t i = 0; i < 300000; i++) {
		head = b.head;
		assert_int_equal(buf_u32(&b, i), ERR_OK);
		if (b.head < head)
			copied += b.len;
		buf_drop(&b, 4);
		streamed += 4;
	}
	assert_true(copied > 0);
	assert_true(copied <= 2 * streamed);
	assert_true(b.cap <= 400000);
	buf_wipe(&b);
}

static void zeros_are_zeros_and_emptied_it_starts_anew(void **state)
{
	uint8_t bytes[64];
	struct buf b;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	buf_init(&b, 64);
	buf_add(&b, slice_of(bytes, 64));
	buf_drop(&b, 64);
	assert_int_equal(b.head, 0);
	buf_zeros(&b, 64);
	memset(bytes, 0, sizeof(bytes));
	assert_memory_equal(buf_slice(&b).p, bytes, 64);
	buf_drop(&b, 1);
	buf_truncate(&b, 0);
	assert_int_equal(b.head, 0);
	buf_wipe(&b);
}

#ifdef DEBUG
static void drop_too_much(void *ctx)
{
	struct buf b;

	(void)ctx;
	buf_init(&b, 10);
	buf_drop(&b, 1);
}

static void commit_too_much(void *ctx)
{
	struct buf b;
	uint8_t *p;

	(void)ctx;
	buf_init(&b, 10);
	buf_reserve(&b, 10, &p);
	buf_commit(&b, 11);
}

static void misuse_is_a_bug(void **state)
{
	(void)state;
	assert_true(child_aborts(drop_too_much, NULL));
	assert_true(child_aborts(commit_too_much, NULL));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_it_needs_no_memory),
		cmocka_unit_test(adds_behind_and_drops_in_front),
		cmocka_unit_test(takes_exactly_its_maximum),
		cmocka_unit_test(a_length_cannot_wrap),
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(an_integer_is_added_whole_or_not),
		cmocka_unit_test(reserved_room_counts_when_committed),
		cmocka_unit_test(clearing_keeps_a_small_allocation),
		cmocka_unit_test(does_what_an_array_would),
		cmocka_unit_test(a_long_stream_costs_no_more_than_its_bytes),
		cmocka_unit_test(zeros_are_zeros_and_emptied_it_starts_anew),
#ifdef DEBUG
		cmocka_unit_test(misuse_is_a_bug),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
