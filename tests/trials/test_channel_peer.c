/*
 * The channel against a peer that keeps Noise's books but not its rules: low-order
 * points, reflected and stolen keys, foreign certificates and rewritten versions.
 * Trials A8 to A11 and A13.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/identity_sign.h"
#include "crypto/noise_symmetric.h"
#include "lib/chan_pair.h"
#include "lib/raw_peer.h"
#include "lib/vectors.h"
#include "wire/preamble.h"

static struct chan_pair pair;
static struct identity *eve;
static struct raw_peer raw;

static int setup(void **state)
{
	(void)state;
	pair_init(&pair, 6);
	eve = identity_generate(&pair.rng.rng);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_wipe(&pair);
	identity_free(eve);
	return 0;
}

/* ------------------------------------------ handshake messages made by hand */

static const uint8_t zeros[32];

/* A key pair, or only a public key and what a DH with it is said to give. */
struct key {
	uint8_t public[32];
	const uint8_t *secret; /* NULL: dh stands for every result */
	uint8_t dh[32];
};

static struct key key_of(const uint8_t *secret)
{
	struct key k = {.secret = secret};

	crypto_scalarmult_base(k.public, secret);
	return k;
}

static struct key key_without_secret(const uint8_t *public, const uint8_t *dh)
{
	struct key k = {.secret = NULL};

	memcpy(k.public, public, 32);
	memcpy(k.dh, dh, 32);
	return k;
}

static void mix_dh(struct noise_symmetricstate *ss, const struct key *k,
		   const uint8_t *remote)
{
	uint8_t shared[32];

	memcpy(shared, k->dh, 32);
	if (k->secret != NULL)
		assert_int_equal(crypto_scalarmult(shared, k->secret, remote), 0);
	noise_mix_key(ss, slice_of(shared, 32));
}

static enum err feed_message(struct chan_end *e, const uint8_t *message, size_t n)
{
	const uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};

	end_feed(e, slice_of(length, 2));
	return end_feed(e, slice_of(message, n));
}

/* Reads what e said; then raw.hs.symmetric is ready for the next message. */
static void hear(struct chan_end *e)
{
	struct slice s = chan_out(e->chan);
	size_t skip = raw.hs.next_message == 0 ? PROTO_PREAMBLE_BYTES : 0;

	assert_int_equal(raw_read(&raw, slice_of(s.p + skip, s.n - skip)), ERR_OK);
	chan_drop(e->chan, s.n);
}

/* A responder's message 2 with these keys, to a channel that has dialled. */
static enum err answer_with(const struct key *e_key, const struct key *s_key)
{
	struct chan_end *e = end_fresh(&pair.a, true);
	struct noise_symmetricstate *ss = &raw.hs.symmetric;
	uint8_t out[PROTO_MSG2_BYTES];

	hear(e);
	memcpy(out, e_key->public, 32);
	noise_mix_hash(ss, slice_of(e_key->public, 32));
	mix_dh(ss, e_key, raw.hs.re);
	noise_encrypt_and_hash(ss, slice_of(s_key->public, 32), out + 32);
	mix_dh(ss, s_key, raw.hs.re);
	noise_encrypt_and_hash(ss, slice_of(raw.greeting, sizeof(raw.greeting)),
			       out + 80);
	return feed_message(e, out, sizeof(out));
}

/* An initiator's whole handshake with these keys, to a channel that listens. */
static enum err dial_with(const struct key *e_key, const struct key *s_key)
{
	struct chan_end *e = end_fresh(&pair.b, false);
	struct noise_symmetricstate *ss = &raw.hs.symmetric;
	uint8_t preamble[PROTO_PREAMBLE_BYTES], out[PROTO_MSG3_BYTES];

	preamble_write(preamble);
	end_feed(e, slice_of(preamble, sizeof(preamble)));
	if (feed_message(e, e_key->public, 32) != ERR_WAIT)
		return e->err;
	/* As if noise.c had written message 1. */
	memcpy(raw.hs.e_pub, e_key->public, 32);
	memcpy(raw.hs.e, e_key->secret, 32);
	raw.hs.has_e = true;
	raw.hs.next_message = 1;
	noise_mix_hash(ss, slice_of(e_key->public, 32));
	noise_mix_hash(ss, slice_of(NULL, 0));
	hear(e);
	noise_encrypt_and_hash(ss, slice_of(s_key->public, 32), out);
	mix_dh(ss, s_key, raw.hs.re);
	noise_encrypt_and_hash(ss, slice_of(raw.greeting, sizeof(raw.greeting)),
			       out + 48);
	return feed_message(e, out, sizeof(out));
}

