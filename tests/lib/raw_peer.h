/*
 * raw_peer: the other side of a channel made of Noise alone. It obeys nothing but the
 * test, so it can say what no channel of ours would.
 */
#ifndef TESTS_LIB_RAW_PEER_H
#define TESTS_LIB_RAW_PEER_H

#include "base/buf.h"
#include "crypto/identity.h"
#include "crypto/noise.h"
#include "lib/chan_pair.h"
#include "wire/greeting.h"

struct raw_peer {
	struct noise_handshakestate hs;
	struct noise_cipherstate send, receive;
	uint8_t hash[NOISE_HASHLEN];
	uint8_t greeting[PROTO_HS_PAYLOAD_BYTES]; /* what it says of itself */
	uint8_t heard[PROTO_HS_PAYLOAD_BYTES]; /* what the other said */
};

/* With the static key and the greeting of id; dn: another static key instead. */
void raw_init(struct raw_peer *r, bool initiator, const struct identity *id,
	      const uint8_t *dn, const struct rng *rng);
/* The greeting that a channel of this end would send. */
void raw_greet(uint8_t out[static PROTO_HS_PAYLOAD_BYTES], const struct identity *id);

/* The next handshake message, framed, added to out; the preamble goes before an
 * initiator's first. */
void raw_write(struct raw_peer *r, struct buf *out);
/* A whole handshake message with its length. */
enum err raw_read(struct raw_peer *r, struct slice frame);
/* Takes what e says and answers, until the handshake is over or failed on one side.
 * Returns the last answer of e. r is split when e is up. */
enum err raw_shake(struct raw_peer *r, struct chan_end *e);

/* Any plaintext as a record; as in a session, or with padding of any kind. */
void raw_seal(struct raw_peer *r, struct slice plain, struct buf *out);
void raw_record(struct raw_peer *r, uint8_t kind, uint8_t flags, struct slice payload,
		struct buf *out);
/* raw_record to e at once. */
enum err raw_say(struct raw_peer *r, struct chan_end *e, uint8_t kind, uint8_t flags,
		 struct slice payload);

#endif
