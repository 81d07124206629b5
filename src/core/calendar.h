/*
 * calendar: what day it is, where something is removed for its age. A wall clock that
 * goes ahead of the monotonic one was set, and perhaps wrongly; what is removed stays
 * removed. So it is believed at once only when it says that less time has passed, and
 * else when it has gone on evenly for a day.
 */
#ifndef CORE_CALENDAR_H
#define CORE_CALENDAR_H

#include "core/core_state.h"

/* Asks the store for the last day that was believed; then begins to expire. */
void calendar_load(struct core *c);
/* Unix milliseconds; never later than the wall clock, but perhaps earlier. */
uint64_t calendar_ms(struct core *c);
/* For the next start. */
void calendar_save(struct core *c);

#endif
