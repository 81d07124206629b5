#include "ui/cmdline.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { SHOWN_BYTES = 64 };

/* A command under way; what it points to lives in rest, rest_text or the words. */
struct parse {
	const struct command_row *row;
	struct command cmd;
	const char *slash; /* "/" in a client, "p2pmsg " in a shell: for texts */
	bool is_over; /* "--" was there: no more options */
	size_t next; /* in row->args */
	char **why;

	char *rest; /* of a line: what has not been taken; NULL: words of a shell */
	size_t n_words;
	char *const *words;
	char *rest_text; /* words of a shell joined */
};

/* ---- what is wrong ---- */

static enum err fail(struct parse *p, char *why)
{
	*p->why = why;
	return ERR_USAGE;
}

static char *shown(const char *typed)
{
	return text_safe(slice_str(typed), TEXT_NAME, SHOWN_BYTES);
}

/* "there is no option --foo: type /msg WHO TEXT..." */
static enum err fail_usage(struct parse *p, const char *before, const char *typed,
			   const char *after)
{
	char *safe = shown(typed);
	char *usage = command_usage(p->row, p->rest != NULL);
	enum err e = fail(p, mem_printf("%s%s%s: type %s%s", before, safe, after,
					p->rest ? "" : p->slash, usage));
	mem_free(usage);
	mem_free(safe);
	return e;
}

/* ---- the verb ---- */

static char *list_candidates(struct parse *p, const char *name, unsigned flags)
{
	char *list = mem_strdup("");
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row = command_row(v);
		if ((row->flags & flags) != flags ||
		    strncmp(row->name, name, strlen(name)) != 0)
			continue;
		char *longer = mem_printf("%s%s%s%s", list, *list ? ", " : "",
					  p->rest ? p->slash : "", row->name);
		mem_free(list);
		list = longer;
	}
	return list;
}

static enum err find_verb(struct parse *p, const char *name, unsigned flags)
{
	enum err e = command_find(name, flags, &p->row);
	if (e == ERR_OK)
		return e;
	char *safe = shown(name);
	char *list = list_candidates(p, name, flags);
	if (e == ERR_AMBIGUOUS)
		fail(p, mem_printf("%s%s fits several: %s", p->rest ? p->slash : "", safe,
				   list));
	else
		fail(p,
		     mem_printf("there is no command %s%s: %shelp lists them%s",
				p->rest ? p->slash : "", safe, p->slash,
				p->rest ? " (// sends a line that begins with /)" : ""));
	mem_free(list);
	mem_free(safe);
	return ERR_USAGE;
}

/* ---- words ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word, or NULL. Of a line it is cut off in place. */
static char *next_word(struct parse *p)
{
	if (!p->rest)
		return p->n_words > 0 ? (p->n_words--, *p->words++) : NULL;
	while (is_blank(*p->rest))
		p->rest++;
	char *word = p->rest;
	while (*p->rest && !is_blank(*p->rest))
		p->rest++;
	if (*p->rest)
		*p->rest++ = '\0';
	return *word ? word : NULL;
}

/* ---- options ---- */

static const struct arg_row *find_option(const struct parse *p, const char *name,
					 size_t n)
{
	for (size_t i = 0; i < p->row->n_args; i++) {
		const struct arg_row *arg = &p->row->args[i];
		if ((arg->kind == ARG_VALUE || arg->kind == ARG_FLAG) &&
		    strlen(arg->name) == n && memcmp(arg->name, name, n) == 0)
			return arg;
	}
	return NULL;
}

/* The option that a word names, or NULL; *equals is what stands behind its =. A name of
 * one letter has one dash. */
static const struct arg_row *option_of(const struct parse *p, const char *word,
				       const char **equals)
{
	size_t n = strcspn(word, "= \t");
	*equals = word[n] == '=' ? word + n + 1 : NULL;
	if (p->is_over || word[0] != '-')
		return NULL;
	if (n == 2 && word[1] != '-')
		return find_option(p, word + 1, 1);
	return word[1] == '-' && n > 3 ? find_option(p, word + 2, n - 2) : NULL;
}

static enum err take_option(struct parse *p, const struct arg_row *arg, const char *word,
			    const char *equals)
{
	const char *value = equals;
	if (arg->kind == ARG_FLAG && equals)
		return fail_usage(p, "", word, " takes no value");
	if (arg->kind == ARG_FLAG)
		value = "yes";
	else if (!equals)
		value = next_word(p);
	if (!value)
		return fail_usage(p, "", word, " needs a value");
	p->cmd.u.arg[arg->index] = value;
	return ERR_OK;
}

/* ---- arguments in order ---- */

/* Where the next plain word belongs, or NULL. */
static const struct arg_row *next_arg(struct parse *p)
{
	while (p->next < p->row->n_args && (p->row->args[p->next].kind == ARG_VALUE ||
					    p->row->args[p->next].kind == ARG_FLAG))
		p->next++;
	return p->next < p->row->n_args ? &p->row->args[p->next] : NULL;
}

/* A word of a shell joins the text. */
static void join_rest(struct parse *p, const struct arg_row *arg, const char *word)
{
	char *longer =
		p->rest_text ? mem_printf("%s %s", p->rest_text, word) : mem_strdup(word);
	mem_free(p->rest_text);
	p->rest_text = longer;
	p->cmd.u.arg[arg->index] = longer;
}

