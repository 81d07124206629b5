#include "files/ignore.h"

#include <stdint.h>

#include "base/mem.h"

struct rule {
	struct slice glob; /* of the copy in ignore.texts */
	bool is_in, is_folder_only, is_anchored;
};

struct ignore {
	struct rule *rules;
	size_t n;
	void **texts;
	size_t n_texts;
};

struct ignore *ignore_new(void)
{
	return mem_new(sizeof(struct ignore));
}

void ignore_free(struct ignore *ig)
{
	if (ig == NULL)
		return;
	for (size_t i = 0; i < ig->n_texts; i++)
		mem_free(ig->texts[i]);
	mem_free(ig->texts);
	mem_free(ig->rules);
	mem_free(ig);
}

static struct slice after(struct slice s, size_t n)
{
	return slice_of(s.p + n, s.n - n);
}

static bool ends_with(struct slice s, char c)
{
	return s.n > 0 && s.p[s.n - 1] == (uint8_t)c;
}

/* Blanks at the end count only behind a backslash. */
static struct slice trimmed(struct slice s)
{
	if (ends_with(s, '\r'))
		s.n--;
	while (ends_with(s, ' ') && !(s.n > 1 && s.p[s.n - 2] == '\\'))
		s.n--;
	return s;
}

static void add_rule(struct ignore *ig, struct slice line)
{
	struct rule r = {.is_in = false};

	line = trimmed(line);
	if (line.n == 0 || line.p[0] == '#' || ig->n >= IGNORE_RULES_MAX)
		return;
	r.is_in = line.p[0] == '!';
	if (r.is_in)
		line = after(line, 1);
	r.is_folder_only = ends_with(line, '/');
	if (r.is_folder_only)
		line.n--;
	r.is_anchored = line.n > 0 && memchr(line.p, '/', line.n) != NULL;
	if (line.n > 0 && line.p[0] == '/')
		line = after(line, 1);
	if (line.n == 0)
		return;
	r.glob = line;
	ig->rules = mem_resize(ig->rules, ig->n + 1, sizeof(r));
	ig->rules[ig->n++] = r;
}

void ignore_add(struct ignore *ig, struct slice text)
{
	struct slice rest = text;

	if (text.n == 0)
		return;
	ig->texts = mem_resize(ig->texts, ig->n_texts + 1, sizeof(void *));
	ig->texts[ig->n_texts++] = mem_dup(text.p, text.n);
	rest.p = ig->texts[ig->n_texts - 1];
	while (rest.n > 0) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		const size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
		add_rule(ig, slice_of(rest.p, n));
		rest = after(rest, end != NULL ? n + 1 : n);
	}
}

/* `[...]` at the front of glob against c; *used its bytes, 0 when it has no end. */
static bool match_set(struct slice glob, uint8_t c, size_t *used)
{
	size_t i = 1;
	bool is_not = glob.n > 1 && (glob.p[1] == '!' || glob.p[1] == '^'), found = false;

	*used = 0;
	i += is_not;
	for (size_t first = i; i < glob.n && (glob.p[i] != ']' || i == first); i++) {
		if (glob.p[i] == '\\' && i + 1 < glob.n)
			i++;
		const uint8_t low = glob.p[i];
		uint8_t high = low;
		if (i + 2 < glob.n && glob.p[i + 1] == '-' && glob.p[i + 2] != ']') {
			high = glob.p[i + 2];
			i += 2;
		}
		found = found || (c >= low && c <= high);
	}
	if (i >= glob.n)
		return false;
	*used = i + 1;
	return found != is_not;
}

/* One character of text against the front of glob; *used bytes of glob. */
static bool match_one(struct slice glob, uint8_t c, size_t *used)
{
	*used = 1;
	if (glob.p[0] == '?')
		return true;
	if (glob.p[0] == '[') {
		const bool is = match_set(glob, c, used);
		if (*used > 0)
			return is;
		*used = 1;
	}
	if (glob.p[0] == '\\' && glob.n > 1) {
		*used = 2;
		return glob.p[1] == c;
	}
	return glob.p[0] == c;
}

/* One component against one. After a mismatch only the last `*` has to take more, so the
 * time is bounded by the product of both lengths, whoever wrote the line. */
static bool match_component(struct slice glob, struct slice text)
{
	struct slice star = {0}, star_text = {0};
	size_t used;

	while (text.n > 0) {
		if (glob.n > 0 && glob.p[0] == '*') {
			star = glob = after(glob, 1);
			star_text = text;
		} else if (glob.n > 0 && match_one(glob, text.p[0], &used)) {
			glob = after(glob, used);
			text = after(text, 1);
		} else if (star.p != NULL) {
			glob = star;
			star_text = after(star_text, 1);
			text = star_text;
		} else {
			return false;
		}
	}
	while (glob.n > 0 && glob.p[0] == '*')
		glob = after(glob, 1);
	return glob.n == 0;
}

/* Takes the first component off *s. */
static struct slice take_component(struct slice *s)
{
	const uint8_t *end = s->n > 0 ? memchr(s->p, '/', s->n) : NULL;
	const size_t n = end != NULL ? (size_t)(end - s->p) : s->n;
	const struct slice part = slice_of(s->p, n);

	*s = after(*s, end != NULL ? n + 1 : n);
	return part;
}

static bool is_double_star(struct slice part)
{
	return slice_eq(part, slice_str("**"));
}

/* The same walk, with `**` over components. */
static bool match_path(struct slice glob, struct slice path)
{
	struct slice star = {0}, star_path = {0};

	while (path.n > 0) {
		struct slice glob_rest = glob, path_rest = path;
		const struct slice part = take_component(&glob_rest);
		const struct slice name = take_component(&path_rest);
		if (glob.n > 0 && is_double_star(part)) {
			if (glob_rest.n == 0)
				return true;
			star = glob = glob_rest;
			star_path = path;
		} else if (glob.n > 0 && match_component(part, name)) {
			glob = glob_rest;
			path = path_rest;
		} else if (star.p != NULL) {
			glob = star;
			take_component(&star_path);
			path = star_path;
		} else {
			return false;
		}
	}
	return glob.n == 0;
}

static bool fits(const struct rule *r, struct slice path, bool is_folder)
{
	struct slice name = path;

	if (r->is_folder_only && !is_folder)
		return false;
	if (r->is_anchored)
		return match_path(r->glob, path);
	while (memchr(name.p, '/', name.n) != NULL)
		take_component(&name);
	return match_component(r->glob, name);
}

enum ignore_says ignore_match(const struct ignore *ig, struct slice path, bool is_folder)
{
	if (ig == NULL || path.n == 0)
		return IGNORE_NOTHING;
	for (size_t i = ig->n; i > 0; i--) {
		if (fits(&ig->rules[i - 1], path, is_folder))
			return ig->rules[i - 1].is_in ? IGNORE_IN : IGNORE_OUT;
	}
	return IGNORE_NOTHING;
}
