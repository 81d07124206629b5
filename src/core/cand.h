/*
 * cand: one candidate: this key may answer at this address. Without an id (a peer
 * given by hand): whoever answers there.
 *
 * A candidate is present while mDNS or the user vouches for it (several may: two
 * interfaces, an old instance and a new one); proved once this
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

/* Who says that it is there: one answer of mDNS, or the user. */
struct voucher {
	enum sighting_source source;
	uint32_t ifindex;
	char instance[SIGHTING_INSTANCE_BYTES];
};

enum { CAND_VOUCHERS = 4 };

struct cand {
	struct core *core;
	struct list of_peer; /* in peer->cands, if the peer is known */
	struct list of_order; /* in core->cands_order */
	struct list
		of_rumours; /* in core->rumours, while nothing but mDNS speaks for it */
	struct cand_key key;
	struct sighting sight; /* the newest */
	struct voucher vouchers[CAND_VOUCHERS]; /* the newest */
	unsigned n_vouchers;
	bool is_proved;
	bool counts_unproved; /* its dial counts against the limit */
	bool has_owner; /* owner is set */
	struct id32 owner; /* whose it is: sight.id, or who answered */
	bool is_silent_host; /* a rumour about its host led nowhere */
	unsigned fails;
	uint64_t next_us; /* not before */
	uint64_t tried_us; /* the last dial; 0: none */
	link_id link; /* a dial in flight; 0: none */
};

struct cand *cand_find(const struct core *c, const struct sighting *s);
/* Finds or makes, within the limits of unproved ones; NULL when it is our own or
 * there is no room. */
struct cand *cand_get(struct core *c, const struct sighting *s);
/* No dial may be in flight. */
void cand_free(struct cand *a);

/* The peer it leads to, or NULL when that is not known (yet). */
struct peer *cand_peer(const struct cand *a);
bool cand_is_present(const struct cand *a);
/* The user gave it. */
bool cand_is_fixed(const struct cand *a);
/* Nothing but announcements speak for it, and anybody can make those up. */
bool cand_is_rumour(const struct cand *a);
/* Somebody vouches for it, or it is worth another try from memory. */
bool cand_is_alive(const struct cand *a);
/* The address rules. */
bool cand_is_allowed(const struct cand *a);
/* Another dial to the same address and port is in flight, or several to rumours of
 * the same host. */
bool cand_address_busy(const struct cand *a);

void cand_seen(struct cand *a, const struct sighting *s);
/* Takes back what this very source said. */
void cand_gone(struct cand *a, const struct sighting *s);
/* The back-off stays until a session has lasted (cand_lasted). */
void cand_proved(struct cand *a, struct peer *p);
void cand_lasted(struct cand *a);
/* Sets the next try after a failure; */
void cand_failed(struct cand *a, uint64_t now);
/* (who did not even answer casts doubt on all that is rumoured of that host;) */
void cand_silent(struct cand *a);
/* or after a session that ended without anybody's fault; */
void cand_retry(struct cand *a, uint64_t now);
/* or to when the other side may have changed its mind; */
void cand_refused(struct cand *a, uint64_t now);
/* or soon, because somebody asks for it. */
void cand_hurry(struct cand *a, uint64_t now);

#endif
