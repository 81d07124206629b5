/*
 * The channel against somebody in the middle, who holds every byte that crossed and
 * may change, cut, repeat or reorder it. Trials A3 to A6.
 *
 * With its random numbers fixed a session repeats to the byte; so it is recorded once
 * and then played, changed, to one end at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/chan_pair.h"

enum {
	RECORDS = 20, /* in each direction */
	PART_MSG1 = 0, /* with the preamble */
	PART_MSG2 = 1,
	PART_MSG3 = 2,
	PART_A = 3, /* records from a */
	PART_B = PART_A + RECORDS, /* records from b */
	PARTS = PART_B + RECORDS
};

static struct chan_pair pair;
static struct chan_pool *pool; /* only so that it is over sooner */
static struct rng_seeded rngs[2];
static struct buf tape[PARTS];

/* New channels whose random numbers are those of the last time, or of another. */
static void dial_again(uint64_t seed)
{
	rng_seeded_init(&rngs[0], seed);
	rng_seeded_init(&rngs[1], seed + 1);
	pair.a.cfg.rng = &rngs[0].rng;
	pair.b.cfg.rng = &rngs[1].rng;
	pair_dial(&pair);
}

static struct slice part(unsigned i)
{
	return buf_slice(&tape[i]);
}

static void record_text(struct chan_end *from, struct chan_end *to, struct buf *out,
			unsigned i)
{
	char text[] = "text number  0";

	text[12] = (char)('a' + i);
	end_send(from, KIND_MSG, text);
	end_take(from, out);
	assert_int_equal(end_feed(to, buf_slice(out)), ERR_WAIT);
}

static int setup(void **state)
{
	(void)state;
	pair_init(&pair, 3);
	pool = chan_pool_new(4);
	pair.a.cfg.pool = pair.b.cfg.pool = pool;
	for (unsigned i = 0; i < PARTS; i++)
		buf_init(&tape[i], 2000);
	dial_again(10);
	for (unsigned i = 0; i < 3; i++) {
		struct chan_end *from = i == 1 ? &pair.b : &pair.a;
		end_take(from, &tape[i]);
		end_feed(i == 1 ? &pair.a : &pair.b, part(i));
	}
	for (unsigned i = 0; i < RECORDS; i++) {
		record_text(&pair.a, &pair.b, &tape[PART_A + i], i);
		record_text(&pair.b, &pair.a, &tape[PART_B + i], i);
	}
	assert_int_equal(pair.a.records, RECORDS);
	assert_int_equal(pair.b.records, RECORDS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_wipe(&pair);
	chan_pool_free(pool);
	for (unsigned i = 0; i < PARTS; i++)
		buf_wipe(&tape[i]);
	return 0;
}

/* The parts that an end hears, in order: the responder's two and records, or the
 * initiator's one and records. */
static unsigned heard_part(bool is_responder, unsigned i)
{
	if (!is_responder)
		return i == 0 ? PART_MSG2 : PART_B + i - 1;
	return i == 0 ? PART_MSG1 : i == 1 ? PART_MSG3 : PART_A + i - 2;
}

static unsigned hears(bool is_responder)
{
	return RECORDS + (is_responder ? 2 : 1);
}

/* A fresh end that has heard the first n parts as they were. */
static struct chan_end *end_after(bool is_responder, unsigned n)
{
	struct chan_end *e = is_responder ? &pair.b : &pair.a;

	dial_again(10);
	chan_drop(pair.a.chan, chan_out(pair.a.chan).n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(end_feed(e, part(heard_part(is_responder, i))),
				 ERR_WAIT);
	chan_drop(e->chan, chan_out(e->chan).n);
	return e;
}

/* Plays the rest; nothing of it may be taken for good. What still waits for the end
 * of a long frame gets one. */
static void assert_dead(struct chan_end *e, bool is_responder, unsigned next)
{
	static const uint8_t filler[PROTO_FRAME_MAX_BYTES];
	unsigned records = e->records, ups = e->ups;

	for (unsigned i = next; i < hears(is_responder) && e->err == ERR_WAIT; i++)
		end_feed(e, part(heard_part(is_responder, i)));
	if (e->err == ERR_WAIT)
		end_feed(e, slice_of(filler, sizeof(filler)));
	assert_int_equal(e->records, records);
	assert_int_equal(e->ups, ups);
	assert_int_not_equal(e->err, ERR_WAIT);
	assert_int_equal(chan_out(e->chan).n, 0);
	assert_false(chan_is_up(e->chan));
}

/* ----------------------------------------------------------- A3: byte flip */

/* A changed length may only be found out by what follows; so the rest is played. */
static void flip(bool is_responder, unsigned n, size_t bit)
{
	struct chan_end *e = end_after(is_responder, n);
	struct slice s = part(heard_part(is_responder, n));
	uint8_t *copy = mem_dup(s.p, s.n);
	unsigned records = e->records;

	copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
	end_feed(e, slice_of(copy, s.n));
	mem_free(copy);
	assert_int_equal(e->records, records);
	if (e->err == ERR_VERSION)
		chan_drop(e->chan, chan_out(e->chan).n);
	assert_dead(e, is_responder, n + 1);
}

static void A3_byte_flip_preamble(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * (PROTO_PREAMBLE_BYTES + 2); bit++) {
		flip(true, 0, bit);
		assert_int_equal(pair.b.peers, 0);
	}
}

/* A responder cannot see it, but its answer is worth nothing to the initiator. */
static void A3_byte_flip_msg1(void **state)
{
	struct slice s = part(PART_MSG1);

	(void)state;
	for (size_t bit = 8 * (PROTO_PREAMBLE_BYTES + 2); bit < 8 * s.n; bit++) {
		uint8_t *copy = mem_dup(s.p, s.n);
		struct buf answer;
		copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
		dial_again(10);
		buf_init(&answer, 1000);
		end_feed(&pair.b, slice_of(copy, s.n));
		end_take(&pair.b, &answer);
		chan_drop(pair.a.chan, s.n);
		if (answer.len > 0) {
			end_feed(&pair.a, buf_slice(&answer));
			assert_int_equal(pair.a.err, ERR_AUTH);
		}
		assert_int_equal(pair.a.peers, 0);
		/* And nobody can go on for it. */
		assert_dead(&pair.b, true, 1);
		buf_wipe(&answer);
		mem_free(copy);
	}
}

static void A3_byte_flip_msg2(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * part(PART_MSG2).n; bit++) {
		flip(false, 0, bit);
		assert_int_equal(pair.a.peers, 0);
	}
}

