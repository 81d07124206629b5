/*
 * greeting: the 512 bytes in which a side says who it is.
 */
#include "wire/greeting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "crypto/cert.h"
#include "wire/pack.h"

enum { MAP_BYTES = 0x15a }; /* of a_greeting */

static uint8_t cert[CERT_BYTES], boot[16];

static struct greeting a_greeting(void)
{
	memset(cert, 0xc5, sizeof(cert));
	memset(boot, 0xb0, sizeof(boot));
	return (struct greeting){
		.cert = slice_of(cert, sizeof(cert)),
		.minor = 3,
		.caps = UINT64_MAX,
		.list_version = 1000,
		.boot = slice_of(boot, sizeof(boot)),
	};
}

static void written_is_read(void **state)
{
	const struct greeting g = a_greeting();
	uint8_t bytes[PROTO_HS_PAYLOAD_BYTES];
	struct greeting back;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	greeting_write(&g, bytes);
	assert_int_equal(greeting_read(slice_of(bytes, sizeof(bytes)), &back), ERR_OK);
	assert_true(slice_eq(back.cert, g.cert));
	assert_int_equal(back.minor, 3);
	assert_int_equal(back.caps, UINT64_MAX);
	assert_int_equal(back.list_version, 1000);
	assert_true(slice_eq(back.boot, g.boot));
}

/* The bytes themselves, so that they do not change unnoticed. */
static void the_form_is_fixed(void **state)
{
	const struct greeting g = a_greeting();
	uint8_t bytes[PROTO_HS_PAYLOAD_BYTES];

	(void)state;
	greeting_write(&g, bytes);
	assert_memory_equal(bytes, "\x01\x5a\x85\x00\xc5\x01\x32\xc5", 8);
	assert_memory_equal(bytes + 7 + 306,
			    "\x01\x03\x02\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x03\xcd\x03"
			    "\xe8\x04\xc4\x10\xb0",
			    20);
	for (size_t i = 2 + MAP_BYTES; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
}

static void padding_and_length_are_checked(void **state)
{
	const struct greeting g = a_greeting();
	uint8_t bytes[PROTO_HS_PAYLOAD_BYTES];
	struct greeting back;
	struct slice s = slice_of(bytes, sizeof(bytes));

	(void)state;
	greeting_write(&g, bytes);
	for (size_t i = 2 + MAP_BYTES; i < sizeof(bytes); i++) {
		bytes[i] = 1;
		assert_int_equal(greeting_read(s, &back), ERR_PROTO);
		bytes[i] = 0;
	}
	for (unsigned n = 0; n <= UINT16_MAX; n++) {
		bytes[0] = (uint8_t)(n >> 8);
		bytes[1] = (uint8_t)n;
		assert_int_equal(greeting_read(s, &back),
				 n == MAP_BYTES ? ERR_OK : ERR_PROTO);
	}
	bytes[0] = 1;
	bytes[1] = 0x5a;
	s.n--;
	assert_int_equal(greeting_read(s, &back), ERR_PROTO);
}

/* A map with these pairs, made from fields of the right form or not. */
struct recipe {
	const char *keys; /* in their order; a letter is the field with something odd */
	enum err e;
};

static void pack_pair(struct buf *b, char key)
{
	static const uint8_t bytes[CERT_BYTES + 1];

	pack_uint(b, (uint64_t)(key >= 'a' ? key - 'a' : key - '0'));
	if (key == '0' || key == 'a')
		pack_bin(b, slice_of(bytes, key == 'a' ? CERT_BYTES + 1 : CERT_BYTES));
	else if (key == '4' || key == 'e')
		pack_bin(b, slice_of(bytes, key == 'e' ? 15 : 16));
	else if (key == 'b' || key == 'c' || key == 'd')
		pack_str(b, slice_str("1"));
	else
		pack_uint(b, 7);
}

static void fields_are_required_and_exact(void **state)
{
	static const struct recipe recipes[] = {
		{"01234", ERR_OK},
		{"012345", ERR_OK},
		{"0123478", ERR_OK},
		{"1234", ERR_PROTO},
		{"0234", ERR_PROTO},
		{"0134", ERR_PROTO},
		{"0124", ERR_PROTO},
		{"0123", ERR_PROTO},
		{"a1234", ERR_PROTO},
		{"0b234", ERR_PROTO},
		{"01c34", ERR_PROTO},
		{"012d4", ERR_PROTO},
		{"0123e", ERR_PROTO},
		{"10234", ERR_PROTO},
		{"011234", ERR_PROTO},
		{"", ERR_PROTO},
		/* Key 32, which is critical. */
		{"01234P", ERR_PROTO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(recipes) / sizeof(*recipes); i++) {
		const char *keys = recipes[i].keys;
		uint8_t bytes[PROTO_HS_PAYLOAD_BYTES] = {0};
		struct greeting back;
		struct buf b;
		buf_init(&b, PROTO_HS_PAYLOAD_BYTES - 2);
		pack_map(&b, (uint32_t)strlen(keys));
		for (const char *k = keys; *k != '\0'; k++)
			pack_pair(&b, *k);
		bytes[0] = (uint8_t)(b.len >> 8);
		bytes[1] = (uint8_t)b.len;
		memcpy(bytes + 2, buf_slice(&b).p, b.len);
		if (greeting_read(slice_of(bytes, sizeof(bytes)), &back) != recipes[i].e)
			fail_msg("with %s", keys);
		buf_wipe(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(the_form_is_fixed),
		cmocka_unit_test(padding_and_length_are_checked),
		cmocka_unit_test(fields_are_required_and_exact),
	};

	return cmocka_run_group_tests_name("greeting", tests, NULL, NULL);
}
