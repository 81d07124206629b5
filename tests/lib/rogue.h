/*
 * rogue: a peer that a test plays, message by message, over a raw connection of the
 * simulation: real keys and a real channel, and no rules.
 */
#ifndef TESTS_LIB_ROGUE_H
#define TESTS_LIB_ROGUE_H

#include "lib/sim.h"
#include "wire/chan.h"
#include "wire/msg.h"

struct rogue {
	struct sim *sim;
	struct rng_seeded rng;
	struct identity *identity;
	struct chan_config cfg;
	struct chan *chan;
	struct sim_raw *raw;
	struct addr addr;
	bool is_refusing; /* does not accept the node's key */
	bool is_rude; /* when dialled: ends each session at once, with rude_code */
	uint16_t rude_code;
	unsigned n_dialled; /* how often the node came */
	bool is_up, is_closed;
	uint16_t close_code;
	/* what the node said */
	unsigned n_acks, n_nacks, n_texts, n_hellos, n_others, n_pongs;
	unsigned nack_code;
	struct id16 nack_id, text_id; /* of the last one */
	unsigned n_commits, n_nonces, n_reveals, n_yes, n_no; /* of comparing words */
	uint8_t commit[32], nonce[32], reveal[32]; /* the last ones */
	uint8_t hash[CHAN_HASH_BYTES]; /* of the handshake */
	enum err error; /* of our channel */
};

/* identity NULL: a new one, made from seed; else borrowed. */
void rogue_init(struct rogue *r, struct sim *s, uint64_t seed, struct identity *identity);
void rogue_wipe(struct rogue *r);
/* rogue_init, rogue_dial to node 0 and rogue_hello. */
void rogue_meet(struct rogue *r, struct sim *s, uint64_t seed, struct identity *identity);
/* rogue_wipe, and frees the identity too. */
void rogue_end(struct rogue *r);
/* Connects to node i and lets the handshake run (about 10 ms pass). */
void rogue_dial(struct rogue *r, unsigned i);
/* Listens at its address, and node i hears of it (as id claim; NULL: its own). */
void rogue_announce(struct rogue *r, unsigned i, const struct id32 *claim);
/* Ends the connection; another may be dialled. */
void rogue_hang_up(struct rogue *r);

/* A good HELLO with its own device list; and whatever else. 10 ms pass. */
void rogue_hello(struct rogue *r);
void rogue_send(struct rogue *r, const struct msg *m);
/* A list of this one device. */
void rogue_devlist(struct rogue *r, uint64_t version, const struct cert *only);
/* Any payload in a record of any kind. */
void rogue_record(struct rogue *r, uint8_t kind, uint8_t flags, struct slice payload);
/* A TEXT to node i, ready to be spoilt. */
struct msg rogue_text(struct rogue *r, unsigned i, const char *text);

#endif