static void A3_byte_flip_msg3(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * part(PART_MSG3).n; bit++) {
		flip(true, 1, bit);
		assert_int_equal(pair.b.peers, 0);
	}
}

/* Every byte of the first 20 records of each direction with one bit, another for
 * each byte, and every bit of both bytes of the length; in a soak, every bit. (Every
 * bit of the rest is turned in unit/test_records too, below the channel.) */
static void A3_byte_flip_records(void **state)
{
	const size_t step = getenv("P2PMSG_SOAK") != NULL ? 1 : 7;

	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = hears(side) - RECORDS; i < hears(side); i++) {
			size_t n = part(heard_part(side, i)).n;
			for (size_t bit = 0; bit < 8 * n; bit += bit < 15 ? 1 : step)
				flip(side, i, bit);
		}
	}
}

/* ----------------------------------------------------------- A4: truncation */

/* After every byte of the stream: whole messages have been taken, the rest waits,
 * and an end of the stream is a truncation. */
static void A4_truncated_anywhere(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		struct chan_end *e = end_after(side, 0);
		for (unsigned i = 0; i < hears(side); i++) {
			struct slice s = part(heard_part(side, i));
			unsigned before = e->peers + e->records;
			for (size_t k = 0; k < s.n; k++) {
				assert_int_equal(chan_eof(e->chan), ERR_TRUNCATED);
				assert_int_equal(e->peers + e->records, before);
				assert_int_equal(end_feed(e, slice_of(s.p + k, 1)),
						 ERR_WAIT);
			}
		}
		assert_int_equal(e->records, RECORDS);
		assert_int_equal(chan_eof(e->chan), ERR_TRUNCATED);
	}
}

static void A4_only_a_close_is_an_end(void **state)
{
	(void)state;
	end_after(true, hears(true));
	assert_int_equal(chan_eof(pair.b.chan), ERR_TRUNCATED);
	pair_connect(&pair);
	chan_close(pair.a.chan, CODE_OK, NULL);
	pair_run(&pair);
	assert_int_equal(chan_eof(pair.b.chan), ERR_OK);
}

/* One byte of any value between two messages. */
static void A4_extended_between_messages(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i < hears(side); i += i < 4 ? 1 : 7) {
			for (unsigned v = 0; v < 256; v += i == 0 ? 1 : 5) {
				struct chan_end *e = end_after(side, i);
				uint8_t extra = (uint8_t)v;
				/* The letter that every preamble begins with. */
				if (side && i == 0 && v == 'P')
					continue;
				end_feed(e, slice_of(&extra, 1));
				assert_dead(e, side, i);
			}
		}
	}
}

/* A message that is one byte longer or shorter, and says so. */
static void A4_resized_messages(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i < hears(side); i++) {
			struct slice s = part(heard_part(side, i));
			size_t skip = side && i == 0 ? PROTO_PREAMBLE_BYTES : 0;
			for (int by = -1; by <= 1; by += 2) {
				struct chan_end *e = end_after(side, i);
				size_t n = s.n - skip - 2 + (size_t)(ptrdiff_t)by;
				uint8_t *copy = mem_new(s.n + 1);
				memcpy(copy, s.p, s.n);
				copy[skip] = (uint8_t)(n >> 8);
				copy[skip + 1] = (uint8_t)n;
				end_feed(e, slice_of(copy, skip + 2 + n));
				assert_dead(e, side, i + 1);
				mem_free(copy);
			}
		}
	}
}

/* --------------------------------------------------------------- A5: replay */

