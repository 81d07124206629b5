/*
 * chan_pair: two nodes with a channel between them and no socket. Everything that
 * happens at an end is counted, so that a test says what must have happened.
 */
#ifndef TESTS_LIB_CHAN_PAIR_H
#define TESTS_LIB_CHAN_PAIR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "crypto/identity.h"
#include "wire/chan.h"

/* One node and its side of a channel. */
struct chan_end {
	struct identity *id;
	struct chan_config cfg;
	struct chan *chan;
	bool says_no; /* CHAN_PEER is answered with chan_close */
	bool is_slow; /* CHAN_PEER is left to the test */
	/* What chan_next gave since the channel was made. */
	unsigned peers, ups, records, closes, refusals;
	struct chan_event last; /* without borrowed parts */
	enum err err; /* of the last chan_next */
	struct buf got; /* of each record: kind u8, len u16, payload */
};

struct chan_pair {
	struct rng_seeded rng;
	struct clock_manual clock;
	struct chan_end a, b; /* a dials b */
};

/* New identities, no channels yet. */
void pair_init(struct chan_pair *p, uint64_t seed);
void pair_wipe(struct chan_pair *p);
/* New channels; those from before are freed. Nothing has moved. target NULL: b. */
void pair_dial(struct chan_pair *p);
void pair_dial_target(struct chan_pair *p, const struct id32 *target);
/* Moves bytes both ways until nothing moves any more. */
void pair_run(struct chan_pair *p);
/* pair_dial, pair_run; fails the test unless both are up. */
void pair_connect(struct chan_pair *p);

/* Forgets the channel and what was counted. */
void end_reset(struct chan_end *e);
/* Asks chan_next until it gives no event. Returns its last answer. */
enum err end_drain(struct chan_end *e);
/* Feeds all of it, draining between; returns the last answer of chan_next. */
enum err end_feed(struct chan_end *e, struct slice bytes);
/* What e has to say, appended to out and dropped. */
void end_take(struct chan_end *e, struct buf *out);
/* chan_send of a text as one record, which must be taken. */
void end_send(struct chan_end *e, uint8_t kind, const char *text);
/* Fails the test unless exactly these texts have come, in records of kind. */
void end_assert_got(struct chan_end *e, uint8_t kind, const char *const *texts, size_t n);

/* A new channel at this end alone; the end again. */
struct chan_end *end_fresh(struct chan_end *e, bool is_initiator);
/* In silence, and without having met anybody. */
void end_assert_refused(const struct chan_end *e, enum err err);

#endif
