/*
 * filename: names of files that others chose. p2pmsg-protocol(7), "Files", Names.
 */
#ifndef FILES_FILENAME_H
#define FILES_FILENAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	FILENAME_MAX_BYTES = 200,
	FILENAME_ROOM = FILENAME_MAX_BYTES + 1,
	FILENAME_PATH_MAX_BYTES = 4096,
	FILENAME_DEPTH_MAX = 64
};

/* One component as it will be on our disk, NUL-terminated. keeps_dots: leading dots stay
 * (below a folder of a verified peer; never for the topmost name). ERR_PROTO: NUL, `/`,
 * not UTF-8, `.` or `..`. */
enum err filename_clean(struct slice name, bool keeps_dots,
			char out[static FILENAME_ROOM]);

/* The path of an ENTRY: 1 to FILENAME_PATH_MAX_BYTES of UTF-8, 1 to FILENAME_DEPTH_MAX
 * components, none of which is empty, `.` or `..`; *depth counts them. ERR_PROTO. */
enum err filename_check_path(struct slice path, unsigned *depth);
/* What stands behind the last `/`. */
struct slice filename_last(struct slice path);

/* `name (2)`, `name (2).txt`, `name (2).tar.gz`; a folder has no extension. n > 1. name is
 * as filename_clean made it, and is cut so that the whole fits. */
void filename_numbered(const char *name, unsigned n, bool is_folder,
		       char out[static FILENAME_ROOM]);

/* Adds a name of our own disk as it travels: each byte that is not UTF-8 becomes U+FFFD,
 * and *was_bad true. ERR_FULL. */
enum err filename_to_wire(struct slice name, struct buf *out, bool *was_bad);

#endif
