/*
 * records: the two directions of a session that is up: what seals and opens its
 * records, and when its keys are to be changed (p2pmsg-protocol(7), "Records").
 * No state beyond the keys and four counters; the caller moves the bytes.
 */
#ifndef WIRE_RECORDS_H
#define WIRE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/noise.h"
#include "wire/frame.h"

struct record_keys {
	struct noise_cipherstate send, receive;
};

struct records {
	struct record_keys *keys; /* in a secret slot; NULL before and after */
	uint64_t start_us; /* when the session came up */
	uint64_t rekey_us; /* when the sending key was made */
	uint64_t rekey_n; /* its first record */
	uint64_t rekey_bytes; /* sent with it */
};

/* Takes the keys out of a finished handshake, which is wiped; h (64 bytes) is
 * copied to h_out. */
enum err records_init(struct records *r, struct noise_handshakestate *hs, uint64_t now_us,
		      uint8_t *h_out);
/* Harmless when it was not initialised but zeroed. */
void records_wipe(struct records *r);

/* The bytes of the frame that a payload becomes. */
size_t records_frame_bytes(size_t payload);

/* Adds the sealed frame to out. A KIND_REKEY record changes the sending key behind
 * itself. ERR_FULL, ERR_LIMIT: nothing is added. */
enum err records_seal(struct records *r, const struct record *rec, struct buf *out,
		      uint64_t now_us);
/* True when a KIND_REKEY record has to go before a frame of that many bytes. */
bool records_rekey_is_due(const struct records *r, size_t frame_bytes, uint64_t now_us);

/* frame_get for the frame of a record: for a length that none has nothing is waited. */
enum err records_frame_get(struct slice in, struct slice *body, size_t *used);
/* Opens the n bytes of a frame's body where they stand; out borrows from them.
 * ERR_AUTH: nothing is advanced; ERR_LIMIT; ERR_PROTO. */
enum err records_open(struct records *r, uint8_t *body, size_t n, struct record *out);
/* The other side said KIND_REKEY. */
void records_rekey_receive(struct records *r);

/* A new handshake is due. */
bool records_is_worn(const struct records *r, uint64_t now_us);

#endif
