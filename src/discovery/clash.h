/*
 * clash: libavahi-client and libavahi-core (0.8, and so far every later one) both
 * export a function avahi_entry_group_free: the one as its public call, the other by
 * oversight, for itself. In a program with both, each library would call whichever
 * comes first, and crash. So the program has one of that name of its own, which is
 * found before both and passes each call on to the library that meant it.
 */
#ifndef DISCOVERY_CLASH_H
#define DISCOVERY_CLASH_H

#include <avahi-core/core.h>

/* The embedded stack of the calling thread, before it has groups; NULL: none. */
void clash_server_set(const AvahiServer *server);

#endif
