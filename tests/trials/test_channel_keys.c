/*
 * The channel's keys: that they are those of Noise (A1), that they die with the
 * session and with each REKEY (A7), and that they run out (A12, with
 * unit/test_records).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/mem.h"
#include "crypto/noise_symmetric.h"
#include "lib/chan_pair.h"
#include "lib/noise_vectors.h"
#include "lib/raw_peer.h"
#include "lib/vectors.h"
#include "wire/preamble.h"
#include "wire/records.h"

static struct chan_pair pair;

static int setup(void **state)
{
	(void)state;
	pair_init(&pair, 5);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_wipe(&pair);
	return 0;
}

/* ------------------------------------------------------------- A1: vectors */

/* An rng that gives one key. */
static void fill_key(void *ctx, void *out, size_t n)
{
	assert_int_equal(n, 32);
	memcpy(out, ctx, n);
}

/* An identity whose Noise static key is this one. */
static struct identity *identity_with(const struct identity *like, struct slice dn)
{
	uint8_t secret[IDENTITY_SECRET_BYTES];
	const struct devlist *l = identity_devlist(like);
	struct identity *id = NULL;

	identity_export(like, secret);
	memcpy(secret + 64, dn.p, dn.n);
	secret[128] ^= 1; /* as another device, so that the list may stay */
	assert_int_equal(identity_import(secret, slice_of(l->raw, l->raw_len), &id),
			 ERR_OK);
	return id;
}

/* Gives an end the keys of one side of a vector, and the greeting of a raw peer. */
static void end_use(struct chan_end *e, const struct noise_vector_side *side,
		    uint8_t ephemeral[static 32], struct rng *rng)
{
	struct identity *id = identity_with(e->id, side->s);

	identity_free(e->id);
	e->id = id;
	memcpy(ephemeral, side->e.p, 32);
	*rng = (struct rng){fill_key, ephemeral};
	e->cfg.self = id;
	e->cfg.rng = rng;
	e->cfg.boot = (struct id16){{3}};
	e->cfg.caps = 0;
}

/* Noise alone with the same keys must say the same as e, to the byte. */
static void same_words(struct raw_peer *raw, struct raw_peer *other, struct chan_end *e,
		       struct chan_end *to)
{
	struct slice said = chan_out(e->chan);
	size_t skip = raw->hs.next_message == 0 ? PROTO_PREAMBLE_BYTES : 0;
	struct buf b;

	buf_init(&b, 2000);
	raw_write(raw, &b);
	assert_true(slice_eq(buf_slice(&b), said));
	assert_int_equal(raw_read(other, slice_of(b.p + skip, b.len - skip)), ERR_OK);
	assert_int_equal(end_feed(to, said), ERR_WAIT);
	chan_drop(e->chan, said.n);
	buf_wipe(&b);
}

/* The ephemeral key is the first thing in both messages, whatever else differs. */
static void same_ephemerals(const struct noise_vector *v, struct slice msg1,
			    struct slice msg2)
{
	assert_memory_equal(msg1.p + PROTO_PREAMBLE_BYTES + 2,
			    v->messages[0].ciphertext.p, 32);
	assert_memory_equal(msg2.p + 2, v->messages[1].ciphertext.p, 32);
}

