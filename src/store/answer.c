#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "store/backend.h"

enum {
	ROWS_MIN = 4,
	/* Four answers may lie between the threads: what a reader of a long history
	 * costs, however long it is. */
	ANSWER_BYTES = 4 << 20
};

static size_t smaller(size_t limit, size_t max)
{
	return limit > 0 && limit < max ? limit : max;
}

void answer_init(struct store_answer *a, const struct store_request *req)
{
	*a = (struct store_answer){
		.max = smaller(req->max, STORE_ROWS_MAX),
		.max_bytes = smaller(req->max_bytes, ANSWER_BYTES),
	};
	buf_init(&a->bytes, ANSWER_BYTES + STORE_BODY_BYTES + STORE_RECORD_KEY_BYTES);
}

void answer_wipe(struct store_answer *a)
{
	mem_free(a->messages);
	mem_free(a->items);
	mem_free(a->counts);
	mem_free(a->records);
	buf_wipe(&a->bytes);
}

enum err answer_why(struct store_answer *a, enum err e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, args);
	va_end(args);
	return e;
}

/* Room for one more row in *rows of n: they grow at powers of two. */
static void *grow(void *rows, size_t n, size_t size)
{
	if (n < ROWS_MIN)
		return n == 0 ? mem_array(ROWS_MIN, size) : rows;
	return (n & (n - 1)) == 0 ? mem_resize(rows, 2 * n, size) : rows;
}

static enum err check_room(struct store_answer *a, size_t n, size_t n_bytes)
{
	if (n == 0 ||
	    (n < a->max && n_bytes <= a->max_bytes - smaller(a->bytes.len, a->max_bytes)))
		return ERR_OK;
	a->reply.is_more = true;
	return ERR_FULL;
}

/* In bytes, by offset. */
static struct slice add_bytes(struct store_answer *a, struct slice s)
{
	const size_t at = a->bytes.len;

	if (s.n == 0 || buf_add(&a->bytes, s) != ERR_OK)
		return (struct slice){0};
	return (struct slice){.p = (const uint8_t *)(uintptr_t)at, .n = s.n};
}

enum err answer_message(struct store_answer *a, const struct store_message *m)
{
	struct store_reply *r = &a->reply;

	if (check_room(a, r->n_messages, m->body.n) != ERR_OK)
		return ERR_FULL;
	a->messages = grow(a->messages, r->n_messages, sizeof(*m));
	struct store_message *copy = &a->messages[r->n_messages++];
	*copy = *m;
	copy->body = add_bytes(a, m->body);
	return ERR_OK;
}

enum err answer_item(struct store_answer *a, const struct store_item *i)
{
	struct store_reply *r = &a->reply;

	if (check_room(a, r->n_items, i->object.n) != ERR_OK)
		return ERR_FULL;
	a->items = grow(a->items, r->n_items, sizeof(*i));
	struct store_item *copy = &a->items[r->n_items++];
	*copy = *i;
	copy->object = add_bytes(a, i->object);
	return ERR_OK;
}

enum err answer_count(struct store_answer *a, const struct store_count *c)
{
	struct store_reply *r = &a->reply;

	if (check_room(a, r->n_counts, 0) != ERR_OK)
		return ERR_FULL;
	a->counts = grow(a->counts, r->n_counts, sizeof(*c));
	a->counts[r->n_counts++] = *c;
	return ERR_OK;
}

enum err answer_record(struct store_answer *a, const struct store_record *rec)
{
	struct store_reply *r = &a->reply;

	if (check_room(a, r->n_records, rec->key.n + rec->value.n) != ERR_OK)
		return ERR_FULL;
	a->records = grow(a->records, r->n_records, sizeof(*rec));
	struct store_record *copy = &a->records[r->n_records++];
	copy->kind = rec->kind;
	copy->key = add_bytes(a, rec->key);
	copy->value = add_bytes(a, rec->value);
	return ERR_OK;
}

static void settle(const struct store_answer *a, struct slice *s)
{
	if (s->n > 0)
		s->p = a->bytes.p + a->bytes.head + (uintptr_t)s->p;
}

void answer_finish(struct store_answer *a)
{
	struct store_reply *r = &a->reply;

	for (size_t i = 0; i < r->n_messages; i++)
		settle(a, &a->messages[i].body);
	for (size_t i = 0; i < r->n_items; i++)
		settle(a, &a->items[i].object);
	for (size_t i = 0; i < r->n_records; i++) {
		settle(a, &a->records[i].key);
		settle(a, &a->records[i].value);
	}
	r->messages = a->messages;
	r->items = a->items;
	r->counts = a->counts;
	r->records = a->records;
	r->why = a->why;
}
