/*
 * front: all that a front end sees of the node. Commands go in, replies and
 * events come out, in the same process or through a socket: attaching is another
 * front_source, not another client.
 */
#ifndef CORE_FRONT_H
#define CORE_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/command_def.h"
#include "core/event_def.h"

/* ---- commands ---- */

enum verb {
#define C(NAME, name, flags, help) VERB_##NAME,
	COMMAND_TABLE(C)
#undef C
		VERB_COUNT
};

enum command_flags {
	COMMAND_SLASH = 1,
	COMMAND_SHELL = 2,
	COMMAND_LOCAL = 4,
	COMMAND_CURRENT = 8,
	COMMAND_ALONE = 16
};

enum arg_kind { ARG_PEER, ARG_WORD, ARG_REST, ARG_VALUE, ARG_FLAG };
enum arg_need { ARG_OPT, ARG_REQ };

struct arg_row {
	const char *name;
	enum arg_kind kind;
	enum arg_need need;
	size_t index; /* in command.u.arg */
	const char *help;
};

struct command_row {
	enum verb verb;
	const char *name;
	unsigned flags;
	const char *help;
	const struct arg_row *args;
	size_t n_args;
};

/* struct args_msg and so on: the arguments by name; NULL: absent. */
#define A(aname, kind, need, help) const char *aname;
#define C(NAME, name, flags, help) \
	struct args_##name { \
		CMD_ARGS_##NAME(A) const char *end_; \
	};
COMMAND_TABLE(C)
#undef C
#undef A

enum { COMMAND_ARGS_MAX = 13 };

struct command {
	enum verb verb;
	uint64_t tag; /* chosen by the front end; replies carry it as `for` */
	union {
		const char *arg[COMMAND_ARGS_MAX]; /* in the order of the row */
#define C(NAME, name, flags, help) struct args_##name name;
		COMMAND_TABLE(C)
#undef C
	} u;
};

const struct command_row *command_row(enum verb v);
/* By name, or by a prefix that fits one verb only among those with all of flags.
 * ERR_UNKNOWN, ERR_AMBIGUOUS. */
enum err command_find(const char *name, unsigned flags, const struct command_row **out);
/* "msg WHO TEXT... [--wait WAIT]"; with is_slash as a client shows it. mem_free. */
char *command_usage(const struct command_row *row, bool is_slash);
/* The index of an argument by its name, or -1. */
int command_arg_find(const struct command_row *row, const char *name);
/* A copy that owns its arguments, in one allocation: mem_free. */
struct command *command_copy(const struct command *cmd);
/* The same by hand: the bytes of its arguments, and those moved to room. */
size_t command_args_bytes(const struct command *cmd);
void command_args_move(struct command *cmd, char *room);

/* ---- events ---- */

enum event_type {
#define E(NAME, name, keep) EVENT_##NAME,
	EVENT_TABLE(E)
#undef E
		EVENT_COUNT
};

#define EVENT_C_STR const char *
#define EVENT_C_NUM uint64_t
#define EVENT_C_YES bool
#define EVENT_C_TIME uint64_t

#define F(fname, ftype) EVENT_C_##ftype fname;
#define E(NAME, name, keep) \
	struct event_##name { \
		EVENT_FIELDS_##NAME(F) \
	};
EVENT_TABLE(E)
#undef E
#undef F

struct event {
	enum event_type type;
	uint64_t cursor; /* 0 for replies */
	uint64_t tag; /* of the command it answers; 0 for none */
	uint64_t time_ms; /* Unix time at which it happened */
	union {
#define E(NAME, name, keep) struct event_##name name;
		EVENT_TABLE(E)
#undef E
	} u;
};

enum event_field_type { EVENT_STR, EVENT_NUM, EVENT_YES, EVENT_TIME };
struct event_field {
	const char *name;
	enum event_field_type type;
	size_t offset; /* in struct event */
};
struct event_row {
	enum event_type type;
	const char *name;
	bool is_kept;
	const struct event_field *fields;
	size_t n_fields;
	const uint16_t *strs; /* the offsets of its texts, then 0 */
};
const struct event_row *event_row(enum event_type t);
/* By name; NULL. */
const struct event_row *event_row_find(const char *name);
/* A copy that owns its strings, in one allocation: mem_free. */
struct event *event_copy(const struct event *ev);
/* The same into max bytes at room, which are aligned as malloc's. Returns the bytes
 * that it takes; nothing useful is in room when they are more than max. */
size_t event_copy_into(const struct event *ev, void *room, size_t max);

/* ---- the port ---- */

/* Borrowed for the call; on the loop's thread, never from inside submit. */
typedef void front_event_fn(void *ctx, const struct event *ev);

/* One open front end. It gets the replies to its own commands, and after an
 * `events` command everything that happens, from the cursor it named. */
struct front_port {
	const struct front_port_ops *ops;
	void *impl;
};

struct front_port_ops {
	/* The command is copied. ERR_USAGE with an EVENT_ERROR to follow is not used:
	 * every fault of the command comes as a reply. ERR_IO: the node is gone;
	 * ERR_RANGE, ERR_FULL: it cannot be handed to a node in another process. */
	enum err (*submit)(void *impl, const struct command *cmd);
	/* Its reader is slow: a long list, as of history, waits until it is told false.
	 * NULL: lists are not held back. */
	void (*pause)(void *impl, bool is_full);
	/* No more events. */
	void (*close)(void *impl);
};

/* Where front ends are opened: core itself, or a connection to a running node. */
struct front_source {
	enum err (*open)(void *ctx, front_event_fn *fn, void *fn_ctx,
			 struct front_port *out);
	void *ctx;
};

#endif
