/*
 * store: what is kept, and how it is asked for. Nobody waits for a disk: a request is
 * submitted, and answered in store_poll of a later tick. p2pmsg-protocol(7), "Message
 * semantics" and "Local storage".
 *
 * Two lanes: writes are answered in the order of their submission, after the commit
 * that holds them (many share one); so are reads, among themselves. A read that is
 * submitted after a write was answered sees it. A CHECK goes on beside both.
 *
 * What stands in `body`, `object` and `value` is core's business, and sealed before it
 * reaches a disk. Everything else beside it is readable there: ids, times, states.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/rng.h"
#include "base/slice.h"

enum {
	STORE_KEY_BYTES = 32,
	STORE_BODY_BYTES = 64 << 10, /* of one body, object or value */
	STORE_ROWS_MAX = 1024, /* of one reply */
	STORE_TO_MAX = 256, /* recipients of one request */
	STORE_RECORD_KEY_BYTES = 96,
	STORE_WHY_BYTES = 400,
	STORE_ROW_BYTES = 256 /* what a message takes beside its body, about */
};

/* Where an own message stands. Others are STORE_NONE. The numbers are on disk. */
enum store_state {
	STORE_NONE = 0,
	STORE_QUEUED = 1, /* only here */
	STORE_STORED = 2, /* in a mailbox */
	STORE_DELIVERED = 3,
	STORE_READ = 4,
	STORE_FAILED = 5
};

/* One message; (author, id) is unique. Times are Unix milliseconds. */
struct store_message {
	struct id32 author; /* node id */
	struct id16 id;
	struct id16 conv;
	uint64_t lamport; /* order in conv: (lamport, author, id); <= 2^53 */
	uint64_t sent_ms; /* by the author's clock */
	uint64_t kept_ms; /* by ours */
	uint64_t expires_ms; /* gone then; 0: never */
	uint64_t seq; /* order of keeping, from 1 on; the store's */
	enum store_state state;
	struct slice body; /* sealed */
};

/* Something that waits for one peer. */
struct store_item {
	uint64_t seq; /* order among all */
	struct id32 peer;
	struct id16 id; /* of the object */
	uint64_t since_ms;
	struct slice object; /* sealed; as it goes on the wire */
};

/* How much waits for one peer. */
struct store_count {
	struct id32 peer;
	uint64_t n, since_ms;
};

/* Small things by name: contacts, device lists, marks. kind and key are core's. */
struct store_record {
	uint8_t kind;
	struct slice key; /* readable on disk: an id, a hash, a fixed word */
	struct slice value; /* sealed; empty: remove it */
};

/* R(NAME, lane) */
#define STORE_REQUESTS(R) \
	R(KEEP, WRITE) \
	R(OUTCOME, WRITE) \
	R(RECORD, WRITE) \
	R(FORGET, WRITE) \
	R(MOVE, WRITE) \
	R(SWEEP, WRITE) \
	R(CHECK, CHECK) \
	R(GET, READ) \
	R(PAGE, READ) \
	R(SCAN, READ) \
	R(OUTBOX, READ) \
	R(COUNTS, READ) \
	R(RECORDS, READ) \
	R(CONVS, READ) \
	R(MEASURE, READ)

enum store_verb {
#define R(NAME, lane) STORE_##NAME,
	STORE_REQUESTS(R)
#undef R
		STORE_VERBS
};

enum store_lane { STORE_LANE_WRITE, STORE_LANE_READ, STORE_LANE_CHECK, STORE_LANES };

/*
 * Changes a message that is kept: m is it as it stands; what is written to *m (state,
 * expires_ms, sent_ms, body) replaces it. body may point into `room` (STORE_BODY_BYTES)
 * or stay. arg is a copy of the request's. Runs in the store's thread: nothing but its
 * arguments may be touched. Not ERR_OK: nothing of the request is done, and that is its
 * answer.
 */
typedef enum err store_amend_fn(struct slice arg, struct store_message *m, uint8_t *room);
/* Does the message match? As above. */
typedef bool store_match_fn(struct slice arg, const struct store_message *m);

struct store;
struct store_request;
struct store_reply;
/* Both are borrowed for the call; req is a copy of what was submitted. */
typedef void store_done_fn(void *ctx, const struct store_request *req,
			   const struct store_reply *reply);

struct store_request {
	enum store_verb verb;
	store_done_fn *done; /* NULL: nobody wants to know */
	void *ctx;
	uint64_t tag; /* the submitter's own */

