/*
 * evjson: the event half. Fields are written and read by the table of events.
 */
#include "ui/evjson.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "ui/json_text.h"
#include "ui/rfc3339.h"

/* ---- one field, by its type ---- */

/* NULL: left out. */
static json_t *str_to(const void *at)
{
	const char *s = *(const char *const *)at;
	return s ? json_text(s) : NULL;
}

static json_t *num_to(const void *at)
{
	uint64_t n = *(const uint64_t *)at;
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *yes_to(const void *at)
{
	return json_boolean(*(const bool *)at);
}

static json_t *time_to(const void *at)
{
	char text[CLOCK_TEXT_BYTES];
	uint64_t ms = *(const uint64_t *)at;
	if (ms == 0)
		return NULL;
	clock_text(ms, text);
	return json_string(text);
}

/* Borrowed from j. */
static bool str_from(const json_t *j, void *at)
{
	*(const char **)at = json_string_value(j);
	return json_is_string(j);
}

static bool num_from(const json_t *j, void *at)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*(uint64_t *)at = (uint64_t)json_integer_value(j);
	return true;
}

static bool yes_from(const json_t *j, void *at)
{
	*(bool *)at = json_is_true(j);
	return json_is_boolean(j);
}

static bool time_from(const json_t *j, void *at)
{
	return json_is_string(j) && rfc3339_parse(json_string_value(j), at) == ERR_OK;
}

static const struct {
	json_t *(*to)(const void *at);
	bool (*from)(const json_t *j, void *at);
} kinds[] = {
	[EVENT_STR] = {str_to, str_from},
	[EVENT_NUM] = {num_to, num_from},
	[EVENT_YES] = {yes_to, yes_from},
	[EVENT_TIME] = {time_to, time_from},
};

/* ---- what every event has ---- */

static const struct event_field common[] = {
	{"cursor", EVENT_NUM, offsetof(struct event, cursor)},
	{"time", EVENT_TIME, offsetof(struct event, time_ms)},
	{"for", EVENT_NUM, offsetof(struct event, tag)},
};
enum { N_COMMON = sizeof common / sizeof *common };

static void put_field(json_t *root, const struct event *ev, const struct event_field *f)
{
	json_t *value = kinds[f->type].to((const char *)ev + f->offset);
	if (value)
		json_object_set_new(root, f->name, value);
}

/* A cursor or a tag of 0 is none. */
static void put_common(json_t *root, const struct event *ev)
{
	for (size_t i = 0; i < N_COMMON; i++)
		if (*(const uint64_t *)(const void *)((const char *)ev +
						      common[i].offset) != 0)
			put_field(root, ev, &common[i]);
}

char *evjson_event(const struct event *ev)
{
	const struct event_row *row = event_row(ev->type);
	json_t *root = json_object();
	json_object_set_new(root, "v", json_integer(EVJSON_VERSION));
	json_object_set_new(root, "type", json_string(row->name));
	put_common(root, ev);
	for (size_t i = 0; i < row->n_fields; i++)
		put_field(root, ev, &row->fields[i]);
	return json_line(root, JSON_ENSURE_ASCII);
}

/* ---- back ---- */

static bool take_fields(const json_t *root, const struct event_field *fields, size_t n,
			struct event *ev)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(root, fields[i].name);
		if (value &&
		    !kinds[fields[i].type].from(value, (char *)ev + fields[i].offset))
			return false;
	}
	return true;
}

static enum err take_event(const json_t *root, struct event *ev)
{
	const json_t *version = json_object_get(root, "v");
	const char *name = json_string_value(json_object_get(root, "type"));
	if (!json_is_integer(version) || !name)
		return ERR_PROTO;
	if (json_integer_value(version) != EVJSON_VERSION)
		return ERR_VERSION;
	const struct event_row *row = event_row_find(name);
	if (!row)
		return ERR_UNKNOWN;
	*ev = (struct event){.type = row->type};
	if (!take_fields(root, common, N_COMMON, ev) ||
	    !take_fields(root, row->fields, row->n_fields, ev))
		return ERR_PROTO;
	return ERR_OK;
}

enum err evjson_event_parse(struct slice line, struct event **out)
{
	struct event ev;
	json_t *root =
		json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	enum err e = json_is_object(root) ? take_event(root, &ev) : ERR_PROTO;
	if (e == ERR_OK)
		*out = event_copy(&ev);
	json_decref(root);
	return e;
}
