/*
 * proto: every number of the protocol, once, with its unit in the name.
 * p2pmsg-protocol(7) is the authority; the sections named here are its.
 */
#ifndef WIRE_PROTO_H
#define WIRE_PROTO_H

enum {
	/* "Preamble and versions" */
	PROTO_MAJOR = 1,
	PROTO_MINOR = 0,
	PROTO_PREAMBLE_BYTES = 12,
	PROTO_REFUSAL_BYTES = 12,
	PROTO_PATTERN_XX = 0,
	PROTO_PATTERN_NNPSK0 = 1,
	PROTO_PATTERN_NONE = 255,
	PROTO_ROLE_SESSION = 0,
	PROTO_ROLE_CIRCUIT = 2,
	PROTO_ROLE_BULK = 3,

	/* "Handshake" */
	PROTO_HS_PAYLOAD_BYTES = 512,
	PROTO_MSG1_BYTES = 32,
	PROTO_MSG2_BYTES = 608,
	PROTO_MSG3_BYTES = 576,
	PROTO_HANDSHAKE_S = 5,
	PROTO_PROVISIONAL_S = 5,
	PROTO_REHANDSHAKE_H = 24,

	/* "Records" */
	PROTO_RECORD_HEADER_BYTES = 4,
	PROTO_RECORD_MAX_BYTES = 16384, /* plaintext, header and padding included */
	PROTO_PAYLOAD_MAX_BYTES = PROTO_RECORD_MAX_BYTES - PROTO_RECORD_HEADER_BYTES,
	PROTO_TAG_BYTES = 16,
	PROTO_FRAME_MAX_BYTES = 2 + PROTO_RECORD_MAX_BYTES + PROTO_TAG_BYTES,
	PROTO_CLOSE_REASON_BYTES = 64,
	PROTO_PING_BYTES = 8,
	PROTO_PING_IDLE_S = 15,
	PROTO_DEAD_S = 45,
	PROTO_REKEY_RECORDS = 1 << 20,
	PROTO_REKEY_MIN = 15,
	PROTO_WINDOW_OBJECTS = 1024,
	PROTO_WINDOW_BYTES = 4 << 20,
	PROTO_ACK_IDS = 256,

	/* "Bulk connections" */
	PROTO_BULK_TOKEN_BYTES = 32,
	PROTO_BULK_TOKEN_S = 60,
	PROTO_BULK_TOKENS_MAX = 1024, /* unspent, of one node */
	PROTO_BULK_MSG_BYTES = 48, /* either handshake message */
	PROTO_BULK_BODY_BYTES = 65518,
	PROTO_BULK_PATH_BYTES = 4096,
	PROTO_BULK_DIGEST_BYTES = 32,
	PROTO_BULK_TEXT_BYTES = 64, /* of STOP */
	PROTO_BULK_AGAIN = 3, /* an ENTRY after its first */
	PROTO_BULK_BEAT_S = 5, /* a record of each side at least so often */
	PROTO_BULK_DEAD_S = 15,
	PROTO_BULK_DURABLE_BYTES = 64 << 20,
	PROTO_BULK_DURABLE_S = 2,

	/* "MessagePack profile" */
	PROTO_DEPTH_MAX = 4,
	PROTO_ARRAY_MAX = 1024,
	PROTO_MAP_MAX = 64,
	PROTO_CRITICAL_KEY_FIRST = 32,
	PROTO_CRITICAL_KEY_LAST = 47,

	/* "Messages" */
	PROTO_NICK_BYTES = 64,
	PROTO_STATUS_BYTES = 140,
	PROTO_TEXT_BYTES = 16000,
	PROTO_PROFILE_S = 10, /* at most one PROFILE in this time */
	PROTO_LAN_PER_S = 5, /* #lan, per sender and per IP */
	PROTO_LAN_BURST = 20,
	PROTO_LAN_RESEND_S = 60,
	PROTO_LAMPORT_AHEAD = 1 << 20,
	PROTO_REACTION_BYTES = 32,
	PROTO_EXPIRE_MIN_S = 60,
	PROTO_EXPIRE_MAX_S = 28 * 86400,
	PROTO_RECEIPT_IDS = 256,
	PROTO_RECEIPT_S = 2, /* at most one RECEIPT in this time */
	PROTO_TYPING_S = 5, /* at most one TYPING in this time */

	/* "Discovery" */
	PROTO_TXT_MAX_BYTES = 256,
	PROTO_PORT_DEFAULT = 7117,
	PROTO_PORT_MIN = 1024,

	/* "Sessions" */
	PROTO_DUP_SAME_S = 5, /* rule (c): completed less than this apart */
	PROTO_CLONE_BOOTS = 3,
	PROTO_CLONE_S = 60,

	PROTO_SAS_S = 120, /* a comparison of words, from its commitment on */
	PROTO_SAS_STEP_S = 10 /* of it, until the words are there */
};

#define PROTO_REKEY_BYTES (8ULL << 30)
#define PROTO_REHANDSHAKE_RECORDS (1ULL << 32)
#define PROTO_NUMBER_MAX ((1ULL << 53) - 1) /* times, lamport, counters */

/* Record kinds. 0x80 and above: unknown ones are ignored. */
enum proto_kind {
	KIND_CTRL = 0x01,
	KIND_MSG = 0x02,
	KIND_PING = 0x03,
	KIND_PONG = 0x04,
	KIND_REKEY = 0x05,
	KIND_CLOSE = 0x06,
	KIND_IGNORED_FROM = 0x80
};

enum { RECORD_FLAG_MORE = 0x01 }; /* MSG only: the next MSG record continues it */

/* "Codes": in CLOSE, NACK and others. X(NAME, number, text for people) */
#define CODE_TABLE(X) \
	X(OK, 0, "ok") \
	X(PROTOCOL, 1, "protocol error") \
	X(UNSUPPORTED, 2, "not supported") \
	X(DUPLICATE, 3, "duplicate session") \
	X(UNAUTHORISED, 4, "not allowed") \
	X(BLOCKED, 5, "blocked") \
	X(QUOTA, 6, "quota is full") \
	X(RATE, 7, "too fast") \
	X(TOO_LARGE, 8, "too large") \
	X(NOT_FOUND, 9, "not found") \
	X(CHANGED, 10, "changed") \
	X(REJECTED, 11, "rejected by the user") \
	X(DISK_FULL, 12, "disk full") \
	X(SHUTDOWN, 13, "shutting down") \
	X(DECRYPT, 14, "could not be decrypted") \
	X(WAITING, 15, "waiting for approval")

enum proto_code {
#define X(name, number, text) CODE_##name = (number),
	CODE_TABLE(X)
#undef X
};

/* Text for people; "code 77" style text is not made: unknown gives "unknown code". */
const char *proto_code_str(unsigned code);
/* True for the NACK codes after which the sender tries again. */
int proto_code_is_retried(unsigned code);

#endif
