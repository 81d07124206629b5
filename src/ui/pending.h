/*
 * pending: the commands of a front end that have not had their last reply. Embedded
 * in its owner, zeroed at first.
 */
#ifndef UI_PENDING_H
#define UI_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/front.h"

enum {
	/* Reading stops here, so that answers do not pile up for one who only asks. */
	PENDING_MAX = 64,
	PENDING_LOW = 16 /* and goes on from here */
};

struct pending {
	unsigned n;
	bool is_full;
	uint64_t tags[PENDING_MAX];
};

/* events and trace are left out: they go on until they are stopped. */
void pending_add(struct pending *p, const struct command *cmd);
/* True when this was the last reply of one of them. */
bool pending_take(struct pending *p, const struct event *ev);
/* True from PENDING_MAX on down to PENDING_LOW. */
bool pending_is_full(struct pending *p);

#endif
