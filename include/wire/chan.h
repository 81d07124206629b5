/*
 * chan: the secure channel of one session, without any I/O. Bytes are fed and
 * taken; two ends can be joined in a test without a socket.
 *
 *   feed bytes  ->  next event  ->  ... send ...  ->  out bytes, drop them
 *
 * States: preamble, msg1, msg2, msg3, decide, up, closed. p2pmsg-protocol(7),
 * "Preamble and versions", "Handshake", "Records".
 *
 * The owner asks chan_next until it says ERR_WAIT. Any other error is final: take
 * what chan_out still has, if anything, then close the connection.
 */
#ifndef WIRE_CHAN_H
#define WIRE_CHAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"
#include "wire/chan_pool.h"
#include "wire/chan_sides.h"
#include "wire/frame.h"
#include "wire/proto.h"

struct chan;

enum { CHAN_HASH_BYTES = 64 };

enum chan_event_type {
	/* The other side proved ev.peer: answer with chan_accept, or chan_close and
	 * close the connection. An initiator has not sent msg3 yet; so its own
	 * certificate has not left. */
	CHAN_PEER = 1,
	CHAN_UP, /* after chan_accept: records may flow */
	/* ev.record: CTRL, MSG, PING or PONG, in form; borrowed until the next
	 * chan_next or chan_feed. PING and PONG carry 8 bytes, the others at least
	 * one. */
	CHAN_RECORD,
	/* The other side said CLOSE: ev.code, ev.reason (UTF-8, borrowed likewise). */
	CHAN_CLOSED,
	CHAN_REFUSED /* P2PE, not authenticated: ev.code, ev.refused_min and _max */
};

struct chan_event {
	enum chan_event_type type;
	const struct chan_peer *peer;
	struct record record;
	uint16_t code;
	struct slice reason;
	uint8_t refused_min, refused_max;
};

/* For the trace verb: each frame as it crosses the wire. */
enum chan_stage { CHAN_STAGE_PREAMBLE, CHAN_STAGE_HANDSHAKE, CHAN_STAGE_RECORD };
struct chan_trace {
	enum chan_stage stage;
	bool is_out;
	struct slice wire; /* all bytes of the frame, length prefix included */
	struct record record; /* its meaning, for CHAN_STAGE_RECORD */
};
typedef void chan_trace_fn(void *ctx, const struct chan_trace *t);

/* An initiator's: target is the node it wants (NULL: any), and the preamble and
 * msg1 are ready in chan_out. */
struct chan *chan_dial_new(const struct chan_config *cfg, const struct id32 *target);
/* A responder's. */
struct chan *chan_listen_new(const struct chan_config *cfg);
/* Wipes. NULL is fine. */
void chan_free(struct chan *c);

/* Takes as many bytes as its buffer has room for, at least one whole frame's
 * worth when all events were taken; *used says how many. During the handshake that
 * is little, and none at all may be taken while chan_accept is waited for: keep the
 * rest and feed it later. */
enum err chan_feed(struct chan *c, struct slice bytes, size_t *used);
/* ERR_OK with an event; ERR_WAIT; ERR_PROTO, ERR_AUTH, ERR_VERSION, ERR_IDENTITY,
 * ERR_LIMIT (keys used up): final. */
enum err chan_next(struct chan *c, struct chan_event *ev);
/* The stream ended: ERR_OK after a CLOSE of either side, else ERR_TRUNCATED. */
enum err chan_eof(const struct chan *c);

/* ERR_BUG when there is nothing to accept. */
enum err chan_accept(struct chan *c);
/* Seals one record. ERR_FULL: it would not fit within out_max, nothing was taken;
 * ERR_LIMIT: the keys are used up; ERR_RANGE: no such record may be sent (an unknown
 * kind, a payload too long); ERR_BUG: records may not flow. A REKEY goes first when
 * it is due; KIND_REKEY may also be sent at any time. */
enum err chan_send(struct chan *c, uint8_t kind, uint8_t flags, struct slice payload);
/* Queues a CLOSE when records may flow, else nothing; nothing can be sent after.
 * reason is cut to 64 bytes; NULL is none. */
void chan_close(struct chan *c, uint16_t code, const char *reason);

/* Bytes for the wire, valid until the next call; drop what was written. */
struct slice chan_out(const struct chan *c);
void chan_drop(struct chan *c, size_t n);

/* Records may be sent: accepted, and neither side said CLOSE. */
bool chan_is_up(const struct chan *c);
/* True when a new handshake is due (24 h or 2^32 records). */
bool chan_is_worn(const struct chan *c);
/* The Noise handshake hash h, for channel binding; NULL before chan_accept. */
const uint8_t *chan_hash(const struct chan *c);
/* The peer once proved, else NULL. Lives as long as c. */
const struct chan_peer *chan_peer(const struct chan *c);
/* NULL: no tracing. An initiator's first bytes are told at once. */
void chan_trace_set(struct chan *c, chan_trace_fn *fn, void *ctx);

#endif
