#include "base/bidi.h"

#include "base/mem.h"
#include "base/utf8.h"

enum {
	ARABIC_LETTER_MARK = 0x061c,
	LEFT_TO_RIGHT_MARK = 0x200e,
	RIGHT_TO_LEFT_MARK = 0x200f,
	LEFT_TO_RIGHT_EMBEDDING = 0x202a,
	RIGHT_TO_LEFT_EMBEDDING = 0x202b,
	POP_FORMATTING = 0x202c,
	RIGHT_TO_LEFT_OVERRIDE = 0x202e,
	LEFT_TO_RIGHT_ISOLATE = 0x2066,
	FIRST_STRONG_ISOLATE = 0x2068,
	POP_ISOLATE = 0x2069,
	DEPTH_MAX = 16, /* nobody writes so; the standard's own limit is 125 */
};

/* The controls of a line that are open. */
struct stack {
	struct {
		size_t pos;
		bool is_isolate;
	} open[DEPTH_MAX];
	size_t n;
};

void bidi_init(struct bidi *b, struct slice s)
{
	*b = (struct bidi){.s = s};
}

void bidi_wipe(struct bidi *b)
{
	mem_free(b->may_stay);
	*b = (struct bidi){0};
}

bool bidi_is_control(uint32_t cp)
{
	return (cp >= LEFT_TO_RIGHT_EMBEDDING && cp <= RIGHT_TO_LEFT_OVERRIDE) ||
	       (cp >= LEFT_TO_RIGHT_ISOLATE && cp <= POP_ISOLATE);
}

bool bidi_is_mark(uint32_t cp)
{
	return cp == ARABIC_LETTER_MARK || cp == LEFT_TO_RIGHT_MARK ||
	       cp == RIGHT_TO_LEFT_MARK;
}

static bool opens_isolate(uint32_t cp)
{
	return cp >= LEFT_TO_RIGHT_ISOLATE && cp <= FIRST_STRONG_ISOLATE;
}

static bool opens_embedding(uint32_t cp)
{
	return cp == LEFT_TO_RIGHT_EMBEDDING || cp == RIGHT_TO_LEFT_EMBEDDING;
}

int bidi_depth_change(uint32_t cp)
{
	return opens_isolate(cp) ? 1 : cp == POP_ISOLATE ? -1 : 0;
}

/* What opens too deep is escaped; its end then closes another, or nothing. */
static void push(struct stack *st, size_t pos, bool is_isolate)
{
	if (st->n == DEPTH_MAX)
		return;
	st->open[st->n].pos = pos;
	st->open[st->n++].is_isolate = is_isolate;
}

/* What closes an isolate also ends the embeddings in it; what closes an embedding
 * does not reach out of an isolate. */
static bool pop(struct stack *st, bool is_isolate, size_t *opened)
{
	size_t n = st->n;

	while (is_isolate && n > 0 && !st->open[n - 1].is_isolate)
		n--;
	if (n == 0 || st->open[n - 1].is_isolate != is_isolate)
		return false;
	st->n = n - 1;
	*opened = st->open[st->n].pos;
	return true;
}

static bool keep_pair(struct bidi *b, size_t opened, size_t closed)
{
	if (b->may_stay == NULL)
		b->may_stay = mem_new(b->s.n);
	b->may_stay[opened] = b->may_stay[closed] = true;
	return true;
}

/* True when it stays, together with its partner. */
static bool take_control(struct bidi *b, struct stack *st, uint32_t cp, size_t pos)
{
	size_t opened;

	if (opens_isolate(cp) || opens_embedding(cp)) {
		push(st, pos, opens_isolate(cp));
		return false;
	}
	if (cp != POP_ISOLATE && cp != POP_FORMATTING)
		return false;
	return pop(st, cp == POP_ISOLATE, &opened) && keep_pair(b, opened, pos);
}

bool bidi_scan(struct bidi *b, size_t from, size_t to)
{
	struct stack st = {.n = 0};
	bool has_letter = false, has_pair = false;
	uint32_t cp;
	size_t n;

	for (size_t pos = from; pos < to; pos += n) {
		n = utf8_next(b->s.p + pos, to - pos, &cp);
		if (n == 0)
			n = 1;
		else if (bidi_is_control(cp))
			has_pair |= take_control(b, &st, cp, pos);
		else if (cp >= 0x80)
			has_letter |= utf8_is_right_to_left(cp);
	}
	return has_letter || has_pair;
}

bool bidi_keeps(const struct bidi *b, size_t pos)
{
	return b->may_stay != NULL && b->may_stay[pos];
}
