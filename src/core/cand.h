/*
 * cand: one candidate: this key may answer at this address. Without an id (a peer
 * given by hand): whoever answers there.
 *
 * A candidate is present while mDNS or the user vouches for it; proved once this
 * very key answered there. Waits between tries: unproved 1, 2, 4 ... 60 s, proved
 * 0.25 ... 30 s, with 20 % jitter.
 */
#ifndef CORE_CAND_H
#define CORE_CAND_H

#include "core/peer.h"

struct cand_key {
	uint8_t id[32]; /* zero: not known beforehand */
	uint8_t ip[16];
	uint8_t family, pad;
	uint16_t port;
	uint32_t scope;
};

struct cand {
	struct core *core;
	struct list of_peer; /* in peer->cands, if the peer is known */
	struct list of_order; /* in core->cands_order */
	struct cand_key key;
	struct sighting sight; /* the newest */
	bool is_present;
	bool is_proved;
	bool counts_unproved; /* its dial counts against the limit */
	bool has_owner; /* owner is set */
	struct id32 owner; /* whose it is: sight.id, or who answered */
	unsigned fails;
	uint64_t next_us; /* not before */
	uint64_t heard_us; /* when it was made */
	link_id link; /* a dial in flight; 0: none */
};

struct cand *cand_find(const struct core *c, const struct sighting *s);
/* Finds or makes, within the limit of new unproved ones; NULL when it is our own or
 * there is no room. */
struct cand *cand_get(struct core *c, const struct sighting *s);
/* No dial may be in flight. */
void cand_free(struct cand *a);

/* The peer it leads to, or NULL when that is not known (yet). */
struct peer *cand_peer(const struct cand *a);
/* Somebody vouches for it, or it is worth another try from memory. */
bool cand_is_alive(const struct cand *a);
/* The address rules. */
bool cand_is_allowed(const struct cand *a);
/* Another dial to the same address and port is in flight. */
bool cand_address_busy(const struct cand *a);

void cand_seen(struct cand *a, const struct sighting *s);
void cand_gone(struct cand *a);
void cand_proved(struct cand *a, struct peer *p);
/* Sets the next try after a failure; */
void cand_failed(struct cand *a, uint64_t now);
/* or after a session that ended without anybody's fault. */
void cand_retry(struct cand *a, uint64_t now);

#endif
