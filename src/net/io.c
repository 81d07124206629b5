/*
 * io: one descriptor on the loop. libuv forgets a handle only at the end of its
 * round; so the memory lives until then, and nobody is called any more.
 */
#include "net/io.h"

#include <errno.h>
#include <fcntl.h>
#include <uv.h>

#include "base/mem.h"
#include "net/loop_uv.h"

struct io {
	uv_poll_t uv;
	io_fn *fn;
	void *ctx;
	unsigned wanted;
};

static void on_ready(uv_poll_t *uv, int status, int events)
{
	struct io *io = uv->data;
	unsigned ready = (events & UV_READABLE ? IO_READ : 0U) |
			 (events & UV_WRITABLE ? IO_WRITE : 0U);

	/* On an error libuv stops waiting; the owner learns which by trying. */
	if (status < 0) {
		ready = io->wanted;
		io->wanted = 0;
	}
	io->fn(io->ctx, ready);
}

static void free_io(uv_handle_t *h)
{
	mem_free(h->data);
}

enum err io_new(struct loop *l, int fd, io_fn *fn, void *ctx, struct io **out)
{
	struct io *io = mem_new(sizeof(*io));
	int r = uv_poll_init(loop_uv(l), &io->uv, fd);

	*out = NULL;
	if (r != 0) {
		mem_free(io);
		return r == UV_EEXIST ? ERR_IN_USE : err_from_errno(-r);
	}
	io->uv.data = io;
	io->fn = fn;
	io->ctx = ctx;
	*out = io;
	return ERR_OK;
}

void io_want(struct io *io, unsigned events)
{
	int uv_events = (events & IO_READ ? UV_READABLE : 0) |
			(events & IO_WRITE ? UV_WRITABLE : 0);

	if (io->wanted == events)
		return;
	io->wanted = events;
	if (events == 0)
		uv_poll_stop(&io->uv);
	else
		uv_poll_start(&io->uv, uv_events, on_ready);
}

void io_free(struct io *io)
{
	if (io == NULL)
		return;
	io->wanted = 0;
	uv_close((uv_handle_t *)&io->uv, free_io);
}

/* ----------------------------------------------------------------- watches */

struct loop_watch {
	struct io *io;
	void (*fn)(void *ctx);
	void *ctx;
};

static void on_watch(void *ctx, unsigned ready)
{
	struct loop_watch *w = ctx;

	(void)ready;
	w->fn(w->ctx);
}

enum err loop_watch_start(struct loop *l, int fd, void (*fn)(void *ctx), void *ctx,
			  struct loop_watch **out)
{
	struct loop_watch *w = mem_new(sizeof(*w));
	int flags = fcntl(fd, F_GETFL);

	*out = NULL;
	w->fn = fn;
	w->ctx = ctx;
	enum err e = io_new(l, fd, on_watch, w, &w->io);
	if (w->io == NULL) {
		mem_free(w);
		return e;
	}
	/* Whether it blocks is its owner's affair. */
	fcntl(fd, F_SETFL, flags);
	io_want(w->io, IO_READ);
	*out = w;
	return ERR_OK;
}

void loop_watch_stop(struct loop_watch *w)
{
	if (w == NULL)
		return;
	io_free(w->io);
	/* From inside fn too: nothing of w is read after it. */
	mem_free(w);
}
