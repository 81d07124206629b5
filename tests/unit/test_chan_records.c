/*
 * chan, once it is up: kinds of records, CLOSE and REKEY, between two ends and between
 * an end and a peer that obeys nothing.
 */
#include "wire/chan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/chan_pair.h"
#include "lib/raw_peer.h"

static struct chan_pair pair;

static int setup(void **state)
{
	(void)state;
	pair_init(&pair, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pair_wipe(&pair);
	return 0;
}

static void records_flow_both_ways(void **state)
{
	static const char *const to_b[] = {"hello", "again"}, *const to_a[] = {"hi"};

	(void)state;
	pair_connect(&pair);
	end_send(&pair.a, KIND_MSG, "hello");
	end_send(&pair.a, KIND_MSG, "again");
	end_send(&pair.b, KIND_MSG, "hi");
	pair_run(&pair);
	end_assert_got(&pair.b, KIND_MSG, to_b, 2);
	end_assert_got(&pair.a, KIND_MSG, to_a, 1);
}

static void payloads_of_all_sizes_come_through(void **state)
{
	uint8_t *payload = mem_new(PROTO_PAYLOAD_MAX_BYTES + 1);
	size_t total = 0;
	unsigned n = 0;

	(void)state;
	pair_connect(&pair);
	for (size_t i = 0; i < PROTO_PAYLOAD_MAX_BYTES; i++)
		payload[i] = (uint8_t)(i * 7);
	for (size_t size = 1; size <= PROTO_PAYLOAD_MAX_BYTES;
	     size += size / 3 + 1, n++) {
		assert_int_equal(
			chan_send(pair.a.chan, KIND_MSG, 0, slice_of(payload, size)),
			ERR_OK);
		total += 3 + size;
	}
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0,
				   slice_of(payload, PROTO_PAYLOAD_MAX_BYTES)),
			 ERR_OK);
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0,
				   slice_of(payload, PROTO_PAYLOAD_MAX_BYTES + 1)),
			 ERR_RANGE);
	pair_run(&pair);
	assert_int_equal(pair.b.records, n + 1);
	assert_int_equal(pair.b.got.len, total + 3 + PROTO_PAYLOAD_MAX_BYTES);
	assert_memory_equal(buf_slice(&pair.b.got).p + total + 3, payload,
			    PROTO_PAYLOAD_MAX_BYTES);
	mem_free(payload);
}

static void frames_have_only_the_sizes_of_the_set(void **state)
{
	(void)state;
	pair_connect(&pair);
	for (size_t n = 1; n <= PROTO_PAYLOAD_MAX_BYTES; n = n * 2 + 1) {
		uint8_t *payload = mem_new(n);
		size_t wire;
		assert_int_equal(
			chan_send(pair.a.chan, KIND_MSG, 0, slice_of(payload, n)),
			ERR_OK);
		wire = chan_out(pair.a.chan).n - 2 - PROTO_TAG_BYTES;
		assert_true(wire >= 64 && (wire & (wire - 1)) == 0 && wire >= n + 4);
		chan_drop(pair.a.chan, chan_out(pair.a.chan).n);
		mem_free(payload);
	}
}

static void pings_are_the_owners_business(void **state)
{
	static const char *const eight[] = {"12345678"};

	(void)state;
	pair_connect(&pair);
	end_send(&pair.a, KIND_PING, "12345678");
	pair_run(&pair);
	end_assert_got(&pair.b, KIND_PING, eight, 1);
	assert_int_equal(chan_out(pair.b.chan).n, 0);
	end_send(&pair.b, KIND_PONG, "12345678");
	pair_run(&pair);
	end_assert_got(&pair.a, KIND_PONG, eight, 1);
}

static void only_sound_records_may_be_sent(void **state)
{
	(void)state;
	pair_dial(&pair);
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0, slice_str("x")), ERR_BUG);
	pair_connect(&pair);
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 1, slice_str("x")), ERR_RANGE);
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0, slice_str("")), ERR_RANGE);
	assert_int_equal(chan_send(pair.a.chan, KIND_PING, 0, slice_str("1234567")),
			 ERR_RANGE);
	assert_int_equal(chan_send(pair.a.chan, KIND_REKEY, 0, slice_str("x")),
			 ERR_RANGE);
	assert_int_equal(chan_send(pair.a.chan, KIND_CLOSE, 0, slice_str("xx")), ERR_BUG);
	assert_int_equal(chan_send(pair.a.chan, 0, 0, slice_str("x")), ERR_RANGE);
	assert_int_equal(chan_send(pair.a.chan, 7, 0, slice_str("x")), ERR_RANGE);
	assert_int_equal(chan_send(pair.a.chan, 0x80, 0, slice_str("x")), ERR_RANGE);
	assert_int_equal(chan_out(pair.a.chan).n, 0);
}

