#include "core/sweep.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/calendar.h"
#include "core/emit.h"
#include "core/keep.h"
#include "core/outbox.h"
#include "core/waiter.h"
#include "core/waiting.h"

enum {
	FIRST_MS = 1000,
	AGAIN_MS = 10000, /* the store was busy, or failed */
	HOUR_MS = 3600 * 1000,
	MEASURE_ROWS = 20000 /* looked at, before others have their turn */
};

#define DAY_MS (24ULL * 3600 * 1000)

/*
 * expired and given up, for all -> each conversation: next -> how is it kept? -> age ->
 * size -> what is too much
 */
struct sweep {
	struct core *core;
	struct timer timer;
	bool is_running, is_again; /* it was asked for while it ran */
	uint64_t due_ms; /* wall time of the timer */
	struct id16 conv;
	bool has_conv;
	struct keep keep;
	uint64_t left; /* bytes of conv that may still stay */
};

static void begin(void *ctx);

static void set_timer(struct sweep *s, uint64_t ms)
{
	s->due_ms = core_wall_ms(s->core) + ms;
	timer_set(s->core->cfg.timers, &s->timer, ms, begin, s);
}

static void end(struct sweep *s, uint64_t again_ms)
{
	s->is_running = false;
	set_timer(s, s->is_again ? 0 : again_ms);
	s->is_again = false;
}

static void submit(struct sweep *s, struct store_request *req, store_done_fn *done)
{
	req->done = done;
	req->ctx = s;
	if (store_submit(s->core->cfg.store, req) != ERR_OK)
		end(s, AGAIN_MS);
}

/* False: it is over for now. */
static bool is_good(struct sweep *s, const struct store_reply *reply)
{
	if (reply->err == ERR_OK)
		return true;
	log_warn("sweep", "what is over cannot be removed: %s",
		 reply->why[0] != '\0' ? reply->why : err_str(reply->err));
	end(s, AGAIN_MS);
	return false;
}

static struct store_request sweep_request(struct sweep *s)
{
	struct store_request req = {.verb = STORE_SWEEP, .now_ms = calendar_ms(s->core)};
	req.msg.conv = s->conv;
	return req;
}

/* ---- one conversation ---- */

static void next_conv(struct sweep *s);

static void on_removed(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct sweep *s = ctx;
	struct store_request again = *req;
	if (!is_good(s, reply))
		return;
	if (reply->is_more)
		submit(s, &again, on_removed);
	else
		next_conv(s);
}

static void set_from(struct store_request *req, const struct store_message *m)
{
	req->has_from = true;
	req->from.lamport = m->lamport;
	req->from.author = m->author;
	req->from.id = m->id;
}

static void on_measured(void *ctx, const struct store_request *req,
			const struct store_reply *reply)
{
	struct sweep *s = ctx;
	struct store_request again = *req, cut = sweep_request(s);
	if (!is_good(s, reply))
		return;
	if (reply->is_over) {
		set_from(&cut, &reply->last);
		submit(s, &cut, on_removed);
	} else if (reply->is_more) {
		set_from(&again, &reply->last);
		again.keep_bytes -= reply->n_bytes;
		submit(s, &again, on_measured);
	} else {
		next_conv(s);
	}
}

static void measure(struct sweep *s)
{
	struct store_request req = {.verb = STORE_MEASURE, .max_rows = MEASURE_ROWS};
	if (s->keep.mib == 0) {
		next_conv(s);
		return;
	}
	req.msg.conv = s->conv;
	req.keep_bytes = s->keep.mib << 20;
	submit(s, &req, on_measured);
}

static void on_old_removed(void *ctx, const struct store_request *req,
			   const struct store_reply *reply)
{
	struct sweep *s = ctx;
	struct store_request again = *req;
	if (!is_good(s, reply))
		return;
	if (reply->is_more)
		submit(s, &again, on_old_removed);
	else
		measure(s);
}

static void on_keep(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct sweep *s = ctx;
	struct store_request old = sweep_request(s);
	(void)req;
	if (!is_good(s, reply))
		return;
	s->keep = keep_parse(s->core, reply->n_records > 0 ? reply->records->value
							   : slice_of(NULL, 0));
	if (s->keep.days == 0) {
		measure(s);
		return;
	}
	old.keep_ms = s->keep.days * DAY_MS;
	submit(s, &old, on_old_removed);
}

static void on_conv(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct sweep *s = ctx;
	(void)req;
	if (!is_good(s, reply))
		return;
	if (reply->n_messages == 0) {
		end(s, HOUR_MS);
		return;
	}
	s->conv = reply->messages->conv;
	s->has_conv = true;
	struct store_request keep = keep_request(STORE_RECORDS, &s->conv);
	submit(s, &keep, on_keep);
}

static void next_conv(struct sweep *s)
{
	struct store_request req = {.verb = STORE_CONVS, .max = 1};
	req.msg.conv = s->conv;
	req.has_from = s->has_conv;
	submit(s, &req, on_conv);
}

/* ---- all of them ---- */

static void tell_given_up(struct core *c, const struct store_item *i)
{
	struct peer *p = peer_find(c, &i->peer);
	if (p == NULL || !outbox_drop(p, &i->id))
		return;
	waiting_tell(p, &i->id, "failed", "expired: it has waited too long");
	waiter_on_outcome(c, &i->id, ERR_TIMEOUT, 0);
}

static void on_swept(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct sweep *s = ctx;
	struct store_request again = *req;
	if (!is_good(s, reply))
		return;
	for (size_t i = 0; i < reply->n_items; i++)
		tell_given_up(s->core, &reply->items[i]);
	if (reply->is_more)
		submit(s, &again, on_swept);
	else
		next_conv(s);
}

static void begin(void *ctx)
{
	struct sweep *s = ctx;
	struct core *c = s->core;
	uint64_t days = (uint64_t)options_int(c->cfg.options, OPT_queue_days);
	if (!core_is_ready(c)) {
		set_timer(s, FIRST_MS);
		return;
	}
	s->is_running = true;
	s->due_ms = UINT64_MAX;
	s->has_conv = false;
	calendar_save(c);
	struct store_request req = sweep_request(s);
	req.msg.author = c->node_id;
	req.state = STORE_FAILED;
	if (days > 0 && req.now_ms > days * DAY_MS)
		req.give_up_ms = req.now_ms - days * DAY_MS;
	submit(s, &req, on_swept);
}

/* ---- life ---- */

struct sweep *sweep_new(struct core *c)
{
	struct sweep *s = mem_new(sizeof *s);
	s->core = c;
	set_timer(s, FIRST_MS);
	return s;
}

void sweep_free(struct sweep *s)
{
	if (s == NULL)
		return;
	timer_stop(&s->timer);
	mem_free(s);
}

void sweep_by(struct core *c, uint64_t wall_ms)
{
	struct sweep *s = c->sweep;
	uint64_t now = core_wall_ms(c);
	if (s == NULL || wall_ms >= s->due_ms)
		return;
	s->is_again = s->is_running;
	if (s->is_running)
		return;
	set_timer(s, wall_ms > now ? wall_ms - now : 0);
}

void sweep_now(struct core *c)
{
	sweep_by(c, 0);
}
