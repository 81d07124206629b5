#include "ui/ink.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	INK_MAX = 64 << 20, /* never reached: what feeds it has limits of its own */
	DAY_MS = 24 * 3600 * 1000,
	FOLD_MIN = 20 /* narrower than this, folding would cost more than it gives */
};

void ink_init(struct ink *k, bool is_color, unsigned columns)
{
	*k = (struct ink){.is_color = is_color, .columns = columns};
	buf_init(&k->b, INK_MAX);
}

void ink_wipe(struct ink *k)
{
	buf_wipe(&k->b);
}

char *ink_take(struct ink *k)
{
	struct slice s = buf_slice(&k->b);
	char *text = s.n > 0 ? mem_strndup(s.p, s.n) : NULL;
	ink_wipe(k);
	return text;
}

/* ---- ours ---- */

void ink_put(struct ink *k, const char *s)
{
	(void)buf_add(&k->b, slice_str(s));
}

void ink_printf(struct ink *k, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ink_put(k, text);
}

void ink_style(struct ink *k, enum ink_style style)
{
	static const char *const codes[INK_STYLES] = {
		[INK_NORMAL] = "\x1b[0m",   [INK_DIM] = "\x1b[2m",
		[INK_BOLD] = "\x1b[1m",	    [INK_WARNING] = "\x1b[33m",
		[INK_ALARM] = "\x1b[1;31m",
	};
	if (k->is_color)
		ink_put(k, codes[style]);
}

void ink_id_color(struct ink *k, const char *id)
{
	enum { FIRST = 31, COLORS = 6 };
	unsigned sum = 0;
	for (; id && *id; id++)
		sum = sum * 31 + (unsigned char)*id;
	if (k->is_color)
		ink_printf(k, "\x1b[%um", FIRST + sum % COLORS);
}

/* ---- others' ---- */

void ink_name(struct ink *k, const char *s, size_t max)
{
	if (!s)
		return;
	char *safe = text_safe(slice_str(s), TEXT_NAME, max);
	ink_put(k, safe);
	mem_free(safe);
}

void ink_body(struct ink *k, const char *s)
{
	if (!s)
		return;
	char *safe = text_body(slice_str(s), INK_CONTINUED);
	ink_put(k, safe);
	mem_free(safe);
}

/* ---- folding ---- */

static const char isolate[] = "\xe2\x81\xa8", end_isolate[] = "\xe2\x81\xa9";

struct fold {
	struct ink *to;
	size_t column;
	size_t isolates; /* open ones: they end with their line and begin again */
};

/* Bytes of the character or escape sequence at s. */
static size_t unit(const char *s)
{
	if (*s == '\x1b')
		return strcspn(s, "m") + 1;
	size_t n = 1;
	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static void repeat(struct ink *k, const char *s, size_t n)
{
	while (n-- > 0)
		ink_put(k, s);
}

static void fold_break(struct fold *f)
{
	repeat(f->to, end_isolate, f->isolates);
	ink_put(f->to, "\n" INK_CONTINUED);
	repeat(f->to, isolate, f->isolates);
	f->column = sizeof INK_CONTINUED - 1;
}

static void fold_unit(struct fold *f, const char *s, size_t n)
{
	enum { UNIT_BYTES = 8, TAB = 8 };
	char one[UNIT_BYTES] = "";
	size_t width = 0;
	if (*s == '\t')
		width = TAB - f->column % TAB;
	else if (*s != '\x1b' && n < sizeof one)
		width = text_width(memcpy(one, s, n));
	if (f->column + width > f->to->columns)
		fold_break(f);
	if (strcmp(one, isolate) == 0)
		f->isolates++;
	else if (strcmp(one, end_isolate) == 0 && f->isolates > 0)
		f->isolates--;
	(void)buf_add(&f->to->b, slice_of(s, n));
	f->column = *s == '\n' ? 0 : f->column + width;
}

void ink_fold(struct ink *k, size_t mark)
{
	if (k->columns < FOLD_MIN)
		return;
	struct slice all = buf_slice(&k->b);
	char *own = mem_strndup(all.p + mark, all.n - mark);
	buf_truncate(&k->b, mark);
	struct fold f = {.to = k};
	for (size_t at = 0, n; own[at]; at += n) {
		n = unit(own + at);
		fold_unit(&f, own + at, n);
	}
	mem_free(own);
}

/* ---- times ---- */

static bool local_time(uint64_t wall_ms, struct tm *out)
{
	time_t t = (time_t)(wall_ms / 1000);
	return localtime_r(&t, out) != NULL;
}

void ink_clock(struct ink *k, uint64_t wall_ms)
{
	struct tm tm;
	if (local_time(wall_ms, &tm))
		ink_printf(k, "%02d:%02d", tm.tm_hour, tm.tm_min);
}

void ink_date(struct ink *k, uint64_t wall_ms)
{
	struct tm tm;
	if (local_time(wall_ms, &tm))
		ink_printf(k, "%04d-%02d-%02d ", tm.tm_year + 1900, tm.tm_mon + 1,
			   tm.tm_mday);
}

void ink_when(struct ink *k, uint64_t wall_ms, uint64_t now_ms)
{
	struct tm tm;
	if (wall_ms <= now_ms && now_ms - wall_ms < DAY_MS)
		ink_clock(k, wall_ms);
	else if (local_time(wall_ms, &tm))
		ink_printf(k, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
			   tm.tm_mday);
}

void ink_duration(struct ink *k, uint64_t seconds)
{
	unsigned long long s = seconds;
	if (s < 60)
		ink_printf(k, "%llu s", s);
	else if (s < 3600)
		ink_printf(k, "%llu min", s / 60);
	else if (s < 86400)
		ink_printf(k, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		ink_printf(k, "%llu d %llu h", s / 86400, s / 3600 % 24);
}
