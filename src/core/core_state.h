/*
 * core_state: what the files of core share. Owner of everything here: core.c.
 */
#ifndef CORE_CORE_STATE_H
#define CORE_CORE_STATE_H

#include "base/list.h"
#include "base/map.h"
#include "core/core.h"
#include "wire/msg.h"

enum {
	CORE_EVENTS_KEPT = 2048,
	CORE_PEERS_MAX = 8192,
	CORE_PEERS_KEPT = 1024,
	CORE_FRONTS_MAX = 256
};

/* A token bucket; filled lazily. */
struct bucket {
	uint64_t at_us;
	uint32_t milli; /* thousandths of a token */
};

/* The clock as first read in this tick; 0: not read yet. Reading it for every event
 * would cost as much as sealing one. */
struct core_time {
	uint64_t now_us, wall_ms;
};

/* What calendar.c believes. */
struct calendar {
	uint64_t believed_ms, at_us; /* wall time, and when it was that */
	uint64_t ahead_ms; /* of that, the wall clock is; since then it went on evenly */
	uint64_t sure_us; /* believed then; 0: it is not ahead */
};

struct core {
	struct core_config cfg;
	struct core_time *time; /* reset by core_tick */
	struct id32 node_id;
	char id_text[NODE_ID_COMPACT_BYTES];
	struct id16 lan_conv;
	uint64_t started_us;
	bool is_kept; /* the store has the messages and what waits; else memory only */

	/* about ourselves, as others see it */
	char nick[PROTO_NICK_BYTES + 1];
	char status[PROTO_STATUS_BYTES + 1];
	bool is_away;
	char away_text[PROTO_STATUS_BYTES + 1]; /* instead of the status, while away */
	uint16_t port;
	struct timer profile_timer; /* set while a PROFILE waits for its 10 s */
	uint64_t profile_sent_us;

	/* surroundings */
	struct ifaces ifaces;
	char discovery[16];
	char *trouble; /* NULL: none */

	/* people and connections */
	struct map *peers; /* node_id -> struct peer */
	struct bucket rumoured; /* people announced to the front ends, not proved */
	struct bucket namesakes; /* warnings of those who use a contact's name */
	unsigned n_knocks; /* of strangers, that are held */
	struct map *by_conv; /* conversation of two -> struct peer */
	struct map *by_text; /* 56 characters of the id -> struct peer */
	struct map *sessions; /* link_id -> struct session */
	struct list guests; /* sessions of non-contacts, oldest first */
	unsigned n_guests;
	struct list unsaved; /* contacts that the store knows an older state of */
	struct timer save_timer; /* set: it failed, and is tried again then */
	struct bucket save_again; /* how often it is tried at once */
	struct list dirty; /* sessions with something to send at the end of the tick */
	struct list dead; /* sessions to be freed at the end of the tick */
	uint64_t next_session; /* their order of birth */

	/* dialling */
	struct map *cands; /* (id, address) -> struct cand (dialer.c) */
	struct map *attempts; /* link_id -> struct cand: dials in flight */
	struct list cands_order; /* struct cand, newest last */
	struct list rumours; /* of them, what nothing but mDNS speaks for */
	struct timer dial_timer;
	uint64_t dial_us; /* when the dialer last looked at them all */
	unsigned dials_unproved; /* in flight */

	struct buf scratch; /* one object or body being encoded */
	struct list sayings; /* struct saying: on their way to the store */
	struct list markings; /* marks.c; counted among the sayings */
	unsigned n_sayings;
	struct list rounds; /* tag.c: texts to many under way */
	struct list finds; /* find.c */
	unsigned n_finds;
	struct list quotes; /* quotes.c, oldest first */
	unsigned n_quotes;
	struct list
		unshown; /* expire.c: they disappear some time after they were shown */
	unsigned n_unshown;
	struct timer expire_timer;
	struct calendar calendar;
	unsigned n_loading; /* answers of the store without which nobody is let in */
	enum err load_err; /* the first that failed */

	/* #lan */
	uint64_t lan_lamport;
	uint64_t lan_expire_s; /* what we say is gone after that; 0: it stays */
	struct map *lan_ips; /* address -> struct lan_ip */
	bool is_not_kept; /* the store fails, and people were told */

	/* front ends and what they see */
	struct list fronts; /* struct front */
	unsigned n_fronts;
	uint64_t next_front;
	struct list commands; /* struct queued_command, in order */
	struct kept *kept; /* ring of CORE_EVENTS_KEPT; cursor c at c % size */
	uint64_t newest; /* cursor of the newest event, 0: none yet */
	uint64_t oldest; /* of the oldest that is kept; newest + 1: none is */
	size_t kept_bytes;
	struct list waiters; /* commands whose outcome is open (waiter.c) */
	unsigned n_waiters;
	struct sweep *sweep;
	struct list jobs; /* job.c */
	unsigned n_jobs;
	struct list pagers; /* history.c */
	unsigned n_pagers;
	struct list traces; /* trace.c */
	unsigned n_traces_all;
};

static inline uint64_t core_now_us(const struct core *c)
{
	if (c->time->now_us == 0)
		c->time->now_us = clock_mono_us(c->cfg.clock);
	return c->time->now_us;
}

static inline uint64_t core_wall_ms(const struct core *c)
{
	if (c->time->wall_ms == 0)
		c->time->wall_ms = clock_wall_ms(c->cfg.clock);
	return c->time->wall_ms;
}

#endif
