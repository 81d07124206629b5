/*
 * rules: what all backends must agree on about rows and requests.
 */
#ifndef STORE_RULES_H
#define STORE_RULES_H

#include "store/backend.h"

/* Ids of messages that are gone are remembered for so long. */
#define STORE_GONE_MS (60ull * 24 * 3600 * 1000)

enum { STORE_SWEEP_ROUND = 1024 }; /* messages that one SWEEP removes */

/* How far a message of this state is. */
int rules_rank(enum store_state s);
/* Is it SWEEP's, because it expired, or unless it waits? */
bool rules_is_expired(const struct store_request *req, const struct store_message *m);
bool rules_is_over(const struct store_request *req, const struct store_message *m);
/* Where a stands to b in a conversation, as memcmp. */
int rules_cmp_conv(const struct store_message *a, const struct store_message *b);
/* What `from` names, to be compared. */
struct store_message rules_from(const struct store_request *req);
/* MEASURE: one row, its body of n bytes. ERR_FULL: the answer is complete. */
enum err rules_measure(const struct store_request *req, struct store_answer *a,
		       const struct store_message *m, size_t n, size_t *n_looked);
/* Since when what KEEP queues waits. */
uint64_t rules_since(const struct store_request *req);
/* What amend may not touch is put back; ERR_RANGE for a body that is too long. */
enum err rules_check_amended(const struct store_message *before,
			     struct store_message *after);

/*
 * PAGE and SCAN, row by row in their order: rules_may_look, then, if rules_is_within, the
 * body is opened and rules_show is asked, then rules_looked. ERR_FULL: the reply is full.
 */
enum err rules_may_look(const struct store_request *req, struct store_answer *a,
			size_t n_looked);
bool rules_is_within(const struct store_request *req, const struct store_message *m);
enum err rules_show(const struct store_request *req, struct store_answer *a,
		    const struct store_message *m);
void rules_looked(struct store_answer *a, const struct store_message *m,
		  size_t *n_looked);

#endif
