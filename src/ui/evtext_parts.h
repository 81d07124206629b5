/*
 * evtext_parts: what the texts of events are put together from.
 */
#ifndef UI_EVTEXT_PARTS_H
#define UI_EVTEXT_PARTS_H

#include <string.h>

#include "base/mem.h"
#include "ui/evtext.h"
#include "ui/ink.h"

enum { NAME_BYTES = 120, LINE_BYTES = 2000, ID_SHORT = 8 };

static inline bool is(const char *s, const char *word)
{
	return s && strcmp(s, word) == 0;
}

/* An id's beginning, as it is typed: not cut with dots. */
static inline void put_id(struct ink *k, const char *id, size_t n)
{
	char *part = mem_strndup(id ? id : "", strnlen(id ? id : "", n));
	ink_name(k, part, n);
	mem_free(part);
}

/* What a peer is called: core's name, which says who it is when nicks are alike. */
static inline void put_who(struct ink *k, const char *name, const char *nick,
			   const char *id)
{
	ink_id_color(k, id);
	if (name || nick)
		ink_name(k, name ? name : nick, NAME_BYTES);
	else if (id)
		put_id(k, id, ID_SHORT);
	else
		ink_put(k, "somebody");
	ink_style(k, INK_NORMAL);
}

/* What stands behind a name: nothing for a contact. No nick can imitate it, as the short
 * id is between. */
static inline void put_trust(struct ink *k, const char *trust)
{
	static const struct {
		const char *trust, *mark;
		enum ink_style style;
	} marks[] = {
		{"unverified", "?", INK_DIM},
		{"verified", "+", INK_NORMAL},
		{"changed", "!", INK_ALARM},
		{"blocked", "*", INK_WARNING},
	};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		if (!is(trust, marks[i].trust))
			continue;
		ink_style(k, marks[i].style);
		ink_put(k, marks[i].mark);
		ink_style(k, INK_NORMAL);
	}
}

/* "15:04 -- " before what the node says of itself and of others. */
static inline void put_mark(const struct evtext_config *cfg, const struct event *ev,
			    struct ink *k, const char *mark)
{
	if (cfg->is_bare && ev->cursor == 0)
		return;
	if (ev->cursor != 0) {
		ink_clock(k, ev->time_ms);
		ink_put(k, " ");
	}
	ink_put(k, mark);
	ink_put(k, " ");
}

/* " (what)", made safe. */
static inline void put_note(struct ink *k, const char *before, const char *what)
{
	if (!what || !*what)
		return;
	ink_put(k, before);
	ink_name(k, what, LINE_BYTES);
}

#endif
