#include "files/filename.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

struct range {
	uint32_t first, last;
};

static bool is_in(uint32_t cp, const struct range *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (cp >= v[i].first && cp <= v[i].last)
			return true;
	}
	return false;
}
#define IS_IN(cp, table) is_in((cp), (table), sizeof(table) / sizeof((table)[0]))

/* Controls, direction, no width, line ends, tags. */
static const struct range dropped[] = {
	{0x00, 0x1f},	  {0x7f, 0x9f},	      {0x61c, 0x61c},	{0x200b, 0x200b},
	{0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x2060}, {0x2066, 0x2069},
	{0xfeff, 0xfeff}, {0xe0000, 0xe007f},
};
static const struct range joiners[] = {{0x200c, 0x200d}};
/* Beyond ASCII, neither letter nor emoji: Latin signs, spaces, punctuation. */
static const struct range not_joined[] = {
	{0x80, 0xbf},	  {0xd7, 0xd7},	    {0xf7, 0xf7},     {0x1680, 0x1680},
	{0x2000, 0x203b}, {0x203d, 0x2048}, {0x204a, 0x206f}, {0x3000, 0x3003},
	{0x3008, 0x3020}, {0xd800, 0xf8ff}, {0xfff0, 0xffff},
};

/* The code point at p of valid UTF-8. */
static size_t next_cp(const uint8_t *p, uint32_t *cp)
{
	const size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	*cp = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*cp = *cp << 6 | (p[i] & 0x3f);
	return n;
}

/* Between Latin letters a joiner does nothing but make two names look the same. */
static bool is_letter_or_emoji(uint32_t cp)
{
	return cp >= 0x80 && !IS_IN(cp, not_joined) && !IS_IN(cp, dropped) &&
	       !IS_IN(cp, joiners);
}

/* before: the code point that was kept last. */
static bool is_kept(uint32_t cp, uint32_t before, struct slice rest)
{
	uint32_t after = 0;

	if (IS_IN(cp, dropped))
		return false;
	if (!IS_IN(cp, joiners))
		return true;
	if (rest.n > 0)
		next_cp(rest.p, &after);
	return is_letter_or_emoji(before) && is_letter_or_emoji(after);
}

/* A name under construction: what does not fit is dropped from there on. */
struct draft {
	char p[4 * FILENAME_ROOM];
	size_t n;
};

static void keep_visible(struct slice name, struct draft *d)
{
	uint32_t cp, before = 0;

	for (size_t at = 0, n; at < name.n; at += n) {
		const uint8_t *p = name.p + at;
		n = next_cp(p, &cp);
		if (!is_kept(cp, before, slice_of(p + n, name.n - at - n)))
			continue;
		if (d->n + n >= sizeof(d->p))
			break;
		memcpy(d->p + d->n, p, n);
		d->n += n;
		before = cp;
	}
	d->p[d->n] = '\0';
}

static void trim_end(struct draft *d)
{
	while (d->n > 0 && (d->p[d->n - 1] == '.' || d->p[d->n - 1] == ' '))
		d->n--;
	d->p[d->n] = '\0';
}

/* To at most max bytes, at a code point. */
static void cut(struct draft *d, size_t max)
{
	if (d->n > max) {
		d->n = max;
		while (d->n > 0 && ((uint8_t)d->p[d->n] & 0xc0) == 0x80)
			d->n--;
	}
	d->p[d->n] = '\0';
}

