/*
 * command_own: a command that owns its arguments.
 */
#ifndef UI_COMMAND_OWN_H
#define UI_COMMAND_OWN_H

#include "core/front.h"

/* A copy in one allocation: mem_free. */
struct command *command_own(const struct command *cmd);

#endif
