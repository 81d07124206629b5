/*
 * err: every function that can fail returns one of these.
 *
 * The class of an error, not its place, decides what happens next:
 *   WAIT   need more bytes, would block          back to the loop
 *   PEER   the other side broke the rules        close that connection
 *   LOCAL  disk full, no route, permission       tell the user, go on, retry
 *   USER   bad command or option                 one line that says what to type
 *   BUG    our own invariant is broken           log, close; abort in debug builds
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* X(name, class, text for people: says what is wrong, without a full stop) */
#define ERR_TABLE(X) \
	X(OK, NONE, "ok") \
	X(WAIT, WAIT, "more is needed first") \
	X(PROTO, PEER, "the other side broke the protocol") \
	X(AUTH, PEER, "authentication failed") \
	X(VERSION, PEER, "no protocol version in common") \
	X(IDENTITY, PEER, "the other side is not who was expected") \
	X(REFUSED, PEER, "the other side refused") \
	X(TRUNCATED, PEER, "the connection ended without a goodbye") \
	X(LIMIT, PEER, "the other side exceeded a limit") \
	X(IO, LOCAL, "input or output failed") \
	X(NOSPACE, LOCAL, "no space is left on the disk") \
	X(PERM, LOCAL, "permission denied") \
	X(READONLY, LOCAL, "the file system is read-only") \
	X(EXISTS, LOCAL, "it exists already") \
	X(MISSING, LOCAL, "it does not exist") \
	X(IN_USE, LOCAL, "it is in use by another program") \
	X(LOCKED, LOCAL, "another p2pmsg uses it") \
	X(CORRUPT, LOCAL, "the file is damaged") \
	X(PASSPHRASE, LOCAL, "wrong passphrase") \
	X(UNREACHABLE, LOCAL, "the network cannot reach it") \
	X(TIMEOUT, LOCAL, "no answer in time") \
	X(FULL, LOCAL, "a queue is full") \
	X(USAGE, USER, "wrong usage") \
	X(UNKNOWN, USER, "no such name") \
	X(AMBIGUOUS, USER, "the name fits more than one") \
	X(RANGE, USER, "the value is out of range") \
	X(BUG, BUG, "a fault in p2pmsg itself")

enum err {
#define X(name, class, text) ERR_##name,
	ERR_TABLE(X)
#undef X
		ERR_COUNT
};

enum err_class { ERRC_NONE, ERRC_WAIT, ERRC_PEER, ERRC_LOCAL, ERRC_USER, ERRC_BUG };

enum err_class err_class(enum err e);
/* Static text for people, without a full stop. */
const char *err_str(enum err e);
/* The constant's name without ERR_, for logs and tests. */
const char *err_name(enum err e);
/* The errno of a failed system call as one of ours; unknown ones are IO. */
enum err err_from_errno(int errnum);

#endif
