/*
 * knock: with accept_from = contacts, the one text of a stranger, which is held apart
 * from all that was said until the user lets that person in. It is kept on disk, so that
 * no restart makes room for another. p2pmsg-protocol(7), "Message semantics".
 */
#ifndef CORE_KNOCK_H
#define CORE_KNOCK_H

#include "core/session.h"

enum { KNOCK_TEXT_BYTES = 512, KNOCKS_MAX = 256 };

struct knock {
	struct id16 id; /* of the message */
	bool is_kept; /* on disk, so it was acknowledged */
	uint64_t at_ms;
	char text[KNOCK_TEXT_BYTES + 1];
	uint16_t len;
	uint8_t object[]; /* as it came */
};

/* CODE_OK, or what a stranger's text is refused with. */
enum proto_code knock_check(const struct peer *p, const struct msg *m, uint64_t *retry_s);
/* Holds it; acknowledged when it is kept. An error: it was not taken. */
enum err knock_take(struct session *s, const struct msg *m);
/* The user lets p in: what it said stands in the conversation from now on. */
void knock_accept(struct peer *p);
/* The user does not. */
void knock_drop(struct peer *p);
/* Memory only. */
void knock_wipe(struct peer *p);
/* At the start, after the contacts. */
void knock_load(struct core *c);

#endif
