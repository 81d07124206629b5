/*
 * help: the table of verbs as text for people.
 */
#ifndef UI_HELP_H
#define UI_HELP_H

#include <stdbool.h>

#include "base/err.h"

/* *out (mem_free) is lines that end with '\n'. verb NULL: all of them. is_slash: as
 * typed in a client, else in a shell. ERR_USAGE: *out says what is wrong, one line
 * without '\n'. */
enum err help_text(const char *verb, bool is_slash, char **out);

#endif
