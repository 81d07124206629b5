/*
 * command_def: every verb, once. A row is a slash command (/msg bob hi), a
 * command-line verb (p2pmsg msg bob hi), a JSON command ({"cmd":"msg","who":"bob",
 * "text":"hi"}), completion, help, and an entry of p2pmsg(1) (make lint compares).
 *
 * C(NAME, name, FLAGS, help)
 *   FLAGS  SLASH    typed in a client as /name
 *          SHELL    typed in a shell as p2pmsg name
 *          LOCAL    the front end does it; core never sees it
 *          CURRENT  in a client the first argument is left out: it is the current
 *                   conversation
 *          NONE     neither: programs and front ends only
 *          ALONE    works without a running node and without starting one
 * and for each its arguments in order, CMD_ARGS_<NAME>(A):
 * A(name, KIND, NEED, help)
 *   KIND   PEER   somebody: id prefix, nick, or #lan where that makes sense
 *          WORD   one word
 *          REST   the rest of the line
 *          VALUE  --name VALUE
 *          FLAG   --name
 *   NEED   REQ or OPT
 */
#ifndef CORE_COMMAND_DEF_H
#define CORE_COMMAND_DEF_H

/* clang-format off */ /* tables, a row a line */

#define COMMAND_TABLE(C) \
	C(PEERS, peers, SLASH | SHELL, "list who is on the network") \
	C(MSG, msg, SLASH | SHELL, "send a message to somebody or to #lan") \
	C(ME, me, SLASH | SHELL | CURRENT, "send an action: * ada waves") \
	C(REPLY, reply, SLASH | SHELL, "answer the last message, or a certain one") \
	C(EDIT, edit, SLASH | SHELL, "change what you said last, or before") \
	C(DELETE, delete, SLASH | SHELL, "take back what you said last, or before") \
	C(REACT, react, SLASH | SHELL, "react to the last message, or a certain one") \
	C(EXPIRE, expire, SLASH | SHELL, "have what you say from now on disappear") \
	C(READ, read, SLASH | SHELL, "mark a conversation as read") \
	C(RECEIPTS, receipts, SLASH | SHELL, "tell somebody what you have read, or not") \
	C(TYPING, typing, NONE, "tell somebody that you are writing; for front ends") \
	C(HISTORY, history, SLASH | SHELL, "show what was said") \
	C(SEARCH, search, SLASH | SHELL, "look for a text in all that was said") \
	C(DOCTOR, doctor, SLASH | SHELL, "look what is wrong, and what to do") \
	C(EXPORT, export, SLASH | SHELL, "write out all that is kept, as JSON lines") \
	C(IMPORT, import, SHELL | LOCAL, "take in what export has written") \
	C(RESTORE, restore, 0, "take in one line of an export; import does it") \
	C(QUERY, query, SLASH | LOCAL, "make somebody the current conversation") \
	C(WHOIS, whois, SLASH | SHELL, "show all that is known of somebody") \
	C(ALIAS, alias, SLASH | SHELL, "call somebody by a name of your own") \
	C(TAG, tag, SLASH | SHELL, "put somebody into groups of your own") \
	C(BLOCK, block, SLASH | SHELL, "let somebody in no more") \
	C(UNBLOCK, unblock, SLASH | SHELL, "take a block back") \
	C(VERIFY, verify, SLASH | SHELL, "compare keys: is nobody between you?") \
	C(TRUST, trust, SLASH | SHELL, "let somebody write, or say which key a name means") \
	C(KEEP, keep, SLASH | SHELL, "say how long a conversation is kept") \
	C(OUTBOX, outbox, SLASH | SHELL, "show what waits, send it now, or cancel it") \
	C(NICK, nick, SLASH | SHELL, "show or change the name others see") \
	C(ID, id, SLASH | SHELL, "show your own id, address and QR code") \
	C(ADD, add, SLASH | SHELL, "add a peer by its address") \
	C(FORGET, forget, SLASH | SHELL, \
	  "forget a peer that is away, an address, or what was said") \
	C(PING, ping, SLASH | SHELL, "measure the round trip to somebody") \
	C(TRACE, trace, SLASH | SHELL, "show the encrypted frames beside their meaning") \
	C(AWAY, away, SLASH | SHELL, "say that you are away, or back again") \
	C(STATUS, status, SLASH | SHELL, \
	  "show this node's state, or set your status text") \
	C(SET, set, SLASH | SHELL, "show or change a setting") \
	C(SAVE, save, SLASH | SHELL, "write the changed settings to the profile's file") \
	C(EVENTS, events, SHELL, "follow what happens, from a cursor on") \
	C(DAEMON, daemon, SHELL | LOCAL | ALONE, "run the node without a client") \
	C(HELP, help, SLASH | SHELL | LOCAL | ALONE, "explain the commands, or one") \
	C(VERSION, version, SLASH | SHELL | LOCAL | ALONE, "show the version") \
	C(QUIT, quit, SLASH | SHELL, "leave; with --node stop the running node too")

