#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "files/filename.h"
#include "lib/vectors.h"

static void check(const char *in, const char *want)
{
	char out[FILENAME_ROOM];

	assert_int_equal(filename_clean(slice_str(in), false, out), ERR_OK);
	assert_string_equal(out, want);
}

static void refused(struct slice in)
{
	char out[FILENAME_ROOM] = "x";

	assert_int_equal(filename_clean(in, false, out), ERR_PROTO);
	assert_string_equal(out, "");
}

static void plain_names_stay(void **state)
{
	(void)state;
	check("report.pdf", "report.pdf");
	check("a b.txt", "a b.txt");
	check("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	      "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	check("..\\..\\x", "__\\..\\x");
	check("C:\\x", "C:\\x");
	check("console", "console");
	check("com10", "com10");
}

static void F1_names_that_lead_elsewhere_are_refused(void **state)
{
	(void)state;
	refused(slice_str("../../x"));
	refused(slice_str("/etc/passwd"));
	refused(slice_str("a/b"));
	refused(slice_str("."));
	refused(slice_str(".."));
	refused(slice_of("a\0b", 3));
	refused(slice_str("\xff\xfe"));
	refused(slice_str("\xc0\xae\xc0\xae"));
	refused(slice_str("\xed\xa0\x80"));
}

static void F1_names_are_made_harmless(void **state)
{
	(void)state;
	check("", "file");
	check("...", "file");
	check(" ", "file");
	check("\xe2\x80\x8b", "file");
	check(".\xe2\x80\x8b.", "file");
	check(".bashrc", "_bashrc");
	check("..x", "__x");
	check("trailing. . .", "trailing");
	check("a\nb", "ab");
	check("\x1b[31mred", "[31mred");
	check("\x7f\xc2\x85z", "z");
	check("photo\xe2\x80\xaegpj.exe", "photogpj.exe");
	check("a\xe2\x81\xa6"
	      "b\xe2\x81\xa9",
	      "ab");
	check("\xef\xbb\xbf"
	      "bom",
	      "bom");
	check("a\xe2\x80\xa8"
	      "b",
	      "ab");
	check("a\xf3\xa0\x81\x81", "a");
	check("con", "_con");
	check("CON.txt", "_CON.txt");
	check("Aux .tar.gz", "_Aux .tar.gz");
	check("nul.", "_nul");
	check("c\xe2\x80\x8bon", "_con");
	check("COM1", "_COM1");
	check("lpt\xc2\xb9.x", "_lpt\xc2\xb9.x");
}

static void joiners_stay_between_letters_and_emoji(void **state)
{
	const char *family = "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7";
	const char *persian = "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae";

	(void)state;
	check(family, family);
	check(persian, persian);
	check("\xe2\x80\x8d"
	      "a",
	      "a");
	check("a\xe2\x80\x8d", "a");
	check("1\xe2\x80\x8d"
	      "2",
	      "12");
	check("a\xe2\x80\x8d\xe2\x80\x8d"
	      "b",
	      "ab");
}

static void leading_dots_can_be_kept_below(void **state)
{
	char out[FILENAME_ROOM];

	(void)state;
	assert_int_equal(filename_clean(slice_str(".git"), true, out), ERR_OK);
	assert_string_equal(out, ".git");
	assert_int_equal(filename_clean(slice_str("..\xe2\x80\x8b"), true, out), ERR_OK);
	assert_string_equal(out, "file");
}

static void F1_long_names_are_cut_at_a_code_point(void **state)
{
	char in[4096 + 1], out[FILENAME_ROOM];

	(void)state;
	memset(in, 'x', 4096);
	in[4096] = '\0';
	assert_int_equal(filename_clean(slice_str(in), false, out), ERR_OK);
	assert_int_equal(strlen(out), FILENAME_MAX_BYTES);
	for (size_t i = 0; i < 255; i++)
		memcpy(in + 4 * i, "\xf4\x8f\xbf\xbf", 4);
	assert_int_equal(filename_clean(slice_of(in, 1020), false, out), ERR_OK);
	assert_int_equal(strlen(out), 200);
	assert_true(text_is_utf8(slice_str(out)));
	assert_int_equal(filename_clean(slice_of(in, 1020), false, out), ERR_OK);
	in[0] = 'a';
	memmove(in + 1, in + 4, 1000);
	assert_int_equal(filename_clean(slice_of(in, 1001), false, out), ERR_OK);
	assert_int_equal(strlen(out), 197);
	assert_true(text_is_utf8(slice_str(out)));
	/* Cut within dots and blanks: what is left is judged again. */
	memset(in, '.', 300);
	in[300] = 'x';
	assert_int_equal(filename_clean(slice_of(in, 301), true, out), ERR_OK);
	assert_string_equal(out, "file");
	memset(in, ' ', 300);
	assert_int_equal(filename_clean(slice_of(in, 301), false, out), ERR_OK);
	assert_string_equal(out, "file");
	memset(in, 'x', 300);
	memcpy(in, "nul.", 4);
	assert_int_equal(filename_clean(slice_of(in, 300), false, out), ERR_OK);
	assert_int_equal(strlen(out), FILENAME_MAX_BYTES);
	assert_memory_equal(out, "_nul.x", 6);
}

static void F1_every_naughty_string_becomes_a_name_or_is_refused(void **state)
{
	json_t *list = vectors_json("text/blns.json");
	char out[FILENAME_ROOM], again[FILENAME_ROOM];
	size_t i, n_taken = 0;
	json_t *v;

	(void)state;
	json_array_foreach(list, i, v)
	{
		const struct slice in =
			slice_of(json_string_value(v), json_string_length(v));
		if (filename_clean(in, false, out) != ERR_OK)
			continue;
		n_taken++;
		assert_true(out[0] != '\0' && out[0] != '.' && strlen(out) <= 200);
		assert_null(strchr(out, '/'));
		assert_true(text_is_utf8(slice_str(out)));
		/* Nothing is left that a second look would change. */
		assert_int_equal(filename_clean(slice_str(out), false, again), ERR_OK);
		assert_string_equal(out, again);
	}
	assert_true(n_taken > 200);
	json_decref(list);
}

static void check_numbered(const char *name, unsigned n, bool is_folder, const char *want)
{
	char out[FILENAME_ROOM];

	filename_numbered(name, n, is_folder, out);
	assert_string_equal(out, want);
}

static void numbers_stand_before_the_extension(void **state)
{
	char long_name[FILENAME_ROOM], out[FILENAME_ROOM];

	(void)state;
	check_numbered("name", 2, false, "name (2)");
	check_numbered("name.txt", 2, false, "name (2).txt");
	check_numbered("name.tar.gz", 3, false, "name (3).tar.gz");
	check_numbered("name.TAR.zst", 3, false, "name (3).TAR.zst");
	check_numbered("v1.2", 2, true, "v1.2 (2)");
	check_numbered(".hidden", 2, false, ".hidden (2)");
	check_numbered("a sentence. With a dot and more", 2, false,
		       "a sentence. With a dot and more (2)");
	memset(long_name, 'x', 200);
	memcpy(long_name + 196, ".txt", 5);
	filename_numbered(long_name, 4294967295u, false, out);
	assert_int_equal(strlen(out), 200);
	assert_string_equal(out + 183, " (4294967295).txt");
	for (size_t i = 0; i < 66; i++)
		memcpy(long_name + 3 * i, "\xe2\x82\xac", 4);
	filename_numbered(long_name, 2, false, out);
	assert_true(text_is_utf8(slice_str(out)));
}

static void check_path(const char *path, enum err want, unsigned depth)
{
	unsigned got;

	assert_int_equal(filename_check_path(slice_str(path), &got), want);
	if (want == ERR_OK)
		assert_int_equal(got, depth);
}

static void paths_have_64_components_at_most(void **state)
{
	char path[FILENAME_PATH_MAX_BYTES + 2];
	unsigned depth;

	(void)state;
	check_path("a", ERR_OK, 1);
	check_path("a/b/c", ERR_OK, 3);
	check_path("", ERR_PROTO, 0);
	check_path("/a", ERR_PROTO, 0);
	check_path("a/", ERR_PROTO, 0);
	check_path("a//b", ERR_PROTO, 0);
	check_path("a/../b", ERR_PROTO, 0);
	check_path("./a", ERR_PROTO, 0);
	check_path("a\xff", ERR_PROTO, 0);
	for (size_t i = 0; i < 65; i++)
		memcpy(path + 2 * i, "a/", 2);
	assert_int_equal(filename_check_path(slice_of(path, 127), &depth), ERR_OK);
	assert_int_equal(depth, 64);
	assert_int_equal(filename_check_path(slice_of(path, 129), &depth), ERR_PROTO);
	memset(path, 'x', sizeof(path));
	assert_int_equal(filename_check_path(slice_of(path, 4096), &depth), ERR_OK);
	assert_int_equal(filename_check_path(slice_of(path, 4097), &depth), ERR_PROTO);
}

static void bad_bytes_travel_as_replacements(void **state)
{
	struct buf b;
	bool was_bad;

	(void)state;
	buf_init(&b, 20);
	assert_int_equal(filename_to_wire(slice_str("ok\xc3\xa4"), &b, &was_bad), ERR_OK);
	assert_false(was_bad);
	assert_true(slice_eq(buf_slice(&b), slice_str("ok\xc3\xa4")));
	buf_clear(&b, 0);
	assert_int_equal(filename_to_wire(slice_str("a\xff\xe2\x82z"), &b, &was_bad),
			 ERR_OK);
	assert_true(was_bad);
	assert_true(slice_eq(buf_slice(&b),
			     slice_str("a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz")));
	assert_int_equal(filename_to_wire(slice_str("\xff\xff\xff\xff"), &b, &was_bad),
			 ERR_FULL);
	buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names_stay),
		cmocka_unit_test(F1_names_that_lead_elsewhere_are_refused),
		cmocka_unit_test(F1_names_are_made_harmless),
		cmocka_unit_test(joiners_stay_between_letters_and_emoji),
		cmocka_unit_test(leading_dots_can_be_kept_below),
		cmocka_unit_test(F1_long_names_are_cut_at_a_code_point),
		cmocka_unit_test(F1_every_naughty_string_becomes_a_name_or_is_refused),
		cmocka_unit_test(numbers_stand_before_the_extension),
		cmocka_unit_test(paths_have_64_components_at_most),
		cmocka_unit_test(bad_bytes_travel_as_replacements),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
