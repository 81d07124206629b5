/*
 * verbs: what the shell adds to a verb: how long it waits, text from standard input,
 * and what it needs when no node of the profile runs.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <stdbool.h>

#include "base/options.h"
#include "cli/say.h"
#include "core/front.h"

struct verb_needs {
	enum verb verb;
	bool is_offline; /* it needs nobody else: a short-lived node does not listen */
	bool is_storeless; /* nor what was said to whom */
	bool is_running; /* it makes sense only on a node that runs already */
	bool is_endless; /* it goes on until it is interrupted */
	/* A change that the short-lived node would forget: it is saved. The argument
	 * that makes it a change, or -1. */
	int saved_arg;
	const char *wait; /* seconds, when --wait is not given; NULL: what core takes */
	const char *wait_alone; /* the same for a short-lived node */
};

/* Static. */
const struct verb_needs *verb_needs(enum verb v);

/* Sets --wait, reads the text when it is "-". *cmd is replaced (mem_free). Has said
 * what is wrong unless STATUS_DONE. */
enum status verb_prepare(struct command **cmd, const struct options *o, bool is_alone);

#endif
