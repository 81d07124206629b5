/*
 * backend: who keeps it. One row of the table in store.c each; all pass
 * tests/unit/test_store.c. A backend knows nothing of threads and answers: store.c
 * calls it from the thread of a lane, and never two of a lane at once.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "base/buf.h"
#include "store/store.h"

/* A reply under construction. Slices of its rows stand in `bytes` by offset until
 * answer_finish, for it moves as it grows. */
struct store_answer {
	struct store_reply reply;
	char why[STORE_WHY_BYTES];
	struct store_message *messages;
	struct store_item *items;
	struct store_count *counts;
	struct store_record *records;
	struct buf bytes;
	size_t max, max_bytes; /* of rows, of bytes of them */
	bool is_spoilt; /* run failed, and the transaction is no good any more */
};

/* The limits are those of req. */
void answer_init(struct store_answer *a, const struct store_request *req);
void answer_wipe(struct store_answer *a);
/* The reply may be read from now on. */
void answer_finish(struct store_answer *a);
/* printf to reply.why; returns e. */
enum err answer_why(struct store_answer *a, enum err e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Copies m, with its body. ERR_FULL: there is no room, and reply.is_more is set. */
enum err answer_message(struct store_answer *a, const struct store_message *m);
enum err answer_item(struct store_answer *a, const struct store_item *i);
enum err answer_count(struct store_answer *a, const struct store_count *c);
enum err answer_record(struct store_answer *a, const struct store_record *r);

struct store_backend {
	const char *name;
	bool has_threads; /* worth one a lane: it may wait. Else only the write lane is opened */
	/* For the write lane first; the others are given what that one opened. cfg lives
	 * longer than what is opened; its on_trouble may be called from any lane's thread. */
	enum err (*open)(const struct store_config *cfg, enum store_lane lane,
			 void *writer, void **out, char *why);
	void (*close)(void *self);
	/* Write lane: begin, any number of runs, commit or rollback. */
	enum err (*begin)(void *self);
	enum err (*commit)(void *self);
	void (*rollback)(void *self);
	/* ERR_EXISTS, ERR_MISSING and what amend returned leave the transaction as it
	 * was before this request; any other error spoils it whole, and a->is_spoilt
	 * says so. */
	enum err (*run)(void *self, const struct store_request *req,
			struct store_answer *a);
	/* What begin or commit failed of, for people; was it not closed when it was last
	 * used? Both may be NULL. */
	const char *(*why)(void *self);
	bool (*was_unclean)(void *self);
	/* From another thread: what runs, and what runs later, returns soon. NULL: it
	 * always does. */
	void (*interrupt)(void *self);
};

extern const struct store_backend store_memory;
extern const struct store_backend store_sqlite;

#endif
