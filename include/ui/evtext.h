/*
 * evtext: events as text for people, a line or a few each. Front ends that write
 * plain lines share it. Everything that others wrote goes through text_safe or
 * text_body; what escape sequences there are (colours only) are our own.
 *
 * A line of ours about the node begins with "-- ", a warning with "-! "; what others
 * say begins with where they say it, and every further line of it with "      | ", so
 * that none can be made to look like one of ours.
 */
#ifndef UI_EVTEXT_H
#define UI_EVTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/front.h"

struct evtext_config {
	bool is_color;
	bool has_qr; /* the QR code is shown without being asked for */
	bool is_bare; /* answers to one command of a shell: no marks before lines */
	bool has_ids; /* messages with the beginning of their ids */
	/* Width of the terminal: what others say is folded, so that a line that wraps
	 * cannot begin like one of ours either. 0: no terminal. */
	unsigned columns;
};

struct evtext;

struct evtext *evtext_new(const struct evtext_config *cfg);
void evtext_free(struct evtext *t); /* NULL is fine */
void evtext_columns_set(struct evtext *t, unsigned columns);

/* Replies with this tag answer that verb: lists are gathered and shown as a table
 * when the command is done. */
void evtext_expect(struct evtext *t, uint64_t tag, enum verb verb);
/* Messages that answer the command with this tag show the beginning of their ids. */
void evtext_ids(struct evtext *t, uint64_t tag);
/* Lines that end with '\n', mem_free; NULL: nothing to show, or not yet. */
char *evtext_take(struct evtext *t, const struct event *ev);

#endif
