/*
 * chat: what is said: the conversations of two, and #lan, in and out.
 */
#ifndef CORE_CHAT_H
#define CORE_CHAT_H

#include "core/emit.h"
#include "core/outbox.h"
#include "core/session.h"

/* B2b-16("p2pmsg-convid-v1"; the smaller id || the larger one). */
void conv_of(const struct id32 *a, const struct id32 *b, struct id16 *out);
/* B2b-16("p2pmsg-convid-v1"; "#lan"). */
void conv_lan(struct id16 *out);

/* max(seen) + 1 is what we send next; a number far ahead is clamped. What is kept of a
 * message that has got. */
uint64_t chat_lamport(uint64_t *seen, uint64_t got);

/* Something said, on its way to the store. */
struct saying {
	struct list node;
	struct core *core;
	struct object *obj;
	struct reply_to to;
	bool has_wait;
	uint64_t wait_s;
	bool is_lan;
	struct id32 peer; /* unless it is for #lan */
	void *ctx; /* of on_said */
	/* It is kept, and on its way; or not, and why is for people. p is NULL for #lan,
	 * and for one who was forgotten meanwhile. */
	void (*on_said)(const struct saying *s, struct peer *p, enum err e,
			const char *why);
};

/* Says text to p, or to everybody on #lan when p is NULL, as soon as it is kept. The
 * first of how is what on_said gets. ERR_FULL: the queue is full; ERR_RANGE: empty, too
 * long or no UTF-8; ERR_UNREACHABLE: nobody is on #lan: then nothing follows. */
enum err chat_say(struct core *c, struct peer *p, struct slice text, bool is_action,
		  const struct saying *how);
void chat_free_sayings(struct core *c);
void chat_free(struct core *c);

#endif
