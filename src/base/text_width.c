/* What a text takes on the screen. */
#include <string.h>

#include "base/bidi.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

static const char ellipsis[] = "\xe2\x80\xa6";

/* A byte that is no UTF-8 counts as a character; n > 0. */
static size_t next(const char *s, size_t n, uint32_t *cp)
{
	size_t len = utf8_next((const uint8_t *)s, n, cp);

	if (len > 0)
		return len;
	*cp = '?';
	return 1;
}

size_t text_cluster(const char *s, size_t *columns)
{
	size_t n = strnlen(s, TEXT_CLUSTER_BYTES + 4), len = 0, step;
	uint32_t before = 0, cp;
	int state = 0;

	*columns = 0;
	while (len < n && len < TEXT_CLUSTER_BYTES) {
		step = next(s + len, n - len, &cp);
		if (len > 0 && utf8_is_break(before, cp, &state))
			break;
		*columns += utf8_columns(cp);
		before = cp;
		len += step;
	}
	return len;
}

size_t text_width(const char *s)
{
	size_t width = 0, left = strlen(s), n;
	uint32_t cp;

	for (; left > 0; s += n, left -= n) {
		n = next(s, left, &cp);
		width += utf8_columns(cp);
	}
	return width;
}

/* Isolates that the first n bytes leave open. */
static size_t open_isolates(const char *s, size_t n)
{
	size_t depth = 0, step;
	uint32_t cp;
	int change;

	for (; n > 0; s += step, n -= step) {
		step = next(s, n, &cp);
		change = bidi_depth_change(cp);
		if (change > 0)
			depth++;
		else if (change < 0 && depth > 0)
			depth--;
	}
	return depth;
}

/* The bytes of the clusters that fit into so many columns; *columns out. */
static size_t fitting(const char *s, size_t width, size_t *columns)
{
	size_t len = 0, n, wide;

	*columns = 0;
	while ((n = text_cluster(s + len, &wide)) > 0 && wide <= width - *columns) {
		*columns += wide;
		len += n;
	}
	return len;
}

char *text_fit(const char *s, size_t width)
{
	size_t columns, len = fitting(s, width, &columns);
	bool is_cut = s[len] != '\0' && width > 0;
	struct buf b;
	char *out;

	if (is_cut)
		len = fitting(s, width - 1, &columns);
	buf_init(&b, SIZE_MAX);
	buf_add(&b, slice_of(s, len));
	for (size_t i = open_isolates(s, len); i > 0; i--)
		buf_add(&b, slice_str(BIDI_PDI));
	if (is_cut) {
		buf_add(&b, slice_str(ellipsis));
		columns++;
	}
	for (; columns < width; columns++)
		buf_add(&b, slice_str(" "));
	out = mem_strndup(buf_slice(&b).p, b.len);
	buf_wipe(&b);
	return out;
}
