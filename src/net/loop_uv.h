/*
 * loop_uv: the loop's libuv side, for the few files that know libuv.
 */
#ifndef NET_LOOP_UV_H
#define NET_LOOP_UV_H

#include <uv.h>

#include "net/loop.h"

uv_loop_t *loop_uv(struct loop *l);

#endif
