/*
 * sweep: removes from the store what is over: what expired, what was kept long enough,
 * what is too much, and gives up what has waited too long. A little at a time: between
 * two rounds others read and write.
 */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include "core/core_state.h"

struct sweep;

/* Begins soon, and then by itself every hour. */
struct sweep *sweep_new(struct core *c);
/* NULL is fine. */
void sweep_free(struct sweep *s);
/* At the latest then, by the wall clock: something expires. Cheap. */
void sweep_by(struct core *c, uint64_t wall_ms);
/* Now: a setting changed. */
void sweep_now(struct core *c);

#endif
