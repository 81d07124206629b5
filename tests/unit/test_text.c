#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/utf8.h"
#include "lib/vectors.h"

#define FSI "\u2068"
#define PDI "\u2069"

static const enum text_place places[] = {TEXT_NAME, TEXT_BODY, TEXT_LOG};

enum { N_PLACES = 3 };

/* Writes a code point, surrogates too; returns the bytes. */
static size_t encode(uint32_t cp, char out[static 4])
{
	static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)(leads[n] | cp);
	return n;
}

static void assert_safe_is(const char *in, enum text_place place, const char *want)
{
	char *out = text_safe(slice_str(in), place, 0);

	assert_string_equal(out, want);
	mem_free(out);
}

/* ---- validity ---- */

static bool is_valid(const char *bytes, size_t n)
{
	/* Exactly as long, so that a sanitizer sees a byte too far. */
	char *copy = mem_dup(bytes, n);
	bool ok = text_is_utf8(slice_of(copy, n));

	mem_free(copy);
	return ok;
}

static void every_code_point_but_NUL_and_surrogates_is_valid(void **state)
{
	char bytes[4];

	(void)state;
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		size_t n = encode(cp, bytes);
		bool ok = cp != 0 && (cp < 0xd800 || cp > 0xdfff);
		assert_int_equal(text_is_utf8(slice_of(bytes, n)), ok);
	}
}

/* A second opinion, by the table of the Unicode standard (3-7), for all sequences of
 * up to three bytes and, with four, all first and second ones. */
static bool is_well_formed(const uint8_t *b, size_t n)
{
	static const struct {
		uint8_t first_min, first_max, second_min, second_max;
		size_t len;
	} rows[] = {
		{0x01, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (b[0] < rows[i].first_min || b[0] > rows[i].first_max)
			continue;
		if (rows[i].len != n)
			return false;
		if (n > 1 && (b[1] < rows[i].second_min || b[1] > rows[i].second_max))
			return false;
		for (size_t k = 2; k < n; k++) {
			if (b[k] < 0x80 || b[k] > 0xbf)
				return false;
		}
		return true;
	}
	return false;
}

static void every_sequence_is_judged_as_the_standard_does(void **state)
{
	static const uint8_t last[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff};

	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			for (size_t i = 0; i < 36; i++) {
				uint8_t s[4] = {(uint8_t)a, (uint8_t)b, last[i / 6],
						last[i % 6]};
				for (size_t n = 3; n <= 4; n++) {
					bool is_one = is_well_formed(s, n);
					/* Or several, the first of them shorter. */
					bool is_more = false;
					for (size_t k = 1; k < n; k++)
						is_more |= is_well_formed(s, k) &&
							   text_is_utf8(slice_of(s + k,
										 n - k));
					assert_int_equal(text_is_utf8(slice_of(s, n)),
							 is_one || is_more);
				}
			}
		}
	}
}

static void a_cut_sequence_is_not_valid(void **state)
{
	static const char *const texts[] = {"\u00e9", "\u20ac", "\U0001f600"};
	uint32_t cp;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t n = 1; n < strlen(texts[i]); n++) {
			assert_false(is_valid(texts[i], n));
			assert_int_equal(utf8_next((const uint8_t *)texts[i], n, &cp), 0);
			assert_false(is_valid(texts[i] + n, strlen(texts[i]) - n));
		}
		assert_true(is_valid(texts[i], strlen(texts[i])));
	}
	assert_true(text_is_utf8(slice_of(NULL, 0)));
}

/* The way that takes eight bytes at once. */
static void a_bad_byte_is_found_at_every_place(void **state)
{
	char text[40];

	(void)state;
	for (size_t n = 1; n <= sizeof(text); n++) {
		memset(text, 'a', n);
		assert_true(is_valid(text, n));
		for (size_t i = 0; i < n; i++) {
			text[i] = '\0';
			assert_false(is_valid(text, n));
			text[i] = '\x80';
			assert_false(is_valid(text, n));
			text[i] = '\x7f';
			assert_true(is_valid(text, n));
			text[i] = 'a';
		}
	}
}

