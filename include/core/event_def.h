/*
 * event_def: everything people and programs get to see, once. A row is a JSON
 * line out (and in, for attached front ends), a text line, a TUI update.
 *
 * E(NAME, name, KEPT or REPLY)
 *   KEPT   happens to the node: has a cursor, is kept for `events --since`
 *   REPLY  answers one command, goes to that front end only, never kept
 * and for each its fields, EVENT_FIELDS_<NAME>(F):
 * F(name, TYPE)
 *   TYPE   STR   const char *, UTF-8; NULL: absent. Text of others as they sent
 *                it: the front end makes it safe
 *          NUM   uint64_t
 *          YES   bool
 *          TIME  uint64_t, Unix milliseconds; 0: absent
 */
#ifndef CORE_EVENT_DEF_H
#define CORE_EVENT_DEF_H

/* clang-format off */ /* tables, a row a line */

#define EVENT_TABLE(E) \
	E(PEER, peer, KEPT) \
	E(MESSAGE, message, KEPT) \
	E(STATE, state, KEPT) \
	E(EDIT, edit, KEPT) \
	E(DELETE, delete, KEPT) \
	E(REACTION, reaction, KEPT) \
	E(TYPING, typing, KEPT) \
	E(NOTICE, notice, KEPT) \
	E(SAS, sas, KEPT) \
	E(KNOCK, knock, KEPT) \
	E(TRACE, trace, REPLY) \
	E(NODE, node, REPLY) \
	E(PERSON, person, REPLY) \
	E(WHOIS, whois, REPLY) \
	E(IDENTITY, identity, REPLY) \
	E(PONG, pong, REPLY) \
	E(OPTION, option, REPLY) \
	E(SENT, sent, REPLY) \
	E(WAITING, waiting, REPLY) \
	E(ITEM, item, REPLY) \
	E(FINDING, finding, REPLY) \
	E(ENTRY, entry, REPLY) \
	E(RECORD, record, REPLY) \
	E(SAFETY, safety, REPLY) \
	E(LAGGED, lagged, REPLY) \
	E(ERROR, error, REPLY) \
	E(DONE, done, REPLY)

/* Somebody's state changed. state: discovered, dialing, online, offline, gone.
 * trust: unverified, contact, verified, changed, blocked. name: how we call this peer:
 * the nick, with a short id. knock: what it says, while that is held. */
#define EVENT_FIELDS_PEER(F) \
	F(id, STR) F(name, STR) F(nick, STR) F(alias, STR) F(tags, STR) F(state, STR) \
	F(trust, STR) \
	F(address, STR) F(path, STR) F(role, STR) F(status, STR) F(away, YES) \
	F(seen, TIME) F(why, STR) F(knock, STR)
/* The same as a row of /peers. */
#define EVENT_FIELDS_PERSON(F) \
	EVENT_FIELDS_PEER(F)

/* A text came in or went out. conv: "#lan" or the id of the peer. direction: in,
 * out. style: plain, action. state (out): queued, sent, delivered, read. peer: who said
 * it (in), whom it is for (out; absent on #lan). reply_to: the id of the message that it
 * answers, reply_text: how that begins, if it is known. edited: when the text was
 * changed. deleted: there is no text any more. reactions: who said what to it, for people.
 * late: seconds that it was on its way. expires: it is gone then. context: it only stands
 * beside what was looked for.
 * direction note: nobody said it, it is about the conversation. trust: in that peer's
 * key. */
#define EVENT_FIELDS_MESSAGE(F) \
	F(id, STR) F(conv, STR) F(direction, STR) F(peer, STR) F(name, STR) \
	F(nick, STR) F(trust, STR) F(text, STR) F(style, STR) F(state, STR) \
	F(sent, TIME) \
	F(reply_to, STR) F(reply_text, STR) F(edited, TIME) F(deleted, YES) \
	F(reactions, STR) F(late, NUM) F(expires, TIME) F(context, YES)

/* A stranger may write once, and did: it is held. id: of the message. */
#define EVENT_FIELDS_KNOCK(F) \
	F(peer, STR) F(name, STR) F(nick, STR) F(id, STR) F(text, STR) F(sent, TIME)

/* What somebody (in) or we (out) did to the message `id` of conv; the rest as above.
 * text: the new one; of a reaction, absent when it is taken back. author: whose message
 * it is that is reacted to; absent: ours. */
#define EVENT_FIELDS_EDIT(F) \
	F(id, STR) F(conv, STR) F(direction, STR) F(peer, STR) F(name, STR) \
	F(nick, STR) F(text, STR)
#define EVENT_FIELDS_DELETE(F) \
	F(id, STR) F(conv, STR) F(direction, STR) F(peer, STR) F(name, STR) F(nick, STR)
#define EVENT_FIELDS_REACTION(F) \
	F(id, STR) F(author, STR) F(conv, STR) F(direction, STR) F(peer, STR) \
	F(name, STR) F(nick, STR) F(text, STR)

/* Somebody is writing to us, or has stopped. */
#define EVENT_FIELDS_TYPING(F) \
	F(conv, STR) F(peer, STR) F(name, STR) F(typing, YES)

/* What became of an outgoing message: queued, sent, delivered, read, failed. */
#define EVENT_FIELDS_STATE(F) \
	F(id, STR) F(peer, STR) F(name, STR) F(state, STR) F(why, STR)

