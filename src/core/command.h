/*
 * command: from a verb to its handler cmd_<verb>, one for each row of
 * command_def.h that is not LOCAL to the front ends.
 */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include "core/emit.h"
#include "core/peer.h"

/* One command under way. */
struct call {
	struct core *core;
	struct reply_to to;
	const struct command *cmd;
	/* How long a name that is not known yet may still turn up: a node that has
	 * just started has not heard of anybody. 0: answer now. */
	uint64_t patience_ms;
	bool is_again; /* run by waiter_again */
};

void command_run(struct core *c, struct reply_to to, const struct command *cmd,
		 uint64_t patience_ms, bool is_again);
/* Runs what front ends have submitted. */
void command_run_queued(struct core *c);

#define C(NAME, name, flags, help) void cmd_##name(struct call *call);
COMMAND_TABLE(C)
#undef C

/* The number in an argument, or fallback when it is absent. False, and an error
 * was sent, when it is none within 0 ... max. */
bool call_number(struct call *call, const char *arg, const char *name, uint64_t fallback,
		 uint64_t max, uint64_t *out);
/* Whom the user means to send something to, or do something to. False: an error was
 * sent, or the command waits for the name to turn up. *out NULL: #lan (only when
 * may_be_lan). A name that another key uses too, and nobody has decided about, is an
 * error. */
bool call_who(struct call *call, const char *who, bool may_be_lan, struct peer **out);
/* A time in an argument; *out stays when it is absent. False: an error was sent. */
bool call_when(struct call *call, const char *name, const char *arg, uint64_t *out);
/* The same for looking only: such a name means the contact. */
bool call_whom(struct call *call, const char *who, bool may_be_lan, struct peer **out);
bool call_fail(struct call *call, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void call_done(struct call *call, const char *text);

#endif
