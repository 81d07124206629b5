/*
 * resolve: host names to addresses, off the loop (getaddrinfo).
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/loop.h"

struct resolve;

/* done is called once, on the loop, never from inside this call; addrs is borrowed
 * for the call, at most 16, each with the port given. A literal is answered too.
 * ERR_UNKNOWN for a name that does not resolve, ERR_UNREACHABLE when no server could
 * be asked. Returns ERR_IO when the question cannot be put. */
enum err resolve_start(struct loop *l, const char *host, uint16_t port,
		       void (*done)(void *ctx, enum err e, const struct addr *addrs,
				    size_t n),
		       void *ctx, struct resolve **out);
/* Before done only: done will not be called. NULL is fine. */
void resolve_cancel(struct resolve *r);

#endif
