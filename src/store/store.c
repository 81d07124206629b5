/*
 * store: the lanes. A request becomes a job (a deep copy), goes to the thread of its lane,
 * and comes back through one queue for all lanes, so that there is one descriptor. The
 * write thread takes all that waits, up to some hundreds, and commits it at once: what
 * makes 50,000 messages a second of some hundred commits. A backend that never waits has
 * no threads: its jobs lie here until the next store_poll runs them, which repeats.
 */
#include "store/store.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/secret.h"
#include "base/thread.h"
#include "store/backend.h"
#include "store/trouble.h"

enum {
	PENDING_MAX = 16384, /* requests */
	PENDING_BYTES = 32 << 20,
	TROUBLES_MAX = 64,
	GROUP_MAX = 2048, /* requests of one commit */
	GROUP_BYTES = 4 << 20,
	/* In a thread's hands or answered: an answer may have MiB. */
	READS_MAX = 4,
	POLL_MAX = 4096, /* answers of one store_poll: others want their turn too */
	END_MS = 5000 /* for what waits when the store is closed */
};

struct job {
	struct list node; /* of a lane's held jobs */
	struct store_request req; /* points into bytes; verb STORE_VERBS: on_trouble */
	bool is_own; /* nobody else waits for it */
	struct store_answer answer;
	size_t n_bytes;
	uint8_t bytes[];
};

struct lane {
	struct store *s;
	enum store_lane which;
	void *_Atomic self; /* the backend's; a check's comes with its thread */
	struct thread *thread;
	struct queue *in;
	struct list held; /* not given to the thread yet */
	size_t n_given, given_max;
};

struct store {
	const struct store_backend *backend;
	struct store_config cfg; /* with copies, and an on_trouble of ours */
	char *path;
	uint8_t *key;
	void (*on_trouble)(void *ctx, enum err e, const char *text);
	void *ctx;
	struct lane lanes[STORE_LANES];
	struct queue *answers;
	struct list held; /* without threads: all, in their order */
	size_t pending, pending_bytes;
	enum err write_err; /* of the last commit; the write thread's */
	_Atomic uint64_t end_ms; /* by the monotonic clock; 0: nobody closes it */
};

static const enum store_lane lane_of[STORE_VERBS] = {
#define R(name, lane) [STORE_##name] = STORE_LANE_##lane,
	STORE_REQUESTS(R)
#undef R
};

static const struct {
	const char *name;
	size_t given_max;
} lane_rows[STORE_LANES] = {
	[STORE_LANE_WRITE] = {"store write", PENDING_MAX},
	[STORE_LANE_READ] = {"store read", READS_MAX},
	[STORE_LANE_CHECK] = {"store check", 1},
};

/* Every slice of a request that is copied with it. */
enum { SLICES = 5 };
static void slices_of(struct store_request *req, struct slice *out[static SLICES])
{
	out[0] = &req->msg.body;
	out[1] = &req->arg;
	out[2] = &req->object;
	out[3] = &req->record.key;
	out[4] = &req->record.value;
}

static struct job *job_new(const struct store_request *req)
{
	struct store_request copy = *req;
	struct slice *parts[SLICES];
	/* Recipients first: they are aligned as bytes are. */
	size_t n = req->n_to * sizeof(*req->to);

	slices_of(&copy, parts);
	for (size_t i = 0; i < SLICES; i++)
		n += parts[i]->n;
	struct job *j = mem_new(sizeof(*j) + n);
	uint8_t *at = j->bytes;
	j->n_bytes = sizeof(*j) + n;
	j->req = *req;
	slices_of(&j->req, parts);
	if (req->n_to > 0) {
		memcpy(at, req->to, req->n_to * sizeof(*req->to));
		j->req.to = (const struct id32 *)(const void *)at;
		at += req->n_to * sizeof(*req->to);
	}
	for (size_t i = 0; i < SLICES; i++) {
		if (parts[i]->n > 0)
			memcpy(at, parts[i]->p, parts[i]->n);
		parts[i]->p = at;
		at += parts[i]->n;
	}
	list_init(&j->node);
	answer_init(&j->answer, req);
	return j;
}

static void job_free(void *item)
{
	struct job *j = item;

	answer_wipe(&j->answer);
	secret_wipe(j->bytes, j->n_bytes - sizeof(*j));
	mem_free(j);
}

