#include "wire/preamble.h"

#include <string.h>

static const char preamble_magic[] = "P2PM";
static const char refusal_magic[] = "P2PE";

enum { MAGIC_BYTES = 4, AT_MAJOR = 4, AT_PATTERN, AT_ROLE };

static void write_preamble(uint8_t out[static PROTO_PREAMBLE_BYTES], uint8_t pattern,
			   uint8_t role)
{
	memset(out, 0, PROTO_PREAMBLE_BYTES);
	memcpy(out, preamble_magic, MAGIC_BYTES);
	out[AT_MAJOR] = PROTO_MAJOR;
	out[AT_PATTERN] = pattern;
	out[AT_ROLE] = role;
}

void preamble_write(uint8_t out[static PROTO_PREAMBLE_BYTES])
{
	write_preamble(out, PROTO_PATTERN_XX, PROTO_ROLE_SESSION);
}

void preamble_write_bulk(uint8_t out[static PROTO_PREAMBLE_BYTES])
{
	write_preamble(out, PROTO_PATTERN_NNPSK0, PROTO_ROLE_BULK);
}

/* A stranger who speaks something else is not waited for. */
static enum err begins_with(struct slice bytes, const char *magic, size_t whole)
{
	size_t n = bytes.n < MAGIC_BYTES ? bytes.n : MAGIC_BYTES;

	if (n > 0 && memcmp(bytes.p, magic, n) != 0)
		return ERR_PROTO;
	return bytes.n < whole ? ERR_WAIT : ERR_OK;
}

enum err preamble_check(struct slice bytes)
{
	uint8_t ours[PROTO_PREAMBLE_BYTES];
	enum err e = begins_with(bytes, preamble_magic, sizeof(ours));

	if (e != ERR_OK)
		return e;
	preamble_write(ours);
	/* Said, so that a later version knows why; broken flags get no answer. */
	if (memcmp(bytes.p + AT_MAJOR, ours + AT_MAJOR, AT_ROLE + 1 - AT_MAJOR) != 0)
		return ERR_VERSION;
	return memcmp(bytes.p, ours, sizeof(ours)) == 0 ? ERR_OK : ERR_PROTO;
}

enum err preamble_check_bulk(struct slice bytes)
{
	uint8_t ours[PROTO_PREAMBLE_BYTES];
	size_t n = bytes.n < sizeof(ours) ? bytes.n : sizeof(ours);

	preamble_write_bulk(ours);
	for (size_t i = 0; i < n; i++) {
		if (bytes.p[i] != ours[i])
			return i <= AT_ROLE ? ERR_UNKNOWN : ERR_PROTO;
	}
	return n < sizeof(ours) ? ERR_WAIT : ERR_OK;
}

void refusal_write(uint8_t out[static PROTO_REFUSAL_BYTES])
{
	memset(out, 0, PROTO_REFUSAL_BYTES);
	memcpy(out, refusal_magic, MAGIC_BYTES);
	out[4] = PROTO_MAJOR;
	out[5] = PROTO_MAJOR;
	out[6] = CODE_UNSUPPORTED;
}

enum err refusal_read(struct slice bytes, struct refusal *out)
{
	static const uint8_t zeros[PROTO_REFUSAL_BYTES - 7];
	enum err e = begins_with(bytes, refusal_magic, PROTO_REFUSAL_BYTES);

	if (e != ERR_OK)
		return e;
	if (bytes.p[4] > bytes.p[5] || memcmp(bytes.p + 7, zeros, sizeof(zeros)) != 0)
		return ERR_PROTO;
	*out = (struct refusal){bytes.p[4], bytes.p[5], bytes.p[6]};
	return ERR_OK;
}
