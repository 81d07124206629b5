#include "base/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/options_check.h"
#include "base/options_state.h"

static const struct option_row rows[OPT_COUNT] = {
#define X(name, kind, def, min, max, flags, help) \
	[OPT_##name] = {#name, OPTION_##kind, def, min, max, OPTION_##flags, help},
	OPTION_TABLE(X)
#undef X
};

const struct option_row *option_row(enum option id)
{
	return &rows[id];
}

static bool is_same_name(const char *name, const char *given)
{
	for (; *name != '\0'; name++, given++) {
		if (*given != *name && (*name != '_' || *given != '-'))
			return false;
	}
	return *given == '\0';
}

enum option option_find(const char *name)
{
	int id = 0;

	while (id < OPT_COUNT && !is_same_name(rows[id].name, name))
		id++;
	return (enum option)id;
}

/* The number, 0 or 1, or which of the words. */
static long number_of(const struct options *o, enum option id)
{
	const char *text = options_str(o, id);

	if (rows[id].kind == OPTION_BOOL)
		return strcmp(text, "yes") == 0;
	if (rows[id].kind == OPTION_ENUM)
		return options_word(id, text);
	return strtol(text, NULL, 10);
}

struct options *options_new(void)
{
	struct options *o = mem_new(sizeof(*o));

	for (enum option id = 0; id < OPT_COUNT; id++) {
		const struct option_row *row = &rows[id];
		size_t n = strlen(row->def);
		if (row->kind == OPTION_ENUM)
			n = strcspn(row->def, "|");
		if (row->kind == OPTION_LIST)
			continue;
		o->v[id].text[OPTION_DEFAULT] = mem_strndup(row->def, n);
		o->v[id].number = number_of(o, id);
	}
	return o;
}

static void value_wipe(struct option_value *v)
{
	for (int source = 0; source < OPTION_SOURCES; source++)
		mem_free(v->text[source]);
	for (size_t i = 0; i < v->n_items; i++)
		mem_free(v->items[i].text);
	mem_free(v->items);
}

void options_free(struct options *o)
{
	if (o == NULL)
		return;
	for (int id = 0; id < OPT_COUNT; id++)
		value_wipe(&o->v[id]);
	mem_free(o);
}

static enum option_source source_of_text(const struct option_value *v)
{
	int source = OPTION_SOURCES - 1;

	while (source > OPTION_DEFAULT && v->text[source] == NULL)
		source--;
	return (enum option_source)source;
}

const char *options_str(const struct options *o, enum option id)
{
	const struct option_value *v = &o->v[id];
	const char *text = v->text[source_of_text(v)];

	if (text != NULL)
		return text;
	BUG("a list is read as one value");
	return "";
}

long options_int(const struct options *o, enum option id)
{
	return o->v[id].number;
}

bool options_bool(const struct options *o, enum option id)
{
	return o->v[id].number != 0;
}

unsigned options_enum(const struct options *o, enum option id)
{
	return (unsigned)o->v[id].number;
}

size_t options_list_count(const struct options *o, enum option id)
{
	return o->v[id].n_items;
}

const char *options_list(const struct options *o, enum option id, size_t i)
{
	return o->v[id].items[i].text;
}

enum option_source options_source(const struct options *o, enum option id)
{
	const struct option_value *v = &o->v[id];
	enum option_source source = v->floor;

	if (rows[id].kind != OPTION_LIST)
		return source_of_text(v);
	for (size_t i = 0; i < v->n_items; i++) {
		if (v->items[i].source > source)
			source = v->items[i].source;
	}
	return source;
}

static void remove_item(struct option_value *v, size_t i)
{
	mem_free(v->items[i].text);
	v->n_items--;
	memmove(&v->items[i], &v->items[i + 1], (v->n_items - i) * sizeof(*v->items));
}

static void empty_list(struct option_value *v, enum option_source source)
{
	for (size_t i = v->n_items; i-- > 0;) {
		if (v->items[i].source <= source)
			remove_item(v, i);
	}
	if (source > v->floor)
		v->floor = source;
}

static size_t find_item(const struct option_value *v, const char *text)
{
	size_t i = 0;

	while (i < v->n_items && strcmp(v->items[i].text, text) != 0)
		i++;
	return i;
}

static void insert_item(struct option_value *v, struct option_item item)
{
	size_t i = v->n_items;

	while (i > 0 && v->items[i - 1].source > item.source)
		i--;
	v->items = mem_resize(v->items, v->n_items + 1, sizeof(*v->items));
	memmove(&v->items[i + 1], &v->items[i], (v->n_items - i) * sizeof(*v->items));
	v->items[i] = item;
	v->n_items++;
}

/* What is there already, perhaps since the file is read again, is not there twice. */
static void add_item(struct option_value *v, const char *text, enum option_source source)
{
	size_t i = find_item(v, text);

	if (source < v->floor)
		return;
	if (i < v->n_items) {
		if (v->items[i].source >= source)
			return;
		remove_item(v, i);
	}
	insert_item(v, (struct option_item){mem_strdup(text), source});
}

static void set_list(struct option_value *v, const char *text, enum option_source source)
{
	if (text[0] == '\0')
		empty_list(v, source);
	else
		add_item(v, text, source);
	if (source == OPTION_SET)
		v->is_edited = true;
}

enum err options_set(struct options *o, enum option id, const char *value,
		     enum option_source source, char **why)
{
	struct option_value *v = &o->v[id];
	char *stored;
	enum err e = options_check(id, value, source, &stored, why);

	if (e != ERR_OK)
		return e;
	if (rows[id].kind == OPTION_LIST) {
		set_list(v, stored, source);
		mem_free(stored);
	} else {
		mem_free(v->text[source]);
		v->text[source] = stored;
		v->number = number_of(o, id);
	}
	return ERR_OK;
}

/* So that the profile's file can say that an item of the common one is gone, it says
 * all that is left. */
static void take_over(struct option_value *v)
{
	for (size_t i = 0; i < v->n_items; i++) {
		if (v->items[i].source < OPTION_CMDLINE)
			v->items[i].source = OPTION_SET;
	}
	v->floor = OPTION_SET;
}

enum err options_list_del(struct options *o, enum option id, const char *value)
{
	struct option_value *v = &o->v[id];
	size_t i = find_item(v, value);
	enum option_source source;

	if (i == v->n_items)
		return ERR_UNKNOWN;
	source = v->items[i].source;
	remove_item(v, i);
	if (source <= OPTION_COMMON)
		take_over(v);
	v->is_edited = true;
	return ERR_OK;
}
