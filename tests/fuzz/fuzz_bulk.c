/*
 * Bulk connections on any bytes. The first byte chooses:
 *   'o'   an opening to a listener that has one token
 *   'a'   an answer to a dialler
 *   'r'   a stream into the side that receives the files, 'R' into the one that sends
 *   'p'   plaintexts (u16 length before each) that a sender of files seals with the right
 *         keys, 'P' likewise from the receiver
 *   's'   a script of records: what one end sends the other takes, and what it refuses
 *         to send the other refuses to take
 * Of 'p' and 's' the second byte says whether it is a folder.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "base/secret.h"
#include "lib/bulk_pair.h"
#include "wire/bulk_tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MUST(x) ((x) ? (void)0 : abort())

static struct bulk_pair pair;

static void start_pair(bool is_folder)
{
	const struct bulk_start start = {.is_folder = is_folder};

	bulk_pair_init(&pair, 7, &start);
}

/* ------------------------------------------------------------------ handshake */

static void check_opening(struct slice in)
{
	struct clock_manual clock;
	struct rng_seeded rng;
	struct bulk_secret secret = bulk_pair_secret(7);
	uint8_t answer[BULK_ANSWER_BYTES];
	struct bulk_keys keys = {0};
	uint64_t transfer;
	bool has_id;

	clock_manual_init(&clock);
	rng_seeded_init(&rng, 7);
	struct bulk_tokens *t = bulk_tokens_new(&clock.clock, &rng.rng);
	MUST(bulk_tokens_add(t, 1, secret.h, 1, &secret.token) == ERR_OK);
	enum err e = bulk_opening_check(in, &has_id);
	MUST(e == ERR_OK || e == ERR_WAIT || e == ERR_UNKNOWN || e == ERR_PROTO);
	MUST(e != ERR_OK || (in.n == BULK_OPENING_BYTES && has_id));
	MUST(e != ERR_WAIT || in.n < BULK_OPENING_BYTES);
	if (e == ERR_OK) {
		e = bulk_tokens_answer(t, in, answer, &keys, &transfer);
		MUST(e == ERR_UNKNOWN || e == ERR_AUTH);
	}
	MUST(keys.send == NULL && bulk_tokens_count(t) == 1);
	bulk_tokens_free(t);
}

static void check_answer(struct slice in)
{
	struct bulk_secret secret = bulk_pair_secret(7);
	uint8_t opening[BULK_OPENING_BYTES];
	struct bulk_keys keys = {0};
	struct rng_seeded rng;

	rng_seeded_init(&rng, 7);
	struct bulk_dial *d = bulk_dial_new(&secret, &rng.rng, opening);
	enum err e = bulk_dial_finish(d, in, &keys);
	MUST(e == ERR_WAIT || e == ERR_PROTO || e == ERR_AUTH || e == ERR_VERSION);
	MUST(e != ERR_WAIT || in.n < BULK_ANSWER_BYTES);
	MUST(keys.send == NULL);
	bulk_dial_free(d);
}

/* -------------------------------------------------------------------- records */

static void check_stream(struct slice in, bool to_sender)
{
	struct bulk_record r;
	size_t used;

	start_pair(true);
	struct bulk *b = to_sender ? pair.sender : pair.receiver;
	uint8_t *copy = malloc(in.n + 1);
	memcpy(copy, in.p, in.n);
	enum err e = bulk_next(b, copy, in.n, &r, &used);
	MUST(e == ERR_WAIT || e == ERR_PROTO || e == ERR_AUTH);
	MUST(used == 0);
	MUST(bulk_eof(b) == (e == ERR_WAIT ? ERR_TRUNCATED : e));
	free(copy);
	bulk_pair_wipe(&pair);
}

