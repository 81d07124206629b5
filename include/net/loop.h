/*
 * loop: the one thread that decides everything. Hides libuv.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/timer.h"

struct loop;

enum err loop_new(struct loop **out);
/* Everything started on it must have been stopped; closing handles are waited
 * for. NULL is fine. */
void loop_free(struct loop *l);
/* Runs until loop_stop. Starts with libuv's signal mask: SIGPIPE is ignored. */
void loop_run(struct loop *l);
/* From a callback; the present tick is finished. */
void loop_stop(struct loop *l);
/* On the system's clock; run by the loop. */
struct timers *loop_timers(struct loop *l);

/* Called at the end of every tick, before the loop sleeps, in the order they were
 * added: flush what was collected, sweep what died. Embedded in its owner. */
struct loop_tick {
	struct list node;
	void (*fn)(void *ctx);
	void *ctx;
};
void loop_tick_add(struct loop *l, struct loop_tick *t, void (*fn)(void *ctx), void *ctx);
void loop_tick_del(struct loop_tick *t);
/* The hooks of this tick run once more before the loop sleeps: for who collects
 * something, or tells others something, when their hooks may have run already. */
void loop_again(struct loop *l);

/* Calls fn whenever fd is readable. The descriptor stays the caller's. */
struct loop_watch;
enum err loop_watch_start(struct loop *l, int fd, void (*fn)(void *ctx), void *ctx,
			  struct loop_watch **out);
void loop_watch_stop(struct loop_watch *w); /* NULL is fine */

struct loop_signal;
enum err loop_signal_start(struct loop *l, int signum, void (*fn)(void *ctx, int signum),
			   void *ctx, struct loop_signal **out);
void loop_signal_stop(struct loop_signal *s); /* NULL is fine */

#endif
