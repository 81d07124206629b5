#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not through log, which needs memory. */
static _Noreturn void die(void)
{
	static const char text[] = "p2pmsg: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	abort();
}

static void *checked(void *p)
{
	if (p == NULL)
		die();
	return p;
}

/* Never 0, for which malloc may give NULL. */
static size_t product(size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		die();
	return count * size != 0 ? count * size : 1;
}

void *mem_new(size_t n)
{
	return mem_array(n, 1);
}

void *mem_array(size_t count, size_t size)
{
	return checked(calloc(1, product(count, size)));
}

void *mem_resize(void *p, size_t count, size_t size)
{
	return checked(realloc(p, product(count, size)));
}

void *mem_dup(const void *p, size_t n)
{
	void *copy = mem_resize(NULL, n, 1);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *mem_strdup(const char *s)
{
	return s != NULL ? mem_dup(s, strlen(s) + 1) : NULL;
}

char *mem_strndup(const void *p, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		die();
	copy = mem_resize(NULL, n + 1, 1);
	if (n > 0)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *out = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	return n >= 0 ? out : checked(NULL);
}

void mem_free(void *p)
{
	free(p);
}
