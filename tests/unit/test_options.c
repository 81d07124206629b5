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
#include "lib/tempdir.h"

/* Takes the reason and compares. */
static void assert_why(char *why, const char *want)
{
	assert_non_null(why);
	assert_string_equal(why, want);
	mem_free(why);
}

static void set(struct options *o, enum option id, const char *value,
		enum option_source source)
{
	char *why = NULL;

	if (options_set(o, id, value, source, &why) != ERR_OK)
		fail_msg("%s", why);
}

static void parse(struct options *o, const char *text, enum option_source source)
{
	char *why = NULL;

	if (options_parse(o, slice_str(text), "f", source, &why) != ERR_OK)
		fail_msg("%s", why);
}

/* The items of a list with a bar before each. */
static void assert_list(const struct options *o, enum option id, const char *want)
{
	char all[512] = "";

	for (size_t i = 0; i < options_list_count(o, id); i++) {
		strcat(all, "|");
		strcat(all, options_list(o, id, i));
	}
	assert_string_equal(all, want);
}

/* ---- the table ---- */

static void every_row_is_sound(void **state)
{
	struct options *o = options_new();

	(void)state;
	for (int i = 0; i < OPT_COUNT; i++) {
		enum option id = (enum option)i;
		const struct option_row *row = option_row(id);
		assert_int_equal(option_find(row->name), id);
		assert_true(strlen(row->help) > 0);
		assert_true(row->min <= row->max);
		assert_int_equal(options_source(o, id), OPTION_DEFAULT);
		if (row->kind == OPTION_LIST) {
			assert_int_equal(options_list_count(o, id), 0);
			continue;
		}
		/* A default is a value that may be given. */
		set(o, id, options_str(o, id), OPTION_CMDLINE);
		assert_int_equal(options_source(o, id), OPTION_CMDLINE);
	}
	options_free(o);
	options_free(NULL);
}

static void names_are_found_in_both_spellings(void **state)
{
	(void)state;
	assert_int_equal(option_find("eager_peers"), OPT_eager_peers);
	assert_int_equal(option_find("eager-peers"), OPT_eager_peers);
	assert_int_equal(option_find("eager peers"), OPT_COUNT);
	assert_int_equal(option_find("eager"), OPT_COUNT);
	assert_int_equal(option_find("eager_peers_"), OPT_COUNT);
	assert_int_equal(option_find(""), OPT_COUNT);
	assert_int_equal(option_find("Port"), OPT_COUNT);
}

static void defaults_are_those_of_the_table(void **state)
{
	struct options *o = options_new();

	(void)state;
	assert_string_equal(options_str(o, OPT_profile), "default");
	assert_int_equal(options_int(o, OPT_port), 0);
	assert_int_equal(options_int(o, OPT_wait), -1);
	assert_true(options_bool(o, OPT_lan));
	assert_false(options_bool(o, OPT_json));
	assert_string_equal(options_str(o, OPT_discovery), "auto");
	assert_int_equal(options_enum(o, OPT_discovery), 0);
	options_free(o);
}

/* ---- values ---- */

static void values_are_stored_in_one_spelling(void **state)
{
	static const struct {
		enum option id;
		const char *value, *stored;
	} rows[] = {
		{OPT_port, "7117", "7117"},
		{OPT_port, "00080", "80"},
		{OPT_port, " 65535\t", "65535"},
		{OPT_port, "-0", "0"},
		{OPT_lan, "no", "no"},
		{OPT_lan, "OFF", "no"},
		{OPT_lan, "true", "yes"},
		{OPT_lan, "1", "yes"},
		{OPT_lan, "0", "no"},
		{OPT_discovery, "avahi", "avahi"},
		{OPT_discovery, "Off", "off"},
		{OPT_nick, " Bob B ", "Bob B"},
		{OPT_nick, "", ""},
		{OPT_status, "#1 \u5c71", "#1 \u5c71"},
	};
	struct options *o = options_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set(o, rows[i].id, rows[i].value, OPTION_SET);
		assert_string_equal(options_str(o, rows[i].id), rows[i].stored);
	}
	assert_int_equal(options_enum(o, OPT_discovery), 3);
	options_free(o);
}