static uint8_t an_ephemeral[32] = {0x42, 1, 2, 3};

/* The hand-made messages are right: with honest keys they are let in. */
static void honest_keys_are_let_in(void **state)
{
	const struct key e_key = key_of(an_ephemeral);
	const struct key s_key = key_of(identity_dn_secret(eve));

	(void)state;
	raw_init(&raw, false, eve, NULL, &pair.rng.rng);
	assert_int_equal(answer_with(&e_key, &s_key), ERR_WAIT);
	assert_int_equal(pair.a.peers, 1);
	raw_init(&raw, true, eve, NULL, &pair.rng.rng);
	assert_int_equal(dial_with(&e_key, &s_key), ERR_WAIT);
	assert_int_equal(pair.b.ups, 1);
}

/* ----------------------------------------------------- A8: low-order points */

static void try_low_order(const uint8_t *point)
{
	const struct key low = key_without_secret(point, zeros);
	const struct key e_key = key_of(an_ephemeral);
	const struct key s_key = key_of(identity_dn_secret(eve));
	const struct key pairs[2][2] = {{low, s_key}, {e_key, low}};

	for (unsigned i = 0; i < 2; i++) {
		raw_init(&raw, false, eve, NULL, &pair.rng.rng);
		assert_int_equal(answer_with(&pairs[i][0], &pairs[i][1]), ERR_AUTH);
		end_assert_refused(&pair.a, ERR_AUTH);
		raw_init(&raw, true, eve, NULL, &pair.rng.rng);
		assert_int_equal(dial_with(&pairs[i][0], &pairs[i][1]), ERR_AUTH);
		end_assert_refused(&pair.b, ERR_AUTH);
	}
}

static void A8_low_order_points(void **state)
{
	json_t *j = vectors_json("wycheproof/x25519_test.json");
	json_t *groups = json_object_get(j, "testGroups");
	unsigned n = 0;

	(void)state;
	for (size_t g = 0; g < json_array_size(groups); g++) {
		json_t *tests = json_object_get(json_array_get(groups, g), "tests");
		for (size_t i = 0; i < json_array_size(tests); i++) {
			const json_t *t = json_array_get(tests, i);
			uint8_t shared[32], point[32];
			hex_decode(slice_str(vectors_str(t, "shared")), shared, 32);
			if (memcmp(shared, zeros, 32) != 0)
				continue;
			hex_decode(slice_str(vectors_str(t, "public")), point, 32);
			try_low_order(point);
			n++;
		}
	}
	assert_int_equal(n, 31);
	json_decref(j);
}

/* For a machine without the vectors. */
static void A8_zero_point(void **state)
{
	(void)state;
	try_low_order(zeros);
}

/* Somebody who has our static key, or is us. */
static void A8_own_static_reflected(void **state)
{
	const struct key e_key = key_of(an_ephemeral);
	const struct key own = key_of(identity_dn_secret(pair.b.id));

	(void)state;
	raw_init(&raw, false, pair.a.id, NULL, &pair.rng.rng);
	raw_shake(&raw, end_fresh(&pair.a, true));
	end_assert_refused(&pair.a, ERR_AUTH);
	raw_init(&raw, true, eve, NULL, &pair.rng.rng);
	raw_greet(raw.greeting, pair.b.id);
	assert_int_equal(dial_with(&e_key, &own), ERR_AUTH);
	end_assert_refused(&pair.b, ERR_AUTH);
	/* A proxy that leads us back to our own port. */
	pair.b.cfg.self = pair.a.id;
	pair_dial(&pair);
	pair_run(&pair);
	end_assert_refused(&pair.a, ERR_AUTH);
}

static void A8_own_ephemeral_reflected(void **state)
{
	const struct key s_key = key_of(identity_dn_secret(eve));
	struct key e_key;
	uint8_t draw[32];

	(void)state;
	/* What the channel will draw next, so that the books can be kept even so. */
	struct rng_seeded ahead = pair.rng;
	ahead.rng.ctx = &ahead;
	rng_fill(&ahead.rng, draw, sizeof(draw));
	e_key = key_of(draw);
	raw_init(&raw, false, eve, NULL, &pair.rng.rng);
	assert_int_equal(answer_with(&e_key, &s_key), ERR_AUTH);
	assert_memory_equal(raw.hs.re, e_key.public, 32);
	end_assert_refused(&pair.a, ERR_AUTH);
}

/* ------------------------------------------------------------------ A9: KCI */

/* The thief has all of a's secrets and wants to be b to a. What is missing is one DH
 * with b's static key; each result that the thief can compute is tried for it. */