static bool is_in_range(const struct store_request *req)
{
	return req->verb < STORE_VERBS && req->state <= STORE_FAILED &&
	       req->msg.state <= STORE_FAILED && req->max <= STORE_ROWS_MAX &&
	       req->n_to <= STORE_TO_MAX && req->msg.body.n <= STORE_BODY_BYTES &&
	       req->arg.n <= STORE_BODY_BYTES && req->object.n <= STORE_BODY_BYTES &&
	       req->record.key.n <= STORE_RECORD_KEY_BYTES &&
	       req->record.value.n <= STORE_BODY_BYTES;
}

/* In any thread, and while it is opened. */
static void queue_trouble(void *ctx, enum err e, const char *text)
{
	struct store *s = ctx;
	struct job *j = job_new(&(struct store_request){.verb = STORE_VERBS});

	j->answer.reply.err = e;
	answer_why(&j->answer, e, "%s", text);
	if (queue_put(s->answers, j) != ERR_OK)
		job_free(j);
}

static void put_answer(struct store *s, struct job *j)
{
	answer_finish(&j->answer);
	/* Room for all that can be pending was made. */
	if (queue_put(s->answers, j) != ERR_OK)
		job_free(j);
}

static void run(const struct lane *l, struct job *j)
{
	j->answer.reply.err = l->s->backend->run(l->self, &j->req, &j->answer);
}

/* Waits for the next job; NULL: it is time to go. */
static struct job *next_job(const struct lane *l)
{
	struct pollfd p = {.fd = queue_fd(l->in), .events = POLLIN};

	for (;;) {
		struct job *j = queue_take(l->in);
		if (j != NULL && j->req.verb != STORE_VERBS)
			return j;
		if (j != NULL) {
			job_free(j);
			return NULL;
		}
		poll(&p, 1, -1);
	}
}

struct group {
	struct job *jobs[GROUP_MAX];
	size_t n, n_bytes;
	bool is_last; /* the end was met behind it */
};

static void take_group(const struct lane *l, struct group *g)
{
	struct job *j = next_job(l);

	*g = (struct group){.is_last = j == NULL};
	while (j != NULL) {
		g->jobs[g->n++] = j;
		g->n_bytes += j->n_bytes;
		if (g->n == GROUP_MAX || g->n_bytes > GROUP_BYTES)
			return;
		j = queue_take(l->in);
		if (j != NULL && j->req.verb == STORE_VERBS) {
			job_free(j);
			g->is_last = true;
			return;
		}
	}
}

/* All of a group share one fate, for what is not committed was not done. */
static void fail_all(struct job **jobs, size_t n, enum err e, const char *why)
{
	char text[STORE_WHY_BYTES];

	snprintf(text, sizeof(text), "%s", why);
	for (size_t i = 0; i < n; i++) {
		struct job *j = jobs[i];
		answer_wipe(&j->answer);
		answer_init(&j->answer, &j->req);
		j->answer.reply.err = answer_why(&j->answer, e, "%s", text);
	}
}

/* Once for each time that it begins or ends. Damage is told by who found it. */
static void tell_writing(struct store *s, enum err e, const char *why)
{
	char text[STORE_WHY_BYTES];

	if (e == s->write_err || e == ERR_CORRUPT)
		return;
	s->write_err = e;
	trouble_text(e, why, text);
	queue_trouble(s, e, text);
}

static void write_all(const struct lane *l, struct job **jobs, size_t n)
{
	const struct store_backend *b = l->s->backend;
	enum err e = b->begin(l->self);
	const char *why = "";

	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		struct store_answer *a = &jobs[i]->answer;
		run(l, jobs[i]);
		if (a->is_spoilt) {
			e = a->reply.err;
			why = a->why;
		}
	}
	if (e == ERR_OK)
		e = b->commit(l->self);
	if (e == ERR_OK) {
		tell_writing(l->s, e, "");
		return;
	}
	if (why[0] == '\0')
		why = b->why != NULL ? b->why(l->self) : err_str(e);
	b->rollback(l->self);
	fail_all(jobs, n, e, why);
	tell_writing(l->s, e, jobs[0]->answer.why);
}

static bool is_late(const struct store *s)
{
	const uint64_t end = s->end_ms;

	return end != 0 && clock_mono_ms(clock_system()) >= end;
}

