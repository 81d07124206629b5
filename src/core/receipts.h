/*
 * receipts: up to where a conversation has been read, and telling the other side, if the
 * user wants that. What could not be told is told when it is back.
 */
#ifndef CORE_RECEIPTS_H
#define CORE_RECEIPTS_H

#include "core/peer.h"

enum receipts_mode { RECEIPTS_DEFAULT, RECEIPTS_ON, RECEIPTS_OFF };

/* Does p hear what was read? */
bool receipts_are_on(const struct peer *p);
/* All that p said up to now is read. */
void receipts_read(struct peer *p);
/* p may be told something: it is online, or wants to know. */
void receipts_kick(struct peer *p);
void receipts_wipe(struct peer *p);

#endif
