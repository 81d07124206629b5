/*
 * desk: a front end of a test's own on node 0 of a simulation: asks, counts the
 * answers and keeps the last ones.
 */
#ifndef TESTS_LIB_DESK_H
#define TESTS_LIB_DESK_H

#include "lib/sim.h"

struct desk {
	struct sim *s;
	struct front_port port;
	uint64_t tag; /* of the last command */
	/* may be set by the test */
	const char *forget_when_offline; /* forgets whom, as soon as anybody leaves */
	bool closes_at_once;
	/* since the last command */
	unsigned counts[EVENT_COUNT];
	unsigned status; /* of an error; 0: none */
	uint64_t first_done; /* the tag of the first DONE; 0: none */
	char text[1024]; /* of the last error or done */
	char said
		[4096]; /* the texts of messages among the replies, each with a | after it */
	char full[4096]; /* the same with all that was done to them */
	char id[33], state[16]; /* of the last message */
	char marks[1024]; /* what happened to messages: "n1 edit: text|" */
	char row[1024]; /* the last other reply that shows something, as words */
	unsigned n_alarms;
	char told[1024]; /* the last message or knock that happened: "in contact: text" */
	/* at all */
	char sas[256]; /* the last of comparing words: "compare: words; numbers" */
	char safety[128]; /* the last safety number */
	char code[128]; /* and the text of the QR code */
	bool has_mismatch;
	uint64_t last_tag, first_cursor, lagged_to;
};

void desk_open(struct desk *d, struct sim *s);
void desk_open_at(struct desk *d, struct sim *s, unsigned i); /* on another node */
/* Up to three arguments, in the order of the verb's row; then ms pass, if any. */
void desk_ask(struct desk *d, enum verb verb, const char *a, const char *b, const char *c,
	      uint64_t ms);

#endif
