#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/secret.h"

static enum err decode(const char *text, struct buf *b)
{
	buf_clear(b, 0);
	return base64_decode(slice_str(text), b);
}

/* RFC 4648, section 10. */
static void the_published_vectors(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = base64_new(slice_str(rows[i].bytes));
		assert_string_equal(text, rows[i].text);
		mem_free(text);
		assert_int_equal(decode(rows[i].text, &b), ERR_OK);
		assert_true(slice_eq(buf_slice(&b), slice_str(rows[i].bytes)));
	}
	buf_wipe(&b);
}

static void every_byte_and_length_comes_back(void **state)
{
	uint8_t bytes[600];
	struct buf b;
	(void)state;
	buf_init(&b, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		char *text = base64_new(slice_of(bytes, n));
		assert_int_equal(decode(text, &b), ERR_OK);
		assert_true(slice_eq(buf_slice(&b), slice_of(bytes, n)));
		mem_free(text);
	}
	buf_wipe(&b);
}

static void what_is_no_base64_is_refused(void **state)
{
	static const char *const bad[] = {
		"Z",	"Zg",	"Zg=",	  "Zg===", "Z===", "Zm9v ", " Zm9v",
		"Zm9*", "Zh==", "Zm9v\n", "Zm-v",  "=",	   "====",  "Zg==Zg=="};
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(decode(bad[i], &b), ERR_USAGE);
	buf_wipe(&b);
}

static void too_much_for_the_buffer_is_refused(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 5);
	assert_int_equal(decode("Zm9vYmE=", &b), ERR_OK);
	assert_int_equal(decode("Zm9vYmFy", &b), ERR_FULL);
	buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vectors),
		cmocka_unit_test(every_byte_and_length_comes_back),
		cmocka_unit_test(what_is_no_base64_is_refused),
		cmocka_unit_test(too_much_for_the_buffer_is_refused),
	};
	secret_init();
	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
