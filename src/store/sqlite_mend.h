/*
 * sqlite_mend: what is done about damage. Seen while it is used, it is told, and a mark
 * (path.damaged) makes the next start mend it: whatever opens moves to a new file, and the
 * damaged one is set aside, as it was.
 */
#ifndef STORE_SQLITE_MEND_H
#define STORE_SQLITE_MEND_H

#include "store/sqlite_db.h"

/* Damage was seen: marks and tells, once. */
void sqlite_mend_later(struct sqlite_db *d);
bool sqlite_mend_is_due(const char *path);

/* what: in words, why it is thought to be damaged. Nobody has the file open. ERR_AUTH:
 * nothing in it opens with this key, and all is as it was; so it is after any error. */
enum err sqlite_mend(const struct store_config *cfg, const char *what, char *why);
/* Goes on where a mend was interrupted; nothing if there was none. */
enum err sqlite_mend_finish(const struct store_config *cfg, char *why);

#endif
