/*
 * bench_wire: what the wire layer costs, without sockets. Lines are
 * `name<TAB>value<TAB>unit`; every figure is the median of several rounds, and those
 * that are compared with each other alternate within one run.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/identity.h"
#include "wire/chan.h"
#include "wire/msg.h"

enum { ROUNDS = 9, TEXT_BYTES = 100, BATCH_MAX = 256 };

/* Of this process alone, so that others on the machine matter less. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double v[static ROUNDS])
{
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

static void print(const char *name, double value, const char *unit)
{
	printf("%s\t%.1f\t%s\n", name, value, unit);
	fflush(stdout);
}

/* Nanoseconds of one of n calls of fn, median of the rounds. */
static double time_ns(void (*fn)(void *ctx), void *ctx, unsigned n)
{
	double v[ROUNDS];

	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t start = now_ns();
		for (unsigned i = 0; i < n; i++)
			fn(ctx);
		v[r] = (double)(now_ns() - start) / n;
	}
	return median(v);
}

/* One text, encoded and decoded. */
struct coding {
	struct msg msg;
	struct buf b;
	uint64_t sum; /* so that nothing is optimised away */
};

static void coding_init(struct coding *c)
{
	static uint8_t conv[16] = {1}, text[TEXT_BYTES];

	memset(text, 'x', sizeof(text));
	*c = (struct coding){.msg = {.type = MSG_TEXT, .id = {{2}}}};
	c->msg.u.text = (struct msg_text){
		.conv = slice_of(conv, sizeof(conv)),
		.time = 1767225600123,
		.lamport = 100000,
		.text = slice_of(text, sizeof(text)),
	};
	buf_init(&c->b, PROTO_PAYLOAD_MAX_BYTES);
}

static void encode_one(void *ctx)
{
	struct coding *c = ctx;

	buf_truncate(&c->b, 0);
	c->sum += (uint64_t)msg_encode(&c->msg, &c->b);
}

static void decode_one(void *ctx)
{
	struct coding *c = ctx;
	struct msg m;
	size_t used;
	enum proto_code code;

	c->sum += (uint64_t)msg_decode(KIND_MSG, buf_slice(&c->b), &m, &used, &code);
	c->sum += m.u.text.text.n;
}

/* Two nodes and their channels. */
struct ends {
	struct identity *id[2];
	struct chan_config cfg[2];
	struct chan *chan[2]; /* 0 dials */
	struct slice payload;
	uint64_t records, bytes;
};

static void ends_init(struct ends *e, size_t certs)
{
	struct chan_pool *pool = chan_pool_new(certs);

	for (unsigned i = 0; i < 2; i++) {
		e->id[i] = identity_generate(rng_system());
		e->cfg[i] = (struct chan_config){
			.self = e->id[i],
			.rng = rng_system(),
			.clock = clock_system(),
			.out_max = 1 << 20,
			.pool = pool,
		};
	}
}

static void ends_wipe(struct ends *e)
{
	chan_pool_free(e->cfg[0].pool);
	identity_free(e->id[0]);
	identity_free(e->id[1]);
}

static void take_events(struct ends *e, unsigned i)
{
	struct chan_event ev;

	while (chan_next(e->chan[i], &ev) == ERR_OK) {
		if (ev.type == CHAN_PEER)
			chan_accept(e->chan[i]);
		if (ev.type != CHAN_RECORD)
			continue;
		e->records++;
		e->bytes += ev.record.payload.n;
	}
}

static bool move(struct ends *e, unsigned from)
{
	struct slice s = chan_out(e->chan[from]);
	size_t used, total = s.n;

	if (total == 0)
		return false;
	while (s.n > 0) {
		if (chan_feed(e->chan[!from], s, &used) != ERR_OK)
			abort();
		s = slice_of(s.p + used, s.n - used);
		take_events(e, !from);
	}
	chan_drop(e->chan[from], total);
	return true;
}

static void ends_close(struct ends *e)
{
	chan_free(e->chan[0]);
	chan_free(e->chan[1]);
}

static void handshake(void *ctx)
{
	struct ends *e = ctx;
	unsigned from = 0;

	e->chan[0] = chan_dial_new(&e->cfg[0], identity_node_id(e->id[1]));
	e->chan[1] = chan_listen_new(&e->cfg[1]);
	while (move(e, from))
		from = !from;
	if (!chan_is_up(e->chan[0]) || !chan_is_up(e->chan[1]))
		abort();
}

static void handshake_and_close(void *ctx)
{
	handshake(ctx);
	ends_close(ctx);
}

/* What XX asks of both sides together: two ephemeral keys and six shared secrets. */
static void arithmetic(void *ctx)
{
	static uint8_t k[32] = {9}, p[32] = {9}, q[32];

	(void)ctx;
	for (unsigned i = 0; i < 2; i++)
		crypto_scalarmult_base(p, k);
	for (unsigned i = 0; i < 6; i++) {
		if (crypto_scalarmult(q, k, p) != 0)
			abort();
		memcpy(k, q, sizeof(k));
	}
}

