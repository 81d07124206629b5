#include "lib/vtcheck.h"

#include <stdlib.h>

#include "base/mem.h"

struct reader {
	struct slice s;
	size_t at;
	unsigned may;
	unsigned isolates;
	const char *wrong;
};

/* Its own decoder: what is checked must not be trusted to check itself. */
static uint32_t decode(const struct slice s, size_t at, size_t *n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t c = s.p[at];
	*n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
	if (*n == 0 || at + *n > s.n)
		return *n = 0, 0;
	uint32_t cp = *n == 1 ? c : c & (0x7fu >> *n);
	for (size_t i = 1; i < *n; i++) {
		if (s.p[at + i] >> 6 != 2)
			return *n = 0, 0;
		cp = cp << 6 | (s.p[at + i] & 0x3f);
	}
	if (cp < least[*n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		*n = 0;
	return cp;
}

static int peek(const struct reader *r)
{
	return r->at < r->s.n ? r->s.p[r->at] : -1;
}

/* Up to and with the final byte; what is allowed is few whole sequences. */
static void read_csi(struct reader *r)
{
	static const struct {
		const char *finals, *params;
		unsigned may;
	} rows[] = {
		{"m", "0123456789;", VT_SGR},
		{"KJ", "0123", VT_ERASE},
		{"HABCDEFGd", "0123456789;", VT_CURSOR},
	};
	static const struct {
		const char *mode;
		unsigned may;
	} modes[] = {{"?25", VT_CURSOR}, {"?1049", VT_SCREEN}, {"?2004", VT_SCREEN}};
	size_t begin = r->at;
	while (peek(r) >= 0x20 && peek(r) <= 0x3f)
		r->at++;
	int final = peek(r);
	char *params = mem_strndup(r->s.p + begin, r->at - begin);
	r->at++;
	r->wrong = "a CSI sequence that is not allowed";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (final > 0 && strchr(rows[i].finals, final) &&
		    strspn(params, rows[i].params) == strlen(params) &&
		    (r->may & rows[i].may))
			r->wrong = NULL;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if ((final == 'h' || final == 'l') &&
		    strcmp(params, modes[i].mode) == 0 && (r->may & modes[i].may))
			r->wrong = NULL;
	mem_free(params);
}

static void read_osc(struct reader *r)
{
	static const char *const numbers[] = {"2;", "9;", "99;", "777;"};
	size_t begin = r->at;
	bool is_known = false;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		is_known |= r->s.n - begin >= strlen(numbers[i]) &&
			    memcmp(r->s.p + begin, numbers[i], strlen(numbers[i])) == 0;
	while (peek(r) >= 0x20 && peek(r) != 0x7f)
		r->at++;
	bool is_ended = peek(r) == '\a' || (peek(r) == '\x1b' && r->at + 1 < r->s.n &&
					    r->s.p[r->at + 1] == '\\');
	r->at += peek(r) == '\a' ? 1 : 2;
	if (!is_known || !is_ended || !(r->may & VT_TITLE))
		r->wrong = "an OSC sequence that is not allowed";
}

static void read_escape(struct reader *r)
{
	int next = (r->at++, peek(r));
	r->at++;
	if (next == '[')
		read_csi(r);
	else if (next == ']')
		read_osc(r);
	else
		r->wrong = "an escape sequence";
}

static void check_isolate(struct reader *r, uint32_t cp)
{
	if (!(r->may & VT_ISOLATES))
		r->wrong = "a bidi isolate";
	else if (cp != 0x2069)
		r->isolates++;
	else if (r->isolates-- == 0)
		r->wrong = "the end of an isolate that did not begin";
}

static void check_control(struct reader *r, uint32_t cp)
{
	unsigned needs = cp == '\n' || cp == '\t' ? VT_LINES
			 : cp == '\r'		  ? VT_ERASE
			 : cp == '\a'		  ? VT_BELL
						  : 0;
	if (needs == 0 || !(r->may & needs))
		r->wrong = "a control character";
	if (cp == '\n' && r->isolates > 0)
		r->wrong = "an isolate that is open at the end of its line";
}

static void read_one(struct reader *r)
{
	size_t n;
	uint32_t cp = decode(r->s, r->at, &n);
	if (n == 0) {
		r->wrong = "bytes that are no UTF-8";
		return;
	}
	if (cp == 0x1b) {
		read_escape(r);
		return;
	}
	r->at += n;
	if (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))
		check_control(r, cp);
	else if (cp >= 0x202a && cp <= 0x202e)
		r->wrong = "a bidi embedding or override";
	else if (cp >= 0x2066 && cp <= 0x2069)
		check_isolate(r, cp);
}

char *vtcheck(struct slice out, unsigned may)
{
	struct reader r = {.s = out, .may = may};
	size_t at = 0;
	while (!r.wrong && r.at < r.s.n) {
		at = r.at;
		read_one(&r);
	}
	if (!r.wrong && r.isolates > 0)
		r.wrong = "an isolate that is open at the end";
	return r.wrong ? mem_printf("%s at byte %zu", r.wrong, at) : NULL;
}

static bool is_unseen(uint32_t cp)
{
	return cp == 0x200b || cp == 0x2028 || cp == 0x2029 || cp == 0xfeff ||
	       (cp >= 0xe0000 && cp <= 0xe007f);
}

char *vtcheck_unseen(struct slice out)
{
	size_t n;
	for (size_t at = 0; at < out.n; at += n) {
		uint32_t cp = decode(out, at, &n);
		if (n == 0 || is_unseen(cp))
			return mem_printf("U+%04X at byte %zu", cp, at);
	}
	return NULL;
}
