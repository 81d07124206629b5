#include "base/buf.h"

#include <sodium.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum { CAP_MIN = 64 };

/* What was held may have been a key or the text of a message. */
static void release(struct buf *b)
{
	if (b->p != NULL)
		sodium_memzero(b->p, b->cap);
	mem_free(b->p);
	b->p = NULL;
	b->cap = 0;
}

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_wipe(struct buf *b)
{
	release(b);
	*b = (struct buf){0};
}

struct slice buf_slice(const struct buf *b)
{
	return b->len > 0 ? slice_of(b->p + b->head, b->len) : slice_of(NULL, 0);
}

/* Twice the need, so that copying stays amortised both when bytes are added and when
 * as many are dropped at the front. */
static size_t cap_for(size_t need)
{
	size_t cap = need < SIZE_MAX / 2 ? 2 * need : need;

	return cap > CAP_MIN ? cap : CAP_MIN;
}

static void move_to(struct buf *b, uint8_t *p)
{
	if (b->p != NULL)
		memmove(p, b->p + b->head, b->len);
	b->head = 0;
}

/* Room for n more bytes behind those held; n <= max - len. */
static void make_room(struct buf *b, size_t n)
{
	size_t cap, len = b->len;
	uint8_t *p;

	if (b->p != NULL && n <= b->cap - b->head - len)
		return;
	/* Moving no more than what has been dropped since the last time costs
	 * nothing, taken together. */
	if (b->p != NULL && b->head >= len && n <= b->cap - len) {
		move_to(b, b->p);
		return;
	}
	cap = cap_for(len + n);
	p = mem_resize(NULL, cap, 1);
	move_to(b, p);
	release(b);
	b->p = p;
	b->cap = cap;
}

enum err buf_reserve(struct buf *b, size_t n, uint8_t **out)
{
	*out = NULL;
	if (n > b->max - b->len)
		return ERR_FULL;
	make_room(b, n);
	*out = b->p + b->head + b->len;
	return ERR_OK;
}

void buf_commit(struct buf *b, size_t n)
{
	if (n > b->cap - b->head - b->len || n > b->max - b->len) {
		BUG("more committed than reserved");
		return;
	}
	b->len += n;
}

enum err buf_add(struct buf *b, struct slice s)
{
	uint8_t *p;
	enum err e = buf_reserve(b, s.n, &p);

	if (e != ERR_OK || s.n == 0)
		return e;
	memcpy(p, s.p, s.n);
	b->len += s.n;
	return ERR_OK;
}

/* The low n bytes of v. */
static enum err add_uint(struct buf *b, uint64_t v, size_t n)
{
	uint8_t *p;
	enum err e = buf_reserve(b, n, &p);

	if (e != ERR_OK)
		return e;
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
	b->len += n;
	return ERR_OK;
}

enum err buf_u8(struct buf *b, uint8_t v)
{
	return add_uint(b, v, 1);
}

enum err buf_u16(struct buf *b, uint16_t v)
{
	return add_uint(b, v, 2);
}

enum err buf_u32(struct buf *b, uint32_t v)
{
	return add_uint(b, v, 4);
}

enum err buf_u64(struct buf *b, uint64_t v)
{
	return add_uint(b, v, 8);
}

enum err buf_zeros(struct buf *b, size_t n)
{
	uint8_t *p;
	enum err e = buf_reserve(b, n, &p);

	if (e != ERR_OK)
		return e;
	memset(p, 0, n);
	b->len += n;
	return ERR_OK;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > b->len) {
		BUG("more dropped than held");
		n = b->len;
	}
	b->len -= n;
	b->head = b->len > 0 ? b->head + n : 0;
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len)
		b->len = len;
	if (b->len == 0)
		b->head = 0;
}

void buf_clear(struct buf *b, size_t keep)
{
	b->len = b->head = 0;
	if (b->cap > keep)
		release(b);
}
