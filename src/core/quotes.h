/*
 * quotes: how the message begins that another one answers. It is looked up while the
 * answer is being kept, and nothing of it is kept itself: what is deleted or has expired
 * must not live on in the answers.
 */
#ifndef CORE_QUOTES_H
#define CORE_QUOTES_H

#include "core/kept.h"

struct quote {
	struct list node;
	struct id32 author; /* of the answer */
	struct id16 id;
	bool is_asked; /* the store looks for it */
	bool is_known;
	char reply_to[33];
	char excerpt[KEPT_EXCERPT_BYTES + 8];
	struct store_message *held; /* the answer, to be shown when this is known */
};

/* m, a TEXT of p, is about to be kept: if it answers a message that is here, that is
 * kept with it, and its beginning is known when it is shown. */
void quotes_ask(struct peer *p, const struct msg *m);
void quotes_add(struct core *c, const struct id32 *author, const struct id16 *id,
		const struct id16 *reply_to, const char *excerpt);
/* True: it is kept before the message that it answers was found; chat_show shows it. */
bool quotes_hold(struct core *c, const struct store_message *kept);
/* Puts what is known into s, to be freed (mem_free) after s was shown; NULL: nothing. */
struct quote *quotes_take(struct core *c, struct shown *s,
			  const struct store_message *kept);
void quotes_free_all(struct core *c);

#endif
