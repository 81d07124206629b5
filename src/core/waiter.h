/*
 * waiter: commands whose outcome is still open: a message that is to be delivered,
 * a PING under way, a list that shall listen first, a name that is not known yet.
 */
#ifndef CORE_WAITER_H
#define CORE_WAITER_H

#include "core/emit.h"
#include "core/session.h"

/* Until this message is delivered or refused, or wait_s is over (exit status 4). 0: it
 * is well when it is on its way, and 4 when it waits here for somebody who is away. */
void waiter_delivery(struct core *c, struct reply_to to, struct peer *p,
		     const struct id16 *id, uint64_t wait_s);
/* The same for n messages, all of which must be delivered; wait_s > 0. */
void waiter_all(struct core *c, struct reply_to to, const struct id16 *ids, unsigned n,
		uint64_t wait_s);
/* Sends a PING on s. */
void waiter_ping(struct session *s, struct reply_to to, uint64_t wait_s);
/* Runs the command again when the peers change, and at last after wait_ms, when it
 * must not wait any more. The command is copied. */
void waiter_again(struct core *c, struct reply_to to, const struct command *cmd,
		  uint64_t wait_ms);

/* code: of a NACK, with ERR_REFUSED. */
void waiter_on_outcome(struct core *c, const struct id16 *id, enum err e, unsigned code);
void waiter_on_pong(struct session *s, const uint8_t token[static PROTO_PING_BYTES]);
/* Somebody came or went. */
void waiter_on_peer(struct peer *p);
/* Drops those whose front end is gone; end of the tick. */
void waiter_sweep(struct core *c);
void waiter_free_all(struct core *c);

#endif
