/*
 * The Noise engine at its edges: turns, flipped bits, lengths, nonces, rekey
 * (trials A3, A4, A6, A12 at this level).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/ids.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/noise.h"
#include "lib/noise_pair.h"

static const struct slice none = {NULL, 0};

static bool is_wiped(const struct noise_handshakestate *hs)
{
	return sodium_is_zero((const uint8_t *)hs, sizeof(*hs));
}

static void only_the_right_turn_is_taken(void **state)
{
	(void)state;
	struct noise_pair np;
	struct noise_cipherstate a, b;
	uint8_t m[256], p[256];
	size_t n;

	noise_pair_init(&np, "XX");
	assert_int_equal(noise_write_message(&np.side[0], none, m, sizeof(m), &n),
			 ERR_USAGE);
	assert_int_equal(noise_read_message(&np.side[1], slice_of(m, 32), p, &n),
			 ERR_USAGE);
	assert_int_equal(noise_split(&np.side[1], &a, &b, NULL), ERR_USAGE);
	/* None of that has done harm. */
	for (int i = 0; i < 3; i++)
		noise_pair_pass(&np, slice_str("x"));
	assert_true(noise_is_done(&np.side[0]) && noise_is_done(&np.side[1]));
	assert_int_equal(noise_write_message(&np.side[0], none, m, sizeof(m), &n),
			 ERR_USAGE);
	assert_int_equal(noise_read_message(&np.side[0], slice_of(m, 32), p, &n),
			 ERR_USAGE);
	assert_int_equal(noise_split(&np.side[1], &a, &b, NULL), ERR_OK);
	assert_true(is_wiped(&np.side[1]));
	assert_int_equal(noise_split(&np.side[1], &a, &b, NULL), ERR_USAGE);
}

/* The n-th message of XX as the reader would see it; the pair stands before it. */
static size_t reach_message(struct noise_pair *np, int i, uint8_t *m, size_t max)
{
	size_t n;

	noise_pair_init(np, "XX");
	for (int k = 0; k < i; k++)
		noise_pair_pass(np, slice_str("payload"));
	assert_int_equal(noise_write_message(&np->side[i % 2 == 0], slice_str("payload"),
					     m, max, &n),
			 ERR_OK);
	return n;
}

static void A3_every_flipped_bit_is_refused(void **state)
{
	(void)state;
	uint8_t m[256], p[256], bad[256];
	size_t n;

	/* Nothing authenticates message 1 by itself; message 2 does. */
	for (int i = 1; i < 3; i++) {
		struct noise_pair np;
		const size_t m_len = reach_message(&np, i, m, sizeof(m));
		for (size_t bit = 0; bit < 8 * m_len; bit++) {
			struct noise_handshakestate reader = np.side[i % 2 != 0];
			memcpy(bad, m, m_len);
			bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
				noise_read_message(&reader, slice_of(bad, m_len), p, &n),
				ERR_AUTH);
			assert_int_equal(n, 0);
			assert_true(is_wiped(&reader));
		}
	}
}

static void A3_a_flipped_first_message_is_refused_by_the_second(void **state)
{
	(void)state;
	uint8_t m[256], p[256];
	size_t n;

	for (size_t bit = 0; bit < 8 * (32 + 7); bit++) {
		struct noise_pair np;
		size_t m_len = reach_message(&np, 0, m, sizeof(m));
		assert_int_equal(m_len, 32 + 7);
		m[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
			noise_read_message(&np.side[0], slice_of(m, m_len), p, &n),
			ERR_OK);
		assert_int_equal(
			noise_write_message(&np.side[0], none, m, sizeof(m), &m_len),
			ERR_OK);
		assert_int_equal(
			noise_read_message(&np.side[1], slice_of(m, m_len), p, &n),
			ERR_AUTH);
	}
}

static void A4_every_other_length_is_refused(void **state)
{
	(void)state;
	uint8_t m[256] = {0}, p[256];
	size_t n;

	for (int i = 1; i < 3; i++) {
		struct noise_pair np;
		const size_t m_len = reach_message(&np, i, m, sizeof(m) - 1);
		for (size_t len = 0; len <= m_len + 1; len++) {
			struct noise_handshakestate reader = np.side[i % 2 != 0];
			const enum err err =
				noise_read_message(&reader, slice_of(m, len), p, &n);
			if (len == m_len) {
				assert_int_equal(err, ERR_OK);
				continue;
			}
			assert_true(err == ERR_PROTO || err == ERR_AUTH);
			assert_true(is_wiped(&reader));
		}
	}
}

static void messages_are_limited(void **state)
{
	(void)state;
	uint8_t *big = mem_new(65536), *m = mem_new(65536);
	const size_t room = NOISE_MAX_MESSAGE - 32;
	struct noise_pair np;
	size_t n;

	noise_pair_init(&np, "NN");
	assert_int_equal(
		noise_write_message(&np.side[1], slice_of(big, room), m, 65536, &n),
		ERR_OK);
	assert_int_equal(n, NOISE_MAX_MESSAGE);
	assert_int_equal(noise_read_message(&np.side[0], slice_of(m, n), big, &n),
			 ERR_OK);
	noise_pair_init(&np, "NN");
	assert_int_equal(
		noise_write_message(&np.side[1], slice_of(big, room + 1), m, 65536, &n),
		ERR_LIMIT);
	assert_true(is_wiped(&np.side[1]));
	assert_int_equal(noise_read_message(&np.side[0], slice_of(m, 65536), big, &n),
			 ERR_PROTO);
	mem_free(big);
	mem_free(m);
}

