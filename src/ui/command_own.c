#include "ui/command_own.h"

#include <string.h>

#include "base/mem.h"

struct command *command_own(const struct command *cmd)
{
	size_t size = sizeof *cmd;
	for (size_t i = 0; i < COMMAND_ARGS_MAX; i++)
		if (cmd->u.arg[i])
			size += strlen(cmd->u.arg[i]) + 1;

	struct command *own = mem_new(size);
	*own = *cmd;
	char *end = (char *)(own + 1);
	for (size_t i = 0; i < COMMAND_ARGS_MAX; i++) {
		if (!cmd->u.arg[i])
			continue;
		size_t n = strlen(cmd->u.arg[i]) + 1;
		own->u.arg[i] = memcpy(end, cmd->u.arg[i], n);
		end += n;
	}
	return own;
}