	/*
	 * KEEP     in one transaction, each if it is there: inserts msg (is_new);
	 *          amends the message (msg.author, msg.id); queues `object` under
	 *          object_id for each of `to`. ERR_EXISTS: that message, or one that
	 *          is forgotten or expired but not yet for 60 days, is known already.
	 *          ERR_MISSING: no such message to amend. What is queued waits since
	 *          now_ms (0: msg.kept_ms); what waits for that peer already under
	 *          object_id stays as it is
	 * OUTCOME  object_id no longer waits for peer; when state is not STORE_NONE the
	 *          message (msg.author, object_id) takes it, unless it is further already:
	 *          QUEUED, FAILED, STORED, DELIVERED, READ. ERR_MISSING: it did not wait,
	 *          and no state was changed
	 * RECORD   puts record, or removes it
	 * FORGET   all messages of msg.conv (is_all_convs: of all), and, when is_peer,
	 *          what waits for peer. Their ids are remembered from now_ms on. With max
	 *          at most so many, and is_more; with has_from none that was kept after
	 *          from.seq. reply->last.seq is the newest that was ever kept
	 * MOVE     all messages of msg.conv belong to to_conv from now on; and, when is_peer,
	 *          what waits for peer does no longer: those are the reply's items, without
	 *          objects, and their messages by msg.author in msg.conv are FAILED
	 * SWEEP    removes what expired by now_ms; of msg.conv (is_all_convs: of each) what
	 *          was kept longer than keep_ms ago (a duration; 0: no limit); of msg.conv,
	 *          has_from, what stands at `from` or before it; and ids remembered for 60
	 *          days. What waits for somebody stays unless it expired. What waits since
	 *          before give_up_ms (a time; 0: no limit) waits no longer: those are the
	 *          reply's items, without objects, and their messages of msg.author take
	 *          `state` as in OUTCOME. Much of it is done in several rounds: is_more
	 * CHECK    looks through the whole store, which may take seconds; ERR_CORRUPT with
	 *          why, and the next start mends it
	 */
	bool is_new, is_all_convs, is_peer;
	struct store_message msg;
	struct id16 to_conv;
	store_amend_fn *amend;
	struct slice arg; /* of amend and match */
	struct id16 object_id;
	struct slice object; /* n 0: none */
	const struct id32 *to;
	size_t n_to;
	struct id32 peer;
	enum store_state state;
	struct store_record record;
	uint64_t now_ms, keep_ms, give_up_ms, keep_bytes;

	/*
	 * max is at most STORE_ROWS_MAX, and that when it is 0. A reply also ends early,
	 * with is_more, after max_bytes of bodies, objects or values (0: only after some
	 * MiB); but one row there is at least.
	 *
	 * GET      the message (msg.author, msg.id), or ERR_MISSING
	 * PAGE     at most `max` messages: of msg.conv in its order, or (is_all_convs) of
	 *          all in the order of seq; going back from `from`, or forward (is_forward);
	 *          with since_ms <= sent_ms < until_ms (0: no limit). has_from false: from
	 *          the newest, or the oldest. from itself is not in it
	 * SCAN     as PAGE; looks at `max_rows` messages at most (0: no limit), and returns
	 *          those that match; is_more: go on from reply->last
	 * OUTBOX   what waits for peer (is_peer; else for all), with seq > after, at most
	 *          `max`
	 * COUNTS   a count for each peer for whom something waits, by peer; is_peer: those
	 *          after peer
	 * RECORDS  all of record.kind, by key, whose key begins with record.key; after
	 *          the key `arg`, when it is not empty; at most `max`
	 * CONVS    the newest message of each conversation, without body, by conv;
	 *          has_from: those after msg.conv; at most `max`
	 * MEASURE  goes back in msg.conv from `from` (has_from) or the newest: n_bytes is
	 *          the sum of bodies, with STORE_ROW_BYTES each, and last the last that was
	 *          counted. is_over: `last` does not fit into keep_bytes any more, and is
	 *          not counted; is_more: max_rows are
	 *          counted, go on from last
	 */
	bool has_from, is_forward;
	struct {
		uint64_t lamport, seq;
		struct id32 author;
		struct id16 id;
	} from;
	uint64_t since_ms, until_ms;
	store_match_fn *match;
	size_t max, max_rows, max_bytes;
	uint64_t after;
};

struct store_reply {
	enum err err; /* also ERR_NOSPACE, ERR_READONLY, ERR_IO, ERR_CORRUPT of any */
	const char *why; /* for people, about err; may be "" */
	const struct store_message *messages; /* in the order asked for */
	size_t n_messages;
	const struct store_item *items;
	size_t n_items;
	const struct store_count *counts;
	size_t n_counts;
	const struct store_record *records;
	size_t n_records;
	bool is_more; /* the maximum cut it short */
	struct store_message last; /* SCAN: the last one looked at; without body */
	uint64_t item_seq; /* KEEP: of what was queued for the last of `to`; 0: nothing */
	uint64_t n_bytes; /* MEASURE */
	bool is_over; /* MEASURE */
};

struct store_config {
	const char *path; /* of the database; NULL: in memory only */
	const uint8_t *key; /* STORE_KEY_BYTES; copied to guarded memory */
	const struct rng *rng; /* used in store_open only */
	uint64_t now_ms; /* names what is set aside */
	/* Something is wrong, or was, and what was done; from store_poll. */
	void (*on_trouble)(void *ctx, enum err e, const char *text);
	void *ctx;
};

/* Does wait, so before the loop runs: opens or makes it, and migrates it. A damaged
 * one is set aside and what can be read of it is taken over (on_trouble tells).
 * ERR_VERSION: it is of a newer version. ERR_AUTH: key does not fit. ERR_LOCKED,
 * ERR_PERM, ERR_READONLY, ERR_NOSPACE, ERR_IO. why: STORE_WHY_BYTES, for people. */
enum err store_open(const struct store_config *cfg, struct store **out, char *why);
/* What was submitted is still written, for at most some seconds; nobody is told. NULL is
 * fine. */
void store_free(struct store *s);

/* Copies all that req points to. ERR_FULL: too much waits; ERR_RANGE: a limit above.
 * Then done is not called. It may be called from inside done; its answer comes in a later
 * store_poll. */
enum err store_submit(struct store *s, const struct store_request *req);
/* Answers what is ready; core calls it each tick. */
void store_poll(struct store *s);
/* Readable when store_poll has something to do; -1: all that waits is answered by the
 * next store_poll. */
int store_fd(const struct store *s);
/* Requests that are not answered yet. */
size_t store_pending(const struct store *s);

#endif