/* All that a said in one session, said again by somebody to b. */
static void A5_replay_of_a_session(void **state)
{
	(void)state;
	dial_again(20);
	assert_int_equal(end_feed(&pair.b, part(PART_MSG1)), ERR_WAIT);
	/* It has to be answered, but proves nothing and holds nothing more. */
	assert_int_equal(chan_out(pair.b.chan).n, 610);
	assert_null(chan_peer(pair.b.chan));
	chan_drop(pair.b.chan, 610);
	assert_int_equal(end_feed(&pair.b, part(PART_MSG3)), ERR_AUTH);
	assert_int_equal(pair.b.peers, 0);
	assert_int_equal(chan_out(pair.b.chan).n, 0);
	/* And all that b said, to a. */
	dial_again(20);
	assert_int_equal(end_feed(&pair.a, part(PART_MSG2)), ERR_AUTH);
	assert_int_equal(pair.a.peers, 0);
}

/* Records of one session in another one of the same two nodes. */
static void A5_replay_of_records_into_another_session(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RECORDS; i++) {
		dial_again(30);
		pair_run(&pair);
		assert_true(chan_is_up(pair.a.chan) && chan_is_up(pair.b.chan));
		assert_int_equal(end_feed(&pair.b, part(PART_A + i)), ERR_AUTH);
		assert_int_equal(end_feed(&pair.a, part(PART_B + i)), ERR_AUTH);
		assert_int_equal(pair.a.records + pair.b.records, 0);
	}
}

static void A5_replay_within_the_session(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned n = 1; n <= hears(side); n++) {
			for (unsigned old = 0; old < n; old++) {
				struct chan_end *e = end_after(side, n);
				unsigned records = e->records;
				end_feed(e, part(heard_part(side, old)));
				assert_int_equal(e->records, records);
				/* Taken for the length of a frame that never ends. */
				if (e->err != ERR_WAIT)
					continue;
				assert_dead(e, side, n);
			}
			n += n > 4 ? 5 : 0;
		}
	}
}

/* Everything an end said, back to itself. */
static void A5_reflection(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i < hears(!side); i++) {
			unsigned n = i < 2 ? 0 : hears(side) - RECORDS;
			struct chan_end *e = end_after(side, n);
			unsigned records = e->records;
			struct slice s = part(heard_part(!side, i));
			/* For a responder msg1 is what it waits for. */
			if (side && heard_part(!side, i) == PART_MSG1)
				continue;
			end_feed(e, s);
			assert_int_equal(e->records, records);
			assert_int_not_equal(e->err, ERR_WAIT);
			assert_int_equal(chan_out(e->chan).n, 0);
		}
	}
}

/* ---------------------------------------------------------------- A6: order */

static void assert_stops_at(struct chan_end *e, unsigned records)
{
	assert_int_equal(e->err, ERR_AUTH);
	assert_int_equal(e->records, records);
	assert_int_equal(chan_out(e->chan).n, 0);
}

static void A6_deleted(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		unsigned first = hears(side) - RECORDS;
		for (unsigned i = first; i + 1 < hears(side); i++) {
			struct chan_end *e = end_after(side, i);
			end_feed(e, part(heard_part(side, i + 1)));
			assert_stops_at(e, i - first);
		}
	}
}

static void A6_duplicated(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		unsigned first = hears(side) - RECORDS;
		for (unsigned i = first; i < hears(side); i++) {
			struct chan_end *e = end_after(side, i + 1);
			end_feed(e, part(heard_part(side, i)));
			assert_stops_at(e, i + 1 - first);
		}
	}
}

static void A6_reordered(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		unsigned first = hears(side) - RECORDS;
		for (unsigned i = first; i < hears(side); i++) {
			for (unsigned k = i + 1; k < hears(side); k += 4) {
				struct chan_end *e = end_after(side, i);
				end_feed(e, part(heard_part(side, k)));
				assert_stops_at(e, i - first);
				/* The right one comes too late. */
				end_feed(e, part(heard_part(side, i)));
				assert_stops_at(e, i - first);
			}
		}
	}
}

/* The tape is good: played as it was, everything arrives. */
static void the_tape_plays(void **state)
{
	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		struct chan_end *e = end_after(side, hears(side));
		assert_int_equal(e->records, RECORDS);
		assert_int_equal(e->peers, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tape_plays),
		cmocka_unit_test(A3_byte_flip_preamble),
		cmocka_unit_test(A3_byte_flip_msg1),
		cmocka_unit_test(A3_byte_flip_msg2),
		cmocka_unit_test(A3_byte_flip_msg3),
		cmocka_unit_test(A3_byte_flip_records),
		cmocka_unit_test(A4_truncated_anywhere),
		cmocka_unit_test(A4_only_a_close_is_an_end),
		cmocka_unit_test(A4_extended_between_messages),
		cmocka_unit_test(A4_resized_messages),
		cmocka_unit_test(A5_replay_of_a_session),
		cmocka_unit_test(A5_replay_of_records_into_another_session),
		cmocka_unit_test(A5_replay_within_the_session),
		cmocka_unit_test(A5_reflection),
		cmocka_unit_test(A6_deleted),
		cmocka_unit_test(A6_duplicated),
		cmocka_unit_test(A6_reordered),
	};

	return cmocka_run_group_tests_name("channel", tests, setup, teardown);
}
