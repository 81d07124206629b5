/*
 * job: a command that asks the store several times before it is done. It goes on when its
 * front end has room, ends with it, and is freed with core.
 */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include "core/command.h"

struct job {
	struct list node;
	struct core *core;
	struct reply_to to;
	/* The front end has room again; NULL: nothing waits for that. */
	void (*on_room)(struct job *j);
	void (*wipe)(struct job *j); /* what else it has; may be NULL */
	bool is_asked; /* the store has a request of it */
	bool is_dead; /* freed when the store has answered */
	bool is_ours; /* it does not end with its front end */
};

/* size: of the struct that begins with it, zeroed. NULL: too many are under way, and an
 * error was sent. */
void *job_new(struct call *call, size_t size);
/* As that, of the node's own accord: nobody is told. */
void *job_new_own(struct core *c, size_t size);
void job_free(struct job *j);
/* Submits, with j as ctx. False: the store is busy; an error was sent and j is freed. */
bool job_ask(struct job *j, struct store_request *req, store_done_fn *done);
/* First thing in each done. False: j is gone. */
bool job_is_answered(struct job *j);
/* As that; an error of the store is told, with what could not be done, and j is freed. */
bool job_is_good(struct job *j, const struct store_reply *reply, const char *what);
/* The end. text may be NULL. */
void job_done(struct job *j, const char *text);
void job_fail(struct job *j, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* End of the tick. */
void job_sweep(struct core *c);
void job_free_all(struct core *c);

#endif
