#include "base/base64.h"

#include <sodium.h>

#include "base/mem.h"

enum { VARIANT = sodium_base64_VARIANT_ORIGINAL };

char *base64_new(struct slice bytes)
{
	size_t max = sodium_base64_encoded_len(bytes.n, VARIANT);
	char *text = mem_new(max);
	return sodium_bin2base64(text, max, bytes.p, bytes.n, VARIANT);
}

enum err base64_decode(struct slice text, struct buf *b)
{
	size_t n = 0, max = text.n / 4 * 3 + 3;
	uint8_t *bytes = mem_new(max);
	enum err e = ERR_USAGE;
	if (sodium_base642bin(bytes, max, (const char *)text.p, text.n, NULL, &n, NULL,
			      VARIANT) == 0)
		e = buf_add(b, slice_of(bytes, n));
	mem_free(bytes);
	return e;
}
