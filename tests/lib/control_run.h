/*
 * control_run: a control socket in a temporary folder, over a node that is played.
 */
#ifndef TESTS_LIB_CONTROL_RUN_H
#define TESTS_LIB_CONTROL_RUN_H

#include <stddef.h>

#include "lib/fake_front.h"
#include "net/loop.h"

struct control_run {
	struct loop *loop;
	struct fake_front *front;
	void *control; /* NULL: stopped by control_run_close */
	char *path;
};

/* For setup and teardown of a test; 0 when it went well. At the stop nothing of the
 * test's may be on the loop any more. */
int control_run_start(struct control_run *r, void **state);
int control_run_stop(struct control_run *r, void **state);
/* The socket goes, and its clients with it. */
void control_run_close(struct control_run *r);
/* Until the node has run so many commands; each client is greeted by one of its own.
 * Fails the test after wait_ms. */
void control_run_commands(struct control_run *r, size_t n, unsigned wait_ms);

#endif
