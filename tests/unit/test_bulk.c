/*
 * bulk: what the two ends take from each other, and what they do not: the state machine
 * as a table of little stories, and each record at its edges.
 */
#include "wire/bulk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/bulk_pair.h"

static struct bulk_pair pair;

/* ----------------------------------------------------------------- stories */

/*
 * A story: letters with numbers, one record each.
 *   e<size> an ENTRY of the next path   a<size> that of the same path again
 *   d directory   x directory with the path of the one under way   s stream
 *   b<n> BYTES   h<n> HOLE   f<entries>,<bytes> END   q STOP
 *   D<entries>,<bytes> DURABLE   Q STOP of the receiver's
 * The last of them is the one in question.
 */
struct teller {
	char path[8];
	unsigned paths;
};

static const char *next_path(struct teller *t)
{
	t->path[0] = (char)('a' + t->paths++ % 26);
	return t->path;
}

static struct bulk_record record_of(struct teller *t, char letter, uint64_t x, uint64_t y)
{
	struct bulk_record none = {.type = (enum bulk_type)77};

	switch (letter) {
	case 'e':
		return bulk_of_entry(next_path(t), x);
	case 'a':
		return bulk_of_entry(t->path, x);
	case 'd':
		return bulk_of_directory(next_path(t));
	case 'x':
		return bulk_of_directory(t->path);
	case 's':
		return bulk_of_stream();
	case 'b':
		return bulk_of_bytes(x);
	case 'h':
		return bulk_of_hole(x);
	case 'f':
		return bulk_of_end(x, y);
	case 'D':
		return bulk_of_durable(x, y);
	case 'q':
	case 'Q':
		return bulk_of_stop(10);
	default:
		return none;
	}
}

static uint64_t number(const char **at)
{
	uint64_t v = 0;

	while (**at >= '0' && **at <= '9')
		v = 10 * v + (uint64_t)(*(*at)++ - '0');
	return v;
}

/* What the end that sends the last record of it says of that, ERR_BUG if it does not;
 * then the other end is made to hear it all the same, and must not take it. */
static enum err tell(const char *story, const struct bulk_start *start)
{
	struct teller t = {{0}, 0};
	enum err e = ERR_OK;

	bulk_pair_init(&pair, 3, start);
	for (const char *at = story; *at != '\0';) {
		char letter = *at++;
		if (letter == ' ')
			continue;
		assert_int_equal(e, ERR_OK);
		uint64_t x = number(&at), y = 0;
		if (*at == ',') {
			at++;
			y = number(&at);
		}
		struct bulk_record r = record_of(&t, letter, x, y);
		bool is_back = letter == 'D' || letter == 'Q';
		e = is_back ? bulk_pair_back(&pair, &r) : bulk_pair_forth(&pair, &r);
		if (e == ERR_BUG)
			assert_int_equal(bulk_pair_force(&pair, !is_back, &r), ERR_PROTO);
	}
	return e;
}

struct story {
	const char *text;
	bool is_good;
};

static const struct bulk_start folder = {.is_folder = true}, file;

static void check_stories(const struct story *v, size_t n, const struct bulk_start *start)
{
	for (size_t i = 0; i < n; i++) {
		enum err e = tell(v[i].text, start);
		if (e != (v[i].is_good ? ERR_OK : ERR_BUG))
			fail_msg("%s: %s", v[i].text, err_name(e));
		bulk_pair_wipe(&pair);
	}
}

#define CHECK(v, start) check_stories(v, sizeof(v) / sizeof(*(v)), start)

static void a_folder_is_a_row_of_entries(void **state)
{
	static const struct story v[] = {
		{"f0,0", true},
		{"f1,0", false},
		{"f0,1", false},
		{"d f1,0", true},
		{"d b1", false},
		{"d h1", false},
		{"d b0", true},
		{"b0", true},
		{"b1", false},
		{"h1", false},
		{"e0 f1,0", true},
		{"e1 f1,0", false},
		{"e1 f1,1", false},
		{"e1 b1 f1,1", true},
		{"e1 b1 b0 f1,1", true},
		{"e1 b2", false},
		{"e1 b1 b1", false},
		{"e5 b2 b3 f1,5", true},
		{"e5 b2 b3 f2,5", false},
		{"e5 b2 b3 f1,4", false},
		{"e5 b2 e1", false},
		{"e5 b2 d", false},
		{"e5 b5 e1 b1 d e2 b2 f4,8", true},
		{"e5 b5 d b1", false},
		{"e5 h5 f1,5", true},
		{"e5 h6", false},
		{"e5 b1 h3 b1 f1,5", true},
		{"e5 b1 h5", false},
		{"d x", false},
		{"s", false},
		{"d s", false},
	};

	(void)state;
	CHECK(v, &folder);
}

