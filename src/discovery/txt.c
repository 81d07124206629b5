#include "discovery/txt.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/cur.h"
#include "discovery/sighting.h"

enum { TXT_VERSION = 1, TXT_PROTO_MIN = 1, TXT_PROTO_MAX = 1, TXT_ID_CHARS = 52 };

/* One to three digits, at most 255; moves s behind them. */
static bool take_u8(struct slice *s, uint8_t *out)
{
	unsigned value = 0;
	size_t digits = 0;

	while (s->n > 0 && *s->p >= '0' && *s->p <= '9' && digits < 3) {
		value = value * 10 + (unsigned)(*s->p - '0');
		*s = slice_of(s->p + 1, s->n - 1);
		digits++;
	}
	*out = (uint8_t)value;
	return digits > 0 && value <= UINT8_MAX;
}

static bool parse_version(struct slice value, struct sighting *out)
{
	uint8_t version;

	(void)out;
	return take_u8(&value, &version) && value.n == 0 && version == TXT_VERSION;
}

static bool parse_id(struct slice value, struct sighting *out)
{
	out->has_id = base32_decode(value, out->id.b, sizeof(out->id.b)) == ERR_OK;
	return out->has_id;
}

static bool parse_role(struct slice value, struct sighting *out)
{
	return take_u8(&value, &out->role) && value.n == 0;
}

static bool parse_proto(struct slice value, struct sighting *out)
{
	if (!take_u8(&value, &out->proto_min) || value.n == 0 || *value.p != ',')
		return false;
	value = slice_of(value.p + 1, value.n - 1);
	return take_u8(&value, &out->proto_max) && value.n == 0 && out->proto_min > 0 &&
	       out->proto_min <= out->proto_max;
}

static const struct txt_key {
	const char *name;
	bool is_required;
	bool (*parse)(struct slice value, struct sighting *out);
} keys[] = {
	{"v", true, parse_version},
	{"id", true, parse_id},
	{"r", false, parse_role},
	{"p", false, parse_proto},
};
enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };

/* The index of the key, N_KEYS for one that we do not know. RFC 6763, section 6.4:
 * the case of a key does not count. */
static size_t find_key(struct slice name)
{
	size_t i = 0;

	while (i < N_KEYS &&
	       (strlen(keys[i].name) != name.n ||
		strncasecmp(keys[i].name, (const char *)name.p, name.n) != 0))
		i++;
	return i;
}

static bool parse_string(struct slice s, unsigned *seen, struct sighting *out)
{
	const uint8_t *eq = s.n > 0 ? memchr(s.p, '=', s.n) : NULL;
	size_t name_len = eq ? (size_t)(eq - s.p) : s.n;
	size_t i = find_key(slice_of(s.p, name_len));

	if (i == N_KEYS)
		return true;
	if (!eq || (*seen & 1U << i) != 0)
		return false;
	*seen |= 1U << i;
	return keys[i].parse(slice_of(eq + 1, s.n - name_len - 1), out);
}

static bool has_required(unsigned seen)
{
	for (size_t i = 0; i < N_KEYS; i++)
		if (keys[i].is_required && (seen & 1U << i) == 0)
			return false;
	return true;
}

enum err sighting_parse_txt(struct slice txt, struct sighting *out)
{
	struct cur c = cur_of(txt);
	struct sighting s = *out;
	unsigned seen = 0;

	if (txt.n > TXT_MAX_BYTES)
		return ERR_PROTO;
	s.has_id = false;
	s.role = 0;
	s.proto_min = TXT_PROTO_MIN;
	s.proto_max = TXT_PROTO_MAX;
	while (c.left > 0 && !c.failed) {
		struct slice string = cur_take(&c, cur_u8(&c));

		if (!parse_string(string, &seen, &s))
			return ERR_PROTO;
	}
	if (c.failed || !has_required(seen))
		return ERR_PROTO;
	*out = s;
	return ERR_OK;
}

/* One length-prefixed string at out; returns the bytes it took. */
__attribute__((format(printf, 2, 3))) static size_t add_string(uint8_t *out,
							       const char *fmt, ...)
{
	char text[64];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	out[0] = (uint8_t)n;
	memcpy(out + 1, text, (size_t)n);
	return 1 + (size_t)n;
}

size_t txt_build(const struct id32 *id, uint8_t role, uint8_t out[static TXT_MAX_BYTES])
{
	char id_text[TXT_ID_CHARS + 1];
	size_t n = 0;

	base32_encode(slice_of(id->b, sizeof(id->b)), id_text);
	n += add_string(out + n, "v=%d", TXT_VERSION);
	n += add_string(out + n, "id=%s", id_text);
	n += add_string(out + n, "r=%u", role);
	n += add_string(out + n, "p=%d,%d", TXT_PROTO_MIN, TXT_PROTO_MAX);
	return n;
}