static void a_wrong_value_says_what_would_be_right(void **state)
{
	static const struct {
		enum option id;
		const char *value;
		enum err err;
		const char *why;
	} rows[] = {
		{OPT_port, "x", ERR_USAGE, "port takes 0 to 65535, not 'x'"},
		{OPT_port, "", ERR_USAGE, "port takes 0 to 65535, not ''"},
		{OPT_port, "1x", ERR_USAGE, "port takes 0 to 65535, not '1x'"},
		{OPT_port, "+1", ERR_USAGE, "port takes 0 to 65535, not '+1'"},
		{OPT_port, "0x10", ERR_USAGE, "port takes 0 to 65535, not '0x10'"},
		{OPT_port, "--1", ERR_USAGE, "port takes 0 to 65535, not '--1'"},
		{OPT_port, "-", ERR_USAGE, "port takes 0 to 65535, not '-'"},
		{OPT_port, "-1", ERR_RANGE, "port takes 0 to 65535, not '-1'"},
		{OPT_port, "65536", ERR_RANGE, "port takes 0 to 65535, not '65536'"},
		{OPT_port, "4294967297", ERR_RANGE,
		 "port takes 0 to 65535, not '4294967297'"},
		{OPT_port, "99999999999999999999999", ERR_RANGE,
		 "port takes 0 to 65535, not '99999999999999999999999'"},
		{OPT_port, "1\x1b[31m", ERR_USAGE,
		 "port takes 0 to 65535, not '1\\u{1B}[31m'"},
		{OPT_lan, "maybe", ERR_USAGE, "lan takes yes or no, not 'maybe'"},
		{OPT_ip, "5", ERR_USAGE, "ip takes both, 4 or 6, not '5'"},
		{OPT_ip, "both|4", ERR_USAGE, "ip takes both, 4 or 6, not 'both|4'"},
		{OPT_ip, "", ERR_USAGE, "ip takes both, 4 or 6, not ''"},
		{OPT_ip, "bot", ERR_USAGE, "ip takes both, 4 or 6, not 'bot'"},
		{OPT_visibility, "x", ERR_USAGE,
		 "visibility takes all or hidden, not 'x'"},
		{OPT_status, "a\nb", ERR_USAGE,
		 "status takes up to 140 bytes of plain text, not 'a\\u{A}b'"},
		{OPT_status, "\xff", ERR_USAGE,
		 "status takes up to 140 bytes of plain text, not '\\xff'"},
		{OPT_interface, "a name of sixteen", ERR_RANGE,
		 "interface takes up to 15 bytes of plain text, not 'a name of sixteen'"},
		{OPT_nick, "@bob", ERR_USAGE,
		 "nick takes up to 64 bytes of plain text that does not begin with one "
		 "of "
		 "# @ + / -, not '@bob'"},
	};
	struct options *o = options_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *why = NULL;
		assert_int_equal(
			options_set(o, rows[i].id, rows[i].value, OPTION_SET, &why),
			rows[i].err);
		assert_why(why, rows[i].why);
		assert_int_equal(
			options_set(o, rows[i].id, rows[i].value, OPTION_SET, NULL),
			rows[i].err);
		assert_int_equal(options_source(o, rows[i].id), OPTION_DEFAULT);
	}
	options_free(o);
}

static void a_long_wrong_value_is_shown_in_part(void **state)
{
	struct options *o = options_new();
	char value[10000], *why = NULL;

	(void)state;
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(options_set(o, OPT_status, value, OPTION_SET, &why), ERR_RANGE);
	assert_true(strlen(why) < 200);
	mem_free(why);
	options_free(o);
}

static void texts_have_their_limits(void **state)
{
	struct options *o = options_new();
	char text[142];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[140] = '\0';
	assert_int_equal(options_set(o, OPT_status, text, OPTION_SET, NULL), ERR_OK);
	text[140] = 'x';
	text[141] = '\0';
	assert_int_equal(options_set(o, OPT_status, text, OPTION_SET, NULL), ERR_RANGE);
	assert_int_equal(options_set(o, OPT_profile, "", OPTION_CMDLINE, NULL),
			 ERR_RANGE);
	options_free(o);
}

