/*
 * chan: see the header. One step function for each state takes what it can from
 * the input buffer; chan_next runs steps until there is an event or nothing left.
 * Records are opened where they stand in that buffer, and dropped by the call
 * after.
 */
#include "wire/chan.h"

#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/chan_pool.h"
#include "wire/close.h"
#include "wire/handshake.h"
#include "wire/preamble.h"
#include "wire/records.h"

#define STATE_TABLE(X) \
	X(PREAMBLE, preamble) \
	X(MSG1, msg1) \
	X(MSG2, msg2) \
	X(MSG3, msg3) \
	X(DECIDE, decide) \
	X(ACCEPTED, accepted) \
	X(UP, up) \
	X(CLOSED, closed) \
	X(FAILED, failed)

enum state {
#define X(NAME, name) STATE_##NAME,
	STATE_TABLE(X)
#undef X
};

enum {
	/* Enough for any message of the handshake; small, because it is a stranger
	 * who fills it. */
	IN_HANDSHAKE_BYTES = 1024,
	/* Several of the largest frames, so that reads are long. */
	IN_BYTES = 4 * PROTO_FRAME_MAX_BYTES,
	/* Beyond out_max: a REKEY and a CLOSE always find room. */
	OUT_SPARE_BYTES = 512
};

struct chan {
	const struct chan_config *cfg;
	struct handshake *hs; /* NULL before it and after */
	struct records records;
	enum state state;
	enum err error; /* in STATE_FAILED */
	bool is_initiator, has_target, is_proved, has_hash;
	bool has_closed, was_closed; /* we, the other side */
	uint8_t preamble[PROTO_PREAMBLE_BYTES]; /* as it crossed the wire */
	struct id32 target;
	struct chan_peer peer;
	uint8_t hash[CHAN_HASH_BYTES];
	struct buf in, out;
	size_t borrowed; /* bytes at the front of in that the last event points to */
	size_t out_max;
	chan_trace_fn *trace;
	void *trace_ctx;
};

static const char *const state_names[] = {
#define X(NAME, name) #name,
	STATE_TABLE(X)
#undef X
};

#define TO(NAME) (1U << STATE_##NAME)
static const unsigned leads_to[] = {
	[STATE_PREAMBLE] = TO(MSG1) | TO(MSG2) | TO(FAILED),
	[STATE_MSG1] = TO(MSG3) | TO(FAILED),
	[STATE_MSG2] = TO(DECIDE) | TO(FAILED),
	[STATE_MSG3] = TO(DECIDE) | TO(FAILED),
	[STATE_DECIDE] = TO(ACCEPTED) | TO(FAILED),
	[STATE_ACCEPTED] = TO(UP) | TO(FAILED),
	[STATE_UP] = TO(CLOSED) | TO(FAILED),
	[STATE_CLOSED] = 0,
	[STATE_FAILED] = 0,
};
#undef TO

static void chan_enter(struct chan *c, enum state to)
{
	if ((leads_to[c->state] & 1U << to) == 0)
		BUG("no such change of state");
	log_debug("chan", "%s: %s -> %s", c->is_initiator ? "initiator" : "responder",
		  state_names[c->state], state_names[to]);
	c->state = to;
}

static void trace(struct chan *c, enum chan_stage stage, bool is_out, struct slice wire,
		  const struct record *rec)
{
	struct chan_trace t = {.stage = stage, .is_out = is_out, .wire = wire};

	if (c->trace == NULL)
		return;
	if (rec != NULL)
		t.record = *rec;
	c->trace(c->trace_ctx, &t);
}

static uint64_t now_us(const struct chan *c)
{
	return clock_mono_us(c->cfg->clock);
}

static void end_handshake(struct chan *c)
{
	handshake_free(c->hs);
	c->hs = NULL;
}

static void return_borrowed(struct chan *c)
{
	buf_drop(&c->in, c->borrowed);
	c->borrowed = 0;
}

/* Nothing of a failed channel stays. Only the refusal of a version is answered; all
 * else ends in silence. */
static enum err chan_fail(struct chan *c, enum err e)
{
	chan_enter(c, STATE_FAILED);
	c->error = e;
	end_handshake(c);
	records_wipe(&c->records);
	buf_wipe(&c->in);
	c->borrowed = 0;
	if (e != ERR_VERSION)
		buf_wipe(&c->out);
	return e;
}

static struct slice preamble(const struct chan *c)
{
	return slice_of(c->preamble, sizeof(c->preamble));
}

/* The next handshake message, out. */
static enum err tell(struct chan *c)
{
	size_t before = c->out.len;
	enum err e = handshake_write(c->hs, &c->out);
	struct slice out = buf_slice(&c->out);

	if (e == ERR_OK)
		trace(c, CHAN_STAGE_HANDSHAKE, true,
		      slice_of(out.p + before, out.n - before), NULL);
	return e;
}

