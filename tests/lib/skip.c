#include "lib/skip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void skip_because(const char *why)
{
	print_message("skip: %s\n", why);
	skip();
}
