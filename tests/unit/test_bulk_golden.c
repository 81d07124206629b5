/*
 * Bulk connections against bytes that other implementations have made: the handshake, a
 * transfer in both directions, and the body of each record at its edges; cut, and with
 * what the profile does not allow. tests/golden/bulk.py writes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/vectors.h"
#include "wire/bulk.h"
#include "wire/bulk_body.h"

static struct pool pool;

/* ------------------------------------------------------------------ the file */

enum { WORDS_MAX = 9 };

struct line {
	char *words[WORDS_MAX];
	size_t n;
};

static struct line *lines;
static size_t n_lines;

static void split(char *text, struct line *out)
{
	char *save;

	for (char *w = strtok_r(text, " \n", &save); w != NULL;
	     w = strtok_r(NULL, " \n", &save)) {
		assert_true(out->n < WORDS_MAX);
		out->words[out->n++] = mem_strdup(w);
	}
}

static int setup(void **state)
{
	FILE *f = fopen("tests/golden/bulk.txt", "r");
	char *text = NULL;
	size_t n = 0;

	(void)state;
	if (f == NULL)
		return -1;
	while (getline(&text, &n, f) > 0) {
		lines = mem_resize(lines, n_lines + 1, sizeof(*lines));
		memset(&lines[n_lines], 0, sizeof(*lines));
		split(text, &lines[n_lines++]);
	}
	free(text);
	fclose(f);
	return n_lines > 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_lines; i++) {
		for (size_t k = 0; k < lines[i].n; k++)
			mem_free(lines[i].words[k]);
	}
	mem_free(lines);
	pool_wipe(&pool);
	return 0;
}

static struct slice named(const char *name)
{
	for (size_t i = 0; i < n_lines; i++) {
		if (lines[i].n == 2 && strcmp(lines[i].words[0], name) == 0)
			return pool_hex(&pool, lines[i].words[1]);
	}
	fail_msg("no %s", name);
	return slice_of(NULL, 0);
}

/* ------------------------------------------------------------------- records */

/* Where the field of each key is, and what it is. */
struct place {
	enum msg_field_type type;
	size_t offset;
};

#define AT(t, field) offsetof(struct bulk_##t, field)
static const struct {
	const char *name;
	enum bulk_type type;
	struct place places[5];
} types[] = {
	{"ENTRY",
	 BULK_ENTRY,
	 {{MSG_STR, AT(entry, path)},
	  {MSG_UINT, AT(entry, kind)},
	  {MSG_UINT, AT(entry, size)},
	  {MSG_INT, AT(entry, mtime_ns)},
	  {MSG_UINT, AT(entry, mode)}}},
	{"BYTES", BULK_BYTES, {{MSG_BIN, 0}}},
	{"END",
	 BULK_END,
	 {{MSG_UINT, AT(end, entries)},
	  {MSG_UINT, AT(end, bytes)},
	  {MSG_BIN, AT(end, digest)}}},
	{"DURABLE",
	 BULK_DURABLE,
	 {{MSG_UINT, AT(durable, entries)}, {MSG_UINT, AT(durable, bytes)}}},
	{"STOP", BULK_STOP, {{MSG_UINT, AT(stop, code)}, {MSG_STR, AT(stop, text)}}},
	{"HOLE", BULK_HOLE, {{MSG_UINT, 0}}},
};
#undef AT

static size_t type_index(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(types[i].name, name) == 0)
			return i;
	}
	fail_msg("no type %s", name);
	return 0;
}

static void put_value(const struct place *p, const char *value, struct bulk_record *r)
{
	void *to = (char *)&r->u + p->offset;

	if (p->type == MSG_UINT)
		*(uint64_t *)to = strtoull(value, NULL, 10);
	else if (p->type == MSG_INT)
		*(int64_t *)to = strtoll(value, NULL, 10);
	else
		*(struct slice *)to = pool_hex(&pool, value);
}

