/*
 * front_event: the table of events, as rows that can be walked.
 */
#include <string.h>

#include "base/mem.h"
#include "core/front.h"

enum { REPLY, KEPT };

/* A function for each event, so that its struct can have one name for all. */
#define F(fname, ftype) \
	{#fname, EVENT_##ftype, offsetof(struct event, u) + offsetof(event_here, fname)},
#define E(NAME, ename, keep) \
	static const struct event_row *row_##ename(void) \
	{ \
		typedef struct event_##ename event_here; \
		static const struct event_field fields[] = {EVENT_FIELDS_##NAME(F)}; \
		static const struct event_row row = {.type = EVENT_##NAME, \
						     .name = #ename, \
						     .is_kept = keep, \
						     .fields = fields, \
						     .n_fields = sizeof fields / \
								 sizeof *fields}; \
		return &row; \
	}
EVENT_TABLE(E)
#undef E
#undef F

static const struct event_row *(*const rows[EVENT_COUNT])(void) = {
#define E(NAME, name, keep) row_##name,
	EVENT_TABLE(E)
#undef E
};

const struct event_row *event_row(enum event_type t)
{
	return rows[t]();
}

const struct event_row *event_row_find(const char *name)
{
	for (unsigned t = 0; t < EVENT_COUNT; t++)
		if (strcmp(rows[t]()->name, name) == 0)
			return rows[t]();
	return NULL;
}

/* Where the event keeps a text; NULL for fields of other types and absent ones. */
static const char **str_at(struct event *ev, const struct event_field *f)
{
	if (f->type != EVENT_STR)
		return NULL;
	const char **s = (const char **)(void *)((char *)ev + f->offset);
	return *s ? s : NULL;
}

size_t event_copy_into(const struct event *ev, void *room, size_t max)
{
	const struct event_row *row = event_row(ev->type);
	struct event head, *to = max < sizeof head ? &head : room;
	size_t at = sizeof head;
	*to = *ev;
	for (size_t i = 0; i < row->n_fields; i++) {
		const char **s = str_at(to, &row->fields[i]);
		if (!s)
			continue;
		size_t n = strlen(*s) + 1;
		if (room != NULL && at + n <= max)
			*s = memcpy((char *)room + at, *s, n);
		at += n;
	}
	return at;
}

struct event *event_copy(const struct event *ev)
{
	size_t size = event_copy_into(ev, NULL, 0);
	struct event *copy = mem_new(size);
	event_copy_into(ev, copy, size);
	return copy;
}
