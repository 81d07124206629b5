/*
 * name: whom the user means.
 */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include "core/peer.h"

/*
 * who: a whole id (with or without dashes, or in a p2pmsg: URI), a prefix of an id
 * of at least 4 characters, a nick, or nick~abcd as it is shown. A whole id always
 * means that key. ERR_UNKNOWN, ERR_AMBIGUOUS (why lists the candidates with their
 * ids), ERR_RANGE (a mistyped id).
 */
enum err name_resolve(struct core *c, const char *who, struct peer **out, char *why,
		      size_t why_max);

/* Somebody has a new nick: warns when it is a contact's name. */
void name_warn(const struct peer *p);

#endif
