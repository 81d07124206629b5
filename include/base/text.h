/*
 * text: text from others is hostile ink. One validator on the way in, one
 * function that makes it safe on the way out.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

/* Shortest form, no surrogates, nothing above U+10FFFF, no NUL. */
bool text_is_utf8(struct slice s);

/*
 * Where a text will stand, which decides what is escaped:
 *   NAME   nick, status, file name, reason: one line. Controls, line breaks,
 *          bidi controls, zero-width and tag characters, lone combining marks
 *          at the start: all shown as \u{202E}.
 *   BODY   message text: line breaks and tabs stay ('\n' is followed by the
 *          prefix of the caller, see text_body), zero-width joiners between
 *          letters or emoji stay, bidi stays but is isolated (FSI ... PDI per
 *          line that has any; overrides and unbalanced controls are escaped;
 *          "\r\n" is a line break); other controls are escaped.
 *   LOG    as NAME, and everything outside printable ASCII but letters and
 *          digits of other scripts is escaped too.
 * Everywhere at most eight combining marks stand on one letter; more are escaped.
 */
enum text_place { TEXT_NAME, TEXT_BODY, TEXT_LOG };

/*
 * A safe copy of s (which need not even be UTF-8: bad bytes become \x9c), NUL-
 * terminated, freed by mem_free. At most max bytes of output (0: no limit),
 * cut at a code point with "..." at the end.
 */
char *text_safe(struct slice s, enum text_place place, size_t max);
/* As BODY, each line after the first begins with prefix, so that a message
 * cannot imitate a line of ours. */
char *text_body(struct slice s, const char *prefix);

/* Columns in a terminal of NUL-terminated UTF-8 (combining 0, wide 2). */
size_t text_width(const char *s);
/* s padded with spaces or cut (with "…" ) to exactly width columns; mem_free. */
char *text_fit(const char *s, size_t width);
/* Bytes of the first cluster of NUL-terminated UTF-8, and its columns: what a cursor
 * steps over at once (a letter with its marks, a joined emoji). 0 at the end of s;
 * a cluster longer than TEXT_CLUSTER_BYTES is given in parts. */
enum { TEXT_CLUSTER_BYTES = 256 };
size_t text_cluster(const char *s, size_t *columns);

/* Unicode case fold (NFKC_Casefold without ignorables), for comparing names;
 * NULL when s is not valid UTF-8; mem_free. */
char *text_fold(const char *s);

/* For searching: folded as above, and without accents; NULL when not valid UTF-8;
 * mem_free. */
char *text_bare(const char *s);
/* What a name looks like: names that people may take for each other have the same one,
 * whatever scripts, case, width or accents they are written with, unseen characters and
 * blanks in them or not. For comparing only. NULL when not valid UTF-8; mem_free. */
char *text_look(const char *s);
/* Does text (any bytes) hold needle, which is as text_bare makes it? */
bool text_has(struct slice text, const char *needle);

/* True for a nick we accept as ours or show as given: 1 to 64 bytes of valid
 * UTF-8 that text_safe(NAME) leaves as it is, no leading or trailing space, not
 * starting with one of # @ + / and -. */
bool text_is_nick(struct slice s);

#endif
