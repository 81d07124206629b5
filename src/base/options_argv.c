/* Options on the command line. */
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/options_check.h"

struct argv {
	int n, at;
	char **v;
	char **words;
	int n_words;
};

static void take_word(struct argv *a)
{
	a->words[a->n_words++] = a->v[a->at++];
}

static bool is_bool(enum option id)
{
	return id != OPT_COUNT && option_row(id)->kind == OPTION_BOOL;
}

/* "no-name", for a BOOL. */
static enum option find_negated(const char *name)
{
	enum option id = strncmp(name, "no-", 3) == 0 ? option_find(name + 3) : OPT_COUNT;

	return is_bool(id) ? id : OPT_COUNT;
}

static enum err say_missing(enum option id, char **why)
{
	char *name, *takes;

	if (why == NULL)
		return ERR_USAGE;
	name = options_name(id, OPTION_CMDLINE);
	takes = options_takes(id);
	*why = mem_printf("%s needs a value: %s", name, takes);
	mem_free(takes);
	mem_free(name);
	return ERR_USAGE;
}

/* Takes one option; a word when it is none of the table. */
static enum err take_option(struct options *o, struct argv *a, char **why)
{
	const char *arg = a->v[a->at] + strlen("--");
	const char *value = strchr(arg, '=');
	char *name =
		mem_strndup(arg, value != NULL ? (size_t)(value - arg) : strlen(arg));
	enum option id = option_find(name);
	enum option negated = value == NULL ? find_negated(name) : OPT_COUNT;

	mem_free(name);
	if (negated != OPT_COUNT) {
		a->at++;
		return options_set(o, negated, "no", OPTION_CMDLINE, why);
	}
	if (id == OPT_COUNT) {
		take_word(a);
		return ERR_OK;
	}
	a->at++;
	if (value != NULL)
		value++;
	else if (is_bool(id))
		value = "yes";
	else if (a->at < a->n)
		value = a->v[a->at++];
	else
		return say_missing(id, why);
	return options_set(o, id, value, OPTION_CMDLINE, why);
}

enum err options_argv(struct options *o, int argc, char **argv, char **words,
		      int *n_words, char **why)
{
	struct argv a = {.n = argc, .v = argv, .words = words};
	bool is_over = false;
	enum err e = ERR_OK;

	while (a.at < a.n && e == ERR_OK) {
		const char *arg = a.v[a.at];
		is_over |= strcmp(arg, "--") == 0;
		if (is_over || strncmp(arg, "--", 2) != 0)
			take_word(&a);
		else
			e = take_option(o, &a, why);
	}
	*n_words = a.n_words;
	return e;
}