/* The next handshake message, in. */
static enum err hear(struct chan *c)
{
	struct slice in = buf_slice(&c->in), body;
	size_t n = handshake_expects(c->hs), used;
	enum err e = frame_get(in, n, n, &body, &used);

	if (e != ERR_OK)
		return e;
	trace(c, CHAN_STAGE_HANDSHAKE, false, slice_of(in.p, used), NULL);
	e = handshake_read(c->hs, body, c->has_target ? &c->target : NULL, &c->peer);
	buf_drop(&c->in, used);
	return e;
}

/* Hears who the other side is, and asks the owner. */
static enum err meet(struct chan *c, struct chan_event *ev)
{
	enum err e = hear(c);

	if (e != ERR_OK)
		return e;
	c->is_proved = true;
	chan_enter(c, STATE_DECIDE);
	ev->type = CHAN_PEER;
	ev->peer = &c->peer;
	return ERR_OK;
}

static void refuse(struct chan *c)
{
	uint8_t refusal[PROTO_REFUSAL_BYTES];

	refusal_write(refusal);
	buf_add(&c->out, slice_of(refusal, sizeof(refusal)));
	trace(c, CHAN_STAGE_PREAMBLE, true, slice_of(refusal, sizeof(refusal)), NULL);
}

static enum err step_preamble(struct chan *c, struct chan_event *ev)
{
	struct slice in = buf_slice(&c->in);
	enum err e = preamble_check(in);

	(void)ev;
	if (e == ERR_VERSION)
		refuse(c);
	if (e != ERR_OK)
		return e;
	memcpy(c->preamble, in.p, sizeof(c->preamble));
	buf_drop(&c->in, sizeof(c->preamble));
	trace(c, CHAN_STAGE_PREAMBLE, false, preamble(c), NULL);
	chan_enter(c, STATE_MSG1);
	return ERR_OK;
}

static enum err step_msg1(struct chan *c, struct chan_event *ev)
{
	struct slice body;
	size_t used;
	enum err e = frame_get(buf_slice(&c->in), PROTO_MSG1_BYTES, PROTO_MSG1_BYTES,
			       &body, &used);

	(void)ev;
	/* A stranger who does not say more than hello gets no guarded page. */
	if (e == ERR_OK)
		e = handshake_new(c->cfg, false, preamble(c), &c->hs);
	if (e == ERR_OK)
		e = hear(c);
	if (e == ERR_OK)
		e = tell(c);
	if (e == ERR_OK)
		chan_enter(c, STATE_MSG3);
	return e;
}

static enum err read_refusal(struct chan *c, struct chan_event *ev)
{
	struct slice in = buf_slice(&c->in);
	struct refusal r;
	enum err e = refusal_read(in, &r);

	if (e != ERR_OK)
		return e;
	trace(c, CHAN_STAGE_PREAMBLE, false, slice_of(in.p, PROTO_REFUSAL_BYTES), NULL);
	ev->type = CHAN_REFUSED;
	ev->code = r.code;
	ev->refused_min = r.min;
	ev->refused_max = r.max;
	chan_fail(c, ERR_VERSION);
	return ERR_OK;
}

static enum err step_msg2(struct chan *c, struct chan_event *ev)
{
	struct slice in = buf_slice(&c->in);

	/* No length of message 2 begins like the letter of a refusal. */
	if (in.n > 0 && in.p[0] == 'P')
		return read_refusal(c, ev);
	return meet(c, ev);
}

static enum err step_wait(struct chan *c, struct chan_event *ev)
{
	(void)c;
	(void)ev;
	return ERR_WAIT;
}

static enum err step_closed(struct chan *c, struct chan_event *ev)
{
	(void)ev;
	buf_clear(&c->in, 0);
	return ERR_WAIT;
}

static enum err step_accepted(struct chan *c, struct chan_event *ev)
{
	chan_enter(c, STATE_UP);
	ev->type = CHAN_UP;
	ev->peer = &c->peer;
	return ERR_OK;
}

/* What a record of each kind must look like, and who takes it. */
struct kind_row {
	enum err (*on)(struct chan *c, const struct record *r, struct chan_event *ev);
	uint16_t min, max; /* bytes of payload */
};

static enum err on_record(struct chan *c, const struct record *r, struct chan_event *ev)
{
	(void)c;
	ev->type = CHAN_RECORD;
	ev->record = *r;
	return ERR_OK;
}

static enum err on_rekey(struct chan *c, const struct record *r, struct chan_event *ev)
{
	(void)r;
	(void)ev;
	records_rekey_receive(&c->records);
	return ERR_OK;
}

static enum err on_close(struct chan *c, const struct record *r, struct chan_event *ev)
{
	enum err e = close_read(r->payload, &ev->code, &ev->reason);