static bool is_device(const char *name)
{
	static const char *const devices[] = {
		"con",	       "prn",	      "aux",	     "nul",	    "conin$",
		"conout$",     "com0",	      "com1",	     "com2",	    "com3",
		"com4",	       "com5",	      "com6",	     "com7",	    "com8",
		"com9",	       "com\xc2\xb9", "com\xc2\xb2", "com\xc2\xb3", "lpt0",
		"lpt1",	       "lpt2",	      "lpt3",	     "lpt4",	    "lpt5",
		"lpt6",	       "lpt7",	      "lpt8",	     "lpt9",	    "lpt\xc2\xb9",
		"lpt\xc2\xb2", "lpt\xc2\xb3",
	};
	/* Windows takes what stands before the first dot, without blanks at its end. */
	size_t n = strcspn(name, ".:");

	while (n > 0 && name[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (strlen(devices[i]) == n && strncasecmp(name, devices[i], n) == 0)
			return true;
	}
	return false;
}

static bool is_self_or_parent(struct slice s)
{
	return slice_eq(s, slice_str(".")) || slice_eq(s, slice_str(".."));
}

enum err filename_clean(struct slice name, bool keeps_dots,
			char out[static FILENAME_ROOM])
{
	struct draft d = {.n = 0};

	out[0] = '\0';
	if ((name.n > 0 && memchr(name.p, '/', name.n) != NULL) || !text_is_utf8(name) ||
	    is_self_or_parent(name))
		return ERR_PROTO;
	keep_visible(name, &d);
	trim_end(&d);
	for (size_t i = 0; !keeps_dots && d.p[i] == '.'; i++)
		d.p[i] = '_';
	cut(&d, FILENAME_MAX_BYTES);
	trim_end(&d);
	if (d.n == 0)
		d.n = (size_t)snprintf(d.p, sizeof(d.p), "file");
	if (is_device(d.p)) {
		memmove(d.p + 1, d.p, d.n + 1);
		d.p[0] = '_';
		d.n++;
		cut(&d, FILENAME_MAX_BYTES);
		trim_end(&d);
	}
	memcpy(out, d.p, d.n + 1);
	return ERR_OK;
}

enum err filename_check_path(struct slice path, unsigned *depth)
{
	size_t start = 0;

	*depth = 0;
	if (path.n == 0 || path.n > FILENAME_PATH_MAX_BYTES || !text_is_utf8(path))
		return ERR_PROTO;
	for (size_t i = 0; i <= path.n; i++) {
		if (i < path.n && path.p[i] != '/')
			continue;
		const struct slice part = slice_of(path.p + start, i - start);
		if (part.n == 0 || is_self_or_parent(part) ||
		    ++*depth > FILENAME_DEPTH_MAX)
			return ERR_PROTO;
		start = i + 1;
	}
	return ERR_OK;
}

struct slice filename_last(struct slice path)
{
	size_t at = path.n;

	while (at > 0 && path.p[at - 1] != '/')
		at--;
	return slice_of(path.p + at, path.n - at);
}

/* Where `.txt` or `.tar.gz` begins; the end when there is none. */
static size_t extension_at(const char *name)
{
	const size_t n = strlen(name), ext_max = 16;
	const char *dot = strrchr(name, '.');

	if (dot == NULL || dot == name || n - (size_t)(dot - name) > ext_max)
		return n;
	const size_t at = (size_t)(dot - name);
	if (at > 4 && strncasecmp(dot - 4, ".tar", 4) == 0)
		return at - 4;
	return at;
}

void filename_numbered(const char *name, unsigned n, bool is_folder,
		       char out[static FILENAME_ROOM])
{
	const size_t at = is_folder ? strlen(name) : extension_at(name);
	char number[16];
	const size_t digits = (size_t)snprintf(number, sizeof(number), " (%u)", n);
	struct draft stem = {.n = at};

	memcpy(stem.p, name, at);
	cut(&stem, FILENAME_MAX_BYTES - digits - strlen(name + at));
	memcpy(stem.p + stem.n, number, digits);
	memcpy(stem.p + stem.n + digits, name + at, strlen(name + at) + 1);
	memcpy(out, stem.p, strlen(stem.p) + 1);
}

/* Bytes of the code point at the front of s; 0 when it is none. */
static size_t valid_cp(struct slice s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++) {
		if (text_is_utf8(slice_of(s.p, n)))
			return n;
	}
	return 0;
}

enum err filename_to_wire(struct slice name, struct buf *out, bool *was_bad)
{
	enum err e = ERR_OK;

	*was_bad = !text_is_utf8(name);
	if (!*was_bad)
		return buf_add(out, name);
	while (name.n > 0 && e == ERR_OK) {
		const size_t n = valid_cp(name), step = n > 0 ? n : 1;
		e = buf_add(out, n > 0 ? slice_of(name.p, n) : slice_str("\xef\xbf\xbd"));
		name = slice_of(name.p + step, name.n - step);
	}
	return e;
}
