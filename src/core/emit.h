/*
 * emit: events on their way out: the ring of kept events, the open front ends,
 * replies to one of them.
 */
#ifndef CORE_EMIT_H
#define CORE_EMIT_H

#include <stdarg.h>

#include "core/core_state.h"

struct front {
	struct list node;
	uint64_t id; /* never used again; what others remember of a front */
	struct core *core;
	front_event_fn *fn; /* NULL: closed, freed at the end of the tick */
	void *fn_ctx;
	bool is_following;
	bool is_in_call;
	bool is_full; /* it has said so */
};

/* Whom a reply goes to. A front that is gone is no error. */
struct reply_to {
	uint64_t front;
	uint64_t tag;
};

struct queued_command {
	struct list node;
	struct reply_to to;
	struct command cmd; /* its arguments stand behind the struct */
};

/* Gives the event its cursor and time, keeps it, shows it to all who follow. */
void emit(struct core *c, struct event *ev);
/* about: the id of the peer that it is about, or NULL. */
void emit_notice(struct core *c, const char *level, const char *text, const char *about);
/* To one front end only. */
void emit_reply(struct core *c, struct reply_to to, struct event *ev);
void emit_done(struct core *c, struct reply_to to, const char *text);
/* As vsnprintf; what does not fit is cut between two letters, for events are UTF-8. */
void emit_format(char *out, size_t max, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
/* status as in p2pmsg(1), "Exit status". */
void emit_error(struct core *c, struct reply_to to, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Replays from cursor on (exclusive), then follows. */
void emit_follow(struct core *c, struct reply_to to, uint64_t since);
/* What this message said is wiped from what is kept for replays; from: the id of the peer
 * who said it, NULL: we did. */
void emit_scrub(struct core *c, const char *id, const char *from);
/* The same is to be done with it then. */
void emit_expires(struct core *c, const char *id, const char *from, uint64_t expires_ms);
/* The same with all that has expired. When the next one will; 0: none. */
uint64_t emit_scrub_expired(struct core *c, uint64_t now_ms);
bool emit_is_open(const struct core *c, uint64_t front);
/* True when it sees what happens by itself. */
bool emit_is_following(const struct core *c, uint64_t front);
/* True when it has enough to write: long lists wait. A front that is gone never is. */
bool emit_is_full(const struct core *c, uint64_t front);
uint64_t emit_oldest(const struct core *c);

void emit_init(struct core *c);
/* Frees fronts that were closed; runs at the end of the tick. */
void emit_sweep(struct core *c);
void emit_free_all(struct core *c);
/* The next queued command, to be freed with queued_command_free; NULL. */
struct queued_command *emit_next_command(struct core *c);
/* A copy; freed with queued_command_free. */
struct queued_command *queued_command_new(struct reply_to to, const struct command *cmd);
void queued_command_free(struct queued_command *q);

#endif
