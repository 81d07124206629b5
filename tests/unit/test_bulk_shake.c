/* bulk_shake and bulk_tokens: who gets through, and what it costs who does not. */
#include "wire/bulk_shake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "crypto/noise_symmetric.h"
#include "lib/bulk_pair.h"
#include "wire/bulk_tokens.h"
#include "wire/preamble.h"

static struct rng_seeded rng;
static struct clock_manual clock_;
static struct bulk_tokens *tokens;
static uint8_t opening[BULK_OPENING_BYTES + 1], answer[BULK_ANSWER_BYTES + 1];

static int setup(void **state)
{
	(void)state;
	rng_seeded_init(&rng, 5);
	clock_manual_init(&clock_);
	tokens = bulk_tokens_new(&clock_.clock, &rng.rng);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bulk_tokens_free(tokens);
	return 0;
}

static struct slice whole(void)
{
	return slice_of(opening, BULK_OPENING_BYTES);
}

/* ------------------------------------------------------------------- opening */

static void an_opening_is_known_as_soon_as_can_be(void **state)
{
	struct bulk_secret s = bulk_pair_secret(1);
	bool has_id;

	(void)state;
	bulk_dial_free(bulk_dial_new(&s, &rng.rng, opening));
	for (size_t n = 0; n < BULK_OPENING_BYTES; n++) {
		assert_int_equal(bulk_opening_check(slice_of(opening, n), &has_id),
				 ERR_WAIT);
		assert_int_equal(has_id, n >= BULK_ID_END);
	}
	assert_int_equal(bulk_opening_check(whole(), &has_id), ERR_OK);
	assert_true(has_id);
	struct id16 id = bulk_opening_id(whole()), wanted = bulk_id_of(&s.token);
	assert_true(id16_eq(&id, &wanted));
	assert_int_equal(
		bulk_opening_check(slice_of(opening, BULK_OPENING_BYTES + 1), &has_id),
		ERR_PROTO);
}

static void what_is_no_bulk_connection_is_left_to_others(void **state)
{
	struct bulk_secret s = bulk_pair_secret(1);
	uint8_t session[PROTO_PREAMBLE_BYTES];
	bool has_id;

	(void)state;
	preamble_write(session);
	assert_int_equal(bulk_opening_check(slice_of(session, sizeof(session)), &has_id),
			 ERR_UNKNOWN);
	/* Up to there it could be either. */
	assert_int_equal(bulk_opening_check(slice_of(session, 5), &has_id), ERR_WAIT);
	assert_int_equal(bulk_opening_check(slice_of(session, 6), &has_id), ERR_UNKNOWN);
	for (size_t i = 0; i < PROTO_PREAMBLE_BYTES; i++) {
		bulk_dial_free(bulk_dial_new(&s, &rng.rng, opening));
		opening[i] ^= 0x80;
		assert_int_equal(bulk_opening_check(whole(), &has_id),
				 i < 7 ? ERR_UNKNOWN : ERR_PROTO);
		assert_int_equal(bulk_opening_check(slice_of(opening, i + 1), &has_id),
				 i < 7 ? ERR_UNKNOWN : ERR_PROTO);
		assert_false(has_id);
	}
	for (size_t i = BULK_ID_END; i < BULK_ID_END + 2; i++) {
		bulk_dial_free(bulk_dial_new(&s, &rng.rng, opening));
		opening[i] ^= 1;
		assert_int_equal(bulk_opening_check(slice_of(opening, i + 1), &has_id),
				 ERR_PROTO);
	}
}

/* -------------------------------------------------------------------- answer */

static enum err finish_with(const uint8_t *bytes, size_t n)
{
	struct bulk_secret s = bulk_pair_secret(1);
	struct bulk_dial *d = bulk_dial_new(&s, &rng.rng, opening);
	struct bulk_keys keys = {0};

	enum err e = bulk_dial_finish(d, slice_of(bytes, n), &keys);
	assert_null(keys.send);
	bulk_dial_free(d);
	return e;
}

static void a_refusal_is_known(void **state)
{
	uint8_t refusal[PROTO_REFUSAL_BYTES];

	(void)state;
	refusal_write(refusal);
	for (size_t n = 0; n < sizeof(refusal); n++)
		assert_int_equal(finish_with(refusal, n), ERR_WAIT);
	assert_int_equal(finish_with(refusal, sizeof(refusal)), ERR_VERSION);
	refusal[11] = 1;
	assert_int_equal(finish_with(refusal, sizeof(refusal)), ERR_PROTO);
	assert_int_equal(finish_with((const uint8_t *)"POST", 4), ERR_PROTO);
}

