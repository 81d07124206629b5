/*
 * stdfd: stdin, stdout and stderr belong to others too: whether they block is a
 * property of what they lead to (a terminal, say), which the shell shares. So they
 * are given back as they were found.
 */
#ifndef NET_STDFD_H
#define NET_STDFD_H

#include <stdbool.h>

bool stdfd_is(int fd);
/* Before it is made non-blocking. The first hold remembers all three, for they may
 * lead to the same place. */
void stdfd_hold(void);
/* The last release gives all three back. */
void stdfd_release(void);

#endif
