#include "ui/json_text.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

json_t *json_text(const char *s)
{
	if (text_is_utf8(slice_str(s)))
		return json_string(s);
	char *safe = text_safe(slice_str(s), TEXT_NAME, 0);
	json_t *j = json_string(safe);
	mem_free(safe);
	return j;
}

char *json_line(json_t *root, size_t flags)
{
	char *dump = json_dumps(root, JSON_COMPACT | flags);
	char *line = mem_strdup(dump);
	free(dump);
	json_decref(root);
	return line;
}
