#include "ui/json_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { DEL = 0x7f };

json_t *json_text(const char *s)
{
	if (text_is_utf8(slice_str(s)))
		return json_string(s);
	char *safe = text_safe(slice_str(s), TEXT_NAME, 0);
	json_t *j = json_string(safe);
	mem_free(safe);
	return j;
}

/* jansson leaves DEL as it is. It can stand inside of texts only. */
static char *escape_del(const char *dump)
{
	static const char escaped[] = "\\u007f";
	size_t n = strlen(dump), extra = 0;
	for (const char *c = dump; *c; c++)
		extra += *c == DEL ? strlen(escaped) - 1 : 0;
	char *line = mem_new(n + extra + 1), *to = line;
	for (const char *c = dump; *c; c++) {
		if (*c != DEL)
			*to++ = *c;
		else
			to = (char *)memcpy(to, escaped, strlen(escaped)) +
			     strlen(escaped);
	}
	return line;
}

char *json_line(json_t *root, size_t flags)
{
	char *dump = json_dumps(root, JSON_COMPACT | flags);
	char *line = escape_del(dump);
	free(dump);
	json_decref(root);
	return line;
}
