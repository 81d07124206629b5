/* The lines of a file: comments, `name = value`, and what a person wrote wrong. */
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/options_check.h"
#include "base/options_state.h"
#include "base/text.h"

enum { FILE_MAX_BYTES = 256 * 1024, SHOWN_BYTES = 60 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

struct line {
	struct slice raw; /* with its '\n', if it has one */
	bool is_setting; /* not blank, not a comment */
	enum option id; /* OPT_COUNT when there is none of that name */
	char *name, *value; /* NULL unless the line has a '=' */
};

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = slice_of(s.p + 1, s.n - 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Takes the first line off rest, which is not empty. */
static struct slice next_line(struct slice *rest)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->n);
	size_t n = end != NULL ? (size_t)(end - rest->p) + 1 : rest->n;
	struct slice raw = slice_of(rest->p, n);

	*rest = slice_of(rest->p + n, rest->n - n);
	return raw;
}

static char *copy_trimmed(struct slice s)
{
	s = trim(s);
	return mem_strndup(s.p, s.n);
}

static void line_read(struct line *l, struct slice raw)
{
	struct slice s = trim(raw);
	const uint8_t *equals = s.n > 0 ? memchr(s.p, '=', s.n) : NULL;
	size_t n;

	*l = (struct line){.raw = raw, .id = OPT_COUNT};
	l->is_setting = s.n > 0 && s.p[0] != '#';
	if (!l->is_setting || equals == NULL)
		return;
	n = (size_t)(equals - s.p);
	l->name = copy_trimmed(slice_of(s.p, n));
	l->value = copy_trimmed(slice_of(equals + 1, s.n - n - 1));
	l->id = option_find(l->name);
}

static void line_wipe(struct line *l)
{
	mem_free(l->name);
	mem_free(l->value);
}

static char *say_unknown(const char *name)
{
	char *shown = text_safe(slice_str(name), TEXT_NAME, SHOWN_BYTES);
	char *why = mem_printf("no option is called '%s'", shown);

	mem_free(shown);
	return why;
}

/* Sets it, if o is not NULL. */
static enum err take_line(struct options *o, const struct line *l,
			  enum option_source source, char **why)
{
	char *stored;
	enum err e;

	if (!l->is_setting)
		return ERR_OK;
	if (!text_is_utf8(l->raw)) {
		*why = mem_strdup("this is not text in UTF-8");
		return ERR_USAGE;
	}
	if (l->name == NULL) {
		*why = mem_strdup("a line is: name = value");
		return ERR_USAGE;
	}
	if (l->id == OPT_COUNT) {
		*why = say_unknown(l->name);
		return ERR_USAGE;
	}
	if (o != NULL)
		return options_set(o, l->id, l->value, source, why);
	e = options_check(l->id, l->value, source, &stored, why);
	mem_free(stored);
	return e;
}

static struct slice skip_mark(struct slice s)
{
	const size_t n = strlen(byte_order_mark);

	if (s.n >= n && memcmp(s.p, byte_order_mark, n) == 0)
		return slice_of(s.p + n, s.n - n);
	return s;
}

static enum err walk_lines(struct options *o, struct slice rest, const char *name,
			   enum option_source source, char **why)
{
	char *reason = NULL;
	enum err e = ERR_OK;
	struct line l;

	for (size_t number = 1; rest.n > 0 && e == ERR_OK; number++) {
		line_read(&l, next_line(&rest));
		e = take_line(o, &l, source, &reason);
		line_wipe(&l);
		if (e != ERR_OK && why != NULL)
			*why = mem_printf("%s:%zu: %s", name, number, reason);
	}
	mem_free(reason);
	return e;
}

enum err options_parse(struct options *o, struct slice content, const char *name,
		       enum option_source source, char **why)
{
	struct slice rest = skip_mark(content);
	/* First without setting anything: a file counts whole or not at all. */
	enum err e = walk_lines(NULL, rest, name, source, why);

	return e == ERR_OK ? walk_lines(o, rest, name, source, why) : e;
}

static char *say_unreadable(const char *path, enum err e)
{
	if (e == ERR_FULL)
		return mem_printf("%s is longer than %d KiB", path,
				  FILE_MAX_BYTES / 1024);
	return mem_printf("cannot read %s: %s", path, err_str(e));
}

enum err options_load(struct options *o, const char *path, enum option_source source,
		      char **why)
{
	struct buf content;
	enum err e;

	buf_init(&content, FILE_MAX_BYTES);
	e = file_read(path, &content);
	if (e == ERR_OK)
		e = options_parse(o, buf_slice(&content), path, source, why);
	else if (e == ERR_MISSING)
		e = ERR_OK;
	else if (why != NULL)
		*why = say_unreadable(path, e);
	buf_wipe(&content);
	return e;
}

/* A file that is being written anew from the old one. */
struct saving {
	const struct options *o;
	struct buf out;
	bool is_done[OPT_COUNT]; /* a single value: its line is written */
	enum err e;
};

static void add(struct saving *s, struct slice text)
{
	if (s->e == ERR_OK)
		s->e = buf_add(&s->out, text);
}

