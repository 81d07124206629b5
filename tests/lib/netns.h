/*
 * netns: a network of the test's own, with lo up and nothing else, in a process of
 * its own. Nothing leaves it.
 */
#ifndef TESTS_LIB_NETNS_H
#define TESTS_LIB_NETNS_H

#include <stdbool.h>

/* Runs fn there in a fork: true when it returned. Skips the test where namespaces are
 * not allowed. */
bool netns_run(void (*fn)(void *ctx), void *ctx);

/* For fn: an interface up or down, by name. */
bool netns_link_set(const char *name, bool is_up);
/* Runs a command line; true when it ends well. */
bool netns_shell(const char *command);

#endif