/* What a responder of ours answers to a record of an authenticated peer. */
static enum err answer_to(uint8_t kind, uint8_t flags, struct slice payload)
{
	struct raw_peer r;
	enum err e;

	end_reset(&pair.b);
	pair.b.chan = chan_listen_new(&pair.b.cfg);
	raw_init(&r, true, pair.a.id, NULL, &pair.rng.rng);
	assert_int_equal(raw_shake(&r, &pair.b), ERR_WAIT);
	assert_int_equal(pair.b.ups, 1);
	e = raw_say(&r, &pair.b, kind, flags, payload);
	/* Nothing is ever answered to a breach. */
	if (e != ERR_WAIT)
		assert_int_equal(chan_out(pair.b.chan).n, 0);
	return e;
}

static void kinds_are_known_ignored_or_refused(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		bool carries = kind == KIND_CTRL || kind == KIND_MSG ||
			       kind == KIND_PING || kind == KIND_PONG;
		bool is_good = carries || kind >= 0x80 || kind == KIND_CLOSE;
		enum err e = answer_to((uint8_t)kind, 0, slice_str("12345678"));
		assert_int_equal(e, is_good ? ERR_WAIT : ERR_PROTO);
		assert_int_equal(pair.b.records, carries);
		assert_int_equal(pair.b.closes, kind == KIND_CLOSE);
	}
	assert_int_equal(answer_to(KIND_REKEY, 0, slice_str("")), ERR_WAIT);
}

static void flags_are_refused_but_on_ignored_kinds(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 8; bit++) {
		uint8_t flags = (uint8_t)(1U << bit);
		for (uint8_t kind = KIND_CTRL; kind <= KIND_CLOSE; kind++)
			assert_int_equal(
				answer_to(
					kind, flags,
					slice_str(kind == KIND_REKEY ? "" : "12345678")),
				ERR_PROTO);
		assert_int_equal(answer_to(0x80, flags, slice_str("x")), ERR_WAIT);
	}
}

static void payloads_have_the_size_of_their_kind(void **state)
{
	static const struct {
		uint8_t kind;
		size_t n;
		enum err e;
	} v[] = {
		{KIND_CTRL, 0, ERR_PROTO},   {KIND_MSG, 0, ERR_PROTO},
		{KIND_PING, 7, ERR_PROTO},   {KIND_PING, 9, ERR_PROTO},
		{KIND_PING, 0, ERR_PROTO},   {KIND_PONG, 7, ERR_PROTO},
		{KIND_PONG, 9, ERR_PROTO},   {KIND_REKEY, 1, ERR_PROTO},
		{KIND_CLOSE, 0, ERR_PROTO},  {KIND_CLOSE, 1, ERR_PROTO},
		{KIND_CLOSE, 2, ERR_WAIT},   {KIND_CLOSE, 66, ERR_WAIT},
		{KIND_CLOSE, 67, ERR_PROTO}, {0x80, 0, ERR_WAIT},
		{0xff, 16380, ERR_WAIT},
	};
	static uint8_t payload[PROTO_PAYLOAD_MAX_BYTES];

	(void)state;
	memset(payload, 'x', sizeof(payload));
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		assert_int_equal(answer_to(v[i].kind, 0, slice_of(payload, v[i].n)),
				 v[i].e);
}

/* Sealed by the right key, and yet no record. */
static void a_plaintext_that_is_no_record_is_refused(void **state)
{
	static const struct {
		uint8_t head[4];
		size_t n;
		uint8_t last;
	} v[] = {
		{{KIND_MSG, 0, 0, 61}, 64, 0},	       {{KIND_MSG, 0, 0, 1}, 64, 1},
		{{KIND_MSG, 0, 0, 1}, 65, 0},	       {{KIND_MSG, 0, 0, 1}, 96, 0},
		{{KIND_MSG, 0, 0xff, 0xff}, 16384, 0},
	};
	static uint8_t plain[PROTO_RECORD_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct raw_peer r;
		struct buf b;
		end_reset(&pair.b);
		pair.b.chan = chan_listen_new(&pair.b.cfg);
		raw_init(&r, true, pair.a.id, NULL, &pair.rng.rng);
		raw_shake(&r, &pair.b);
		memset(plain, 0, sizeof(plain));
		memcpy(plain, v[i].head, 4);
		plain[v[i].n - 1] = v[i].last;
		buf_init(&b, 20000);
		raw_seal(&r, slice_of(plain, v[i].n), &b);
		assert_int_equal(end_feed(&pair.b, buf_slice(&b)), ERR_PROTO);
		assert_int_equal(pair.b.records, 0);
		buf_wipe(&b);
	}
}

