/*
 * options_put: settings from a test, which fails when one is not taken; and what they
 * say, compared.
 */
#ifndef TESTS_LIB_OPTIONS_PUT_H
#define TESTS_LIB_OPTIONS_PUT_H

#include "base/options.h"

void options_put(struct options *o, enum option id, const char *value,
		 enum option_source source);
/* The text of a file "f". */
void options_put_file(struct options *o, const char *text, enum option_source source);
/* Takes the reason and compares. */
void assert_why(char *why, const char *want);
/* The items of a list with a bar before each. */
void assert_list(const struct options *o, enum option id, const char *want);

#endif
