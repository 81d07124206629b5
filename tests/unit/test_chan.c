/*
 * chan: from the first byte until records may flow, and what it keeps and shows.
 * What attackers do is in tests/trials/test_channel.c.
 */
#include "wire/chan.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/chan_pair.h"
#include "lib/raw_peer.h"
#include "lib/skip.h"
#include "wire/preamble.h"

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

static void both_ends_prove_and_come_up(void **state)
{
	const struct chan_peer *p;

	(void)state;
	pair_dial(&pair);
	assert_null(chan_peer(pair.a.chan));
	assert_null(chan_hash(pair.a.chan));
	assert_false(chan_is_up(pair.a.chan));
	pair_run(&pair);
	assert_int_equal(pair.a.peers, 1);
	assert_int_equal(pair.b.peers, 1);
	assert_int_equal(pair.a.ups, 1);
	assert_int_equal(pair.b.ups, 1);
	p = chan_peer(pair.a.chan);
	assert_true(id32_eq(&p->cert.node_id, identity_node_id(pair.b.id)));
	assert_memory_equal(p->cert.raw, identity_cert(pair.b.id)->raw, CERT_BYTES);
	assert_int_equal(p->boot.b[0], 2);
	assert_int_equal(p->caps, 2);
	assert_int_equal(p->minor, PROTO_MINOR);
	assert_int_equal(p->list_version, 1);
	assert_true(p->is_initiator);
	p = chan_peer(pair.b.chan);
	assert_true(id32_eq(&p->cert.node_id, identity_node_id(pair.a.id)));
	assert_int_equal(p->boot.b[0], 1);
	assert_false(p->is_initiator);
	assert_memory_equal(chan_hash(pair.a.chan), chan_hash(pair.b.chan),
			    CHAN_HASH_BYTES);
}

/* Byte counts of everything that crosses, in order. */
static void handshake_messages_have_their_exact_sizes(void **state)
{
	struct slice s;

	(void)state;
	pair_dial(&pair);
	s = chan_out(pair.a.chan);
	assert_int_equal(s.n, 12 + 2 + 32);
	assert_memory_equal(s.p, "P2PM\x01\x00\x00\x00\x00\x00\x00\x00\x00\x20", 14);
	assert_int_equal(end_feed(&pair.b, s), ERR_WAIT);
	chan_drop(pair.a.chan, s.n);
	s = chan_out(pair.b.chan);
	assert_int_equal(s.n, 2 + 608);
	assert_int_equal(s.p[0] << 8 | s.p[1], 608);
	/* Before it has decided, the initiator says nothing of itself. */
	pair.a.is_slow = true;
	assert_int_equal(end_feed(&pair.a, s), ERR_WAIT);
	chan_drop(pair.b.chan, s.n);
	assert_int_equal(pair.a.peers, 1);
	assert_int_equal(chan_out(pair.a.chan).n, 0);
	assert_int_equal(chan_accept(pair.a.chan), ERR_OK);
	assert_int_equal(chan_accept(pair.a.chan), ERR_BUG);
	s = chan_out(pair.a.chan);
	assert_int_equal(s.n, 2 + 576);
	assert_int_equal(s.p[0] << 8 | s.p[1], 576);
	assert_int_equal(end_feed(&pair.b, s), ERR_WAIT);
	assert_int_equal(pair.b.ups, 1);
	assert_int_equal(chan_out(pair.b.chan).n, 0);
}

static void a_byte_at_a_time_makes_no_difference(void **state)
{
	struct slice s;

	(void)state;
	pair_dial(&pair);
	for (unsigned turn = 0; turn < 3; turn++) {
		struct chan_end *from = turn == 1 ? &pair.b : &pair.a;
		struct chan_end *to = turn == 1 ? &pair.a : &pair.b;
		s = chan_out(from->chan);
		for (size_t i = 0; i < s.n; i++)
			assert_int_equal(end_feed(to, slice_of(s.p + i, 1)), ERR_WAIT);
		chan_drop(from->chan, s.n);
	}
	assert_true(chan_is_up(pair.a.chan) && chan_is_up(pair.b.chan));
}