static void try_as_b(const uint8_t *dh, bool to_initiator)
{
	const struct key e_key = key_of(an_ephemeral);
	const struct key s_key = key_without_secret(identity_cert(pair.b.id)->dn.b, dh);
	struct identity *was = pair.b.id;

	raw_init(&raw, !to_initiator, pair.b.id, NULL, &pair.rng.rng);
	if (to_initiator) {
		answer_with(&e_key, &s_key);
		end_assert_refused(&pair.a, ERR_AUTH);
		return;
	}
	/* The listening end is a's now. */
	pair.b.cfg.self = pair.a.id;
	dial_with(&e_key, &s_key);
	end_assert_refused(&pair.b, ERR_AUTH);
	pair.b.cfg.self = was;
}

static void A9_stolen_keys_do_not_make_others(void **state)
{
	const uint8_t *dn_a = identity_dn_secret(pair.a.id);
	const uint8_t *publics[] = {identity_cert(pair.b.id)->dn.b,
				    identity_cert(pair.a.id)->dn.b};
	uint8_t dh[32];

	(void)state;
	for (unsigned role = 0; role < 2; role++) {
		try_as_b(zeros, role);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(crypto_scalarmult(dh, dn_a, publics[i]), 0);
			try_as_b(dh, role);
			assert_int_equal(crypto_scalarmult(dh, an_ephemeral, publics[i]),
					 0);
			try_as_b(dh, role);
		}
	}
	/* With b's certificate over a key that the thief has. */
	raw_init(&raw, false, pair.b.id, an_ephemeral, &pair.rng.rng);
	raw_shake(&raw, end_fresh(&pair.a, true));
	end_assert_refused(&pair.a, ERR_AUTH);
}

/* ------------------------------------------------------- A10: foreign keys */

static void sign_as(struct cert *c, const struct identity *ik, const struct identity *ds)
{
	uint8_t secret[IDENTITY_SECRET_BYTES], public[32], ik_key[64], ds_key[64];

	identity_export(ik, secret);
	crypto_sign_ed25519_seed_keypair(public, ik_key, secret);
	identity_export(ds, secret);
	crypto_sign_ed25519_seed_keypair(public, ds_key, secret + 32);
	cert_sign(c, ik_key, ds_key);
}

static void greet_with(const struct cert *c)
{
	static const uint8_t boot[16] = {3};
	const struct greeting g = {
		.cert = slice_of(c->raw, sizeof(c->raw)),
		.list_version = 1,
		.boot = slice_of(boot, sizeof(boot)),
	};

	greeting_write(&g, raw.greeting);
}

/* What both kinds of end say to eve's own keys under this certificate. */
static void assert_cert(const struct cert *c, enum err err)
{
	for (unsigned role = 0; role < 2; role++) {
		struct chan_end *e = end_fresh(role ? &pair.a : &pair.b, role);
		raw_init(&raw, !role, eve, NULL, &pair.rng.rng);
		greet_with(c);
		raw_shake(&raw, e);
		if (err != ERR_OK)
			end_assert_refused(e, err);
		else
			assert_int_equal(e->peers, 1);
	}
}

static void A10_a_certificate_with_anothers_noise_key(void **state)
{
	struct cert c = *identity_cert(eve);

	(void)state;
	sign_as(&c, eve, eve);
	assert_cert(&c, ERR_OK);
	c.dn = identity_cert(pair.b.id)->dn;
	sign_as(&c, eve, eve);
	assert_cert(&c, ERR_AUTH);
}

/* ---------------------------------------------------------- A11: downgrade */

/* A proxy writes another version into the preamble; the initiator hears of it, as of
 * something that nobody vouches for, and there is no connection. */
static void A11_rewritten_version(void **state)
{
	(void)state;
	for (unsigned at = 4; at < 6; at++) {
		for (unsigned v = 0; v < 256; v++) {
			uint8_t copy[PROTO_PREAMBLE_BYTES + 34];
			struct slice s;
			pair_dial(&pair);
			s = chan_out(pair.a.chan);
			memcpy(copy, s.p, s.n);
			if (copy[at] == v)
				continue;
			copy[at] = (uint8_t)v;
			assert_int_equal(end_feed(&pair.b, slice_of(copy, s.n)),
					 ERR_VERSION);
			s = chan_out(pair.b.chan);
			assert_int_equal(s.n, PROTO_REFUSAL_BYTES);
			assert_int_equal(end_feed(&pair.a, s), ERR_VERSION);
			assert_int_equal(pair.a.refusals, 1);
			assert_int_equal(pair.a.last.refused_min, PROTO_MAJOR);
			assert_int_equal(pair.a.peers + pair.b.peers, 0);
		}
	}
}

