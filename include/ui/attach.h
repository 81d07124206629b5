/*
 * attach: a running node's control socket as a front_source, so that every front end
 * works on it as on a node of its own process.
 */
#ifndef UI_ATTACH_H
#define UI_ATTACH_H

#include "base/err.h"
#include "core/front.h"
#include "net/loop.h"

struct attach;

/*
 * Connects at once: ERR_MISSING when no node listens there. When the connection ends,
 * each port gets an EVENT_ERROR without a tag, status 5, saying so, and then on_gone
 * is called, once.
 */
enum err attach_start(struct loop *l, const char *path, void (*on_gone)(void *ctx),
		      void *ctx, struct attach **out);
/* Ports are closed first. NULL is fine. */
void attach_stop(struct attach *a);

/* Each port is a connection of its own. */
struct front_source attach_source(struct attach *a);

#endif