/* A record that was taken is inside its frame, and within the numbers. */
static void check_record(const struct bulk_record *r)
{
	const uint8_t *end = pair.frame + pair.frame_n;

	if (r->type == BULK_ENTRY) {
		struct slice path = r->u.entry.path;
		MUST(path.n <= PROTO_BULK_PATH_BYTES);
		MUST(path.n == 0 || (path.p > pair.frame && path.p + path.n <= end));
		MUST(r->u.entry.kind <= BULK_DIRECTORY && r->u.entry.mode <= 1);
		MUST(r->u.entry.size <= PROTO_NUMBER_MAX);
	} else if (r->type == BULK_BYTES) {
		MUST(r->u.bytes.p + r->u.bytes.n <= end);
	} else if (r->type == BULK_STOP) {
		MUST(r->u.stop.text.n <= PROTO_BULK_TEXT_BYTES);
	}
	MUST(bulk_bytes(pair.receiver) <= PROTO_NUMBER_MAX);
}

static void check_plaintexts(struct cur *c, bool from_sender)
{
	enum err e = ERR_OK;

	start_pair(cur_u8(c) & 1);
	while (c->left > 0 && e == ERR_OK) {
		size_t n = cur_u16(c);
		struct slice plain = cur_take(c, n < c->left ? n : c->left);
		if (plain.n > 1 + PROTO_BULK_BODY_BYTES || plain.n == 0)
			break;
		e = from_sender ? bulk_pair_raw(&pair, plain)
				: bulk_pair_raw_back(&pair, plain);
		if (e == ERR_OK)
			check_record(&pair.got);
	}
	MUST(e == ERR_OK || e == ERR_PROTO);
	bulk_pair_wipe(&pair);
}

/* --------------------------------------------------------------------- script */

static struct bulk_record record_of(uint8_t what, uint16_t x)
{
	static char path[2] = "a";

	switch (what) {
	case 0:
		path[0] = (char)('a' + x / 256 % 26);
		return bulk_of_entry(path, x % 256);
	case 1:
		path[0] = (char)('a' + x % 26);
		return bulk_of_directory(path);
	case 2:
		return bulk_of_stream();
	case 3:
		return bulk_of_bytes(x % 300);
	case 4:
		return bulk_of_hole(1 + x % 300);
	case 5:
		return bulk_of_end(bulk_entries(pair.sender) + (x & 1),
				   bulk_bytes(pair.sender) + (x >> 1));
	case 6:
		return bulk_of_durable(x >> 8, x & 0xff);
	default:
		return bulk_of_stop(1 + x % 15);
	}
}

static void check_script(struct cur *c)
{
	enum err e = ERR_OK;

	start_pair(cur_u8(c) & 1);
	while (c->left >= 3 && e == ERR_OK) {
		uint8_t what = cur_u8(c);
		struct bulk_record r = record_of(what & 7, cur_u16(c));
		bool is_back = (what & 7) == 6 || what == 15;
		e = is_back ? bulk_pair_back(&pair, &r) : bulk_pair_forth(&pair, &r);
		MUST(e == ERR_OK || e == ERR_BUG);
		if (e == ERR_BUG)
			MUST(bulk_pair_force(&pair, !is_back, &r) == ERR_PROTO);
		MUST(bulk_entries(pair.sender) == bulk_entries(pair.receiver));
		MUST(bulk_bytes(pair.sender) == bulk_bytes(pair.receiver));
		MUST(bulk_has_ended(pair.sender) == bulk_has_ended(pair.receiver));
	}
	bulk_pair_wipe(&pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static bool is_ready;
	struct cur c = cur_of(slice_of(bytes, len));
	uint8_t what = cur_u8(&c);
	struct slice rest = slice_of(c.p, c.left);

	if (!is_ready)
		secret_init();
	is_ready = true;
	if (what == 'o')
		check_opening(rest);
	else if (what == 'a')
		check_answer(rest);
	else if (what == 'r' || what == 'R')
		check_stream(rest, what == 'R');
	else if (what == 'p' || what == 'P')
		check_plaintexts(&c, what == 'p');
	else if (what == 's')
		check_script(&c);
	return 0;
}
