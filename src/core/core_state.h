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

struct core {
	struct core_config cfg;
	struct id32 node_id;
	char id_text[NODE_ID_COMPACT_BYTES];
	struct id16 lan_conv;
	uint64_t started_us;

	/* about ourselves, as others see it */
	char nick[PROTO_NICK_BYTES + 1];
	char status[PROTO_STATUS_BYTES + 1];
	bool is_away;
	uint16_t port;
	struct timer profile_timer; /* set while a PROFILE waits for its 10 s */
	uint64_t profile_sent_us;

	/* surroundings */
	struct ifaces ifaces;
	char discovery[16];
	char *trouble; /* NULL: none */

	/* people and connections */
	struct map *peers; /* node_id -> struct peer */
	struct map *by_text; /* 56 characters of the id -> struct peer */
	struct map *sessions; /* link_id -> struct session */
	struct list guests; /* sessions of non-contacts, oldest first */
	unsigned n_guests;
	struct list dirty; /* sessions with something to send at the end of the tick */
	struct list dead; /* sessions to be freed at the end of the tick */
	uint64_t next_session; /* their order of birth */

	/* dialling */
	struct map *cands; /* (id, address) -> struct cand (dialer.c) */
	struct map *attempts; /* link_id -> struct cand: dials in flight */
	struct list cands_order; /* struct cand, newest last */
	struct timer dial_timer;
	unsigned dials_unproved; /* in flight */

	/* #lan */
	uint64_t lan_lamport;
	struct map *lan_ips; /* address -> struct lan_ip */

	/* front ends and what they see */
	struct list fronts; /* struct front */
	unsigned n_fronts;
	uint64_t next_front;
	struct list commands; /* struct queued_command, in order */
	struct event **kept; /* ring of CORE_EVENTS_KEPT; cursor c at c % size */
	uint64_t newest; /* cursor of the newest event, 0: none yet */
	struct list waiters; /* commands whose outcome is open (waiter.c) */
	struct list traces; /* trace.c */
	unsigned n_traces_all;
};

static inline uint64_t core_now_us(const struct core *c)
{
	return clock_mono_us(c->cfg.clock);
}

#endif
