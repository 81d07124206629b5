#include "wire/close.h"

#include <string.h>

#include "base/cur.h"
#include "base/text.h"

static bool is_inside_character(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

static struct slice fit(const char *reason)
{
	struct slice s = slice_str(reason != NULL ? reason : "");

	if (s.n > PROTO_CLOSE_REASON_BYTES) {
		s.n = PROTO_CLOSE_REASON_BYTES;
		while (s.n > 0 && is_inside_character(s.p[s.n]))
			s.n--;
	}
	return text_is_utf8(s) ? s : slice_of(NULL, 0);
}

size_t close_write(uint16_t code, const char *reason, uint8_t out[static CLOSE_MAX_BYTES])
{
	struct slice s = fit(reason);

	out[0] = (uint8_t)(code >> 8);
	out[1] = (uint8_t)code;
	if (s.n > 0)
		memcpy(out + 2, s.p, s.n);
	return 2 + s.n;
}

enum err close_read(struct slice payload, uint16_t *code, struct slice *reason)
{
	struct cur c = cur_of(payload);

	*code = cur_u16(&c);
	*reason = cur_take(&c, c.left);
	return !c.failed && text_is_utf8(*reason) ? ERR_OK : ERR_PROTO;
}
