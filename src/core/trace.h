/*
 * trace: the encrypted frames as they cross the wire, beside what they mean.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/emit.h"
#include "core/session.h"

/* p NULL: all links. is_on as the user said; toggles when it is on already. The
 * front end gets EVENT_TRACE until it is off, then EVENT_DONE. */
void trace_start(struct core *c, struct reply_to to, struct peer *p);
/* Ends this front end's traces of p (NULL: of all); false when there was none. */
bool trace_stop(struct core *c, uint64_t front, struct peer *p);
bool trace_is_on(const struct core *c, uint64_t front, const struct peer *p);
/* The peer will be forgotten: ends all traces of it. */
void trace_forget(struct core *c, const struct peer *p);
/* A new session: is it one that somebody watches? */
void trace_session(struct session *s);
void trace_on_frame(struct core *c, link_id id, const struct chan_trace *t);
/* Drops those of closed front ends. */
void trace_sweep(struct core *c);
void trace_free_all(struct core *c);

#endif
