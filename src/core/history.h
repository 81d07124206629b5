/*
 * history: what was said, from the store, page by page: each page is asked for when the
 * front end has taken the one before.
 */
#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include "core/emit.h"

/* A front end has room again, or is gone; end of the tick. */
void history_sweep(struct core *c);
void history_free_all(struct core *c);

#endif
