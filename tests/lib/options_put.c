#include "lib/options_put.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

void assert_why(char *why, const char *want)
{
	assert_non_null(why);
	assert_string_equal(why, want);
	mem_free(why);
}

void options_put(struct options *o, enum option id, const char *value,
		 enum option_source source)
{
	char *why = NULL;

	if (options_set(o, id, value, source, &why) != ERR_OK)
		fail_msg("%s", why);
}

void options_put_file(struct options *o, const char *text, enum option_source source)
{
	char *why = NULL;

	if (options_parse(o, slice_str(text), "f", source, &why) != ERR_OK)
		fail_msg("%s", why);
}

void assert_list(const struct options *o, enum option id, const char *want)
{
	char all[512] = "";

	for (size_t i = 0; i < options_list_count(o, id); i++) {
		strcat(all, "|");
		strcat(all, options_list(o, id, i));
	}
	assert_string_equal(all, want);
}
