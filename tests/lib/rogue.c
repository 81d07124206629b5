#include "lib/rogue.h"

#include <stdio.h>

#include "base/mem.h"
#include "crypto/hash.h"

enum { STEP_MS = 10 };

static void flush(struct rogue *r)
{
	struct slice out = chan_out(r->chan);
	if (out.n == 0)
		return;
	sim_raw_send(r->raw, out);
	chan_drop(r->chan, out.n);
}

static void count_sas(struct rogue *r, const struct msg *m)
{
	r->n_commits += m->type == MSG_SAS_COMMIT;
	r->n_nonces += m->type == MSG_SAS_NONCE;
	r->n_reveals += m->type == MSG_SAS_REVEAL;
	r->n_yes += m->type == MSG_SAS_RESULT && m->u.sas_result.is_same;
	r->n_no += m->type == MSG_SAS_RESULT && !m->u.sas_result.is_same;
	if (m->type == MSG_SAS_COMMIT)
		memcpy(r->commit, m->u.sas_commit.commit.p, sizeof r->commit);
	else if (m->type == MSG_SAS_NONCE)
		memcpy(r->nonce, m->u.sas_nonce.nonce.p, sizeof r->nonce);
	else if (m->type == MSG_SAS_REVEAL)
		memcpy(r->reveal, m->u.sas_reveal.nonce.p, sizeof r->reveal);
}

static void count(struct rogue *r, const struct msg *m)
{
	r->n_acks += m->type == MSG_ACK ? m->u.ack.ids.n : 0;
	r->n_texts += m->type == MSG_TEXT;
	if (m->type == MSG_TEXT)
		r->text_id = m->id;
	r->n_hellos += m->type == MSG_HELLO;
	r->n_others += m->type == MSG_PROFILE || m->type == MSG_DEVLIST;
	count_sas(r, m);
	if (m->type != MSG_NACK)
		return;
	r->n_nacks++;
	r->nack_code = (unsigned)m->u.nack.code;
	memcpy(r->nack_id.b, m->u.nack.target.p, sizeof r->nack_id.b);
}

static void on_record(struct rogue *r, const struct record *rec)
{
	struct slice rest = rec->payload;
	r->n_pongs += rec->kind == KIND_PONG;
	while ((rec->kind == KIND_CTRL || rec->kind == KIND_MSG) && rest.n > 0) {
		struct msg m;
		size_t used = 0;
		enum proto_code code;
		if (msg_decode(rec->kind, rest, &m, &used, &code) != ERR_OK)
			return;
		count(r, &m);
		rest = slice_of(rest.p + used, rest.n - used);
	}
}

static void on_up(struct rogue *r)
{
	r->is_up = true;
	memcpy(r->hash, chan_hash(r->chan), sizeof r->hash);
	if (r->is_rude)
		chan_close(r->chan, r->rude_code, "go away");
}

static void on_event(struct rogue *r, const struct chan_event *ev)
{
	if (ev->type == CHAN_PEER && !r->is_refusing)
		chan_accept(r->chan);
	else if (ev->type == CHAN_UP)
		on_up(r);
	else if (ev->type == CHAN_RECORD)
		on_record(r, &ev->record);
	else if (ev->type == CHAN_CLOSED)
		r->close_code = ev->code;
}

static void drain(struct rogue *r)
{
	struct chan_event ev;
	enum err e;
	while ((e = chan_next(r->chan, &ev)) == ERR_OK)
		on_event(r, &ev);
	if (e != ERR_WAIT)
		r->error = e;
	flush(r);
}

static void on_bytes(void *ctx, struct slice bytes, bool is_eof)
{
	struct rogue *r = ctx;
	r->is_closed = r->is_closed || is_eof;
	while (bytes.n > 0 && r->error == ERR_OK) {
		size_t used = 0;
		r->error = chan_feed(r->chan, bytes, &used);
		bytes = slice_of(bytes.p + used, bytes.n - used);
		drain(r);
	}
	if (r->is_rude && r->is_up && r->raw != NULL) {
		sim_raw_close(r->raw);
		r->raw = NULL;
	}
}

void rogue_init(struct rogue *r, struct sim *s, uint64_t seed, struct identity *identity)
{
	*r = (struct rogue){.sim = s};
	rng_seeded_init(&r->rng, seed);
	r->identity = identity != NULL ? identity : identity_generate(&r->rng.rng);
	r->cfg = (struct chan_config){
		.self = r->identity,
		.rng = &r->rng.rng,
		.clock = sim_clock(s),
		.out_max = 1 << 22,
	};
	rng_fill(&r->rng.rng, r->cfg.boot.b, sizeof r->cfg.boot.b);
	r->addr = (struct addr){.family = ADDR_IP4, .port = 7117};
	r->addr.ip[0] = 10;
	r->addr.ip[1] = 200;
	r->addr.ip[3] = (uint8_t)(1 + seed % 250);
}

