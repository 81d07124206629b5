/* Attacks on bulk connections, by the names of the threat model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/bulk_pair.h"
#include "wire/bulk_tokens.h"

static const struct bulk_start folder = {.is_folder = true};
static struct rng_seeded rng;
static struct clock_manual clock_;

/* ------------------------------------------------------------------ handshake */

enum { SESSION = 1, TRANSFER = 9 };

/* A listener with one token, and what a dialler who has it says. */
struct meeting {
	struct bulk_tokens *tokens;
	struct bulk_secret secret;
	struct bulk_dial *dial;
	uint8_t opening[BULK_OPENING_BYTES + 1];
	uint8_t answer[BULK_ANSWER_BYTES + 1];
	struct bulk_keys dialler, listener;
	uint64_t transfer;
};

static void meet(struct meeting *m)
{
	memset(m, 0, sizeof(*m));
	m->tokens = bulk_tokens_new(&clock_.clock, &rng.rng);
	rng_fill(&rng.rng, m->secret.h, sizeof(m->secret.h));
	assert_int_equal(bulk_tokens_add(m->tokens, SESSION, m->secret.h, TRANSFER,
					 &m->secret.token),
			 ERR_OK);
	m->dial = bulk_dial_new(&m->secret, &rng.rng, m->opening);
}

static void part(struct meeting *m)
{
	bulk_keys_wipe(&m->dialler);
	bulk_keys_wipe(&m->listener);
	bulk_dial_free(m->dial);
	bulk_tokens_free(m->tokens);
}

/* As net does it: nothing is answered that was not checked, and known. */
static enum err listen_to(struct meeting *m, size_t n)
{
	struct slice in = slice_of(m->opening, n);
	bool has_id;
	enum err e = bulk_opening_check(in, &has_id);

	return e != ERR_OK ? e
			   : bulk_tokens_answer(m->tokens, in, m->answer, &m->listener,
						&m->transfer);
}

static enum err listen(struct meeting *m)
{
	return listen_to(m, BULK_OPENING_BYTES);
}

static enum err finish(struct meeting *m)
{
	return bulk_dial_finish(m->dial, slice_of(m->answer, BULK_ANSWER_BYTES),
				&m->dialler);
}

static void assert_nobody_is_in(const struct meeting *m)
{
	assert_null(m->listener.send);
	assert_null(m->listener.receive);
	assert_null(m->dialler.send);
}