static void a_close_is_told_and_ends_it(void **state)
{
	struct chan_event ev;
	struct slice out;
	size_t used;

	(void)state;
	pair_connect(&pair);
	assert_int_equal(chan_eof(pair.b.chan), ERR_TRUNCATED);
	chan_close(pair.a.chan, CODE_SHUTDOWN, "good \xc3\xa9vening");
	assert_false(chan_is_up(pair.a.chan));
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0, slice_str("x")), ERR_BUG);
	out = chan_out(pair.a.chan);
	chan_close(pair.a.chan, CODE_SHUTDOWN, "twice");
	assert_int_equal(chan_out(pair.a.chan).n, out.n);
	chan_feed(pair.b.chan, out, &used);
	assert_int_equal(used, out.n);
	assert_int_equal(chan_next(pair.b.chan, &ev), ERR_OK);
	assert_int_equal(ev.type, CHAN_CLOSED);
	assert_int_equal(ev.code, CODE_SHUTDOWN);
	assert_true(slice_eq(ev.reason, slice_str("good \xc3\xa9vening")));
	assert_int_equal(chan_next(pair.b.chan, &ev), ERR_WAIT);
	assert_false(chan_is_up(pair.b.chan));
	assert_int_equal(chan_send(pair.b.chan, KIND_MSG, 0, slice_str("x")), ERR_BUG);
	assert_int_equal(chan_eof(pair.a.chan), ERR_OK);
	assert_int_equal(chan_eof(pair.b.chan), ERR_OK);
}

static void what_follows_a_close_is_swallowed(void **state)
{
	uint8_t *junk = mem_new(1 << 20);
	size_t used;
	struct slice out;
	struct buf b;

	(void)state;
	pair_connect(&pair);
	chan_close(pair.a.chan, CODE_OK, NULL);
	out = chan_out(pair.a.chan);
	buf_init(&b, 2 << 20);
	buf_add(&b, out);
	buf_add(&b, slice_of(junk, 1 << 20));
	assert_int_equal(end_feed(&pair.b, buf_slice(&b)), ERR_WAIT);
	assert_int_equal(pair.b.closes, 1);
	assert_int_equal(pair.b.records, 0);
	assert_int_equal(chan_feed(pair.b.chan, slice_of(junk, 1 << 20), &used), ERR_OK);
	assert_int_equal(used, 1 << 20);
	buf_wipe(&b);
	mem_free(junk);
}

/* The one who said CLOSE still hears what was under way. */
static void records_still_come_after_our_close(void **state)
{
	static const char *const texts[] = {"late"};

	(void)state;
	pair_connect(&pair);
	chan_close(pair.a.chan, CODE_OK, NULL);
	end_send(&pair.b, KIND_MSG, "late");
	pair_run(&pair);
	end_assert_got(&pair.a, KIND_MSG, texts, 1);
	assert_int_equal(pair.b.closes, 1);
}

static void a_reason_is_cut_between_characters(void **state)
{
	struct chan_event ev;
	size_t used;

	(void)state;
	pair_connect(&pair);
	chan_close(pair.a.chan, 77,
		   "0123456789012345678901234567890123456789"
		   "01234567890123456789\xe2\x82\xac\xe2\x82\xac");
	chan_feed(pair.b.chan, chan_out(pair.a.chan), &used);
	assert_int_equal(chan_next(pair.b.chan, &ev), ERR_OK);
	assert_int_equal(ev.code, 77);
	assert_int_equal(ev.reason.n, 63);
	/* Of our own, what is not UTF-8 is not said at all. */
	pair_connect(&pair);
	chan_close(pair.a.chan, 77, "\xff");
	chan_feed(pair.b.chan, chan_out(pair.a.chan), &used);
	assert_int_equal(chan_next(pair.b.chan, &ev), ERR_OK);
	assert_int_equal(ev.reason.n, 0);
}

