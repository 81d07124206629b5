/*
 * forget: removes what was said from the store, a part at a time, so that others write
 * between the parts. What is to be forgotten is a record until it is: a start goes on
 * where a crash has ended it.
 */
#ifndef CORE_FORGET_H
#define CORE_FORGET_H

#include "core/emit.h"

/* All that was said in a conversation, and what waits for peer; NULL: what waits stays.
 * What is said from now on is kept. to: is told when it is done; NULL: nobody is. False:
 * the store is too busy, as `to` was told. */
bool forget_conv(struct core *c, const struct id16 *conv, const struct id32 *peer,
		 const struct reply_to *to);
/* In all of them. What waits, waits on, but nobody can look it up any more. */
void forget_all(struct core *c, const struct reply_to *to);
/* Goes on with what an earlier run has not finished; core_is_ready when it is under way. */
void forget_load(struct core *c);

#endif