static void check_vector(void *ctx, const struct noise_vector *v)
{
	unsigned *checked = ctx;
	uint8_t e[2][32];
	struct rng rng[2];
	struct raw_peer raw[2];
	struct buf msg1;

	if (strcmp(v->protocol_name, "Noise_XX_25519_ChaChaPoly_BLAKE2b") != 0)
		return;
	end_use(&pair.a, &v->initiator, e[0], &rng[0]);
	end_use(&pair.b, &v->responder, e[1], &rng[1]);
	raw_init(&raw[0], true, pair.a.id, NULL, &rng[0]);
	raw_init(&raw[1], false, pair.b.id, NULL, &rng[1]);
	pair_dial(&pair);
	buf_init(&msg1, 100);
	buf_add(&msg1, chan_out(pair.a.chan));
	same_words(&raw[0], &raw[1], &pair.a, &pair.b);
	same_ephemerals(v, buf_slice(&msg1), chan_out(pair.b.chan));
	same_words(&raw[1], &raw[0], &pair.b, &pair.a);
	same_words(&raw[0], &raw[1], &pair.a, &pair.b);
	assert_true(chan_is_up(pair.a.chan) && chan_is_up(pair.b.chan));
	noise_split(&raw[0].hs, &raw[0].send, &raw[0].receive, raw[0].hash);
	assert_memory_equal(chan_hash(pair.a.chan), raw[0].hash, NOISE_HASHLEN);
	assert_memory_equal(chan_hash(pair.b.chan), raw[0].hash, NOISE_HASHLEN);
	for (unsigned i = 0; i < 3; i++) {
		buf_clear(&msg1, 0);
		buf_wipe(&msg1);
		buf_init(&msg1, 100);
		raw_record(&raw[0], KIND_MSG, 0, slice_str("hello"), &msg1);
		end_send(&pair.a, KIND_MSG, "hello");
		assert_true(slice_eq(buf_slice(&msg1), chan_out(pair.a.chan)));
		chan_drop(pair.a.chan, msg1.len);
	}
	buf_wipe(&msg1);
	(*checked)++;
}

/* The payloads of published vectors are not greetings, so the rest of their bytes
 * cannot be ours. What can: their keys through the channel give their ephemerals, and
 * every other byte is the one that noise.c gives, which passes the vectors whole. */
static void A1_vectors_through_the_channel(void **state)
{
	char *path = vectors_path("noise/cacophony_25519_ChaChaPoly_BLAKE2b.json");
	unsigned checked = 0;

	(void)state;
	noise_vectors_each(path, check_vector, &checked);
	assert_int_equal(checked, 1);
	mem_free(path);
}

/* ------------------------------------------------------ A7: forward secrecy */

/* What crossed in one session, each message with its length. */
struct capture {
	struct buf msg1, msg2, msg3, record;
};

static void capture_session(struct capture *c)
{
	struct buf *bufs[] = {&c->msg1, &c->msg2, &c->msg3};

	for (unsigned i = 0; i < 3; i++) {
		struct chan_end *from = i == 1 ? &pair.b : &pair.a;
		buf_init(bufs[i], 1000);
		end_take(from, bufs[i]);
		assert_int_equal(end_feed(i == 1 ? &pair.a : &pair.b, buf_slice(bufs[i])),
				 ERR_WAIT);
	}
	buf_init(&c->record, 1000);
	end_send(&pair.a, KIND_MSG, "a secret");
	end_take(&pair.a, &c->record);
	buf_drop(&c->msg1, PROTO_PREAMBLE_BYTES);
}

static void capture_wipe(struct capture *c)
{
	buf_wipe(&c->msg1);
	buf_wipe(&c->msg2);
	buf_wipe(&c->msg3);
	buf_wipe(&c->record);
}

/* Both sides' secrets, years later. */
struct loot {
	uint8_t a[IDENTITY_SECRET_BYTES], b[IDENTITY_SECRET_BYTES];
};

static void mix_dh(struct noise_symmetricstate *ss, const uint8_t *secret,
		   const uint8_t *public)
{
	uint8_t shared[32];

	assert_int_equal(crypto_scalarmult(shared, secret, public), 0);
	noise_mix_key(ss, slice_of(shared, 32));
}

/* The thief's books: from the capture, the static secrets and a guess of the one DH
 * result between ephemerals, up to the keys of the session. Returns false when the
 * guess does not open message 2. */