#define CMD_ARGS_PEERS(A) A(wait, VALUE, OPT, "seconds to listen first")
#define CMD_ARGS_MSG(A) \
	A(who, PEER, REQ, "the recipient, or #lan") \
	A(text, REST, REQ, "the message; - reads it from standard input") \
	A(wait, VALUE, OPT, "seconds to wait for the delivery")
#define CMD_ARGS_ME(A) \
	A(who, PEER, REQ, "the recipient, or #lan") \
	A(text, REST, REQ, "what you do") \
	A(wait, VALUE, OPT, "seconds to wait for the delivery")
#define CMD_ARGS_REPLY(A) \
	A(who, PEER, REQ, "with whom, or #lan") \
	A(text, REST, REQ, "the answer; - reads it from standard input") \
	A(id, VALUE, OPT, "of the message, or how it begins (history --ids)") \
	A(wait, VALUE, OPT, "seconds to wait for the delivery")
#define CMD_ARGS_EDIT(A) \
	A(who, PEER, REQ, "with whom, or #lan") \
	A(text, REST, REQ, "the new text; - reads it from standard input") \
	A(id, VALUE, OPT, "of your message, or how it begins (history --ids)") \
	A(wait, VALUE, OPT, "seconds to wait for the delivery")
#define CMD_ARGS_DELETE(A) \
	A(who, PEER, REQ, "with whom, or #lan") \
	A(id, VALUE, OPT, "of your message, or how it begins (history --ids)") \
	A(wait, VALUE, OPT, "seconds to wait for the delivery")
#define CMD_ARGS_REACT(A) \
	A(who, PEER, REQ, "with whom, or #lan") \
	A(text, REST, OPT, "an emoji or a word; without it: none any more") \
	A(id, VALUE, OPT, "of the message, or how it begins (history --ids)") \
	A(wait, VALUE, OPT, "seconds to wait for the delivery")
#define CMD_ARGS_EXPIRE(A) \
	A(who, PEER, REQ, "whom you say it to, or #lan") \
	A(time, WORD, OPT, "1m to 4w, or off; without it: show it")
#define CMD_ARGS_READ(A) A(who, PEER, REQ, "with whom, or #lan")
#define CMD_ARGS_RECEIPTS(A) \
	A(who, PEER, REQ, "whom") \
	A(state, WORD, OPT, "on, off or default; without it: show it")
#define CMD_ARGS_TYPING(A) \
	A(who, PEER, REQ, "whom") \
	A(state, WORD, OPT, "on or off; on")
#define CMD_ARGS_HISTORY(A) \
	A(who, PEER, OPT, "with whom, or #lan; without it: all conversations") \
	A(n, VALUE, OPT, "how many of the newest; 20") \
	A(since, VALUE, OPT, "a date, or how long ago: 90m, 36h, 7d") \
	A(until, VALUE, OPT, "the same") \
	A(ids, FLAG, OPT, "with the beginning of each message's id")
#define CMD_ARGS_SEARCH(A) \
	A(text, REST, REQ, "the text; neither case nor accents matter") \
	A(n, VALUE, OPT, "how many of the newest; 20") \
	A(context, VALUE, OPT, "how many before and after each to show as well")
#define CMD_ARGS_DOCTOR(A) \
	A(deep, FLAG, OPT, "look through the whole store, which may take a while")
#define CMD_ARGS_EXPORT(A) \
	A(who, PEER, OPT, "with whom, or #lan; in a client alone: the new file") \
	A(since, VALUE, OPT, "a date, or how long ago: 90m, 36h, 7d") \
	A(until, VALUE, OPT, "the same") \
	A(file, VALUE, OPT, "in a client: the new file")
