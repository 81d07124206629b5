/*
 * options: the values of option_def.h, from three places, later ones winning:
 * the common file `config`, the profile's `<profile>.conf`, the command line.
 * One owner: cli. Core reads, and changes what /set changes.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/option_def.h"
#include "base/slice.h"

enum option {
#define X(name, kind, def, min, max, flags, help) OPT_##name,
	OPTION_TABLE(X)
#undef X
		OPT_COUNT
};

enum option_kind { OPTION_STR, OPTION_INT, OPTION_BOOL, OPTION_ENUM, OPTION_LIST };
enum option_flags { OPTION_NONE = 0, OPTION_LIVE = 1, OPTION_ARGV = 2 };

/* Where a value came from; a later source wins over an earlier one. */
enum option_source {
	OPTION_DEFAULT,
	OPTION_COMMON,
	OPTION_PROFILE,
	OPTION_CMDLINE,
	OPTION_SET /* /set while running */
};

struct option_row {
	const char *name; /* as in the file: with _ */
	enum option_kind kind;
	const char *def;
	long min, max;
	unsigned flags;
	const char *help;
};

struct options;

struct options *options_new(void);
void options_free(struct options *o); /* NULL is fine */

const struct option_row *option_row(enum option id);
/* By name with - or _; OPT_COUNT when there is none. */
enum option option_find(const char *name);

/* Borrowed; valid until the option changes. */
const char *options_str(const struct options *o, enum option id);
long options_int(const struct options *o, enum option id);
bool options_bool(const struct options *o, enum option id);
/* The index of the word in the row's default text. */
unsigned options_enum(const struct options *o, enum option id);
size_t options_list_count(const struct options *o, enum option id);
const char *options_list(const struct options *o, enum option id, size_t i);
enum option_source options_source(const struct options *o, enum option id);

/* Checks and sets (a LIST: appends what is not in it yet; an empty text clears what
 * this source and lower ones said and will say). On ERR_USAGE or ERR_RANGE *why
 * (mem_free; why may be NULL, here and below) says in one line what would be right.
 * A value from a lower source than the present one does not show, with ERR_OK; so the
 * order in which the sources are read does not matter. */
enum err options_set(struct options *o, enum option id, const char *value,
		     enum option_source source, char **why);
/* Removes one text from a LIST; ERR_UNKNOWN when it is not there. */
enum err options_list_del(struct options *o, enum option id, const char *value);

/* `name = value` lines; a line that begins with # is a comment. A missing file is
 * ERR_OK. On error nothing is set, and *why names file and line. Unknown names are
 * errors (they would be typing mistakes). */
enum err options_load(struct options *o, const char *path, enum option_source source,
		      char **why);
/* The same for the content of a file called name. */
enum err options_parse(struct options *o, struct slice content, const char *name,
		       enum option_source source, char **why);
/* Writes what differs from the defaults and the common file to path, atomically
 * and 0600, keeping comments and unknown order of lines that stay. What came from
 * the command line is not written. */
enum err options_save(const struct options *o, const char *path);

/*
 * Takes the options out of argv, wherever they stand, up to "--"; what is left
 * are the words. Both `--name value` and `--name=value`; a BOOL alone means yes,
 * `--no-name` means no. On ERR_USAGE or ERR_RANGE *why says what to type. words has
 * room for argc pointers; *n_words out. argv[0] is an argument like the others.
 * Options that are not in the table (they belong to a verb) are left among the words,
 * and so is "--", which ends theirs too.
 */
enum err options_argv(struct options *o, int argc, char **argv, char **words,
		      int *n_words, char **why);

#endif
