/*
 * log: lines for the operator. Goes to stderr unless told otherwise. Every line
 * is made safe (text.h, LOG) as a whole, whatever was formatted into it. Never
 * give it a secret or the text of a message.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above this level are dropped; LOG_WARN at first. */
void log_level_set(enum log_level level);
enum log_level log_level_get(void);

/* One finished line without a newline, at most 2 KiB. NULL restores stderr ("p2pmsg:
 * line"). A sink is called in the thread that logs, and may log. */
void log_sink_set(void (*sink)(void *ctx, enum log_level level, const char *line),
		  void *ctx);

void log_line(enum log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(area, ...) log_line(LOG_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...) log_line(LOG_WARN, area, __VA_ARGS__)
#define log_info(area, ...) log_line(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_line(LOG_DEBUG, area, __VA_ARGS__)

/* A broken invariant: logs the place; aborts in debug builds. */
void log_bug(const char *file, int line, const char *what);
#define BUG(what) log_bug(__FILE__, __LINE__, what)

#endif