/* The rest of a line as it stands, if it begins here and not with an option. */
static bool take_rest(struct parse *p, const struct arg_row *arg)
{
	const char *equals;
	if (!p->rest || !arg || arg->kind != ARG_REST)
		return false;
	while (is_blank(*p->rest))
		p->rest++;
	bool is_end_of_options = !p->is_over && strncmp(p->rest, "--", 2) == 0 &&
				 (is_blank(p->rest[2]) || p->rest[2] == '\0');
	if (*p->rest == '\0' || is_end_of_options || option_of(p, p->rest, &equals))
		return false;
	p->cmd.u.arg[arg->index] = p->rest;
	return true;
}

static enum err take_word(struct parse *p, const struct arg_row *arg, const char *word)
{
	const char *equals;
	const struct arg_row *option = option_of(p, word, &equals);
	if (option)
		return take_option(p, option, word, equals);
	if (!p->is_over && strcmp(word, "--") == 0) {
		p->is_over = true;
		return ERR_OK;
	}
	if (!p->is_over && strncmp(word, "--", 2) == 0)
		return fail_usage(p, "there is no option ", word,
				  arg && arg->kind == ARG_REST
					  ? " (put -- before text that begins with --)"
					  : "");
	if (!arg)
		return fail_usage(p, "", word, " is one word too many");
	if (arg->kind == ARG_REST) {
		join_rest(p, arg, word);
		return ERR_OK;
	}
	p->cmd.u.arg[arg->index] = word;
	p->next++;
	return ERR_OK;
}

static enum err fail_missing(struct parse *p, const struct arg_row *arg)
{
	char *after = mem_printf(" is missing (%s)", arg->help);
	enum err e = fail_usage(p, "", arg->name, after);
	mem_free(after);
	return e;
}

static enum err check_required(struct parse *p)
{
	for (size_t i = 0; i < p->row->n_args; i++) {
		const struct arg_row *arg = &p->row->args[i];
		if (arg->need == ARG_REQ && !p->cmd.u.arg[arg->index])
			return fail_missing(p, arg);
	}
	return ERR_OK;
}

static enum err take_args(struct parse *p)
{
	for (;;) {
		const struct arg_row *arg = next_arg(p);
		if (take_rest(p, arg))
			break;
		const char *word = next_word(p);
		if (!word)
			break;
		enum err e = take_word(p, arg, word);
		if (e != ERR_OK)
			return e;
	}
	return check_required(p);
}

/* ---- a line ---- */

static enum err need_current(struct parse *p, const char *current)
{
	if (current)
		return ERR_OK;
	return fail(p, mem_strdup("nobody is chosen to talk to: type /query WHO, or "
				  "/query #lan for everybody"));
}

static enum err say(struct parse *p, const char *current, const char *text)
{
	enum err e = need_current(p, current);
	p->cmd.verb = VERB_MSG;
	p->cmd.u.msg.who = current;
	p->cmd.u.msg.text = text;
	return e;
}

static enum err parse_line(struct parse *p, const char *current)
{
	if (p->rest[0] != '/')
		return say(p, current, p->rest);
	if (p->rest[1] == '/')
		return say(p, current, p->rest + 1);
	p->rest++;
	bool is_bare = *p->rest == '\0' || is_blank(*p->rest);
	enum err e = find_verb(p, is_bare ? "" : next_word(p), COMMAND_SLASH);
	if (e != ERR_OK)
		return e;
	p->cmd.verb = p->row->verb;
	if (p->row->flags & COMMAND_CURRENT) {
		p->cmd.u.arg[p->row->args[0].index] = current;
		p->next = 1;
		e = need_current(p, current);
	}
	return e == ERR_OK ? take_args(p) : e;
}

enum err cmdline_slash(struct slice line, const char *current, struct command **out,
		       char **why)
{
	*why = NULL;
	size_t n = 0;
	while (n < line.n && is_blank((char)line.p[n]))
		n++;
	if (n == line.n)
		return ERR_WAIT;
	if (!text_is_utf8(line)) {
		*why = mem_strdup(
			"that line is not UTF-8 text, so it was not sent: is the "
			"terminal set to UTF-8?");
		return ERR_USAGE;
	}
	char *own = mem_strndup(line.p, line.n);
	struct parse p = {.slash = "/", .why = why, .rest = own};
	enum err e = parse_line(&p, current);
	if (e == ERR_OK)
		*out = command_copy(&p.cmd);
	mem_free(own);
	return e;
}

/* ---- words of a shell ---- */

static enum err check_words(struct parse *p)
{
	for (size_t i = 0; i < p->n_words; i++)
		if (!text_is_utf8(slice_str(p->words[i])))
			return fail(p,
				    mem_strdup("the command line is not UTF-8 text: is "
					       "the terminal set to UTF-8?"));
	return ERR_OK;
}

enum err cmdline_shell(size_t n, char *const *words, struct command **out, char **why)
{
	*why = NULL;
	struct parse p = {.slash = "p2pmsg ", .why = why, .n_words = n, .words = words};
	if (n == 0)
		return ERR_WAIT;
	enum err e = check_words(&p);
	if (e == ERR_OK)
		e = find_verb(&p, next_word(&p), COMMAND_SHELL);
	if (e == ERR_OK) {
		p.cmd.verb = p.row->verb;
		e = take_args(&p);
	}
	if (e == ERR_OK)
		*out = command_copy(&p.cmd);
	mem_free(p.rest_text);
	return e;
}