static void an_entry_may_be_sent_again_three_times(void **state)
{
	static const struct story v[] = {
		{"e5 b2 a5 b5 f1,5", true}, {"e5 b2 a3 b3 f1,3", true},
		{"e5 b5 a6 b6 f1,6", true}, {"e5 b5 a6 b5 f1,5", false},
		{"e5 b5 a6 b7", false},	    {"e5 a4 a3 a2 b2 f1,2", true},
		{"e5 a4 a3 a2 a1", false},  {"e5 a4 a3 a2 b2 e1 a1 a1 a1 b1 f2,3", true},
		{"e5 b5 x", false},	    {"d a5", false},
		{"e0 a0 f1,0", true},
	};

	(void)state;
	CHECK(v, &folder);
}

static void a_file_is_alone_and_sent_once(void **state)
{
	static const struct story v[] = {
		{"f0,0", false},	  {"e0 f1,0", true},   {"e3 b3 f1,3", true},
		{"e3 a3", false},	  {"e3 b3 e3", false}, {"e3 b3 d", false},
		{"e3 b3 f1,3 e3", false}, {"d f1,0", true},
	};

	(void)state;
	CHECK(v, &file);
}

static void a_stream_ends_with_its_end(void **state)
{
	static const struct story v[] = {
		{"s f1,0", true},	 {"s b5 b70 b1 f1,76", true},
		{"s b5 f1,4", false},	 {"s b5 h1", false},
		{"s b5 e1", false},	 {"s s", false},
		{"s b5 f1,5 b1", false},
	};

	(void)state;
	CHECK(v, &file);
}

static void after_the_end_there_are_only_signs_of_life(void **state)
{
	static const struct story v[] = {
		{"e1 b1 f1,1 b0", true},
		{"e1 b1 f1,1 b1", false},
		{"e1 b1 f1,1 e1", false},
		{"e1 b1 f1,1 f1,1", false},
		{"e1 b1 f1,1 h1", false},
		{"e1 b1 f1,1 q", true},
		{"q", true},
		{"q q", false},
		{"q b0", false},
		{"e1 q b1", false},
		{"q f0,0", false},
		{"q D0,0", true},
		{"Q", true},
		{"Q b0", true},
		{"Q Q", false},
		{"Q D0,0", false},
	};

	(void)state;
	CHECK(v, &folder);
}

static void durable_is_no_more_than_what_was_sent(void **state)
{
	static const struct story v[] = {
		{"D0,0", true},
		{"D0,0 D0,0", true},
		{"D0,1", false},
		{"D1,0", false},
		{"e5 D0,0", true},
		{"e5 b3 D0,3", true},
		{"e5 b3 D0,4", false},
		{"e5 b5 D0,5", true},
		{"e5 b5 D1,0", false},
		{"e5 b5 d D1,0", true},
		{"e5 b5 d D1,1", false},
		{"e5 b5 d D0,5", true},
		{"e5 b5 d D1,0 D0,5", false},
		{"e5 b5 f1,5 D1,0", true},
		{"e5 b5 f1,5 D1,1", false},
		{"e5 b5 f1,5 D2,0", false},
		/* What was under way when it began anew is no lie. */
		{"e5 b5 a5 b1 D0,5", true},
		{"e5 b5 a5 b1 D0,1 D0,5", true},
		{"e5 b5 a5 b1 D0,6", false},
		{"e5 h4 D0,4", true},
	};

	(void)state;
	CHECK(v, &folder);
}

