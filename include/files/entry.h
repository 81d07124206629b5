/*
 * entry: one file or folder of a transfer, as ENTRY tells it. p2pmsg-protocol(7), "Bulk
 * connections".
 */
#ifndef FILES_ENTRY_H
#define FILES_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "crypto/digest.h"

enum entry_kind { ENTRY_FILE, ENTRY_FOLDER };
enum { ENTRY_MODE_X = 1 }; /* the owner may execute it */

struct entry {
	struct slice path; /* borrowed: whoever hands it out says how long */
	enum entry_kind kind;
	bool has_size; /* not for a stream, and not for a folder */
	uint64_t size; /* bytes, holes included */
	int64_t mtime_ns; /* since 1970 */
	uint8_t mode;
};

/* How far a transfer is safe on the receiver's disk. */
struct entry_place {
	uint64_t entries; /* whole ones */
	uint64_t bytes; /* of the next one; more than 0: its ENTRY is safe too */
	/* Of the metadata of these entries and, if bytes is more than 0, of the next one. */
	uint8_t digest[DIGEST_BYTES];
};

/* The metadata digest: entry_digest_init, then each entry. */
void entry_digest_init(struct digest *d);
void entry_digest_add(struct digest *d, const struct entry *e);

#endif
