/*
 * loop_run: runs a loop until something has happened, or for a while.
 */
#ifndef TESTS_LIB_LOOP_RUN_H
#define TESTS_LIB_LOOP_RUN_H

#include <stdbool.h>

#include "net/loop.h"

/* Asked at the end of every tick. False when it did not happen within ms. */
bool loop_until(struct loop *l, bool (*has_happened)(void *ctx), void *ctx, unsigned ms);
void loop_for(struct loop *l, unsigned ms);

#endif
