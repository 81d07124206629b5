/*
 * fields: a MessagePack map with unsigned keys, to and from a struct, as a table of
 * msg_field says. The struct begins with `uint64_t has` (see wire/msg.h).
 */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include "base/buf.h"
#include "base/cur.h"
#include "base/err.h"
#include "wire/msg.h"

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