static void a_transfer_goes_on_where_it_was_durable(void **state)
{
	static const struct bulk_start start = {
		.is_folder = true, .entries = 3, .entries_bytes = 100, .bytes = 10};
	static const struct story v[] = {
		{"e20 b10 f4,120", true},
		{"e20 b11", false},
		{"e10 f4,110", true},
		{"e9", false},
		{"d", false},
		{"s", false},
		{"f3,100", false},
		{"f3,110", false},
		{"f4,110", false},
		{"b1", false},
		{"b0 e20 b10 d f5,120", true},
		{"e20 b10 d f5,110", false},
		/* Begun anew, it begins at its beginning. */
		{"e20 b10 a20 b20 f4,120", true},
		{"e20 b10 a20 b10 f4,120", false},
		{"D3,10", true},
		{"D3,11", false},
		{"D2,0", false},
		{"D4,0", false},
		{"D3,0", true},
		{"e20 b5 D3,15", true},
		{"e20 b5 D3,16", false},
	};
	static const struct bulk_start all = {
		.is_folder = true, .entries = 3, .entries_bytes = 100};
	static const struct story v_all[] = {{"f3,100", true},
					     {"f3,0", false},
					     {"f3,100 D3,0", true},
					     {"e1 b1 f4,101", true}};
	static const struct bulk_start one = {.entries = 1, .entries_bytes = 7};
	static const struct story v_one[] = {{"f1,7", true}, {"e7", false}};

	(void)state;
	CHECK(v, &start);
	CHECK(v_all, &all);
	CHECK(v_one, &one);
}

/* Whatever our own end would not send, the other must not take: the same stories from an
 * end that obeys nothing. */
static void a_breach_of_the_other_side_is_final(void **state)
{
	static const uint8_t hole_at_once[] = {BULK_HOLE, 0, 0, 0, 0, 0, 0, 0, 1};
	static const uint8_t beat[] = {BULK_BYTES}, byte[] = {BULK_BYTES, 1};
	static const uint8_t durable[] = {BULK_DURABLE, 0x82, 0, 0, 1, 0};
	size_t used;

	(void)state;
	const struct slice bad[] = {slice_of(hole_at_once, sizeof(hole_at_once)),
				    slice_of(byte, sizeof(byte)),
				    slice_of(durable, sizeof(durable))};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		bulk_pair_init(&pair, 1, &folder);
		assert_int_equal(bulk_pair_raw(&pair, slice_of(beat, 1)), ERR_OK);
		assert_int_equal(bulk_pair_raw(&pair, bad[i]), ERR_PROTO);
		assert_int_equal(bulk_pair_raw(&pair, slice_of(beat, 1)), ERR_PROTO);
		assert_int_equal(bulk_next(pair.receiver, NULL, 0, &pair.got, &used),
				 ERR_PROTO);
		assert_int_equal(bulk_eof(pair.receiver), ERR_PROTO);
		bulk_pair_wipe(&pair);
	}
	/* Nothing that belongs to files comes back. */
	const struct slice back[] = {slice_of(beat, 1), bad[0], bad[1]};
	for (size_t i = 0; i < sizeof(back) / sizeof(*back); i++) {
		bulk_pair_init(&pair, 1, &folder);
		assert_int_equal(bulk_pair_raw_back(&pair, back[i]), ERR_PROTO);
		bulk_pair_wipe(&pair);
	}
}

static void each_side_sends_its_own_records(void **state)
{
	const struct bulk_record forth[] = {bulk_of_entry("a", 0), bulk_of_bytes(0),
					    bulk_of_end(0, 0), bulk_of_hole(1)};
	const struct bulk_record back = bulk_of_durable(0, 0);

	(void)state;
	bulk_pair_init(&pair, 1, &folder);
	for (size_t i = 0; i < sizeof(forth) / sizeof(*forth); i++)
		assert_int_equal(bulk_pair_back(&pair, &forth[i]), ERR_BUG);
	assert_int_equal(bulk_pair_forth(&pair, &back), ERR_BUG);
	/* Refused, nothing of it counts. */
	assert_int_equal(bulk_pair_forth(&pair, &forth[0]), ERR_OK);
	assert_int_equal(bulk_pair_back(&pair, &back), ERR_OK);
	bulk_pair_wipe(&pair);
}

