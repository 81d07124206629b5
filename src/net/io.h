/*
 * io: what the files of net share of the loop: waiting for a descriptor, and asking
 * for another round before the loop sleeps. Here and in loop.h, no libuv type.
 */
#ifndef NET_IO_H
#define NET_IO_H

#include "base/err.h"
#include "net/loop.h"

enum { IO_READ = 1, IO_WRITE = 2 };

/* ready: those of the wanted that can be done, or that would tell of an error. */
typedef void io_fn(void *ctx, unsigned ready);

struct io;

/* Wants nothing at first. The descriptor is made non-blocking and stays the
 * caller's. ERR_PERM: it cannot be waited for (a regular file); ERR_IN_USE: it is
 * waited for already. */
enum err io_new(struct loop *l, int fd, io_fn *fn, void *ctx, struct io **out);
/* IO_READ, IO_WRITE, both or 0; cheap when it is what was wanted before. */
void io_want(struct io *io, unsigned events);
/* Also from inside fn. The descriptor may be closed right after it. NULL is fine. */
void io_free(struct io *io);

/* Work off the loop, in libuv's pool. done comes on the loop, once, never from
 * inside this call. */
void loop_work_start(struct loop *l, void (*work)(void *ctx), void (*done)(void *ctx),
		     void *ctx);

/* 64 KiB for whoever is reading; holds nothing across calls. */
enum { LOOP_SCRATCH_BYTES = 64 << 10 };
uint8_t *loop_scratch(struct loop *l);

#endif