#define CMD_ARGS_IMPORT(A) A(file, WORD, OPT, "the file; - or none: standard input")
#define CMD_ARGS_RESTORE(A) \
	A(id, VALUE, OPT, "of the entry") \
	A(author, VALUE, OPT, "of the entry") \
	A(conv, VALUE, OPT, "of the entry") \
	A(lamport, VALUE, OPT, "of the entry") \
	A(sent_ms, VALUE, OPT, "of the entry") \
	A(kept_ms, VALUE, OPT, "of the entry") \
	A(expires_ms, VALUE, OPT, "of the entry") \
	A(state, VALUE, OPT, "of the entry") \
	A(body, VALUE, OPT, "of the entry") \
	A(kind, VALUE, OPT, "of the record") \
	A(key, VALUE, OPT, "of the record") \
	A(value, VALUE, OPT, "of the record")
#define CMD_ARGS_QUERY(A) A(who, PEER, OPT, "somebody, or #lan; nobody: #lan")
#define CMD_ARGS_WHOIS(A) A(who, PEER, REQ, "whom")
#define CMD_ARGS_ALIAS(A) \
	A(who, PEER, REQ, "whom") \
	A(name, WORD, OPT, "the name; without it: none any more")
#define CMD_ARGS_TAG(A) \
	A(who, PEER, REQ, "whom") \
	A(tags, REST, OPT, "lab adds, -lab removes; without it: show them")
#define CMD_ARGS_BLOCK(A) A(who, PEER, REQ, "whom")
#define CMD_ARGS_UNBLOCK(A) A(who, PEER, REQ, "whom")
#define CMD_ARGS_VERIFY(A) \
	A(who, PEER, REQ, "whom") \
	A(answer, REST, OPT, "yes, no, their safety number, or what their QR code says") \
	A(compared, FLAG, OPT, "you have compared the whole safety number yourself")
#define CMD_ARGS_TRUST(A) \
	A(who, PEER, REQ, "whom, or the name") \
	A(id, WORD, OPT, "the id of the key that it means")
#define CMD_ARGS_KEEP(A) \
	A(who, PEER, REQ, "with whom, or #lan") \
	A(what, WORD, OPT, "default: as the settings say again") \
	A(days, VALUE, OPT, "days; 0: for ever") \
	A(mib, VALUE, OPT, "MiB; 0: no limit")
#define CMD_ARGS_OUTBOX(A) \
	A(what, WORD, OPT, "whom: his messages; retry: send now; cancel: never") \
	A(which, WORD, OPT, "whom, the id of one message, or all")
#define CMD_ARGS_NICK(A) A(nick, WORD, OPT, "the new name")
#define CMD_ARGS_ID(A) A(qr, FLAG, OPT, "with the QR code even when not on a terminal")
#define CMD_ARGS_ADD(A) \
	A(address, WORD, REQ, "host[:port] or a p2pmsg: URI") \
	A(id, WORD, OPT, "the id that must answer there")
#define CMD_ARGS_FORGET(A) \
	A(who, PEER, OPT, "a peer, or an address that was added") \
	A(history, FLAG, OPT, "only what was said; without whom: all that ever was")
#define CMD_ARGS_PING(A) \
	A(who, PEER, REQ, "whom") \
	A(wait, VALUE, OPT, "seconds to wait for the answer")
#define CMD_ARGS_TRACE(A) \
	A(who, PEER, REQ, "a peer, #lan or all") \
	A(state, WORD, OPT, "on or off; without it: the other one")
#define CMD_ARGS_AWAY(A) A(text, REST, OPT, "why; without it: back, or away")
#define CMD_ARGS_STATUS(A) A(text, REST, OPT, "the new status text; - for none")
#define CMD_ARGS_SET(A) \
	A(name, WORD, OPT, "the setting") \
	A(value, REST, OPT, "its new value")
#define CMD_ARGS_SAVE(A)
#define CMD_ARGS_EVENTS(A) A(since, VALUE, OPT, "replay from this cursor; 0: all kept")
#define CMD_ARGS_DAEMON(A)
#define CMD_ARGS_HELP(A) A(verb, WORD, OPT, "the command to explain")
#define CMD_ARGS_VERSION(A)
#define CMD_ARGS_QUIT(A) A(node, FLAG, OPT, "stop the running node too")

#endif
