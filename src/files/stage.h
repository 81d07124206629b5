/*
 * stage: the working folder of a transfer: `.p2pmsg-<xfer>` in the directory of downloads,
 * with the journal's files and `tree`, in which everything is made.
 */
#ifndef FILES_STAGE_H
#define FILES_STAGE_H

#include "base/ids.h"
#include "files/file_port.h"
#include "files/sink.h"

#define STAGE_PREFIX ".p2pmsg-"
enum { STAGE_NAME_ROOM = sizeof(STAGE_PREFIX) + 32 };

struct stage {
	const struct file_port *port;
	int dir; /* of downloads, borrowed */
	int work, tree; /* -1: not open */
	char name[STAGE_NAME_ROOM];
};

/* ERR_EXISTS. */
enum err stage_make(const struct file_port *port, int dir, const struct id16 *xfer,
		    struct stage *out);
/* ERR_MISSING; ERR_PERM: it is not a folder of ours that nobody else enters. The tree may be
 * missing: -1. */
enum err stage_open(const struct file_port *port, int dir, const struct id16 *xfer,
		    struct stage *out);
/* False: not the name of one. */
bool stage_parse(const char *name, struct id16 *xfer);
void stage_close(struct stage *st);
/* The journal first: what is half removed is not gone on with. Closes too. */
enum err stage_remove(struct stage *st);

/* What placing needs to know of a sink_config. */
struct stage_target {
	enum sink_policy policy;
	void (*on_placed)(void *ctx, const char *name, const char *final);
	void *ctx;
};
/* Gives what is in the tree its names in the directory. ERR_EXISTS, and which name: with
 * SINK_ASK. ERR_CORRUPT: there is what no sink made. Can be called again after an error or a
 * crash: what has its name is no longer in the tree. */
enum err stage_place(const struct stage *st, const struct stage_target *to,
		     char clash[static 256]);

#endif