static void the_sum_of_all_sizes_is_a_number(void **state)
{
	const uint64_t max = PROTO_NUMBER_MAX;
	struct bulk_start start = {.is_folder = true, .entries = 1, .entries_bytes = max};
	struct bulk_record r;

	(void)state;
	bulk_pair_init(&pair, 1, &start);
	r = bulk_of_entry("a", 1);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_BUG);
	r = bulk_of_entry("a", 0);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
	r = bulk_of_entry("b", 1);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_BUG);
	r = bulk_of_end(2, max);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
	bulk_pair_wipe(&pair);

	bulk_pair_init(&pair, 1, &folder);
	r = bulk_of_entry("a", max);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
	r = bulk_of_hole(max);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
	r = bulk_of_entry("b", 1);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_BUG);
	bulk_pair_wipe(&pair);
}

/* --------------------------------------------------------------------- end */

static void assert_eof(const char *story, enum err sender, enum err receiver)
{
	assert_int_equal(tell(story, &folder), ERR_OK);
	assert_int_equal(bulk_eof(pair.sender), sender);
	assert_int_equal(bulk_eof(pair.receiver), receiver);
	bulk_pair_wipe(&pair);
}

static void A4_an_end_without_END_is_a_truncation(void **state)
{
	(void)state;
	assert_eof("", ERR_TRUNCATED, ERR_TRUNCATED);
	assert_eof("e1 b1", ERR_TRUNCATED, ERR_TRUNCATED);
	assert_eof("e1 b1 f1,1", ERR_TRUNCATED, ERR_OK);
	assert_eof("e1 b1 f1,1 D0,0", ERR_TRUNCATED, ERR_OK);
	assert_eof("e1 b1 f1,1 D1,0", ERR_OK, ERR_OK);
	assert_eof("f0,0 D0,0", ERR_OK, ERR_OK);
	assert_eof("D0,0", ERR_TRUNCATED, ERR_TRUNCATED);
	assert_eof("e1 b1 q", ERR_OK, ERR_OK);
	assert_eof("e1 b1 Q", ERR_OK, ERR_OK);
}

static void both_ends_count_alike(void **state)
{
	(void)state;
	assert_int_equal(tell("d e5 b5 e9 b3 h2", &folder), ERR_OK);
	assert_int_equal(bulk_entries(pair.sender), 2);
	assert_int_equal(bulk_bytes(pair.sender), 5);
	assert_int_equal(bulk_entries(pair.receiver), 2);
	assert_int_equal(bulk_bytes(pair.receiver), 5);
	assert_false(bulk_has_ended(pair.receiver));
	bulk_pair_wipe(&pair);
	assert_int_equal(tell("d f1,0", &folder), ERR_OK);
	assert_true(bulk_has_ended(pair.receiver));
	assert_true(bulk_has_ended(pair.sender));
	bulk_pair_wipe(&pair);
}

static void what_begins_anew_is_said(void **state)
{
	(void)state;
	assert_int_equal(tell("e5", &folder), ERR_OK);
	assert_false(pair.got.is_again);
	bulk_pair_wipe(&pair);
	assert_int_equal(tell("e5 a5", &folder), ERR_OK);
	assert_true(pair.got.is_again);
	bulk_pair_wipe(&pair);
	assert_int_equal(tell("e5 a5 b5 e5", &folder), ERR_OK);
	assert_false(pair.got.is_again);
	bulk_pair_wipe(&pair);
}

/* ------------------------------------------------------------------ frames */

static void bytes_of_any_size_arrive(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 255, 65517, PROTO_BULK_BODY_BYTES};
	struct bulk_record s = bulk_of_stream(), r;

	(void)state;
	bulk_pair_init(&pair, 1, &file);
	assert_int_equal(bulk_pair_forth(&pair, &s), ERR_OK);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		r = bulk_of_bytes(sizes[i]);
		assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
		assert_int_equal(pair.frame_n, sizes[i] + BULK_OVERHEAD_BYTES);
		assert_int_equal(pair.got.type, BULK_BYTES);
		assert_true(slice_eq(pair.got.u.bytes, r.u.bytes));
		assert_true(sizes[i] == 0 ||
			    pair.got.u.bytes.p == pair.frame + BULK_HEAD_BYTES);
	}
	r = bulk_of_bytes(PROTO_BULK_BODY_BYTES + 1);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_RANGE);
	bulk_pair_wipe(&pair);
}

