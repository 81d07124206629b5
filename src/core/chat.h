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
/* The message that one answers. */
struct chat_reply {
	struct id32 author;
	struct id16 id;
	const char *excerpt; /* how it begins */
};

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

/* Says text to p, or to everybody on #lan when p is NULL, as soon as it is kept; re NULL:
 * it answers none. The first of how is what on_said gets. ERR_FULL: the queue is full; ERR_RANGE: empty, too
 * long or no UTF-8; ERR_UNREACHABLE: nobody is on #lan: then nothing follows. */
enum err chat_say(struct core *c, struct peer *p, struct slice text, bool is_action,
		  const struct chat_reply *re, const struct saying *how);
/* ERR_FULL: too much waits for p already (NULL: for #lan); ERR_UNREACHABLE: nobody is on
 * #lan. */
enum err chat_may_say(const struct core *c, const struct peer *p);

/* What comes in from s, and asks to be kept or shown. */
struct arrival {
	struct id16 id;
	struct slice conv;
	size_t n; /* bytes of text */
	const struct msg *knock; /* a TEXT that may be held as one; else NULL */
};
/* CODE_OK, or what to refuse it with. *is_lan: where it belongs. */
enum proto_code chat_admit(struct session *s, const struct arrival *a, bool *is_lan,
			   uint64_t *retry_s);
/* A message of somebody else that is kept now. */
void chat_show(struct core *c, const struct store_message *kept);
/* It is to be kept, but cannot be now: not acknowledged, so it comes again. */
void chat_not_kept(struct core *c, struct session *s, const struct id16 *id, enum err e,
		   const char *why);
void chat_free_sayings(struct core *c);
void chat_free(struct core *c);

#endif