/* An initiator that meant something else than what arrived, in any of the twelve
 * bytes, cannot make sense of the answer. */
static void A11_the_preamble_is_in_the_prologue(void **state)
{
	const struct noise_keys keys = {.s = identity_dn_secret(eve)};

	(void)state;
	for (size_t at = 0; at <= PROTO_PREAMBLE_BYTES; at++) {
		uint8_t prologue[16 + PROTO_PREAMBLE_BYTES + 1] = "p2pmsg-noise-v1";
		struct chan_end *e = end_fresh(&pair.b, false);
		struct buf b;
		struct slice s;
		preamble_write(prologue + 16);
		prologue[16 + at] ^= 1;
		noise_handshake_init(&raw.hs, noise_pattern_find("XX"), true,
				     slice_of(prologue, 16 + PROTO_PREAMBLE_BYTES), &keys,
				     &pair.rng.rng);
		buf_init(&b, 1000);
		raw_write(&raw, &b);
		assert_int_equal(end_feed(e, buf_slice(&b)), ERR_WAIT);
		s = chan_out(e->chan);
		/* The thirteenth byte, which is none, changes nothing. */
		assert_int_equal(raw_read(&raw, s),
				 at < PROTO_PREAMBLE_BYTES ? ERR_AUTH : ERR_OK);
		buf_wipe(&b);
	}
}

/* A forged refusal counts only before anybody has proved anything. */
static void A11_a_late_refusal_is_noise(void **state)
{
	uint8_t refusal[PROTO_REFUSAL_BYTES];

	(void)state;
	refusal_write(refusal);
	pair_connect(&pair);
	assert_int_equal(end_feed(&pair.a, slice_of(refusal, sizeof(refusal))),
			 ERR_PROTO);
	assert_int_equal(pair.a.refusals, 0);
	pair_dial(&pair);
	pair.a.is_slow = true;
	pair_run(&pair);
	assert_int_equal(pair.a.peers, 1);
	end_feed(&pair.a, slice_of(refusal, sizeof(refusal)));
	assert_int_equal(chan_accept(pair.a.chan), ERR_OK);
	assert_int_equal(end_drain(&pair.a), ERR_PROTO);
	assert_int_equal(pair.a.refusals, 0);
}

/* ------------------------------------------------- A13: certificate mutation */

static void A13_every_bit_of_the_certificate(void **state)
{
	struct cert c;

	(void)state;
	for (size_t at = 0; at < CERT_BYTES; at++) {
		struct chan_end *e = end_fresh(at % 2 ? &pair.a : &pair.b, at % 2);
		c = *identity_cert(eve);
		c.raw[at] ^= (uint8_t)(1U << at % 8);
		raw_init(&raw, at % 2 == 0, eve, NULL, &pair.rng.rng);
		greet_with(&c);
		raw_shake(&raw, e);
		assert_true(e->err == ERR_AUTH || e->err == ERR_PROTO);
		end_assert_refused(e, e->err);
	}
}

/* Signed again by somebody, but not by both who must. */
static void A13_every_field_signed_by_others(void **state)
{
	struct cert c = *identity_cert(eve);

	(void)state;
	c.ik = identity_cert(pair.b.id)->ik;
	sign_as(&c, eve, eve);
	assert_cert(&c, ERR_AUTH);
	c = *identity_cert(eve);
	c.ds = identity_cert(pair.b.id)->ds;
	sign_as(&c, eve, eve);
	assert_cert(&c, ERR_AUTH);
	c = *identity_cert(eve);
	sign_as(&c, pair.b.id, eve);
	assert_cert(&c, ERR_AUTH);
	sign_as(&c, eve, pair.b.id);
	assert_cert(&c, ERR_AUTH);
	c.serial = 0;
	sign_as(&c, eve, eve);
	assert_cert(&c, ERR_PROTO);
	/* And another serial, device or DX is the signer's own business. */
	c.serial = 77;
	c.device_id.b[0] ^= 1;
	c.dx.b[0] ^= 1;
	sign_as(&c, eve, eve);
	assert_cert(&c, ERR_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(honest_keys_are_let_in),
		T(A8_low_order_points),
		T(A8_zero_point),
		T(A8_own_static_reflected),
		T(A8_own_ephemeral_reflected),
		T(A9_stolen_keys_do_not_make_others),
		T(A10_a_certificate_with_anothers_noise_key),
		T(A11_rewritten_version),
		T(A11_the_preamble_is_in_the_prologue),
		T(A11_a_late_refusal_is_noise),
		T(A13_every_bit_of_the_certificate),
		T(A13_every_field_signed_by_others),
	};

	return cmocka_run_group_tests_name("channel_peer", tests, NULL, NULL);
}
