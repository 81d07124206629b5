#include "net/fileio.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "net/io.h"

enum { BYTES_MAX = 32 << 10 };

struct fileio {
	struct loop *loop;
	int fd;
	void (*on_done)(void *ctx, ssize_t n);
	void *ctx;
	bool is_busy;
	bool is_writing;
	bool is_told; /* fileio_wait was faster than the loop */
	bool is_freed, is_fd_closed;
	atomic_bool is_over; /* set by the pool's thread, the last that it does */
	size_t n; /* to be written */
	ssize_t result;
	uint8_t bytes[BYTES_MAX];
};

/* In a thread of the pool. */
static void work(void *ctx)
{
	struct fileio *f = ctx;

	do {
		f->result = f->is_writing ? write(f->fd, f->bytes, f->n)
					  : read(f->fd, f->bytes, BYTES_MAX);
	} while (f->result < 0 && errno == EINTR);
	if (f->result < 0)
		f->result = -errno;
	atomic_store_explicit(&f->is_over, true, memory_order_release);
}

static void destroy(struct fileio *f)
{
	if (f->is_fd_closed)
		close(f->fd);
	secret_wipe(f->bytes, sizeof(f->bytes));
	mem_free(f);
}

static void tell(struct fileio *f)
{
	f->is_told = true;
	f->on_done(f->ctx, f->result);
}

static void done(void *ctx)
{
	struct fileio *f = ctx;

	f->is_busy = false;
	if (f->is_freed) {
		destroy(f);
		return;
	}
	loop_again(f->loop);
	if (!f->is_told)
		tell(f);
}

static void start(struct fileio *f, bool is_writing)
{
	f->is_busy = true;
	f->is_writing = is_writing;
	f->is_told = false;
	atomic_store(&f->is_over, false);
	loop_work_start(f->loop, work, done, f);
}

struct fileio *fileio_new(struct loop *l, int fd, void (*on_done)(void *ctx, ssize_t n),
			  void *ctx)
{
	struct fileio *f = mem_new(sizeof(*f));

	f->loop = l;
	f->fd = fd;
	f->on_done = on_done;
	f->ctx = ctx;
	return f;
}

bool fileio_is_busy(const struct fileio *f)
{
	return f->is_busy;
}

void fileio_read(struct fileio *f)
{
	start(f, false);
}

struct slice fileio_bytes(const struct fileio *f)
{
	return slice_of(f->bytes, f->result > 0 ? (size_t)f->result : 0);
}

void fileio_write(struct fileio *f, struct slice bytes)
{
	f->n = bytes.n < BYTES_MAX ? bytes.n : BYTES_MAX;
	memcpy(f->bytes, bytes.p, f->n);
	start(f, true);
}

bool fileio_wait(struct fileio *f, unsigned ms)
{
	static const struct timespec one_ms = {.tv_nsec = 1000 * 1000};

	for (unsigned i = 0; f->is_busy && i < ms; i++) {
		if (atomic_load_explicit(&f->is_over, memory_order_acquire))
			break;
		nanosleep(&one_ms, NULL);
	}
	if (f->is_busy && !atomic_load_explicit(&f->is_over, memory_order_acquire))
		return false;
	if (f->is_busy && !f->is_told)
		tell(f);
	return true;
}

void fileio_free(struct fileio *f, bool is_fd_closed)
{
	if (f == NULL)
		return;
	f->is_freed = true;
	f->is_fd_closed = is_fd_closed;
	if (!f->is_busy)
		destroy(f);
}
