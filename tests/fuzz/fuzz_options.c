/* Any bytes as a config file: taken, or refused with a reason that names the line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct options *o = options_new();
	char *why = NULL;
	enum err e = options_parse(o, slice_of(bytes, len), "f", OPTION_PROFILE, &why);

	if ((e == ERR_OK) != (why == NULL))
		abort();
	if (why != NULL && strncmp(why, "f:", 2) != 0)
		abort();
	mem_free(why);
	options_free(o);
	return 0;
}
