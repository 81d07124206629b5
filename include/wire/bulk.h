/*
 * bulk: the records of a bulk connection that is up, without I/O, and what may come
 * when. p2pmsg-protocol(7), "Bulk connections".
 *
 *   the side that sends the files     ENTRY BYTES HOLE END, STOP
 *   the side that receives them       DURABLE, STOP
 *
 * A transfer is a row of entries, numbered from 0. An entry is complete when the next
 * ENTRY, or END, has come; an ENTRY with the path of the one under way begins that one
 * anew, under the same number. Each connection begins with the ENTRY of the first entry
 * that is not complete at the receiver, or with END; where bytes of that one are
 * durable already, its BYTES and HOLEs begin behind them.
 *
 * Both directions are checked alike: a breach of our own is ERR_BUG, one of the other
 * side's ERR_PROTO and final. No allocation for a record, no copy of BYTES.
 * Any thread, one at a time.
 */
#ifndef WIRE_BULK_H
#define WIRE_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "wire/bulk_shake.h"
#include "wire/fields.h"
#include "wire/proto.h"

struct bulk;

enum {
	/* u16 length || type || body || tag */
	BULK_HEAD_BYTES = 3,
	BULK_OVERHEAD_BYTES = BULK_HEAD_BYTES + BULKSEAL_TAG_BYTES,
	BULK_FRAME_MAX_BYTES = BULK_OVERHEAD_BYTES + PROTO_BULK_BODY_BYTES,
	/* The largest frame of any type but BYTES and ENTRY. */
	BULK_SMALL_FRAME_BYTES = 128
};

enum bulk_type {
	BULK_ENTRY = 1,
	BULK_BYTES = 2,
	BULK_END = 3,
	BULK_DURABLE = 4,
	BULK_STOP = 5,
	BULK_HOLE = 6
};

enum bulk_kind { BULK_FILE = 0, BULK_DIRECTORY = 1 };

/* In those below bit k of has says that the field with key k is there, see
 * wire/fields.h; required ones always are. */

struct bulk_entry {
	uint64_t has;
	struct slice
		path; /* <= 4096 bytes of UTF-8 without NUL; judged no further here */
	uint64_t kind; /* enum bulk_kind */
	uint64_t size; /* bytes; MSG_HAS(2): absent for a directory and for a stream */
	int64_t mtime_ns; /* since 1970, negative before */
	uint64_t mode; /* bit 0: the owner may execute it; no other */
};

struct bulk_end {
	uint64_t has;
	uint64_t entries; /* of the whole transfer, those of earlier connections too */
	uint64_t bytes; /* of content in all of them, holes too */
	struct slice digest; /* MSG_HAS(2): BLAKE2b-256 over it */
};

struct bulk_durable {
	uint64_t has;
	uint64_t entries; /* complete and safe on disk */
	uint64_t bytes; /* of the next one */
};

struct bulk_stop {
	uint64_t has;
	uint64_t code; /* "Codes" */
	struct slice text; /* MSG_HAS(1): <= 64 bytes, for people: hostile ink */
};

struct bulk_record {
	enum bulk_type type;
	union {
		struct bulk_entry entry;
		struct slice bytes; /* empty: a sign of life */
		struct bulk_end end;
		struct bulk_durable durable;
		struct bulk_stop stop;
		uint64_t hole; /* zeros, at least one */
	} u;
	/* ENTRY that came: it is the one under way, anew. */
	bool is_again;
};

/* Where a connection starts: all 0 for a new transfer, else what the FILE_ACCEPT said. */
struct bulk_start {
	bool is_sender; /* of the files */
	bool is_folder; /* else there is one entry, and it is not sent again */
	uint64_t entries; /* complete and durable */
	uint64_t entries_bytes; /* content of those */
	uint64_t bytes; /* durable of the next one */
};

/* Takes the keys. */
struct bulk *bulk_new(const struct bulk_keys *keys, const struct bulk_start *start);
/* Wipes. NULL is fine. */
void bulk_free(struct bulk *b);

/*
 * Encodes and seals one record into out. BYTES that stand at out + BULK_HEAD_BYTES
 * already are sealed where they stand, others copied.
 *   ERR_FULL   more than max; nothing happened
 *   ERR_RANGE  a field breaks its row
 *   ERR_BUG    it may not be sent now, or not by this side
 *   ERR_LIMIT  2^40 records
 */
enum err bulk_send(struct bulk *b, const struct bulk_record *r, uint8_t *out, size_t max,
		   size_t *n);

/*
 * The record at the front of in, opened where it stands; r borrows from in. *used: its
 * frame. ERR_WAIT: not whole yet (n >= BULK_FRAME_MAX_BYTES always is). Final, and said
 * again from then on: ERR_PROTO, ERR_AUTH, ERR_LIMIT.
 */
enum err bulk_next(struct bulk *b, uint8_t *in, size_t n, struct bulk_record *r,
		   size_t *used);
/* The other side has ended the stream, and all of it was taken: ERR_OK after a STOP, to
 * the receiver after END, to the sender after a DURABLE of everything; else
 * ERR_TRUNCATED. */
enum err bulk_eof(const struct bulk *b);

/* Of the files as sent, or as received, so far: complete entries; of the one under way. */
uint64_t bulk_entries(const struct bulk *b);
uint64_t bulk_bytes(const struct bulk *b);
/* END has been sent, or received. */
bool bulk_has_ended(const struct bulk *b);

#endif
