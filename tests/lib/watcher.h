/*
 * watcher: a process that runs discovery and tells, line by line, what it sees:
 *   + id=05 10.77.0.1:7105 if=2 lo=0 6fd1...    a sighting
 *   - id=05 10.77.0.1:7105 if=2 lo=0 6fd1...    it is gone
 *   status embedded                             or: status off: no multicast: ...
 */
#ifndef TESTS_LIB_WATCHER_H
#define TESTS_LIB_WATCHER_H

#include <stdbool.h>
#include <sys/types.h>

#include "discovery/discovery.h"

struct watcher {
	pid_t pid;
	int in, out;
	char text[1 << 16]; /* since the last watcher_forget */
	size_t n;
};

struct watcher_options {
	enum discovery_mode mode;
	uint8_t id; /* the first byte of the node id; the port is 7100 + id */
	bool is_hidden;
	bool has_own_net; /* starts to discover when told "go" */
	const char *interface; /* as given by the user */
};

/* Aborts the test program when the system has no process left. */
void watcher_start(struct watcher *w, const struct watcher_options *o);
/* True as soon as a line contains needle; false after ms. */
bool watcher_sees(struct watcher *w, const char *needle, unsigned ms);
/* As watcher_sees, with the limits of a test: soon when it is wanted, else for a
 * while. Says what there was when it is not as wanted. */
bool watcher_told(struct watcher *w, const char *needle, bool is_wanted);
#define SEES(w, needle) assert_true(watcher_told(w, needle, true))
#define SEES_NOT(w, needle) assert_false(watcher_told(w, needle, false))
void watcher_forget(struct watcher *w);
/* "go", "hide", "show", "ifaces" (read them anew), "again INSTANCE", "fixed HOST" */
void watcher_tell(struct watcher *w, const char *command);
/* Stops discovery and ends the process; returns how many ms discovery_stop took, or
 * -1 when the process ended badly. */
int watcher_stop(struct watcher *w);

#endif