/* ---- what is emitted, whatever comes in ---- */

static bool is_forbidden(uint32_t cp, enum text_place place)
{
	if (cp < 0x20)
		return place != TEXT_BODY || (cp != '\n' && cp != '\t');
	if (cp == 0x7f || (cp >= 0x80 && cp <= 0x9f))
		return true;
	if (cp == 0x202d || cp == 0x202e || cp == 0x2028 || cp == 0x2029)
		return true;
	if (cp == 0x200b || cp == 0xfeff || (cp >= 0xe0000 && cp <= 0xe007f))
		return true;
	if (place == TEXT_BODY)
		return false;
	return (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0x061c || cp == 0x00ad;
}

/* Opened and closed within the line, as the renderer reads it. */
static void assert_balanced(const char *s)
{
	int isolates = 0;
	uint32_t cp;

	for (size_t left = strlen(s), n; left > 0; s += n, left -= n) {
		n = utf8_next((const uint8_t *)s, left, &cp);
		if (cp >= 0x2066 && cp <= 0x2068)
			isolates++;
		if (cp == 0x2069)
			isolates--;
		assert_true(isolates >= 0);
		if (cp == '\n')
			assert_int_equal(isolates, 0);
	}
	assert_int_equal(isolates, 0);
}

static void assert_is_safe(const char *out, enum text_place place)
{
	const char *p = out;
	uint32_t cp;

	assert_true(text_is_utf8(slice_str(out)));
	for (size_t left = strlen(p), n; left > 0; p += n, left -= n) {
		n = utf8_next((const uint8_t *)p, left, &cp);
		if (is_forbidden(cp, place))
			fail_msg("U+%X is emitted at place %d", (unsigned)cp, place);
	}
	assert_balanced(out);
}

static void assert_made_safe(struct slice in, size_t max)
{
	/* Exactly as long, as above. */
	char *copy = mem_dup(in.p, in.n);
	struct slice s = slice_of(copy, in.n);

	for (size_t i = 0; i < N_PLACES; i++) {
		char *out = text_safe(s, places[i], max);
		assert_is_safe(out, places[i]);
		if (max > 0)
			assert_true(strlen(out) <= max);
		mem_free(out);
	}
	mem_free(copy);
}

static void U1_no_byte_gets_through(void **state)
{
	char text[258] = {'a'};

	(void)state;
	for (int i = 0; i < 256; i++) {
		char one[] = {'a', (char)i, 'b'};
		assert_made_safe(slice_of(one, 3), 0);
		text[1 + i] = (char)i;
	}
	assert_made_safe(slice_of(text, sizeof(text)), 0);
}

static void U1_no_code_point_gets_through(void **state)
{
	/* Between them nothing is assigned but ideographs. */
	static const uint32_t ranges[][2] = {
		{0, 0x20000}, {0xe0000, 0xe1000}, {0x10ff00, 0x110000}};
	char text[6] = {'a'};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (uint32_t cp = ranges[i][0]; cp < ranges[i][1]; cp++) {
			size_t n = encode(cp, text + 1);
			text[1 + n] = 'b';
			assert_made_safe(slice_of(text, n + 2), 0);
		}
	}
}

static void U1_no_naughty_string_gets_through(void **state)
{
	json_t *list = vectors_json("text/blns.json");

	(void)state;
	assert_true(json_array_size(list) > 400);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		char *folded = text_fold(s);
		assert_non_null(folded);
		mem_free(folded);
		assert_made_safe(slice_str(s), 0);
		for (size_t max = 1; max < 40; max++)
			assert_made_safe(slice_str(s), max);
	}
	json_decref(list);
}

