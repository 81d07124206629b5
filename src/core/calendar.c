#include "core/calendar.h"

#include "base/buf.h"
#include "base/cur.h"
#include "core/contact.h"
#include "core/expire.h"

enum {
	SLACK_MS = 5 * 60 * 1000, /* clocks are set right by that much all the time */
	DAY_S = 24 * 3600,
	OFF_MOST_DAYS = 30, /* a node may not have run for so long, and nobody wonders */
	AFTER_START_S = 3600, /* time servers have been asked by then */
	AFTER_JUMP_S = DAY_S
};

static struct slice key(void)
{
	return slice_str("believed");
}

static void believe(struct calendar *k, uint64_t wall_ms, uint64_t now_us)
{
	*k = (struct calendar){.believed_ms = wall_ms, .at_us = now_us};
}

static void doubt(struct core *c, uint64_t ahead_ms, uint64_t now_us, unsigned for_s)
{
	struct calendar *k = &c->calendar;
	k->ahead_ms = ahead_ms;
	k->sure_us = now_us + for_s * 1000000ULL;
	core_notice(
		c, "warning",
		"the clock of this machine is suddenly %llu minutes ahead: nothing is "
		"removed for its age before it has gone on evenly for %u hours",
		(unsigned long long)(ahead_ms / 60000), for_s / 3600);
}

static bool is_even(const struct calendar *k, uint64_t ahead_ms)
{
	return ahead_ms < k->ahead_ms + SLACK_MS && k->ahead_ms < ahead_ms + SLACK_MS;
}

uint64_t calendar_ms(struct core *c)
{
	struct calendar *k = &c->calendar;
	uint64_t wall = core_wall_ms(c), now = core_now_us(c);
	uint64_t paced = k->believed_ms + (now - k->at_us) / 1000;
	uint64_t ahead = wall > paced ? wall - paced : 0;
	if (ahead <= SLACK_MS) {
		believe(k, wall, now);
		return wall;
	}
	if (k->sure_us == 0 || !is_even(k, ahead))
		doubt(c, ahead, now, AFTER_JUMP_S);
	if (now < k->sure_us)
		return paced;
	believe(k, wall, now);
	return wall;
}

/* ---- from one run to the next ---- */

static void on_record(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct core *c = ctx;
	uint64_t wall = core_wall_ms(c), now = core_now_us(c);
	(void)req;
	c->n_loading--;
	believe(&c->calendar, wall, now);
	if (reply->n_records > 0) {
		struct cur v = cur_of(reply->records->value);
		uint64_t last = cur_u64(&v);
		if (!v.failed && wall > last &&
		    wall - last > OFF_MOST_DAYS * (uint64_t)DAY_S * 1000) {
			believe(&c->calendar, last, now);
			doubt(c, wall - last, now, AFTER_START_S);
		}
	}
	expire_start(c);
}

void calendar_load(struct core *c)
{
	struct store_request req = {
		.verb = STORE_RECORDS, .done = on_record, .ctx = c, .max = 1};
	believe(&c->calendar, core_wall_ms(c), core_now_us(c));
	req.record.kind = RECORD_CALENDAR;
	req.record.key = key();
	if (store_submit(c->cfg.store, &req) == ERR_OK)
		c->n_loading++;
}

void calendar_save(struct core *c)
{
	struct store_request req = {.verb = STORE_RECORD};
	struct buf value;
	buf_init(&value, sizeof(uint64_t));
	(void)buf_u64(&value, calendar_ms(c));
	req.record.kind = RECORD_CALENDAR;
	req.record.key = key();
	req.record.value = buf_slice(&value);
	(void)store_submit(c->cfg.store, &req); /* else an hour later */
	buf_wipe(&value);
}
