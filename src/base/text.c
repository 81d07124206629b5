/*
 * text_safe walks over the code points; what its place does not keep as it is, it
 * writes as an escape that says what it was. For a BODY every line is looked at
 * first (bidi.h), since whether a bidi control may stay depends on its partner.
 */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/bidi.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

enum {
	MARKS_MAX = 8, /* on one letter; living languages need four */
	NICK_MAX_BYTES = 64,
	ESCAPE_BYTES = 16,
	EMOJI_STYLE = 0xfe0f, /* asks for the coloured form of what is before it */
	ZERO_WIDTH_NON_JOINER = 0x200c,
	ZERO_WIDTH_JOINER = 0x200d,
};

static const char dots[] = "...";

/* A place in the output where it may be cut. */
struct cut {
	size_t len;
	size_t depth; /* isolates that are open there */
};

struct walk {
	struct slice s;
	size_t pos, line_end;
	enum text_place place;
	struct slice prefix;
	uint32_t prev; /* what stands to the left as it is, 0 when nothing does */
	unsigned n_marks; /* in a row */
	struct bidi bidi;
	bool is_isolated; /* the present line */
	struct buf out;
	size_t max, depth;
	struct cut cut;
	bool is_full;
};

bool text_is_utf8(struct slice s)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t word;
	uint32_t cp;
	size_t n;

	while (s.n > 0) {
		/* Eight at a time, if all are ASCII and none is NUL. */
		while (s.n >= sizeof(word)) {
			memcpy(&word, s.p, sizeof(word));
			if (((word | (word - ones)) & highs) != 0)
				break;
			s = slice_of(s.p + sizeof(word), s.n - sizeof(word));
		}
		if (s.n == 0)
			return true;
		n = utf8_next(s.p, s.n, &cp);
		if (n == 0 || cp == 0)
			return false;
		s = slice_of(s.p + n, s.n - n);
	}
	return true;
}

static bool is_plain(uint32_t cp)
{
	return cp >= 0x20 && cp < 0x7f;
}

/* A mark needs something of its own text to stand on, and piles do not grow into
 * the lines above. */
static bool keeps_mark(const struct walk *w)
{
	return w->prev != 0 && w->n_marks < MARKS_MAX;
}

static bool name_keeps(const struct walk *w, uint32_t cp, size_t n)
{
	(void)n;
	if (cp == EMOJI_STYLE)
		return utf8_is_emoji(w->prev);
	if (utf8_is_control(cp) || utf8_is_unseen(cp))
		return false;
	return !utf8_is_mark(cp) || keeps_mark(w);
}

static bool log_keeps(const struct walk *w, uint32_t cp, size_t n)
{
	return utf8_is_letter_or_digit(cp) && name_keeps(w, cp, n);
}

static bool joins(const struct walk *w, size_t n)
{
	uint32_t next;
	size_t at = w->pos + n;

	return at < w->line_end && utf8_is_joinable(w->prev) &&
	       utf8_next(w->s.p + at, w->line_end - at, &next) > 0 &&
	       utf8_is_joinable(next);
}

static bool body_keeps(const struct walk *w, uint32_t cp, size_t n)
{
	if (cp == '\t')
		return true;
	if (cp == ZERO_WIDTH_JOINER || cp == ZERO_WIDTH_NON_JOINER)
		return joins(w, n);
	if (bidi_is_control(cp))
		return bidi_keeps(&w->bidi, w->pos);
	if (bidi_is_mark(cp))
		return true;
	return !utf8_is_control(cp) && (!utf8_is_mark(cp) || keeps_mark(w));
}

/* Whether cp, which is n bytes at pos, may stand as it is. */
static bool (*const keeps[])(const struct walk *w, uint32_t cp, size_t n) = {
	[TEXT_NAME] = name_keeps,
	[TEXT_BODY] = body_keeps,
	[TEXT_LOG] = log_keeps,
};

/* What must still fit behind the cut: the ends of open isolates, and dots. */
static size_t tail_bytes(size_t depth)
{
	return depth * strlen(BIDI_PDI) + strlen(dots);
}

/* All of it or nothing, and then nothing more. */
static void put(struct walk *w, struct slice s, int deeper)
{
	if (w->is_full || buf_add(&w->out, s) != ERR_OK) {
		w->is_full = true;
		return;
	}
	w->depth += (size_t)deeper;
	if (w->max == 0 || tail_bytes(w->depth) <= w->max - w->out.len)
		w->cut = (struct cut){w->out.len, w->depth};
}

static void put_escape(struct walk *w, const char *text)
{
	put(w, slice_str(text), 0);
	w->prev = 0;
	w->n_marks = 0;
}

static void put_bad_byte(struct walk *w, uint8_t byte)
{
	char text[ESCAPE_BYTES];

	snprintf(text, sizeof(text), "\\x%02x", byte);
	put_escape(w, text);
}

