/*
 * A binary heap of pointers; every timer knows its slot, so that it can be stopped
 * or moved from anywhere.
 */
#include "base/timer.h"

#include <stddef.h>

#include "base/log.h"
#include "base/mem.h"

struct timers {
	const struct clock *clock;
	struct timer **heap;
	uint32_t n, cap;
	uint64_t seq;
};

static bool is_before(const struct timer *a, const struct timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->seq < b->seq;
}

static void place(struct timers *ts, uint32_t slot, struct timer *t)
{
	ts->heap[slot] = t;
	t->slot = slot;
}

static void sift_up(struct timers *ts, struct timer *t)
{
	uint32_t slot = t->slot;

	while (slot > 0) {
		uint32_t parent = (slot - 1) / 2;
		if (!is_before(t, ts->heap[parent]))
			break;
		place(ts, slot, ts->heap[parent]);
		slot = parent;
	}
	place(ts, slot, t);
}

static void sift_down(struct timers *ts, struct timer *t)
{
	uint32_t slot = t->slot;

	while (slot < ts->n / 2) {
		uint32_t child = 2 * slot + 1;
		if (child + 1 < ts->n && is_before(ts->heap[child + 1], ts->heap[child]))
			child++;
		if (!is_before(ts->heap[child], t))
			break;
		place(ts, slot, ts->heap[child]);
		slot = child;
	}
	place(ts, slot, t);
}

struct timers *timers_new(const struct clock *clock)
{
	struct timers *ts = mem_new(sizeof(*ts));

	ts->clock = clock;
	return ts;
}

void timers_free(struct timers *ts)
{
	if (ts == NULL)
		return;
	if (ts->n > 0)
		BUG("timers are freed while one is set");
	for (uint32_t i = 0; i < ts->n; i++)
		ts->heap[i]->in = NULL;
	mem_free(ts->heap);
	mem_free(ts);
}

static uint64_t due_in(const struct timers *ts, uint64_t delay_ms)
{
	uint64_t now = clock_mono_us(ts->clock);

	if (delay_ms > (UINT64_MAX - now) / 1000)
		return UINT64_MAX;
	return now + delay_ms * 1000;
}

static void insert(struct timers *ts, struct timer *t)
{
	if (ts->n == ts->cap) {
		ts->cap = ts->cap > 0 ? 2 * ts->cap : 16;
		ts->heap = mem_resize(ts->heap, ts->cap, sizeof(struct timer *));
	}
	t->in = ts;
	place(ts, ts->n++, t);
}

void timer_set(struct timers *ts, struct timer *t, uint64_t delay_ms,
	       void (*fn)(void *ctx), void *ctx)
{
	if (t->in != NULL && t->in != ts) {
		BUG("a timer belongs to one heap");
		timer_stop(t);
	}
	t->due_us = due_in(ts, delay_ms);
	t->seq = ts->seq++;
	t->fn = fn;
	t->ctx = ctx;
	if (t->in == NULL)
		insert(ts, t);
	sift_up(ts, t);
	sift_down(ts, t);
}

void timer_stop(struct timer *t)
{
	struct timers *ts = t->in;
	struct timer *last;

	if (ts == NULL)
		return;
	t->in = NULL;
	last = ts->heap[--ts->n];
	if (last == t)
		return;
	place(ts, t->slot, last);
	sift_up(ts, last);
	sift_down(ts, last);
}

bool timer_is_set(const struct timer *t)
{
	return t->in != NULL;
}

uint64_t timers_wait(const struct timers *ts)
{
	uint64_t now, left;

	if (ts->n == 0)
		return UINT64_MAX;
	now = clock_mono_us(ts->clock);
	if (ts->heap[0]->due_us <= now)
		return 0;
	left = ts->heap[0]->due_us - now;
	return left / 1000 + (left % 1000 != 0);
}

/* Timers set meanwhile are told by their number, and come after all that were due. */
void timers_run(struct timers *ts)
{
	uint64_t now = clock_mono_us(ts->clock), seq = ts->seq;

	while (ts->n > 0) {
		struct timer *t = ts->heap[0];
		void (*fn)(void *ctx) = t->fn;
		void *ctx = t->ctx;
		if (t->due_us > now || t->seq >= seq)
			break;
		timer_stop(t);
		fn(ctx);
	}
}
