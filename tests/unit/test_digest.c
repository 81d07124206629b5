#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/ids.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/hash.h"

static void check(const struct digest *d, const char *want)
{
	uint8_t out[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];

	digest_get(d, out);
	hex_encode(slice_of(out, sizeof(out)), hex);
	assert_string_equal(hex, want);
}

/* As `b2sum -l 256` says. */
static const char of_nothing[] =
	"0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";
static const char of_abc[] =
	"bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";

static void it_is_blake2b_256(void **state)
{
	struct digest d;

	(void)state;
	digest_init(&d, NULL);
	check(&d, of_nothing);
	digest_add(&d, slice_str("a"));
	digest_add(&d, slice_str("bc"));
	check(&d, of_abc);
	/* Looking does not change it. */
	check(&d, of_abc);
}

static void a_label_is_that_of_hash_labelled(void **state)
{
	uint8_t want[DIGEST_BYTES], got[DIGEST_BYTES];
	struct digest d;

	(void)state;
	hash_one("p2pmsg-filemd-v1", slice_str("abc"), want, sizeof(want));
	digest_init(&d, "p2pmsg-filemd-v1");
	digest_add(&d, slice_str("abc"));
	digest_get(&d, got);
	assert_memory_equal(got, want, sizeof(want));
}

static void zeros_are_zeros(void **state)
{
	static const uint8_t zeros[200000];
	uint8_t a[DIGEST_BYTES], b[DIGEST_BYTES];
	struct digest x, y;

	(void)state;
	digest_init(&x, NULL);
	digest_init(&y, NULL);
	digest_zeros(&x, sizeof(zeros));
	digest_add(&y, slice_of(zeros, sizeof(zeros)));
	digest_get(&x, a);
	digest_get(&y, b);
	assert_memory_equal(a, b, sizeof(a));
}

static void it_goes_on_from_what_was_saved(void **state)
{
	uint8_t saved[DIGEST_SAVED_BYTES];
	struct digest d, again;

	(void)state;
	digest_init(&d, NULL);
	digest_add(&d, slice_str("a"));
	digest_save(&d, saved);
	assert_int_equal(digest_load(&again, saved), ERR_OK);
	digest_add(&again, slice_str("bc"));
	check(&again, of_abc);
	saved[4] ^= 1;
	assert_int_equal(digest_load(&again, saved), ERR_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_blake2b_256),
		cmocka_unit_test(a_label_is_that_of_hash_labelled),
		cmocka_unit_test(zeros_are_zeros),
		cmocka_unit_test(it_goes_on_from_what_was_saved),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
