#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "crypto/rowseal.h"

enum { PLAIN = 40, SEALED = PLAIN + ROWSEAL_BYTES };

static const uint8_t key[ROWSEAL_KEY_BYTES] = {1, 2, 3};
static const char text[] = "a plain text of forty bytes, so to speak";

static struct rowseal make(uint64_t seed)
{
	struct rng_seeded rng;
	struct rowseal r;

	rng_seeded_init(&rng, seed);
	rowseal_init(&r, key, &rng.rng);
	return r;
}

static void what_is_sealed_opens_in_its_cell_only(void **state)
{
	struct rowseal r = make(1);
	uint8_t sealed[SEALED], plain[PLAIN];
	size_t n;

	(void)state;
	rowseal_seal(&r, slice_str("here"), slice_of(text, PLAIN), sealed);
	r = make(2); /* another opening of the same database */
	assert_int_equal(
		rowseal_open(&r, slice_str("here"), slice_of(sealed, SEALED), plain, &n),
		ERR_OK);
	assert_int_equal(n, PLAIN);
	assert_memory_equal(plain, text, PLAIN);
	assert_int_equal(
		rowseal_open(&r, slice_str("there"), slice_of(sealed, SEALED), plain, &n),
		ERR_AUTH);
}

static void every_bit_and_every_byte_counts(void **state)
{
	struct rowseal r = make(1);
	uint8_t sealed[SEALED], plain[PLAIN];
	size_t n;

	(void)state;
	rowseal_seal(&r, slice_str("here"), slice_of(text, PLAIN), sealed);
	for (unsigned bit = 0; bit < 8 * SEALED; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(rowseal_open(&r, slice_str("here"),
					      slice_of(sealed, SEALED), plain, &n),
				 ERR_AUTH);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < SEALED; len++)
		assert_int_equal(rowseal_open(&r, slice_str("here"),
					      slice_of(sealed, len), plain, &n),
				 ERR_AUTH);
}

static void no_nonce_comes_twice(void **state)
{
	uint8_t sealed[600][ROWSEAL_BYTES];
	struct rowseal r[] = {make(1), make(2)};

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		rowseal_seal(&r[i / 300], slice_str("here"), (struct slice){0},
			     sealed[i]);
	for (unsigned i = 0; i < 600; i++) {
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(sealed[i], sealed[j], 24);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens_in_its_cell_only),
		cmocka_unit_test(every_bit_and_every_byte_counts),
		cmocka_unit_test(no_nonce_comes_twice),
	};

	secret_init();
	return cmocka_run_group_tests_name("rowseal", tests, NULL, NULL);
}
