/*
 * resolve: a thread for each name. getaddrinfo cannot be broken off and may take half
 * a minute when no server answers: a thread that nobody waits for keeps neither
 * resolve_cancel nor the end of the program waiting (libuv's pool would).
 *
 * The question is shared by its owner and its thread; who is last frees it.
 */
#include "net/resolve.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "net/io.h"

enum { ADDRS_MAX = 16 };

struct question {
	atomic_int users;
	atomic_bool is_answered;
	int done_fd; /* the thread's; closed when all is written */
	uint16_t port;
	char *host;
	enum err e;
	struct addr addrs[ADDRS_MAX];
	size_t n;
};

struct resolve {
	struct loop *loop;
	void (*done)(void *ctx, enum err e, const struct addr *addrs, size_t n);
	void *ctx;
	struct question *question;
	int fd; /* at its end when there is an answer; -1 */
	struct io *io;
	struct timer timer; /* for what needs no asking */
};

static struct question *question_new(const char *host, uint16_t port)
{
	struct question *q = mem_new(sizeof(*q));

	atomic_init(&q->users, 1);
	atomic_init(&q->is_answered, false);
	q->done_fd = -1;
	q->host = mem_strdup(host);
	q->port = port;
	q->e = ERR_UNKNOWN;
	return q;
}

static void question_drop(struct question *q)
{
	if (atomic_fetch_sub(&q->users, 1) > 1)
		return;
	mem_free(q->host);
	mem_free(q);
}

/* ---------------------------------------------------------- the thread's side */

/* Not known now is not the same as not existing: somebody may try again. */
static enum err err_of_status(int status)
{
	if (status == 0)
		return ERR_OK;
	return status == EAI_AGAIN || status == EAI_SYSTEM ? ERR_UNREACHABLE
							   : ERR_UNKNOWN;
}

static void ask(void *ctx)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct question *q = ctx;
	struct addrinfo *all = NULL;

	q->e = err_of_status(getaddrinfo(q->host, NULL, &hints, &all));
	for (struct addrinfo *ai = all; ai != NULL && q->n < ADDRS_MAX;
	     ai = ai->ai_next) {
		if (addr_from_sockaddr(ai->ai_addr, &q->addrs[q->n]) == ERR_OK)
			q->addrs[q->n++].port = q->port;
	}
	if (all != NULL)
		freeaddrinfo(all);
	if (q->e == ERR_OK && q->n == 0)
		q->e = ERR_UNKNOWN;
	atomic_store(&q->is_answered, true);
	close(q->done_fd);
	question_drop(q);
}

/* ----------------------------------------------------------- the loop's side */

void resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	timer_stop(&r->timer);
	io_free(r->io);
	if (r->fd >= 0)
		close(r->fd);
	question_drop(r->question);
	mem_free(r);
}

static void tell(void *ctx)
{
	struct resolve *r = ctx;
	struct question *q = r->question;

	loop_again(r->loop);
	r->done(r->ctx, q->e, q->addrs, q->n);
	resolve_cancel(r);
}

static void on_end(void *ctx, unsigned ready)
{
	struct resolve *r = ctx;

	(void)ready;
	if (atomic_load(&r->question->is_answered))
		tell(r);
}

static void tell_soon(struct resolve *r)
{
	timer_set(loop_timers(r->loop), &r->timer, 0, tell, r);
}

static enum err start_thread(struct resolve *r)
{
	struct question *q = r->question;
	struct thread *t;
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return ERR_IO;
	r->fd = p[0];
	q->done_fd = p[1];
	enum err e = io_new(r->loop, r->fd, on_end, r, &r->io);
	atomic_fetch_add(&q->users, 1);
	if (e != ERR_OK || thread_start("resolve", ask, q, &t) != ERR_OK) {
		close(p[1]);
		question_drop(q);
		return ERR_IO;
	}
	thread_detach(t);
	io_want(r->io, IO_READ);
	return ERR_OK;
}

enum err resolve_start(struct loop *l, const char *host, uint16_t port,
		       void (*done)(void *ctx, enum err e, const struct addr *addrs,
				    size_t n),
		       void *ctx, struct resolve **out)
{
	struct resolve *r = mem_new(sizeof(*r));
	struct question *q = question_new(host, port);

	*r = (struct resolve){
		.loop = l, .done = done, .ctx = ctx, .question = q, .fd = -1};
	*out = NULL;
	if (addr_parse(host, &q->addrs[0]) == ERR_OK) {
		q->e = ERR_OK;
		q->addrs[0].port = port;
		q->n = 1;
		tell_soon(r);
	} else if (start_thread(r) != ERR_OK) {
		resolve_cancel(r);
		return ERR_IO;
	}
	*out = r;
	return ERR_OK;
}
