/*
 * bulk_shake: how a bulk connection begins, without I/O: NNpsk0 with a token that
 * travelled inside a session, bound to that session. p2pmsg-protocol(7), "Bulk
 * connections".
 *
 *   dialler                              listener
 *   bulk_dial_new: opening  ->           bulk_opening_check, bulk_answer: answer
 *   bulk_dial_finish: keys  <-           keys
 *
 * The loop's thread only, because of the rng; the keys may go to any other.
 */
#ifndef WIRE_BULK_SHAKE_H
#define WIRE_BULK_SHAKE_H

#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/rng.h"
#include "base/slice.h"
#include "crypto/bulkseal.h"
#include "crypto/noise.h"
#include "wire/proto.h"

enum {
	BULK_ID_END = PROTO_PREAMBLE_BYTES + 16, /* so much of it names the token */
	BULK_OPENING_BYTES = BULK_ID_END + 2 + PROTO_BULK_MSG_BYTES,
	BULK_ANSWER_BYTES = 2 + PROTO_BULK_MSG_BYTES
};

/* What both sides know beforehand. */
struct bulk_secret {
	struct id32 token; /* 32 random bytes; used once */
	uint8_t h[NOISE_HASHLEN]; /* of the session in which it travelled */
};

/* Both directions, from this side. */
struct bulk_keys {
	struct bulkseal *send, *receive;
};
/* Frees both. */
void bulk_keys_wipe(struct bulk_keys *k);

/* The bulk id of a token. */
struct id16 bulk_id_of(const struct id32 *token);

/* ---- dialler ---- */

struct bulk_dial;

/* The opening is the first that is to be sent. */
struct bulk_dial *bulk_dial_new(const struct bulk_secret *secret, const struct rng *rng,
				uint8_t opening[static BULK_OPENING_BYTES]);
/* Wipes. NULL is fine. */
void bulk_dial_free(struct bulk_dial *d);
/* answer: what has come so far, of at most BULK_ANSWER_BYTES. ERR_WAIT; ERR_OK with the
 * keys when it is whole; ERR_PROTO and ERR_AUTH are final, and so is ERR_VERSION: the
 * other side takes no bulk connections (P2PE). */
enum err bulk_dial_finish(struct bulk_dial *d, struct slice answer,
			  struct bulk_keys *out);

/* ---- listener ---- */

/* The front of what a stranger sends, of at most BULK_OPENING_BYTES:
 *   ERR_WAIT     it may become an opening; *has_id: its bulk id is there
 *   ERR_OK       a whole one, as far as can be seen; *has_id
 *   ERR_UNKNOWN  no bulk connection: wire/chan judges it
 *   ERR_PROTO    a bulk connection that breaks the rules: close */
enum err bulk_opening_check(struct slice bytes, bool *has_id);
/* Of bytes in which it is there. */
struct id16 bulk_opening_id(struct slice bytes);
/* opening: whole and checked. ERR_AUTH when it was not made with secret. */
enum err bulk_answer(const struct bulk_secret *secret, const struct rng *rng,
		     struct slice opening, uint8_t answer[static BULK_ANSWER_BYTES],
		     struct bulk_keys *out);

#endif
