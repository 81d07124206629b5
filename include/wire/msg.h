/*
 * msg: one protocol message, decoded. It borrows from the frame it came in and
 * is valid as long as that. The structs come from msg_def.h.
 */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"
#include "crypto/identity.h"
#include "wire/fields.h"
#include "wire/msg_def.h"
#include "wire/proto.h"

enum msg_phase { PHASE_HELLO = 1, PHASE_PROVISIONAL = 2, PHASE_LIVE = 4 };

enum msg_type {
#define M(NAME, name, number, kind, phases) MSG_##NAME = (number),
	MSG_TABLE(M)
#undef M
};

#define MSG_C_UINT uint64_t
#define MSG_C_BOOL bool
#define MSG_C_STR struct slice
#define MSG_C_BIN struct slice
#define MSG_C_IDS struct msg_ids

/* struct msg_hello and so on. has: bit k is set when the field with key k is
 * there; required fields are always there, whatever has says when encoding. */
#define F(key, fname, ftype, min, max, need) MSG_C_##ftype fname;
#define M(NAME, name, number, kind, phases) \
	struct msg_##name { \
		uint64_t has; \
		MSG_FIELDS_##NAME(F) \
	};
MSG_TABLE(M)
#undef M
#undef F

struct msg {
	enum msg_type type;
	struct id16 id; /* MSG kinds only */
	union {
#define M(NAME, name, number, kind, phases) struct msg_##name name;
		MSG_TABLE(M)
#undef M
	} u;
};

struct msg_row {
	enum msg_type type;
	uint8_t kind; /* KIND_CTRL or KIND_MSG */
	uint8_t phases;
	const char *name; /* "HELLO" */
	const struct msg_field *fields; /* keys ascending */
	size_t n_fields;
	size_t size; /* of struct msg_<name> */
};

/* NULL for an unknown number. */
const struct msg_row *msg_row_find(uint64_t number);
/* In table order; NULL past the end. For fuzz seeds and golden vectors. */
const struct msg_row *msg_row_at(size_t i);

/*
 * Decodes the one object at the front of payload; *used bytes, with which the next
 * object of a MSG record begins. kind is the record's. A CTRL record holds one
 * object and nothing after it.
 *   ERR_OK
 *   ERR_PROTO    close the connection: not the profile, wrong kind, CTRL body bad;
 *                *used is 0
 *   ERR_UNKNOWN  unknown number: CTRL is skipped, MSG is NACKed with *code; out->id
 *                is set
 *   ERR_REFUSED  MSG with a bad field: out->id is set, NACK it with *code
 */
enum err msg_decode(uint8_t kind, struct slice payload, struct msg *out, size_t *used,
		    enum proto_code *code);

/* Adds the encoded object to b. ERR_FULL when it does not fit; ERR_RANGE when a
 * field breaks its own row (a bug of the caller): b is as before. */
enum err msg_encode(const struct msg *m, struct buf *b);

#endif