/* msg3 and records in one read; the records wait until the owner has decided. */
static void records_right_behind_msg3_wait_for_the_decision(void **state)
{
	static const char *const texts[] = {"one", "two"};
	struct buf b;

	(void)state;
	pair_dial(&pair);
	buf_init(&b, 100000);
	end_take(&pair.a, &b);
	end_feed(&pair.b, buf_slice(&b));
	buf_clear(&b, 0);
	end_take(&pair.b, &b);
	end_feed(&pair.a, buf_slice(&b));
	buf_clear(&b, 0);
	end_send(&pair.a, KIND_MSG, "one");
	end_send(&pair.a, KIND_MSG, "two");
	end_take(&pair.a, &b);
	pair.b.is_slow = true;
	assert_int_equal(end_feed(&pair.b, buf_slice(&b)), ERR_WAIT);
	assert_int_equal(pair.b.records, 0);
	chan_accept(pair.b.chan);
	assert_int_equal(end_drain(&pair.b), ERR_WAIT);
	end_assert_got(&pair.b, KIND_MSG, texts, 2);
	buf_wipe(&b);
}

/* A stranger cannot fill memory: what is not a handshake message is not taken. */
static void little_is_taken_before_a_peer_is_accepted(void **state)
{
	uint8_t *flood = mem_new(1 << 20);
	struct slice first;
	size_t used, taken = 0;

	(void)state;
	pair_dial(&pair);
	first = chan_out(pair.a.chan);
	end_feed(&pair.b, first);
	chan_drop(pair.a.chan, first.n);
	pair_run(&pair);
	pair_dial(&pair);
	pair.b.is_slow = true;
	pair_run(&pair);
	assert_int_equal(pair.b.peers, 1);
	do {
		assert_int_equal(chan_feed(pair.b.chan, slice_of(flood, 1 << 20), &used),
				 ERR_OK);
		assert_int_equal(end_drain(&pair.b), ERR_WAIT);
		taken += used;
	} while (used > 0);
	assert_true(taken <= 1024);
	mem_free(flood);
}

static void another_node_than_the_target_is_refused_before_msg3(void **state)
{
	struct id32 other = *identity_node_id(pair.b.id);

	(void)state;
	other.b[31] ^= 1;
	pair_dial_target(&pair, &other);
	pair_run(&pair);
	assert_int_equal(pair.a.err, ERR_IDENTITY);
	assert_int_equal(pair.a.peers, 0);
	assert_int_equal(pair.b.peers, 0);
	pair_dial_target(&pair, NULL);
	pair_run(&pair);
	assert_true(chan_is_up(pair.a.chan));
}

static void a_responder_may_say_no(void **state)
{
	(void)state;
	pair.b.says_no = true;
	pair_dial(&pair);
	pair_run(&pair);
	assert_int_equal(pair.b.peers, 1);
	assert_int_equal(pair.b.ups, 0);
	assert_int_equal(chan_out(pair.b.chan).n, 0);
	assert_int_equal(pair.b.records, 0);
}

static void an_initiator_may_say_no_and_stays_unknown(void **state)
{
	(void)state;
	pair.a.says_no = true;
	pair_dial(&pair);
	pair_run(&pair);
	assert_int_equal(pair.a.peers, 1);
	assert_int_equal(pair.b.peers, 0);
	assert_null(chan_peer(pair.b.chan));
}

static void owners_devices_may_talk_to_each_other(void **state)
{
	struct identity *second = identity_new_device(pair.a.id, &pair.rng.rng);

	(void)state;
	identity_free(pair.b.id);
	pair.b.id = second;
	pair.b.cfg.self = second;
	pair_connect(&pair);
	assert_true(id32_eq(identity_node_id(pair.a.id), identity_node_id(second)));
	assert_int_equal(chan_peer(pair.a.chan)->list_version, 2);
}