static void a_short_buffer_is_not_overrun(void **state)
{
	(void)state;
	uint8_t m[256];

	for (int i = 0; i < 3; i++) {
		struct noise_pair np;
		const size_t m_len = reach_message(&np, i, m, sizeof(m));
		for (size_t max = 0; max <= m_len; max++) {
			/* On the heap, so that a sanitizer sees a byte too many. */
			uint8_t *out = mem_new(max > 0 ? max : 1);
			size_t n;
			noise_pair_init(&np, "XX");
			for (int k = 0; k < i; k++)
				noise_pair_pass(&np, slice_str("payload"));
			assert_int_equal(noise_write_message(&np.side[i % 2 == 0],
							     slice_str("payload"), out,
							     max, &n),
					 max == m_len ? ERR_OK : ERR_LIMIT);
			mem_free(out);
		}
	}
}

static void A6_a_failed_decryption_does_not_advance(void **state)
{
	(void)state;
	const uint8_t key[32] = {9};
	struct noise_cipherstate send, receive;
	uint8_t sealed[32], out[32];

	noise_cipherstate_initialize_key(&send, key);
	noise_cipherstate_initialize_key(&receive, key);
	for (uint64_t i = 0; i < 3; i++) {
		noise_encrypt_with_ad(&send, none, slice_str("hello"), sealed);
		for (unsigned b = 0; b < 21; b++) {
			sealed[b] ^= 0x80;
			assert_int_equal(noise_decrypt_with_ad(&receive, none,
							       slice_of(sealed, 21), out),
					 ERR_AUTH);
			assert_int_equal(receive.n, i);
			sealed[b] ^= 0x80;
		}
		assert_int_equal(noise_decrypt_with_ad(&receive, slice_str("ad"),
						       slice_of(sealed, 21), out),
				 ERR_AUTH);
		for (unsigned n = 0; n < 21; n++)
			assert_int_equal(noise_decrypt_with_ad(&receive, none,
							       slice_of(sealed, n), out),
					 ERR_AUTH);
		assert_int_equal(
			noise_decrypt_with_ad(&receive, none, slice_of(sealed, 21), out),
			ERR_OK);
		assert_memory_equal(out, "hello", 5);
	}
}

static void A12_nonces_end(void **state)
{
	(void)state;
	const uint8_t key[32] = {9};
	struct noise_cipherstate send, receive;
	uint8_t sealed[32], out[32];

	noise_cipherstate_initialize_key(&send, key);
	noise_cipherstate_initialize_key(&receive, key);
	send.n = receive.n = UINT64_MAX - 1;
	assert_int_equal(noise_encrypt_with_ad(&send, none, slice_str("last"), sealed),
			 ERR_OK);
	assert_int_equal(noise_decrypt_with_ad(&receive, none, slice_of(sealed, 20), out),
			 ERR_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			noise_encrypt_with_ad(&send, none, slice_str("more"), sealed),
			ERR_LIMIT);
		assert_int_equal(
			noise_decrypt_with_ad(&receive, none, slice_of(sealed, 20), out),
			ERR_LIMIT);
	}
	assert_int_equal(send.n, UINT64_MAX);
}

static void A12_rekey_value(void **state)
{
	(void)state;
	uint8_t key[32], want[32];
	struct noise_cipherstate cs;

	for (uint8_t i = 0; i < 32; i++)
		key[i] = i;
	hex_decode(slice_str("50835543a205b22c9323f2022bc4f67d"
			     "838f90e61d5ccf33c4513e01f85b5042"),
		   want, 32);
	noise_cipherstate_initialize_key(&cs, key);
	cs.n = 5;
	noise_rekey(&cs);
	assert_memory_equal(cs.k, want, 32);
	assert_int_equal(cs.n, 5);
}

/* The nonce is little-endian: a value whose bytes differ shows the order. */
static void nonces_count_as_the_cipher_wants(void **state)
{
	(void)state;
	static const uint8_t nonce[12] = {0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
	const uint8_t key[32] = {1};
	struct noise_cipherstate cs;
	uint8_t sealed[32], want[32];

	noise_cipherstate_initialize_key(&cs, key);
	cs.n = 0x0102030405060708;
	noise_encrypt_with_ad(&cs, slice_str("ad"), slice_str("text"), sealed);
	crypto_aead_chacha20poly1305_ietf_encrypt(want, NULL, (const uint8_t *)"text", 4,
						  (const uint8_t *)"ad", 2, NULL, nonce,
						  key);
	assert_memory_equal(sealed, want, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_right_turn_is_taken),
		cmocka_unit_test(A3_every_flipped_bit_is_refused),
		cmocka_unit_test(A3_a_flipped_first_message_is_refused_by_the_second),
		cmocka_unit_test(A4_every_other_length_is_refused),
		cmocka_unit_test(messages_are_limited),
		cmocka_unit_test(a_short_buffer_is_not_overrun),
		cmocka_unit_test(A6_a_failed_decryption_does_not_advance),
		cmocka_unit_test(A12_nonces_end),
		cmocka_unit_test(A12_rekey_value),
		cmocka_unit_test(nonces_count_as_the_cipher_wants),
	};

	secret_init();
	return cmocka_run_group_tests_name("noise_state", tests, NULL, NULL);
}
