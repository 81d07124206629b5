/*
 * text_look: what a name looks like. Two names that look alike have the same letters here,
 * whatever script, case, width or accents they are written with. The tables are short on
 * purpose: what NFKC and case folding do not do already, of the letters that fonts draw
 * like Latin ones. Whom they call alike is asked about, so too much costs a question.
 */
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

struct twin {
	uint32_t cp; /* small letter */
	char like;
};

static const struct twin twins[] = {
	/* digits and signs */
	{'0', 'o'},
	{'1', 'l'},
	{'i', 'l'},
	{'|', 'l'},
	{'!', 'l'},
	{'5', 's'},
	{'$', 's'},
	{0x131, 'l'}, /* dotless i */
	{0x1c0, 'l'}, /* click */
	/* Latin */
	{0x251, 'a'},
	{0x261, 'g'},
	{0x26a, 'l'},
	{0x142, 'l'},
	{0x111, 'd'},
	{0xf8, 'o'},
	/* Greek */
	{0x3b1, 'a'},
	{0x3b2, 'b'},
	{0x3b3, 'y'},
	{0x3b5, 'e'},
	{0x3b7, 'n'},
	{0x3b9, 'l'},
	{0x3ba, 'k'},
	{0x3bc, 'u'},
	{0x3bd, 'v'},
	{0x3bf, 'o'},
	{0x3c1, 'p'},
	{0x3c3, 'o'},
	{0x3c4, 't'},
	{0x3c5, 'u'},
	{0x3c7, 'x'},
	{0x3c9, 'w'},
	{0x3f2, 'c'},
	{0x3f3, 'j'},
	/* Cyrillic */
	{0x430, 'a'},
	{0x432, 'b'},
	{0x433, 'r'},
	{0x435, 'e'},
	{0x437, '3'},
	{0x438, 'u'},
	{0x43a, 'k'},
	{0x43c, 'm'},
	{0x43d, 'h'},
	{0x43e, 'o'},
	{0x43f, 'n'},
	{0x440, 'p'},
	{0x441, 'c'},
	{0x442, 't'},
	{0x443, 'y'},
	{0x445, 'x'},
	{0x44c, 'b'},
	{0x455, 's'},
	{0x456, 'l'},
	{0x458, 'j'},
	{0x461, 'w'},
	{0x475, 'v'},
	{0x4af, 'y'},
	{0x4bb, 'h'},
	{0x4cf, 'l'},
	{0x501, 'd'},
	{0x51b, 'q'},
	{0x51d, 'w'},
	/* Armenian */
	{0x561, 'w'},
	{0x566, 'q'},
	{0x570, 'h'},
	{0x578, 'n'},
	{0x57d, 'u'},
	{0x581, 'g'},
	{0x585, 'o'},
};

/* Two letters that are read as one. */
static const struct {
	const char *two;
	char one;
} pairs[] = {{"rn", 'm'}, {"vv", 'w'}, {"cl", 'd'}};

static char twin_of(uint32_t cp)
{
	for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
		if (twins[i].cp == cp)
			return twins[i].like;
	return '\0';
}

static void put_pair(struct buf *out)
{
	struct slice all = buf_slice(out);
	for (size_t i = 0; all.n >= 2 && i < sizeof pairs / sizeof *pairs; i++) {
		if (memcmp(all.p + all.n - 2, pairs[i].two, 2) != 0)
			continue;
		buf_truncate(out, all.n - 2);
		(void)buf_u8(out, (uint8_t)pairs[i].one);
		return;
	}
}

/* Blanks are nothing: "bo b" is read as a name with a gap in it. */
static void put_letter(struct buf *out, const uint8_t *p, size_t n, uint32_t cp)
{
	char like = twin_of(cp);
	if (utf8_is_space(cp) || utf8_is_mark(cp))
		return;
	if (like != '\0')
		(void)buf_u8(out, (uint8_t)like);
	else
		(void)buf_add(out, slice_of(p, n));
	put_pair(out);
}

char *text_look(const char *s)
{
	char *bare = text_bare(s);
	struct buf out;
	uint32_t cp;
	if (bare == NULL)
		return NULL;
	buf_init(&out, SIZE_MAX);
	for (size_t n, left = strlen(bare), at = 0; left > 0; at += n, left -= n) {
		n = utf8_next((const uint8_t *)bare + at, left, &cp);
		if (n == 0)
			break;
		put_letter(&out, (const uint8_t *)bare + at, n, cp);
	}
	struct slice all = buf_slice(&out);
	char *look = mem_strndup((const char *)all.p, all.n);
	buf_wipe(&out);
	mem_free(bare);
	return look;
}