static void write_main(void *ctx)
{
	const struct lane *l = ctx;
	struct group *g = mem_new(sizeof(*g));

	while (!g->is_last) {
		take_group(l, g);
		if (g->n == 0)
			continue;
		if (is_late(l->s))
			fail_all(g->jobs, g->n, ERR_TIMEOUT, "");
		else
			write_all(l, g->jobs, g->n);
		for (size_t i = 0; i < g->n; i++)
			put_answer(l->s, g->jobs[i]);
	}
	mem_free(g);
}

static enum err open_lane(struct lane *l, char *why)
{
	const struct store *s = l->s;
	void *self = NULL;
	const enum err e = s->backend->open(&s->cfg, l->which,
					    s->lanes[STORE_LANE_WRITE].self, &self, why);

	l->self = self;
	return e;
}

static void read_main(void *ctx)
{
	struct lane *l = ctx;
	struct store *s = l->s;
	char why[STORE_WHY_BYTES] = "";
	enum err e = ERR_OK;

	for (struct job *j; (j = next_job(l)) != NULL; put_answer(s, j)) {
		if (l->self == NULL)
			e = open_lane(l, why);
		if (l->self == NULL)
			j->answer.reply.err = answer_why(&j->answer, e, "%s", why);
		else if (s->end_ms == 0)
			run(l, j);
	}
}

static enum err start_lane(struct lane *l)
{
	if (l->thread != NULL || !l->s->backend->has_threads)
		return ERR_OK;
	return thread_start(lane_rows[l->which].name,
			    l->which == STORE_LANE_WRITE ? write_main : read_main, l,
			    &l->thread);
}

/* To the thread, as many as it may have. */
static void give(struct lane *l)
{
	while (l->n_given < l->given_max && !list_empty(&l->held)) {
		struct job *j = list_entry(l->held.next, struct job, node);
		if (start_lane(l) != ERR_OK || queue_put(l->in, j) != ERR_OK)
			return; /* the next submission or answer tries again */
		list_del(&j->node);
		l->n_given++;
	}
}

static void submit(struct store *s, struct job *j)
{
	if (!s->backend->has_threads) {
		list_add(&s->held, &j->node);
		return;
	}
	struct lane *l = &s->lanes[lane_of[j->req.verb]];
	list_add(&l->held, &j->node);
	give(l);
}

enum err store_submit(struct store *s, const struct store_request *req)
{
	if (!is_in_range(req))
		return ERR_RANGE;
	if (s->pending >= PENDING_MAX || s->pending_bytes >= PENDING_BYTES)
		return ERR_FULL;
	struct job *j = job_new(req);
	s->pending++;
	s->pending_bytes += j->n_bytes;
	submit(s, j);
	return ERR_OK;
}

/* After an unclean end; what it finds is told by who finds it. */
static void check_unasked(struct store *s)
{
	struct job *j = job_new(&(struct store_request){.verb = STORE_CHECK});

	j->is_own = true;
	submit(s, j);
}

static void answer(struct store *s, struct job *j)
{
	if (j->req.verb == STORE_VERBS) {
		if (s->on_trouble != NULL)
			s->on_trouble(s->ctx, j->answer.reply.err, j->answer.why);
		job_free(j);
		return;
	}
	if (!j->is_own) {
		s->pending--;
		s->pending_bytes -= j->n_bytes;
	}
	if (j->req.done != NULL)
		j->req.done(j->req.ctx, &j->req, &j->answer.reply);
	job_free(j);
}

/* As a thread would, but each for itself; what the write lane opened serves all. */
static void run_held(struct store *s, struct job *j)
{
	const struct lane *l = &s->lanes[STORE_LANE_WRITE];

	list_del(&j->node);
	if (lane_of[j->req.verb] == STORE_LANE_WRITE)
		write_all(l, &j, 1);
	else
		run(l, j);
	answer_finish(&j->answer);
	answer(s, j);
}

/* What is submitted by an answer waits for the next time: it goes behind the mark. */
static void poll_held(struct store *s)
{
	struct list mark;

	list_init(&mark);
	list_add(&s->held, &mark);
	while (s->held.next != &mark)
		run_held(s, list_entry(s->held.next, struct job, node));
	list_del(&mark);
}