/* words: key=value, from the first on. */
static struct bulk_record record_of(const char *type, char **words, size_t n)
{
	size_t at = type_index(type);
	struct bulk_record r = {.type = types[at].type};
	uint64_t has = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned key = (unsigned)(words[i][0] - '0');
		assert_in_range(key, 0, 4);
		assert_int_equal(words[i][1], '=');
		put_value(&types[at].places[key], words[i] + 2, &r);
		has |= MSG_HAS(key);
	}
	/* In all that are maps. */
	if (r.type != BULK_BYTES && r.type != BULK_HOLE)
		r.u.entry.has = has;
	return r;
}

static void assert_same(const struct bulk_record *a, const struct bulk_record *b)
{
	bool is_map = a->type != BULK_BYTES && a->type != BULK_HOLE;
	size_t at = 0;

	assert_int_equal(a->type, b->type);
	while (types[at].type != a->type)
		at++;
	if (is_map)
		assert_int_equal(a->u.entry.has, b->u.entry.has);
	for (size_t i = 0; i < (is_map ? 5 : 1); i++) {
		const struct place *p = &types[at].places[i];
		const char *x = (const char *)&a->u + p->offset;
		const char *y = (const char *)&b->u + p->offset;
		if (p->type == MSG_UINT || p->type == MSG_INT)
			assert_memory_equal(x, y, sizeof(uint64_t));
		else
			assert_true(slice_eq(*(const struct slice *)(const void *)x,
					     *(const struct slice *)(const void *)y));
	}
}

typedef void line_fn(const struct line *l, const struct bulk_record *r, struct slice hex);

/* Each line that begins with that word; fields from the word at on. */
static void each(const char *first, size_t at, line_fn *fn)
{
	unsigned n = 0;

	for (size_t i = 0; i < n_lines; i++) {
		const struct line *l = &lines[i];
		if (strcmp(l->words[0], first) != 0)
			continue;
		struct bulk_record r =
			record_of(l->words[at - 2], lines[i].words + at, l->n - at);
		fn(l, &r, pool_hex(&pool, l->words[at - 1]));
		n++;
	}
	assert_true(n > 10);
}

/* -------------------------------------------------------------------- bodies */

static void check_body(const struct line *l, const struct bulk_record *r,
		       struct slice hex)
{
	struct bulk_record got;
	struct buf b;

	(void)l;
	assert_int_equal(bulk_body_get((uint8_t)r->type, hex, &got), ERR_OK);
	assert_same(&got, r);
	buf_init(&b, hex.n);
	assert_int_equal(bulk_body_put(&b, r), ERR_OK);
	assert_true(slice_eq(buf_slice(&b), hex));
	buf_wipe(&b);
}

static void bodies_are_read_and_written_to_the_byte(void **state)
{
	(void)state;
	each("body", 3, check_body);
}

static void check_cut(const struct line *l, const struct bulk_record *r, struct slice hex)
{
	uint8_t *longer = pool_bytes(&pool, hex.n + 1);
	struct bulk_record got;

	(void)l;
	for (size_t n = 0; n < hex.n; n++)
		assert_int_equal(
			bulk_body_get((uint8_t)r->type, slice_of(hex.p, n), &got),
			ERR_PROTO);
	memcpy(longer, hex.p, hex.n);
	assert_int_equal(
		bulk_body_get((uint8_t)r->type, slice_of(longer, hex.n + 1), &got),
		ERR_PROTO);
}

static void A4_bodies_that_are_cut_or_longer_are_none(void **state)
{
	(void)state;
	each("body", 3, check_cut);
}

