/*
 * sqlite_schema: what a database of ours looks like, how an old one becomes a new one, and
 * whether this is one.
 */
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include "store/sqlite_db.h"

/* Makes the schema in an empty database, or brings an older one up to date. d->why says
 * what is wrong: ERR_VERSION (a newer one), ERR_AUTH (the key does not fit), ERR_CORRUPT,
 * and what writing may return. */
enum err sqlite_schema_open(struct sqlite_db *d);

enum err sqlite_schema_meta_get(struct sqlite_db *d, uint64_t id, uint64_t *out);
enum err sqlite_schema_meta_put(struct sqlite_db *d, uint64_t id, uint64_t v);

#endif