static void put_code_point(struct walk *w, uint32_t cp)
{
	char text[ESCAPE_BYTES];

	snprintf(text, sizeof(text), "\\u{%X}", cp);
	put_escape(w, text);
}

static void put_as_is(struct walk *w, uint32_t cp, size_t n)
{
	put(w, slice_of(w->s.p + w->pos, n), bidi_depth_change(cp));
	if (utf8_is_mark(cp))
		w->n_marks++;
	else if (!utf8_is_control(cp))
		w->n_marks = 0;
	w->prev = cp != '\t' ? cp : 0;
}

static void begin_line(struct walk *w)
{
	const uint8_t *end = NULL;

	w->prev = 0;
	w->n_marks = 0;
	w->line_end = w->s.n;
	if (w->place != TEXT_BODY || w->pos == w->s.n)
		return;
	end = memchr(w->s.p + w->pos, '\n', w->s.n - w->pos);
	if (end != NULL)
		w->line_end = (size_t)(end - w->s.p);
	w->is_isolated = bidi_scan(&w->bidi, w->pos, w->line_end);
	if (w->is_isolated)
		put(w, slice_str(BIDI_FSI), 1);
}

static void end_line(struct walk *w)
{
	if (w->is_isolated)
		put(w, slice_str(BIDI_PDI), -1);
	w->is_isolated = false;
}

static void next_line(struct walk *w)
{
	end_line(w);
	put(w, slice_str("\n"), 0);
	put(w, w->prefix, 0);
	w->pos++;
	begin_line(w);
}

static void step(struct walk *w)
{
	uint32_t cp;
	size_t n = utf8_next(w->s.p + w->pos, w->s.n - w->pos, &cp);

	if (n == 0)
		put_bad_byte(w, w->s.p[w->pos]);
	else if (is_plain(cp) || keeps[w->place](w, cp, n))
		put_as_is(w, cp, n);
	else
		put_code_point(w, cp);
	w->pos += n > 0 ? n : 1;
}

/* A carriage return that ends a line says no more than the line's end. */
static bool is_crlf(const struct walk *w)
{
	return w->s.p[w->pos] == '\r' && w->pos + 1 == w->line_end &&
	       w->line_end < w->s.n;
}

static void walk(struct walk *w)
{
	begin_line(w);
	while (w->pos < w->s.n && !w->is_full) {
		if (w->place == TEXT_BODY && is_crlf(w))
			w->pos++;
		else if (w->place == TEXT_BODY && w->pos == w->line_end)
			next_line(w);
		else
			step(w);
	}
	end_line(w);
}

static void finish_cut(struct walk *w)
{
	size_t n = w->max < strlen(dots) ? w->max : strlen(dots);

	buf_truncate(&w->out, w->cut.len);
	for (size_t i = 0; i < w->cut.depth; i++)
		buf_add(&w->out, slice_str(BIDI_PDI));
	buf_add(&w->out, slice_of(dots, n));
}

static char *make_safe(struct slice s, enum text_place place, const char *prefix,
		       size_t max)
{
	struct walk w = {.s = s, .place = place, .prefix = slice_str(prefix), .max = max};
	struct slice out;
	char *copy;

	bidi_init(&w.bidi, s);
	buf_init(&w.out, max != 0 ? max : SIZE_MAX);
	walk(&w);
	if (w.is_full)
		finish_cut(&w);
	out = buf_slice(&w.out);
	copy = mem_strndup(out.p, out.n);
	buf_wipe(&w.out);
	bidi_wipe(&w.bidi);
	return copy;
}

char *text_safe(struct slice s, enum text_place place, size_t max)
{
	return make_safe(s, place, "", max);
}

char *text_body(struct slice s, const char *prefix)
{
	return make_safe(s, TEXT_BODY, prefix, 0);
}

char *text_fold(const char *s)
{
	if (!text_is_utf8(slice_str(s)))
		return NULL;
	return (char *)utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)s);
}

/* Looks like a space at either end, which nobody sees. */
static bool is_padded(const char *s)
{
	uint32_t cp = 0;
	bool is_first = true, is_space = false;

	for (size_t n; *s != '\0'; s += n) {
		n = utf8_next((const uint8_t *)s, strlen(s), &cp);
		is_space = utf8_is_space(cp);
		if (is_space && is_first)
			return true;
		is_first = false;
	}
	return is_space;
}

bool text_is_nick(struct slice s)
{
	char *safe;
	bool is_nick;

	if (s.n == 0 || s.n > NICK_MAX_BYTES || memchr("#@+/-", s.p[0], 5) != NULL)
		return false;
	if (!text_is_utf8(s))
		return false;
	safe = text_safe(s, TEXT_NAME, 0);
	is_nick = slice_eq(slice_str(safe), s) && !is_padded(safe);
	mem_free(safe);
	return is_nick;
}
