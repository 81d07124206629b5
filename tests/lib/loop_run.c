#include "lib/loop_run.h"

#include <stddef.h>

struct run {
	struct loop *loop;
	bool (*has_happened)(void *ctx);
	void *ctx;
	bool is_done;
	struct timer timer;
	struct loop_tick tick;
};

static void on_tick(void *ctx)
{
	struct run *r = ctx;

	if (r->has_happened == NULL || r->is_done || !r->has_happened(r->ctx))
		return;
	r->is_done = true;
	loop_stop(r->loop);
}

static void on_timeout(void *ctx)
{
	struct run *r = ctx;

	loop_stop(r->loop);
}

bool loop_until(struct loop *l, bool (*has_happened)(void *ctx), void *ctx, unsigned ms)
{
	struct run r = {.loop = l, .has_happened = has_happened, .ctx = ctx};

	loop_tick_add(l, &r.tick, on_tick, &r);
	timer_set(loop_timers(l), &r.timer, ms, on_timeout, &r);
	loop_run(l);
	timer_stop(&r.timer);
	loop_tick_del(&r.tick);
	return r.is_done;
}

void loop_for(struct loop *l, unsigned ms)
{
	(void)loop_until(l, NULL, NULL, ms);
}
