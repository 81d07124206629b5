/*
 * rival: other keys that use the name of a contact, or one that looks like it. Until the
 * user has decided whom the name means, it means nobody for what is sent.
 * p2pmsg-protocol(7), "Trust".
 */
#ifndef CORE_RIVAL_H
#define CORE_RIVAL_H

#include "core/peer.h"

enum { RIVALS_MAX = 32, RIVAL_BYTES = 1 + 32 };

/* The numbers are on disk. */
enum rival_state {
	RIVAL_NONE = 0,
	RIVAL_OPEN = 1, /* nobody has decided */
	RIVAL_OTHER = 2, /* somebody else, who is not meant by the name */
	RIVAL_HEIR = 3 /* it is that key's name now */
};

struct rival {
	struct id32 id;
	enum rival_state state;
};

/* p has a nick that it had not, or has become a contact: is it somebody's rival, or has
 * it some? Warns. */
void rival_look(struct peer *p);

enum rival_state rival_state(const struct peer *p, const struct id32 *id);
bool rival_is_open(const struct peer *p);
/* The contact whose undecided rival p is, or NULL. */
struct peer *rival_holder(const struct peer *p);
/* The user's word; tells when that changes how the trust is shown. */
void rival_decide(struct peer *p, const struct id32 *id, enum rival_state state);
/* All that are undecided are other people. How many these were. */
unsigned rival_decide_all(struct peer *p);
/* The user lets this key in no more: whoever's rival it is, it is not meant. */
void rival_blocked(const struct peer *rival);

/* Those undecided, with their ids; "": none. */
void rival_list(const struct peer *p, char *out, size_t max);
/* Who it is, and what to type; who: the name as the user typed it. */
void rival_explain(const struct peer *p, const char *who, char *out, size_t max);

/* For the contact's record: RIVAL_BYTES each. */
void rival_put(struct buf *b, const struct peer *p);
void rival_take(struct peer *p, struct slice all);
void rival_wipe(struct peer *p);

#endif
