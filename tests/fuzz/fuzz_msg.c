/*
 * msg on any record. The first byte chooses its kind. What is taken is of the profile
 * and means the same after encoding it again; what is not of the profile is never
 * merely refused.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/msg_rows.h"
#include "wire/msg.h"
#include "wire/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MUST(x) ((x) ? (void)0 : abort())

static bool field_eq(struct msg *a, struct msg *b, const struct msg_field *f)
{
	const struct msg_ids *x = field_at(a, f), *y = field_at(b, f);

	if (f->type == MSG_UINT)
		return memcmp(x, y, sizeof(uint64_t)) == 0;
	if (f->type == MSG_BOOL)
		return memcmp(x, y, sizeof(bool)) == 0;
	if (f->type == MSG_IDS)
		return slice_eq(slice_of(x->p, x->n * (size_t)MSG_IDS_STEP),
				slice_of(y->p, y->n * (size_t)MSG_IDS_STEP));
	return slice_eq(*(const struct slice *)field_at(a, f),
			*(const struct slice *)field_at(b, f));
}

static void check_again(const struct msg_row *row, struct msg *m, size_t used)
{
	struct buf b;
	struct msg again;
	size_t n;
	enum proto_code code;

	buf_init(&b, used);
	MUST(msg_encode(m, &b) == ERR_OK);
	MUST(msg_decode(row->kind, buf_slice(&b), &again, &n, &code) == ERR_OK);
	MUST(n == b.len && again.type == m->type &&
	     msg_get_has(&again) == msg_get_has(m));
	for (size_t i = 0; i < row->n_fields; i++) {
		if (msg_get_has(m) & MSG_HAS(row->fields[i].key))
			MUST(field_eq(m, &again, &row->fields[i]));
	}
	buf_wipe(&b);
}

/* One object at the front; how long it was, 0 for the end. */
static size_t check_object(uint8_t kind, struct slice s)
{
	struct msg m;
	size_t used, packed;
	enum proto_code code;
	enum err e = msg_decode(kind, s, &m, &used, &code);

	if (pack_check(s, PROTO_DEPTH_MAX, &packed) != ERR_OK)
		MUST(e == ERR_PROTO);
	MUST(e == ERR_OK || e == ERR_PROTO || e == ERR_UNKNOWN || e == ERR_REFUSED);
	MUST((e == ERR_PROTO) == (used == 0));
	if (e != ERR_PROTO)
		MUST(used == packed && (kind == KIND_MSG || used == s.n));
	if (e == ERR_REFUSED)
		MUST(kind == KIND_MSG &&
		     (code == CODE_PROTOCOL || code == CODE_UNSUPPORTED));
	if (e == ERR_UNKNOWN)
		MUST(code == CODE_UNSUPPORTED);
	if (e == ERR_OK)
		check_again(msg_row_find(m.type), &m, used);
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t at = 1, used;

	if (len == 0)
		return 0;
	do {
		used = check_object(bytes[0], slice_of(bytes + at, len - at));
		at += used;
	} while (used > 0 && at < len);
	return 0;
}
