#include <avahi-common/domain.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/clash.h"

static const char *const names[] = {
	"",
	".",
	"a",
	"A",
	"a.",
	"b",
	"ab",
	"a.b",
	"A.B.",
	"a.b.c",
	"a..b",
	"a\\.b",
	"a\\.b.",
	"A\\.B",
	"\\097.b",
	"a\\\\b",
	"a\\\\.b",
	"\xc3\xa4.local",
	"\\195\\164.local",
	"f00ba4._p2pmsg._tcp.local",
	"F00BA4._p2pmsg._tcp.local.",
	"f00ba5._p2pmsg._tcp.local",
	"_p2pmsg._tcp.local",
	"_p2pmsg._tcp.locale",
};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

/* The program's own was linked; this one is the library's. */
static int (*avahis)(const char *a, const char *b);

static int find_avahis(void **state)
{
	void *library = dlopen("libavahi-common.so.3", RTLD_LAZY);

	(void)state;
	if (!library)
		return -1;
	*(void **)&avahis = dlsym(library, "avahi_domain_equal");
	return avahis && avahis != avahi_domain_equal ? 0 : -1;
}

static void names_are_equal_when_avahi_says_so(void **state)
{
	(void)state;
	clash_server_set(NULL);
	for (int i = 0; i < N_NAMES; i++)
		for (int k = 0; k < N_NAMES; k++)
			if (avahi_domain_equal(names[i], names[k]) !=
			    avahis(names[i], names[k]))
				fail_msg("\"%s\" and \"%s\"", names[i], names[k]);
}

static void a_broken_escape_equals_nothing(void **state)
{
	(void)state;
	assert_false(avahi_domain_equal("a\\", "a\\"));
	assert_false(avahi_domain_equal("a\\999", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_equal_when_avahi_says_so),
		cmocka_unit_test(a_broken_escape_equals_nothing),
	};

	return cmocka_run_group_tests(tests, find_avahis, NULL);
}
