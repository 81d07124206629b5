/*
 * chan on any bytes. The first byte chooses:
 *   'r', 'i'   the rest is a stream into a responder, into an initiator
 *   'p'        plaintexts (u16 length before each) that a peer seals with the right
 *              keys; so the record layer is reached
 *   's'        a script for two ends that talk to each other: what is sent arrives,
 *              once and in order, however it is cut
 */
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "lib/chan_pair.h"
#include "lib/raw_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MUST(x) ((x) ? (void)0 : abort())

static struct chan_pair pair;

static void setup(void)
{
	static bool is_ready;

	if (is_ready)
		return;
	pair_init(&pair, 7);
	pair.a.cfg.pool = pair.b.cfg.pool = chan_pool_new(4);
	is_ready = true;
}

/* A stranger gets no further than a handshake, and no answer to a breach but the
 * refusal of a version. */
static void check_stream(struct slice s, bool to_responder)
{
	struct chan_end *e = to_responder ? &pair.b : &pair.a;
	enum err err;

	pair_dial(&pair);
	err = end_feed(e, s);
	MUST(e->peers == 0 && e->ups == 0 && e->records == 0);
	MUST(chan_peer(e->chan) == NULL && !chan_is_up(e->chan));
	MUST(err == ERR_WAIT || err == ERR_PROTO || err == ERR_AUTH ||
	     err == ERR_VERSION);
	if (err == ERR_PROTO || err == ERR_AUTH)
		MUST(chan_out(e->chan).n == 0);
	MUST(chan_eof(e->chan) == ERR_TRUNCATED);
}

static void check_plaintexts(struct cur *c)
{
	static struct raw_peer r;
	struct buf b;
	unsigned records;

	end_reset(&pair.b);
	pair.b.chan = chan_listen_new(&pair.b.cfg);
	raw_init(&r, true, pair.a.id, NULL, &pair.rng.rng);
	MUST(raw_shake(&r, &pair.b) == ERR_WAIT && chan_is_up(pair.b.chan));
	buf_init(&b, 70000);
	while (c->left > 0 && pair.b.err == ERR_WAIT) {
		size_t n = cur_u16(c);
		struct slice plain = cur_take(c, n < c->left ? n : c->left);
		if (plain.n + NOISE_TAGLEN > UINT16_MAX)
			break;
		records = pair.b.records;
		raw_seal(&r, plain, &b);
		end_feed(&pair.b, buf_slice(&b));
		MUST(pair.b.records <= records + 1);
		/* As the other side of a REKEY that was taken. */
		if (pair.b.err == ERR_WAIT && plain.n > 0 && plain.p[0] == KIND_REKEY)
			noise_rekey(&r.send);
		buf_clear(&b, 70000);
	}
	MUST(pair.b.err == ERR_WAIT || pair.b.err == ERR_PROTO);
	MUST(chan_out(pair.b.chan).n == 0);
	buf_wipe(&b);
}

/* What an end sent that the other must get, as chan_end.got has it. */
struct script {
	struct chan_end *end, *other;
	struct buf sent;
};

static void script_send(struct script *s, uint8_t kind, size_t n)
{
	static const uint8_t payload[PROTO_PAYLOAD_MAX_BYTES];
	enum err e = chan_send(s->end->chan, kind, 0, slice_of(payload, n));

	if (e != ERR_OK || kind == KIND_REKEY)
		return;
	buf_u8(&s->sent, kind);
	buf_u16(&s->sent, (uint16_t)n);
	buf_add(&s->sent, slice_of(payload, n));
}

static void script_move(struct script *s, size_t n)
{
	struct slice out = chan_out(s->end->chan);

	if (n > out.n)
		n = out.n;
	MUST(end_feed(s->other, slice_of(out.p, n)) == ERR_WAIT);
	chan_drop(s->end->chan, n);
}

/* One step of the script: who and what, and two bytes of how much. */
static void step(struct script *s, uint8_t what, uint16_t n)
{
	static const uint8_t kinds[] = {KIND_CTRL, KIND_MSG, KIND_PING, KIND_PONG,
					KIND_REKEY};

	if (what < 5)
		script_send(s, kinds[what], what < 2 ? n : what < 4 ? 8 : 0);
	else if (what < 30)
		script_move(s, n);
	else if (what == 30)
		clock_manual_advance(&pair.clock, (uint64_t)n * 1000 * 1000);
	else
		chan_close(s->end->chan, n, "fuzz");
}

static void check_script(struct cur *c)
{
	struct script s[2] = {{&pair.a, &pair.b, {0}}, {&pair.b, &pair.a, {0}}};

	pair_dial(&pair);
	pair_run(&pair);
	MUST(chan_is_up(pair.a.chan) && chan_is_up(pair.b.chan));
	for (unsigned i = 0; i < 2; i++)
		buf_init(&s[i].sent, 64 << 20);
	while (c->left >= 3) {
		uint8_t what = cur_u8(c);
		step(&s[what & 1], what >> 1 & 31, cur_u16(c));
	}
	pair_run(&pair);
	for (unsigned i = 0; i < 2; i++) {
		struct slice sent = buf_slice(&s[i].sent),
			     got = buf_slice(&s[!i].end->got);
		/* A CLOSE of the other end lets what was under way to it fall. */
		bool was_cut = s[!i].end->closes > 0 || s[i].end->closes > 0;
		MUST(was_cut ? got.n <= sent.n : got.n == sent.n);
		MUST(got.n == 0 || memcmp(sent.p, got.p, got.n) == 0);
		buf_wipe(&s[i].sent);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cur c = cur_of(slice_of(bytes, len));
	uint8_t what = cur_u8(&c);

	setup();
	if (what == 'r' || what == 'i')
		check_stream(slice_of(c.p, c.left), what == 'r');
	else if (what == 'p')
		check_plaintexts(&c);
	else if (what == 's')
		check_script(&c);
	end_reset(&pair.a);
	end_reset(&pair.b);
	return 0;
}
