/*
 * fileio: reads and writes of what epoll refuses (regular files, /dev/null), off the
 * loop, one at a time, from and to where the descriptor stands.
 */
#ifndef NET_FILEIO_H
#define NET_FILEIO_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/loop.h"

struct fileio;

/* on_done: how many bytes, or a negative errno. */
struct fileio *fileio_new(struct loop *l, int fd, void (*on_done)(void *ctx, ssize_t n),
			  void *ctx);
bool fileio_is_busy(const struct fileio *f);
/* Then fileio_bytes has what was read, until the next. Not while busy. */
void fileio_read(struct fileio *f);
struct slice fileio_bytes(const struct fileio *f);
/* Copies as much as it takes at once. Not while busy. */
void fileio_write(struct fileio *f, struct slice bytes);
/* Blocks until what is under way is done, at most ms: then on_done is called from
 * inside this call. True when it is not busy any more. */
bool fileio_wait(struct fileio *f, unsigned ms);
/* on_done is not called any more. Closes the descriptor, if it is to, when nothing
 * uses it. NULL is fine. */
void fileio_free(struct fileio *f, bool is_fd_closed);

#endif
