/*
 * options_check: which values an option takes, and how to say it to a person.
 */
#ifndef BASE_OPTIONS_CHECK_H
#define BASE_OPTIONS_CHECK_H

#include "base/options.h"

/* The value as it is stored (trimmed; yes or no; a plain number; a word as in the
 * table) in *stored, mem_free. ERR_USAGE or ERR_RANGE with *why, if why is not NULL. */
enum err options_check(enum option id, const char *value, enum option_source source,
		       char **stored, char **why);
/* What it takes, as in "port takes ..."; mem_free. */
char *options_takes(enum option id);
/* Its name as the user of that source writes it; mem_free. */
char *options_name(enum option id, enum option_source source);
/* The word's place among the words of an ENUM; -1 when it is none of them. */
long options_word(enum option id, const char *word);

#endif
