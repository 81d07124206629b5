/*
 * program: one run of p2pmsg: a node of its own or a connection to the running one,
 * the front ends on it, signals, and the end. Embedded in its owner.
 *
 *   init, find, (start_node), (front ends), run, wipe
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <stdbool.h>

#include "base/options.h"
#include "cli/node.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "ui/attach.h"
#include "ui/frontend.h"

enum { PROGRAM_FRONTENDS_MAX = 2, PROGRAM_SIGNALS = 3 };

struct program {
	struct options *options; /* the caller's, as is what paths points to */
	const struct paths *paths;
	const char *profile;
	struct loop *loop;
	struct attach *attach; /* one of these two */
	struct node *node;
	struct identity *identity;
	struct options *files; /* as last read */
	int lock;
	struct {
		const struct frontend_ops *ops;
		void *impl;
	} frontends[PROGRAM_FRONTENDS_MAX];
	unsigned n_frontends;
	struct loop_signal *signals[PROGRAM_SIGNALS];
	struct timer end_timer;
	bool rereads; /* SIGHUP reads the configuration instead of ending */
	int interrupted; /* status at SIGINT and SIGTERM; -1: as shells have it */
	bool is_ending;
	int status;
};

/* All of these have said what is wrong unless STATUS_DONE. */

enum status program_init(struct program *p, struct options *o, const struct paths *paths,
			 const char *profile);
/* Finds the running node (p->attach), or else locks the profile for one of our own
 * (p->attach NULL). Waits for another that is just starting or ending, or a command on
 * a node of its own; says so when that takes long. */
enum status program_find(struct program *p);
enum status program_start_node(struct program *p, bool is_networked, bool is_storeless);
/* source, loop and on_end are filled in. */
enum status program_add_frontend(struct program *p, const struct frontend_ops *ops,
				 struct frontend_config *cfg);
/* Until the end; the exit status. */
int program_run(struct program *p);
void program_wipe(struct program *p);

#endif