/* What is no body: one deviation each. */
static void bodies_that_do_not_conform_are_refused(void **state)
{
	static const struct {
		uint8_t type;
		const char *hex;
	} bad[] = {
		{0, ""},
		{7, "81000a"},
		{255, ""},
		{BULK_ENTRY, ""},
		{BULK_ENTRY, "80"},
		/* a field each is missing */
		{BULK_ENTRY, "84010002010300"
			     "0400"},
		{BULK_ENTRY, "8400a174020103000400"},
		{BULK_ENTRY, "8400a174010002010400"},
		{BULK_ENTRY, "8400a174010002010300"},
		/* of another type */
		{BULK_ENTRY, "8500c401740100020103000400"},
		{BULK_ENTRY, "8500a17401c2020103000400"},
		{BULK_ENTRY, "8500a174010002ff03000400"},
		{BULK_ENTRY, "8500a17401000201"
			     "03c2"
			     "0400"},
		{BULK_ENTRY, "8500a17401000201"
			     "03a0"
			     "0400"},
		{BULK_ENTRY, "8500a1740100020103000"
			     "4ff"},
		/* a time beyond 63 bits, and one that is not shortest */
		{BULK_ENTRY, "8500a17401000201"
			     "03cf8000000000000000"
			     "0400"},
		{BULK_ENTRY, "8500a17401000201"
			     "03d0ff"
			     "0400"},
		{BULK_ENTRY, "8500a17401000201"
			     "03d3ffffffffffffffff"
			     "0400"},
		{BULK_ENTRY, "8500a17401000201"
			     "03d300000000000000"
			     "01"
			     "0400"},
		/* out of range: kind, size, mode */
		{BULK_ENTRY, "8500a1740102020103000400"},
		{BULK_ENTRY, "8500a174010002cf002000000000000003000400"},
		{BULK_ENTRY, "8500a1740100020103000402"},
		/* a directory with a size */
		{BULK_ENTRY, "8500a1740101020003000400"},
		/* NUL, not UTF-8; 4097 bytes */
		{BULK_ENTRY, "8500a1000100020103000400"},
		{BULK_ENTRY, "8500a1ff0100020103000400"},
		/* keys descend, stand twice, are critical, are no numbers */
		{BULK_ENTRY, "8501000"
			     "0a174"
			     "020103000400"},
		{BULK_DURABLE, "83000000000100"},
		{BULK_DURABLE, "82010000"
			       "00"},
		{BULK_DURABLE, "83000001002000"},
		{BULK_DURABLE, "83000001002f00"},
		{BULK_DURABLE, "82a13000"
			       "0100"},
		/* no map; a map that is longer than itself */
		{BULK_DURABLE, "920000"},
		{BULK_DURABLE, "c0"},
		{BULK_DURABLE, "df0fffffff"},
		{BULK_DURABLE, "de000200000100"},
		{BULK_DURABLE, "8200000"
			       "1cf0020000000000000"},
		{BULK_DURABLE, "82"
			       "00cc05"
			       "0100"},
		{BULK_END, "82000001"
			   "c0"},
		{BULK_END,
		 "8300000100"
		 "02c41f"
		 "00000000000000000000000000000000000000000000000000000000000000"},
		{BULK_END,
		 "8300000100"
		 "02c421"
		 "000000000000000000000000000000000000000000000000000000000000000000"},
		{BULK_STOP, "810000"},
		{BULK_STOP, "8100ce00010000"},
		{BULK_STOP, "8101a0"},
		{BULK_STOP, "82000a01a1ff"},
		{BULK_HOLE, "0000000000000000"},
		{BULK_HOLE, "0020000000000000"},
		{BULK_HOLE, "ffffffffffffffff"},
		{BULK_HOLE, "01"},
	};
	struct bulk_record got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct slice body = pool_hex(&pool, bad[i].hex);
		if (bulk_body_get(bad[i].type, body, &got) != ERR_PROTO)
			fail_msg("%u %s", bad[i].type, bad[i].hex);
	}
}

/* A later version may say more. */
static void unknown_keys_are_ignored(void **state)
{
	static const struct {
		uint8_t type;
		const char *hex;
	} good[] = {
		{BULK_DURABLE, "830000010002c2"},
		{BULK_DURABLE, "8300000100"
			       "1fff"},
		{BULK_DURABLE, "8300000100"
			       "30a178"},
		{BULK_DURABLE, "8300000100"
			       "0491"
			       "90"},
		{BULK_STOP, "82000a0500"},
		{BULK_ENTRY, "8600a174010002010300040005ff"},
	};
	struct bulk_record got;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(
			bulk_body_get(good[i].type, pool_hex(&pool, good[i].hex), &got),
			ERR_OK);
}

