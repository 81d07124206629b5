/*
 * contact: people the user has dealt with, as the store keeps them, and what a start
 * asks the store for.
 */
#ifndef CORE_CONTACT_H
#define CORE_CONTACT_H

#include "core/peer.h"

/* Kinds of store_record. The numbers are on disk. */
enum record_kind {
	RECORD_CONTACT = 1,
	RECORD_KNOCK = 2,
	RECORD_CONVERSATION = 4,
	RECORD_KEEP = 20,
	RECORD_FORGETTING = 21,
	RECORD_CALENDAR = 22,
	RECORD_QUARANTINE = 255
};

/* Something of p changed that outlives this run: written at the end of the tick, if p is
 * a contact. Cheap. */
void contact_changed(struct peer *p);
/* It is no contact any more; what was said stays. */
void contact_remove(struct peer *p);
/* The user forgot it: with all that was said and what waits for it. False: the store is
 * too busy for all of it. */
bool contact_forget(const struct peer *p);
/* Writes what changed. */
void contact_flush(struct core *c);
/* What a record of RECORD_CONTACT says; borrowed from it. */
struct contact_words {
	struct id32 id;
	struct slice nick, alias, tags;
	const char *trust;
	uint64_t met_ms, seen_ms;
};
/* ERR_CORRUPT. */
enum err contact_read(const struct store_record *r, struct contact_words *out);
/* Somebody whom the store has just been told of: known from now on, unless it is already. */
void contact_take(struct core *c, const struct store_record *r);
/* Asks the store who is known, and what waits for whom; core_is_ready when it is told. */
void contact_load(struct core *c);
/* Somebody is there. Of those who are no contacts nothing was loaded: if something was
 * said before, the order of the conversation goes on from there. */
void contact_met(struct peer *p);

#endif
