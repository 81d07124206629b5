/*
 * say: what the program tells a person at the shell, on stderr.
 */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "base/err.h"

/* Exit statuses; p2pmsg(1), "Exit status". */
enum status {
	STATUS_DONE,
	STATUS_USAGE,
	STATUS_PEER, /* unknown or unreachable */
	STATUS_REFUSED,
	STATUS_TIMEOUT,
	STATUS_LOCAL
};

/* "p2pmsg: ..." on one line, made safe as a whole. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "cannot WHAT PATH: why: what to do", when e has something that can be done. */
void say_error(const char *what, const char *path, enum err e, const char *why);

/* "cannot WHAT PATH: why (what to do)", mem_free. advice NULL: what suits e. */
char *say_file(const char *what, const char *path, enum err e, const char *advice);

#endif