static void a_wrong_byte_is_refused_when_it_comes(void **state)
{
	static const char magic[] = "P2PM";

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (unsigned b = 0; b < 256; b++) {
			uint8_t bytes[4];
			if (b == (uint8_t)magic[i])
				continue;
			memcpy(bytes, magic, 4);
			bytes[i] = (uint8_t)b;
			end_reset(&pair.b);
			pair.b.chan = chan_listen_new(&pair.b.cfg);
			if (i > 0)
				assert_int_equal(end_feed(&pair.b, slice_of(bytes, i)),
						 ERR_WAIT);
			assert_int_equal(end_feed(&pair.b, slice_of(bytes + i, 1)),
					 ERR_PROTO);
			assert_int_equal(chan_out(pair.b.chan).n, 0);
		}
	}
}

/* Each byte behind the letters, with each other value: major, pattern and
 * role are answered, the rest is not. */
static void other_versions_are_refused_with_an_answer(void **state)
{
	static const uint8_t answer[12] = {'P', '2', 'P', 'E', 1, 1, CODE_UNSUPPORTED};
	uint8_t preamble[PROTO_PREAMBLE_BYTES];

	(void)state;
	for (size_t i = 4; i < sizeof(preamble); i++) {
		for (unsigned flip = 1; flip < 256; flip++) {
			struct slice out;
			bool is_version = i <= 6;
			preamble_write(preamble);
			preamble[i] = (uint8_t)(preamble[i] ^ flip);
			end_reset(&pair.b);
			pair.b.chan = chan_listen_new(&pair.b.cfg);
			assert_int_equal(end_feed(&pair.b, slice_of(preamble, 11)),
					 ERR_WAIT);
			assert_int_equal(end_feed(&pair.b, slice_of(preamble + 11, 1)),
					 is_version ? ERR_VERSION : ERR_PROTO);
			out = chan_out(pair.b.chan);
			assert_int_equal(out.n, is_version ? 12 : 0);
			if (is_version)
				assert_memory_equal(out.p, answer, 12);
		}
	}
}

static void a_refusal_is_told_then_final(void **state)
{
	static const uint8_t refusal[] = {'P', '2', 'P', 'E', 2, 4, CODE_UNSUPPORTED,
					  0,   0,   0,	 0,   0};
	struct chan_event ev;
	size_t used;

	(void)state;
	pair_dial(&pair);
	for (size_t i = 0; i + 1 < sizeof(refusal); i++)
		assert_int_equal(end_feed(&pair.a, slice_of(refusal + i, 1)), ERR_WAIT);
	chan_feed(pair.a.chan, slice_of(refusal + 11, 1), &used);
	assert_int_equal(chan_next(pair.a.chan, &ev), ERR_OK);
	assert_int_equal(ev.type, CHAN_REFUSED);
	assert_int_equal(ev.code, CODE_UNSUPPORTED);
	assert_int_equal(ev.refused_min, 2);
	assert_int_equal(ev.refused_max, 4);
	assert_int_equal(chan_next(pair.a.chan, &ev), ERR_VERSION);
	assert_int_equal(chan_feed(pair.a.chan, slice_str("x"), &used), ERR_VERSION);
	assert_int_equal(chan_eof(pair.a.chan), ERR_TRUNCATED);
}

