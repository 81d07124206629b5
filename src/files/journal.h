/*
 * journal: what of a transfer is safe on the disk. Two files of its working folder:
 *
 *   journal   at 0 what never changes (whose transfer it is), then two slots that are
 *             written in turn, so that a torn one leaves the other. Each with a digest.
 *   log       a record for each whole entry: its metadata and the name that it has here.
 *             A slot says how much of it counts, and the digest of that.
 *
 * The order of a commit: journal_flush, the caller's sync of everything, journal_commit.
 */
#ifndef FILES_JOURNAL_H
#define FILES_JOURNAL_H

#include "base/ids.h"
#include "files/entry.h"
#include "files/file_port.h"
#include "files/filename.h"

enum journal_step { JOURNAL_RECEIVING, JOURNAL_FINISHING, JOURNAL_DONE };

struct journal_head {
	struct id16 xfer;
	struct id32 peer;
	bool has_digest, keeps_x, keeps_dots;
	struct slice note; /* of journal_open: lives as long as the journal */
};

/* A slot. */
struct journal_mark {
	enum journal_step step;
	uint8_t policy;
	uint64_t entries, bytes; /* as struct entry_place */
	uint64_t total; /* bytes of content, up to there */
	struct digest content; /* of it; with has_digest */
	/* The entry that has begun, if bytes > 0; its path lives as long as the journal, or
	 * until the next journal_commit. */
	struct entry current;
	char name[FILENAME_ROOM];
};

struct journal;

/* New files in the folder work, nothing synced; head is copied. */
enum err journal_create(const struct file_port *port, int work,
			const struct journal_head *head, const struct journal_mark *mark,
			struct journal **out);
/* What the last whole commit said. ERR_CORRUPT and a reason, or the disk's error. */
enum err journal_open(const struct file_port *port, int work, struct journal **out,
		      struct journal_head *head, struct journal_mark *mark,
		      const char **why);
void journal_free(struct journal *j); /* NULL is fine; writes nothing */

/* A whole entry; kept in memory until journal_flush, or until a lot has gathered. */
enum err journal_add(struct journal *j, const struct entry *e, const char *name);
/* What was added goes to the log, unsynced. */
enum err journal_flush(struct journal *j);
/* mark is what counts from now on: written and synced. */
enum err journal_commit(struct journal *j, const struct journal_mark *mark);
/* The metadata digest of struct entry_place. current: NULL, or the entry that has begun. */
void journal_digest(const struct journal *j, const struct entry *current,
		    uint8_t out[static DIGEST_BYTES]);

/* All records of the log that count, in their order; e and name for the call. ERR_CORRUPT:
 * they are not those that were written, which is known only at the end. */
typedef enum err journal_fn(void *ctx, const struct entry *e, const char *name);
enum err journal_replay(struct journal *j, journal_fn *fn, void *ctx);

#endif