static void A3_every_bit_of_the_opening(void **state)
{
	struct meeting m;

	(void)state;
	meet(&m);
	for (size_t bit = 0; bit < 8 * BULK_OPENING_BYTES; bit++) {
		m.opening[bit / 8] ^= (uint8_t)(1 << bit % 8);
		enum err e = listen(&m);
		assert_true(e == ERR_UNKNOWN || e == ERR_PROTO || e == ERR_AUTH);
		assert_nobody_is_in(&m);
		m.opening[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* None of them has spent it. */
	assert_int_equal(listen(&m), ERR_OK);
	assert_int_equal(finish(&m), ERR_OK);
	part(&m);
}

static void A3_every_bit_of_the_answer(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * BULK_ANSWER_BYTES; bit++) {
		struct meeting m;
		meet(&m);
		assert_int_equal(listen(&m), ERR_OK);
		m.answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		enum err e = finish(&m);
		/* Bit 255 of an X25519 key means nothing to it, but Noise hashes it. */
		assert_true(e == ERR_PROTO || e == ERR_AUTH);
		assert_null(m.dialler.send);
		part(&m);
	}
}

static void A4_the_handshake_cut_or_longer(void **state)
{
	struct meeting m;

	(void)state;
	meet(&m);
	for (size_t n = 0; n < BULK_OPENING_BYTES; n++)
		assert_int_equal(listen_to(&m, n), ERR_WAIT);
	assert_int_equal(listen_to(&m, BULK_OPENING_BYTES + 1), ERR_PROTO);
	assert_nobody_is_in(&m);
	assert_int_equal(listen(&m), ERR_OK);
	for (size_t n = 0; n < BULK_ANSWER_BYTES; n++)
		assert_int_equal(
			bulk_dial_finish(m.dial, slice_of(m.answer, n), &m.dialler),
			ERR_WAIT);
	assert_null(m.dialler.send);
	assert_int_equal(finish(&m), ERR_OK);
	part(&m);
}

static void A5_an_opening_replayed(void **state)
{
	struct meeting m, other;

	(void)state;
	meet(&m);
	assert_int_equal(listen(&m), ERR_OK);
	bulk_keys_wipe(&m.listener);
	assert_int_equal(listen(&m), ERR_UNKNOWN);
	assert_nobody_is_in(&m);
	/* To another listener, and an answer of another connection. */
	meet(&other);
	memcpy(other.opening, m.opening, sizeof(m.opening));
	assert_int_equal(listen(&other), ERR_UNKNOWN);
	memcpy(other.answer, m.answer, sizeof(m.answer));
	assert_int_equal(finish(&other), ERR_AUTH);
	part(&other);
	part(&m);
}

/* Who replays what was overheard, before it arrives, gets no keys; the one whose it was
 * must ask for another token. */
static void A5_an_opening_overtaken_brings_no_keys(void **state)
{
	struct meeting m;

	(void)state;
	meet(&m);
	assert_int_equal(listen(&m), ERR_OK);
	struct bulk_start start = folder;
	struct bulk *b = bulk_new(&m.listener, &start);
	m.listener = (struct bulk_keys){0};
	uint8_t frame[BULK_OVERHEAD_BYTES + 1] = {0, 1 + BULKSEAL_TAG_BYTES};
	struct bulk_record r;
	size_t used;
	assert_int_equal(bulk_next(b, frame, sizeof(frame), &r, &used), ERR_AUTH);
	bulk_free(b);
	part(&m);
}

static void M8_unknown_used_expired_and_foreign_tokens(void **state)
{
	struct meeting m;

	(void)state;
	meet(&m);
	struct bulk_secret secret = m.secret;
	secret.token.b[31] ^= 1;
	bulk_dial_free(bulk_dial_new(&secret, &rng.rng, m.opening));
	assert_int_equal(listen(&m), ERR_UNKNOWN);
	/* The id of a token without the token. */
	struct id16 id = bulk_id_of(&m.secret.token);
	memcpy(m.opening + PROTO_PREAMBLE_BYTES, id.b, sizeof(id.b));
	assert_int_equal(listen(&m), ERR_AUTH);
	/* In another session's name. */
	secret = m.secret;
	secret.h[0] ^= 1;
	bulk_dial_free(bulk_dial_new(&secret, &rng.rng, m.opening));
	assert_int_equal(listen(&m), ERR_AUTH);
	assert_nobody_is_in(&m);
	/* The right one, once. */
	bulk_dial_free(m.dial);
	m.dial = bulk_dial_new(&m.secret, &rng.rng, m.opening);
	assert_int_equal(listen(&m), ERR_OK);
	assert_int_equal(m.transfer, TRANSFER);
	bulk_keys_wipe(&m.listener);
	assert_int_equal(listen(&m), ERR_UNKNOWN);
	part(&m);

	meet(&m);
	clock_manual_advance(&clock_, (uint64_t)PROTO_BULK_TOKEN_S * 1000 * 1000);
	assert_int_equal(listen(&m), ERR_UNKNOWN);
	part(&m);

	meet(&m);
	bulk_tokens_drop_session(m.tokens, SESSION);
	assert_int_equal(listen(&m), ERR_UNKNOWN);
	assert_nobody_is_in(&m);
	part(&m);
}

/* An id that nobody knows is refused before a key is made: the rng is not asked. */
static void never(void *ctx, void *out, size_t n)
{
	(void)ctx;
	(void)out;
	fail_msg("%zu random bytes for a stranger", n);
}

static void M8_an_unknown_id_costs_no_arithmetic(void **state)
{
	static const struct rng none = {.fill = never};
	struct bulk_tokens *tokens = bulk_tokens_new(&clock_.clock, &none);
	struct meeting m;

	(void)state;
	meet(&m);
	struct id16 id = bulk_opening_id(slice_of(m.opening, BULK_OPENING_BYTES));
	assert_true(bulk_tokens_has(m.tokens, &id));
	assert_false(bulk_tokens_has(tokens, &id));
	assert_int_equal(bulk_tokens_answer(tokens,
					    slice_of(m.opening, BULK_OPENING_BYTES),
					    m.answer, &m.listener, &m.transfer),
			 ERR_UNKNOWN);
	bulk_tokens_free(tokens);
	part(&m);
}

/* -------------------------------------------------------------------- records */

enum { N_RECORDS = 20 };

/* The first records of a transfer, as they cross the wire. */
static struct frame {
	uint8_t p[BULK_FRAME_MAX_BYTES];
	size_t n;
} frames[N_RECORDS];

static struct bulk *sender;

static void put(size_t at, struct bulk_record r)
{
	assert_int_equal(
		bulk_send(sender, &r, frames[at].p, sizeof(frames[at].p), &frames[at].n),
		ERR_OK);
}

static struct bulk *end_of(uint64_t seed, bool is_dialler)
{
	struct bulk_keys keys[2];
	struct bulk_start start = folder;

	bulk_pair_keys(seed, keys);
	start.is_sender = is_dialler;
	bulk_keys_wipe(&keys[is_dialler]);
	return bulk_new(&keys[!is_dialler], &start);
}

static void record_transfer(uint64_t seed)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	size_t at = 0;

	sender = end_of(seed, true);
	put(at++, bulk_of_directory("dir"));
	for (size_t i = 0; i < 6; i++) {
		put(at++, bulk_of_entry(names[i], 60 + i));
		put(at++, bulk_of_bytes(40));
		put(at++, i % 2 == 0 ? bulk_of_hole(20 + i) : bulk_of_bytes(20 + i));
	}
	put(at++, bulk_of_end(7, 6 * 60 + 15));
	assert_int_equal(at, N_RECORDS);
	bulk_free(sender);
}