static bool derive(const struct capture *c, const struct loot *loot, const uint8_t *ee,
		   struct noise_cipherstate *first, struct noise_cipherstate *second)
{
	static const uint8_t label[16] = "p2pmsg-noise-v1";
	const uint8_t *e_a = buf_slice(&c->msg1).p + 2, *msg2 = buf_slice(&c->msg2).p + 2;
	const uint8_t *msg3 = buf_slice(&c->msg3).p + 2;
	uint8_t prologue[28], s_a[32], s_b[32], payload[PROTO_HS_PAYLOAD_BYTES];
	struct noise_symmetricstate ss;

	memcpy(prologue, label, 16);
	preamble_write(prologue + 16);
	noise_initialize_symmetric(&ss, "Noise_XX_25519_ChaChaPoly_BLAKE2b");
	noise_mix_hash(&ss, slice_of(prologue, sizeof(prologue)));
	noise_mix_hash(&ss, slice_of(e_a, 32));
	noise_mix_hash(&ss, slice_of(NULL, 0));
	noise_mix_hash(&ss, slice_of(msg2, 32));
	noise_mix_key(&ss, slice_of(ee, 32));
	if (noise_decrypt_and_hash(&ss, slice_of(msg2 + 32, 48), s_b) != ERR_OK)
		return false;
	mix_dh(&ss, loot->b + 64, e_a);
	if (noise_decrypt_and_hash(&ss, slice_of(msg2 + 80, 528), payload) != ERR_OK)
		return false;
	if (noise_decrypt_and_hash(&ss, slice_of(msg3, 48), s_a) != ERR_OK)
		return false;
	mix_dh(&ss, loot->a + 64, msg2);
	if (noise_decrypt_and_hash(&ss, slice_of(msg3 + 48, 528), payload) != ERR_OK)
		return false;
	noise_symmetric_split(&ss, first, second);
	return true;
}

/* Opens the captured record with that guess. */
static bool opens(const struct capture *c, const struct loot *loot, const uint8_t *ee)
{
	struct noise_cipherstate first, second;
	struct slice s = buf_slice(&c->record);
	uint8_t plain[1000];

	return derive(c, loot, ee, &first, &second) &&
	       noise_decrypt_with_ad(&first, slice_of(NULL, 0),
				     slice_of(s.p + 2, s.n - 2), plain) == ERR_OK &&
	       memcmp(plain + 4, "a secret", 8) == 0;
}

/* Every DH that the thief can compute: each secret of the loot, and each part of it
 * that could be one, with each public key that was to be seen. */
static void try_loot(const struct capture *c, const struct loot *loot)
{
	const uint8_t *publics[] = {
		buf_slice(&c->msg1).p + 2,	buf_slice(&c->msg2).p + 2,
		identity_cert(pair.a.id)->dn.b, identity_cert(pair.b.id)->dn.b,
		identity_cert(pair.a.id)->dx.b, identity_cert(pair.b.id)->dx.b,
	};
	const uint8_t *secrets[] = {loot->a, loot->b};
	uint8_t guess[32] = {0};

	assert_false(opens(c, loot, guess));
	for (unsigned who = 0; who < 2; who++) {
		for (unsigned at = 0; at + 32 <= IDENTITY_SECRET_BYTES; at += 8) {
			assert_false(opens(c, loot, secrets[who] + at));
			for (unsigned k = 0; k < sizeof(publics) / sizeof(*publics);
			     k++) {
				if (crypto_scalarmult(guess, secrets[who] + at,
						      publics[k]) == 0)
					assert_false(opens(c, loot, guess));
			}
		}
	}
}

static void A7_static_keys_open_no_old_session(void **state)
{
	uint8_t e[2][32] = {{0x10}, {0x20}}, ee[32];
	struct rng rng[2] = {{fill_key, e[0]}, {fill_key, e[1]}};
	struct capture c;
	struct loot loot;

	(void)state;
	pair.a.cfg.rng = &rng[0];
	pair.b.cfg.rng = &rng[1];
	pair_dial(&pair);
	capture_session(&c);
	end_reset(&pair.a);
	end_reset(&pair.b);
	identity_export(pair.a.id, loot.a);
	identity_export(pair.b.id, loot.b);
	try_loot(&c, &loot);
	/* The books are right: with the one number that is gone it all opens. */
	assert_int_equal(crypto_scalarmult(ee, e[0], buf_slice(&c.msg2).p + 2), 0);
	assert_true(opens(&c, &loot, ee));
	capture_wipe(&c);
}

