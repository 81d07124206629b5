/*
 * loop: libuv's loop, with the timer heap of base in place of its timers and with
 * hooks that run before it sleeps.
 *
 *   timers -> hooks -> sleep, descriptors -> hooks -> closed handles -> ...
 *
 * Only this file, io.c and resolve.c know libuv.
 */
#include "net/loop.h"

#include <signal.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/io.h"
#include "net/loop_uv.h"

enum {
	/* Our clock counts the time that the machine was suspended, libuv's does
	 * not: so it looks again at times. */
	SLEEP_MAX_MS = 60 * 1000,
	/* In loop_free, for streams that still write and files that are still read. */
	END_MAX_MS = 5 * 1000
};

struct loop {
	uv_loop_t uv;
	uv_timer_t timer;
	uv_prepare_t prepare;
	uv_check_t check;
	struct timers *timers;
	struct list ticks;
	bool is_again;
	uint8_t *scratch;
};

uv_loop_t *loop_uv(struct loop *l)
{
	return &l->uv;
}

uint8_t *loop_scratch(struct loop *l)
{
	return l->scratch;
}

struct timers *loop_timers(struct loop *l)
{
	return l->timers;
}

void loop_again(struct loop *l)
{
	l->is_again = true;
}

/* ------------------------------------------------------------------- ticks */

void loop_tick_add(struct loop *l, struct loop_tick *t, void (*fn)(void *ctx), void *ctx)
{
	t->fn = fn;
	t->ctx = ctx;
	list_init(&t->node);
	list_add(&l->ticks, &t->node);
}

void loop_tick_del(struct loop_tick *t)
{
	list_del(&t->node);
}

/* Each hook moves to a list of those that have run: so any of them may be deleted
 * meanwhile, by any of them. */
static void run_hooks(struct loop *l)
{
	struct list done;

	list_init(&done);
	while (!list_empty(&l->ticks)) {
		struct loop_tick *t = list_entry(l->ticks.next, struct loop_tick, node);
		list_del(&t->node);
		list_add(&done, &t->node);
		t->fn(t->ctx);
	}
	while (!list_empty(&done)) {
		struct list *node = done.next;
		list_del(node);
		list_add(&l->ticks, node);
	}
}

static void end_tick(struct loop *l)
{
	l->is_again = false;
	run_hooks(l);
}

static void on_timer(uv_timer_t *timer)
{
	struct loop *l = timer->data;

	timers_run(l->timers);
}

/* What was asked for again comes in the next round, and that one at once. */
static void set_alarm(struct loop *l)
{
	uint64_t wait = l->is_again ? 0 : timers_wait(l->timers);

	uv_update_time(&l->uv);
	uv_timer_start(&l->timer, on_timer, wait < SLEEP_MAX_MS ? wait : SLEEP_MAX_MS, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct loop *l = prepare->data;

	end_tick(l);
	set_alarm(l);
}

static void on_check(uv_check_t *check)
{
	end_tick(check->data);
}

/* --------------------------------------------------------------- life time */

/* The loop's own handles are no reason to run; loop_run adds one that is. */
static void init_handles(struct loop *l)
{
	uv_timer_init(&l->uv, &l->timer);
	uv_prepare_init(&l->uv, &l->prepare);
	uv_check_init(&l->uv, &l->check);
	l->timer.data = l->prepare.data = l->check.data = l;
	uv_prepare_start(&l->prepare, on_prepare);
	uv_check_start(&l->check, on_check);
	uv_unref((uv_handle_t *)&l->timer);
	uv_unref((uv_handle_t *)&l->prepare);
	uv_unref((uv_handle_t *)&l->check);
}

enum err loop_new(struct loop **out)
{
	struct loop *l = mem_new(sizeof(*l));
	int r = uv_loop_init(&l->uv);

	*out = NULL;
	if (r != 0) {
		mem_free(l);
		return err_from_errno(-r);
	}
	signal(SIGPIPE, SIG_IGN);
	list_init(&l->ticks);
	l->timers = timers_new(clock_system());
	l->scratch = mem_new(LOOP_SCRATCH_BYTES);
	init_handles(l);
	*out = l;
	return ERR_OK;
}

void loop_run(struct loop *l)
{
	uv_ref((uv_handle_t *)&l->prepare);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_unref((uv_handle_t *)&l->prepare);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

struct last_wait {
	struct timer timer;
	struct loop *loop;
	bool is_over;
};

static void on_end_timeout(void *ctx)
{
	struct last_wait *w = ctx;

	w->is_over = true;
	uv_stop(&w->loop->uv);
}

/* False when something that was never stopped keeps it busy. */
static bool run_out(struct loop *l)
{
	struct last_wait w = {.loop = l};

	timer_set(l->timers, &w.timer, END_MAX_MS, on_end_timeout, &w);
	/* The hooks may start something, and what runs may leave something to them. */
	do {
		end_tick(l);
		uv_run(&l->uv, UV_RUN_DEFAULT);
		end_tick(l);
	} while (uv_loop_alive(&l->uv) && !w.is_over);
	timer_stop(&w.timer);
	return !w.is_over;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	bool is_idle = run_out(l);
	uv_close((uv_handle_t *)&l->timer, NULL);
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->check, NULL);
	if (is_idle)
		uv_run(&l->uv, UV_RUN_DEFAULT);
	if (!is_idle || uv_loop_close(&l->uv) != 0) {
		/* What still points here must find it. */
		BUG("the loop is freed while something runs on it");
		return;
	}
	timers_free(l->timers);
	mem_free(l->scratch);
	mem_free(l);
}

/* ----------------------------------------------------------------- signals */

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *ctx, int signum);
	void *ctx;
};

static void free_signal(uv_handle_t *h)
{
	mem_free(h->data);
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct loop_signal *s = h->data;

	s->fn(s->ctx, signum);
}

enum err loop_signal_start(struct loop *l, int signum, void (*fn)(void *ctx, int signum),
			   void *ctx, struct loop_signal **out)
{
	struct loop_signal *s = mem_new(sizeof(*s));

	*out = NULL;
	s->fn = fn;
	s->ctx = ctx;
	uv_signal_init(&l->uv, &s->uv);
	s->uv.data = s;
	int r = uv_signal_start(&s->uv, on_signal, signum);
	if (r != 0) {
		uv_close((uv_handle_t *)&s->uv, free_signal);
		return err_from_errno(-r);
	}
	*out = s;
	return ERR_OK;
}

void loop_signal_stop(struct loop_signal *s)
{
	if (s != NULL && !uv_is_closing((uv_handle_t *)&s->uv))
		uv_close((uv_handle_t *)&s->uv, free_signal);
}

/* -------------------------------------------------------------------- work */

struct loop_work {
	uv_work_t uv;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

static void on_work(uv_work_t *uv)
{
	struct loop_work *w = uv->data;

	w->work(w->ctx);
}

static void on_work_done(uv_work_t *uv, int status)
{
	struct loop_work *w = uv->data;

	(void)status;
	w->done(w->ctx);
	mem_free(w);
}

void loop_work_start(struct loop *l, void (*work)(void *ctx), void (*done)(void *ctx),
		     void *ctx)
{
	struct loop_work *w = mem_new(sizeof(*w));

	*w = (struct loop_work){.work = work, .done = done, .ctx = ctx};
	w->uv.data = w;
	/* Fails only without a function. */
	uv_queue_work(&l->uv, &w->uv, on_work, on_work_done);
}