/* A receiver that has taken the first n of them. */
static struct bulk *receiver_at(uint64_t seed, size_t n)
{
	struct bulk *b = end_of(seed, false);
	static uint8_t in[BULK_FRAME_MAX_BYTES];
	struct bulk_record r;
	size_t used;

	for (size_t i = 0; i < n; i++) {
		memcpy(in, frames[i].p, frames[i].n);
		assert_int_equal(bulk_next(b, in, frames[i].n, &r, &used), ERR_OK);
		assert_int_equal(used, frames[i].n);
	}
	return b;
}

static enum err hear(struct bulk *b, const struct frame *f)
{
	static uint8_t in[BULK_FRAME_MAX_BYTES];
	struct bulk_record r;
	size_t used;

	memcpy(in, f->p, f->n);
	return bulk_next(b, in, f->n, &r, &used);
}

/* The bit that makes a length longer is waited for, as by anybody; then it does not
 * open. All others are seen at once. */
static enum err hear_flipped(struct bulk *b, const struct frame *f, size_t bit)
{
	static uint8_t in[2 * BULK_FRAME_MAX_BYTES];
	struct bulk_record r;
	size_t used;

	memset(in, 0, sizeof(in));
	memcpy(in, f->p, f->n);
	in[bit / 8] ^= (uint8_t)(1 << bit % 8);
	enum err e = bulk_next(b, in, f->n, &r, &used);
	return e == ERR_WAIT && bit < 16 ? bulk_next(b, in, sizeof(in), &r, &used) : e;
}

static void F4_every_bit_of_the_first_records(void **state)
{
	(void)state;
	record_transfer(3);
	for (size_t at = 0; at < N_RECORDS; at++) {
		for (size_t bit = 0; bit < 8 * frames[at].n; bit++) {
			/* Every bit of the first few, of the others one of each byte. */
			if (at > 3 && bit % 8 != at % 8)
				continue;
			struct bulk *b = receiver_at(3, at);
			enum err e = hear_flipped(b, &frames[at], bit);
			assert_true(e == ERR_AUTH || (e == ERR_PROTO && bit < 16));
			/* The right one comes too late. */
			assert_int_equal(hear(b, &frames[at]), e);
			assert_int_not_equal(bulk_eof(b), ERR_OK);
			bulk_free(b);
		}
	}
}

