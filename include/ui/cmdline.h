/*
 * cmdline: what people type, as a command: a line in a client ("/msg bob hi", or text
 * for the current conversation), or the words of a shell ("msg" "bob" "hi").
 *
 * No quoting: a name is one word, and the text at the end is the rest of the line as it
 * stands. Options (--wait 3, --wait=3) stand anywhere before that rest, in a shell
 * anywhere; "--" ends them. Any prefix that fits one verb only is that verb.
 */
#ifndef UI_CMDLINE_H
#define UI_CMDLINE_H

#include "base/err.h"
#include "base/slice.h"
#include "core/front.h"

/* current: whom text without a verb is for; NULL: nobody. *out is one allocation:
 * mem_free. ERR_WAIT: an empty line. ERR_USAGE: *why (mem_free) says what to type. */
enum err cmdline_slash(struct slice line, const char *current, struct command **out,
		       char **why);
/* words[0] is the verb. The same errors. */
enum err cmdline_shell(size_t n, char *const *words, struct command **out, char **why);

#endif
