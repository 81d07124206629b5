#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/ids.h"
#include "base/rng.h"

static void ids_differ_in_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < 32; i++) {
		struct id32 a = {{0}}, b = {{0}};
		struct id16 c = {{0}}, d = {{0}};
		assert_true(id32_eq(&a, &b) && id32_cmp(&a, &b) == 0);
		b.b[i] = 1;
		assert_false(id32_eq(&a, &b));
		assert_true(id32_cmp(&a, &b) < 0 && id32_cmp(&b, &a) > 0);
		assert_true(id16_eq(&c, &d));
		d.b[i % 16] = 0x80;
		assert_false(id16_eq(&c, &d));
	}
}

static void the_first_byte_decides_the_order(void **state)
{
	struct id32 a = {{1, 0xff}}, b = {{2, 0}}, c = {{0x80}};

	(void)state;
	assert_true(id32_cmp(&a, &b) < 0);
	assert_true(id32_cmp(&b, &c) < 0); /* bytes have no sign */
}

static void hex_goes_both_ways(void **state)
{
	uint8_t in[256], out[256];
	char text[513];

	(void)state;
	for (size_t i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	hex_encode(slice_of(in, 256), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
	assert_int_equal(hex_decode(slice_str(text), out, 256), ERR_OK);
	assert_memory_equal(in, out, 256);
	for (char *p = text; *p; p++) {
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	}
	memset(out, 0, sizeof(out));
	assert_int_equal(hex_decode(slice_str(text), out, 256), ERR_OK);
	assert_memory_equal(in, out, 256);
	hex_encode(slice_of(NULL, 0), text);
	assert_string_equal(text, "");
	assert_int_equal(hex_decode(slice_of(NULL, 0), out, 0), ERR_OK);
}

static void hex_takes_only_its_digits(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	uint8_t out[2];

	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[4] = {'0', '0', '0', '0'};
		bool is_digit = c != 0 && strchr(digits, c) != NULL;
		for (size_t i = 0; i < 4; i++) {
			memset(text, '0', 4);
			text[i] = (char)c;
			assert_int_equal(hex_decode(slice_of(text, 4), out, 2),
					 is_digit ? ERR_OK : ERR_USAGE);
		}
	}
}

static void hex_has_exactly_the_length(void **state)
{
	uint8_t out[8];

	(void)state;
	for (size_t n = 0; n <= 16; n++)
		assert_int_equal(hex_decode(slice_of("0123456789abcdef", n), out, 4),
				 n == 8 ? ERR_OK : ERR_USAGE);
	assert_int_equal(hex_decode(slice_str("ab"), out, SIZE_MAX), ERR_USAGE);
}

/* RFC 4648, section 10, in lower case and without padding. */
static void RFC4648_base32_vectors(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"f", "my"},
		{"fo", "mzxq"},
		{"foo", "mzxw6"},
		{"foob", "mzxw6yq"},
		{"fooba", "mzxw6ytb"},
		{"foobar", "mzxw6ytboi"},
	};
	char text[32];
	uint8_t out[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i][0]);
		base32_encode(slice_str(rows[i][0]), text);
		assert_string_equal(text, rows[i][1]);
		assert_int_equal(base32_len(n), strlen(text));
		assert_int_equal(base32_decode(slice_str(text), out, n), ERR_OK);
		assert_memory_equal(out, rows[i][0], n);
	}
	assert_int_equal(base32_decode(slice_str("MZXW6YTBOI"), out, 6), ERR_OK);
	assert_memory_equal(out, "foobar", 6);
}

static void base32_goes_both_ways_at_every_length(void **state)
{
	struct rng_seeded rng;
	uint8_t in[64], out[64];
	char text[128];

	(void)state;
	rng_seeded_init(&rng, 1);
	for (size_t n = 0; n <= 64; n++) {
		rng_fill(&rng.rng, in, n);
		base32_encode(slice_of(in, n), text);
		assert_int_equal(strlen(text), base32_len(n));
		assert_int_equal(base32_decode(slice_str(text), out, n), ERR_OK);
		assert_memory_equal(in, out, n);
	}
	assert_int_equal(base32_len(32), 52);
	assert_int_equal(base32_len(35), 56);
}

/* Every text decodes to one value and every value has one text: else an id could be
 * written in two ways. */
static void base32_spare_bits_are_zero(void **state)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t out[1];

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		char text[2] = {'m', digits[i]};
		assert_int_equal(base32_decode(slice_of(text, 2), out, 1),
				 i % 4 == 0 ? ERR_OK : ERR_USAGE);
	}
}

static void base32_takes_only_its_digits_and_length(void **state)
{
	static const char digits[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"234567";
	uint8_t out[5];
	char text[] = "mzxw6ytb";

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool is_digit = c != 0 && strchr(digits, c) != NULL;
		text[3] = (char)c;
		assert_int_equal(base32_decode(slice_of(text, 8), out, 5),
				 is_digit ? ERR_OK : ERR_USAGE);
	}
	for (size_t n = 0; n <= 10; n++)
		assert_int_equal(base32_decode(slice_of("mzxw6ytboi", n), out, 5),
				 n == 8 ? ERR_OK : ERR_USAGE);
	assert_int_equal(base32_decode(slice_str("mzxw6yq="), out, 4), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_differ_in_every_byte),
		cmocka_unit_test(the_first_byte_decides_the_order),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(hex_takes_only_its_digits),
		cmocka_unit_test(hex_has_exactly_the_length),
		cmocka_unit_test(RFC4648_base32_vectors),
		cmocka_unit_test(base32_goes_both_ways_at_every_length),
		cmocka_unit_test(base32_spare_bits_are_zero),
		cmocka_unit_test(base32_takes_only_its_digits_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