static void bytes_are_sealed_where_they_stand(void **state)
{
	struct bulk_record s = bulk_of_stream(), r = bulk_of_bytes(1000), in_place = r;
	static uint8_t frame[BULK_FRAME_MAX_BYTES];
	struct bulk_pair other;
	size_t n;

	(void)state;
	bulk_pair_init(&pair, 1, &file);
	bulk_pair_init(&other, 1, &file);
	assert_int_equal(bulk_pair_forth(&pair, &s), ERR_OK);
	assert_int_equal(bulk_pair_forth(&other, &s), ERR_OK);
	memcpy(frame + BULK_HEAD_BYTES, r.u.bytes.p, 1000);
	in_place.u.bytes = slice_of(frame + BULK_HEAD_BYTES, 1000);
	assert_int_equal(bulk_send(pair.sender, &in_place, frame, sizeof(frame), &n),
			 ERR_OK);
	assert_int_equal(
		bulk_send(other.sender, &r, other.frame, sizeof(other.frame), &n),
		ERR_OK);
	assert_memory_equal(frame, other.frame, n);
	bulk_pair_wipe(&pair);
	bulk_pair_wipe(&other);
}

static void without_room_nothing_happens(void **state)
{
	struct bulk_record r = bulk_of_entry("abc", 5), b = bulk_of_bytes(5);
	size_t whole, n;

	(void)state;
	bulk_pair_init(&pair, 1, &folder);
	assert_int_equal(bulk_send(pair.sender, &r, pair.frame, BULK_OVERHEAD_BYTES, &n),
			 ERR_FULL);
	assert_int_equal(n, 0);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
	whole = b.u.bytes.n + BULK_OVERHEAD_BYTES;
	assert_int_equal(bulk_send(pair.sender, &b, pair.frame, whole - 1, &n), ERR_FULL);
	assert_int_equal(bulk_bytes(pair.sender), 0);
	assert_int_equal(bulk_send(pair.sender, &b, pair.frame, whole, &n), ERR_OK);
	assert_int_equal(n, whole);
	bulk_pair_wipe(&pair);
}

static void small_records_are_small(void **state)
{
	const uint64_t max = PROTO_NUMBER_MAX;
	uint8_t digest[32] = {1}, text[64];
	struct bulk_record r = bulk_of_end(max, max);
	size_t n;

	(void)state;
	struct bulk_start start = {
		.is_folder = true, .entries = max, .entries_bytes = max};
	bulk_pair_init(&pair, 1, &start);
	r.u.end.has = MSG_HAS(2);
	r.u.end.digest = slice_of(digest, 32);
	assert_int_equal(
		bulk_send(pair.sender, &r, pair.frame, BULK_SMALL_FRAME_BYTES, &n),
		ERR_OK);
	r = bulk_of_durable(max, 0);
	assert_int_equal(
		bulk_send(pair.receiver, &r, pair.frame, BULK_SMALL_FRAME_BYTES, &n),
		ERR_OK);
	memset(text, 'x', sizeof(text));
	r = bulk_of_stop(65535);
	r.u.stop.text = slice_of(text, sizeof(text));
	assert_int_equal(
		bulk_send(pair.sender, &r, pair.frame, BULK_SMALL_FRAME_BYTES, &n),
		ERR_OK);
	bulk_pair_wipe(&pair);
}

static void a_part_of_a_frame_is_waited_for(void **state)
{
	struct bulk_record r = bulk_of_entry("abc", 5);
	size_t n, used;

	(void)state;
	bulk_pair_init(&pair, 1, &folder);
	assert_int_equal(bulk_send(pair.sender, &r, pair.frame, sizeof(pair.frame), &n),
			 ERR_OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(
			bulk_next(pair.receiver, pair.frame, i, &pair.got, &used),
			ERR_WAIT);
		assert_int_equal(used, 0);
	}
	/* What follows is not its own. */
	assert_int_equal(bulk_next(pair.receiver, pair.frame, sizeof(pair.frame),
				   &pair.got, &used),
			 ERR_OK);
	assert_int_equal(used, n);
	assert_true(slice_eq(pair.got.u.entry.path, slice_str("abc")));
	bulk_pair_wipe(&pair);
}

