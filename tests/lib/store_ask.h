/*
 * store_ask: a store as if it answered at once, and requests in one line.
 */
#ifndef TESTS_LIB_STORE_ASK_H
#define TESTS_LIB_STORE_ASK_H

#include "store/backend.h"

struct store_ask {
	struct store *s;
	const char *path; /* NULL: memory */
	uint8_t key[STORE_KEY_BYTES];
	struct rng_seeded rng;
	uint64_t now_ms;
	struct store_answer got; /* of the last ask */
	bool is_done;
	char why[STORE_WHY_BYTES]; /* of store_open */
	enum err trouble; /* the last one */
	char trouble_why[STORE_WHY_BYTES];
	size_t n_troubles;
};

/* It must not be moved in memory. */
void store_ask_init(struct store_ask *a, const char *path);
void store_ask_wipe(struct store_ask *a);
enum err store_ask_open(struct store_ask *a);
void store_ask_close(struct store_ask *a);
/* Submits, waits, and leaves a copy of the reply in a->got. */
enum err store_ask(struct store_ask *a, const struct store_request *req);
/* Waits until nothing is pending, or max_ms have gone by: false. */
bool store_ask_settle(struct store_ask *a, unsigned max_ms);

/* Ids that follow from a number. */
struct id16 id16_of(unsigned n);
struct id32 id32_of(unsigned n);
/* Message number n of author and conv, lamport n; body_text(n). */
struct store_message message_of(unsigned author, unsigned conv, unsigned n);
/* What a message says; static, valid until the eighth call after it. */
struct slice body_text(unsigned n);

#endif
