#include "base/options_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

enum { SHOWN_BYTES = 60, DIGITS_MAX = 9 };

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A profile is the name of a folder. */
static bool is_profile(const char *s)
{
	if (!is_letter_or_digit(s[0]))
		return false;
	for (; *s != '\0'; s++) {
		if (!is_letter_or_digit(*s) && strchr("._-", *s) == NULL)
			return false;
	}
	return true;
}

static bool is_nick(const char *s)
{
	return s[0] == '\0' || text_is_nick(slice_str(s));
}

/* What kind and limits do not say. */
static const struct rule {
	bool (*is_met)(const char *text);
	const char *takes;
} rules[OPT_COUNT] = {
	[OPT_profile] = {is_profile, "up to 32 of a-z, A-Z, 0-9, '.', '_' and '-', "
				     "beginning with a letter or digit"},
	[OPT_nick] = {is_nick, "up to 64 bytes of plain text that does not begin with "
			       "one of # @ + / -"},
};

static bool is_plain_text(const char *s)
{
	if (!text_is_utf8(slice_str(s)))
		return false;
	for (; *s != '\0'; s++) {
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return false;
	}
	return true;
}

static enum err check_text(enum option id, const char *value, char **stored)
{
	const struct option_row *row = option_row(id);
	long n = (long)strlen(value);

	if (!is_plain_text(value))
		return ERR_USAGE;
	/* An empty text empties a list. */
	if ((n < row->min || n > row->max) && (row->kind != OPTION_LIST || n > 0))
		return ERR_RANGE;
	if (rules[id].is_met != NULL && !rules[id].is_met(value))
		return ERR_USAGE;
	*stored = mem_strdup(value);
	return ERR_OK;
}

static char *text_takes(const struct option_row *row)
{
	if (row->min == 0 || row->kind == OPTION_LIST)
		return mem_printf("up to %ld bytes of plain text", row->max);
	return mem_printf("%ld to %ld bytes of plain text", row->min, row->max);
}

static enum err check_int(enum option id, const char *value, char **stored)
{
	const struct option_row *row = option_row(id);
	const char *digits = value[0] == '-' ? value + 1 : value;
	size_t n = strspn(digits, "0123456789");
	long v;

	if (n == 0 || digits[n] != '\0')
		return ERR_USAGE;
	v = n <= DIGITS_MAX ? strtol(value, NULL, 10) : 0;
	if (n > DIGITS_MAX || v < row->min || v > row->max)
		return ERR_RANGE;
	*stored = mem_printf("%ld", v);
	return ERR_OK;
}

static char *int_takes(const struct option_row *row)
{
	return mem_printf("%ld to %ld", row->min, row->max);
}

static enum err check_bool(enum option id, const char *value, char **stored)
{
	static const char *const words[][2] = {
		{"yes", "yes"}, {"on", "yes"}, {"true", "yes"}, {"1", "yes"},
		{"no", "no"},	{"off", "no"}, {"false", "no"}, {"0", "no"},
	};

	(void)id;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(value, words[i][0]) == 0) {
			*stored = mem_strdup(words[i][1]);
			return ERR_OK;
		}
	}
	return ERR_USAGE;
}

static char *bool_takes(const struct option_row *row)
{
	(void)row;
	return mem_strdup("yes or no");
}

/* Another word for the same, which people may know from elsewhere. */
static const char *plain_word(enum option id, const char *word)
{
	bool is_all = id == OPT_accept_from && strcasecmp(word, "everyone") == 0;

	return is_all ? "all" : word;
}

long options_word(enum option id, const char *typed)
{
	const char *at = option_row(id)->def;
	const char *word = plain_word(id, typed);
	size_t len = strlen(word);

	for (long i = 0;; i++) {
		size_t n = strcspn(at, "|");
		if (n == len && strncasecmp(at, word, n) == 0)
			return i;
		if (at[n] == '\0')
			return -1;
		at += n + 1;
	}
}

static enum err check_enum(enum option id, const char *value, char **stored)
{
	const char *at = option_row(id)->def;
	long i = options_word(id, value);

	if (i < 0)
		return ERR_USAGE;
	for (; i > 0; i--)
		at = strchr(at, '|') + 1;
	*stored = mem_strndup(at, strcspn(at, "|"));
	return ERR_OK;
}

/* "a, b or c" */
static char *enum_takes(const struct option_row *row)
{
	const char *at = row->def;
	char *out = mem_strdup(""), *longer;

	for (size_t n = strcspn(at, "|");; n = strcspn(at, "|")) {
		const char *before = out[0] == '\0' ? "" : at[n] == '\0' ? " or " : ", ";
		longer = mem_printf("%s%s%.*s", out, before, (int)n, at);
		mem_free(out);
		out = longer;
		if (at[n] == '\0')
			return out;
		at += n + 1;
	}
}

static const struct {
	enum err (*check)(enum option id, const char *value, char **stored);
	char *(*takes)(const struct option_row *row);
} kinds[] = {
	[OPTION_STR] = {check_text, text_takes},
	[OPTION_INT] = {check_int, int_takes},
	[OPTION_BOOL] = {check_bool, bool_takes},
	[OPTION_ENUM] = {check_enum, enum_takes},
	[OPTION_LIST] = {check_text, text_takes},
};

char *options_takes(enum option id)
{
	const struct option_row *row = option_row(id);

	if (rules[id].takes != NULL)
		return mem_strdup(rules[id].takes);
	return kinds[row->kind].takes(row);
}

char *options_name(enum option id, enum option_source source)
{
	char *name;

	if (source != OPTION_CMDLINE)
		return mem_strdup(option_row(id)->name);
	name = mem_printf("--%s", option_row(id)->name);
	for (char *p = name; *p != '\0'; p++) {
		if (*p == '_')
			*p = '-';
	}
	return name;
}

static void say_wrong(enum option id, const char *value, enum option_source source,
		      char **why)
{
	char *name = options_name(id, source), *takes = options_takes(id);
	char *shown = text_safe(slice_str(value), TEXT_NAME, SHOWN_BYTES);

	*why = mem_printf("%s takes %s, not '%s'", name, takes, shown);
	mem_free(shown);
	mem_free(takes);
	mem_free(name);
}

static void say_place(enum option id, char **why)
{
	char *name = options_name(id, OPTION_CMDLINE);

	*why = mem_printf("%s can be given only on the command line: %s",
			  option_row(id)->name, name);
	mem_free(name);
}

static char *trimmed(const char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n > 0 && strchr(" \t", s[n - 1]) != NULL;)
		n--;
	return mem_strndup(s, n);
}

enum err options_check(enum option id, const char *value, enum option_source source,
		       char **stored, char **why)
{
	const struct option_row *row = option_row(id);
	char *text;
	enum err e;

	*stored = NULL;
	if ((row->flags & OPTION_ARGV) != 0 && source != OPTION_CMDLINE) {
		if (why != NULL)
			say_place(id, why);
		return ERR_USAGE;
	}
	text = trimmed(value);
	e = kinds[row->kind].check(id, text, stored);
	if (e != ERR_OK && why != NULL)
		say_wrong(id, text, source, why);
	mem_free(text);
	return e;
}
