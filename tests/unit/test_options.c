#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/text.h"
#include "lib/options_put.h"

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
		options_put(o, id, options_str(o, id), OPTION_CMDLINE);
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
		{OPT_accept_from, "everyone", "all"},
		{OPT_accept_from, "contacts", "contacts"},
		{OPT_nick, " Bob B ", "Bob B"},
		{OPT_nick, "", ""},
		{OPT_status, "#1 \u5c71", "#1 \u5c71"},
	};
	struct options *o = options_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		options_put(o, rows[i].id, rows[i].value, OPTION_SET);
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
		options_put(o, OPT_profile, good[i], OPTION_CMDLINE);
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
			options_put(o, OPT_port, values[first],
				    (enum option_source)first);
			options_put(o, OPT_port, values[second],
				    (enum option_source)second);
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
	options_put(o, OPT_port, "1", OPTION_PROFILE);
	options_put(o, OPT_port, "2", OPTION_PROFILE);
	assert_int_equal(options_int(o, OPT_port), 2);
	options_put(o, OPT_nick, options_str(o, OPT_nick), OPTION_SET);
	options_put(o, OPT_nick, "bob", OPTION_SET);
	options_put(o, OPT_nick, options_str(o, OPT_nick), OPTION_SET);
	assert_string_equal(options_str(o, OPT_nick), "bob");
	options_free(o);
}

static void lists_grow_in_the_order_of_their_sources(void **state)
{
	struct options *o = options_new();

	(void)state;
	options_put(o, OPT_peer, "line1", OPTION_CMDLINE);
	options_put(o, OPT_peer, "common1", OPTION_COMMON);
	options_put(o, OPT_peer, "line2", OPTION_CMDLINE);
	options_put(o, OPT_peer, "common2", OPTION_COMMON);
	options_put(o, OPT_peer, "profile", OPTION_PROFILE);
	assert_list(o, OPT_peer, "|common1|common2|profile|line1|line2");
	assert_int_equal(options_source(o, OPT_peer), OPTION_CMDLINE);
	options_put(o, OPT_peer, "common1", OPTION_COMMON);
	assert_list(o, OPT_peer, "|common1|common2|profile|line1|line2");
	options_put(o, OPT_peer, "common1", OPTION_SET);
	assert_list(o, OPT_peer, "|common2|profile|line1|line2|common1");
	options_free(o);
}

static void an_empty_text_empties_a_list(void **state)
{
	struct options *o = options_new();

	(void)state;
	options_put(o, OPT_peer, "common", OPTION_COMMON);
	options_put(o, OPT_peer, "line", OPTION_CMDLINE);
	options_put(o, OPT_peer, "", OPTION_PROFILE);
	assert_list(o, OPT_peer, "|line");
	options_put(o, OPT_peer, "late", OPTION_COMMON); /* shut out */
	options_put(o, OPT_peer, "profile", OPTION_PROFILE);
	assert_list(o, OPT_peer, "|profile|line");
	options_put(o, OPT_peer, "  ", OPTION_SET);
	assert_list(o, OPT_peer, "");
	assert_int_equal(options_source(o, OPT_peer), OPTION_SET);
	options_put(o, OPT_interface, "eth0", OPTION_PROFILE);
	options_put(o, OPT_interface, "", OPTION_PROFILE);
	assert_list(o, OPT_interface, "");
	options_free(o);
}

static void one_item_can_be_removed(void **state)
{
	struct options *o = options_new();

	(void)state;
	options_put(o, OPT_peer, "a", OPTION_PROFILE);
	options_put(o, OPT_peer, "b", OPTION_PROFILE);
	options_put(o, OPT_peer, "c", OPTION_PROFILE);
	assert_int_equal(options_list_del(o, OPT_peer, "b"), ERR_OK);
	assert_int_equal(options_list_del(o, OPT_peer, "b"), ERR_UNKNOWN);
	assert_list(o, OPT_peer, "|a|c");
	options_free(o);
}

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
