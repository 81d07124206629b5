/*
 * stream: byte streams that are not peers: Unix sockets for attached front ends,
 * stdin and stdout. Non-blocking, with a bounded output queue.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/loop.h"

struct stream;

struct stream_handlers {
	/* A line without its newline (and without a carriage return before it);
	 * borrowed for the call. The last line may lack its newline. */
	void (*on_line)(void *ctx, struct slice line);
	/* End of input, or an error (ERR_LIMIT: a line over line_max). Once. The
	 * stream still writes, if the error allows, until stream_free. */
	void (*on_end)(void *ctx, enum err why);
	/* All output has been written after stream_write said ERR_FULL; may be NULL */
	void (*on_drained)(void *ctx);
};

/* in or out may be -1 (or closed already: at their end at once), and both the same
 * when it is a socket or a terminal. On error they stay the caller's. Closes the
 * descriptors that are not stdin, stdout, stderr at the end, and gives those back as
 * it found them (blocking). */
enum err stream_open(struct loop *l, int in, int out, size_t line_max, size_t out_max,
		     const struct stream_handlers *h, void *ctx, struct stream **outp);
/* All of it is queued, or nothing: ERR_FULL (out_max), ERR_IO (the reader went). */
enum err stream_write(struct stream *s, struct slice bytes);
/* Stops reading until told otherwise. */
void stream_pause(struct stream *s, bool paused);
size_t stream_queued(const struct stream *s);
/* Writes what is queued, for at most a second, then frees; no more calls to the
 * handlers. NULL is fine. */
void stream_free(struct stream *s);
/* Waits (blocking, at most ms milliseconds) until the queue is written: before
 * the process ends. */
void stream_flush(struct stream *s, unsigned ms);

/* A Unix socket of mode 0600. A stale one that nobody answers is replaced; a live
 * one is ERR_IN_USE; a path over 107 bytes is ERR_RANGE. */
struct local_server;
enum err local_listen(struct loop *l, const char *path,
		      void (*on_client)(void *ctx, int fd), void *ctx,
		      struct local_server **out);
/* Closes and unlinks. NULL is fine. */
void local_stop(struct local_server *s);
/* Connects at once (local sockets do not wait): a descriptor for stream_open.
 * ERR_MISSING when nobody listens. */
enum err local_connect(const char *path, int *fd);

#endif
