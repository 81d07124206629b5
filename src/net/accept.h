/*
 * accept: takes connections from a listening socket, and survives when there are
 * no descriptors left for them.
 */
#ifndef NET_ACCEPT_H
#define NET_ACCEPT_H

#include <stdbool.h>

#include "base/err.h"
#include "net/loop.h"

struct sockaddr;
struct acceptor;

struct acceptor_handlers {
	/* The descriptor is the callee's, non-blocking and closed on exec. */
	void (*on_conn)(void *ctx, int fd, const struct sockaddr *from);
	/* No descriptor is left: true when one has been freed. May be NULL. */
	bool (*make_room)(void *ctx);
};

/* Takes fd, which listens; on error it stays the caller's. h and ctx outlive it. */
enum err acceptor_start(struct loop *l, int fd, const struct acceptor_handlers *h,
			void *ctx, struct acceptor **out);
/* Closes the socket; also from inside a handler. NULL is fine. */
void acceptor_stop(struct acceptor *a);

#endif
