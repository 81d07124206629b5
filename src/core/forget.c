#include "core/forget.h"

#include "base/log.h"
#include "core/contact.h"
#include "core/job.h"

enum {
	ROUND = 1024,
	KEY_ALL_BYTES = 3,
	VALUE_BYTES = 1 + 32 + 8 /* has it a peer, which, and up to which seq */
};

static const uint8_t key_all[KEY_ALL_BYTES] = "all";

struct forgetting {
	struct job job;
	bool is_all, has_peer;
	struct id16 conv;
	struct id32 peer;
	uint64_t up_to; /* what was kept later stays; 0: not known yet */
};

/* ---- its record ---- */

static enum err record(const struct forgetting *f, bool is_over)
{
	struct store_request req = {.verb = STORE_RECORD};
	struct buf value;
	buf_init(&value, VALUE_BYTES);
	(void)buf_u8(&value, f->has_peer);
	(void)buf_add(&value, slice_of(f->peer.b, sizeof f->peer.b));
	(void)buf_u64(&value, f->up_to);
	req.record.kind = RECORD_FORGETTING;
	req.record.key = f->is_all ? slice_of(key_all, sizeof key_all)
				   : slice_of(f->conv.b, sizeof f->conv.b);
	if (!is_over)
		req.record.value = buf_slice(&value);
	enum err e = store_submit(f->job.core->cfg.store, &req);
	buf_wipe(&value);
	return e;
}

/* ---- the rounds ---- */

static bool go_on(struct forgetting *f);

static void on_round(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct forgetting *f = ctx;
	(void)req;
	if (!job_is_answered(&f->job))
		return;
	if (reply->err != ERR_OK) {
		job_fail(&f->job, 5,
			 "not all is forgotten yet, the next start goes on: %s",
			 reply->why[0] != '\0' ? reply->why : err_str(reply->err));
		return;
	}
	if (!reply->is_more) {
		(void)record(f, true);
		job_done(&f->job, "what was said is forgotten");
		return;
	}
	if (f->up_to == 0) {
		f->up_to = reply->last.seq;
		(void)record(f, false);
	}
	(void)go_on(f);
}

static bool go_on(struct forgetting *f)
{
	struct store_request req = {.verb = STORE_FORGET,
				    .is_all_convs = f->is_all,
				    .is_peer = f->has_peer && f->up_to == 0,
				    .peer = f->peer,
				    .max = ROUND,
				    .now_ms = core_wall_ms(f->job.core)};
	req.msg.conv = f->conv;
	req.has_from = f->up_to != 0;
	req.from.seq = f->up_to;
	return job_ask(&f->job, &req, on_round);
}

/* Not without its record: a crash must not end it. */
static bool begin(struct forgetting *f)
{
	if (record(f, false) == ERR_OK)
		return go_on(f);
	job_fail(&f->job, 5, "the store is busy; try again");
	return false;
}

bool forget_conv(struct core *c, const struct id16 *conv, const struct id32 *peer,
		 const struct reply_to *to)
{
	struct forgetting *f = job_new_own(c, sizeof *f);
	if (to != NULL)
		f->job.to = *to;
	f->conv = *conv;
	f->has_peer = peer != NULL;
	if (peer != NULL)
		f->peer = *peer;
	return begin(f);
}

void forget_all(struct core *c, const struct reply_to *to)
{
	struct forgetting *f = job_new_own(c, sizeof *f);
	f->job.to = *to;
	f->is_all = true;
	(void)begin(f);
}

/* ---- after a start ---- */

static void resume(struct core *c, const struct store_record *r)
{
	struct cur v = cur_of(r->value);
	bool is_all = slice_eq(r->key, slice_of(key_all, sizeof key_all));
	if (r->value.n != VALUE_BYTES || (!is_all && r->key.n != sizeof(struct id16))) {
		log_warn("forget", "a record makes no sense; left alone");
		return;
	}
	struct forgetting *f = job_new_own(c, sizeof *f);
	f->is_all = is_all;
	if (!is_all)
		memcpy(f->conv.b, r->key.p, sizeof f->conv.b);
	f->has_peer = cur_u8(&v) != 0;
	cur_copy(&v, f->peer.b, sizeof f->peer.b);
	f->up_to = cur_u64(&v);
	(void)go_on(f);
}

static void on_records(void *ctx, const struct store_request *req,
		       const struct store_reply *reply)
{
	struct core *c = ctx;
	(void)req;
	c->n_loading--;
	for (size_t i = 0; i < reply->n_records; i++)
		resume(c, &reply->records[i]);
}

void forget_load(struct core *c)
{
	struct store_request req = {.verb = STORE_RECORDS, .done = on_records, .ctx = c};
	req.record.kind = RECORD_FORGETTING;
	if (store_submit(c->cfg.store, &req) == ERR_OK)
		c->n_loading++;
}
