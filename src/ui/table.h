/*
 * table: rows of cells under aligned headings.
 */
#ifndef UI_TABLE_H
#define UI_TABLE_H

#include <stddef.h>

#include "ui/ink.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
	size_t n_columns, n_cells;
	char **cells; /* row after row; owned */
};

/* The headings make the first row: as many as columns. */
void table_init(struct table *t, const char *const *headings, size_t n_columns);
void table_wipe(struct table *t);
/* The next cell; it is made safe. NULL: empty. At most max bytes. */
void table_add(struct table *t, const char *text, size_t max);
/* The last column is left as wide as it is. */
void table_put(const struct table *t, struct ink *k);

#endif