/* A thief of the present key reads on, but not back. */
static void A7_a_rekey_closes_the_past(void **state)
{
	struct raw_peer thief;
	struct buf before, rekey, after;
	struct noise_cipherstate stolen, old;
	uint8_t plain[256];

	(void)state;
	end_reset(&pair.b);
	pair.b.chan = chan_listen_new(&pair.b.cfg);
	raw_init(&thief, true, pair.a.id, NULL, &pair.rng.rng);
	raw_shake(&thief, &pair.b);
	assert_true(chan_is_up(pair.b.chan));
	buf_init(&before, 1000);
	buf_init(&rekey, 1000);
	buf_init(&after, 1000);
	end_send(&pair.b, KIND_MSG, "before");
	end_take(&pair.b, &before);
	assert_int_equal(chan_send(pair.b.chan, KIND_REKEY, 0, slice_str("")), ERR_OK);
	end_take(&pair.b, &rekey);
	end_send(&pair.b, KIND_MSG, "after");
	end_take(&pair.b, &after);

	old = stolen = thief.receive;
	noise_rekey(&stolen);
	for (unsigned n = 0; n < 3; n++) {
		stolen.n = n;
		assert_int_equal(noise_decrypt_with_ad(&stolen, slice_of(NULL, 0),
						       slice_of(before.p + 2, 80), plain),
				 ERR_AUTH);
		stolen.n = n;
		assert_int_equal(noise_decrypt_with_ad(&stolen, slice_of(NULL, 0),
						       slice_of(rekey.p + 2, 80), plain),
				 ERR_AUTH);
	}
	stolen.n = 2;
	assert_int_equal(noise_decrypt_with_ad(&stolen, slice_of(NULL, 0),
					       slice_of(after.p + 2, 80), plain),
			 ERR_OK);
	assert_memory_equal(plain + 4, "after", 5);
	/* The old key would have opened it, and does not open what came after. */
	assert_int_equal(noise_decrypt_with_ad(&old, slice_of(NULL, 0),
					       slice_of(before.p + 2, 80), plain),
			 ERR_OK);
	old.n = 2;
	assert_int_equal(noise_decrypt_with_ad(&old, slice_of(NULL, 0),
					       slice_of(after.p + 2, 80), plain),
			 ERR_AUTH);
	buf_wipe(&before);
	buf_wipe(&rekey);
	buf_wipe(&after);
}

/* ---------------------------------------------------------- A12: nonce limit */

/* Both ends one record before the last that there is. */
static void A12_the_last_record_is_the_last(void **state)
{
	struct raw_peer r;
	struct buf b;

	(void)state;
	end_reset(&pair.b);
	pair.b.chan = chan_listen_new(&pair.b.cfg);
	raw_init(&r, true, pair.a.id, NULL, &pair.rng.rng);
	raw_shake(&r, &pair.b);
	/* A number so high does not open where a lower one is expected. */
	r.send.n = UINT64_MAX - 1;
	buf_init(&b, 1000);
	raw_record(&r, KIND_MSG, 0, slice_str("last"), &b);
	assert_int_equal(end_feed(&pair.b, buf_slice(&b)), ERR_AUTH);
	assert_int_equal(pair.b.records, 0);
	assert_int_equal(
		noise_encrypt_with_ad(&r.send, slice_of(NULL, 0), slice_of(NULL, 0), b.p),
		ERR_LIMIT);
	buf_wipe(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(A1_vectors_through_the_channel),
		T(A7_static_keys_open_no_old_session),
		T(A7_a_rekey_closes_the_past),
		T(A12_the_last_record_is_the_last),
	};

	return cmocka_run_group_tests_name("channel_keys", tests, NULL, NULL);
}
