/*
 * bidi: which of the controls that change the direction of writing may stay in a
 * line. Overrides never do; embeddings and isolates do when they are closed as they
 * were opened within the line, so that none reaches out of it.
 */
#ifndef BASE_BIDI_H
#define BASE_BIDI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define BIDI_FSI "\xe2\x81\xa8" /* U+2068, first strong isolate */
#define BIDI_PDI "\xe2\x81\xa9" /* U+2069, pop directional isolate */

struct bidi {
	struct slice s;
	uint8_t *may_stay; /* a flag for each byte of s; NULL while no pair was seen */
};

/* s is borrowed until bidi_wipe. */
void bidi_init(struct bidi *b, struct slice s);
void bidi_wipe(struct bidi *b);
/* Looks at the line from one byte to before another. True when it holds right to left
 * letters or a control that stays, so that it must be isolated from what is around. */
bool bidi_scan(struct bidi *b, size_t from, size_t to);
/* Of the control at pos, in a line that was scanned. */
bool bidi_keeps(const struct bidi *b, size_t pos);

bool bidi_is_control(uint32_t cp); /* opens or closes a stretch of text */
bool bidi_is_mark(uint32_t cp); /* acts like a letter that is not seen */
int bidi_depth_change(uint32_t cp); /* 1 opens an isolate, -1 closes one */

#endif
