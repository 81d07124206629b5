/*
 * vtcheck: a strict reader of what goes to a terminal. It knows the few sequences that
 * our renderers may emit and refuses every other, however harmless it may be.
 */
#ifndef TESTS_LIB_VTCHECK_H
#define TESTS_LIB_VTCHECK_H

#include "base/slice.h"

enum vt_may {
	VT_SGR = 1, /* ESC [ ... m: colours */
	VT_ERASE = 2, /* ESC [ K and J, carriage return */
	VT_CURSOR = 4, /* ESC [ H, A to G, d; visibility ESC [ ? 25 h/l */
	VT_SCREEN = 8, /* ESC [ ? 1049, 2004 h/l */
	VT_BELL = 16, /* BEL */
	VT_TITLE = 32, /* OSC 2, 9, 99, 777 */
	VT_ISOLATES = 64, /* U+2066 to 2069, paired within their line */
	VT_LINES = 128, /* newlines and tabs */
};

/* NULL when all is allowed; else what is not and where, mem_free. Anything that is no
 * UTF-8, C0 and C1 controls, DEL, bidi embeddings and overrides are always refused. */
char *vtcheck(struct slice out, unsigned may);
/* Also U+200B, 2028, 2029, FEFF and tag characters: what nobody sees in a name. */
char *vtcheck_unseen(struct slice out);

#endif
