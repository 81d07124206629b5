#include "base/cur.h"

#include <string.h>

struct cur cur_of(struct slice s)
{
	return (struct cur){.p = s.p, .left = s.n};
}

/* Where n bytes start, and goes past them; NULL when they are not all there. */
static const uint8_t *advance(struct cur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->failed || n > c->left) {
		cur_fail(c);
		return NULL;
	}
	if (n > 0)
		c->p += n;
	c->left -= n;
	return p;
}

static uint64_t take_uint(struct cur *c, size_t n)
{
	const uint8_t *p = advance(c, n);
	uint64_t v = 0;

	for (size_t i = 0; p != NULL && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t cur_u8(struct cur *c)
{
	return (uint8_t)take_uint(c, 1);
}

uint16_t cur_u16(struct cur *c)
{
	return (uint16_t)take_uint(c, 2);
}

uint32_t cur_u32(struct cur *c)
{
	return (uint32_t)take_uint(c, 4);
}

uint64_t cur_u64(struct cur *c)
{
	return take_uint(c, 8);
}

struct slice cur_take(struct cur *c, size_t n)
{
	const uint8_t *p = advance(c, n);

	return slice_of(p, p != NULL ? n : 0);
}

void cur_copy(struct cur *c, void *out, size_t n)
{
	const uint8_t *p = advance(c, n);

	if (n == 0)
		return;
	if (p != NULL)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

void cur_expect(struct cur *c, struct slice s)
{
	if (!slice_eq(cur_take(c, s.n), s))
		cur_fail(c);
}

void cur_fail(struct cur *c)
{
	c->failed = true;
	c->left = 0;
}

bool cur_done(const struct cur *c)
{
	return !c->failed && c->left == 0;
}
