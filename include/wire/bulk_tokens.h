/*
 * bulk_tokens: the listener's table of tokens that may still be used, by bulk id. A
 * token lives for PROTO_BULK_TOKEN_S, at most as long as its session, and is spent by
 * the first opening that it opens. p2pmsg-protocol(7), "Bulk connections".
 *
 * The loop's thread only.
 */
#ifndef WIRE_BULK_TOKENS_H
#define WIRE_BULK_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "wire/bulk_shake.h"

struct bulk_tokens;

/* clock and rng outlive it. */
struct bulk_tokens *bulk_tokens_new(const struct clock *clock, const struct rng *rng);
/* Wipes. NULL is fine. */
void bulk_tokens_free(struct bulk_tokens *t);

/* A fresh token for transfer, to be told to the other side of session; both are
 * numbers of the owner's. hash: the session's h, CHAN_HASH_BYTES. ERR_LIMIT: there are
 * PROTO_BULK_TOKENS_MAX unspent ones. */
enum err bulk_tokens_add(struct bulk_tokens *t, uint64_t session, const uint8_t *hash,
			 uint64_t transfer, struct id32 *token_out);
/* Likewise, one that the other side has made and will dial with. ERR_EXISTS: there is
 * such a one. */
enum err bulk_tokens_put(struct bulk_tokens *t, uint64_t session, const uint8_t *hash,
			 uint64_t transfer, const struct id32 *token);
/* The session has ended; the transfer has been called off. Harmless when none is left. */
void bulk_tokens_drop_session(struct bulk_tokens *t, uint64_t session);
void bulk_tokens_drop_transfer(struct bulk_tokens *t, uint64_t transfer);
size_t bulk_tokens_count(const struct bulk_tokens *t); /* expired ones too, for a time */

/* Whether there is such a token: asked before anything is computed. */
bool bulk_tokens_has(struct bulk_tokens *t, const struct id16 *bulk_id);
/* bulk_answer with the token that opening names; ERR_OK spends it. ERR_UNKNOWN: none, at
 * no cost; ERR_AUTH: not made with it. */
enum err bulk_tokens_answer(struct bulk_tokens *t, struct slice opening,
			    uint8_t answer[static BULK_ANSWER_BYTES],
			    struct bulk_keys *keys, uint64_t *transfer);

#endif