static void A4_records_cut_at_every_offset(void **state)
{
	(void)state;
	record_transfer(4);
	for (size_t at = 0; at < N_RECORDS; at++) {
		struct bulk *b = receiver_at(4, at);
		for (size_t n = 0; n < frames[at].n; n++) {
			struct frame cut = frames[at];
			cut.n = n;
			assert_int_equal(hear(b, &cut), ERR_WAIT);
			assert_int_equal(bulk_eof(b), ERR_TRUNCATED);
		}
		assert_int_equal(hear(b, &frames[at]), ERR_OK);
		assert_int_equal(bulk_eof(b),
				 at + 1 == N_RECORDS ? ERR_OK : ERR_TRUNCATED);
		bulk_free(b);
	}
}

static void A5_records_replayed(void **state)
{
	(void)state;
	record_transfer(5);
	for (size_t at = 1; at < N_RECORDS; at++) {
		for (size_t old = 0; old < at; old++) {
			struct bulk *b = receiver_at(5, at);
			assert_int_equal(hear(b, &frames[old]), ERR_AUTH);
			bulk_free(b);
		}
	}
	/* Into another connection; and back to who sent it. */
	struct bulk *b = end_of(6, false);
	assert_int_equal(hear(b, &frames[0]), ERR_AUTH);
	bulk_free(b);
	b = end_of(5, true);
	assert_int_equal(hear(b, &frames[0]), ERR_AUTH);
	bulk_free(b);
}

static void A6_records_left_out_or_exchanged(void **state)
{
	(void)state;
	record_transfer(7);
	for (size_t at = 0; at + 1 < N_RECORDS; at++) {
		struct bulk *b = receiver_at(7, at);
		assert_int_equal(hear(b, &frames[at + 1]), ERR_AUTH);
		assert_int_equal(hear(b, &frames[at]), ERR_AUTH);
		bulk_free(b);
	}
}

/* -------------------------------------------------------------------- promises */

static struct bulk_pair pair;

