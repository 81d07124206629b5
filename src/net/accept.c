#include "net/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/io.h"

enum {
	/* Then the others of the loop have their turn. */
	BATCH = 64,
	/* A listening socket stays readable while nothing can be accepted: without a
	 * pause the loop would do nothing else. */
	PAUSE_MS = 100
};

struct acceptor {
	struct loop *loop;
	int fd; /* -1: stopped */
	struct io *io;
	const struct acceptor_handlers *h;
	void *ctx;
	struct timer pause;
	bool is_short; /* of descriptors; said once */
	bool is_accepting; /* on the call stack */
};

static void on_pause_over(void *ctx)
{
	struct acceptor *a = ctx;

	io_want(a->io, IO_READ);
}

static void pause_for_a_while(struct acceptor *a, int why)
{
	if (!a->is_short)
		log_warn("net", "no connection can be accepted: %s", strerror(why));
	a->is_short = true;
	io_want(a->io, 0);
	timer_set(loop_timers(a->loop), &a->pause, PAUSE_MS, on_pause_over, a);
}

/* Of that one connection only, or of the moment: the next may do better. */
static bool is_passing(int e)
{
	static const int passing[] = {EINTR,	 ECONNABORTED, EPROTO,	    ENETDOWN,
				      EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, EPERM,
				      ETIMEDOUT, ENOPROTOOPT,  EOPNOTSUPP};

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++) {
		if (e == passing[i])
			return true;
	}
	return false;
}

static bool make_room(struct acceptor *a, int why)
{
	return (why == EMFILE || why == ENFILE) && a->h->make_room != NULL &&
	       a->h->make_room(a->ctx);
}

/* False when there is no more for now. */
static bool accept_one(struct acceptor *a)
{
	struct sockaddr_storage from = {0};
	socklen_t n = sizeof(from);
	int fd = accept4(a->fd, (struct sockaddr *)&from, &n,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		a->is_short = false;
		a->h->on_conn(a->ctx, fd, (struct sockaddr *)&from);
		return true;
	}
	int why = errno;
	if (why == EAGAIN || why == EWOULDBLOCK)
		return false;
	if (is_passing(why) || make_room(a, why))
		return true;
	pause_for_a_while(a, why);
	return false;
}

static void on_ready(void *ctx, unsigned ready)
{
	struct acceptor *a = ctx;

	(void)ready;
	a->is_accepting = true;
	for (int i = 0; i < BATCH && a->fd >= 0 && accept_one(a); i++)
		;
	a->is_accepting = false;
	if (a->fd < 0)
		mem_free(a);
}

enum err acceptor_start(struct loop *l, int fd, const struct acceptor_handlers *h,
			void *ctx, struct acceptor **out)
{
	struct acceptor *a = mem_new(sizeof(*a));
	enum err e = io_new(l, fd, on_ready, a, &a->io);

	*out = NULL;
	if (e != ERR_OK) {
		mem_free(a);
		return e;
	}
	a->loop = l;
	a->fd = fd;
	a->h = h;
	a->ctx = ctx;
	io_want(a->io, IO_READ);
	*out = a;
	return ERR_OK;
}

void acceptor_stop(struct acceptor *a)
{
	if (a == NULL || a->fd < 0)
		return;
	timer_stop(&a->pause);
	io_free(a->io);
	close(a->fd);
	a->fd = -1;
	if (!a->is_accepting)
		mem_free(a);
}
