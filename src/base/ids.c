#include "base/ids.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

bool id16_eq(const struct id16 *a, const struct id16 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool id32_eq(const struct id32 *a, const struct id32 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int id32_cmp(const struct id32 *a, const struct id32 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

void hex_encode(struct slice in, char *out)
{
#define PAIRS(h) \
	h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7" h "8" h "9" h "a" h "b" h "c" h \
	  "d" h "e" h "f"
	static const char pairs[] = PAIRS("0") PAIRS("1") PAIRS("2") PAIRS("3") PAIRS("4")
		PAIRS("5") PAIRS("6") PAIRS("7") PAIRS("8") PAIRS("9") PAIRS("a")
			PAIRS("b") PAIRS("c") PAIRS("d") PAIRS("e") PAIRS("f");
#undef PAIRS

	for (size_t i = 0; i < in.n; i++)
		memcpy(out + 2 * i, pairs + 2 * in.p[i], 2);
	out[2 * in.n] = '\0';
}

/* Not by the locale, as tolower would. */
static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* The value of a digit of either case; -1 when it is none. */
static int digit(const char *digits, uint8_t c)
{
	const char *at = c != '\0' ? strchr(digits, lower(c)) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

enum err hex_decode(struct slice in, uint8_t *out, size_t out_len)
{
	if (in.n / 2 != out_len || in.n % 2 != 0)
		return ERR_USAGE;
	for (size_t i = 0; i < out_len; i++) {
		int high = digit(hex_digits, in.p[2 * i]);
		int low = digit(hex_digits, in.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return ERR_USAGE;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return ERR_OK;
}

size_t base32_len(size_t n)
{
	return n / 5 * 8 + (n % 5 * 8 + 4) / 5;
}

void base32_encode(struct slice in, char *out)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < in.n; i++) {
		bits = bits << 8 | in.p[i];
		for (n_bits += 8; n_bits >= 5; n_bits -= 5)
			*out++ = base32_digits[bits >> (n_bits - 5) & 31];
	}
	if (n_bits > 0)
		*out++ = base32_digits[bits << (5 - n_bits) & 31];
	*out = '\0';
}

enum err base32_decode(struct slice in, uint8_t *out, size_t out_len)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	if (in.n != base32_len(out_len))
		return ERR_USAGE;
	for (size_t i = 0; i < in.n; i++) {
		int v = digit(base32_digits, in.p[i]);
		if (v < 0)
			return ERR_USAGE;
		bits = bits << 5 | (uint32_t)v;
		n_bits += 5;
		if (n_bits >= 8) {
			n_bits -= 8;
			*out++ = (uint8_t)(bits >> n_bits);
		}
	}
	return (bits & ((1u << n_bits) - 1)) == 0 ? ERR_OK : ERR_USAGE;
}
