#include "wire/greeting.h"

#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "crypto/identity.h"
#include "wire/fields.h"

#define AT(field) #field, offsetof(struct greeting, field)
static const struct msg_field rows[] = {
	{0, MSG_BIN, MSG_REQ, CERT_BYTES, CERT_BYTES, AT(cert)},
	{1, MSG_UINT, MSG_REQ, 0, UINT64_MAX, AT(minor)},
	{2, MSG_UINT, MSG_REQ, 0, UINT64_MAX, AT(caps)},
	{3, MSG_UINT, MSG_REQ, 0, UINT64_MAX, AT(list_version)},
	{4, MSG_BIN, MSG_REQ, sizeof(struct id16), sizeof(struct id16), AT(boot)},
};
#undef AT

static const struct fields table = {rows, sizeof(rows) / sizeof(*rows)};

enum { LEN_BYTES = 2 };

void greeting_write(const struct greeting *g, uint8_t out[static PROTO_HS_PAYLOAD_BYTES])
{
	struct buf b;
	struct slice map;

	buf_init(&b, PROTO_HS_PAYLOAD_BYTES - LEN_BYTES);
	if (fields_put(&b, &table, g) != ERR_OK)
		BUG("a greeting of our own does not fit");
	map = buf_slice(&b);
	memset(out, 0, PROTO_HS_PAYLOAD_BYTES);
	out[0] = (uint8_t)(map.n >> 8);
	out[1] = (uint8_t)map.n;
	memcpy(out + LEN_BYTES, map.p, map.n);
	buf_wipe(&b);
}

enum err greeting_read(struct slice bytes, struct greeting *out)
{
	static const uint8_t zeros[PROTO_HS_PAYLOAD_BYTES];
	struct cur all = cur_of(bytes), map;
	enum proto_code code;

	map = cur_of(cur_take(&all, cur_u16(&all)));
	memset(out, 0, sizeof(*out));
	if (bytes.n != PROTO_HS_PAYLOAD_BYTES || all.failed)
		return ERR_PROTO;
	if (fields_get(&map, &table, out, &code) != ERR_OK || !cur_done(&map))
		return ERR_PROTO;
	return memcmp(all.p, zeros, all.left) == 0 ? ERR_OK : ERR_PROTO;
}
