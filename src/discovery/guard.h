/*
 * guard: what the embedded mDNS stack is not shown. A malformed packet from the LAN
 * must not end the program, but Avahi 0.8 meets some answers with assert() or with
 * recursion without end; all of the known ones need a CNAME record (CVE-2025-68468,
 * CVE-2025-68471, CVE-2026-24401). Nothing of ours uses CNAME: so packets that carry
 * one, and those that cannot be walked through, are dropped before Avahi reads them.
 */
#ifndef DISCOVERY_GUARD_H
#define DISCOVERY_GUARD_H

#include <avahi-common/watch.h>
#include <stdbool.h>

#include "base/slice.h"

struct guard;

/* Stands between Avahi and inner, which outlives it. */
struct guard *guard_new(const AvahiPoll *inner);
void guard_free(struct guard *g); /* NULL is fine */
const AvahiPoll *guard_poll(const struct guard *g);

/* A DNS message that may be shown. */
bool guard_is_harmless(struct slice packet);

#endif
