/*
 * feed: joins a front port to the stream that a front end writes to. When the reader
 * is slower than the events come, it lets events go by, and once the reader has caught
 * up it asks for them again, from the last one that was written: a slow reader costs a
 * bounded queue, and loses only what the node itself no longer keeps.
 *
 *   flowing -> (queue full) cut -> (queue empty) catching up -> flowing
 */
#ifndef UI_FEED_H
#define UI_FEED_H

#include "core/front.h"
#include "net/loop.h"
#include "net/stream.h"

enum {
	FEED_SOFT_BYTES = 256 << 10, /* events wait when this much is queued */
	FEED_HARD_BYTES = 8 << 20 /* for the stream: the longest list must fit */
};

/* Tags of a feed's own commands. A front end's must be one that JSON can carry, as it
 * may sit behind a socket; the server's must not be, so that the two never meet. */
#define FEED_TAG_CLIENT ((uint64_t)INT64_MAX)
#define FEED_TAG_SERVER UINT64_MAX

struct feed_config {
	struct loop *loop;
	struct front_source source;
	struct stream *stream; /* the owner's; outlives the feed */
	uint64_t tag;
	/* What to write for an event, whole lines, mem_free; NULL: nothing. */
	char *(*format)(void *ctx, const struct event *ev);
	/* The reader went, or a reply did not fit: it asks and does not read. May stop
	 * the feed. */
	void (*on_stuck)(void *ctx);
	void *ctx;
};

struct feed;

enum err feed_start(const struct feed_config *cfg, struct feed **out);
void feed_stop(struct feed *f); /* NULL is fine */

/* ERR_IO: the node is gone. ERR_RANGE: too long to be handed to it. */
enum err feed_submit(struct feed *f, const struct command *cmd);
/* The node describes itself (EVENT_NODE without a tag). */
enum err feed_greet(struct feed *f);

#endif