/* It becomes a folder below the user's own. */
static void a_profile_is_no_path(void **state)
{
	static const char *const bad[] = {"..",	  ".",	     "../x", "a/b",
					  "/etc", ".hidden", "-x",   "a b",
					  "a\\b", "\u00e9",  "a:b",  "_x"};
	static const char *const good[] = {"default", "a", "7", "work.old-2_b"};
	struct options *o = options_new();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			options_set(o, OPT_profile, bad[i], OPTION_CMDLINE, NULL),
			ERR_USAGE);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		set(o, OPT_profile, good[i], OPTION_CMDLINE);
	options_free(o);
}

static void some_options_belong_to_the_command_line(void **state)
{
	struct options *o = options_new();
	char *why = NULL;

	(void)state;
	assert_int_equal(options_set(o, OPT_json, "yes", OPTION_SET, &why), ERR_USAGE);
	assert_why(why, "json can be given only on the command line: --json");
	assert_int_equal(
		options_parse(o, slice_str("profile = x\n"), "f", OPTION_COMMON, &why),
		ERR_USAGE);
	assert_why(why, "f:1: profile can be given only on the command line: --profile");
	assert_false(options_bool(o, OPT_json));
	options_free(o);
}

/* ---- sources ---- */

static void the_later_source_wins_in_any_order(void **state)
{
	static const char *const values[] = {"", "1001", "1002", "1003", "1004"};

	(void)state;
	for (int first = OPTION_COMMON; first <= OPTION_SET; first++) {
		for (int second = OPTION_COMMON; second <= OPTION_SET; second++) {
			struct options *o = options_new();
			int winner = first > second ? first : second;
			set(o, OPT_port, values[first], (enum option_source)first);
			set(o, OPT_port, values[second], (enum option_source)second);
			assert_string_equal(options_str(o, OPT_port), values[winner]);
			assert_int_equal(options_int(o, OPT_port), 1000 + winner);
			assert_int_equal(options_source(o, OPT_port), winner);
			options_free(o);
		}
	}
}

static void a_source_may_change_its_mind(void **state)
{
	struct options *o = options_new();

	(void)state;
	set(o, OPT_port, "1", OPTION_PROFILE);
	set(o, OPT_port, "2", OPTION_PROFILE);
	assert_int_equal(options_int(o, OPT_port), 2);
	set(o, OPT_nick, options_str(o, OPT_nick), OPTION_SET);
	set(o, OPT_nick, "bob", OPTION_SET);
	set(o, OPT_nick, options_str(o, OPT_nick), OPTION_SET);
	assert_string_equal(options_str(o, OPT_nick), "bob");
	options_free(o);
}

static void lists_grow_in_the_order_of_their_sources(void **state)
{
	struct options *o = options_new();

	(void)state;
	set(o, OPT_peer, "line1", OPTION_CMDLINE);
	set(o, OPT_peer, "common1", OPTION_COMMON);
	set(o, OPT_peer, "line2", OPTION_CMDLINE);
	set(o, OPT_peer, "common2", OPTION_COMMON);
	set(o, OPT_peer, "profile", OPTION_PROFILE);
	assert_list(o, OPT_peer, "|common1|common2|profile|line1|line2");
	assert_int_equal(options_source(o, OPT_peer), OPTION_CMDLINE);
	set(o, OPT_peer, "common1", OPTION_COMMON);
	assert_list(o, OPT_peer, "|common1|common2|profile|line1|line2");
	set(o, OPT_peer, "common1", OPTION_SET);
	assert_list(o, OPT_peer, "|common2|profile|line1|line2|common1");
	options_free(o);
}

static void an_empty_text_empties_a_list(void **state)
{
	struct options *o = options_new();

	(void)state;
	set(o, OPT_peer, "common", OPTION_COMMON);
	set(o, OPT_peer, "line", OPTION_CMDLINE);
	set(o, OPT_peer, "", OPTION_PROFILE);
	assert_list(o, OPT_peer, "|line");
	set(o, OPT_peer, "late", OPTION_COMMON); /* shut out */
	set(o, OPT_peer, "profile", OPTION_PROFILE);
	assert_list(o, OPT_peer, "|profile|line");
	set(o, OPT_peer, "  ", OPTION_SET);
	assert_list(o, OPT_peer, "");
	assert_int_equal(options_source(o, OPT_peer), OPTION_SET);
	set(o, OPT_interface, "eth0", OPTION_PROFILE);
	set(o, OPT_interface, "", OPTION_PROFILE);
	assert_list(o, OPT_interface, "");
	options_free(o);
}