/* ----------------------------------------------------------------- handshake */

/* An rng that gives one ephemeral key. */
static void fill_e(void *ctx, void *out, size_t n)
{
	const struct slice *e = ctx;

	assert_int_equal(n, e->n);
	memcpy(out, e->p, n);
}

static struct bulk_secret secret_of_file(void)
{
	struct bulk_secret s;

	memcpy(s.token.b, named("token").p, sizeof(s.token.b));
	memcpy(s.h, named("hash").p, sizeof(s.h));
	return s;
}

/* Both ends with the bytes of the file; [0] the dialler's keys. */
static void shake(struct bulk_keys keys[static 2])
{
	struct bulk_secret s = secret_of_file();
	struct slice e[2] = {named("e_dialler"), named("e_listener")};
	struct rng rng[2] = {{fill_e, &e[0]}, {fill_e, &e[1]}};
	uint8_t opening[BULK_OPENING_BYTES], answer[BULK_ANSWER_BYTES];

	struct bulk_dial *d = bulk_dial_new(&s, &rng[0], opening);
	assert_true(slice_eq(slice_of(opening, sizeof(opening)), named("opening")));
	assert_int_equal(bulk_answer(&s, &rng[1], named("opening"), answer, &keys[1]),
			 ERR_OK);
	assert_true(slice_eq(slice_of(answer, sizeof(answer)), named("answer")));
	assert_int_equal(bulk_dial_finish(d, named("answer"), &keys[0]), ERR_OK);
	bulk_dial_free(d);
}

static void A1_the_handshake_is_that_of_another_implementation(void **state)
{
	struct bulk_secret s = secret_of_file();
	struct id16 id = bulk_id_of(&s.token);
	struct bulk_keys keys[2];

	(void)state;
	assert_true(slice_eq(slice_of(id.b, sizeof(id.b)), named("bulk_id")));
	shake(keys);
	bulk_keys_wipe(&keys[0]);
	bulk_keys_wipe(&keys[1]);
}

/* ------------------------------------------------------------------ transfer */

static struct bulk *ends[2]; /* sender of the files, receiver */

static void check_record(const struct line *l, const struct bulk_record *r,
			 struct slice hex)
{
	bool from_sender = strcmp(l->words[1], "sender") == 0;
	uint8_t *in = pool_bytes(&pool, hex.n), *out = pool_bytes(&pool, hex.n);
	struct bulk_record got;
	size_t n;

	assert_int_equal(bulk_send(ends[!from_sender], r, out, hex.n, &n), ERR_OK);
	assert_true(slice_eq(slice_of(out, n), hex));
	memcpy(in, hex.p, hex.n);
	assert_int_equal(bulk_next(ends[from_sender], in, hex.n, &got, &n), ERR_OK);
	assert_int_equal(n, hex.n);
	assert_same(&got, r);
}

static void A1_a_transfer_is_that_of_another_implementation(void **state)
{
	struct bulk_start start = {.is_sender = true, .is_folder = true};
	struct bulk_keys keys[2];

	(void)state;
	shake(keys);
	ends[0] = bulk_new(&keys[0], &start);
	start.is_sender = false;
	ends[1] = bulk_new(&keys[1], &start);
	each("record", 4, check_record);
	assert_int_equal(bulk_eof(ends[0]), ERR_OK);
	assert_int_equal(bulk_eof(ends[1]), ERR_OK);
	bulk_free(ends[0]);
	bulk_free(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_read_and_written_to_the_byte),
		cmocka_unit_test(A4_bodies_that_are_cut_or_longer_are_none),
		cmocka_unit_test(bodies_that_do_not_conform_are_refused),
		cmocka_unit_test(unknown_keys_are_ignored),
		cmocka_unit_test(A1_the_handshake_is_that_of_another_implementation),
		cmocka_unit_test(A1_a_transfer_is_that_of_another_implementation),
	};

	secret_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