/* From a sender that has the keys and no manners. */
static void F3_lies_about_sizes(void **state)
{
	const struct {
		struct bulk_record first, second;
	} lies[] = {
		{bulk_of_entry("a", 1024), bulk_of_bytes(1025)},
		{bulk_of_entry("a", 1024), bulk_of_hole(1025)},
		{bulk_of_entry("a", 1024), bulk_of_hole(PROTO_NUMBER_MAX)},
		{bulk_of_entry("a", 1024), bulk_of_end(1, 1024)},
		{bulk_of_entry("a", 1024), bulk_of_entry("b", 1)},
		{bulk_of_entry("a", 0), bulk_of_bytes(1)},
		{bulk_of_entry("a", 0), bulk_of_end(1, 1)},
		{bulk_of_entry("a", 0), bulk_of_end(2, 0)},
		{bulk_of_entry("a", 0), bulk_of_end(0, 0)},
		{bulk_of_directory("a"), bulk_of_bytes(1)},
		{bulk_of_bytes(0), bulk_of_end(1, 0)},
		{bulk_of_bytes(0), bulk_of_bytes(1)},
		{bulk_of_entry("a", 1), bulk_of_durable(0, 0)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		bulk_pair_init(&pair, 1, &folder);
		assert_int_equal(bulk_pair_force(&pair, true, &lies[i].first), ERR_OK);
		assert_int_equal(bulk_pair_force(&pair, true, &lies[i].second),
				 ERR_PROTO);
		assert_int_equal(bulk_eof(pair.receiver), ERR_PROTO);
		bulk_pair_wipe(&pair);
	}
}

/* A size that no file has is no ENTRY; 2^63 and the like. */
static void F3_sizes_beyond_all_numbers(void **state)
{
	static const uint64_t sizes[] = {PROTO_NUMBER_MAX + 1, UINT64_C(1) << 63,
					 UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t entry[] = {BULK_ENTRY, 0x85, 0, 0xa1, 'a', 1, 0, 2, 0xcf, 0, 0,
				   0,	       0,    0, 0,    0,   0, 3, 0, 4,	  0};
		for (unsigned k = 0; k < 8; k++)
			entry[9 + k] = (uint8_t)(sizes[i] >> (56 - 8 * k));
		bulk_pair_init(&pair, 1, &folder);
		assert_int_equal(bulk_pair_raw(&pair, slice_of(entry, sizeof(entry))),
				 ERR_PROTO);
		bulk_pair_wipe(&pair);
	}
}

static void F3_a_receiver_that_claims_more_than_it_was_sent(void **state)
{
	struct bulk_record e = bulk_of_entry("a", 10), d = bulk_of_durable(1, 0);

	(void)state;
	bulk_pair_init(&pair, 1, &folder);
	assert_int_equal(bulk_pair_forth(&pair, &e), ERR_OK);
	assert_int_equal(bulk_pair_force(&pair, false, &d), ERR_PROTO);
	bulk_pair_wipe(&pair);
}

/* Records of every type, well sealed, with anything in them: none gets further than its
 * place in the order. */
static void M8_every_type_in_every_state(void **state)
{
	static const char *const before[] = {"", "d", "e", "eb", "ebf"};

	(void)state;
	for (size_t at = 0; at < sizeof(before) / sizeof(*before); at++) {
		for (unsigned type = 0; type < 256; type++) {
			uint8_t plain[] = {(uint8_t)type, 0, 0};
			bulk_pair_init(&pair, 1, &folder);
			for (const char *c = before[at]; *c != '\0'; c++) {
				struct bulk_record r = *c == 'd' ? bulk_of_directory("d")
						       : *c == 'e' ? bulk_of_entry("e", 2)
						       : *c == 'b' ? bulk_of_bytes(2)
								   : bulk_of_end(1, 2);
				assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
			}
			bool is_taken = type == BULK_BYTES && at == 2;
			assert_int_equal(
				bulk_pair_raw(&pair, slice_of(plain, sizeof(plain))),
				is_taken ? ERR_OK : ERR_PROTO);
			bulk_pair_wipe(&pair);
		}
	}
}

static void M1_maps_that_claim_huge_sizes(void **state)
{
	static const struct {
		uint8_t p[8];
		size_t n;
	} bombs[] = {
		{{0xdf, 0x0f, 0xff, 0xff, 0xff}, 5},
		{{0xde, 0xff, 0xff}, 3},
		{{0x81, 0, 0xdb, 0xff, 0xff, 0xff, 0xff}, 7},
		{{0x81, 0, 0xc6, 0xff, 0xff, 0xff, 0xff}, 7},
		{{0x81, 9, 0xdd, 0xff, 0xff, 0xff, 0xff}, 7},
		{{0x81, 9, 0x91, 0x91, 0x91, 0x91, 0x90}, 7},
	};
	static const uint8_t types[] = {BULK_ENTRY, BULK_END, BULK_STOP};

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		for (size_t t = 0; t < sizeof(types); t++) {
			uint8_t plain[9] = {types[t]};
			memcpy(plain + 1, bombs[i].p, bombs[i].n);
			bulk_pair_init(&pair, 1, &folder);
			assert_int_equal(
				bulk_pair_raw(&pair, slice_of(plain, 1 + bombs[i].n)),
				ERR_PROTO);
			bulk_pair_wipe(&pair);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(A3_every_bit_of_the_opening),
		cmocka_unit_test(A3_every_bit_of_the_answer),
		cmocka_unit_test(A4_the_handshake_cut_or_longer),
		cmocka_unit_test(A5_an_opening_replayed),
		cmocka_unit_test(A5_an_opening_overtaken_brings_no_keys),
		cmocka_unit_test(M8_unknown_used_expired_and_foreign_tokens),
		cmocka_unit_test(M8_an_unknown_id_costs_no_arithmetic),
		cmocka_unit_test(F4_every_bit_of_the_first_records),
		cmocka_unit_test(A4_records_cut_at_every_offset),
		cmocka_unit_test(A5_records_replayed),
		cmocka_unit_test(A6_records_left_out_or_exchanged),
		cmocka_unit_test(F3_lies_about_sizes),
		cmocka_unit_test(F3_sizes_beyond_all_numbers),
		cmocka_unit_test(F3_a_receiver_that_claims_more_than_it_was_sent),
		cmocka_unit_test(M8_every_type_in_every_state),
		cmocka_unit_test(M1_maps_that_claim_huge_sizes),
	};

	secret_init();
	rng_seeded_init(&rng, 11);
	clock_manual_init(&clock_);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
