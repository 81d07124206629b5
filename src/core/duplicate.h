/*
 * duplicate: at most one live session for each device: which of two stays.
 * p2pmsg-protocol(7), "Duplicates".
 */
#ifndef CORE_DUPLICATE_H
#define CORE_DUPLICATE_H

#include "core/session.h"

/* s has just gone live; not earlier, so that the one it replaces is not missed while
 * the HELLO is under way. Closes the sessions that it replaces, or s itself: false,
 * and s is DEAD then. */
bool duplicate_settle(struct session *s);

#endif
