/*
 * kept: a message as the store keeps it, and as it is shown again. The body is a
 * MessagePack map: the object as it crossed the wire, and what it does not say.
 */
#ifndef CORE_KEPT_H
#define CORE_KEPT_H

#include "core/core_state.h"
#include "core/peer.h"

struct kept_body {
	uint64_t has;
	struct slice object; /* TEXT */
	struct slice peer; /* node id of the other one of a conversation of two */
	struct slice nick; /* what the author was called then */
	bool note; /* ours to the user, of the conversation itself; never sent */
};

/* For req->msg.body; ERR_RANGE when a part is too long. b is the caller's. */
enum err kept_encode(struct buf *b, const struct kept_body *body);

/* What its body holds, borrowed from it; ERR_CORRUPT. */
enum err kept_read(const struct store_message *kept, struct kept_body *out);
/* Does the body belong to this message? ERR_CORRUPT, and *why for people. */
enum err kept_check(const struct store_message *kept, const char **why);
/* The text of a kept message, borrowed from its body; from any thread. */
enum err kept_text(const struct store_message *kept, struct slice *out);

/* A message to be shown: an event, and the texts that it points to. */
struct shown {
	struct event ev;
	struct msg msg; /* borrows from the kept body */
	char id[33];
	/* of somebody who is not known any more */
	char peer[NODE_ID_COMPACT_BYTES];
	char name[PROTO_NICK_BYTES + 16];
	char nick[PROTO_NICK_BYTES + 1];
	char small[256];
	char *text; /* small, or the heap's */
};

/* EVENT_MESSAGE. ERR_CORRUPT: the body makes no sense. */
enum err shown_init(struct shown *s, const struct core *c,
		    const struct store_message *kept);
/* The same of a TEXT of ours to p, or to #lan when p is NULL; and of one of p's. */
void shown_said(struct shown *s, const struct core *c, const struct msg *m,
		const struct peer *p);
void shown_heard(struct shown *s, const struct msg *m, const struct peer *p, bool is_lan);
void shown_wipe(struct shown *s);

#endif