static void add_setting(struct saving *s, enum option id, const char *value)
{
	const char *space = value[0] != '\0' ? " " : "";
	char *text = mem_printf("%s =%s%s\n", option_row(id)->name, space, value);
	struct slice out = buf_slice(&s->out);

	if (out.n > 0 && out.p[out.n - 1] != '\n')
		add(s, slice_str("\n"));
	add(s, slice_str(text));
	mem_free(text);
}

static bool is_list(enum option id)
{
	return option_row(id)->kind == OPTION_LIST;
}

/* What holds when the profile's file is silent. */
static const char *text_below(const struct option_value *v)
{
	return v->text[OPTION_COMMON] != NULL ? v->text[OPTION_COMMON]
					      : v->text[OPTION_DEFAULT];
}

/* What the profile's file should say; NULL when it need not. */
static const char *text_wanted(const struct option_value *v)
{
	const char *text = v->text[OPTION_SET] != NULL ? v->text[OPTION_SET]
						       : v->text[OPTION_PROFILE];

	return text != NULL && strcmp(text, text_below(v)) != 0 ? text : NULL;
}

static bool is_item_of_file(const struct option_item *item)
{
	return item->source == OPTION_PROFILE || item->source == OPTION_SET;
}

/* The list must be written from its first line on: it begins by emptying. */
static bool is_list_new(const struct option_value *v)
{
	return v->is_edited && (v->floor == OPTION_PROFILE || v->floor == OPTION_SET);
}

static bool has_item(const struct option_value *v, const char *text)
{
	for (size_t i = 0; i < v->n_items; i++) {
		if (is_item_of_file(&v->items[i]) && strcmp(v->items[i].text, text) == 0)
			return true;
	}
	return false;
}

static void save_list_line(struct saving *s, const struct line *l)
{
	const struct option_value *v = &s->o->v[l->id];
	/* Shut out by the command line, and so unknown, but not gone. */
	bool is_unseen = v->floor == OPTION_CMDLINE;

	if (!v->is_edited || is_unseen || (!is_list_new(v) && has_item(v, l->value)))
		add(s, l->raw);
}

/* Only what was set while running changes a line: the file may have been edited too. */
static void save_text_line(struct saving *s, const struct line *l)
{
	const struct option_value *v = &s->o->v[l->id];
	const char *wanted = text_wanted(v);
	char *stored;

	if (v->text[OPTION_SET] == NULL) {
		add(s, l->raw);
		s->is_done[l->id] = true;
		return;
	}
	if (s->is_done[l->id])
		return;
	options_check(l->id, l->value, OPTION_PROFILE, &stored, NULL);
	if (stored != NULL && strcmp(stored, v->text[OPTION_SET]) == 0)
		add(s, l->raw);
	else if (wanted != NULL)
		add_setting(s, l->id, wanted);
	mem_free(stored);
	s->is_done[l->id] = true;
}

static void save_line(struct saving *s, struct slice raw)
{
	struct line l;

	line_read(&l, raw);
	if (l.id == OPT_COUNT)
		add(s, raw);
	else if (is_list(l.id))
		save_list_line(s, &l);
	else
		save_text_line(s, &l);
	line_wipe(&l);
}

/* Whether the old file has this item of a list. */
static bool has_line(struct slice rest, enum option id, const char *text)
{
	bool is_there = false;
	struct line l;

	while (rest.n > 0 && !is_there) {
		line_read(&l, next_line(&rest));
		is_there = l.id == id && strcmp(l.value, text) == 0;
		line_wipe(&l);
	}
	return is_there;
}

static void save_rest_of_list(struct saving *s, enum option id, struct slice old)
{
	const struct option_value *v = &s->o->v[id];

	if (is_list_new(v))
		add_setting(s, id, "");
	for (size_t i = 0; i < v->n_items; i++) {
		const struct option_item *item = &v->items[i];
		if (is_item_of_file(item) &&
		    (is_list_new(v) || !has_line(old, id, item->text)))
			add_setting(s, id, item->text);
	}
}

static void save_rest(struct saving *s, enum option id, struct slice old)
{
	const char *wanted;

	if (is_list(id)) {
		save_rest_of_list(s, id, old);
		return;
	}
	wanted = text_wanted(&s->o->v[id]);
	if (wanted != NULL && !s->is_done[id])
		add_setting(s, id, wanted);
}

static void save_all(struct saving *s, struct slice old)
{
	struct slice rest = old;

	while (rest.n > 0)
		save_line(s, next_line(&rest));
	for (int id = 0; id < OPT_COUNT; id++)
		save_rest(s, (enum option)id, old);
}

enum err options_save(const struct options *o, const char *path)
{
	struct saving s = {.o = o};
	struct buf old;
	enum err e;

	buf_init(&old, FILE_MAX_BYTES);
	buf_init(&s.out, FILE_MAX_BYTES);
	e = file_read(path, &old);
	if (e == ERR_OK || e == ERR_MISSING) {
		save_all(&s, skip_mark(buf_slice(&old)));
		e = s.e;
	}
	if (e == ERR_OK)
		e = file_write_atomic(path, buf_slice(&s.out), 0600);
	buf_wipe(&s.out);
	buf_wipe(&old);
	return e;
}
