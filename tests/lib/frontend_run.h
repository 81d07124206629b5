/*
 * frontend_run: a front end that owns stdin and stdout, run in a process of its own on
 * a fake node.
 */
#ifndef TESTS_LIB_FRONTEND_RUN_H
#define TESTS_LIB_FRONTEND_RUN_H

#include <stdbool.h>

#include "lib/fake_front.h"
#include "ui/frontend.h"

struct frontend_run {
	const struct frontend_ops *ops;
	const char *input; /* what is typed; then the input ends */
	const struct command *command, *then; /* oneshot */
	bool is_json;
	bool is_tty; /* stdin and stdout are a terminal; stderr is not */
	bool is_own_node;
	const char
		*earlier; /* what the node said before anybody listened; NULL: nothing */
	bool has_full_disk; /* stdout is /dev/full */
	unsigned delay_ms; /* of the node's answers, each after the one before */
	unsigned kill_ms; /* the front end is stopped after this; 0: it ends itself */
	/* The node's side. front is told by frontend_run_front while it runs. */
	void (*on_command)(void *ctx, uint64_t port, const struct command *cmd);

	/* afterwards: mem_free of both */
	char *out, *err;
	int status; /* that of on_end; -1: it did not end by itself */
};

/* Fails the test when the child does not end well. */
void frontend_run(struct frontend_run *r);
/* In on_command: the node it came to. */
struct fake_front *frontend_run_front(void);

#endif
