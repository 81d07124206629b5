/*
 * walk: through the paths of a source_config, depth first, each folder before its content.
 */
#ifndef FILES_WALK_H
#define FILES_WALK_H

#include "files/source.h"

struct walk;

struct walk_node {
	struct slice path; /* as it travels; lives until the next call */
	struct slice raw; /* as it is here, from the path given on; likewise */
	int dir; /* where name is opened: the walk's, until the next call */
	const char *name; /* likewise */
	bool is_folder;
	struct stat st;
	/* Of a file, open for reading, the caller's to close; -1 with is_count. */
	int fd;
};

/* is_count: files are looked at, not opened. cfg is borrowed. */
struct walk *walk_new(const struct source_config *cfg, bool is_count);
void walk_free(struct walk *w); /* NULL is fine */

/* ERR_MISSING: that was all. Others: the disk, with its place in *why; ERR_USAGE for a path
 * given that is neither file nor folder. */
enum err walk_next(struct walk *w, struct walk_node *out, struct mishap *why);
/* The file of a node once more, as it is now. */
enum err walk_open_again(struct walk *w, struct walk_node *node);

#endif
