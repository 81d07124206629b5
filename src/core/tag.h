/*
 * tag: groups of the user's own as the recipient of a text: each of them gets a message
 * of its own, kept and queued as any other.
 */
#ifndef CORE_TAG_H
#define CORE_TAG_H

#include "core/command.h"

/* who: "@lab". */
bool tag_is(const char *who);
/* Says text to everybody with that tag; has_wait, wait_s: as for one, and all of them
 * must have it. */
void tag_say(struct call *call, const char *who, const char *text, bool is_action,
	     bool has_wait, uint64_t wait_s);
void tag_free_all(struct core *c);

#endif
