/*
 * timer: a heap of deadlines on the clock port. The loop sleeps until
 * timers_wait and then calls timers_run; a simulation moves its clock instead.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct timers;

/* Embedded in its owner, zeroed at first. A timer belongs to one heap. */
struct timer {
	uint64_t due_us;
	uint64_t seq; /* equal deadlines fire in the order they were set */
	void (*fn)(void *ctx);
	void *ctx;
	struct timers *in; /* NULL while not set */
	uint32_t slot;
};

struct timers *timers_new(const struct clock *clock);
/* Every timer must have been stopped. NULL is fine. */
void timers_free(struct timers *ts);

/* Fires once, delay_ms from now; a timer that is set already is moved. */
void timer_set(struct timers *ts, struct timer *t, uint64_t delay_ms,
	       void (*fn)(void *ctx), void *ctx);
/* Harmless when it is not set. */
void timer_stop(struct timer *t);
bool timer_is_set(const struct timer *t);

/* Milliseconds until the next deadline, rounded up; 0 when one is due;
 * UINT64_MAX when there is none. */
uint64_t timers_wait(const struct timers *ts);
/* Runs what is due now. A timer set by a callback with delay 0 runs in the next
 * call. */
void timers_run(struct timers *ts);

#endif
