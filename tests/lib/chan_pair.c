#include "lib/chan_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cur.h"
#include "base/secret.h"

enum { GOT_MAX_BYTES = 64 << 20, OUT_MAX_BYTES = 1 << 20 };

static void end_init(struct chan_end *e, struct chan_pair *p, uint8_t boot)
{
	*e = (struct chan_end){.id = identity_generate(&p->rng.rng)};
	e->cfg = (struct chan_config){
		.self = e->id,
		.boot = {{boot}},
		.rng = &p->rng.rng,
		.clock = &p->clock.clock,
		.caps = boot,
		.out_max = OUT_MAX_BYTES,
	};
	buf_init(&e->got, GOT_MAX_BYTES);
}

void pair_init(struct chan_pair *p, uint64_t seed)
{
	secret_init();
	rng_seeded_init(&p->rng, seed);
	clock_manual_init(&p->clock);
	end_init(&p->a, p, 1);
	end_init(&p->b, p, 2);
}

static void end_wipe(struct chan_end *e)
{
	chan_free(e->chan);
	identity_free(e->id);
	buf_wipe(&e->got);
}

void pair_wipe(struct chan_pair *p)
{
	end_wipe(&p->a);
	end_wipe(&p->b);
}

void end_reset(struct chan_end *e)
{
	chan_free(e->chan);
	e->chan = NULL;
	e->peers = e->ups = e->records = e->closes = e->refusals = 0;
	e->err = ERR_OK;
	memset(&e->last, 0, sizeof(e->last));
	buf_clear(&e->got, 0);
}

void pair_dial_target(struct chan_pair *p, const struct id32 *target)
{
	end_reset(&p->a);
	end_reset(&p->b);
	p->a.chan = chan_dial_new(&p->a.cfg, target);
	p->b.chan = chan_listen_new(&p->b.cfg);
}

void pair_dial(struct chan_pair *p)
{
	pair_dial_target(p, identity_node_id(p->b.id));
}

static void on_peer(struct chan_end *e, const struct chan_peer *peer)
{
	e->peers++;
	assert_non_null(peer);
	assert_ptr_equal(peer, chan_peer(e->chan));
	if (e->says_no)
		chan_close(e->chan, CODE_BLOCKED, NULL);
	else if (!e->is_slow)
		chan_accept(e->chan);
}

static void on_record(struct chan_end *e, const struct record *r)
{
	e->records++;
	buf_u8(&e->got, r->kind);
	buf_u16(&e->got, (uint16_t)r->payload.n);
	buf_add(&e->got, r->payload);
}

enum err end_drain(struct chan_end *e)
{
	struct chan_event ev;

	while ((e->err = chan_next(e->chan, &ev)) == ERR_OK) {
		if (ev.type == CHAN_PEER)
			on_peer(e, ev.peer);
		else if (ev.type == CHAN_RECORD)
			on_record(e, &ev.record);
		e->ups += ev.type == CHAN_UP;
		e->closes += ev.type == CHAN_CLOSED;
		e->refusals += ev.type == CHAN_REFUSED;
		e->last = ev;
		e->last.record.payload = e->last.reason = slice_of(NULL, 0);
	}
	return e->err;
}

enum err end_feed(struct chan_end *e, struct slice bytes)
{
	size_t used = 0;

	while (bytes.n > 0) {
		if (chan_feed(e->chan, bytes, &used) != ERR_OK)
			break;
		bytes = slice_of(bytes.p + used, bytes.n - used);
		if (end_drain(e) != ERR_WAIT || used == 0)
			break;
	}
	return end_drain(e);
}

void end_take(struct chan_end *e, struct buf *out)
{
	struct slice s = chan_out(e->chan);

	assert_int_equal(buf_add(out, s), ERR_OK);
	chan_drop(e->chan, s.n);
}

static bool move(struct chan_end *from, struct chan_end *to)
{
	struct slice s = chan_out(from->chan);

	if (s.n == 0)
		return false;
	end_feed(to, s);
	chan_drop(from->chan, s.n);
	return true;
}

void pair_run(struct chan_pair *p)
{
	bool moved = true;

	end_drain(&p->a);
	end_drain(&p->b);
	while (moved) {
		moved = move(&p->a, &p->b);
		moved = move(&p->b, &p->a) || moved;
	}
}

void pair_connect(struct chan_pair *p)
{
	pair_dial(p);
	pair_run(p);
	assert_true(chan_is_up(p->a.chan) && p->a.ups == 1);
	assert_true(chan_is_up(p->b.chan) && p->b.ups == 1);
}

void end_send(struct chan_end *e, uint8_t kind, const char *text)
{
	assert_int_equal(chan_send(e->chan, kind, 0, slice_str(text)), ERR_OK);
}

void end_assert_got(struct chan_end *e, uint8_t kind, const char *const *texts, size_t n)
{
	struct cur c = cur_of(buf_slice(&e->got));

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(cur_u8(&c), kind);
		cur_expect(&c, slice_of((uint8_t[2]){0, (uint8_t)strlen(texts[i])}, 2));
		cur_expect(&c, slice_str(texts[i]));
		assert_false(c.failed);
	}
	assert_true(cur_done(&c));
}

struct chan_end *end_fresh(struct chan_end *e, bool is_initiator)
{
	end_reset(e);
	e->chan = is_initiator ? chan_dial_new(&e->cfg, NULL) : chan_listen_new(&e->cfg);
	return e;
}

void end_assert_refused(const struct chan_end *e, enum err err)
{
	assert_int_equal(e->err, err);
	assert_int_equal(e->peers + e->ups + e->records, 0);
	assert_null(chan_peer(e->chan));
	assert_null(chan_hash(e->chan));
	assert_int_equal(chan_out(e->chan).n, 0);
}
