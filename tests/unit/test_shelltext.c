#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ui/shelltext.h"

static void becomes(const char *text, const char *wanted)
{
	char *got = shelltext(text);
	assert_string_equal(got, wanted);
	mem_free(got);
}

static void a_command_is_written_as_the_shell_has_it(void **state)
{
	(void)state;
	becomes("set; /save keeps it", "set; p2pmsg save keeps it");
	becomes("nobody (/peers lists who is)", "nobody (p2pmsg peers lists who is)");
	becomes("/set", "p2pmsg set");
	becomes("/away, /set nick", "p2pmsg away, p2pmsg set nick");
}

static void what_no_shell_has_stays(void **state)
{
	(void)state;
	becomes("/query bob", "/query bob");
	becomes("/pee /peerss /peers2 /set/x /", "/pee /peerss /peers2 /set/x /");
}

static void names_and_paths_stay(void **state)
{
	(void)state;
	becomes("nobody is called '/peers'", "nobody is called '/peers'");
	becomes("cannot write a/set/save", "cannot write a/set/save");
	becomes("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_written_as_the_shell_has_it),
		cmocka_unit_test(what_no_shell_has_stays),
		cmocka_unit_test(names_and_paths_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
