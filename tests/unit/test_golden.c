/*
 * golden vectors of every message, made by an independent implementation: encoded,
 * decoded, cut. What a new row needs is a line in tests/golden/msg.py.
 */
#include "wire/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/msg_rows.h"
#include "lib/vectors.h"
#include "wire/pack.h"

/* One line of the file: what is encoded, and as what. */
struct golden {
	const struct msg_row *row;
	struct msg msg;
	struct slice bytes;
	char *words[12]; /* key=value */
	size_t n_words;
};

static struct msg_ids parse_ids(struct pool *pool, char *text)
{
	size_t n = (strlen(text) + 1) / 33;
	uint8_t *p = pool_bytes(pool, n * MSG_IDS_STEP);

	for (size_t i = 0; i < n; i++) {
		struct id16 id;
		assert_int_equal(hex_decode(slice_of(text + 33 * i, 32), id.b, 16),
				 ERR_OK);
		msg_ids_put(p + i * MSG_IDS_STEP, &id);
	}
	return (struct msg_ids){p, (uint16_t)n};
}

static void parse_field(struct pool *pool, struct golden *g, char *word)
{
	char *value;
	unsigned key = (unsigned)strtoul(word, &value, 10);
	const struct msg_field *f = row_field(g->row, key);
	void *to = field_at(&g->msg, f);

	assert_int_equal(*value++, '=');
	msg_set_has(&g->msg, msg_get_has(&g->msg) | MSG_HAS(key));
	if (f->type == MSG_UINT)
		*(uint64_t *)to = strtoull(value, NULL, 10);
	else if (f->type == MSG_BOOL)
		*(bool *)to = strcmp(value, "true") == 0;
	else if (f->type == MSG_IDS)
		*(struct msg_ids *)to = parse_ids(pool, value);
	else
		*(struct slice *)to = pool_hex(pool, value);
}

static void parse_golden(struct pool *pool, char *line, struct golden *g)
{
	char *save, *word = strtok_r(line, " \n", &save);

	memset(g, 0, sizeof(*g));
	g->row = row_named(word);
	g->msg.type = g->row->type;
	word = strtok_r(NULL, " \n", &save);
	assert_int_equal(strcmp(word, "-") == 0, g->row->kind == KIND_CTRL);
	if (g->row->kind == KIND_MSG)
		assert_int_equal(hex_decode(slice_str(word), g->msg.id.b, 16), ERR_OK);
	g->bytes = pool_hex(pool, strtok_r(NULL, " \n", &save));
	while ((word = strtok_r(NULL, " \n", &save)) != NULL)
		parse_field(pool, g, word);
}

static bool ids_eq(const struct msg_ids *a, const struct msg_ids *b)
{
	return slice_eq(slice_of(a->p, a->n * (size_t)MSG_IDS_STEP),
			slice_of(b->p, b->n * (size_t)MSG_IDS_STEP));
}

static void assert_field_eq(struct msg *a, struct msg *b, const struct msg_field *f)
{
	if (f->type == MSG_UINT)
		assert_int_equal(*(uint64_t *)field_at(a, f),
				 *(uint64_t *)field_at(b, f));
	else if (f->type == MSG_BOOL)
		assert_int_equal(*(bool *)field_at(a, f), *(bool *)field_at(b, f));
	else if (f->type == MSG_IDS)
		assert_true(ids_eq(field_at(a, f), field_at(b, f)));
	else
		assert_true(slice_eq(*(struct slice *)field_at(a, f),
				     *(struct slice *)field_at(b, f)));
}

static void assert_msg_eq(const struct msg_row *row, struct msg *a, struct msg *b)
{
	assert_int_equal(a->type, b->type);
	if (row->kind == KIND_MSG)
		assert_true(id16_eq(&a->id, &b->id));
	assert_int_equal(msg_get_has(a), msg_get_has(b));
	for (size_t i = 0; i < row->n_fields; i++)
		assert_field_eq(a, b, &row->fields[i]);
}

static void check_encode(struct golden *g)
{
	struct buf b;

	buf_init(&b, g->bytes.n);
	assert_int_equal(msg_encode(&g->msg, &b), ERR_OK);
	assert_true(slice_eq(buf_slice(&b), g->bytes));
	buf_wipe(&b);
	/* One byte less of room, and nothing is there. */
	buf_init(&b, g->bytes.n - 1);
	assert_int_equal(msg_encode(&g->msg, &b), ERR_FULL);
	assert_int_equal(b.len, 0);
	buf_wipe(&b);
}

static void check_decode(struct golden *g)
{
	struct msg m;
	size_t used;
	enum proto_code code;

	memset(&m, 0xff, sizeof(m));
	assert_int_equal(msg_decode(g->row->kind, g->bytes, &m, &used, &code), ERR_OK);
	assert_int_equal(used, g->bytes.n);
	assert_msg_eq(g->row, &m, &g->msg);
	assert_int_equal(pack_check(g->bytes, PROTO_DEPTH_MAX, &used), ERR_OK);
}

/* Cut at any byte it is nothing. */
static void check_cut(struct golden *g)
{
	struct msg m;
	size_t used, step = g->bytes.n > 1000 ? 97 : 1;
	enum proto_code code;

	for (size_t n = 0; n < g->bytes.n; n += step) {
		uint8_t *tight = mem_dup(g->bytes.p, n > 0 ? n : 1);
		assert_int_equal(
			msg_decode(g->row->kind, slice_of(tight, n), &m, &used, &code),
			ERR_PROTO);
		assert_int_equal(used, 0);
		mem_free(tight);
	}
}

static void each_golden(void (*fn)(struct golden *g))
{
	FILE *f = fopen("tests/golden/msg.txt", "r");
	struct pool pool = {0};
	char *line = NULL;
	size_t cap = 0;
	struct golden g;
	unsigned n = 0;

	if (f == NULL)
		fail_msg("tests/golden/msg.txt is missing; tests run in the root folder");
	while (getline(&line, &cap, f) > 0) {
		parse_golden(&pool, line, &g);
		fn(&g);
		n++;
	}
	assert_true(n > 0);
	free(line);
	fclose(f);
	pool_wipe(&pool);
}

static void golden_vectors_encode(void **state)
{
	(void)state;
	each_golden(check_encode);
}

static void golden_vectors_decode(void **state)
{
	(void)state;
	each_golden(check_decode);
}

static void a_cut_object_is_none(void **state)
{
	(void)state;
	each_golden(check_cut);
}

static uint64_t golden_has[256]; /* by message number */

static void note_fields(struct golden *g)
{
	assert_true(g->row->type < 256);
	golden_has[g->row->type] |= msg_get_has(&g->msg);
}

static void every_field_of_every_row_is_in_a_golden_vector(void **state)
{
	const struct msg_row *row;

	(void)state;
	memset(golden_has, 0, sizeof(golden_has));
	each_golden(note_fields);
	for (size_t i = 0; (row = msg_row_at(i)) != NULL; i++) {
		for (size_t k = 0; k < row->n_fields; k++) {
			if ((golden_has[row->type] & MSG_HAS(row->fields[k].key)) == 0)
				fail_msg("%s.%s is in no golden vector", row->name,
					 row->fields[k].name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_vectors_encode),
		cmocka_unit_test(golden_vectors_decode),
		cmocka_unit_test(a_cut_object_is_none),
		cmocka_unit_test(every_field_of_every_row_is_in_a_golden_vector),
	};

	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
