/*
 * source: what is sent: files and folders of this disk, or a stream. p2pmsg-protocol(7),
 * "Bulk connections" and "Files".
 *
 * A pull interface: each source_next gives the next record, file bytes being read straight
 * into the caller's buffer. A folder comes before its content, and its names in the order of
 * their bytes, so that an entry's number means the same whenever it is walked. Symlinks,
 * devices and the like are told to on_skip and not sent. One directory's names are held at a
 * time and, of those above it, what is still to come.
 *
 * One thread; may wait for the disk. An object belongs to its caller.
 */
#ifndef FILES_SOURCE_H
#define FILES_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "files/entry.h"
#include "files/file_port.h"
#include "files/mishap.h"

/* Why something is not sent, or not as it is. */
#define SOURCE_SKIP_TABLE(X) \
	X(SYMLINK, "is a symbolic link") \
	X(SPECIAL, "is neither a file nor a folder") \
	X(UNREADABLE, "cannot be read") \
	X(TOO_DEEP, "lies too deep") \
	X(TOO_LONG, "has too long a path") \
	X(RENAMED, "has a name that is not UTF-8; sent with \xef\xbf\xbd in it")

enum source_skip {
#define X(name, text) SOURCE_SKIP_##name,
	SOURCE_SKIP_TABLE(X)
#undef X
};
/* Goes after the path; without a full stop. */
const char *source_skip_str(enum source_skip why);

struct source_config {
	const struct file_port *port; /* outlives the source, as all pointers here do */
	/* As the user wrote them; relative ones start at dir (AT_FDCWD). The last component of
	 * each becomes its name, ` (2)` added when an earlier one has it. */
	int dir;
	const char *const *paths;
	size_t n_paths;
	/* A stream instead, when n_paths is 0: read to its end, not closed. */
	int stream;
	const char *stream_name;
	/* As lines of a .gitignore at the top of each path given; see ignore.h. */
	const char *const *excludes;
	size_t n_excludes;
	bool has_gitignore; /* .gitignore files in the folders count, and .git is left out */
	bool has_digest; /* BLAKE2b-256 over all content, holes as zeros */
	/* path is borrowed for the call, raw: not safe to show. May be NULL. */
	void (*on_skip)(void *ctx, struct slice path, enum source_skip why);
	void *ctx;
	const atomic_bool
		*is_stopped; /* NULL: never; true ends any call with ERR_TIMEOUT */
};

enum source_what { SOURCE_ENTRY, SOURCE_BYTES, SOURCE_HOLE, SOURCE_END };

struct source_out {
	enum source_what what;
	/* ENTRY: borrowed until the next call. is_again: it has changed meanwhile and is sent
	 * once more; it has the number that it had. */
	struct entry entry;
	bool is_again;
	size_t n; /* BYTES: how many stand in the buffer, more than 0 */
	uint64_t hole; /* HOLE: zeros */
	/* END: all there was. */
	uint64_t entries, bytes;
	bool has_digest;
	uint8_t digest[DIGEST_BYTES];
};

struct source;

/* ERR_MISSING, ERR_PERM, ERR_USAGE (a symlink or special file was named), with the reason in
 * *why. The excludes are read here. */
enum err source_new(const struct source_config *cfg, struct source **out,
		    struct mishap *why);
/* NULL is fine. */
void source_free(struct source *s);

/* room > 0. After SOURCE_END, and after an error but ERR_WAIT, the same comes again.
 *   ERR_IN_USE   what is sent changes all the time: STOP with CODE_CHANGED
 *   ERR_TIMEOUT  is_stopped
 *   ERR_WAIT     a stream that is silent for a second: once more, after a sign of life
 *   others       the disk; see source_mishap */
enum err source_next(struct source *s, uint8_t *buf, size_t room, struct source_out *out);

/* Goes to where the receiver has it all safe, as the first call. File bytes before it are
 * not read, unless has_digest. The next record is the ENTRY of the first entry that is not
 * complete there (or END); its BYTES and HOLE begin behind place->bytes. ERR_IN_USE: the
 * metadata is not what it was (CODE_CHANGED); source_new again to start anew. */
enum err source_seek(struct source *s, const struct entry_place *place);

/* Lives as long as s. */
const struct mishap *source_mishap(const struct source *s);

/* What an offer says; a walk without reading files. A stream has neither (ERR_USAGE). */
struct source_totals {
	uint64_t entries, bytes;
};
enum err source_count(const struct source_config *cfg, struct source_totals *out,
		      struct mishap *why);

#endif
