/* text_find: texts without case and accents. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/text.h"

static char *bare(const void *s, size_t n)
{
	utf8proc_uint8_t *out = NULL;
	utf8proc_ssize_t len = utf8proc_map(
		s, (utf8proc_ssize_t)n, &out,
		UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE |
			UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);
	char *copy = len >= 0 ? mem_strndup((const char *)out, (size_t)len) : NULL;
	free(out);
	return copy;
}

char *text_bare(const char *s)
{
	return text_is_utf8(slice_str(s)) ? bare(s, strlen(s)) : NULL;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool is_ascii(struct slice s)
{
	uint8_t all = 0;
	for (size_t i = 0; i < s.n; i++)
		all |= s.p[i];
	return all < 0x80;
}

static bool begins(const uint8_t *at, const char *needle)
{
	while (*needle != '\0' && lower(*at) == (uint8_t)*needle) {
		at++;
		needle++;
	}
	return *needle == '\0';
}

static bool ascii_has(struct slice text, const char *needle)
{
	size_t n = strlen(needle);
	for (size_t i = 0; i + n <= text.n; i++)
		if (lower(text.p[i]) == (uint8_t)needle[0] && begins(text.p + i, needle))
			return true;
	return false;
}

/* Most texts are ASCII, and there may be a million. */
bool text_has(struct slice text, const char *needle)
{
	if (is_ascii(text))
		return ascii_has(text, needle);
	char *folded = bare(text.p, text.n);
	bool has = folded != NULL && strstr(folded, needle) != NULL;
	mem_free(folded);
	return has;
}
