/*
 * child: runs a piece of a test in a process of its own, for what ends the process
 * or changes it for good.
 */
#ifndef TESTS_LIB_CHILD_H
#define TESTS_LIB_CHILD_H

#include <stdbool.h>

/* Runs fn in a fork with stderr closed to the world and without core dumps. Its end
 * as waitpid gives it; 0 when fn returned. */
int child_run(void (*fn)(void *ctx), void *ctx);
/* True when fn does not return: it aborts, or a sanitizer ends it. */
bool child_dies(void (*fn)(void *ctx), void *ctx);
/* True when fn ends by abort(). */
bool child_aborts(void (*fn)(void *ctx), void *ctx);

#endif
