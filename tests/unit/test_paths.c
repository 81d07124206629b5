#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/paths.h"
#include "lib/hostile.h"
#include "lib/vtcheck.h"

static char *config_home, *data_home, *runtime_dir, *home;

static char *env(const char *name)
{
	const struct {
		const char *name;
		char *value;
	} rows[] = {
		{"XDG_CONFIG_HOME", config_home},
		{"XDG_DATA_HOME", data_home},
		{"XDG_RUNTIME_DIR", runtime_dir},
		{"HOME", home},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(name, rows[i].name) == 0)
			return rows[i].value;
	fail_msg("%s is asked for", name);
	return NULL;
}

static int forget_all(void **state)
{
	(void)state;
	config_home = data_home = runtime_dir = home = NULL;
	return 0;
}

static void home_is_enough(void **state)
{
	static char here[] = "/home/ada";
	struct paths p;
	char *why;
	(void)state;
	home = here;
	assert_int_equal(paths_init(&p, "default", env, &why), ERR_OK);
	assert_string_equal(p.config_dir, "/home/ada/.config/p2pmsg");
	assert_string_equal(p.config, "/home/ada/.config/p2pmsg/config");
	assert_string_equal(p.profile_config, "/home/ada/.config/p2pmsg/default.conf");
	assert_string_equal(p.data_dir, "/home/ada/.local/share/p2pmsg/default");
	assert_string_equal(p.key, "/home/ada/.local/share/p2pmsg/default/key");
	assert_string_equal(p.lock, "/home/ada/.local/share/p2pmsg/default/lock");
	assert_string_equal(p.socket_dir, p.data_dir);
	assert_string_equal(p.socket,
			    "/home/ada/.local/share/p2pmsg/default/default.sock");
	paths_wipe(&p);
}

static void xdg_folders_come_first(void **state)
{
	static char config[] = "/c", data[] = "/d", run[] = "/r";
	struct paths p;
	char *why;
	(void)state;
	config_home = config;
	data_home = data;
	runtime_dir = run;
	/* And no HOME is needed then. */
	assert_int_equal(paths_init(&p, "ada", env, &why), ERR_OK);
	assert_string_equal(p.profile_config, "/c/p2pmsg/ada.conf");
	assert_string_equal(p.data_dir, "/d/p2pmsg/ada");
	assert_string_equal(p.socket_dir, "/r/p2pmsg");
	assert_string_equal(p.socket, "/r/p2pmsg/ada.sock");
	paths_wipe(&p);
}

static void relative_folders_count_as_unset(void **state)
{
	static char config[] = "c", data[] = "", run[] = "./r", here[] = "/home/ada";
	struct paths p;
	char *why;
	(void)state;
	config_home = config;
	data_home = data;
	runtime_dir = run;
	home = here;
	assert_int_equal(paths_init(&p, "ada", env, &why), ERR_OK);
	assert_string_equal(p.config_dir, "/home/ada/.config/p2pmsg");
	assert_string_equal(p.socket_dir, "/home/ada/.local/share/p2pmsg/ada");
	paths_wipe(&p);
}

static void no_home_says_what_to_set(void **state)
{
	static char relative[] = "ada", data[] = "/d";
	struct paths p;
	char *why;
	(void)state;
	home = relative;
	assert_int_equal(paths_init(&p, "ada", env, &why), ERR_MISSING);
	assert_non_null(strstr(why, "HOME is not set"));
	assert_non_null(strstr(why, "XDG_CONFIG_HOME"));
	mem_free(why);
	paths_wipe(&p);
	config_home = data;
	assert_int_equal(paths_init(&p, "ada", env, &why), ERR_MISSING);
	assert_non_null(strstr(why, "XDG_DATA_HOME"));
	mem_free(why);
	paths_wipe(&p);
}

static void a_socket_path_has_107_bytes_at_most(void **state)
{
	enum { FITS = 107 - sizeof "/p2pmsg/ada.sock" + 1 };
	static char data[] = "/d", run[FITS + 2];
	struct paths p;
	char *why;
	(void)state;
	config_home = data_home = data;
	runtime_dir = run;
	memset(run, 'r', sizeof run - 1);
	run[0] = '/';
	run[FITS] = '\0';
	assert_int_equal(paths_init(&p, "ada", env, &why), ERR_OK);
	assert_int_equal(strlen(p.socket), 107);
	paths_wipe(&p);
	run[FITS] = 'r';
	assert_int_equal(paths_init(&p, "ada", env, &why), ERR_RANGE);
	assert_non_null(strstr(why, "108 bytes"));
	assert_non_null(strstr(why, "XDG_RUNTIME_DIR"));
	mem_free(why);
	paths_wipe(&p);
}

static enum err try_profile(const char *profile)
{
	static char data[] = "/d";
	struct paths p;
	char *why;
	config_home = data_home = runtime_dir = data;
	enum err e = paths_init(&p, profile, env, &why);
	if (e != ERR_OK)
		assert_null(vtcheck(slice_str(why), 0));
	else
		assert_null(strchr(p.socket + strlen("/d/p2pmsg/"), '/'));
	mem_free(why);
	paths_wipe(&p);
	return e;
}

static void try_hostile(void *ctx, const char *text)
{
	(void)ctx;
	try_profile(text);
}

static void a_profile_is_a_plain_word(void **state)
{
	static const char *const wrong[] = {"",	    ".",     "..",  ".hidden", "-x",
					    "a/b",  "../a",  "a b", "a\n",     "\xc3\xa4",
					    "a\\b", "$HOME", "a*"};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(try_profile(wrong[i]), ERR_USAGE);
	assert_int_equal(try_profile("ada-2_x.y"), ERR_OK);
	assert_int_equal(try_profile("abcdefghijklmnopqrstuvwxyz012345"), ERR_OK);
	assert_int_equal(try_profile("abcdefghijklmnopqrstuvwxyz0123456"), ERR_USAGE);
	hostile_each(try_hostile, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(home_is_enough, forget_all),
		cmocka_unit_test_setup(xdg_folders_come_first, forget_all),
		cmocka_unit_test_setup(relative_folders_count_as_unset, forget_all),
		cmocka_unit_test_setup(no_home_says_what_to_set, forget_all),
		cmocka_unit_test_setup(a_socket_path_has_107_bytes_at_most, forget_all),
		cmocka_unit_test_setup(a_profile_is_a_plain_word, forget_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
