#include "core/expire.h"

#include "base/mem.h"
#include "core/amend.h"
#include "core/calendar.h"
#include "core/contact.h"
#include "core/emit.h"
#include "wire/fields.h"

enum { ROUND_MS = 60000, UNSHOWN_MAX = 1024 };

/* Kept while no front end was there to show it. */
struct unshown {
	struct list node;
	struct id32 author;
	struct id16 id, conv;
	uint64_t expire_s;
};

static bool is_gone(struct core *c, uint64_t expires_ms)
{
	return expires_ms != 0 && expires_ms <= core_wall_ms(c);
}

/* ---- the timer ---- */

static void on_timer(void *ctx);

static void set_timer(struct core *c, uint64_t ms)
{
	timer_set(c->cfg.timers, &c->expire_timer, ms, on_timer, c);
}

static void sweep(struct core *c);

static void on_swept(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	(void)req;
	if (reply->err == ERR_OK && reply->is_more)
		sweep(ctx);
}

static void sweep(struct core *c)
{
	struct store_request req = {.verb = STORE_SWEEP, .done = on_swept, .ctx = c};
	req.now_ms = calendar_ms(c);
	(void)store_submit(c->cfg.store, &req); /* else a minute later */
}

/* The next one that is known of; the store's others are met each minute. */
static void on_timer(void *ctx)
{
	struct core *c = ctx;
	uint64_t now = core_wall_ms(c), next = emit_scrub_expired(c, now);
	sweep(c);
	set_timer(c, next != 0 && next - now < ROUND_MS ? next - now + 1 : ROUND_MS);
}

void expire_start(struct core *c)
{
	sweep(c);
	set_timer(c, ROUND_MS);
}

void expire_known(struct core *c, uint64_t expires_ms)
{
	uint64_t now = core_wall_ms(c);
	uint64_t in_ms = expires_ms > now ? expires_ms - now + 1 : 1;
	if (expires_ms == 0 || in_ms >= ROUND_MS ||
	    c->expire_timer.due_us <= core_now_us(c) + in_ms * 1000)
		return;
	set_timer(c, in_ms);
}

void expire_stop(struct core *c)
{
	timer_stop(&c->expire_timer);
	list_each_safe (it, &c->unshown)
		mem_free(list_entry(it, struct unshown, node));
	list_init(&c->unshown);
}

/* ---- shown ---- */

static bool is_anybody_following(const struct core *c)
{
	list_each (it, &c->fronts)
		if (list_entry(it, struct front, node)->is_following)
			return true;
	return false;
}

uint64_t expire_from_now(const struct core *c, const struct msg *m)
{
	const struct msg_text *t = &m->u.text;
	if (t->expire_s == 0 || !is_anybody_following(c))
		return 0;
	return core_wall_ms(c) + t->expire_s * 1000;
}

/* Nor is it replayed any longer than it is kept. */
static void limit_replays(struct core *c, const struct unshown *u, uint64_t expires_ms)
{
	char id[33], author[NODE_ID_COMPACT_BYTES];
	hex_encode(slice_of(u->id.b, sizeof u->id.b), id);
	node_id_compact(&u->author, author);
	emit_expires(c, id, id32_eq(&u->author, &c->node_id) ? NULL : author, expires_ms);
	expire_known(c, expires_ms);
}

static void begin(struct core *c, const struct unshown *u)
{
	const struct amend a = {
		.kind = AMEND_SHOWN, .conv = u->conv, .now_ms = core_wall_ms(c)};
	struct store_request req = {.verb = STORE_KEEP, .amend = amend_apply};
	struct buf arg;
	limit_replays(c, u, a.now_ms + u->expire_s * 1000);
	req.msg.author = u->author;
	req.msg.id = u->id;
	req.arg = amend_pack(&arg, &a, slice_of(NULL, 0));
	(void)store_submit(c->cfg.store, &req);
	buf_wipe(&arg);
}

static void remember(struct core *c, const struct unshown *new)
{
	if (c->n_unshown >= UNSHOWN_MAX)
		return; /* history shows it, and begins its time */
	struct unshown *u = mem_dup(new, sizeof *new);
	list_add(&c->unshown, &u->node);
	c->n_unshown++;
}

static struct unshown unshown_of(const struct shown *s, const struct store_message *kept)
{
	return (struct unshown){.author = kept->author,
				.id = kept->id,
				.conv = kept->conv,
				.expire_s = s->msg.u.text.expire_s};
}

void expire_on_shown(struct core *c, struct shown *s, const struct store_message *kept)
{
	const struct unshown u = unshown_of(s, kept);
	if (u.expire_s == 0)
		return;
	if (kept->expires_ms != 0) {
		expire_known(c, kept->expires_ms);
	} else if (!is_anybody_following(c)) {
		remember(c, &u);
	} else { /* somebody has come while it was on its way to the store */
		begin(c, &u);
		s->ev.u.message.expires = core_wall_ms(c) + u.expire_s * 1000;
	}
}

void expire_on_follow(struct core *c)
{
	list_each_safe (it, &c->unshown) {
		struct unshown *u = list_entry(it, struct unshown, node);
		begin(c, u);
		list_del(it);
		c->n_unshown--;
		mem_free(u);
	}
}

void expire_unkept(struct core *c, struct shown *s)
{
	uint64_t expire_s = s->msg.u.text.expire_s;
	if (expire_s == 0)
		return;
	s->ev.u.message.expires = core_wall_ms(c) + expire_s * 1000;
	expire_known(c, s->ev.u.message.expires);
}

bool expire_on_listed(struct core *c, struct shown *s, const struct store_message *kept)
{
	uint64_t expire_s = s->body.is_deleted ? 0 : s->msg.u.text.expire_s;
	if (is_gone(c, kept->expires_ms))
		return false;
	if (expire_s == 0)
		return true;
	if (kept->expires_ms == 0) {
		const struct unshown u = unshown_of(s, kept);
		begin(c, &u);
		s->ev.u.message.expires = core_wall_ms(c) + expire_s * 1000;
	}
	expire_known(c, s->ev.u.message.expires);
	return true;
}

/* ---- #lan ---- */

/* The value of the record. */
struct lan {
	uint64_t has;
	uint64_t expire_s;
};
static const struct msg_field rows[] = {{0, MSG_UINT, MSG_OPT, 0, PROTO_EXPIRE_MAX_S,
					 "expire_s", offsetof(struct lan, expire_s)}};
static const struct fields table = {rows, 1};

struct store_request expire_lan_request(void)
{
	struct store_request req = {.verb = STORE_RECORDS, .max = 1};
	req.record.kind = RECORD_CONVERSATION;
	req.record.key = slice_str("#lan");
	return req;
}

void expire_take_lan(struct core *c, const struct store_reply *reply)
{
	struct lan v = {0};
	enum proto_code code;
	if (reply->n_records == 0)
		return;
	struct cur cur = cur_of(reply->records[0].value);
	if (fields_get(&cur, &table, &v, &code) == ERR_OK)
		c->lan_expire_s = v.expire_s;
}

void expire_set_lan(struct core *c, uint64_t expire_s)
{
	const struct lan v = {.has = MSG_HAS(0), .expire_s = expire_s};
	struct store_request req = {.verb = STORE_RECORD};
	struct buf value;
	c->lan_expire_s = expire_s;
	buf_init(&value, 64);
	(void)fields_put(&value, &table, &v);
	req.record.kind = RECORD_CONVERSATION;
	req.record.key = slice_str("#lan");
	req.record.value = buf_slice(&value);
	(void)store_submit(c->cfg.store, &req);
	buf_wipe(&value);
}
