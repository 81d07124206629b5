#include "ui/evtext.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "ui/evtext_show.h"
#include "ui/table.h"

enum { CELL_BYTES = 120, ID_SHORT = 8, ROWS_STEP = 64, ROWS_MAX = 100000 };

/* A command whose replies are gathered. */
struct gathering {
	struct list node;
	uint64_t tag;
	enum verb verb;
	struct event **rows;
	size_t n_rows;
};

struct evtext {
	struct evtext_config cfg;
	struct list gatherings;
	uint64_t ids_tag; /* 0: none */
};

struct evtext *evtext_new(const struct evtext_config *cfg)
{
	struct evtext *t = mem_new(sizeof *t);
	t->cfg = *cfg;
	list_init(&t->gatherings);
	return t;
}

static void gathering_free(struct gathering *g)
{
	list_del(&g->node);
	for (size_t i = 0; i < g->n_rows; i++)
		mem_free(g->rows[i]);
	mem_free(g->rows);
	mem_free(g);
}

void evtext_free(struct evtext *t)
{
	if (!t)
		return;
	list_each_safe (it, &t->gatherings)
		gathering_free(list_entry(it, struct gathering, node));
	mem_free(t);
}

void evtext_columns_set(struct evtext *t, unsigned columns)
{
	t->cfg.columns = columns;
}

/* ---- tables ---- */

/* More than one option: a line each instead of all that is known of it. */
static void put_options(const struct gathering *g, struct ink *k)
{
	static const char *const headings[] = {"SETTING", "VALUE", "FROM", "MEANING"};
	struct table table;
	table_init(&table, headings, 4);
	for (size_t i = 0; i < g->n_rows; i++) {
		const struct event_option *o = &g->rows[i]->u.option;
		table_add(&table, o->name, CELL_BYTES);
		table_add(&table, o->value && *o->value ? o->value : "-", CELL_BYTES);
		table_add(&table, o->source, CELL_BYTES);
		table_add(&table, o->help, 0);
	}
	table_put(&table, k);
	table_wipe(&table);
}

static void add_seen(struct table *t, const struct event *ev)
{
	const struct event_person *p = &ev->u.person;
	struct ink k;
	ink_init(&k, false, 0);
	if (p->state && strcmp(p->state, "online") == 0)
		ink_put(&k, "now");
	else if (p->seen)
		ink_when(&k, p->seen, ev->time_ms);
	char *text = ink_take(&k);
	table_add(t, text, 0);
	mem_free(text);
}

static void add_status(struct table *t, const struct event_person *p)
{
	const char *said = p->knock ? p->knock : p->status;
	char *text =
		mem_printf("%s%s%s",
			   p->knock  ? "knocks"
			   : p->away ? "away"
				     : "",
			   (p->knock || p->away) && said ? ": " : "", said ? said : "");
	table_add(t, text, CELL_BYTES);
	mem_free(text);
}

static void put_people(const struct gathering *g, struct ink *k)
{
	static const char *const headings[] = {"NAME", "STATE", "TRUST", "ADDRESS",
					       "SEEN", "ID",	"STATUS"};
	struct table table;
	table_init(&table, headings, sizeof headings / sizeof *headings);
	for (size_t i = 0; i < g->n_rows; i++) {
		const struct event_person *p = &g->rows[i]->u.person;
		table_add(&table, p->name ? p->name : p->nick, CELL_BYTES);
		table_add(&table, p->state, CELL_BYTES);
		table_add(&table, p->trust, CELL_BYTES);
		table_add(&table, p->address, CELL_BYTES);
		add_seen(&table, g->rows[i]);
		char *id = p->id ? mem_strndup(p->id, strnlen(p->id, ID_SHORT)) : NULL;
		table_add(&table, id, CELL_BYTES);
		mem_free(id);
		add_status(&table, p);
	}
	table_put(&table, k);
	table_wipe(&table);
}

/* Verbs whose replies make a table, and what is said when it would be empty. */
static const struct gathered {
	enum verb verb;
	enum event_type row;
	size_t least; /* fewer rows are shown one by one */
	void (*put)(const struct gathering *g, struct ink *k);
	const char *nothing;
} gathered[] = {
	{VERB_PEERS, EVENT_PERSON, 1, put_people,
	 "nobody yet: whoever starts p2pmsg on this network turns up by itself"},
	{VERB_SET, EVENT_OPTION, 2, put_options, NULL},
};

static const struct gathered *gathered_find(enum verb verb)
{
	for (size_t i = 0; i < sizeof gathered / sizeof *gathered; i++)
		if (gathered[i].verb == verb)
			return &gathered[i];
	return NULL;
}

static void put_gathered(const struct evtext *t, const struct gathering *g, struct ink *k)
{
	const struct gathered *how = gathered_find(g->verb);
	if (g->n_rows >= how->least)
		how->put(g, k);
	else
		for (size_t i = 0; i < g->n_rows; i++)
			evtext_show(&t->cfg, g->rows[i], k);
}

/* ---- replies by tag ---- */

void evtext_expect(struct evtext *t, uint64_t tag, enum verb verb)
{
	if (!gathered_find(verb))
		return;
	struct gathering *g = mem_new(sizeof *g);
	g->tag = tag;
	g->verb = verb;
	list_add(&t->gatherings, &g->node);
}

void evtext_ids(struct evtext *t, uint64_t tag)
{
	t->ids_tag = tag;
}

static struct gathering *gathering_find(struct evtext *t, const struct event *ev)
{
	list_each (it, &t->gatherings) {
		struct gathering *g = list_entry(it, struct gathering, node);
		if (ev->cursor == 0 && g->tag == ev->tag)
			return g;
	}
	return NULL;
}

static bool gather(struct gathering *g, const struct event *ev)
{
	if (ev->type != gathered_find(g->verb)->row || g->n_rows >= ROWS_MAX)
		return false;
	if (g->n_rows % ROWS_STEP == 0)
		g->rows = mem_resize(g->rows, g->n_rows + ROWS_STEP, sizeof *g->rows);
	g->rows[g->n_rows++] = event_copy(ev);
	return true;
}

/* The table, and what the command itself says at its end. */
static void finish(struct evtext *t, struct gathering *g, const struct event *ev,
		   struct ink *k)
{
	const char *nothing = gathered_find(g->verb)->nothing;
	struct event last = *ev;
	put_gathered(t, g, k);
	if (ev->type == EVENT_DONE && g->n_rows == 0 && nothing)
		last.u.done.text = nothing;
	evtext_show(&t->cfg, &last, k);
	gathering_free(g);
}

char *evtext_take(struct evtext *t, const struct event *ev)
{
	struct gathering *g = gathering_find(t, ev);
	struct ink k;
	t->cfg.has_ids = ev->cursor == 0 && t->ids_tag != 0 && ev->tag == t->ids_tag;
	if (g && gather(g, ev))
		return NULL;
	ink_init(&k, t->cfg.is_color, t->cfg.columns);
	if (g && (ev->type == EVENT_DONE || ev->type == EVENT_ERROR))
		finish(t, g, ev, &k);
	else
		evtext_show(&t->cfg, ev, &k);
	return ink_take(&k);
}
