/*
 * fields: a MessagePack map with unsigned keys, to and from a struct, as a table of
 * msg_field says. The struct begins with `uint64_t has`: bit k is set when the field
 * with key k is there. For msg and the greeting of a handshake.
 */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/err.h"
#include "base/ids.h"
#include "wire/proto.h"

/* A list of bin16 as it stands on the wire: n elements of MSG_IDS_STEP bytes,
 * each `c4 10` and the id. */
enum { MSG_IDS_STEP = 18 };
struct msg_ids {
	const uint8_t *p;
	uint16_t n;
};
static inline const uint8_t *msg_ids_get(const struct msg_ids *ids, size_t i)
{
	return ids->p + i * MSG_IDS_STEP + 2;
}
/* One element for a list that is to be sent. */
void msg_ids_put(uint8_t out[static MSG_IDS_STEP], const struct id16 *id);

#define MSG_HAS(key) (UINT64_C(1) << (key))

enum msg_need { MSG_OPT, MSG_REQ };
/* MSG_INT: an int64_t; min and max are of that type too, as two's complement. */
enum msg_field_type { MSG_UINT, MSG_BOOL, MSG_STR, MSG_BIN, MSG_IDS, MSG_INT };

struct msg_field {
	uint8_t key;
	enum msg_field_type type;
	enum msg_need need;
	uint64_t min, max;
	const char *name;
	size_t offset; /* within struct msg_<name> */
};

struct fields {
	const struct msg_field *v; /* keys ascending */
	size_t n;
};

/* The map that c stands at; the whole of it is taken even if fields are refused.
 * out is zeroed by the caller and borrows from c's bytes.
 *   ERR_PROTO    not the profile, or no map
 *   ERR_REFUSED  *code: CODE_UNSUPPORTED when there is an unknown critical key,
 *                else CODE_PROTOCOL: a field is missing, of another type or out of
 *                range
 */
enum err fields_get(struct cur *c, const struct fields *t, void *out,
		    enum proto_code *code);

/* ERR_RANGE when a field breaks its row, ERR_FULL; b may hold a part then. */
enum err fields_put(struct buf *b, const struct fields *t, const void *in);

#endif
