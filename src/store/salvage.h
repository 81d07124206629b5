/*
 * salvage: the rows of a damaged SQLite file, without SQLite. It looks at every page for
 * itself, so that a broken page costs its own rows and no others; who they belong to is
 * for the caller to tell by their shape, and whether they are genuine by opening them.
 * The format: https://sqlite.org/fileformat2.html
 */
#ifndef STORE_SALVAGE_H
#define STORE_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum {
	SALVAGE_PAGE_BYTES = 4096, /* of the databases that we make */
	SALVAGE_COLUMNS = 10,
	SALVAGE_ROW_BYTES = 80 << 10
};

enum salvage_kind { SALVAGE_NULL, SALVAGE_INT, SALVAGE_BLOB, SALVAGE_OTHER };

struct salvage_value {
	enum salvage_kind kind;
	int64_t i;
	struct slice blob;
};

struct salvage_row {
	int64_t rowid;
	size_t n;
	struct salvage_value values[SALVAGE_COLUMNS];
};

/* Calls on_row for each row of each table, until it does not return ERR_OK, with what the
 * log (path-wal) has committed. row is borrowed. n_bad counts what could not be read of a
 * page that should hold rows. ERR_IO and so on: path cannot be opened, or what on_row
 * returned. */
enum err salvage_walk(const char *path,
		      enum err (*on_row)(void *ctx, const struct salvage_row *row),
		      void *ctx, uint64_t *n_bad);

/* Whether the file is shorter than it says itself, which only its log may explain. */
bool salvage_is_cut(const char *path);

#endif