static void a_refusal_that_is_none_is_a_breach(void **state)
{
	static const uint8_t bad[][12] = {
		{'P', '2', 'P', 'M', 1, 1, 2},
		{'P', 'x'},
		{'P', '2', 'P', 'E', 2, 1, 2}, /* least above most */
		{'P', '2', 'P', 'E', 1, 2, 2, 1},
		{'P', '2', 'P', 'E', 1, 2, 2, 0, 0, 0, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		pair_dial(&pair);
		assert_int_equal(end_feed(&pair.a, slice_of(bad[i], 12)), ERR_PROTO);
		assert_int_equal(pair.a.refusals, 0);
	}
}

static void full_is_said_before_anything_is_taken(void **state)
{
	size_t n, room;

	(void)state;
	pair.a.cfg.out_max = 2 * PROTO_FRAME_MAX_BYTES;
	pair_connect(&pair);
	while (chan_send(pair.a.chan, KIND_MSG, 0, slice_str("hello")) == ERR_OK)
		;
	n = chan_out(pair.a.chan).n;
	assert_true(n <= pair.a.cfg.out_max);
	assert_true(n + 82 > pair.a.cfg.out_max);
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0, slice_str("hello")),
			 ERR_FULL);
	assert_int_equal(chan_out(pair.a.chan).n, n);
	/* A CLOSE always finds room, and a REKEY before it. */
	clock_manual_advance(&pair.clock, 16ULL * 60 * 1000 * 1000);
	chan_close(pair.a.chan, CODE_RATE, "0123456789012345678901234567890123456789");
	room = chan_out(pair.a.chan).n - n;
	assert_int_equal(room, 82 + 82);
	pair_run(&pair);
	assert_int_equal(pair.b.closes, 1);
	assert_int_equal(pair.b.records, n / 82);
}

static void the_largest_record_always_fits_an_empty_buffer(void **state)
{
	static uint8_t payload[PROTO_PAYLOAD_MAX_BYTES];

	(void)state;
	pair.a.cfg.out_max = 0;
	pair_connect(&pair);
	assert_int_equal(
		chan_send(pair.a.chan, KIND_MSG, 0, slice_of(payload, sizeof(payload))),
		ERR_OK);
	assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0, slice_str("x")), ERR_FULL);
	pair_run(&pair);
	assert_int_equal(pair.b.records, 1);
}

/* Allocations of the C library, for what an idle channel keeps. */
static size_t heap_in_use(void)
{
	return mallinfo2().uordblks;
}

static void an_idle_channel_is_small(void **state)
{
	size_t before, after;

	(void)state;
	pair_connect(&pair);
	end_reset(&pair.a);
	end_reset(&pair.b);
	before = heap_in_use();
	if (before == 0) {
		skip_because("the sanitizer's allocator does not count");
	}
	pair_connect(&pair);
	end_send(&pair.a, KIND_MSG, "hello");
	end_send(&pair.b, KIND_MSG, "hello");
	pair_run(&pair);
	buf_clear(&pair.a.got, 0);
	buf_clear(&pair.b.got, 0);
	after = heap_in_use();
	assert_true(after - before < 2 * 2048);
}

static void a_long_stream_is_taken_in_pieces(void **state)
{
	static uint8_t payload[1000];
	struct buf b;
	struct slice s;
	size_t used;

	(void)state;
	pair_connect(&pair);
	buf_init(&b, 4 << 20);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(chan_send(pair.a.chan, KIND_MSG, 0,
					   slice_of(payload, sizeof(payload))),
				 ERR_OK);
		end_take(&pair.a, &b);
	}
	s = buf_slice(&b);
	/* More than the buffer holds is not taken, and nothing is lost. */
	assert_int_equal(chan_feed(pair.b.chan, s, &used), ERR_OK);
	assert_true(used >= PROTO_FRAME_MAX_BYTES && used <= 65 * 1024 + 1024);
	s = slice_of(s.p + used, s.n - used);
	assert_int_equal(chan_feed(pair.b.chan, s, &used), ERR_OK);
	assert_int_equal(used, 0);
	assert_int_equal(end_drain(&pair.b), ERR_WAIT);
	assert_int_equal(end_feed(&pair.b, s), ERR_WAIT);
	assert_int_equal(pair.b.records, 1000);
	buf_wipe(&b);
}

