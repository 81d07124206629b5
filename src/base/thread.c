#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"

enum { NAME_BYTES = 16 }; /* as much as Linux keeps */

struct thread {
	pthread_t id;
};

/* Handed to the new thread, which frees it: struct thread may be gone by then. */
struct start {
	void (*main)(void *ctx);
	void *ctx;
	char name[NAME_BYTES];
};

static void *run(void *arg)
{
	struct start *given = arg, start = *given;

	mem_free(given);
#ifdef __linux__
	pthread_setname_np(pthread_self(), start.name);
#endif
	start.main(start.ctx);
	return NULL;
}

/* A new thread inherits the mask of the one that makes it. What a fault of its own
 * raises stays with it: blocked, it would kill without a trace. */
static int create_masked(pthread_t *id, struct start *start)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	sigset_t all, old;
	int r;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(id, NULL, run, start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

enum err thread_start(const char *name, void (*main)(void *ctx), void *ctx,
		      struct thread **out)
{
	struct start *start = mem_new(sizeof(*start));
	struct thread *t = mem_new(sizeof(*t));
	int r;

	start->main = main;
	start->ctx = ctx;
	snprintf(start->name, sizeof(start->name), "%s", name);
	*out = t;
	r = create_masked(&t->id, start);
	if (r == 0)
		return ERR_OK;
	*out = NULL;
	mem_free(start);
	mem_free(t);
	return err_from_errno(r);
}

void thread_join(struct thread *t)
{
	pthread_join(t->id, NULL);
	mem_free(t);
}

void thread_detach(struct thread *t)
{
	pthread_detach(t->id);
	mem_free(t);
}
