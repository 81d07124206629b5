#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/text.h"
#include "lib/options_put.h"
#include "lib/tempdir.h"

/* ---- files ---- */

static void a_file_has_lines_and_comments(void **state)
{
	struct options *o = options_new();

	(void)state;
	options_put_file(o,
			 "\xef\xbb\xbf# a comment = nothing\n"
			 "\n"
			 "  \t \r\n"
			 "port=7200\r\n"
			 "  nick  =  Bob B  \n"
			 "\t# another\xff\n"
			 "status = #1 = a # b\n"
			 "peer = one\n"
			 "peer = two:7 x\n"
			 "eager-peers = 3\n"
			 "lan = off",
			 OPTION_PROFILE);
	assert_int_equal(options_int(o, OPT_port), 7200);
	assert_string_equal(options_str(o, OPT_nick), "Bob B");
	assert_string_equal(options_str(o, OPT_status), "#1 = a # b");
	assert_list(o, OPT_peer, "|one|two:7 x");
	assert_int_equal(options_int(o, OPT_eager_peers), 3);
	assert_false(options_bool(o, OPT_lan));
	options_free(o);
}

static void an_error_names_file_and_line(void **state)
{
	static const char *const rows[][2] = {
		{"port = x", "f:1: port takes 0 to 65535, not 'x'"},
		{"\n\nport 7", "f:3: a line is: name = value"},
		{"nick = bob\nprot = 7\n", "f:2: no option is called 'prot'"},
		{"= 7", "f:1: no option is called ''"},
		{"#\n\xff = 7", "f:2: this is not text in UTF-8"},
		{"nick = b\xc2", "f:1: this is not text in UTF-8"},
		{"a\x1b[m = 1", "f:1: no option is called 'a\\u{1B}[m'"},
		{"nick = a\x01z",
		 "f:1: nick takes up to 64 bytes of plain text that does "
		 "not begin with one of # @ + / -, not 'a\\u{1}z'"},
	};
	struct options *o = options_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *why = NULL;
		assert_int_equal(
			options_parse(o, slice_str(rows[i][0]), "f", OPTION_COMMON, &why),
			ERR_USAGE);
		assert_why(why, rows[i][1]);
	}
	options_free(o);
}

static void a_file_with_an_error_sets_nothing(void **state)
{
	static const char text[] = "port = 5\npeer = a\nnick = bob\nx = y\n";
	struct options *o = options_new();

	(void)state;
	assert_int_equal(options_parse(o, slice_str(text), "f", OPTION_COMMON, NULL),
			 ERR_USAGE);
	assert_int_equal(options_int(o, OPT_port), 0);
	assert_list(o, OPT_peer, "");
	options_free(o);
}

static void a_nul_byte_is_no_text(void **state)
{
	struct options *o = options_new();

	(void)state;
	assert_int_equal(options_parse(o, slice_of("port = 5\0 6\n", 12), "f",
				       OPTION_COMMON, NULL),
			 ERR_USAGE);
	options_free(o);
}

/* Whatever a file holds, it is taken or refused with a reason. */
static void any_file_can_be_tried(void **state)
{
	static const char *const pieces[] = {
		"port", "nick",	  "peer", "lan",  "ip",	    "profile", "x",
		"=",	" = ",	  "=",	  "\n",	  "\n",	    "\r\n",    "#",
		" ",	"\t",	  "yes",  "both", "7",	    "-1",      "99999999999999",
		"\xff", "\u202e", "\x1b", "a",	  "\u00e9", "--",      "\xef\xbb\xbf",
	};
	struct rng_seeded r;
	struct options *o = options_new();

	(void)state;
	rng_seeded_init(&r, 1);
	for (int i = 0; i < 30000; i++) {
		char text[512] = "", *why = NULL;
		enum err e;
		for (uint32_t n = rng_uniform(&r.rng, 12); n > 0; n--)
			strcat(text, pieces[rng_uniform(&r.rng, 28)]);
		e = options_parse(o, slice_str(text), "f", OPTION_COMMON, &why);
		assert_int_equal(e == ERR_OK, why == NULL);
		if (why != NULL) {
			char *safe = text_safe(slice_str(why), TEXT_NAME, 0);
			assert_memory_equal(why, "f:", 2);
			assert_string_equal(why, safe);
			mem_free(safe);
		}
		mem_free(why);
	}
	options_free(o);
}

static void a_missing_file_is_no_error(void **state)
{
	struct options *o = options_new();
	char *path = tempdir_path(*state, "no/config"), *why = NULL;

	assert_int_equal(options_load(o, path, OPTION_COMMON, &why), ERR_OK);
	assert_null(why);
	mem_free(path);
	options_free(o);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	struct options *o = options_new();
	char *path = tempdir_path(*state, "big"), *why = NULL;
	char *big = mem_new(300 * 1024), *want;

	assert_int_equal(options_load(o, *state, OPTION_COMMON, &why), ERR_IO);
	want = mem_printf("cannot read %s: input or output failed", (char *)*state);
	assert_why(why, want);
	mem_free(want);
	memset(big, '\n', 300 * 1024);
	tempdir_write(path, slice_of(big, 300 * 1024));
	assert_int_equal(options_load(o, path, OPTION_COMMON, &why), ERR_FULL);
	want = mem_printf("%s is longer than 256 KiB", path);
	assert_why(why, want);
	mem_free(want);
	mem_free(big);
	mem_free(path);
	options_free(o);
}

