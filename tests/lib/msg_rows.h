/*
 * msg_rows: what tests do with any row of the message table.
 */
#ifndef TESTS_LIB_MSG_ROWS_H
#define TESTS_LIB_MSG_ROWS_H

#include "base/buf.h"
#include "wire/msg.h"

/* Fails the test when there is none. */
const struct msg_row *row_named(const char *name);
const struct msg_field *row_field(const struct msg_row *row, unsigned key);

/* Where the field of m is; its `has`. */
void *field_at(struct msg *m, const struct msg_field *f);
void msg_set_has(struct msg *m, uint64_t has);
uint64_t msg_get_has(const struct msg *m);

/* The id of every object that pack_with makes. */
extern const struct id16 an_id;

/* Adds an object of this row with every field at its smallest, but for one: odd is
 * left out (value NULL) or has this value or size. odd NULL: no exception. */
void pack_with(struct buf *b, const struct msg_row *row, const struct msg_field *odd,
	       const uint64_t *value);
/* The same, but odd has these bytes for a value. */
void pack_with_raw(struct buf *b, const struct msg_row *row, const struct msg_field *odd,
		   struct slice raw);

/* m with every field at its smallest, but for one with this value or size. */
void fill_with(struct msg *m, const struct msg_row *row, const struct msg_field *odd,
	       uint64_t value);

#endif