static void an_answer_has_one_size(void **state)
{
	static const uint8_t bad[][2] = {{0, 0}, {0, 47}, {0, 49}, {1, 48}, {255, 255}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(finish_with(bad[i], 2), ERR_PROTO);
	struct bulk_secret s = bulk_pair_secret(1);
	struct bulk_dial *d = bulk_dial_new(&s, &rng.rng, opening);
	struct bulk_keys keys[2] = {{0}};
	assert_int_equal(bulk_answer(&s, &rng.rng, whole(), answer, &keys[1]), ERR_OK);
	for (size_t n = 0; n < BULK_ANSWER_BYTES; n++)
		assert_int_equal(bulk_dial_finish(d, slice_of(answer, n), &keys[0]),
				 ERR_WAIT);
	assert_int_equal(
		bulk_dial_finish(d, slice_of(answer, BULK_ANSWER_BYTES + 1), &keys[0]),
		ERR_PROTO);
	assert_int_equal(
		bulk_dial_finish(d, slice_of(answer, BULK_ANSWER_BYTES), &keys[0]),
		ERR_OK);
	/* Only once. */
	struct bulk_keys more = {0};
	assert_int_not_equal(
		bulk_dial_finish(d, slice_of(answer, BULK_ANSWER_BYTES), &more), ERR_OK);
	assert_null(more.send);
	bulk_keys_wipe(&keys[0]);
	bulk_keys_wipe(&keys[1]);
	bulk_dial_free(d);
}

/* -------------------------------------------------------------------- tokens */

static uint8_t session_hash[NOISE_HASHLEN] = {7};

static struct bulk_secret add(uint64_t session, uint64_t transfer)
{
	struct bulk_secret s;

	memcpy(s.h, session_hash, sizeof(s.h));
	assert_int_equal(
		bulk_tokens_add(tokens, session, session_hash, transfer, &s.token),
		ERR_OK);
	return s;
}

static bool has(const struct bulk_secret *s)
{
	struct id16 id = bulk_id_of(&s->token);

	return bulk_tokens_has(tokens, &id);
}

static enum err use(const struct bulk_secret *s, uint64_t *transfer)
{
	struct bulk_keys keys = {0};

	*transfer = 0;
	bulk_dial_free(bulk_dial_new(s, &rng.rng, opening));
	enum err e = bulk_tokens_answer(tokens, whole(), answer, &keys, transfer);
	assert_int_equal(keys.send != NULL, e == ERR_OK);
	bulk_keys_wipe(&keys);
	return e;
}

static void a_token_opens_once(void **state)
{
	struct bulk_secret a = add(1, 10), b = add(1, 11);
	uint64_t transfer;

	(void)state;
	assert_int_not_equal(memcmp(&a.token, &b.token, 32), 0);
	assert_int_equal(use(&b, &transfer), ERR_OK);
	assert_int_equal(transfer, 11);
	assert_int_equal(use(&b, &transfer), ERR_UNKNOWN);
	assert_false(has(&b));
	assert_int_equal(use(&a, &transfer), ERR_OK);
	assert_int_equal(transfer, 10);
	assert_int_equal(bulk_tokens_count(tokens), 0);
}

static void a_token_expires(void **state)
{
	struct bulk_secret a = add(1, 10);
	uint64_t transfer;

	(void)state;
	clock_manual_advance(&clock_, (uint64_t)PROTO_BULK_TOKEN_S * 1000 * 1000 - 1);
	struct bulk_secret b = add(1, 11);
	assert_true(has(&a));
	clock_manual_advance(&clock_, 1);
	assert_false(has(&a));
	assert_int_equal(use(&a, &transfer), ERR_UNKNOWN);
	assert_int_equal(bulk_tokens_count(tokens), 1);
	assert_int_equal(use(&b, &transfer), ERR_OK);
}

static void a_token_ends_with_its_session_or_its_transfer(void **state)
{
	struct bulk_secret a = add(1, 10), b = add(2, 11), c = add(1, 12), d = add(3, 13);

	(void)state;
	bulk_tokens_drop_session(tokens, 1);
	assert_false(has(&a) || has(&c));
	assert_true(has(&b) && has(&d));
	bulk_tokens_drop_transfer(tokens, 11);
	assert_false(has(&b));
	assert_true(has(&d));
	bulk_tokens_drop_session(tokens, 99);
	bulk_tokens_drop_transfer(tokens, 99);
	assert_int_equal(bulk_tokens_count(tokens), 1);
}

static void unspent_tokens_are_limited(void **state)
{
	struct id32 token;

	(void)state;
	for (unsigned i = 0; i < PROTO_BULK_TOKENS_MAX; i++)
		add(i, i);
	assert_int_equal(bulk_tokens_add(tokens, 1, session_hash, 1, &token), ERR_LIMIT);
	clock_manual_advance(&clock_, (uint64_t)PROTO_BULK_TOKEN_S * 1000 * 1000);
	add(1, 1);
	assert_int_equal(bulk_tokens_count(tokens), 1);
}

/* Who dials has made it, when it is the one that receives the files. */
static void a_token_may_be_the_other_sides(void **state)
{
	struct bulk_secret s = bulk_pair_secret(77), a = add(1, 10);
	uint64_t transfer;

	(void)state;
	assert_int_equal(bulk_tokens_put(tokens, 2, s.h, 20, &s.token), ERR_OK);
	assert_int_equal(bulk_tokens_put(tokens, 3, s.h, 21, &s.token), ERR_EXISTS);
	assert_int_equal(bulk_tokens_put(tokens, 3, a.h, 21, &a.token), ERR_EXISTS);
	assert_int_equal(use(&s, &transfer), ERR_OK);
	assert_int_equal(transfer, 20);
	assert_int_equal(use(&a, &transfer), ERR_OK);
	assert_int_equal(transfer, 10);
}

/* Somebody who saw the bulk id go by cannot use the token up. */
static void who_has_not_the_token_does_not_spend_it(void **state)
{
	struct bulk_secret a = add(1, 10), wrong_hash = a;
	struct bulk_keys keys = {0};
	uint64_t transfer;

	(void)state;
	for (size_t i = BULK_ID_END + 2; i < BULK_OPENING_BYTES; i++) {
		bulk_dial_free(bulk_dial_new(&a, &rng.rng, opening));
		opening[i] ^= 1;
		assert_int_equal(
			bulk_tokens_answer(tokens, whole(), answer, &keys, &transfer),
			ERR_AUTH);
		assert_null(keys.send);
	}
	/* Nor who has it from another session. */
	wrong_hash.h[63] ^= 1;
	assert_int_equal(use(&wrong_hash, &transfer), ERR_AUTH);
	assert_int_equal(use(&a, &transfer), ERR_OK);
}

/* Message 1 with this ephemeral key, by somebody who keeps the books correctly. */
static void make_opening(const struct bulk_secret *secret, const uint8_t e[static 32])
{
	struct noise_handshakestate hs;
	struct noise_keys psk = {.psk = {secret->token.b}};
	uint8_t prologue[16 + BULK_ID_END + NOISE_HASHLEN];

	bulk_dial_free(bulk_dial_new(secret, &rng.rng, opening));
	memcpy(prologue, "p2pmsg-noise-v1", 16);
	memcpy(prologue + 16, opening, BULK_ID_END);
	memcpy(prologue + 16 + BULK_ID_END, secret->h, NOISE_HASHLEN);
	assert_int_equal(noise_handshake_init(&hs, noise_pattern_find("NNpsk0"), true,
					      slice_of(prologue, sizeof(prologue)), &psk,
					      &rng.rng),
			 ERR_OK);
	uint8_t *msg = opening + BULK_ID_END + 2;
	memcpy(msg, e, 32);
	noise_mix_key_and_hash(&hs.symmetric, slice_of(secret->token.b, 32));
	noise_mix_hash(&hs.symmetric, slice_of(msg, 32));
	noise_mix_key(&hs.symmetric, slice_of(msg, 32));
	noise_encrypt_and_hash(&hs.symmetric, slice_of(NULL, 0), msg + 32);
	noise_handshake_wipe(&hs);
}

/* From the one who has the token, it is spent all the same. */
static void A8_a_point_of_low_order_is_refused(void **state)
{
	static const uint8_t zero[32], nine[32] = {9};
	struct bulk_secret a = add(1, 10), b = add(1, 11);
	struct bulk_keys keys = {0};
	uint64_t transfer;

	(void)state;
	make_opening(&a, zero);
	assert_int_equal(bulk_tokens_answer(tokens, whole(), answer, &keys, &transfer),
			 ERR_PROTO);
	assert_null(keys.send);
	assert_false(has(&a));
	make_opening(&b, nine);
	assert_int_equal(bulk_tokens_answer(tokens, whole(), answer, &keys, &transfer),
			 ERR_OK);
	bulk_keys_wipe(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_opening_is_known_as_soon_as_can_be),
		cmocka_unit_test(what_is_no_bulk_connection_is_left_to_others),
		cmocka_unit_test(a_refusal_is_known),
		cmocka_unit_test(an_answer_has_one_size),
		cmocka_unit_test_setup_teardown(a_token_opens_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_token_expires, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_token_ends_with_its_session_or_its_transfer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_token_may_be_the_other_sides, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unspent_tokens_are_limited, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_has_not_the_token_does_not_spend_it,
						setup, teardown),
		cmocka_unit_test_setup_teardown(A8_a_point_of_low_order_is_refused, setup,
						teardown),
	};

	secret_init();
	rng_seeded_init(&rng, 5);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