/* ---- saving ---- */

/* What a profile's file is after these have been set while running. */
static void assert_saved(const char *dir, const char *common, const char *before,
			 const char *const (*sets)[2], const char *after)
{
	struct options *o = options_new();
	char *path = tempdir_path(dir, "p.conf"), *text;
	struct stat st;

	unlink(path);
	options_put_file(o, common, OPTION_COMMON);
	if (before != NULL) {
		tempdir_write(path, slice_str(before));
		assert_int_equal(options_load(o, path, OPTION_PROFILE, NULL), ERR_OK);
	}
	for (; sets != NULL && (*sets)[0] != NULL; sets++)
		options_put(o, option_find((*sets)[0]), (*sets)[1], OPTION_SET);
	assert_int_equal(options_save(o, path), ERR_OK);
	text = tempdir_read(path);
	assert_string_equal(text, after);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	mem_free(text);
	mem_free(path);
	options_free(o);
}

#define SETS(...) ((const char *const[][2]){__VA_ARGS__, {NULL, NULL}})

static void saving_writes_what_differs(void **state)
{
	assert_saved(*state, "", NULL, NULL, "");
	assert_saved(*state, "", NULL, SETS({"port", "7"}, {"lan", "off"}),
		     "port = 7\nlan = no\n");
	assert_saved(*state, "", NULL, SETS({"port", "0"}), "");
	assert_saved(*state, "port = 7\n", NULL, SETS({"port", "7"}), "");
	assert_saved(*state, "port = 7\n", NULL, SETS({"port", "0"}), "port = 0\n");
	assert_saved(*state, "", NULL, SETS({"peer", "a"}, {"peer", "b"}),
		     "peer = a\npeer = b\n");
	assert_saved(*state, "nick = bob\n", NULL, SETS({"nick", ""}), "nick =\n");
}

static void saving_keeps_comments_and_order(void **state)
{
	static const char before[] =
		"# mine\n\nport =  7  \n  # nick\nnick=bob\nlan = 0\n";

	assert_saved(*state, "", before, NULL, before);
	assert_saved(*state, "", before, SETS({"nick", "eve"}),
		     "# mine\n\nport =  7  \n  # nick\nnick = eve\nlan = 0\n");
	assert_saved(*state, "", before, SETS({"port", "7"}), before);
	assert_saved(*state, "", before, SETS({"port", "0"}),
		     "# mine\n\n  # nick\nnick=bob\nlan = 0\n");
	assert_saved(*state, "", "# no newline", SETS({"port", "1"}),
		     "# no newline\nport = 1\n");
	assert_saved(*state, "", "port = 1\nport = 2\n", SETS({"port", "3"}),
		     "port = 3\n");
	/* What a person wrote stays, even if it says nothing new. */
	assert_saved(*state, "", "port = 0\n", NULL, "port = 0\n");
	assert_saved(*state, "", "port = 0\n", SETS({"port", "0"}), "port = 0\n");
}

static void saving_a_list(void **state)
{
	assert_saved(*state, "peer = x\n", "#1\npeer = a\n#2\npeer = b\n", NULL,
		     "#1\npeer = a\n#2\npeer = b\n");
	assert_saved(*state, "peer = x\n", "#1\npeer = a\n#2\n", SETS({"peer", "c"}),
		     "#1\npeer = a\n#2\npeer = c\n");
	assert_saved(*state, "peer = x\n", "#1\npeer = a\n", SETS({"peer", ""}),
		     "#1\npeer =\n");
	assert_saved(*state, "peer = x\n", "peer = a\n",
		     SETS({"peer", ""}, {"peer", "d"}), "peer =\npeer = d\n");
}

static void what_was_saved_is_read_again(void **state)
{
	char *path = tempdir_path(*state, "p.conf");
	struct options *a = options_new(), *b = options_new();

	options_put(a, OPT_nick, "B\u00f6b #1", OPTION_SET);
	options_put(a, OPT_status, "= a = b =", OPTION_SET);
	options_put(a, OPT_port, "9", OPTION_SET);
	options_put(a, OPT_ip, "6", OPTION_SET);
	options_put(a, OPT_peer, "one", OPTION_SET);
	options_put(a, OPT_peer, "#two", OPTION_SET);
	assert_int_equal(options_save(a, path), ERR_OK);
	assert_int_equal(options_load(b, path, OPTION_PROFILE, NULL), ERR_OK);
	for (int i = 0; i < OPT_COUNT; i++) {
		enum option id = (enum option)i;
		if (option_row(id)->kind != OPTION_LIST)
			assert_string_equal(options_str(a, id), options_str(b, id));
	}
	assert_list(b, OPT_peer, "|one|#two");
	options_free(a);
	options_free(b);
	mem_free(path);
}

