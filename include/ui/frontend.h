/*
 * frontend: siblings on one stream of events. Each speaks to a front_source, which is
 * the node of this process or a connection to a running one; none knows which.
 */
#ifndef UI_FRONTEND_H
#define UI_FRONTEND_H

#include <stdbool.h>

#include "base/err.h"
#include "core/front.h"
#include "net/loop.h"

struct frontend_config {
	struct loop *loop;
	struct front_source source;
	bool is_own_node; /* of this process: what it has told so far is news too */
	const char *socket; /* control: where it listens */
	const struct command *command; /* oneshot: what it does; outlives it */
	const struct command *then; /* oneshot: and after success; NULL: nothing */
	bool is_json; /* oneshot: print JSON lines */
	int in; /* import: what is read; owned from start on, but not stdin */
	/* It is finished, with this exit status (p2pmsg(1), "Exit status"). Once; from
	 * the loop. stop may not be called from inside. */
	void (*on_end)(void *ctx, int status);
	void *ctx;
};

struct frontend_ops {
	const char *name;
	/* *out is its own state, for stop. */
	enum err (*start)(const struct frontend_config *cfg, void **out);
	void (*stop)(void *impl); /* NULL is fine */
};

/* Lines for people on stdin and stdout; on a terminal with a prompt. */
extern const struct frontend_ops frontend_line;
/* JSON lines both ways on stdin and stdout. */
extern const struct frontend_ops frontend_json;
/* JSON lines both ways for up to 64 programs at a Unix socket. Never ends by itself. */
extern const struct frontend_ops frontend_control;
/* An export on `in` is taken into the node; what came of it on stdout and stderr. */
extern const struct frontend_ops frontend_import;
/* One command, its replies on stdout, errors on stderr. */
extern const struct frontend_ops frontend_oneshot;

#endif