struct seen {
	struct buf wire[2]; /* in, out */
	unsigned stages[3];
	struct buf records; /* kind and payload of each */
};

static void see(void *ctx, const struct chan_trace *t)
{
	struct seen *s = ctx;

	buf_add(&s->wire[t->is_out], t->wire);
	s->stages[t->stage]++;
	if (t->stage != CHAN_STAGE_RECORD)
		return;
	buf_u8(&s->records, t->record.kind);
	buf_add(&s->records, t->record.payload);
}

static void a_trace_shows_every_byte_that_crossed(void **state)
{
	struct seen a = {0}, b = {0};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		buf_init(&a.wire[i], 100000);
		buf_init(&b.wire[i], 100000);
	}
	buf_init(&a.records, 1000);
	buf_init(&b.records, 1000);
	pair_dial(&pair);
	chan_trace_set(pair.a.chan, see, &a);
	chan_trace_set(pair.b.chan, see, &b);
	pair_run(&pair);
	end_send(&pair.a, KIND_MSG, "hello");
	end_send(&pair.b, KIND_CTRL, "there");
	pair_run(&pair);
	for (unsigned i = 0; i < 2; i++)
		assert_true(slice_eq(buf_slice(&a.wire[i]), buf_slice(&b.wire[!i])));
	assert_int_equal(a.wire[1].len, 46 + 578 + 82);
	assert_int_equal(a.wire[0].len, 610 + 82);
	assert_int_equal(a.stages[CHAN_STAGE_PREAMBLE], 1);
	assert_int_equal(a.stages[CHAN_STAGE_HANDSHAKE], 3);
	assert_int_equal(a.stages[CHAN_STAGE_RECORD], 2);
	assert_memory_equal(buf_slice(&a.records).p, "\2hello\1there", 12);
	assert_memory_equal(buf_slice(&b.records).p, "\1there\2hello", 12);
	for (unsigned i = 0; i < 2; i++) {
		buf_wipe(&a.wire[i]);
		buf_wipe(&b.wire[i]);
	}
	buf_wipe(&a.records);
	buf_wipe(&b.records);
}

static void freeing_at_any_moment_is_fine(void **state)
{
	(void)state;
	chan_free(NULL);
	pair_dial(&pair);
	pair_dial(&pair);
	for (unsigned moves = 0; moves < 4; moves++) {
		struct chan_end *ends[] = {&pair.a, &pair.b};
		pair_dial(&pair);
		for (unsigned i = 0; i < moves; i++) {
			struct slice s = chan_out(ends[i % 2]->chan);
			end_feed(ends[(i + 1) % 2], s);
			chan_drop(ends[i % 2]->chan, s.n);
		}
		end_reset(&pair.a);
		end_reset(&pair.b);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_ends_prove_and_come_up),
		T(handshake_messages_have_their_exact_sizes),
		T(a_byte_at_a_time_makes_no_difference),
		T(records_right_behind_msg3_wait_for_the_decision),
		T(little_is_taken_before_a_peer_is_accepted),
		T(another_node_than_the_target_is_refused_before_msg3),
		T(a_responder_may_say_no),
		T(an_initiator_may_say_no_and_stays_unknown),
		T(owners_devices_may_talk_to_each_other),
		T(a_wrong_byte_is_refused_when_it_comes),
		T(other_versions_are_refused_with_an_answer),
		T(a_refusal_is_told_then_final),
		T(a_refusal_that_is_none_is_a_breach),
		T(full_is_said_before_anything_is_taken),
		T(the_largest_record_always_fits_an_empty_buffer),
		T(an_idle_channel_is_small),
		T(a_long_stream_is_taken_in_pieces),
		T(a_trace_shows_every_byte_that_crossed),
		T(freeing_at_any_moment_is_fine),
	};

	return cmocka_run_group_tests_name("chan", tests, NULL, NULL);
}