static void lengths_that_no_record_has_are_not_waited_for(void **state)
{
	static const uint8_t lengths[][2] = {{0, 0}, {0, 1}, {0, 15}, {0, 16}};
	uint8_t in[2];
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		bulk_pair_init(&pair, 1, &folder);
		memcpy(in, lengths[i], 2);
		assert_int_equal(bulk_next(pair.receiver, in, 2, &pair.got, &used),
				 ERR_PROTO);
		bulk_pair_wipe(&pair);
	}
}

static void our_own_fields_keep_to_their_rows(void **state)
{
	static char path[PROTO_BULK_PATH_BYTES + 2];
	struct bulk_record r;

	(void)state;
	bulk_pair_init(&pair, 1, &folder);
	memset(path, 'p', sizeof(path) - 1);
#define REFUSED(make, change) \
	do { \
		r = make; \
		change; \
		assert_int_equal(bulk_pair_forth(&pair, &r), ERR_RANGE); \
	} while (0)
	REFUSED(bulk_of_entry(path, 0), );
	REFUSED(bulk_of_entry("\xff", 0), );
	REFUSED(bulk_of_entry("a", PROTO_NUMBER_MAX + 1), );
	REFUSED(bulk_of_entry("a", 0), r.u.entry.mode = 2);
	REFUSED(bulk_of_entry("a", 0), r.u.entry.kind = 2);
	REFUSED(bulk_of_entry("a", 0), r.u.entry.kind = BULK_DIRECTORY);
	REFUSED(bulk_of_end(0, 0), r.u.end.has = MSG_HAS(2));
	REFUSED(bulk_of_stop(0), );
	REFUSED(bulk_of_stop(65536), );
	REFUSED(bulk_of_stop(1), r.u.stop.text = slice_of(path, 65));
	REFUSED(bulk_of_hole(0), );
	REFUSED(bulk_of_hole(PROTO_NUMBER_MAX + 1), );
	REFUSED(bulk_of_hole(1), r.type = (enum bulk_type)7);
	REFUSED(bulk_of_hole(1), r.type = (enum bulk_type)0);
#undef REFUSED
	path[PROTO_BULK_PATH_BYTES] = '\0';
	r = bulk_of_entry(path, 0);
	assert_int_equal(bulk_pair_forth(&pair, &r), ERR_OK);
	assert_int_equal(pair.got.u.entry.path.n, PROTO_BULK_PATH_BYTES);
	bulk_pair_wipe(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_is_a_row_of_entries),
		cmocka_unit_test(an_entry_may_be_sent_again_three_times),
		cmocka_unit_test(a_file_is_alone_and_sent_once),
		cmocka_unit_test(a_stream_ends_with_its_end),
		cmocka_unit_test(after_the_end_there_are_only_signs_of_life),
		cmocka_unit_test(durable_is_no_more_than_what_was_sent),
		cmocka_unit_test(a_transfer_goes_on_where_it_was_durable),
		cmocka_unit_test(a_breach_of_the_other_side_is_final),
		cmocka_unit_test(each_side_sends_its_own_records),
		cmocka_unit_test(the_sum_of_all_sizes_is_a_number),
		cmocka_unit_test(A4_an_end_without_END_is_a_truncation),
		cmocka_unit_test(both_ends_count_alike),
		cmocka_unit_test(what_begins_anew_is_said),
		cmocka_unit_test(bytes_of_any_size_arrive),
		cmocka_unit_test(bytes_are_sealed_where_they_stand),
		cmocka_unit_test(without_room_nothing_happens),
		cmocka_unit_test(small_records_are_small),
		cmocka_unit_test(a_part_of_a_frame_is_waited_for),
		cmocka_unit_test(lengths_that_no_record_has_are_not_waited_for),
		cmocka_unit_test(our_own_fields_keep_to_their_rows),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
