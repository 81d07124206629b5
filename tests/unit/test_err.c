#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void every_error_has_a_name_a_text_and_a_class(void **state)
{
	(void)state;
	for (int e = 0; e < ERR_COUNT; e++) {
		const char *text = err_str((enum err)e);
		assert_true(strlen(text) > 0);
		assert_int_not_equal(text[strlen(text) - 1], '.');
		assert_true(strlen(err_name((enum err)e)) > 0);
		assert_int_equal(err_class((enum err)e) == ERRC_NONE, e == ERR_OK);
	}
}

static void names_are_those_of_the_constants(void **state)
{
	(void)state;
	assert_int_equal(ERR_OK, 0);
	assert_string_equal(err_name(ERR_OK), "OK");
	assert_string_equal(err_name(ERR_NOSPACE), "NOSPACE");
	assert_string_equal(err_str(ERR_NOSPACE), "no space is left on the disk");
	assert_int_equal(err_class(ERR_WAIT), ERRC_WAIT);
	assert_int_equal(err_class(ERR_AUTH), ERRC_PEER);
	assert_int_equal(err_class(ERR_NOSPACE), ERRC_LOCAL);
	assert_int_equal(err_class(ERR_USAGE), ERRC_USER);
}

static void a_value_that_is_none_is_a_bug(void **state)
{
	static const int values[] = {ERR_COUNT, ERR_COUNT + 1, -1, INT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(err_class((enum err)values[i]), ERRC_BUG);
		assert_string_equal(err_name((enum err)values[i]), "BUG");
		assert_ptr_equal(err_str((enum err)values[i]), err_str(ERR_BUG));
	}
}

static void errno_becomes_an_error(void **state)
{
	(void)state;
	assert_int_equal(err_from_errno(0), ERR_OK);
	assert_int_equal(err_from_errno(EAGAIN), ERR_WAIT);
	assert_int_equal(err_from_errno(ENOSPC), ERR_NOSPACE);
	assert_int_equal(err_from_errno(EDQUOT), ERR_NOSPACE);
	assert_int_equal(err_from_errno(EACCES), ERR_PERM);
	assert_int_equal(err_from_errno(EROFS), ERR_READONLY);
	assert_int_equal(err_from_errno(ENOENT), ERR_MISSING);
	assert_int_equal(err_from_errno(EEXIST), ERR_EXISTS);
	assert_int_equal(err_from_errno(EADDRINUSE), ERR_IN_USE);
	assert_int_equal(err_from_errno(ECONNREFUSED), ERR_UNREACHABLE);
	assert_int_equal(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
	assert_int_equal(err_from_errno(EIO), ERR_IO);
	assert_int_equal(err_from_errno(-7), ERR_IO);
	assert_int_equal(err_from_errno(99999), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_a_name_a_text_and_a_class),
		cmocka_unit_test(names_are_those_of_the_constants),
		cmocka_unit_test(a_value_that_is_none_is_a_bug),
		cmocka_unit_test(errno_becomes_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
