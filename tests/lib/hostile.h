/*
 * hostile: texts that somebody might send to break a screen, a parser or a log.
 */
#ifndef TESTS_LIB_HOSTILE_H
#define TESTS_LIB_HOSTILE_H

#include <stddef.h>

/* Calls fn with each, NUL-terminated: every byte alone and between letters, escape
 * sequences, bidi and unseen characters, imitations, and then, where the file is there
 * (else the test is skipped at its end), the big list of naughty strings. */
void hostile_each(void (*fn)(void *ctx, const char *text), void *ctx);

#endif