	if (e != ERR_OK)
		return e;
	ev->type = CHAN_CLOSED;
	chan_enter(c, STATE_CLOSED);
	c->was_closed = true;
	records_wipe(&c->records);
	return ERR_OK;
}

static const struct kind_row kinds[] = {
	[KIND_CTRL] = {on_record, 1, PROTO_PAYLOAD_MAX_BYTES},
	[KIND_MSG] = {on_record, 1, PROTO_PAYLOAD_MAX_BYTES},
	[KIND_PING] = {on_record, PROTO_PING_BYTES, PROTO_PING_BYTES},
	[KIND_PONG] = {on_record, PROTO_PING_BYTES, PROTO_PING_BYTES},
	[KIND_REKEY] = {on_rekey, 0, 0},
	[KIND_CLOSE] = {on_close, CLOSE_MIN_BYTES, CLOSE_MAX_BYTES},
};

static bool record_fits(const struct record *r)
{
	const struct kind_row *row;

	if (r->kind >= sizeof(kinds) / sizeof(*kinds) || kinds[r->kind].on == NULL)
		return false;
	row = &kinds[r->kind];
	/* RECORD_FLAG_MORE is for rendezvous calls only, and there are none yet. */
	return r->flags == 0 && r->payload.n >= row->min && r->payload.n <= row->max;
}

static enum err take_record(struct chan *c, const struct record *r, struct chan_event *ev)
{
	if (r->kind >= KIND_IGNORED_FROM)
		return ERR_OK;
	return record_fits(r) ? kinds[r->kind].on(c, r, ev) : ERR_PROTO;
}

static enum err step_up(struct chan *c, struct chan_event *ev)
{
	struct slice in = buf_slice(&c->in), body;
	uint8_t *wire = NULL;
	struct record r;
	size_t used;
	enum err e = records_frame_get(in, &body, &used);

	if (e != ERR_OK)
		return e;
	/* Opening overwrites what a trace wants to show. */
	if (c->trace != NULL)
		wire = mem_dup(in.p, used);
	e = records_open(&c->records, c->in.p + c->in.head + (used - body.n), body.n, &r);
	if (e == ERR_OK)
		trace(c, CHAN_STAGE_RECORD, false, slice_of(wire, used), &r);
	mem_free(wire);
	if (e != ERR_OK)
		return e;
	c->borrowed = used;
	return take_record(c, &r, ev);
}

typedef enum err step_fn(struct chan *c, struct chan_event *ev);

static step_fn *const steps[] = {
	[STATE_PREAMBLE] = step_preamble,
	[STATE_MSG1] = step_msg1,
	[STATE_MSG2] = step_msg2,
	[STATE_MSG3] = meet,
	[STATE_DECIDE] = step_wait,
	[STATE_ACCEPTED] = step_accepted,
	[STATE_UP] = step_up,
	[STATE_CLOSED] = step_closed,
};

static struct chan *chan_new(const struct chan_config *cfg)
{
	struct chan *c = mem_new(sizeof(*c));

	c->cfg = cfg;
	/* The largest frame must always fit into an empty buffer. */
	c->out_max = cfg->out_max > PROTO_FRAME_MAX_BYTES ? cfg->out_max
							  : PROTO_FRAME_MAX_BYTES;
	buf_init(&c->in, IN_BYTES);
	buf_init(&c->out, c->out_max + OUT_SPARE_BYTES);
	return c;
}

struct chan *chan_dial_new(const struct chan_config *cfg, const struct id32 *target)
{
	struct chan *c = chan_new(cfg);
	enum err e;

	c->is_initiator = true;
	c->has_target = target != NULL;
	if (target != NULL)
		c->target = *target;
	preamble_write(c->preamble);
	buf_add(&c->out, preamble(c));
	e = handshake_new(cfg, true, preamble(c), &c->hs);
	if (e == ERR_OK)
		e = tell(c);
	if (e == ERR_OK)
		chan_enter(c, STATE_MSG2);
	else
		chan_fail(c, e);
	return c;
}

struct chan *chan_listen_new(const struct chan_config *cfg)
{
	return chan_new(cfg);
}

void chan_free(struct chan *c)
{
	if (c == NULL)
		return;
	end_handshake(c);
	records_wipe(&c->records);
	buf_wipe(&c->in);
	buf_wipe(&c->out);
	mem_free(c);
}

enum err chan_feed(struct chan *c, struct slice bytes, size_t *used)
{
	size_t max = c->state < STATE_ACCEPTED ? IN_HANDSHAKE_BYTES : IN_BYTES;
	size_t room;

