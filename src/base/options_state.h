/*
 * options_state: what struct options holds. For options.c and the files beside it
 * that read and write whole files.
 *
 * A single value keeps what every source said, so that it does not matter which is
 * read first. A list is one sequence whose items know their source; emptying it at
 * one source also shuts out what lower sources say later (floor).
 */
#ifndef BASE_OPTIONS_STATE_H
#define BASE_OPTIONS_STATE_H

#include "base/options.h"

enum { OPTION_SOURCES = OPTION_SET + 1 };

struct option_item {
	char *text;
	enum option_source source;
};

struct option_value {
	char *text[OPTION_SOURCES]; /* NULL: that source said nothing */
	long number; /* what the text that counts means; it is read per message */
	struct option_item *items; /* by source, then in the order given */
	size_t n_items;
	enum option_source floor;
	bool is_edited; /* the list, since the start */
};

struct options {
	struct option_value v[OPT_COUNT];
};

#endif
