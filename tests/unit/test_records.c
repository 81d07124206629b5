/*
 * records: when keys are changed, what a failure leaves behind, and what happens at
 * the very end of the nonces.
 */
#include "wire/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "wire/proto.h"

/* The two ends of one session, made by a handshake without greetings. */
static struct records a, b;
static struct buf wire;

static int setup(void **state)
{
	static const uint8_t s[2][32] = {{1, 2, 3}, {4, 5, 6}};
	struct noise_handshakestate hs[2];
	uint8_t message[200], payload[200];
	size_t n, got;

	(void)state;
	secret_init();
	for (unsigned i = 0; i < 2; i++) {
		const struct noise_keys keys = {.s = s[i], .e = s[!i]};
		assert_int_equal(noise_handshake_init(&hs[i], noise_pattern_find("XX"),
						      i == 0, slice_of(NULL, 0), &keys,
						      NULL),
				 ERR_OK);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(noise_write_message(&hs[i % 2], slice_of(NULL, 0),
						     message, sizeof(message), &n),
				 ERR_OK);
		assert_int_equal(noise_read_message(&hs[(i + 1) % 2],
						    slice_of(message, n), payload, &got),
				 ERR_OK);
	}
	assert_int_equal(records_init(&a, &hs[0], 0, NULL), ERR_OK);
	assert_int_equal(records_init(&b, &hs[1], 0, NULL), ERR_OK);
	buf_init(&wire, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	records_wipe(&a);
	records_wipe(&b);
	records_wipe(&b);
	buf_wipe(&wire);
	return 0;
}

static enum err seal(const char *text, uint8_t kind)
{
	const struct record r = {kind, 0, slice_str(text)};

	return records_seal(&a, &r, &wire, 0);
}

/* Opens the frame at the front; the bytes are used up even when it fails. */
static enum err open_next(struct record *out)
{
	size_t n = (size_t)(wire.p[wire.head] << 8 | wire.p[wire.head + 1]);
	enum err e = records_open(&b, wire.p + wire.head + 2, n, out);

	buf_drop(&wire, 2 + n);
	return e;
}

static void what_is_sealed_opens(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(seal("hello", KIND_MSG), ERR_OK);
	assert_int_equal(wire.len, records_frame_bytes(5));
	assert_int_equal(open_next(&r), ERR_OK);
	assert_int_equal(r.kind, KIND_MSG);
	assert_true(slice_eq(r.payload, slice_str("hello")));
}

/* Every bit of a frame's body: nothing opens, and nothing moves on. */
static void no_flipped_bit_opens_and_n_stays(void **state)
{
	uint8_t frame[200], copy[200];
	struct record r;

	(void)state;
	for (unsigned k = 0; k < 20; k++) {
		size_t n = records_frame_bytes(5) - 2;
		assert_int_equal(seal("hello", KIND_MSG), ERR_OK);
		memcpy(frame, buf_slice(&wire).p + 2, n);
		for (size_t bit = 0; bit < 8 * n; bit++) {
			memcpy(copy, frame, n);
			copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_equal(records_open(&b, copy, n, &r), ERR_AUTH);
			assert_int_equal(b.keys->receive.n, k);
		}
		assert_int_equal(open_next(&r), ERR_OK);
		assert_int_equal(b.keys->receive.n, k + 1);
	}
}

static void only_lengths_of_records_are_waited_for(void **state)
{
	unsigned waited = 0;

	(void)state;
	for (unsigned v = 0; v <= UINT16_MAX; v++) {
		const uint8_t prefix[2] = {(uint8_t)(v >> 8), (uint8_t)v};
		struct slice body;
		size_t used;
		enum err e = records_frame_get(slice_of(prefix, 2), &body, &used);
		assert_int_equal(e, v >= 16 && record_is_padded(v - 16) ? ERR_WAIT
									: ERR_PROTO);
		waited += e == ERR_WAIT;
	}
	/* 64, 128, ... 16384 */
	assert_int_equal(waited, 9);
}

static void a_full_buffer_takes_nothing_and_n_stays(void **state)
{
	struct buf tight;
	const struct record rec = {KIND_MSG, 0, slice_str("hello")};

	(void)state;
	buf_init(&tight, records_frame_bytes(5) - 1);
	assert_int_equal(records_seal(&a, &rec, &tight, 0), ERR_FULL);
	assert_int_equal(tight.len, 0);
	assert_int_equal(a.keys->send.n, 0);
	buf_wipe(&tight);
}

static void rekey_changes_one_direction_and_n_goes_on(void **state)
{
	uint8_t before[32];
	struct record r;

	(void)state;
	assert_int_equal(seal("one", KIND_MSG), ERR_OK);
	memcpy(before, a.keys->send.k, 32);
	assert_int_equal(seal("", KIND_REKEY), ERR_OK);
	assert_memory_not_equal(before, a.keys->send.k, 32);
	assert_int_equal(a.keys->send.n, 2);
	assert_int_equal(seal("two", KIND_MSG), ERR_OK);
	assert_int_equal(open_next(&r), ERR_OK);
	/* The REKEY itself came under the old key. */
	assert_int_equal(open_next(&r), ERR_OK);
	assert_int_equal(r.kind, KIND_REKEY);
	memcpy(before, b.keys->send.k, 32);
	records_rekey_receive(&b);
	assert_memory_equal(before, b.keys->send.k, 32);
	assert_int_equal(open_next(&r), ERR_OK);
	assert_true(slice_eq(r.payload, slice_str("two")));
}

static void without_rekey_nothing_opens_behind_it(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(seal("", KIND_REKEY), ERR_OK);
	assert_int_equal(seal("two", KIND_MSG), ERR_OK);
	assert_int_equal(open_next(&r), ERR_OK);
	assert_int_equal(open_next(&r), ERR_AUTH);
}

static void rekey_is_due_by_records_bytes_and_time(void **state)
{
	const uint64_t quarter_us = UINT64_C(15) * 60 * 1000 * 1000;

	(void)state;
	assert_false(records_rekey_is_due(&a, 82, quarter_us - 1));
	assert_true(records_rekey_is_due(&a, 82, quarter_us));
	a.keys->send.n = PROTO_REKEY_RECORDS - 2;
	assert_false(records_rekey_is_due(&a, 82, 0));
	a.keys->send.n = PROTO_REKEY_RECORDS - 1;
	assert_true(records_rekey_is_due(&a, 82, 0));
	/* As the last of the 2^20 it goes out, and the count begins again. */
	assert_int_equal(seal("", KIND_REKEY), ERR_OK);
	assert_int_equal(a.keys->send.n, PROTO_REKEY_RECORDS);
	assert_false(records_rekey_is_due(&a, 82, 0));
	a.keys->send.n = 2 * PROTO_REKEY_RECORDS - 1;
	assert_true(records_rekey_is_due(&a, 82, 0));
	assert_int_equal(seal("", KIND_REKEY), ERR_OK);
	/* So much that a frame more and the REKEY would pass 8 GiB. */
	a.rekey_bytes = PROTO_REKEY_BYTES - PROTO_FRAME_MAX_BYTES - 82;
	assert_false(records_rekey_is_due(&a, 82, 0));
	assert_true(records_rekey_is_due(&a, 83, 0));
	assert_int_equal(seal("hello", KIND_MSG), ERR_OK);
	assert_true(records_rekey_is_due(&a, 82, 0));
	assert_int_equal(seal("", KIND_REKEY), ERR_OK);
	assert_false(records_rekey_is_due(&a, PROTO_FRAME_MAX_BYTES, 0));
}

static void worn_by_records_of_either_direction_and_time(void **state)
{
	const uint64_t day_us = UINT64_C(24) * 60 * 60 * 1000 * 1000;

	(void)state;
	assert_false(records_is_worn(&a, day_us - 1));
	assert_true(records_is_worn(&a, day_us));
	a.keys->send.n = UINT32_MAX;
	assert_false(records_is_worn(&a, 0));
	a.keys->send.n++;
	assert_true(records_is_worn(&a, 0));
	b.keys->receive.n = UINT64_C(1) << 32;
	assert_true(records_is_worn(&b, 0));
}

/* The nonce 2^64-1 is reserved: 2^64-2 is the last. */
static void A12_nonce_limit(void **state)
{
	struct record r;
	size_t n;

	(void)state;
	a.keys->send.n = b.keys->receive.n = UINT64_MAX - 1;
	assert_int_equal(seal("last", KIND_MSG), ERR_OK);
	n = wire.len;
	assert_int_equal(seal("more", KIND_MSG), ERR_LIMIT);
	assert_int_equal(seal("more", KIND_MSG), ERR_LIMIT);
	assert_int_equal(wire.len, n);
	assert_int_equal(open_next(&r), ERR_OK);
	assert_true(slice_eq(r.payload, slice_str("last")));
	buf_zeros(&wire, 80);
	assert_int_equal(records_open(&b, wire.p + wire.head, 80, &r), ERR_LIMIT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_sealed_opens),
		T(no_flipped_bit_opens_and_n_stays),
		T(only_lengths_of_records_are_waited_for),
		T(a_full_buffer_takes_nothing_and_n_stays),
		T(rekey_changes_one_direction_and_n_goes_on),
		T(without_rekey_nothing_opens_behind_it),
		T(rekey_is_due_by_records_bytes_and_time),
		T(worn_by_records_of_either_direction_and_time),
		T(A12_nonce_limit),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
