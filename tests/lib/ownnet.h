/*
 * ownnet: a network of this program's own, or of one test's, so that it can make
 * interfaces and multicast without a packet leaving. Only lo is in it.
 */
#ifndef TESTS_LIB_OWNNET_H
#define TESTS_LIB_OWNNET_H

#include <stdbool.h>
#include <sys/types.h>

/* Network and mounts of our own; lo is down, and /run is empty, so the host's D-Bus is
 * out of reach. For the whole program and once; before any thread. False, and nothing has changed,
 * where that is not allowed. */
bool ownnet_enter(void);
/* Runs fn there in a fork, with lo up: true when it returned. Skips the test where that
 * is not allowed. */
bool ownnet_fork(void (*fn)(void *ctx), void *ctx);
/* An interface up or down, by name; needs no program. */
bool ownnet_link_set(const char *name, bool is_up);
/* A shell command; true when it ended with 0. */
bool ownnet_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The rest aborts the test program when the system does not do it. */
void ownnet_clean(void); /* only lo, down */
void ownnet_up_lo(void);
/* eth0 (10.77.0.1/24), up, and eth1, its other end: two interfaces on one link, or
 * two hosts when eth1 is moved. */
void ownnet_up_pair(void);
void ownnet_up_eth1(void); /* 10.77.0.2/24 */
/* The interface becomes eth0 of a process that has a net of its own. */
void ownnet_give_away(const char *name, pid_t pid, const char *addr_prefix);
/* eth0 has one only some time after the cable. */
void ownnet_wait_for_link_local(void);

#endif