/* Pieces that mean something to the code, in any order. */
static void no_mixture_gets_through(void **state)
{
	static const char *const pieces[] = {
		"a",	  " ",		"\n",	      "\r\n",	    "\r",
		"\t",	  "\x1b[31m",	"\xff",	      "\xc2",	    "\xc2\x85",
		"\u05d0", "\u0627",	"\u0661",     "\u0301",	    "\u0300\u0301",
		"\u200d", "\u200c",	"\u200e",     "\u200f",	    "\u061c",
		"\u202a", "\u202b",	"\u202c",     "\u202d",	    "\u202e",
		"\u2066", "\u2067",	"\u2068",     "\u2069",	    "\u200b",
		"\ufeff", "\u2028",	"\U000e0041", "\U0001f469", "\ufe0f",
		"\u2764", "\u0915",	"\u094d",     "\u3000",	    "\U0001f1e9",
		"\ue000", "\U0010ffff",
	};
	struct rng_seeded r;

	(void)state;
	rng_seeded_init(&r, 1);
	for (size_t round = 0; round < 20000; round++) {
		char text[256] = "";
		for (uint32_t n = rng_uniform(&r.rng, 40); n > 0; n--)
			strcat(text, pieces[rng_uniform(&r.rng, 42)]);
		assert_made_safe(slice_str(text),
				 round % 2 ? rng_uniform(&r.rng, 100) : 0);
	}
}

static void a_second_time_changes_nothing(void **state)
{
	static const char *const texts[] = {"abc", "\x1b[m\xff\u202e", "caf\u00e9",
					    "\u05e9\u05dc\u05d5\u05dd"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char *once = text_safe(slice_str(texts[i]), TEXT_NAME, 0);
		assert_safe_is(once, TEXT_NAME, once);
		mem_free(once);
	}
}

/* ---- names ---- */

