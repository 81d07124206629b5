#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/config.h"
#include "lib/hostile.h"
#include "lib/tempdir.h"

static struct paths paths;
static struct options *options, *files;

static int setup(void **state)
{
	if (tempdir_setup(state) != 0)
		return -1;
	paths.config = tempdir_path(*state, "config");
	paths.profile_config = tempdir_path(*state, "ada.conf");
	options = options_new();
	files = options_new();
	return 0;
}

static int teardown(void **state)
{
	paths_wipe(&paths);
	options_free(options);
	options_free(files);
	return tempdir_teardown(state);
}

static void write_config(const char *common, const char *profile)
{
	tempdir_write(paths.config, slice_str(common));
	tempdir_write(paths.profile_config, slice_str(profile));
}

static void load_both(void)
{
	char *why = NULL;
	assert_int_equal(config_load(options, &paths, &why), ERR_OK);
	assert_int_equal(config_load(files, &paths, &why), ERR_OK);
	assert_null(why);
	config_name_me(options);
	config_name_me(files);
}

static void missing_files_are_no_fault(void **state)
{
	(void)state;
	load_both();
	assert_int_equal(options_int(options, OPT_port), 0);
}

static void the_profile_wins_over_the_common_file(void **state)
{
	(void)state;
	write_config("port = 7200\nlan = no\n", "port = 7201\n");
	load_both();
	assert_int_equal(options_int(options, OPT_port), 7201);
	assert_false(options_bool(options, OPT_lan));
}

static void the_command_line_wins_over_files(void **state)
{
	(void)state;
	options_set(options, OPT_port, "7300", OPTION_CMDLINE, NULL);
	write_config("port = 7200\n", "port = 7201\n");
	load_both();
	assert_int_equal(options_int(options, OPT_port), 7300);
}

static void a_fault_is_told_with_file_and_line(void **state)
{
	char *why = NULL;
	(void)state;
	write_config("lan = yes\n\nport = many\n", "");
	assert_int_not_equal(config_load(options, &paths, &why), ERR_OK);
	assert_non_null(strstr(why, "config:3: "));
	mem_free(why);
}

static void nicks_are_made_of_logins(void **state)
{
	static const struct {
		const char *login, *nick;
	} rows[] = {
		{"ada", "ada"},
		{"ada.l", "ada.l"},
		{"_apt", "_apt"},
		{"#ada", "ada"},
		{"-ada-", "ada-"},
		{" ada ", "ada"},
		{"\xff\xfe", "user"},
		{"\x1b[2Jx", "2Jx"},
		{"", "user"},
		{NULL, "user"},
		{"J\xc3\xb6rg", "J\xc3\xb6rg"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *nick = config_nick_of(rows[i].login);
		assert_string_equal(nick, rows[i].nick);
		mem_free(nick);
	}
}

static void try_login(void *ctx, const char *text)
{
	char *nick = config_nick_of(text);
	(void)ctx;
	assert_true(text_is_nick(slice_str(nick)));
	mem_free(nick);
}

static void any_login_makes_a_valid_nick(void **state)
{
	(void)state;
	hostile_each(try_login, NULL);
}

/* The name of the login is no choice of the user: it is not written to the file. */
static void a_made_nick_is_not_saved(void **state)
{
	(void)state;
	config_name_me(options);
	assert_true(*options_str(options, OPT_nick));
	assert_int_equal(options_source(options, OPT_nick), OPTION_DEFAULT);
	options_set(options, OPT_status, "busy", OPTION_SET, NULL);
	assert_int_equal(options_save(options, paths.profile_config), ERR_OK);
	char *saved = tempdir_read(paths.profile_config);
	assert_null(strstr(saved, "nick"));
	assert_non_null(strstr(saved, "status = busy"));
	mem_free(saved);
}

static void a_chosen_nick_stays(void **state)
{
	(void)state;
	options_set(options, OPT_nick, "ada", OPTION_CMDLINE, NULL);
	config_name_me(options);
	assert_string_equal(options_str(options, OPT_nick), "ada");
}

/* ---- SIGHUP ---- */

static char changed[200];

static void on_change(void *ctx, enum option id)
{
	assert_ptr_equal(ctx, &paths);
	strcat(changed, option_row(id)->name);
	strcat(changed, " ");
}

static void reload(void)
{
	char *why = NULL;
	changed[0] = '\0';
	assert_int_equal(config_reload(options, &files, &paths, on_change, &paths, &why),
			 ERR_OK);
}

static void live_options_change_the_others_do_not(void **state)
{
	(void)state;
	write_config("", "queue_messages = 10\nport = 7200\n");
	load_both();
	write_config("", "queue_messages = 20\nport = 7300\n");
	reload();
	assert_int_equal(options_int(options, OPT_queue_messages), 20);
	assert_int_equal(options_int(options, OPT_port), 7200);
	assert_string_equal(changed, "queue_messages ");
}

static void a_line_taken_out_is_the_default_again(void **state)
{
	(void)state;
	write_config("", "queue_messages = 10\n");
	load_both();
	write_config("", "");
	reload();
	assert_int_equal(options_int(options, OPT_queue_messages), 10000);
}

static void what_the_file_did_not_change_stays_as_it_was_set(void **state)
{
	(void)state;
	write_config("", "queue_messages = 10\n");
	load_both();
	options_set(options, OPT_queue_messages, "30", OPTION_SET, NULL);
	write_config("", "queue_messages = 10\nlan = no\n");
	reload();
	assert_int_equal(options_int(options, OPT_queue_messages), 30);
	assert_false(options_bool(options, OPT_lan));
	/* And a later change of the file counts. */
	write_config("", "queue_messages = 40\nlan = no\n");
	reload();
	assert_int_equal(options_int(options, OPT_queue_messages), 40);
}

static void the_command_line_still_wins(void **state)
{
	(void)state;
	options_set(options, OPT_queue_messages, "30", OPTION_CMDLINE, NULL);
	load_both();
	write_config("", "queue_messages = 40\n");
	reload();
	assert_int_equal(options_int(options, OPT_queue_messages), 30);
	assert_string_equal(changed, "");
}

static void a_wrong_file_changes_nothing(void **state)
{
	char *why = NULL;
	(void)state;
	write_config("", "queue_messages = 10\n");
	load_both();
	write_config("", "queue_messages = 20\nfrob = 1\n");
	assert_int_not_equal(
		config_reload(options, &files, &paths, on_change, NULL, &why), ERR_OK);
	assert_non_null(strstr(why, "ada.conf:2"));
	assert_int_equal(options_int(options, OPT_queue_messages), 10);
	mem_free(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(missing_files_are_no_fault),
		T(the_profile_wins_over_the_common_file),
		T(the_command_line_wins_over_files),
		T(a_fault_is_told_with_file_and_line),
		T(nicks_are_made_of_logins),
		T(any_login_makes_a_valid_nick),
		T(a_made_nick_is_not_saved),
		T(a_chosen_nick_stays),
		T(live_options_change_the_others_do_not),
		T(a_line_taken_out_is_the_default_again),
		T(what_the_file_did_not_change_stays_as_it_was_set),
		T(the_command_line_still_wins),
		T(a_wrong_file_changes_nothing),
#undef T
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
