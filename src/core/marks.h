/*
 * marks: what is done to messages: edits, deletions and reactions of ours on their way
 * out, and what front ends are told of anybody's.
 */
#ifndef CORE_MARKS_H
#define CORE_MARKS_H

#include "core/emit.h"
#include "core/outbox.h"
#include "core/session.h"

struct mark {
	enum msg_type type; /* MSG_EDIT, MSG_DELETE, MSG_REACTION */
	struct id16 target;
	struct id32 author; /* of the target */
	struct slice text;
	uint64_t after; /* the lamport of what it takes the place of */
};

/* One of ours, on its way to the store. */
struct marking {
	struct list node;
	struct core *core;
	struct object *obj;
	struct reply_to to;
	bool has_wait, is_lan;
	uint64_t wait_s;
	struct id32 peer; /* unless it is for #lan */
	/* As chat_say's; ERR_EXISTS: it changes nothing, ERR_MISSING: the message is
	 * gone. */
	void (*on_marked)(const struct marking *k, struct peer *p, enum err e,
			  const char *why);
};

/* Keeps it, then sends it to p, or to everybody on #lan when p is NULL. Errors as of
 * chat_say. */
enum err marks_put(struct core *c, struct peer *p, const struct mark *k,
		   const struct marking *how);
void marks_free_all(struct core *c);

/* The event: by did this in the conversation with p, or on #lan. */
void marks_tell(struct core *c, const struct peer *p, const struct id32 *by,
		const struct mark *k);

#endif
