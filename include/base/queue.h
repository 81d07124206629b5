/*
 * queue: a bounded queue of pointers between threads, with a descriptor that
 * becomes readable when something is in it. Any thread may put; one takes.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stddef.h>

#include "base/err.h"

struct queue;

/* ERR_IO when the system has no descriptor left. */
enum err queue_new(size_t max, struct queue **out);
/* Items still inside are given to drop (may be NULL: they must be none). No thread may
 * use q any more. q may be NULL. */
void queue_free(struct queue *q, void (*drop)(void *item));
/* Ownership of item moves. ERR_FULL, and it stays with the caller. */
enum err queue_put(struct queue *q, void *item);
/* As queue_put, but waits while the queue is full. ERR_FULL only after
 * queue_close. */
enum err queue_put_wait(struct queue *q, void *item);
/* No more puts; a waiting put returns. */
void queue_close(struct queue *q);
/* The oldest item, or NULL; never waits. Clears the wake-up when empty. */
void *queue_take(struct queue *q);
/* Readable while there are items. */
int queue_fd(const struct queue *q);

#endif