	*used = 0;
	if (c->state == STATE_FAILED)
		return c->error;
	return_borrowed(c);
	room = max - c->in.len;
	*used = bytes.n < room ? bytes.n : room;
	/* What comes behind a CLOSE has no meaning. */
	if (c->state == STATE_CLOSED) {
		*used = bytes.n;
		return ERR_OK;
	}
	/* A stranger gets no more memory than what it has sent. */
	if (c->state >= STATE_ACCEPTED)
		chan_pool_lend(c->cfg->pool, &c->in);
	return buf_add(&c->in, slice_of(bytes.p, *used));
}

enum err chan_next(struct chan *c, struct chan_event *ev)
{
	enum err e;

	memset(ev, 0, sizeof(*ev));
	do {
		if (c->state == STATE_FAILED)
			return c->error;
		return_borrowed(c);
		e = steps[c->state](c, ev);
	} while (e == ERR_OK && ev->type == 0);
	if (e == ERR_WAIT && c->in.len == 0)
		chan_pool_return(c->cfg->pool, &c->in);
	return e == ERR_OK || e == ERR_WAIT ? e : chan_fail(c, e);
}

enum err chan_eof(const struct chan *c)
{
	return c->has_closed || c->was_closed ? ERR_OK : ERR_TRUNCATED;
}

enum err chan_accept(struct chan *c)
{
	enum err e = ERR_OK;

	if (c->state != STATE_DECIDE)
		return ERR_BUG;
	if (c->is_initiator)
		e = tell(c);
	if (e == ERR_OK)
		e = handshake_split(c->hs, &c->records, c->hash);
	if (e != ERR_OK)
		return chan_fail(c, e);
	c->has_hash = true;
	end_handshake(c);
	chan_enter(c, STATE_ACCEPTED);
	return ERR_OK;
}

bool chan_is_up(const struct chan *c)
{
	return (c->state == STATE_ACCEPTED || c->state == STATE_UP) && !c->has_closed;
}

static enum err seal(struct chan *c, const struct record *r, uint64_t now)
{
	size_t before = c->out.len;
	struct slice out;
	enum err e;

	chan_pool_lend(c->cfg->pool, &c->out);
	e = records_seal(&c->records, r, &c->out, now);
	out = buf_slice(&c->out);
	if (e == ERR_OK)
		trace(c, CHAN_STAGE_RECORD, true,
		      slice_of(out.p + before, out.n - before), r);
	return e;
}

/* A REKEY goes first when it is due. */
static enum err send_record(struct chan *c, const struct record *r)
{
	static const struct record rekey = {.kind = KIND_REKEY};
	size_t n = records_frame_bytes(r->payload.n);
	uint64_t now = now_us(c);
	enum err e = ERR_OK;

	if (records_rekey_is_due(&c->records, n, now))
		e = seal(c, &rekey, now);
	return e == ERR_OK ? seal(c, r, now) : e;
}

enum err chan_send(struct chan *c, uint8_t kind, uint8_t flags, struct slice payload)
{
	struct record r = {kind, flags, payload};

	/* A CLOSE has a function of its own, behind which nothing can be sent. */
	if (!chan_is_up(c) || kind == KIND_CLOSE)
		return ERR_BUG;
	if (!record_fits(&r))
		return ERR_RANGE;
	if (c->out.len + records_frame_bytes(payload.n) > c->out_max)
		return ERR_FULL;
	return send_record(c, &r);
}

void chan_close(struct chan *c, uint16_t code, const char *reason)
{
	uint8_t payload[CLOSE_MAX_BYTES];
	struct record r = {.kind = KIND_CLOSE};

	if (!chan_is_up(c))
		return;
	r.payload = slice_of(payload, close_write(code, reason, payload));
	send_record(c, &r);
	c->has_closed = true;
}

struct slice chan_out(const struct chan *c)
{
	return buf_slice(&c->out);
}

void chan_drop(struct chan *c, size_t n)
{
	buf_drop(&c->out, n);
	if (c->out.len == 0)
		chan_pool_return(c->cfg->pool, &c->out);
}

bool chan_is_worn(const struct chan *c)
{
	return c->records.keys != NULL && records_is_worn(&c->records, now_us(c));
}

const uint8_t *chan_hash(const struct chan *c)
{
	return c->has_hash ? c->hash : NULL;
}

const struct chan_peer *chan_peer(const struct chan *c)
{
	return c->is_proved ? &c->peer : NULL;
}

/* What an initiator has said already is told now: nobody could ask before. */
void chan_trace_set(struct chan *c, chan_trace_fn *fn, void *ctx)
{
	struct slice said = buf_slice(&c->out);
	size_t n = sizeof(c->preamble);

	c->trace = fn;
	c->trace_ctx = ctx;
	if (c->state != STATE_MSG2 || said.n <= n)
		return;
	trace(c, CHAN_STAGE_PREAMBLE, true, slice_of(said.p, n), NULL);
	trace(c, CHAN_STAGE_HANDSHAKE, true, slice_of(said.p + n, said.n - n), NULL);
}
