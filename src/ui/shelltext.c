#include "ui/shelltext.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/front.h"

enum { TEXT_MAX = 64 << 10 };

static bool is_of_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/';
}

static bool begins_with_verb(const char *s)
{
	size_t n = 0;
	while (is_of_word(s[n]))
		n++;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row = command_row(v);
		if (row->flags & COMMAND_SHELL && strlen(row->name) == n &&
		    memcmp(row->name, s, n) == 0)
			return true;
	}
	return false;
}

char *shelltext(const char *text)
{
	struct buf b;
	buf_init(&b, TEXT_MAX);
	for (const char *s = text; *s; s++) {
		bool may_begin = s == text || s[-1] == ' ' || s[-1] == '(';
		bool is_verb = may_begin && *s == '/' && begins_with_verb(s + 1);
		if (buf_add(&b, is_verb ? slice_str("p2pmsg ") : slice_of(s, 1)) !=
		    ERR_OK)
			break;
	}
	char *out = mem_strndup(buf_slice(&b).p, b.len);
	buf_wipe(&b);
	return out;
}