static void removed_items_do_not_come_back(void **state)
{
	static const char common[] = "peer = x\npeer = y\n",
			  own[] = "peer = a\npeer = b\n";
	char *path = tempdir_path(*state, "p.conf"), *text;
	struct options *o = options_new(), *again = options_new();

	options_put_file(o, common, OPTION_COMMON);
	tempdir_write(path, slice_str(own));
	options_load(o, path, OPTION_PROFILE, NULL);
	assert_int_equal(options_list_del(o, OPT_peer, "a"), ERR_OK);
	assert_int_equal(options_save(o, path), ERR_OK);
	text = tempdir_read(path);
	assert_string_equal(text, "peer = b\n");
	mem_free(text);
	assert_int_equal(options_list_del(o, OPT_peer, "x"), ERR_OK);
	assert_int_equal(options_save(o, path), ERR_OK);
	options_put_file(again, common, OPTION_COMMON);
	options_load(again, path, OPTION_PROFILE, NULL);
	assert_list(again, OPT_peer, "|y|b");
	options_free(o);
	options_free(again);
	mem_free(path);
}

static void the_command_line_is_not_saved(void **state)
{
	char *path = tempdir_path(*state, "p.conf"), *text;
	struct options *o = options_new();

	tempdir_write(path, slice_str("port = 7\npeer = a\n"));
	options_load(o, path, OPTION_PROFILE, NULL);
	options_put(o, OPT_port, "8", OPTION_CMDLINE);
	options_put(o, OPT_lan, "no", OPTION_CMDLINE);
	options_put(o, OPT_peer, "b", OPTION_CMDLINE);
	options_put(o, OPT_peer, "c", OPTION_SET);
	assert_int_equal(options_save(o, path), ERR_OK);
	text = tempdir_read(path);
	assert_string_equal(text, "port = 7\npeer = a\npeer = c\n");
	mem_free(text);
	options_free(o);
	mem_free(path);
}

static void a_list_shut_out_for_this_run_stays_in_the_file(void **state)
{
	char *path = tempdir_path(*state, "p.conf"), *text;
	struct options *o = options_new();

	tempdir_write(path, slice_str("peer = a\n"));
	options_put(o, OPT_peer, "", OPTION_CMDLINE);
	options_load(o, path, OPTION_PROFILE, NULL);
	assert_list(o, OPT_peer, "");
	options_put(o, OPT_peer, "b", OPTION_SET);
	assert_int_equal(options_save(o, path), ERR_OK);
	text = tempdir_read(path);
	assert_string_equal(text, "peer = a\npeer = b\n");
	mem_free(text);
	options_free(o);
	mem_free(path);
}

static void lines_added_meanwhile_stay(void **state)
{
	char *path = tempdir_path(*state, "p.conf"), *text;
	struct options *o = options_new();

	tempdir_write(path, slice_str("peer = a\n"));
	options_load(o, path, OPTION_PROFILE, NULL);
	tempdir_write(path, slice_str("peer = a\npeer = b\nnick = bob\n"));
	options_put(o, OPT_port, "5", OPTION_SET);
	assert_int_equal(options_save(o, path), ERR_OK);
	text = tempdir_read(path);
	assert_string_equal(text, "peer = a\npeer = b\nnick = bob\nport = 5\n");
	mem_free(text);
	options_free(o);
	mem_free(path);
}

static void saving_says_why_it_failed(void **state)
{
	char *path = tempdir_path(*state, "no/p.conf");
	struct options *o = options_new();

	assert_int_equal(options_save(o, path), ERR_MISSING);
	assert_int_equal(options_save(o, *state), ERR_IO);
	options_free(o);
	mem_free(path);
}

#define IN_DIR(name) \
	cmocka_unit_test_setup_teardown(name, tempdir_setup, tempdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_lines_and_comments),
		cmocka_unit_test(an_error_names_file_and_line),
		cmocka_unit_test(a_file_with_an_error_sets_nothing),
		cmocka_unit_test(a_nul_byte_is_no_text),
		cmocka_unit_test(any_file_can_be_tried),
		IN_DIR(a_missing_file_is_no_error),
		IN_DIR(a_file_that_cannot_be_read_is_named),
		IN_DIR(saving_writes_what_differs),
		IN_DIR(saving_keeps_comments_and_order),
		IN_DIR(saving_a_list),
		IN_DIR(what_was_saved_is_read_again),
		IN_DIR(removed_items_do_not_come_back),
		IN_DIR(the_command_line_is_not_saved),
		IN_DIR(a_list_shut_out_for_this_run_stays_in_the_file),
		IN_DIR(lines_added_meanwhile_stay),
		IN_DIR(saving_says_why_it_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
