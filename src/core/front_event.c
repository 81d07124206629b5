/*
 * front_event: the table of events, as rows that can be walked.
 */
#include <string.h>

#include "base/mem.h"
#include "core/front.h"

enum { REPLY, KEPT };

/* A function for each event, so that its struct can have one name for all. */
#define AT(fname) (offsetof(struct event, u) + offsetof(event_here, fname))
#define F(fname, ftype) {#fname, EVENT_##ftype, AT(fname)},
/* Of texts only: every event is copied, and they are what takes time. */
#define STR_AT_STR(fname) AT(fname),
#define STR_AT_NUM(fname)
#define STR_AT_YES(fname)
#define STR_AT_TIME(fname)
#define S(fname, ftype) STR_AT_##ftype(fname)
#define E(NAME, ename, keep) \
	static const struct event_row *row_##ename(void) \
	{ \
		typedef struct event_##ename event_here; \
		static const struct event_field fields[] = {EVENT_FIELDS_##NAME(F)}; \
		static const uint16_t strs[] = {EVENT_FIELDS_##NAME(S) 0}; \
		static const struct event_row row = {.type = EVENT_##NAME, \
						     .name = #ename, \
						     .is_kept = keep, \
						     .fields = fields, \
						     .strs = strs, \
						     .n_fields = sizeof fields / \
								 sizeof *fields}; \
		return &row; \
	}
EVENT_TABLE(E)
#undef E
#undef F
#undef S

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

size_t event_copy_into(const struct event *ev, void *room, size_t max)
{
	const struct event_row *row = event_row(ev->type);
	struct event head, *to = max < sizeof head ? &head : room;
	size_t at = sizeof head;
	*to = *ev;
	for (const uint16_t *offset = row->strs; *offset != 0; offset++) {
		const char **s = (const char **)(void *)((char *)to + *offset);
		if (*s == NULL)
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
