/*
 * thread: a thread of its own for what may wait. Signals stay with the loop's
 * thread.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "base/err.h"

struct thread;

/* name: at most 15 bytes, seen in ps and debuggers. */
enum err thread_start(const char *name, void (*main)(void *ctx), void *ctx,
		      struct thread **out);
/* Waits for its end. Takes t. */
void thread_join(struct thread *t);
/* Leaves it to end by itself. Takes t. */
void thread_detach(struct thread *t);

#endif
