#include "base/utf8.h"

#include <utf8proc.h>

/* What begins with these bits has this many bytes and codes at least this. */
static const struct {
	uint8_t mask, bits;
	uint8_t len;
	uint32_t min;
} leads[] = {
	{0x80, 0x00, 1, 0},
	{0xe0, 0xc0, 2, 0x80},
	{0xf0, 0xe0, 3, 0x800},
	{0xf8, 0xf0, 4, 0x10000},
};

/* The len - 1 bytes behind the first; false when one of them is none such. */
static bool continues(const uint8_t *p, size_t len, uint32_t *cp)
{
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return true;
}

static bool is_encodable(uint32_t cp)
{
	return cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
}

size_t utf8_next(const uint8_t *p, size_t n, uint32_t *cp)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if ((p[0] & leads[i].mask) != leads[i].bits)
			continue;
		*cp = p[0] & (uint8_t)~leads[i].mask;
		if (leads[i].len > n || !continues(p, leads[i].len, cp))
			return 0;
		return *cp >= leads[i].min && is_encodable(*cp) ? leads[i].len : 0;
	}
	return 0;
}

static const utf8proc_property_t *property(uint32_t cp)
{
	return utf8proc_get_property((utf8proc_int32_t)cp);
}

static uint32_t category_bit(uint32_t cp)
{
	return 1u << utf8proc_category((utf8proc_int32_t)cp);
}

#define BIT(name) (1u << UTF8PROC_CATEGORY_##name)

enum {
	MARKS = BIT(MN) | BIT(MC) | BIT(ME),
	LETTERS = BIT(LU) | BIT(LL) | BIT(LT) | BIT(LM) | BIT(LO),
	DIGITS = BIT(ND) | BIT(NL) | BIT(NO),
	SYMBOLS = BIT(SO) | BIT(SK),
	CONTROLS = BIT(CC) | BIT(CF) | BIT(CS) | BIT(ZL) | BIT(ZP),
};

/* Unicode keeps these planes for emoji and adds some every year. */
static bool is_future_emoji(uint32_t cp)
{
	return cp >= 0x1f000 && cp <= 0x1faff && (category_bit(cp) & BIT(CN)) != 0;
}

bool utf8_is_mark(uint32_t cp)
{
	return (category_bit(cp) & MARKS) != 0;
}

bool utf8_is_letter_or_digit(uint32_t cp)
{
	return (category_bit(cp) & (LETTERS | DIGITS)) != 0;
}

bool utf8_is_control(uint32_t cp)
{
	uint32_t bit = category_bit(cp);

	return (bit & CONTROLS) != 0 || ((bit & BIT(CN)) != 0 && !is_future_emoji(cp));
}

bool utf8_is_unseen(uint32_t cp)
{
	const uint32_t braille_blank = 0x2800;

	return property(cp)->ignorable || cp == braille_blank ||
	       (category_bit(cp) & BIT(CO)) != 0;
}

bool utf8_is_space(uint32_t cp)
{
	return (category_bit(cp) & BIT(ZS)) != 0;
}

bool utf8_is_emoji(uint32_t cp)
{
	return property(cp)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC ||
	       is_future_emoji(cp);
}

bool utf8_is_right_to_left(uint32_t cp)
{
	utf8proc_propval_t class = property(cp)->bidi_class;

	return class == UTF8PROC_BIDI_CLASS_R || class == UTF8PROC_BIDI_CLASS_AL ||
	       class == UTF8PROC_BIDI_CLASS_AN;
}

bool utf8_is_joinable(uint32_t cp)
{
	return cp >= 0x80 && ((category_bit(cp) & (LETTERS | MARKS | SYMBOLS)) != 0 ||
			      utf8_is_emoji(cp));
}

size_t utf8_columns(uint32_t cp)
{
	if (cp < 0x80)
		return cp >= 0x20 && cp != 0x7f;
	if (is_future_emoji(cp))
		return 2;
	return (size_t)utf8proc_charwidth((utf8proc_int32_t)cp);
}

bool utf8_is_break(uint32_t before, uint32_t after, int *state)
{
	return utf8proc_grapheme_break_stateful((utf8proc_int32_t)before,
						(utf8proc_int32_t)after, state);
}
