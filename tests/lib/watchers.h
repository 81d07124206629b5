/*
 * watchers: the processes of one test, and where they stand in a network of our own.
 * Each is known by its place; its id is one more.
 */
#ifndef TESTS_LIB_WATCHERS_H
#define TESTS_LIB_WATCHERS_H

#include "lib/watcher.h"

enum { WATCHERS_MAX = 4 };

/* Ends when watchers_stop says so, or by itself. */
struct watcher *watchers_start(int i, struct watcher_options o);
/* With the embedded stack, in a net of its own at the other end of a cable: eth1 of
 * ownnet_up_pair, or of a second one, eth2 (10.78.0.1/24). */
struct watcher *watchers_start_other_host(int i);
struct watcher *watchers_start_third_host(int i);
/* All of them; false when one ended badly. */
bool watchers_stop(void);

#endif
