/*
 * name: whom the user means.
 */
#ifndef CORE_NAME_H
#define CORE_NAME_H

#include "core/peer.h"

/*
 * who: a whole id (with or without dashes, or in a p2pmsg: URI), a prefix of an id
 * of at least 4 characters, a nick, an alias, or nick~abcd as it is shown. A whole id
 * always means that key, an alias whom the user called so. A nick means the contact of
 * that name; when is_sending only if no other key uses it, or the user has decided.
 * ERR_UNKNOWN, ERR_AMBIGUOUS (why lists the candidates with their ids), ERR_RANGE (a
 * mistyped id).
 */
enum err name_resolve(struct core *c, const char *who, bool is_sending, struct peer **out,
		      char *why, size_t why_max);

#endif
