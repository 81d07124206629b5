/*
 * waiting: what the user sees of what waits, and does about it.
 */
#ifndef CORE_WAITING_H
#define CORE_WAITING_H

#include "core/peer.h"

/* An event about an outgoing message that is known by its id only. */
void waiting_tell(struct peer *p, const struct id16 *id, const char *state,
		  const char *why);

#endif
