/*
 * clash: functions that the program has in the place of Avahi's; the dynamic linker
 * finds them before the libraries'.
 *
 * avahi_entry_group_free: libavahi-client and libavahi-core (0.8, and so far every
 * later one) both export one: the one as its public call, the other by oversight, for
 * itself. In a program with both, each library would call whichever comes first, and
 * crash. Ours passes each call on to the library that meant it.
 *
 * avahi_domain_equal: the embedded stack compares each record of each packet with
 * every one of a list. Avahi's own function unescapes both names anew each time, which
 * was most of the processor's work when 40 nodes start together. Ours answers the same
 * by looking at the letters first.
 */
#ifndef DISCOVERY_CLASH_H
#define DISCOVERY_CLASH_H

#include <avahi-core/core.h>

/* The embedded stack of the calling thread, before it has groups; NULL: none. */
void clash_server_set(const AvahiServer *server);

#endif
