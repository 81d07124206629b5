/*
 * utf8: one code point at a time, and what the Unicode tables say about it.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point that starts at p and the bytes it takes; 0 when there is none in
 * shortest form, or one that may not be encoded (surrogates, above U+10FFFF). NUL
 * is a code point here. n > 0. */
size_t utf8_next(const uint8_t *p, size_t n, uint32_t *cp);

bool utf8_is_mark(uint32_t cp); /* combines with what stands before it */
bool utf8_is_letter_or_digit(uint32_t cp);
/* A control, a separator of lines, a format character, or no character at all. */
bool utf8_is_control(uint32_t cp);
/* Leaves nothing to see, or looks as each font likes. */
bool utf8_is_unseen(uint32_t cp);
bool utf8_is_space(uint32_t cp);
bool utf8_is_emoji(uint32_t cp); /* pictographs, also ones newer than the tables */
bool utf8_is_right_to_left(uint32_t cp);
/* Letters and signs of other scripts, and emoji: what a joiner may stand between. */
bool utf8_is_joinable(uint32_t cp);
size_t utf8_columns(uint32_t cp); /* 0, 1 or 2 */
bool utf8_is_break(uint32_t before, uint32_t after, int *state);

#endif
