/*
 * outbox: messages on their way to a peer: queued, sent (on a session, not yet
 * acknowledged), delivered. p2pmsg-protocol(7), "Message semantics".
 *
 * All that waits is in the store. In memory, in the order of the store, are the next
 * ones for a peer who is online; who goes away leaves none. What is for #lan, and all
 * of a node that keeps nothing, is in memory only.
 */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "core/session.h"

/* One message on its way to one peer. */
struct item {
	struct list node; /* in peer->queue or session->inflight */
	struct object *obj;
	uint64_t seq; /* order among all for this peer */
	uint64_t until_us; /* #lan: not after this; 0: no limit */
	uint64_t not_before_us; /* the other side asked for patience */
	bool is_told_sent;
};

/* One message as it goes on the wire; #lan's is shared by many items. */
struct object {
	struct item first; /* the first one's; saves an allocation per message */
	unsigned refs;
	struct id16 id;
	char id_text[33]; /* as events show it */
	bool is_lan;
	bool is_delivered; /* somebody acknowledged it */
	uint16_t len;
	uint8_t bytes[];
};

/* A copy of bytes with one reference, the caller's. */
struct object *object_new(const struct id16 *id, bool is_lan, struct slice bytes);
void object_release(struct object *o);

/* The store keeps it for p now, as item seq: on its way if p is online; o is the
 * caller's. */
void outbox_kept(struct peer *p, struct object *o, uint64_t seq);
/* Nobody keeps it but the queue. */
void outbox_unkept(struct peer *p, struct object *o);
/* To everybody who is online. */
void outbox_add_lan(struct core *c, struct object *o);
/* ERR_UNREACHABLE: nobody is online; ERR_FULL: too much waits for everybody. */
enum err outbox_may_add_lan(const struct core *c);
/* The peer is online: fetches what waits for it. */
void outbox_load(struct peer *p);
/* So much waits in the store, by its own word. */
void outbox_counted(struct peer *p, uint64_t n);
/* Moves what the window allows into records; ERR_FULL of the link. */
enum err outbox_send(struct session *s);
/* The session ended: what it had not delivered stands first in the queue again, in
 * its old order. */
void outbox_return(struct session *s);
/* No session is left: the queue is the store's alone. */
void outbox_unload(struct peer *p);
/* One acknowledged id. False when nothing of that id was under way. */
bool outbox_acked(struct session *s, const uint8_t id[static 16]);
/* One refused id. */
bool outbox_nacked(struct session *s, const uint8_t id[static 16], unsigned code,
		   uint64_t retry_s);
/* Drops everything queued for p, with events. */
void outbox_clear(struct peer *p);

/* It waits no longer, by the store's word. False: it is on its way on a session. */
bool outbox_drop(struct peer *p, const struct id16 *id);
/* As outbox_drop; the store and, when it has taken it out, people are told that it
 * failed. False also when the store is too busy. */
bool outbox_cancel(struct peer *p, const struct id16 *id);
/* What the other side asked patience for goes now. */
void outbox_hurry(struct peer *p);
/* Is it on a session? */
bool outbox_is_sent(const struct peer *p, const struct id16 *id);

/* An event about an outgoing message. */
void outbox_tell(struct peer *p, const struct object *o, const char *state,
		 const char *why);

#endif
