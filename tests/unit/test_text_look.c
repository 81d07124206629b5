/* U2: names that look alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

static bool is_alike(const char *a, const char *b)
{
	char *one = text_look(a), *two = text_look(b);
	bool is = one != NULL && two != NULL && strcmp(one, two) == 0;
	mem_free(one);
	mem_free(two);
	return is;
}

static void U2_names_that_look_alike(void **state)
{
	(void)state;
	static const char *const alike[][2] = {
		{"anna", "\xd0\xb0nn\xd0\xb0"}, /* Cyrillic a */
		{"Bob", "\xd0\x92\xd0\xbe"
			"b"}, /* Cyrillic Ve, o */
		{"Bob", "BOB"},
		{"Bob", "\xef\xbc\xa2\xef\xbd\x8f\xef\xbd\x82"}, /* full width */
		{"bob", "b\xe2\x80\x8bo\xe2\x80\x8d"
			"b"}, /* zero-width space, joiner */
		{"bob", "bo\xc2\xad"
			"b"}, /* soft hyphen */
		{"bob", "b\xc3\xb6"
			"b"}, /* with dots */
		{"bob", "b0b"},
		{"bob", "b\xce\xbf"
			"b"}, /* Greek omicron */
		{"bill", "b1ll"},
		{"bill", "bIll"},
		{"bill", "b|11"},
		{"arno", "amo"},
		{"walter", "vvalter"},
		{"bob", "bo b"},
		{"bob", "bo\xc2\xa0"
			"b"}, /* no-break space */
		{"bob", "\xf0\x9d\x90\x9b\xf0\x9d\x90\xa8\xf0\x9d\x90\x9b"}, /* bold */
		{"\xd0\xb0\xd0\xbd\xd0\xbd\xd0\xb0",
		 "\xd0\x90\xd0\x9d\xd0\x9d\xd0\x90"}, /* all Cyrillic, in capitals */
	};
	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
		if (!is_alike(alike[i][0], alike[i][1]))
			fail_msg("%s and %s", alike[i][0], alike[i][1]);
}

static void names_that_do_not(void **state)
{
	(void)state;
	static const char *const others[][2] = {
		{"bob", "rob"}, {"anna", "hanna"}, {"ada", "eda"},     {"bob", "bobby"},
		{"bob", ""},	{"bob", "b\xff"},  {"ann-e", "ann_e"},
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (is_alike(others[i][0], others[i][1]))
			fail_msg("%s and %s", others[i][0], others[i][1]);
	assert_null(text_look("b\xff"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(U2_names_that_look_alike),
		cmocka_unit_test(names_that_do_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
