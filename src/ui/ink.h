/*
 * ink: text for people under way. Ours is put as it is; what others wrote goes in
 * through the functions that make it safe.
 */
#ifndef UI_INK_H
#define UI_INK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum ink_style { INK_NORMAL, INK_DIM, INK_BOLD, INK_WARNING, INK_ALARM, INK_STYLES };

struct ink {
	struct buf b;
	bool is_color;
	unsigned columns; /* 0: no folding */
};

void ink_init(struct ink *k, bool is_color, unsigned columns);
void ink_wipe(struct ink *k);
/* What was put, mem_free; NULL when nothing was. Wipes k. */
char *ink_take(struct ink *k);

/* Our own text. */
void ink_put(struct ink *k, const char *s);
void ink_printf(struct ink *k, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void ink_style(struct ink *k, enum ink_style style);
/* One of six colours by the id, so that a name keeps its own. */
void ink_id_color(struct ink *k, const char *id);

/* Others' text on one line, at most max bytes of it; NULL is nothing. */
void ink_name(struct ink *k, const char *s, size_t max);
/* Others' text of any number of lines, each after the first behind INK_CONTINUED. */
void ink_body(struct ink *k, const char *s);
#define INK_CONTINUED "      | "
/* Folds what was put since the mark (a former k->b.len) to the columns. */
void ink_fold(struct ink *k, size_t mark);

/* Local time, "15:04". */
void ink_clock(struct ink *k, uint64_t wall_ms);
/* "2026-12-31 " */
void ink_date(struct ink *k, uint64_t wall_ms);
/* "15:04" when it is less than a day before now, else "2026-01-02". */
void ink_when(struct ink *k, uint64_t wall_ms, uint64_t now_ms);
/* "3 d 4 h", "5 min", "12 s". */
void ink_duration(struct ink *k, uint64_t seconds);

#endif
