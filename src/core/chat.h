/*
 * chat: what is said: the conversations of two, and #lan, in and out.
 */
#ifndef CORE_CHAT_H
#define CORE_CHAT_H

#include "core/emit.h"
#include "core/session.h"

/* B2b-16("p2pmsg-convid-v1"; the smaller id || the larger one). */
void conv_of(const struct id32 *a, const struct id32 *b, struct id16 *out);
/* B2b-16("p2pmsg-convid-v1"; "#lan"). */
void conv_lan(struct id16 *out);

/* Sends text to p, or to everybody on #lan when p is NULL. ERR_FULL: the queue is
 * full; ERR_RANGE: empty, too long or no UTF-8; ERR_UNREACHABLE: nobody is on
 * #lan. *id_out is the new message's. */
enum err chat_say(struct core *c, struct peer *p, struct slice text, bool is_action,
		  struct id16 *id_out);
void chat_free(struct core *c);

#endif