static void a_reason_that_is_not_utf8_is_refused(void **state)
{
	(void)state;
	assert_int_equal(answer_to(KIND_CLOSE, 0, slice_of("\0\1ok", 4)), ERR_WAIT);
	assert_int_equal(answer_to(KIND_CLOSE, 0, slice_of("\0\1\xff", 3)), ERR_PROTO);
	assert_int_equal(answer_to(KIND_CLOSE, 0, slice_of("\0\1a\0b", 5)), ERR_PROTO);
	assert_int_equal(pair.b.closes, 0);
}

struct rekey_count {
	unsigned out, in;
};

static void count_rekeys(void *ctx, const struct chan_trace *t)
{
	struct rekey_count *n = ctx;

	if (t->stage != CHAN_STAGE_RECORD || t->record.kind != KIND_REKEY)
		return;
	n->out += t->is_out;
	n->in += !t->is_out;
}

static void a_rekey_is_due_after_15_minutes(void **state)
{
	static const char *const texts[] = {"one", "two", "three"};
	struct rekey_count n = {0};

	(void)state;
	pair_connect(&pair);
	chan_trace_set(pair.a.chan, count_rekeys, &n);
	chan_trace_set(pair.b.chan, count_rekeys, &n);
	clock_manual_advance(&pair.clock, 15ULL * 60 * 1000 * 1000 - 1);
	end_send(&pair.a, KIND_MSG, "one");
	assert_int_equal(n.out, 0);
	clock_manual_advance(&pair.clock, 1);
	end_send(&pair.a, KIND_MSG, "two");
	assert_int_equal(n.out, 1);
	end_send(&pair.a, KIND_MSG, "three");
	assert_int_equal(n.out, 1);
	pair_run(&pair);
	assert_int_equal(n.in, 1);
	end_assert_got(&pair.b, KIND_MSG, texts, 3);
	/* The other direction has a key and a time of its own. */
	end_send(&pair.b, KIND_MSG, "back");
	assert_int_equal(n.out, 2);
	pair_run(&pair);
	assert_int_equal(pair.a.records, 1);
}

static void a_rekey_may_be_asked_for(void **state)
{
	(void)state;
	pair_connect(&pair);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(chan_send(pair.a.chan, KIND_REKEY, 0, slice_str("")),
				 ERR_OK);
		end_send(&pair.a, KIND_MSG, "x");
		end_send(&pair.b, KIND_MSG, "y");
		pair_run(&pair);
		assert_int_equal(pair.b.records, i + 1);
		assert_int_equal(pair.a.records, i + 1);
	}
}

static void a_channel_is_worn_after_a_day(void **state)
{
	const uint64_t day_us = 24ULL * 60 * 60 * 1000 * 1000;

	(void)state;
	pair_dial(&pair);
	assert_false(chan_is_worn(pair.a.chan));
	pair_connect(&pair);
	clock_manual_advance(&pair.clock, day_us - 1);
	assert_false(chan_is_worn(pair.a.chan));
	clock_manual_advance(&pair.clock, 1);
	assert_true(chan_is_worn(pair.a.chan));
	assert_true(chan_is_worn(pair.b.chan));
	/* It is only advice: records flow. */
	end_send(&pair.a, KIND_MSG, "x");
	pair_run(&pair);
	assert_int_equal(pair.b.records, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(records_flow_both_ways),
		T(payloads_of_all_sizes_come_through),
		T(frames_have_only_the_sizes_of_the_set),
		T(pings_are_the_owners_business),
		T(only_sound_records_may_be_sent),
		T(kinds_are_known_ignored_or_refused),
		T(flags_are_refused_but_on_ignored_kinds),
		T(payloads_have_the_size_of_their_kind),
		T(a_plaintext_that_is_no_record_is_refused),
		T(a_close_is_told_and_ends_it),
		T(what_follows_a_close_is_swallowed),
		T(records_still_come_after_our_close),
		T(a_reason_is_cut_between_characters),
		T(a_reason_that_is_not_utf8_is_refused),
		T(a_rekey_is_due_after_15_minutes),
		T(a_rekey_may_be_asked_for),
		T(a_channel_is_worn_after_a_day),
	};

	return cmocka_run_group_tests_name("chan_records", tests, NULL, NULL);
}
