/*
 * Any bytes as a name, a body and a log line, cut at any length: what comes out is
 * UTF-8, has no controls, and closes every isolate it opens.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(char *out, enum text_place place)
{
	const char *p = out;
	int open = 0;
	uint32_t cp;

	for (size_t left = strlen(p), n; left > 0; p += n, left -= n) {
		n = utf8_next((const uint8_t *)p, left, &cp);
		if (n == 0 || cp == 0x7f || (cp >= 0x80 && cp < 0xa0))
			abort();
		if (cp < 0x20 && (place != TEXT_BODY || (cp != '\n' && cp != '\t')))
			abort();
		if (cp == 0x202d || cp == 0x202e)
			abort();
		open += cp >= 0x2066 && cp <= 0x2068;
		open -= cp == 0x2069;
		if (open < 0 || (cp == '\n' && open != 0))
			abort();
	}
	if (open != 0)
		abort();
	mem_free(text_fit(out, 20));
	mem_free(text_fold(out));
	mem_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t max = len > 0 ? bytes[0] : 0;
	struct slice s = slice_of(bytes, len);

	for (int place = TEXT_NAME; place <= TEXT_LOG; place++)
		check(text_safe(s, (enum text_place)place, max), (enum text_place)place);
	check(text_body(s, "> "), TEXT_BODY);
	text_is_nick(s);
	return 0;
}