/* For people. level: info, warning, alarm. peer: whom it is about, if anybody. */
#define EVENT_FIELDS_NOTICE(F) \
	F(level, STR) F(text, STR) F(peer, STR)

/* Short words, the same on both sides unless somebody is in between. state: compare,
 * confirmed (the other user says they are the same), verified (so says ours), failed,
 * ended (nobody has said anything). words, numbers: while there are any. */
#define EVENT_FIELDS_SAS(F) \
	F(peer, STR) F(name, STR) F(state, STR) F(words, STR) F(numbers, STR) F(why, STR)

/* What `verify` shows. number: 12 groups of 5 digits. code: the text of the QR code.
 * mismatch: a comparison failed since the last good one. began: a run over the live
 * session is under way, words follow. */
#define EVENT_FIELDS_SAFETY(F) \
	F(peer, STR) F(name, STR) F(trust, STR) F(number, STR) F(code, STR) \
	F(mismatch, YES) F(began, YES)

/* One frame on the wire. direction: in, out. bytes: the first 24 as hex. */
#define EVENT_FIELDS_TRACE(F) \
	F(peer, STR) F(name, STR) F(direction, STR) F(stage, STR) F(length, NUM) \
	F(bytes, STR) F(meaning, STR)

/* This node, on `status` and when a front end attaches. running: false for one
 * that a command has started for itself: it does not listen, so port is 0, and
 * discovery and boot are absent. newest: the cursor of the
 * newest event kept; oldest: of the oldest. discovery: avahi, embedded, off. */
#define EVENT_FIELDS_NODE(F) \
	F(version, STR) F(profile, STR) F(running, YES) F(id, STR) F(nick, STR) \
	F(status, STR) \
	F(away, YES) F(port, NUM) F(discovery, STR) F(trouble, STR) F(visible, YES) \
	F(online, NUM) F(known, NUM) F(queued, NUM) F(oldest, NUM) F(newest, NUM) \
	F(uptime_s, NUM) F(boot, STR)

#define EVENT_FIELDS_WHOIS(F) \
	F(id, STR) F(name, STR) F(nick, STR) F(fingerprint, STR) F(state, STR) \
	F(trust, STR) F(address, STR) F(path, STR) F(role, STR) F(status, STR) \
	F(away, YES) F(seen, TIME) F(online_since, TIME) F(device, STR) \
	F(devices, NUM) F(session, STR) F(cipher, STR) F(found_by, STR) \
	F(addresses, STR) F(met, TIME) F(knock, STR) F(rivals, STR) F(queued, NUM)

#define EVENT_FIELDS_IDENTITY(F) \
	F(id, STR) F(fingerprint, STR) F(uri, STR) F(nick, STR) F(device, STR) \
	F(qr, YES)

#define EVENT_FIELDS_PONG(F) \
	F(peer, STR) F(name, STR) F(rtt_us, NUM)

#define EVENT_FIELDS_OPTION(F) \
	F(name, STR) F(value, STR) F(source, STR) F(takes, STR) F(help, STR) \
	F(live, YES)

/* One row of outbox: so much waits for this peer, the first since then. */
#define EVENT_FIELDS_WAITING(F) \
	F(peer, STR) F(name, STR) F(count, NUM) F(since, TIME)
/* One message that waits. state: queued, sent (it is on its way, and not acknowledged).
 * text: its beginning. */
#define EVENT_FIELDS_ITEM(F) \
	F(id, STR) F(peer, STR) F(name, STR) F(state, STR) F(since, TIME) F(text, STR)

/* One thing that doctor has looked at. level: ok, note, wrong. */
#define EVENT_FIELDS_FINDING(F) F(level, STR) F(subject, STR) F(text, STR) F(advice, STR)

/* One message of an export. body is what is kept, in base64, and what counts; peer (whom
 * the conversation is with), nick and text are in it too. */
#define EVENT_FIELDS_ENTRY(F) \
	F(id, STR) F(author, STR) F(conv, STR) F(lamport, NUM) F(sent_ms, NUM) \
	F(kept_ms, NUM) F(expires_ms, NUM) F(state, STR) F(peer, STR) F(nick, STR) \
	F(text, STR) F(body, STR)
/* Something else of an export: a contact, or how long a conversation is kept. kind, key
 * and value (in base64) count; the others are in it too. */
#define EVENT_FIELDS_RECORD(F) \
	F(kind, STR) F(key, STR) F(id, STR) F(nick, STR) F(alias, STR) F(tags, STR) \
	F(trust, STR) F(met, TIME) F(seen, TIME) F(value, STR)

/* A command that made a message: its id, before the outcome. */
#define EVENT_FIELDS_SENT(F) \
	F(id, STR) F(peer, STR) F(state, STR)

/* Events from cursor `from` up to `to` are no longer kept; or, with late: they come
 * only now, because this front end read too slowly. */
#define EVENT_FIELDS_LAGGED(F) \
	F(from, NUM) F(to, NUM) F(late, YES)

/* The last reply of a command that failed. status: the exit status, 1 usage, 2
 * peer unknown or unreachable, 3 refused by the peer, 4 timed out, 5 local. */
#define EVENT_FIELDS_ERROR(F) \
	F(status, NUM) F(text, STR)
/* The last reply of a command that succeeded; text: a line for people, or NULL. */
#define EVENT_FIELDS_DONE(F) \
	F(text, STR)

#endif
