#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "files/ignore.h"

static void lines_say_what_git_says(void **state)
{
	static const struct {
		const char *lines, *path;
		bool is_folder;
		enum ignore_says want;
	} rows[] = {
		{"*.o", "a.o", false, IGNORE_OUT},
		{"*.o", "deep/er/a.o", false, IGNORE_OUT},
		{"*.o", "a.oo", false, IGNORE_NOTHING},
		{"# a.o", "a.o", false, IGNORE_NOTHING},
		{"\\#a", "#a", false, IGNORE_OUT},
		{"\\!a", "!a", false, IGNORE_OUT},
		{"a  ", "a", false, IGNORE_OUT},
		{"a\\ ", "a ", false, IGNORE_OUT},
		{"a\r", "a", false, IGNORE_OUT},
		{"*.o\n!keep.o", "keep.o", false, IGNORE_IN},
		{"!keep.o\n*.o", "keep.o", false, IGNORE_OUT},
		{"build/", "build", true, IGNORE_OUT},
		{"build/", "build", false, IGNORE_NOTHING},
		{"build/", "x/build", true, IGNORE_OUT},
		{"/build", "build", false, IGNORE_OUT},
		{"/build", "x/build", false, IGNORE_NOTHING},
		{"a/b", "a/b", false, IGNORE_OUT},
		{"a/b", "x/a/b", false, IGNORE_NOTHING},
		{"a/*", "a/b", false, IGNORE_OUT},
		{"a/*", "a/b/c", false, IGNORE_NOTHING},
		{"**/b", "b", false, IGNORE_OUT},
		{"**/b", "x/y/b", false, IGNORE_OUT},
		{"a/**", "a/x/y", false, IGNORE_OUT},
		{"a/**", "a", true, IGNORE_NOTHING},
		{"a/**/b", "a/b", false, IGNORE_OUT},
		{"a/**/b", "a/x/y/b", false, IGNORE_OUT},
		{"a/**/b", "x/a/b", false, IGNORE_NOTHING},
		{"?.c", "a.c", false, IGNORE_OUT},
		{"?.c", "ab.c", false, IGNORE_NOTHING},
		{"[a-c]x", "bx", false, IGNORE_OUT},
		{"[!a-c]x", "bx", false, IGNORE_NOTHING},
		{"[^a-c]x", "dx", false, IGNORE_OUT},
		{"[]]x", "]x", false, IGNORE_OUT},
		{"[a", "[a", false, IGNORE_OUT},
		{"a*b*c", "aXbYbZc", false, IGNORE_OUT},
		{"a*b*c", "aXbYbZ", false, IGNORE_NOTHING},
		{"*", "x", false, IGNORE_OUT},
		{"", "x", false, IGNORE_NOTHING},
		{"/", "x", false, IGNORE_NOTHING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ignore *ig = ignore_new();
		ignore_add(ig, slice_str(rows[i].lines));
		const enum ignore_says got =
			ignore_match(ig, slice_str(rows[i].path), rows[i].is_folder);
		if (got != rows[i].want)
			fail_msg("%s against %s: %d", rows[i].lines, rows[i].path,
				 (int)got);
		ignore_free(ig);
	}
}

static void nothing_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(ignore_match(NULL, slice_str("x"), false), IGNORE_NOTHING);
	ignore_free(NULL);
}

/* What takes most tools minutes. */
static void stars_cost_no_more_than_their_product(void **state)
{
	struct ignore *ig = ignore_new();
	char glob[400], text[4000];

	(void)state;
	for (size_t i = 0; i < 398; i += 2)
		memcpy(glob + i, "*a", 2);
	glob[398] = 'b';
	memset(text, 'a', sizeof(text));
	ignore_add(ig, slice_of(glob, 399));
	assert_int_equal(ignore_match(ig, slice_of(text, sizeof(text)), false),
			 IGNORE_NOTHING);
	for (size_t i = 0; i < 396; i += 5)
		memcpy(glob + i, "**/a/", 5);
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = '/';
	text[sizeof(text) - 1] = 'a';
	glob[395] = 'b';
	ignore_add(ig, slice_of(glob, 396));
	assert_int_equal(ignore_match(ig, slice_of(text, sizeof(text)), false),
			 IGNORE_NOTHING);
	ignore_free(ig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_say_what_git_says),
		cmocka_unit_test(nothing_says_nothing),
		cmocka_unit_test(stars_cost_no_more_than_their_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
