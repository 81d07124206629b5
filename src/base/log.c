#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

/* Longer ones are cut: a line is for a person to read. */
enum { LINE_BYTES = 2048 };

struct sink {
	void (*fn)(void *ctx, enum log_level level, const char *line);
	void *ctx;
};

static void to_stderr(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "p2pmsg: %s\n", line);
}

static atomic_int level_now = LOG_WARN;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sink sink_now = {to_stderr, NULL};

void log_level_set(enum log_level level)
{
	atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

enum log_level log_level_get(void)
{
	return (enum log_level)atomic_load_explicit(&level_now, memory_order_relaxed);
}

void log_sink_set(void (*sink)(void *ctx, enum log_level level, const char *line),
		  void *ctx)
{
	struct sink s = {sink, ctx};

	if (sink == NULL)
		s = (struct sink){to_stderr, NULL};
	pthread_mutex_lock(&sink_lock);
	sink_now = s;
	pthread_mutex_unlock(&sink_lock);
}

/* Outside the lock, since a sink may log. */
static void emit(enum log_level level, const char *line)
{
	struct sink s;

	pthread_mutex_lock(&sink_lock);
	s = sink_now;
	pthread_mutex_unlock(&sink_lock);
	s.fn(s.ctx, level, line);
}

void log_line(enum log_level level, const char *area, const char *fmt, ...)
{
	int saved = errno;
	char text[LINE_BYTES];
	char *line, *safe;
	va_list ap;

	if (level > log_level_get())
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	line = mem_printf("%s: %s", area, text);
	safe = text_safe(slice_str(line), TEXT_LOG, LINE_BYTES);
	emit(level, safe);
	mem_free(safe);
	mem_free(line);
	errno = saved;
}

void log_bug(const char *file, int line, const char *what)
{
	log_line(LOG_ERROR, "bug", "%s:%d: %s", file, line, what);
#ifdef DEBUG
	abort();
#endif
}
