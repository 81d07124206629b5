#include "core/job.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

enum { JOBS_MAX = 256 };

static struct job *make(struct core *c, size_t size)
{
	struct job *j = mem_new(size);
	j->core = c;
	list_add(&c->jobs, &j->node);
	c->n_jobs++;
	return j;
}

void *job_new(struct call *call, size_t size)
{
	if (call->core->n_jobs >= JOBS_MAX) {
		call_fail(call, 5, "too many commands are under way already");
		return NULL;
	}
	struct job *j = make(call->core, size);
	j->to = call->to;
	return j;
}

void *job_new_own(struct core *c, size_t size)
{
	struct job *j = make(c, size);
	j->is_ours = true;
	return j;
}

void job_free(struct job *j)
{
	list_del(&j->node);
	j->core->n_jobs--;
	if (j->wipe != NULL)
		j->wipe(j);
	mem_free(j);
}

bool job_ask(struct job *j, struct store_request *req, store_done_fn *done)
{
	req->done = done;
	req->ctx = j;
	if (store_submit(j->core->cfg.store, req) != ERR_OK) {
		job_fail(j, 5, "the store is busy; try again");
		return false;
	}
	j->is_asked = true;
	return true;
}

bool job_is_answered(struct job *j)
{
	j->is_asked = false;
	if (j->is_dead)
		job_free(j);
	else
		return true;
	return false;
}

bool job_is_good(struct job *j, const struct store_reply *reply, const char *what)
{
	if (!job_is_answered(j))
		return false;
	if (reply->err == ERR_OK)
		return true;
	job_fail(j, 5, "%s: %s", what,
		 reply->why[0] != '\0' ? reply->why : err_str(reply->err));
	return false;
}

void job_done(struct job *j, const char *text)
{
	emit_done(j->core, j->to, text);
	job_free(j);
}

void job_fail(struct job *j, unsigned status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	emit_format(text, sizeof text, fmt, ap);
	va_end(ap);
	emit_error(j->core, j->to, status, "%s", text);
	job_free(j);
}

void job_sweep(struct core *c)
{
	list_each_safe (it, &c->jobs) {
		struct job *j = list_entry(it, struct job, node);
		if (j->is_ours)
			continue;
		bool is_open = emit_is_open(c, j->to.front);
		if (!is_open && j->is_asked)
			j->is_dead = true;
		else if (!is_open)
			job_free(j);
		else if (!j->is_asked && j->on_room != NULL &&
			 !emit_is_full(c, j->to.front))
			j->on_room(j);
	}
}

void job_free_all(struct core *c)
{
	list_each_safe (it, &c->jobs)
		job_free(list_entry(it, struct job, node));
}
