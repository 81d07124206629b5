/*
 * outbox: messages on their way to a peer: queued, sent (on a session, not yet
 * acknowledged), delivered. In memory for now. p2pmsg-protocol(7), "Message
 * semantics".
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

/* Queues it for p and marks the session; takes a reference of its own. ERR_FULL
 * when queue_messages wait already (#lan is counted by itself). */
enum err outbox_add(struct peer *p, struct object *o);
/* Moves what the window allows into records; ERR_FULL of the link. */
enum err outbox_send(struct session *s);
/* The session ended: what it had not delivered stands first in the queue again, in
 * its old order. */
void outbox_return(struct session *s);
/* One acknowledged id. False when nothing of that id was under way. */
bool outbox_acked(struct session *s, const uint8_t id[static 16]);
/* One refused id. */
bool outbox_nacked(struct session *s, const uint8_t id[static 16], unsigned code,
		   uint64_t retry_s);
/* Drops everything queued for p, with events. */
void outbox_clear(struct peer *p);

/* An event about an outgoing message. */
void outbox_tell(struct peer *p, const struct object *o, const char *state,
		 const char *why);

#endif
