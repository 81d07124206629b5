/*
 * ifwatch: the interfaces of this host, live. On Linux netlink tells of changes;
 * elsewhere they are read every 5 s.
 */
#ifndef NET_IFWATCH_H
#define NET_IFWATCH_H

#include "base/addr.h"
#include "base/err.h"
#include "net/loop.h"

struct ifwatch;

/* on_change comes once at the next tick and then 200 ms after changes have come
 * to rest, or after 2 s without rest; only when something differs. */
enum err ifwatch_start(struct loop *l,
		       void (*on_change)(void *ctx, const struct ifaces *), void *ctx,
		       struct ifwatch **out);
void ifwatch_stop(struct ifwatch *w); /* NULL is fine */
/* The present state; borrowed until the next tick. */
const struct ifaces *ifwatch_get(const struct ifwatch *w);

#endif
