/*
 * sink: what arrives, beneath one directory. p2pmsg-protocol(7), "Bulk connections" and
 * "Files".
 *
 * Everything is made in a working folder `.p2pmsg-<xfer>` (0700) of that directory, where a
 * journal says how much is safe. Nothing gets its name before all of it is there:
 *
 *   sink_new or sink_resume
 *   sink_entry, sink_bytes, sink_hole ...      as the records come
 *   sink_durable                               now and then: at most every 64 MiB or 2 s
 *   sink_end, sink_finish                      totals checked; under its final name, safe
 *   sink_remove (or, to go on later, sink_free)
 *
 * After an error a sink takes nothing but sink_free, with sink_resume later, or sink_remove;
 * except ERR_EXISTS of sink_finish. One thread; waits for the disk.
 */
#ifndef FILES_SINK_H
#define FILES_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "files/entry.h"
#include "files/file_port.h"
#include "files/mishap.h"

/* When the name is taken. Of two folders the content is joined, each file by the same rule
 * (not with RENAME, which gives the whole folder another name). */
enum sink_policy {
	SINK_RENAME, /* `name (2)` */
	SINK_SKIP, /* what is there stays */
	SINK_NEWER, /* the younger of the two stays */
	SINK_OVERWRITE,
	SINK_ASK /* sink_finish gives ERR_EXISTS */
};

enum { SINK_NOTE_MAX_BYTES = 4096 };
#define SINK_FLOOR_BYTES (256ULL << 20)

struct sink_config {
	const struct file_port *port; /* outlives the sink, as dir does */
	int dir; /* the directory of downloads, borrowed */
	struct id16 xfer;
	struct id32 peer; /* node id of the sender; kept in the journal */
	struct slice note; /* the caller's own, kept in the journal; at most
			    * SINK_NOTE_MAX_BYTES */
	/* More than this is a breach: ERR_LIMIT. What the offer said, or our own caps. */
	uint64_t max_entries, max_bytes;
	/* Must be free besides floor_bytes when it starts (ERR_NOSPACE), and floor_bytes always:
	 * 0 for what is mostly holes. */
	uint64_t room_bytes, floor_bytes;
	enum sink_policy policy;
	bool keeps_x, keeps_dots; /* of verified peers */
	mode_t mask; /* taken off 0666 and 0777 at the end; 0600 and 0700 until then */
	bool has_digest; /* compute BLAKE2b-256 over the content */
	/* Under which name something came to stand; final NULL: what was there stayed. Borrowed
	 * for the call; name is as cleaned, not safe to show. May be NULL. */
	void (*on_placed)(void *ctx, const char *name, const char *final);
	void *ctx;
};

struct sink;

/* Begins anew. ERR_EXISTS: there is a working folder for xfer: sink_resume. ERR_NOSPACE and
 * others, with the reason in *why. */
enum err sink_new(const struct sink_config *cfg, struct sink **out, struct mishap *why);

/* Goes on where the journal says: peer, policy, note and has_digest are as they were, cfg's
 * are not looked at. *place for FILE_ACCEPT. What came after that place is gone. If
 * place->bytes is more than 0 the ENTRY of that file comes once more, as it was (else
 * ERR_PROTO), and then what lies behind those bytes.
 *   ERR_MISSING  there is no such working folder
 *   ERR_CORRUPT  its journal is damaged, or it is not what the journal says; the folder has
 *                been removed: sink_new
 *   ERR_USAGE    it is past receiving: sink_recover finishes it
 */
enum err sink_resume(const struct sink_config *cfg, struct sink **out,
		     struct entry_place *place, struct mishap *why);

/* Everything goes to fd, which is not closed: one file, no working folder, no resume. Of cfg
 * only port, max_bytes and has_digest count. */
enum err sink_new_stream(const struct sink_config *cfg, int fd, struct sink **out);

/* Leaves the working folder as it is. NULL is fine. */
void sink_free(struct sink *s);

/* The next entry begins; the same path as that of the file before: begins anew. ERR_PROTO:
 * not in its place, a name that is refused, or the file before is not as long as was said.
 * ERR_LIMIT. */
enum err sink_entry(struct sink *s, const struct entry *e);
/* ERR_PROTO: more than its size, or no file has begun. ERR_LIMIT, ERR_NOSPACE, ERR_IO ... */
enum err sink_bytes(struct sink *s, struct slice bytes);
enum err sink_hole(struct sink *s, uint64_t n);

/* All that was given so far is on the disk, and the journal says so; an entry counts when
 * another, or the end, has come behind it. Costs one sync of the
 * data and one of a block of the journal. A stream: what was written (nothing is synced). */
enum err sink_durable(struct sink *s, struct entry_place *place);

/* END. ERR_PROTO: not the totals, or digest (NULL: none was sent) is not that of the content,
 * which only has_digest checks. Nothing gets its name then. */
enum err sink_end(struct sink *s, uint64_t entries, uint64_t bytes,
		  const uint8_t *digest);
/* After sink_end: syncs, gives the names, syncs the directory. ERR_EXISTS with SINK_ASK:
 * sink_clash_get says which name; sink_policy_set, then again. When it is OK the journal says
 * so too, until sink_remove. */
enum err sink_finish(struct sink *s);
/* Of the last ERR_EXISTS; lives until the next call. */
const char *sink_clash_get(const struct sink *s);
void sink_policy_set(struct sink *s, enum sink_policy policy);

/* Removes the working folder and what it still holds. Takes s, also on error. */
enum err sink_remove(struct sink *s);

/* Entries that began, bytes of content that came. */
void sink_progress(const struct sink *s, uint64_t *entries, uint64_t *bytes);
/* Of the content so far; ERR_MISSING without has_digest. */
enum err sink_digest_get(const struct sink *s, uint8_t out[static DIGEST_BYTES]);
/* Lives as long as s. */
const struct mishap *sink_mishap(const struct sink *s);

/* What a start finds in the directory. */
enum sink_state {
	SINK_RECEIVING, /* sink_resume goes on */
	SINK_CLASH, /* all is there; SINK_ASK has to be answered: sink_found.policy */
	SINK_DONE, /* has its name; if it had not yet, sink_recover gave it */
	SINK_DAMAGED /* its journal; xfer alone is known */
};
struct sink_found {
	struct id16 xfer;
	struct id32 peer;
	struct slice note; /* borrowed for the call */
	enum sink_state state;
	struct entry_place place; /* without the digest: sink_resume gives it */
	uint64_t bytes; /* of content that is safe */
	enum sink_policy policy; /* may be set when SINK_CLASH, to be tried at once */
	const char *why; /* SINK_DAMAGED: what is wrong with it */
};
enum sink_answer { SINK_KEEP, SINK_REMOVE, SINK_AGAIN };

/* Goes through the working folders of cfg->dir: finishes what was being finished, tells each
 * to on_found, and does what it says (SINK_AGAIN: with the policy that it set). Of cfg port,
 * dir, mask, on_placed and ctx count. A folder that is not ours (owner, mode, a symlink) is
 * left alone and not told. Goes on after an error of one folder; returns the first. */
enum err sink_recover(const struct sink_config *cfg,
		      enum sink_answer (*on_found)(void *ctx, struct sink_found *found));

#endif
