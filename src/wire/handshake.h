/*
 * handshake: Noise XX with the messages and greetings of a session, and every check
 * that can be made of the other side without asking anybody (p2pmsg-protocol(7),
 * "Handshake"). It moves frames between the buffers of its owner, chan.
 */
#ifndef WIRE_HANDSHAKE_H
#define WIRE_HANDSHAKE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "wire/chan_sides.h"
#include "wire/records.h"

/* In guarded memory of its own, a page: so it is made when there is something to
 * say or to read, and freed when it is done. */
struct handshake;

/* preamble: the 12 bytes that crossed the wire. Any error is final. */
enum err handshake_new(const struct chan_config *cfg, bool is_initiator,
		       struct slice preamble, struct handshake **out);
/* Wipes. NULL is fine. */
void handshake_free(struct handshake *h);

/* Adds the next message with its length to out. */
enum err handshake_write(struct handshake *h, struct buf *out);

/* The next message must have exactly this many bytes, length excluded. */
size_t handshake_expects(const struct handshake *h);
/* Reads a message of that size. One that carries a greeting fills peer: ERR_AUTH,
 * ERR_PROTO, or ERR_IDENTITY when it is not target (NULL: anybody). */
enum err handshake_read(struct handshake *h, struct slice message,
			const struct id32 *target, struct chan_peer *peer);

/* The keys, once all messages have passed; h is of no more use but to be freed. */
enum err handshake_split(struct handshake *h, struct records *out, uint8_t *hash_out);

#endif
