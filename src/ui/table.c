#include "ui/table.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { ROWS_STEP = 64 };

void table_init(struct table *t, const char *const *headings, size_t n_columns)
{
	*t = (struct table){.n_columns = n_columns};
	for (size_t i = 0; i < n_columns; i++)
		table_add(t, headings[i], 0);
}

void table_wipe(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		mem_free(t->cells[i]);
	mem_free(t->cells);
	*t = (struct table){0};
}

void table_add(struct table *t, const char *text, size_t max)
{
	size_t step = t->n_columns * ROWS_STEP;
	if (t->n_cells % step == 0)
		t->cells = mem_resize(t->cells, t->n_cells + step, sizeof *t->cells);
	t->cells[t->n_cells++] =
		text ? text_safe(slice_str(text), TEXT_NAME, max) : mem_strdup("");
}

static void measure(const struct table *t, size_t width[static TABLE_COLUMNS_MAX])
{
	memset(width, 0, TABLE_COLUMNS_MAX * sizeof *width);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t w = text_width(t->cells[i]);
		if (w > width[i % t->n_columns])
			width[i % t->n_columns] = w;
	}
}

static void trim(struct ink *k)
{
	while (k->b.len > 0 && k->b.p[k->b.head + k->b.len - 1] == ' ')
		buf_truncate(&k->b, k->b.len - 1);
}

void table_put(const struct table *t, struct ink *k)
{
	size_t width[TABLE_COLUMNS_MAX];
	measure(t, width);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t column = i % t->n_columns;
		bool is_last = column + 1 == t->n_columns;
		char *cell = is_last ? mem_strdup(t->cells[i])
				     : text_fit(t->cells[i], width[column]);
		if (i == 0)
			ink_style(k, INK_BOLD);
		ink_put(k, cell);
		if (is_last)
			trim(k);
		if (i + 1 == t->n_columns)
			ink_style(k, INK_NORMAL);
		ink_put(k, is_last ? "\n" : "  ");
		mem_free(cell);
	}
}
