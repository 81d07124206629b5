/*
 * conn: one socket that carries one chan. Reads, writes once a tick, and holds the
 * deadlines of its states:
 *
 *   connecting -> handshake -> asked -> up -> closing -> dead
 *
 * A bulk connection goes no further than handshake: then its socket is another's.
 *
 * asked: the other side is proved, and core is to accept or close. closing: core
 * knows it no more; what waits is written, then the other side's end is awaited, for
 * 2 s at most. dead: the socket is closed; freed at the end of the tick.
 *
 * Owner: net, through its lists.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "net/net_state.h"

#define CONN_STATE_TABLE(X) \
	X(NEW, new) \
	X(CONNECTING, connecting) \
	X(HANDSHAKE, handshake) \
	X(ASKED, asked) \
	X(UP, up) \
	X(CLOSING, closing) \
	X(DEAD, dead)

enum conn_state {
#define X(NAME, name) CONN_##NAME,
	CONN_STATE_TABLE(X)
#undef X
};

struct conn {
	struct net *net;
	link_id id;
	int fd;
	struct io *io;
	struct chan *chan; /* NULL while connecting, and of a bulk connection we dial */
	struct bulk_shake *bulk; /* of one that is, or may be, a bulk connection */
	struct addr remote;
	enum conn_state state;
	bool is_initiator;
	bool is_known; /* core has heard the id: it is owed an on_down */
	bool is_paused;
	bool is_blocked; /* the socket takes no more for now */
	bool is_mute; /* writing has failed; reading will say why */
	bool is_shut; /* our end is said */
	bool wants_room; /* core was told ERR_FULL */
	bool is_traced; /* this link was asked for */
	bool is_watched; /* its chan tells of frames */
	bool has_target;
	struct id32 target;
	struct gate_slot slot; /* while half-open, of accepted ones */
	struct timer deadline;
	struct buf rest; /* read, but not taken when core paused or was asked */
	struct list of_all; /* in all, or in dead */
	struct list of_busy;
};

/* Takes fd. ERR_LIMIT; then fd is closed. The state is NEW. */
enum err conn_new(struct net *n, int fd, const struct addr *remote, struct conn **out);
/* A dialled one whose connect is under way. */
void conn_connect(struct conn *c, const struct id32 *target, uint64_t timeout_ms);
/* An accepted one that has its place at the gate. */
void conn_listen(struct conn *c);
/* Takes bytes that have been read. */
void conn_pump(struct conn *c, struct slice in);
/* Lets go of the socket, which is the caller's; the conn is dead. */
int conn_release(struct conn *c);
/* At the end of the tick; dead ones only. */
void conn_free(struct conn *c);

/* From the loop only, never from inside link_ops: tells core, when it knows it. */
void conn_fail(struct conn *c, enum err why, uint16_t code, struct slice reason);
void conn_fail_plainly(struct conn *c, enum err why);
/* No events any more. */
void conn_kill(struct conn *c);
/* Says CLOSE where it can, and ends in its own time. */
void conn_close(struct conn *c, uint16_t code, const char *reason);

/* For what link_ops asks; outcomes come at the end of the tick. */
void conn_accept(struct conn *c);
enum err conn_send(struct conn *c, uint8_t kind, uint8_t flags, struct slice payload);
void conn_pause(struct conn *c, bool is_paused);
/* After a change of its is_traced or of net's is_tracing. */
void conn_trace_update(struct conn *c);

/* Its part of the end of the tick. */
void conn_tick(struct conn *c);
/* Writes what it can, now. */
void conn_flush(struct conn *c);
/* All is written, as far as it will ever be. */
bool conn_is_written(const struct conn *c);

/* ---- bulk_link.c ---- */

/* An accepted one that may be a bulk connection; nothing when none are taken. */
void bulk_link_listen(struct conn *c);
/* Its connect has succeeded. */
void bulk_link_connected(struct conn *c);
/* There is something to read. */
void bulk_link_read(struct conn *c);
/* One of ours has failed. */
void bulk_link_tell_failed(struct conn *c, enum err why);
/* NULL is fine. */
void bulk_shake_free(struct bulk_shake *b);

const char *conn_state_str(enum conn_state s);

#endif