void rogue_hang_up(struct rogue *r)
{
	if (r->raw != NULL)
		sim_raw_close(r->raw);
	sim_run(r->sim, STEP_MS);
	chan_free(r->chan);
	r->chan = NULL;
	r->raw = NULL;
	r->is_up = r->is_closed = false;
	r->close_code = 0;
	r->error = ERR_OK;
}

void rogue_wipe(struct rogue *r)
{
	rogue_hang_up(r);
}

void rogue_dial(struct rogue *r, unsigned i)
{
	r->chan = chan_dial_new(&r->cfg, NULL);
	r->raw = sim_raw_open(r->sim, i, &r->addr, on_bytes, r);
	flush(r);
	sim_run(r->sim, STEP_MS);
}

static sim_raw_fn *on_open(void *ctx, struct sim_raw *raw, void **fn_ctx)
{
	struct rogue *r = ctx;
	chan_free(r->chan);
	r->chan = chan_listen_new(&r->cfg);
	r->is_up = r->is_closed = false;
	r->error = ERR_OK;
	r->n_dialled++;
	r->raw = raw;
	*fn_ctx = r;
	return on_bytes;
}

void rogue_announce(struct rogue *r, unsigned i, const struct id32 *claim)
{
	struct sighting sight = {.source = SIGHTING_MDNS, .has_id = true, .ifindex = 2};
	sim_raw_listen(r->sim, &r->addr, on_open, r);
	sight.id = claim != NULL ? *claim : *identity_node_id(r->identity);
	sight.addr = r->addr;
	sight.proto_min = sight.proto_max = 1;
	snprintf(sight.instance, sizeof sight.instance, "rogue%p", (void *)r->raw);
	core_sighting(sim_node(r->sim, i)->core, &sight);
	sim_run(r->sim, 500);
}

void rogue_record(struct rogue *r, uint8_t kind, uint8_t flags, struct slice payload)
{
	chan_send(r->chan, kind, flags, payload);
	flush(r);
	sim_run(r->sim, STEP_MS);
}

void rogue_send(struct rogue *r, const struct msg *m)
{
	struct buf b;
	buf_init(&b, PROTO_PAYLOAD_MAX_BYTES);
	msg_encode(m, &b);
	rogue_record(r, msg_row_find(m->type)->kind, 0, buf_slice(&b));
	buf_wipe(&b);
}

void rogue_hello(struct rogue *r)
{
	const struct devlist *l = identity_devlist(r->identity);
	struct msg m = {.type = MSG_HELLO};
	m.u.hello.has = MSG_HAS(3);
	m.u.hello.nick = slice_str("rogue");
	m.u.hello.devlist = slice_of(l->raw, l->raw_len);
	rogue_send(r, &m);
}

void rogue_devlist(struct rogue *r, uint64_t version, const struct cert *only)
{
	struct devlist l;
	struct msg m = {.type = MSG_DEVLIST};
	identity_sign_devlist(r->identity, version, &only, 1, &l);
	m.u.devlist.list = slice_of(l.raw, l.raw_len);
	rogue_send(r, &m);
}

void rogue_meet(struct rogue *r, struct sim *s, uint64_t seed, struct identity *identity)
{
	rogue_init(r, s, seed, identity);
	rogue_dial(r, 0);
	rogue_hello(r);
}

void rogue_end(struct rogue *r)
{
	struct identity *id = r->identity;
	rogue_wipe(r);
	identity_free(id);
}

struct msg rogue_text(struct rogue *r, unsigned i, const char *text)
{
	/* the conversation of this pair; kept per rogue, so valid until the next call */
	static struct id16 conv;
	const struct id32 *a = identity_node_id(r->identity);
	const struct id32 *b = identity_node_id(sim_node(r->sim, i)->identity);
	bool is_ordered = id32_cmp(a, b) < 0;
	const struct slice parts[] = {
		slice_of((is_ordered ? a : b)->b, 32),
		slice_of((is_ordered ? b : a)->b, 32),
	};
	hash_labelled("p2pmsg-convid-v1", parts, 2, conv.b, sizeof conv.b);
	struct msg m = {.type = MSG_TEXT};
	rng_fill(&r->rng.rng, m.id.b, sizeof m.id.b);
	m.u.text.conv = slice_of(conv.b, sizeof conv.b);
	m.u.text.time = 1000;
	m.u.text.lamport = 1;
	m.u.text.text = slice_str(text);
	return m;
}
