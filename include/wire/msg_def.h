/*
 * msg_def: every protocol message, once. From a row come its enum value, its
 * struct, strict encoding and decoding, the dispatch to on_<name>, its name in
 * traces, a fuzz seed and a golden vector. p2pmsg-protocol(7), "Messages".
 *
 * M(NAME, name, number, KIND, phases)
 *   KIND    CTRL (id nil) or MSG (id required)
 *   phases  session phases in which it may arrive: PHASE_HELLO (nothing but the
 *           first record has come), PHASE_PROVISIONAL, PHASE_LIVE
 * and for each a list MSG_FIELDS_<NAME>(F) of its body, keys ascending:
 * F(key, name, TYPE, min, max, NEED)
 *   TYPE    UINT (min..max), BOOL, STR and BIN (bytes), IDS (count of bin16)
 *   NEED    REQ or OPT
 */
#ifndef WIRE_MSG_DEF_H
#define WIRE_MSG_DEF_H

/* clang-format off: tables, a row a line */

#define MSG_TABLE(M) \
	M(HELLO, hello, 1, CTRL, PHASE_HELLO | PHASE_PROVISIONAL) \
	M(ACK, ack, 2, CTRL, PHASE_LIVE) \
	M(NACK, nack, 3, CTRL, PHASE_LIVE) \
	M(PROFILE, profile, 4, CTRL, PHASE_LIVE) \
	M(DEVLIST, devlist, 5, CTRL, PHASE_LIVE) \
	M(SAS_COMMIT, sas_commit, 6, CTRL, PHASE_LIVE) \
	M(SAS_NONCE, sas_nonce, 7, CTRL, PHASE_LIVE) \
	M(SAS_REVEAL, sas_reveal, 8, CTRL, PHASE_LIVE) \
	M(SAS_RESULT, sas_result, 9, CTRL, PHASE_LIVE) \
	M(TEXT, text, 16, MSG, PHASE_LIVE) \
	M(EDIT, edit, 17, MSG, PHASE_LIVE) \
	M(DELETE, delete, 18, MSG, PHASE_LIVE) \
	M(REACTION, reaction, 19, MSG, PHASE_LIVE) \
	M(RECEIPT, receipt, 20, MSG, PHASE_LIVE) \
	M(TYPING, typing, 21, MSG, PHASE_LIVE)

#define MSG_FIELDS_HELLO(F) \
	F(2, nick, STR, 0, PROTO_NICK_BYTES, REQ) \
	F(3, devlist, BIN, 0, DEVLIST_MAX_BYTES, OPT) \
	F(4, time, UINT, 0, PROTO_NUMBER_MAX, OPT) \
	F(5, port, UINT, 0, 65535, OPT) \
	F(6, status, STR, 0, PROTO_STATUS_BYTES, OPT) \
	F(7, away, BOOL, 0, 1, OPT)

#define MSG_FIELDS_ACK(F) F(0, ids, IDS, 1, PROTO_ACK_IDS, REQ)

#define MSG_FIELDS_NACK(F) \
	F(0, target, BIN, 16, 16, REQ) \
	F(1, code, UINT, 1, 65535, REQ) \
	F(2, retry_s, UINT, 0, PROTO_NUMBER_MAX, OPT)

#define MSG_FIELDS_PROFILE(F) \
	F(0, nick, STR, 0, PROTO_NICK_BYTES, REQ) \
	F(1, status, STR, 0, PROTO_STATUS_BYTES, OPT) \
	F(2, away, BOOL, 0, 1, OPT)

#define MSG_FIELDS_DEVLIST(F) F(0, list, BIN, 1, DEVLIST_MAX_BYTES, REQ)

#define MSG_FIELDS_SAS_COMMIT(F) F(0, commit, BIN, 32, 32, REQ)
#define MSG_FIELDS_SAS_NONCE(F) F(0, nonce, BIN, 32, 32, REQ)
#define MSG_FIELDS_SAS_REVEAL(F) F(0, nonce, BIN, 32, 32, REQ)
#define MSG_FIELDS_SAS_RESULT(F) F(0, is_same, BOOL, 0, 1, REQ)

#define MSG_FIELDS_TEXT(F) \
	F(0, conv, BIN, 16, 16, REQ) \
	F(1, time, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(2, lamport, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(3, text, STR, 1, PROTO_TEXT_BYTES, REQ) \
	F(4, reply_to, BIN, 16, 16, OPT) \
	F(5, reply_author, BIN, 32, 32, OPT) \
	F(6, style, UINT, 0, 1, OPT) \
	F(27, expire_s, UINT, PROTO_EXPIRE_MIN_S, PROTO_EXPIRE_MAX_S, OPT)

#define MSG_FIELDS_EDIT(F) \
	F(0, conv, BIN, 16, 16, REQ) \
	F(1, time, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(2, lamport, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(3, target, BIN, 16, 16, REQ) \
	F(4, text, STR, 1, PROTO_TEXT_BYTES, REQ)

#define MSG_FIELDS_DELETE(F) \
	F(0, conv, BIN, 16, 16, REQ) \
	F(1, time, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(2, lamport, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(3, target, BIN, 16, 16, REQ)

#define MSG_FIELDS_REACTION(F) \
	F(0, conv, BIN, 16, 16, REQ) \
	F(1, time, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(2, lamport, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(3, target, BIN, 16, 16, REQ) \
	F(4, text, STR, 0, PROTO_REACTION_BYTES, REQ) \
	F(5, author, BIN, 32, 32, REQ)

/* kind: 1 delivered, 2 read */
#define MSG_FIELDS_RECEIPT(F) \
	F(0, conv, BIN, 16, 16, REQ) \
	F(1, time, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(2, lamport, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(3, kind, UINT, 1, 2, REQ) \
	F(4, ids, IDS, 1, PROTO_RECEIPT_IDS, REQ)

#define MSG_FIELDS_TYPING(F) \
	F(0, conv, BIN, 16, 16, REQ) \
	F(1, time, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(2, lamport, UINT, 0, PROTO_NUMBER_MAX, REQ) \
	F(3, is_typing, BOOL, 0, 1, REQ)

#endif
