/*
 * kept: a message as the store keeps it, and as it is shown again. The body is a
 * MessagePack map: the object as it crossed the wire, what it does not say, and what was
 * done to it since.
 */
#ifndef CORE_KEPT_H
#define CORE_KEPT_H

#include "core/core_state.h"
#include "core/peer.h"

enum {
	KEPT_REACTIONS_MAX = 64, /* authors of reactions to one message */
	KEPT_REACTION_BYTES = 32 + 8 + 1 + PROTO_REACTION_BYTES, /* at most */
	KEPT_EXCERPT_BYTES = 80 /* of the message that a reply is about */
};

/* Nothing that is kept has a larger one: there is always room for what comes next. */
#define KEPT_LAMPORT_MAX (PROTO_NUMBER_MAX / 2)

struct kept_body {
	uint64_t has; /* kept_encode looks at the bits of edits only */
	struct slice object; /* TEXT; empty: deleted */
	struct slice peer; /* node id of the other one of a conversation of two */
	struct slice nick; /* what the author was called then */
	bool note; /* ours to the user, of the conversation itself; never sent */
	struct slice text; /* KEPT_EDITED: instead of the object's */
	uint64_t edited_ms, edit_lamport;
	bool is_deleted;
	bool is_reply; /* the message that it answers was there */
	struct slice reactions; /* see below */
	uint64_t late_s; /* on its way for so long */
};
#define KEPT_EDITED MSG_HAS(3)

/* One author's reaction, newest word; an empty text: taken back. */
struct kept_reaction {
	struct id32 author;
	uint64_t lamport;
	struct slice text;
};

/* For req->msg.body; ERR_RANGE when a part is too long. b is the caller's. */
enum err kept_encode(struct buf *b, const struct kept_body *body);
/* Borrows from bytes; from any thread. m is the TEXT unless body->is_deleted. */
enum err kept_decode(struct slice bytes, struct kept_body *body, struct msg *m);

/* What its body holds, borrowed from it; ERR_CORRUPT. */
enum err kept_read(const struct store_message *kept, struct kept_body *out);
/* Does the body belong to this message? ERR_CORRUPT, and *why for people. What was said
 * to somebody stays as it was when it moves with a name to another conversation. */
enum err kept_check(const struct store_message *kept, bool may_have_moved,
		    const char **why);
/* The text of a kept message as it is now, borrowed from its body; from any thread.
 * ERR_MISSING: it was deleted. */
enum err kept_text(const struct store_message *kept, struct slice *out);

/* The first words of a text, on one line. */
void kept_excerpt(struct slice text, char out[static KEPT_EXCERPT_BYTES + 8]);

/* The next reaction at c; false at the end, or (c->failed) when it makes no sense. */
bool kept_reaction_get(struct cur *c, struct kept_reaction *out);
enum err kept_reaction_put(struct buf *b, const struct kept_reaction *r);

/* A message to be shown: an event, and the texts that it points to. */
struct shown {
	struct event ev;
	struct kept_body body;
	struct msg msg; /* borrows from the kept body */
	char id[33], reply_to[33];
	/* of somebody who is not known any more */
	char peer[NODE_ID_COMPACT_BYTES];
	char name[PROTO_NICK_BYTES + 16];
	char nick[PROTO_NICK_BYTES + 1];
	char small[256];
	char excerpt[KEPT_EXCERPT_BYTES + 8];
	char *text; /* small, or the heap's */
	char *reactions; /* NULL: none */
};

/* EVENT_MESSAGE. ERR_CORRUPT: the body makes no sense. */
enum err shown_init(struct shown *s, const struct core *c,
		    const struct store_message *kept);
/* The same of a TEXT of ours to p, or to #lan when p is NULL; and of one of p's. */
void shown_said(struct shown *s, const struct core *c, const struct msg *m,
		const struct peer *p);
void shown_heard(struct shown *s, const struct msg *m, const struct peer *p, bool is_lan);
/* What its author says now of the message that it answers, if that is this one. */
void shown_answers(struct shown *s, const struct store_message *kept);
void shown_wipe(struct shown *s);

#endif
