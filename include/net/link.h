/*
 * link: the port through which core reaches the network. net implements it over
 * libuv, the simulation in memory. A link is one connection carrying one chan; it
 * is named by a number that is never 0 and never used again in a run.
 *
 * All calls and all events happen on the loop's thread. Events are never
 * delivered from inside a call of link_ops.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"
#include "wire/chan.h"

typedef uint64_t link_id;

struct link_ops {
	/* Starts a connection; target NULL: whoever answers; is_rumour: nobody whom we
	 * trust says that somebody is there, so it is not worth a long wait. The outcome
	 * comes as on_peer or on_down. ERR_LIMIT, ERR_UNREACHABLE at once where
	 * known. */
	enum err (*dial)(void *net, const struct addr *to, const struct id32 *target,
			 bool is_rumour, link_id *out);
	/* The answer to on_peer; on_up follows (not from inside this call). */
	void (*accept)(void *net, link_id id);
	/* One record. ERR_FULL: wait for on_room; ERR_UNKNOWN: no such link. */
	enum err (*send)(void *net, link_id id, uint8_t kind, uint8_t flags,
			 struct slice payload);
	/* Says CLOSE where records may flow, writes what waits (for 2 s at most) and
	 * ends the connection. No more events for this id. */
	void (*close)(void *net, link_id id, uint16_t code, const char *reason);
	/* Reading stops until told otherwise: back-pressure. */
	void (*pause)(void *net, link_id id, bool paused);
	/* on_trace for this link from now on; id 0: for all links, new ones too. */
	void (*trace)(void *net, link_id id, bool on);
	/* True when the link's keys are due for a new handshake. */
	bool (*is_worn)(void *net, link_id id);
};

struct link_peer {
	const struct chan_peer *peer; /* borrowed for the call */
	const uint8_t *hash; /* CHAN_HASH_BYTES; NULL before it is up */
	struct addr remote;
	bool is_initiator; /* we dialled */
};

struct link_events {
	/* The other side proved who it is. Answer with accept or close, now or
	 * within the handshake's time. */
	void (*on_peer)(void *ctx, link_id id, const struct link_peer *p);
	/* Records may flow; p->hash is set. */
	void (*on_up)(void *ctx, link_id id, const struct link_peer *p);
	/* CTRL, MSG, PING or PONG; borrowed for the call. */
	void (*on_record)(void *ctx, link_id id, const struct record *r);
	/* After ERR_FULL: there is room again. */
	void (*on_room)(void *ctx, link_id id);
	/* The link is gone: why, and the other side's CLOSE code and reason when it
	 * said one (why is ERR_OK then), or the P2PE code with ERR_VERSION. */
	void (*on_down)(void *ctx, link_id id, enum err why, uint16_t code,
			struct slice reason);
	void (*on_trace)(void *ctx, link_id id, const struct chan_trace *t);
};

#endif
