/*
 * child: other programs, run by `sh -c`.
 */
#ifndef NET_CHILD_H
#define NET_CHILD_H

#include "base/err.h"
#include "base/slice.h"

/* Runs command, waits, and gives the first line of its output without the
 * newline: at most max - 1 bytes into out (guarded memory of the caller), NUL-
 * terminated. For secrets asked for at start; blocks. stdin and stderr are ours.
 * ERR_IO when it cannot run, ends with another status than 0, or prints nothing;
 * ERR_LIMIT when the line is too long. */
enum err child_first_line(const char *command, char *out, size_t max);

#endif
