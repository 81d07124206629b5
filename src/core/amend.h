/*
 * amend: what is done to a message that is kept already: edited, deleted, reacted to,
 * read. It is done in the store's thread, inside the transaction that keeps the cause, so
 * that it survives whatever the cause survives. Whatever the order things come in, the
 * outcome is the same: an edit or a reaction counts by its lamport, and what is deleted
 * stays deleted.
 */
#ifndef CORE_AMEND_H
#define CORE_AMEND_H

#include "base/buf.h"
#include "base/ids.h"
#include "store/store.h"

enum amend_kind {
	AMEND_EDIT, /* by: the author */
	AMEND_DELETE, /* by: the author */
	AMEND_REACTION, /* by: anybody of the conversation */
	AMEND_STATE, /* by: the recipient, who has it, or has read it */
	AMEND_SHOWN, /* its time begins to run */
	AMEND_REPLY, /* the message that it answers was there */
	AMEND_KINDS
};

struct amend {
	enum amend_kind kind;
	struct id16 conv; /* the message must be of this conversation */
	struct id32 by;
	uint64_t lamport;
	uint64_t now_ms; /* by our clock */
	enum store_state state; /* AMEND_STATE */
};

/* For req->arg; text is of edits and reactions. Borrowed from b, which is the
 * caller's to wipe. */
struct slice amend_pack(struct buf *b, const struct amend *a, struct slice text);
/* What was packed; false: it makes no sense. *text borrows from arg. */
bool amend_unpack(struct slice arg, struct amend *a, struct slice *text);

/* store_amend_fn. ERR_EXISTS: it changes nothing; ERR_REFUSED: it may not be done by
 * this one, or in this conversation; ERR_RANGE: what is kept makes no sense; ERR_LIMIT:
 * too many have reacted already. */
enum err amend_apply(struct slice arg, struct store_message *m, uint8_t *room);

#endif