/* And the two signatures of a certificate on each side. */
static void signatures(void *ctx)
{
	struct cert cert;
	const struct ends *e = ctx;
	const struct cert *own = identity_cert(e->id[0]);

	for (unsigned i = 0; i < 2; i++) {
		if (cert_parse(slice_of(own->raw, sizeof(own->raw)), &cert) != ERR_OK)
			abort();
	}
}

/* How many handshakes a core does, as a share of what its X25519 alone would allow.
 * certs: how many certificates are kept; 0 is as between strangers. */
static void bench_handshakes(const char *who, size_t certs)
{
	enum { N = 200 };
	double whole[ROUNDS], bare[ROUNDS], ratio[ROUNDS];
	struct ends e;
	char name[80];

	ends_init(&e, certs);
	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t t0 = now_ns(), t1, t2;
		for (unsigned i = 0; i < N; i++)
			handshake_and_close(&e);
		t1 = now_ns();
		for (unsigned i = 0; i < N; i++)
			arithmetic(NULL);
		t2 = now_ns();
		whole[r] = 1e9 * N / (double)(t1 - t0);
		bare[r] = 1e9 * N / (double)(t2 - t1);
		ratio[r] = 100 * whole[r] / bare[r];
	}
	ends_wipe(&e);
	snprintf(name, sizeof(name), "handshakes, %s", who);
	print(name, median(whole), "1/s");
	snprintf(name, sizeof(name), "X25519 of as many, %s", who);
	print(name, median(bare), "1/s");
	snprintf(name, sizeof(name), "share of the X25519, %s", who);
	print(name, median(ratio), "%");
}

static void bench_certs(void)
{
	struct ends e;

	ends_init(&e, 0);
	print("certificates of a handshake", time_ns(signatures, &e, 200), "ns");
	ends_wipe(&e);
}

/* One record out of one end and into the other. */
static void record(void *ctx)
{
	struct ends *e = ctx;

	if (chan_send(e->chan[0], KIND_MSG, 0, e->payload) != ERR_OK)
		abort();
	move(e, 0);
}

static void seal_only(void *ctx)
{
	struct ends *e = ctx;

	if (chan_send(e->chan[0], KIND_MSG, 0, e->payload) != ERR_OK)
		abort();
	chan_drop(e->chan[0], chan_out(e->chan[0]).n);
}

/* Four of the largest records in one write, as between two busy peers. */
static void burst(void *ctx)
{
	struct ends *e = ctx;

	for (unsigned i = 0; i < 4; i++) {
		if (chan_send(e->chan[0], KIND_MSG, 0, e->payload) != ERR_OK)
			abort();
	}
	move(e, 0);
}

/* As many texts as fit into one record. */
static unsigned fill_batch(struct coding *c, struct buf *batch)
{
	unsigned n = 0;

	while (msg_encode(&c->msg, batch) == ERR_OK)
		n++;
	return n;
}

static void bench_records(struct coding *c)
{
	struct ends ends, *e = &ends;
	struct buf batch;
	unsigned n;
	double seal, both;

	ends_init(e, 16);
	handshake(e);
	e->payload = buf_slice(&c->b);
	seal = time_ns(seal_only, e, 20000);
	/* What was sealed and dropped never opens: a new session. */
	ends_close(e);
	handshake(e);
	both = time_ns(record, e, 20000);
	print("seal, one text a record", seal, "ns");
	print("open, one text a record", both - seal, "ns");
	buf_init(&batch, PROTO_PAYLOAD_MAX_BYTES);
	n = fill_batch(c, &batch);
	e->payload = buf_slice(&batch);
	print("texts in a full record", n, "");
	seal = time_ns(seal_only, e, 2000) / n;
	ends_close(e);
	handshake(e);
	both = time_ns(burst, e, 500) / (4 * n);
	print("seal, a text in a full record", seal, "ns");
	print("open, a text in a full record", both - seal, "ns");
	ends_close(e);
	ends_wipe(e);
	buf_wipe(&batch);
}

/* The cipher alone over so many bytes, for comparison. */
static void cipher(void *ctx)
{
	static uint8_t plain[PROTO_RECORD_MAX_BYTES + 16], key[32], nonce[12];
	const size_t *bytes = ctx;
	unsigned long long n;

	crypto_aead_chacha20poly1305_ietf_encrypt(plain, &n, plain, *bytes, NULL, 0, NULL,
						  nonce, key);
}

static void bench_cipher(void)
{
	size_t small = 256, full = PROTO_RECORD_MAX_BYTES;

	print("cipher alone, 256 bytes", time_ns(cipher, &small, 20000), "ns");
	print("cipher alone, 16 KiB", time_ns(cipher, &full, 2000), "ns");
}

int main(void)
{
	struct coding c;

	secret_init();
	coding_init(&c);
	print("encode a text of 100 bytes", time_ns(encode_one, &c, 200000), "ns");
	print("decode a text of 100 bytes", time_ns(decode_one, &c, 200000), "ns");
	bench_records(&c);
	bench_cipher();
	bench_handshakes("acquainted", 16);
	bench_handshakes("strangers", 0);
	bench_certs();
	buf_wipe(&c.b);
	return c.sum == 1;
}