static void names_keep_what_can_be_seen(void **state)
{
	static const char *const names[] = {
		"bob",
		"Bob the 3rd!",
		"caf\u00e9",
		"cafe\u0301",
		"\u0410\u043d\u043d\u0430",
		"\u5c71\u7530",
		"\u0939\u093f\u0928\u094d\u0926\u0940",
		"\u05d3\u05d5\u05d3",
		"\U0001f600",
		"\u2764\ufe0f",
		"a\u3000b",
		"\\o/",
		"\U0001fae8",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_safe_is(names[i], TEXT_NAME, names[i]);
}

static void U2_names_show_what_cannot_be_seen(void **state)
{
	static const char *const rows[][2] = {
		{"\u202egpj.exe", "\\u{202E}gpj.exe"},
		{"a\u2066b\u2069", "a\\u{2066}b\\u{2069}"},
		{"a\u200bb", "a\\u{200B}b"},
		{"a\u200db", "a\\u{200D}b"},
		{"\ufeffbob", "\\u{FEFF}bob"},
		{"a\u2028b", "a\\u{2028}b"},
		{"\U000e0062", "\\u{E0062}"},
		{"a\u00adb", "a\\u{AD}b"},
		{"bob\u2800", "bob\\u{2800}"},
		{"bob\u3164", "bob\\u{3164}"},
		{"bob\ufe0f", "bob\\u{FE0F}"},
		{"a\nb", "a\\u{A}b"},
		{"a\tb", "a\\u{9}b"},
		{"a\x1b]0;x\x07", "a\\u{1B}]0;x\\u{7}"},
		{"\xc2\x9b"
		 "31m",
		 "\\u{9B}31m"},
		{"\u0301bob", "\\u{301}bob"},
		{"\n\u0301", "\\u{A}\\u{301}"},
		{"\ue000", "\\u{E000}"},
		{"\uffff", "\\u{FFFF}"},
		{"\U0001f469\u200d\U0001f4bb", "\U0001f469\\u{200D}\U0001f4bb"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_safe_is(rows[i][0], TEXT_NAME, rows[i][1]);
}

static void bad_bytes_are_shown_one_by_one(void **state)
{
	char *out;

	(void)state;
	assert_safe_is("a\xff\xc2", TEXT_NAME, "a\\xff\\xc2");
	assert_safe_is("\xe2\x82z", TEXT_NAME, "\\xe2\\x82z");
	assert_safe_is("\xed\xa0\x80", TEXT_NAME, "\\xed\\xa0\\x80");
	assert_safe_is("\xc0\x9b", TEXT_BODY, "\\xc0\\x9b");
	out = text_safe(slice_of("a\0b", 3), TEXT_BODY, 0);
	assert_string_equal(out, "a\\u{0}b");
	mem_free(out);
}

static void U4_marks_do_not_pile_up(void **state)
{
	char text[2 + 2 * 1000] = "e", *out;
	size_t marks = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		strcpy(text + 1 + 2 * i, "\u0301");
	for (size_t i = 0; i < N_PLACES; i++) {
		out = text_safe(slice_str(text), places[i], 0);
		marks = 0;
		for (const char *p = out; (p = strstr(p, "\u0301")) != NULL; p++)
			marks++;
		assert_true(marks <= 8);
		assert_int_equal(text_width(out), 1 + (1000 - marks) * 7);
		mem_free(out);
	}
	/* Joiners between the marks do not start the count anew. */
	for (size_t i = 0; i < 200; i++)
		strcpy(text + 1 + 5 * i, "\u0301\u200d");
	out = text_safe(slice_str(text), TEXT_BODY, 0);
	marks = 0;
	for (const char *p = out; (p = strstr(p, "\u0301")) != NULL; p++)
		marks++;
	assert_true(marks <= 8);
	mem_free(out);
}

/* ---- bodies ---- */

static void plain_bodies_stay_plain(void **state)
{
	(void)state;
	assert_safe_is("hello\n\tworld\n\n", TEXT_BODY, "hello\n\tworld\n\n");
	assert_safe_is("caf\u00e9 \u5c71", TEXT_BODY, "caf\u00e9 \u5c71");
	assert_safe_is("a\r\nb", TEXT_BODY, "a\nb");
	assert_safe_is("a\rb\r", TEXT_BODY, "a\\u{D}b\\u{D}");
	assert_safe_is("\r\n\r\n", TEXT_BODY, "\n\n");
	assert_safe_is("a\r\r\n", TEXT_BODY, "a\\u{D}\n");
}

static void joiners_stay_where_they_join(void **state)
{
	static const char family[] = "\U0001f469\u200d\U0001f469\u200d\U0001f467";
	static const char heart[] = "\u2764\ufe0f\u200d\U0001f525";
	static const char persian[] = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645";

	(void)state;
	assert_safe_is(family, TEXT_BODY, family);
	assert_safe_is(heart, TEXT_BODY, heart);
	assert_safe_is(persian, TEXT_BODY,
		       FSI "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645" PDI);
	assert_safe_is("a\u200db", TEXT_BODY, "a\\u{200D}b");
	assert_safe_is("\u200d\u00e9", TEXT_BODY, "\\u{200D}\u00e9");
	assert_safe_is("\u00e9\u200d", TEXT_BODY, "\u00e9\\u{200D}");
	assert_safe_is("\u00e9\u200d\n\u00e9", TEXT_BODY, "\u00e9\\u{200D}\n\u00e9");
	assert_safe_is("\u00e9\u200d\u200d\u00e9", TEXT_BODY,
		       "\u00e9\\u{200D}\\u{200D}\u00e9");
}

static void U2_each_line_with_bidi_is_isolated(void **state)
{
	(void)state;
	assert_safe_is("abc\n\u05d0\u05d1 x\nabc", TEXT_BODY,
		       "abc\n" FSI "\u05d0\u05d1 x" PDI "\nabc");
	assert_safe_is("\u05d0\n\u05d1\n", TEXT_BODY,
		       FSI "\u05d0" PDI "\n" FSI "\u05d1" PDI "\n");
	assert_safe_is("a\u200fb", TEXT_BODY, FSI "a\u200fb" PDI);
	assert_safe_is("\u2067\u05d0\u2069", TEXT_BODY, FSI "\u2067\u05d0\u2069" PDI);
	assert_safe_is("a\u202bb\u202cc", TEXT_BODY, FSI "a\u202bb\u202cc" PDI);
}

static void U2_overrides_are_never_emitted(void **state)
{
	(void)state;
	assert_safe_is("\u202eabc\u202c", TEXT_BODY, "\\u{202E}abc\\u{202C}");
	assert_safe_is("\u202dabc\u202c", TEXT_BODY, "\\u{202D}abc\\u{202C}");
}

static void U2_unbalanced_controls_are_escaped(void **state)
{
	static const char *const rows[][2] = {
		{"\u2067abc", "\\u{2067}abc"},
		{"abc\u2069", "abc\\u{2069}"},
		{"\u2069\u2067", "\\u{2069}\\u{2067}"},
		{"\u2067a\nb\u2069", "\\u{2067}a\nb\\u{2069}"},
		{"\u202ba", "\\u{202B}a"},
		{"a\u202c", "a\\u{202C}"},
		/* What closes an isolate ends the embedding in it. */
		{"\u2067\u202ba\u2069", FSI "\u2067\\u{202B}a\u2069" PDI},
		/* What closes an embedding does not reach out of an isolate. */
		{"\u202b\u2067a\u202c\u2069", FSI "\\u{202B}\u2067a\\u{202C}\u2069" PDI},
		{"\u2067a\u2069\u2069", FSI "\u2067a\u2069\\u{2069}" PDI},
		{"\u2067\u2067a\u2069", FSI "\\u{2067}\u2067a\u2069" PDI},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_safe_is(rows[i][0], TEXT_BODY, rows[i][1]);
}

static void too_deep_controls_are_escaped(void **state)
{
	char text[3 * 64 + 1] = "", *out;

	(void)state;
	for (size_t depth = 1; depth <= 32; depth++) {
		text[0] = '\0';
		for (size_t i = 0; i < depth; i++)
			strcat(text, "\u2067");
		for (size_t i = 0; i < depth; i++)
			strcat(text, "\u2069");
		out = text_safe(slice_str(text), TEXT_BODY, 0);
		assert_is_safe(out, TEXT_BODY);
		assert_int_equal(strstr(out, "\\u{") != NULL, depth > 16);
		mem_free(out);
	}
}

static void U3_no_line_imitates_one_of_ours(void **state)
{
	static const char *const breaks[] = {
		"\n", "\r\n", "\n\n", "\u2028", "\u2029", "\xc2\x85", "\v", "\f", "\r"};

	(void)state;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		char *in = mem_printf("hi%s* Bob verified", breaks[i]);
		char *out = text_body(slice_str(in), "  | ");
		for (const char *p = out; (p = strchr(p, '\n')) != NULL;)
			assert_memory_equal(++p, "  | ", 4);
		assert_null(strstr(out, "\n*"));
		assert_is_safe(out, TEXT_BODY);
		mem_free(out);
		mem_free(in);
	}
}

static void the_prefix_stands_outside_the_isolate(void **state)
{
	char *out = text_body(slice_str("\u05d0\n\u05d1\n\nx"), "> ");

	(void)state;
	assert_string_equal(out, FSI "\u05d0" PDI "\n> " FSI "\u05d1" PDI "\n> \n> x");
	mem_free(out);
}

/* ---- logs ---- */

static void logs_keep_letters_and_digits_only(void **state)
{
	(void)state;
	assert_safe_is("~ !\\ 'a' 1", TEXT_LOG, "~ !\\ 'a' 1");
	assert_safe_is("caf\u00e9 \u5c71 \u0661", TEXT_LOG, "caf\u00e9 \u5c71 \u0661");
	assert_safe_is("\u20ac \U0001f600 e\u0301 \u00a0", TEXT_LOG,
		       "\\u{20AC} \\u{1F600} e\\u{301} \\u{A0}");
	assert_safe_is("a\tb\r\n", TEXT_LOG, "a\\u{9}b\\u{D}\\u{A}");
	assert_safe_is("\u3164", TEXT_LOG, "\\u{3164}");
}

/* ---- cutting ---- */

static void a_text_that_fits_is_not_cut(void **state)
{
	char *out = text_safe(slice_str("abcdef"), TEXT_NAME, 6);

	(void)state;
	assert_string_equal(out, "abcdef");
	mem_free(out);
	out = text_safe(slice_of(NULL, 0), TEXT_NAME, 1);
	assert_string_equal(out, "");
	mem_free(out);
}

static void a_cut_text_ends_with_dots(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *out;
	} rows[] = {
		{"abcdef", 5, "ab..."},
		{"abcdef", 4, "a..."},
		{"abcdef", 3, "..."},
		{"abcdef", 2, ".."},
		{"abcdef", 1, "."},
		{"\u00e9\u00e9\u00e9", 5, "\u00e9..."},
		{"\u00e9\u00e9\u00e9", 4, "..."},
		{"a\x1b\x1b", 9, "a..."},
		{"a\x1b\x1b", 10, "a\\u{1B}..."},
		{"a\x1b\x1b", 13, "a\\u{1B}\\u{1B}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *out = text_safe(slice_str(rows[i].in), TEXT_NAME, rows[i].max);
		assert_string_equal(out, rows[i].out);
		mem_free(out);
	}
}

static void a_cut_closes_what_is_open(void **state)
{
	const char text[] = "\u05d0\u2067\u2066abcdef\u2069\u2069";

	(void)state;
	for (size_t max = 1; max < 50; max++) {
		char *out = text_safe(slice_str(text), TEXT_BODY, max);
		assert_true(strlen(out) <= max);
		assert_is_safe(out, TEXT_BODY);
		mem_free(out);
	}
}

/* ---- columns ---- */

static void columns_are_counted(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {
		{"", 0},	   {"abc", 3},		{"caf\u00e9", 4},
		{"cafe\u0301", 4}, {"\u5c71\u7530", 4}, {"\U0001f600", 2},
		{"\uff21", 2},	   {"\uff71", 1},	{FSI "a" PDI, 1},
		{"\u200d", 0},	   {"\u2026", 1},	{"\U0001fae8", 2},
		{"\u05d0", 1},	   {"\xff", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(text_width(rows[i].text), rows[i].width);
}

static void fitted_text_has_exactly_the_width(void **state)
{
	static const char *const texts[] = {
		"",
		"a",
		"abc",
		"abcdef",
		"\u5c71\u7530\u5c71\u7530",
		"a\u5c71\u7530",
		"e\u0301e\u0301e\u0301e\u0301",
		"\U0001f469\u200d\U0001f4bb!",
		FSI "\u05d0\u05d1\u05d2\u05d3\u05d4" PDI,
		"\xff\xfe",
		"\u0301",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t width = 0; width < 12; width++) {
			char *out = text_fit(texts[i], width);
			assert_int_equal(text_width(out), width);
			if (text_is_utf8(slice_str(texts[i])))
				assert_balanced(out);
			mem_free(out);
		}
	}
}

static void fitting_pads_or_cuts(void **state)
{
	static const struct {
		const char *in;
		size_t width;
		const char *out;
	} rows[] = {
		{"abc", 5, "abc  "},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab\u2026"},
		{"abcd", 1, "\u2026"},
		{"abcd", 0, ""},
		{"\u5c71\u7530", 3, "\u5c71\u2026"},
		{"\u5c71\u7530", 2, "\u2026 "},
		{"ae\u0301bc", 3, "ae\u0301\u2026"},
		{FSI "abcd" PDI, 3, FSI "ab" PDI "\u2026"},
		{FSI "abc" PDI, 3, FSI "abc" PDI},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *out = text_fit(rows[i].in, rows[i].width);
		assert_string_equal(out, rows[i].out);
		mem_free(out);
	}
}

static void a_cluster_is_what_looks_like_one_letter(void **state)
{
	static const struct {
		const char *text;
		size_t bytes, columns;
	} rows[] = {
		{"", 0, 0},
		{"ab", 1, 1},
		{"e\u0301x", 3, 1},
		{"\u5c71\u7530", 3, 2},
		{"\U0001f469\u200d\U0001f4bbx", 11, 4},
		{"\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 8, 2},
		{"\xff\u0301", 3, 1},
	};
	size_t columns;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(text_cluster(rows[i].text, &columns), rows[i].bytes);
		assert_int_equal(columns, rows[i].columns);
	}
}

static void a_long_cluster_comes_in_parts(void **state)
{
	char text[2000 * 3 + 2] = "e";
	size_t at = 0, n, columns, total = 0;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		strcpy(text + 1 + 3 * i, "\u20dd");
	for (; (n = text_cluster(text + at, &columns)) > 0; at += n) {
		assert_true(n <= TEXT_CLUSTER_BYTES + 3);
		assert_true(text_is_utf8(slice_of(text + at, n)));
		total += columns;
	}
	assert_int_equal(at, strlen(text));
	assert_int_equal(total, 1);
}

/* Signs that stand before others join to whatever comes, a torn letter included. */
static void no_letter_is_torn_between_parts(void **state)
{
	char text[300 * 3 + 1] = "";
	size_t at = 0, n, columns;

	(void)state;
	for (size_t i = 0; i < 300; i++)
		strcpy(text + 3 * i, "\u0d4e");
	for (; (n = text_cluster(text + at, &columns)) > 0; at += n) {
		assert_true(n <= TEXT_CLUSTER_BYTES + 3);
		assert_true(text_is_utf8(slice_of(text + at, n)));
	}
	assert_int_equal(at, strlen(text));
}

/* A trial with a hang limit: each takes about a millisecond. */
static void U4_a_long_line_takes_no_time(void **state)
{
	static const char *const units[] = {"x",      "\u0301", "\u2067", "\u5c71",
					    "\u05d0", "\x1b",	"\u200d", "\u202b\u2069"};
	uint64_t start = clock_mono_ms(clock_system());

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		char *in = mem_new(65536 + 8), *out, *fitted;
		for (size_t at = 0; at < 65536; at += strlen(units[i]))
			strcpy(in + at, units[i]);
		out = text_safe(slice_str(in), TEXT_BODY, 0);
		fitted = text_fit(out, 80);
		assert_int_equal(text_width(fitted), 80);
		mem_free(fitted);
		mem_free(out);
		mem_free(in);
	}
	assert_true(clock_mono_ms(clock_system()) - start < 5000);
}

/* ---- folding and nicks ---- */

static void names_are_compared_folded(void **state)
{
	static const char *const rows[][2] = {
		{"Bob", "bob"},	      {"STRASSE", "stra\u00dfe"},
		{"\uff22ob", "bob"},  {"\u00c9", "e\u0301"},
		{"b\u200bob", "bob"}, {"\u03a3", "\u03c2"},
		{"\u2167", "viii"},   {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *a = text_fold(rows[i][0]), *b = text_fold(rows[i][1]);
		assert_string_equal(a, b);
		mem_free(a);
		mem_free(b);
	}
	assert_null(text_fold("\xff"));
	assert_null(text_fold("a\xc2"));
}

static void homoglyphs_are_not_folded(void **state)
{
	char *latin = text_fold("Bob"), *cyrillic = text_fold("\u0412\u043eb");

	(void)state;
	assert_string_not_equal(latin, cyrillic);
	mem_free(latin);
	mem_free(cyrillic);
}

static void folding_twice_is_folding_once(void **state)
{
	char bytes[5];

	(void)state;
	for (uint32_t cp = 1; cp <= 0x1ffff; cp++) {
		char *once, *twice;
		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		bytes[encode(cp, bytes)] = '\0';
		once = text_fold(bytes);
		twice = text_fold(once);
		assert_string_equal(once, twice);
		mem_free(once);
		mem_free(twice);
	}
}

static void nicks_are_plain_names(void **state)
{
	static const char *const good[] = {"b",		 "bob",	   "Bob B",
					   "a#@+/-",	 "\u5c71", "caf\u00e9",
					   "\U0001f600", "1",	   "*"};
	static const char *const bad[] = {
		"",	     " bob",	  "bob ",  "#bob",	"@bob",	     "+bob",
		"/bob",	     "-bob",	  "b\nob", "\u202ebob", "\xff",	     "\u0301bob",
		"bob\u00a0", "\u3000bob", " ",	   "b\x1bob",	"b\u200bob", "\u00a0"};
	char text[66];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_nick(slice_str(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_nick(slice_str(bad[i])));
	memset(text, 'x', sizeof(text));
	assert_true(text_is_nick(slice_of(text, 64)));
	assert_false(text_is_nick(slice_of(text, 65)));
	assert_false(text_is_nick(slice_of("a\0b", 3)));
	assert_false(text_is_nick(slice_of(NULL, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_but_NUL_and_surrogates_is_valid),
		cmocka_unit_test(every_sequence_is_judged_as_the_standard_does),
		cmocka_unit_test(a_cut_sequence_is_not_valid),
		cmocka_unit_test(a_bad_byte_is_found_at_every_place),
		cmocka_unit_test(U1_no_byte_gets_through),
		cmocka_unit_test(U1_no_code_point_gets_through),
		cmocka_unit_test(U1_no_naughty_string_gets_through),
		cmocka_unit_test(no_mixture_gets_through),
		cmocka_unit_test(a_second_time_changes_nothing),
		cmocka_unit_test(names_keep_what_can_be_seen),
		cmocka_unit_test(U2_names_show_what_cannot_be_seen),
		cmocka_unit_test(bad_bytes_are_shown_one_by_one),
		cmocka_unit_test(U4_marks_do_not_pile_up),
		cmocka_unit_test(plain_bodies_stay_plain),
		cmocka_unit_test(joiners_stay_where_they_join),
		cmocka_unit_test(U2_each_line_with_bidi_is_isolated),
		cmocka_unit_test(U2_overrides_are_never_emitted),
		cmocka_unit_test(U2_unbalanced_controls_are_escaped),
		cmocka_unit_test(too_deep_controls_are_escaped),
		cmocka_unit_test(U3_no_line_imitates_one_of_ours),
		cmocka_unit_test(the_prefix_stands_outside_the_isolate),
		cmocka_unit_test(logs_keep_letters_and_digits_only),
		cmocka_unit_test(a_text_that_fits_is_not_cut),
		cmocka_unit_test(a_cut_text_ends_with_dots),
		cmocka_unit_test(a_cut_closes_what_is_open),
		cmocka_unit_test(columns_are_counted),
		cmocka_unit_test(fitted_text_has_exactly_the_width),
		cmocka_unit_test(fitting_pads_or_cuts),
		cmocka_unit_test(a_cluster_is_what_looks_like_one_letter),
		cmocka_unit_test(a_long_cluster_comes_in_parts),
		cmocka_unit_test(no_letter_is_torn_between_parts),
		cmocka_unit_test(U4_a_long_line_takes_no_time),
		cmocka_unit_test(names_are_compared_folded),
		cmocka_unit_test(homoglyphs_are_not_folded),
		cmocka_unit_test(folding_twice_is_folding_once),
		cmocka_unit_test(nicks_are_plain_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