static void one_item_can_be_removed(void **state)
{
	struct options *o = options_new();

	(void)state;
	set(o, OPT_peer, "a", OPTION_PROFILE);
	set(o, OPT_peer, "b", OPTION_PROFILE);
	set(o, OPT_peer, "c", OPTION_PROFILE);
	assert_int_equal(options_list_del(o, OPT_peer, "b"), ERR_OK);
	assert_int_equal(options_list_del(o, OPT_peer, "b"), ERR_UNKNOWN);
	assert_list(o, OPT_peer, "|a|c");
	options_free(o);
}

/* ---- files ---- */

static void a_file_has_lines_and_comments(void **state)
{
	struct options *o = options_new();

	(void)state;
	parse(o,
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
	parse(o, common, OPTION_COMMON);
	if (before != NULL) {
		tempdir_write(path, slice_str(before));
		assert_int_equal(options_load(o, path, OPTION_PROFILE, NULL), ERR_OK);
	}
	for (; sets != NULL && (*sets)[0] != NULL; sets++)
		set(o, option_find((*sets)[0]), (*sets)[1], OPTION_SET);
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

	set(a, OPT_nick, "B\u00f6b #1", OPTION_SET);
	set(a, OPT_status, "= a = b =", OPTION_SET);
	set(a, OPT_port, "9", OPTION_SET);
	set(a, OPT_ip, "6", OPTION_SET);
	set(a, OPT_peer, "one", OPTION_SET);
	set(a, OPT_peer, "#two", OPTION_SET);
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

	parse(o, common, OPTION_COMMON);
	tempdir_write(path, slice_str(own));
	options_load(o, path, OPTION_PROFILE, NULL);
	assert_int_equal(options_list_del(o, OPT_peer, "a"), ERR_OK);
	assert_int_equal(options_save(o, path), ERR_OK);
	text = tempdir_read(path);
	assert_string_equal(text, "peer = b\n");
	mem_free(text);
	assert_int_equal(options_list_del(o, OPT_peer, "x"), ERR_OK);
	assert_int_equal(options_save(o, path), ERR_OK);
	parse(again, common, OPTION_COMMON);
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
	set(o, OPT_port, "8", OPTION_CMDLINE);
	set(o, OPT_lan, "no", OPTION_CMDLINE);
	set(o, OPT_peer, "b", OPTION_CMDLINE);
	set(o, OPT_peer, "c", OPTION_SET);
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
	set(o, OPT_peer, "", OPTION_CMDLINE);
	options_load(o, path, OPTION_PROFILE, NULL);
	assert_list(o, OPT_peer, "");
	set(o, OPT_peer, "b", OPTION_SET);
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
	set(o, OPT_port, "5", OPTION_SET);
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

/* ---- the command line ---- */

enum { ARGS_MAX = 16 };

/* args: words separated by one space. Returns what is left in the same way. */
static enum err take_argv(struct options *o, const char *args, char *left, char **why)
{
	char *copy = mem_strdup(args), *argv[ARGS_MAX], *words[ARGS_MAX], *p = copy;
	int argc = 0, n = -1;
	enum err e;

	while (p != NULL && *args != '\0' && argc < ARGS_MAX)
		argv[argc++] = strsep(&p, " ");
	e = options_argv(o, argc, argv, words, &n, why);
	left[0] = '\0';
	for (int i = 0; i < n; i++) {
		strcat(left, i > 0 ? " " : "");
		strcat(left, words[i]);
	}
	mem_free(copy);
	return e;
}

static void options_are_taken_wherever_they_stand(void **state)
{
	struct options *o = options_new();
	char left[256];

	(void)state;
	assert_int_equal(take_argv(o,
				   "--port 7 send --json bob --nick=a=b f --no-lan "
				   "--peer x --peer=y --eager_peers 5",
				   left, NULL),
			 ERR_OK);
	assert_string_equal(left, "send bob f");
	assert_int_equal(options_int(o, OPT_port), 7);
	assert_int_equal(options_int(o, OPT_eager_peers), 5);
	assert_true(options_bool(o, OPT_json));
	assert_false(options_bool(o, OPT_lan));
	assert_string_equal(options_str(o, OPT_nick), "a=b");
	assert_list(o, OPT_peer, "|x|y");
	assert_int_equal(options_source(o, OPT_port), OPTION_CMDLINE);
	options_free(o);
}

static void nothing_is_taken_behind_two_dashes(void **state)
{
	struct options *o = options_new();
	char left[256];

	(void)state;
	assert_int_equal(take_argv(o, "msg bob -- --json -- --port x", left, NULL),
			 ERR_OK);
	assert_string_equal(left, "msg bob -- --json -- --port x");
	assert_false(options_bool(o, OPT_json));
	options_free(o);
}

static void options_of_verbs_are_left(void **state)
{
	static const char *const args[] = {
		"",
		"-",
		"msg bob -",
		"history bob -n 5",
		"receive --from bob --once",
		"--help",
		"--no-port",
		"--no-json=yes",
		"--no",
		"--=x",
		"---json",
		"--jso",
		"--jsonx",
	};
	struct options *o = options_new();
	char left[256];

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		assert_int_equal(take_argv(o, args[i], left, NULL), ERR_OK);
		assert_string_equal(left, args[i]);
	}
	options_free(o);
}

static void a_yes_or_no_option_takes_no_word(void **state)
{
	struct options *o = options_new();
	char left[256];

	(void)state;
	assert_int_equal(take_argv(o, "--json no --lan=off", left, NULL), ERR_OK);
	assert_string_equal(left, "no");
	assert_true(options_bool(o, OPT_json));
	assert_false(options_bool(o, OPT_lan));
	assert_int_equal(take_argv(o, "--no-json", left, NULL), ERR_OK);
	assert_false(options_bool(o, OPT_json));
	options_free(o);
}

static void a_wrong_option_says_what_to_type(void **state)
{
	static const char *const rows[][2] = {
		{"--port x", "--port takes 0 to 65535, not 'x'"},
		{"--port=", "--port takes 0 to 65535, not ''"},
		{"msg --port", "--port needs a value: 0 to 65535"},
		{"--eager_peers -1", "--eager-peers takes 0 to 4096, not '-1'"},
		{"--json=7", "--json takes yes or no, not '7'"},
		{"--profile ../x",
		 "--profile takes up to 32 of a-z, A-Z, 0-9, '.', '_' and '-', beginning "
		 "with a letter or digit, not '../x'"},
		{"--ip", "--ip needs a value: both, 4 or 6"},
	};
	struct options *o = options_new();
	char left[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *why = NULL;
		assert_int_equal(err_class(take_argv(o, rows[i][0], left, &why)),
				 ERRC_USER);
		assert_why(why, rows[i][1]);
		assert_int_equal(err_class(take_argv(o, rows[i][0], left, NULL)),
				 ERRC_USER);
	}
	options_free(o);
}

#define IN_DIR(name) \
	cmocka_unit_test_setup_teardown(name, tempdir_setup, tempdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_sound),
		cmocka_unit_test(names_are_found_in_both_spellings),
		cmocka_unit_test(defaults_are_those_of_the_table),
		cmocka_unit_test(values_are_stored_in_one_spelling),
		cmocka_unit_test(a_wrong_value_says_what_would_be_right),
		cmocka_unit_test(a_long_wrong_value_is_shown_in_part),
		cmocka_unit_test(texts_have_their_limits),
		cmocka_unit_test(a_profile_is_no_path),
		cmocka_unit_test(some_options_belong_to_the_command_line),
		cmocka_unit_test(the_later_source_wins_in_any_order),
		cmocka_unit_test(a_source_may_change_its_mind),
		cmocka_unit_test(lists_grow_in_the_order_of_their_sources),
		cmocka_unit_test(an_empty_text_empties_a_list),
		cmocka_unit_test(one_item_can_be_removed),
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
		cmocka_unit_test(options_are_taken_wherever_they_stand),
		cmocka_unit_test(nothing_is_taken_behind_two_dashes),
		cmocka_unit_test(options_of_verbs_are_left),
		cmocka_unit_test(a_yes_or_no_option_takes_no_word),
		cmocka_unit_test(a_wrong_option_says_what_to_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
