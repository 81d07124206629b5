/*
 * session: one secure connection to one device of one peer.
 *
 * Phases:  WAITING      proved, accepted, records may not flow yet
 *          HELLO        up; both sides owe a HELLO
 *          PROVISIONAL  as HELLO, but its certificate is not in a device list we
 *                       hold: the HELLO must bring one
 *          LIVE         everything flows
 *          DEAD         unhooked; freed at the end of the tick
 * p2pmsg-protocol(7), "Handshake", "Duplicates", "Records".
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core/core_state.h"
#include "core/peer.h"

enum session_phase {
	SESSION_WAITING,
	SESSION_HELLO,
	SESSION_PROVISIONAL,
	SESSION_LIVE,
	SESSION_DEAD,
	SESSION_PHASES
};

struct session {
	struct core *core;
	struct peer *peer; /* outlives it until it is DEAD */
	struct list of_peer, of_guests, of_dirty, of_dead;
	link_id link;
	uint64_t birth; /* order among all sessions */
	enum session_phase phase;
	bool is_initiator;
	bool is_provisional; /* decided at on_peer; until it is LIVE */
	bool is_leaving; /* a duplicate that the other side shall close */
	bool is_full; /* link said FULL: wait for on_room */
	bool is_dirty;
	struct cert cert;
	struct id16 boot;
	struct addr remote;
	uint64_t up_us, up_ms;
	uint64_t hello_us, hello_ms; /* when HELLO came, and what their clock said; 0 */
	uint64_t heard_us; /* last complete record */
	uint64_t probe_us; /* asked then for a sign of life; 0: not asked */
	uint8_t hash[CHAN_HASH_BYTES]; /* of the handshake, once it is up */
	char log_id[9]; /* first bytes of the session id, for people and logs */

	struct timer timer; /* HELLO limit, then idle pings */

	/* outgoing */
	struct list inflight; /* struct item, in the order sent */
	unsigned n_inflight;
	size_t inflight_bytes;
	struct buf batch; /* MSG objects that wait for the end of the tick */
	struct buf ctrl; /* CTRL objects, each u16 length before it */
	struct buf acks; /* ids, MSG_IDS_STEP each */
	unsigned strange_acks;
};

/* Events of the link; see link.h. */
void session_on_peer(struct core *c, link_id id, const struct link_peer *p);
void session_on_up(struct core *c, link_id id, const struct link_peer *p);
void session_on_record(struct core *c, link_id id, const struct record *r);
void session_on_room(struct core *c, link_id id);
/* False when the link was not a session's. */
bool session_on_down(struct core *c, link_id id, enum err why, uint16_t code,
		     struct slice reason);

/* Ends it from our side; no-op when it is DEAD. */
void session_close(struct session *s, enum proto_code code, const char *reason);
/* A CTRL message, sent at the end of the tick, before any MSG. */
void session_ctrl(struct session *s, const struct msg *m);
void session_ack(struct session *s, const struct id16 *id);
void session_nack(struct session *s, const struct id16 *id, enum proto_code code,
		  uint64_t retry_s);
/* A MSG that is not acknowledged, at once. ERR_FULL: not now. */
enum err session_loose(struct session *s, const struct msg *m);
/* A PING with these 8 bytes, at once. */
void session_ping(struct session *s, const uint8_t token[static PROTO_PING_BYTES]);
/* The network changed: an answer must come within 5 s, or the session is closed. */
void session_probe(struct session *s);
/* Something waits to be sent: at the end of the tick. */
void session_mark(struct session *s);
/* Sends what waits, as far as link and window allow. */
void session_flush(struct session *s);

/* HELLO has come and is good. */
void session_live(struct session *s);
/* Frees the dead; end of the tick. */
void session_sweep(struct core *c);

/* The handlers, one for each row of msg_def.h (on_ctrl.c, on_chat.c). ERR_PROTO
 * and others of class PEER close the session. */
#define M(NAME, name, number, kind, phases) \
	enum err on_##name(struct session *s, const struct msg *m);
MSG_TABLE(M)
#undef M

#endif
