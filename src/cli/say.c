#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

void say(const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	char *safe = text_safe(slice_of(line, (size_t)n), TEXT_NAME, 0);
	fprintf(stderr, "p2pmsg: %s\n", safe);
	mem_free(safe);
	free(line);
}

static const struct {
	enum err e;
	const char *advice;
} advices[] = {
	{ERR_NOSPACE, "make room on the disk and try again"},
	{ERR_READONLY, "set XDG_DATA_HOME and XDG_CONFIG_HOME to folders that can be "
		       "written"},
	{ERR_PERM, "it must belong to you, and others must not be able to enter it"},
	{ERR_MISSING, "a folder above it is missing"},
	{ERR_EXISTS, "something else is there already"},
};

static const char *advice_of(enum err e)
{
	for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
		if (advices[i].e == e)
			return advices[i].advice;
	return NULL;
}

void say_error(const char *what, const char *path, enum err e, const char *why)
{
	const char *advice = advice_of(e);
	say("cannot %s %s: %s%s%s", what, path, why, advice ? ": " : "",
	    advice ? advice : "");
}

char *say_file(const char *what, const char *path, enum err e, const char *advice)
{
	if (!advice)
		advice = advice_of(e);
	return mem_printf("cannot %s %s: %s%s%s%s", what, path, err_str(e),
			  advice ? " (" : "", advice ? advice : "", advice ? ")" : "");
}