void store_poll(struct store *s)
{
	struct job *j;

	for (int n = 0; n < POLL_MAX && (j = queue_take(s->answers)) != NULL; n++) {
		if (j->req.verb < STORE_VERBS) {
			struct lane *l = &s->lanes[lane_of[j->req.verb]];
			l->n_given--;
			give(l);
		}
		answer(s, j);
	}
	if (!s->backend->has_threads)
		poll_held(s);
}

int store_fd(const struct store *s)
{
	return s->backend->has_threads ? queue_fd(s->answers) : -1;
}

size_t store_pending(const struct store *s)
{
	return s->pending;
}

static enum err open_lanes(struct store *s, char *why)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < STORE_LANES && e == ERR_OK; i++) {
		struct lane *l = &s->lanes[i];
		/* A check is rare: its connection and its thread come with it. */
		if (i > STORE_LANE_WRITE &&
		    (i == STORE_LANE_CHECK || !s->backend->has_threads))
			break;
		e = open_lane(l, why);
		if (e == ERR_OK)
			e = start_lane(l);
	}
	return e;
}

static enum err open_queues(struct store *s)
{
	enum err e = queue_new(PENDING_MAX + TROUBLES_MAX, &s->answers);

	for (size_t i = 0; i < STORE_LANES && e == ERR_OK && s->backend->has_threads; i++)
		e = queue_new(lane_rows[i].given_max + 1, &s->lanes[i].in);
	return e;
}

static struct store *make(const struct store_config *cfg)
{
	struct store *s = mem_new(sizeof(*s));

	s->backend = cfg->path != NULL ? &store_sqlite : &store_memory;
	s->path = mem_strdup(cfg->path);
	s->cfg = *cfg;
	s->cfg.path = s->path;
	if (cfg->key != NULL) {
		s->key = secret_new(STORE_KEY_BYTES);
		memcpy(s->key, cfg->key, STORE_KEY_BYTES);
		s->cfg.key = s->key;
	}
	s->on_trouble = cfg->on_trouble;
	s->ctx = cfg->ctx;
	s->cfg.on_trouble = queue_trouble;
	s->cfg.ctx = s;
	list_init(&s->held);
	for (size_t i = 0; i < STORE_LANES; i++) {
		struct lane *l = &s->lanes[i];
		l->s = s;
		l->which = (enum store_lane)i;
		l->given_max = lane_rows[i].given_max;
		list_init(&l->held);
	}
	return s;
}

enum err store_open(const struct store_config *cfg, struct store **out, char *why)
{
	struct store *s = make(cfg);

	*out = NULL;
	why[0] = '\0';
	enum err e = open_queues(s);
	if (e == ERR_OK)
		e = open_lanes(s, why);
	if (e != ERR_OK) {
		store_free(s);
		return e;
	}
	if (s->backend->was_unclean != NULL &&
	    s->backend->was_unclean(s->lanes[STORE_LANE_WRITE].self))
		check_unasked(s);
	*out = s;
	return ERR_OK;
}

static void free_held(struct list *held)
{
	list_each_safe (it, held) {
		list_del(it);
		job_free(list_entry(it, struct job, node));
	}
}

/* Writes are given whole, so only their thread has something left to do. */
static void end_lane(struct lane *l)
{
	if (l->thread == NULL)
		return;
	struct job *stop = job_new(&(struct store_request){.verb = STORE_VERBS});
	if (queue_put(l->in, stop) != ERR_OK)
		BUG("no room for the last job");
	if (l->which != STORE_LANE_WRITE && l->s->backend->interrupt != NULL &&
	    l->self != NULL)
		l->s->backend->interrupt(l->self);
	thread_join(l->thread);
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	s->end_ms = clock_mono_ms(clock_system()) + END_MS;
	for (size_t i = STORE_LANES; i-- > 0;)
		end_lane(&s->lanes[i]);
	/* The writer last: it is the one that leaves a clean end behind. */
	for (size_t i = STORE_LANES; i-- > 0;) {
		struct lane *l = &s->lanes[i];
		if (l->self != NULL)
			s->backend->close(l->self);
		queue_free(l->in, job_free);
		free_held(&l->held);
	}
	free_held(&s->held);
	queue_free(s->answers, job_free);
	mem_free(s->path);
	secret_free(s->key);
	mem_free(s);
}
