/*
 * ignore: what shall not be sent, as lines of a .gitignore say it.
 *
 * Comments, `!`, a `/` at the end (folders only), at the beginning or within (from this
 * folder on; otherwise at any depth), `*`, `?`, `[a-z]`, `[!a-z]`, `**` as a whole component,
 * and `\` before any of them. The last line that fits decides. As with git, what lies in a
 * folder that is left out cannot be brought back.
 *
 * Not here: .git/info/exclude and core.excludesFile, character classes such as [[:alpha:]],
 * core.ignoreCase, and what git tracks although a line would leave it out.
 */
#ifndef FILES_IGNORE_H
#define FILES_IGNORE_H

#include <stdbool.h>

#include "base/slice.h"

struct ignore;

struct ignore *ignore_new(void);
void ignore_free(struct ignore *ig); /* NULL is fine */
/* Lines, copied. More than IGNORE_RULES_MAX are not looked at. */
enum { IGNORE_RULES_MAX = 4096, IGNORE_FILE_MAX_BYTES = 256 * 1024 };
void ignore_add(struct ignore *ig, struct slice text);

enum ignore_says { IGNORE_NOTHING, IGNORE_OUT, IGNORE_IN };
/* path: from the folder of these lines on, without a `/` in front. ig may be NULL. */
enum ignore_says ignore_match(const struct ignore *ig, struct slice path, bool is_folder);

#endif
