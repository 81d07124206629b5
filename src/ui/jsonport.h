/*
 * jsonport: one program that speaks JSON lines: commands in, replies and events out,
 * on a pair of descriptors. What it sends can only be answered, refused, or end this
 * port.
 */
#ifndef UI_JSONPORT_H
#define UI_JSONPORT_H

#include "core/front.h"
#include "net/loop.h"

struct jsonport_config {
	struct loop *loop;
	struct front_source source;
	int in, out; /* owned from start on, but not stdin and stdout */
	uint64_t tag; /* FEED_TAG_CLIENT or _SERVER */
	/* Its input ended: a pipe's reader is done then, while a socket's other half may
	 * go on reading events. */
	bool ends_with_input;
	/* Nothing more will come or go; exit status. May stop the port. */
	void (*on_over)(void *ctx, int status);
	void *ctx;
};

struct jsonport;

/* The first line out is the node's description. On error the descriptors are closed. */
enum err jsonport_start(const struct jsonport_config *cfg, struct jsonport **out);
/* What is queued is still written, for a second at most. NULL is fine. */
void jsonport_stop(struct jsonport *p);
/* False when its program has closed the connection in both directions. */
bool jsonport_is_open(const struct jsonport *p);

#endif
