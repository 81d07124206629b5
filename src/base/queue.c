/*
 * A ring under a lock. The descriptor is made readable when the first item comes in
 * and unreadable when the last has gone, both under the lock, so that it always says
 * what the ring holds: one system call a burst, not one an item.
 */
#include "base/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#if defined(__linux__) && !defined(QUEUE_PIPE)
#include <sys/eventfd.h>
#define HAS_EVENTFD 1
#endif

#include "base/log.h"
#include "base/mem.h"

enum { CAP_MIN = 16 };

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t has_room;
	void **ring;
	size_t first, n, cap, max;
	size_t n_waiting; /* puts */
	bool is_closed;
	int read_fd, write_fd; /* one and the same for an eventfd */
};

static enum err open_pipe(int fds[static 2])
{
	if (pipe(fds) != 0)
		return ERR_IO;
	for (int i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
	}
	return ERR_OK;
}

static enum err open_wake(int fds[static 2])
{
#ifdef HAS_EVENTFD
	fds[0] = fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fds[0] >= 0)
		return ERR_OK;
#endif
	return open_pipe(fds);
}

/* Eight bytes suit both kinds, and neither can be full: at most one write waits. */
static void wake(const struct queue *q)
{
	const uint64_t one = 1;

	while (write(q->write_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void calm(const struct queue *q)
{
	uint64_t v;

	while (read(q->read_fd, &v, sizeof(v)) < 0 && errno == EINTR)
		;
}

enum err queue_new(size_t max, struct queue **out)
{
	struct queue *q;
	int fds[2];

	*out = NULL;
	if (open_wake(fds) != ERR_OK)
		return ERR_IO;
	q = mem_new(sizeof(*q));
	q->max = max;
	q->read_fd = fds[0];
	q->write_fd = fds[1];
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->has_room, NULL);
	*out = q;
	return ERR_OK;
}

void queue_free(struct queue *q, void (*drop)(void *item))
{
	void *item;

	if (q == NULL)
		return;
	if (drop == NULL && q->n > 0)
		BUG("a queue is freed with items in it");
	while (drop != NULL && (item = queue_take(q)) != NULL)
		drop(item);
	if (q->write_fd != q->read_fd)
		close(q->write_fd);
	close(q->read_fd);
	pthread_cond_destroy(&q->has_room);
	pthread_mutex_destroy(&q->lock);
	mem_free(q->ring);
	mem_free(q);
}

static void grow(struct queue *q)
{
	size_t cap = q->cap > 0 ? 2 * q->cap : CAP_MIN;
	void **ring;

	if (cap > q->max)
		cap = q->max;
	ring = mem_array(cap, sizeof(*ring));
	for (size_t i = 0; i < q->n; i++)
		ring[i] = q->ring[(q->first + i) % q->cap];
	mem_free(q->ring);
	q->ring = ring;
	q->cap = cap;
	q->first = 0;
}

/* Under the lock. */
static enum err put(struct queue *q, void *item)
{
	if (q->is_closed || q->n >= q->max)
		return ERR_FULL;
	if (q->n == q->cap)
		grow(q);
	q->ring[(q->first + q->n) % q->cap] = item;
	q->n++;
	if (q->n == 1)
		wake(q);
	return ERR_OK;
}

enum err queue_put(struct queue *q, void *item)
{
	enum err e;

	pthread_mutex_lock(&q->lock);
	e = put(q, item);
	pthread_mutex_unlock(&q->lock);
	return e;
}

enum err queue_put_wait(struct queue *q, void *item)
{
	enum err e;

	pthread_mutex_lock(&q->lock);
	q->n_waiting++;
	while (q->n >= q->max && !q->is_closed)
		pthread_cond_wait(&q->has_room, &q->lock);
	q->n_waiting--;
	e = put(q, item);
	pthread_mutex_unlock(&q->lock);
	return e;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->is_closed = true;
	pthread_cond_broadcast(&q->has_room);
	pthread_mutex_unlock(&q->lock);
}

void *queue_take(struct queue *q)
{
	void *item = NULL;

	pthread_mutex_lock(&q->lock);
	if (q->n > 0) {
		item = q->ring[q->first];
		q->first = (q->first + 1) % q->cap;
		q->n--;
		if (q->n == 0)
			calm(q);
		if (q->n_waiting > 0)
			pthread_cond_signal(&q->has_room);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

int queue_fd(const struct queue *q)
{
	return q->read_fd;
}
