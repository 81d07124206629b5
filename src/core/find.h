/*
 * find: the message that a verb is about: the last one of a conversation, or the one whose
 * id begins so.
 */
#ifndef CORE_FIND_H
#define CORE_FIND_H

#include "core/command.h"
#include "core/kept.h"

struct found {
	struct id32 author;
	struct id16 id;
	enum store_state state;
	uint64_t lamport; /* the highest of what was done to it */
	char excerpt[KEPT_EXCERPT_BYTES + 8];
};

/* In a call of its own: the command as it was. p NULL: #lan. */
typedef void find_fn(struct call *call, struct peer *p, const struct found *f);

enum find_whose { FIND_MINE, FIND_OTHERS };

/* fn is called when there is one; else an error was sent, now or later. prefix NULL: the
 * last one of those; with it an own one is as good as another, unless it is MINE. */
void find_message(struct call *call, struct peer *p, enum find_whose whose,
		  const char *prefix, find_fn *fn);
void find_free_all(struct core *c);

#endif
