/*
 * knock: bare TCP on loopback, for who is no node: strangers from any of 127.0.0.x,
 * and servers that do not speak the protocol. Fails the test when a socket cannot be
 * had.
 */
#ifndef TESTS_LIB_KNOCK_H
#define TESTS_LIB_KNOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Connected, non-blocking; from 127.0.x.y with from = x * 256 + y. Never waits for
 * the other side: the kernel has connected it, if there is room in its queue. */
int knock(unsigned from, uint16_t port);
/* -1 instead of failing the test. */
int knock_try(unsigned from, uint16_t port);
/* Ends without leaving a connection in TIME_WAIT. */
void knock_reset(int fd);

/* True when the other side has closed or reset it. Reads nothing. */
bool knock_is_closed(int fd);
/* What has come, without waiting. */
size_t knock_read(int fd, void *out, size_t max);

/* Listens on 127.0.0.1, non-blocking. */
int knock_listen(int backlog, uint16_t *port);

#endif
