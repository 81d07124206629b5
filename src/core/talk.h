/*
 * talk: what the verbs that say something have in common.
 */
#ifndef CORE_TALK_H
#define CORE_TALK_H

#include "core/chat.h"
#include "core/command.h"

enum { TALK_WAIT_MAX_S = 86400 };

/* chat_say; the replies to the command follow from its outcome. re NULL: no reply. */
void talk_say(struct call *call, struct peer *p, const char *text, const char *wait,
	      bool is_action, const struct chat_reply *re);
/* It was not taken: why, as an error of the command. p NULL: #lan. */
void talk_failed(struct call *call, const struct peer *p, enum err e);
/* It is kept: SENT, and DONE, or what comes of waiting. */
void talk_done(struct core *c, struct reply_to to, struct peer *p, const struct object *o,
	       bool has_wait, uint64_t wait_s);

#endif
