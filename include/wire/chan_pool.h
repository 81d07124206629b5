/*
 * chan_pool: what the channels of one thread share, so that a handshake and a burst of
 * records cost little more than their arithmetic: memory, the first state of a
 * handshake, and certificates that were checked before. Nothing changes but the time
 * it takes. An owner makes one and names it in chan_config; the rest is for chan.
 */
#ifndef WIRE_CHAN_POOL_H
#define WIRE_CHAN_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/slice.h"
#include "crypto/identity.h"
#include "crypto/noise.h"

struct chan_pool;

/* certs: how many certificates are kept at most, of about 500 bytes each. */
struct chan_pool *chan_pool_new(size_t certs);
/* After the last of its channels. Wipes. NULL is fine. */
void chan_pool_free(struct chan_pool *p);

/* The following take NULL for a pool and then do the plain thing. */

/* Memory of buffers: a channel that has nothing to hold gives its own back, and the
 * next one that is busy takes it. Both b are empty. */
void chan_pool_lend(struct chan_pool *p, struct buf *b);
void chan_pool_return(struct chan_pool *p, struct buf *b);

/* Guarded, zeroed memory of one size for a handshake; mapping it and its guard pages
 * afresh costs a tenth of the arithmetic. */
void *chan_pool_secret_new(struct chan_pool *p, size_t n);
void chan_pool_secret_free(struct chan_pool *p, void *secret, size_t n);

/* Noise's Initialize() for XX. Its outcome depends on our static key, the prologue
 * and the role only, and a third of a side's work is in it. */
enum err chan_pool_start(struct chan_pool *p, const struct identity *self,
			 const struct rng *rng, bool is_initiator, struct slice prologue,
			 struct noise_handshakestate *out);

/* cert_parse, without its signature checks for a certificate that was kept. */
enum err chan_pool_cert(struct chan_pool *p, struct slice raw, struct cert *out);
/* Remembers a certificate whose owner has just proved its key. */
void chan_pool_keep(struct chan_pool *p, const struct cert *cert);

#endif
