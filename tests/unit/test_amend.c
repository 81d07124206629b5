/* Bodies of kept messages: old and new ones, spoilt ones, and what is done to them. */
#include "core/amend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/kept.h"

static const struct id16 conv = {{1}}, msg_id = {{2}};
static const struct id32 ada = {{3}}, bob = {{4}};

/* A message, with the memory its body is in. */
struct sample {
	struct store_message m;
	struct buf body;
	uint8_t room[STORE_BODY_BYTES];
	uint8_t now[STORE_BODY_BYTES]; /* what room held, so that it may be used again */
};

static struct slice an_object(struct buf *b, uint64_t expire_s)
{
	struct msg m = {.type = MSG_TEXT, .id = msg_id};
	m.u.text.conv = slice_of(conv.b, sizeof conv.b);
	m.u.text.text = slice_str("said");
	m.u.text.expire_s = expire_s;
	m.u.text.has = expire_s > 0 ? MSG_HAS(27) : 0;
	buf_init(b, 4096);
	assert_int_equal(msg_encode(&m, b), ERR_OK);
	return buf_slice(b);
}

static struct sample *sample_new(uint64_t expire_s)
{
	struct sample *s = mem_new(sizeof *s);
	struct buf object;
	const struct kept_body body = {
		.object = an_object(&object, expire_s),
		.peer = slice_of(bob.b, sizeof bob.b),
		.nick = slice_str("ada"),
	};
	buf_init(&s->body, STORE_BODY_BYTES);
	assert_int_equal(kept_encode(&s->body, &body), ERR_OK);
	s->m = (struct store_message){.author = ada,
				      .id = msg_id,
				      .conv = conv,
				      .state = STORE_DELIVERED,
				      .body = buf_slice(&s->body)};
	buf_wipe(&object);
	return s;
}

static void sample_free(struct sample *s)
{
	buf_wipe(&s->body);
	mem_free(s);
}

static enum err apply(struct sample *s, const struct amend *a, const char *text)
{
	struct buf arg;
	struct slice packed = amend_pack(&arg, a, slice_str(text));
	uint8_t *tight = mem_dup(packed.p, packed.n);
	enum err e = amend_apply(slice_of(tight, packed.n), &s->m, s->room);
	if (e == ERR_OK && s->m.body.p == s->room) {
		memcpy(s->now, s->room, s->m.body.n);
		s->m.body.p = s->now;
	}
	mem_free(tight);
	buf_wipe(&arg);
	return e;
}

static struct amend by(const struct id32 *who, enum amend_kind kind, uint64_t lamport)
{
	return (struct amend){
		.kind = kind, .conv = conv, .by = *who, .lamport = lamport, .now_ms = 77};
}

static void expect_text(struct sample *s, const char *text)
{
	struct slice now;
	if (text == NULL) {
		assert_int_equal(kept_text(&s->m, &now), ERR_MISSING);
		return;
	}
	assert_int_equal(kept_text(&s->m, &now), ERR_OK);
	assert_true(slice_eq(now, slice_str(text)));
}

/* As written before edits and the rest were known. */
static void old_bodies_still_decode(void **state)
{
	(void)state;
	struct sample *s = sample_new(0);
	struct kept_body body;
	struct msg m;
	assert_int_equal(s->m.body.p[0], 0x83); /* object, peer and nick, no more */
	assert_int_equal(kept_decode(s->m.body, &body, &m), ERR_OK);
	assert_false(body.is_deleted);
	assert_int_equal(body.late_s, 0);
	expect_text(s, "said");
	sample_free(s);
}

static void the_newest_edit_counts(void **state)
{
	(void)state;
	struct sample *s = sample_new(0);
	struct amend a = by(&ada, AMEND_EDIT, 5), old = by(&ada, AMEND_EDIT, 4);
	assert_int_equal(apply(s, &a, "two"), ERR_OK);
	expect_text(s, "two");
	assert_int_equal(apply(s, &a, "two"), ERR_EXISTS);
	assert_int_equal(apply(s, &old, "one"), ERR_EXISTS);
	expect_text(s, "two");
	a.lamport = 6;
	assert_int_equal(apply(s, &a, "three"), ERR_OK);
	expect_text(s, "three");
	sample_free(s);
}

static void only_the_author_edits_and_deletes(void **state)
{
	(void)state;
	struct sample *s = sample_new(0);
	struct amend e = by(&bob, AMEND_EDIT, 5), d = by(&bob, AMEND_DELETE, 5);
	assert_int_equal(apply(s, &e, "no"), ERR_REFUSED);
	assert_int_equal(apply(s, &d, ""), ERR_REFUSED);
	e = by(&ada, AMEND_EDIT, 5);
	e.conv.b[0]++;
	assert_int_equal(apply(s, &e, "no"), ERR_REFUSED);
	expect_text(s, "said");
	sample_free(s);
}

static void a_deleted_message_stays_so(void **state)
{
	(void)state;
	struct sample *s = sample_new(60);
	struct amend d = by(&ada, AMEND_DELETE, 5);
	assert_int_equal(apply(s, &d, ""), ERR_OK);
	expect_text(s, NULL);
	assert_null(memmem(s->m.body.p, s->m.body.n, "said", 4));
	static const enum amend_kind kinds[] = {AMEND_EDIT, AMEND_DELETE, AMEND_REACTION,
						AMEND_SHOWN, AMEND_REPLY};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct amend a = by(&ada, kinds[i], 99);
		assert_int_equal(apply(s, &a, "x"), ERR_EXISTS);
	}
	sample_free(s);
}

static unsigned count_reactions(struct sample *s, bool with_empty)
{
	struct kept_body body;
	struct kept_reaction r;
	struct msg m;
	unsigned n = 0;
	assert_int_equal(kept_decode(s->m.body, &body, &m), ERR_OK);
	struct cur at = cur_of(body.reactions);
	while (kept_reaction_get(&at, &r))
		n += with_empty || r.text.n > 0;
	assert_false(at.failed);
	return n;
}

static void reactions_are_one_each_and_bounded(void **state)
{
	(void)state;
	struct sample *s = sample_new(0);
	struct amend a = by(&bob, AMEND_REACTION, 5);
	const char *const longest = "12345678901234567890123456789012";
	assert_int_equal(apply(s, &a, "x"), ERR_OK);
	assert_int_equal(apply(s, &a, "y"), ERR_EXISTS);
	a.lamport = 7;
	assert_int_equal(apply(s, &a, ""), ERR_OK);
	a.lamport = 6;
	assert_int_equal(apply(s, &a, "late"), ERR_EXISTS);
	assert_int_equal(count_reactions(s, false), 0);
	for (unsigned i = 1; i < KEPT_REACTIONS_MAX; i++) {
		a.by.b[1] = (uint8_t)i;
		assert_int_equal(apply(s, &a, longest), ERR_OK);
	}
	assert_int_equal(count_reactions(s, true), KEPT_REACTIONS_MAX);
	a.by.b[1] = 200; /* in the place of the one that was taken back */
	assert_int_equal(apply(s, &a, longest), ERR_OK);
	assert_int_equal(count_reactions(s, false), KEPT_REACTIONS_MAX);
	a.by.b[1] = 201;
	assert_int_equal(apply(s, &a, "one too many"), ERR_LIMIT);
	a.by.b[1] = 5; /* who has reacted may change it */
	a.lamport = 8;
	assert_int_equal(apply(s, &a, "z"), ERR_OK);
	assert_int_equal(count_reactions(s, false), KEPT_REACTIONS_MAX);
	sample_free(s);
}

static void only_the_recipient_says_that_it_was_read(void **state)
{
	(void)state;
	static const struct {
		enum store_state before, told, after;
	} cases[] = {
		{STORE_QUEUED, STORE_READ, STORE_READ},
		{STORE_STORED, STORE_READ, STORE_READ},
		{STORE_DELIVERED, STORE_READ, STORE_READ},
		{STORE_READ, STORE_READ, 0},
		{STORE_FAILED, STORE_READ, 0},
		{STORE_NONE, STORE_READ, 0},
		{STORE_STORED, STORE_DELIVERED, STORE_DELIVERED},
		{STORE_QUEUED, STORE_DELIVERED, 0},
		{STORE_READ, STORE_DELIVERED, 0},
	};
	struct sample *s = sample_new(0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct amend a = by(&bob, AMEND_STATE, 0);
		a.state = cases[i].told;
		s->m.state = cases[i].before;
		bool is_new = cases[i].after != 0;
		assert_int_equal(apply(s, &a, ""), is_new ? ERR_OK : ERR_EXISTS);
		assert_int_equal(s->m.state, is_new ? cases[i].after : cases[i].before);
		a.by = ada;
		assert_int_equal(apply(s, &a, ""), ERR_REFUSED);
	}
	sample_free(s);
}

static void time_begins_once(void **state)
{
	(void)state;
	struct sample *s = sample_new(60), *never = sample_new(0);
	struct amend a = by(&bob, AMEND_SHOWN, 0);
	a.now_ms = 1000;
	assert_int_equal(apply(s, &a, ""), ERR_OK);
	assert_int_equal(s->m.expires_ms, 61000);
	a.now_ms = 2000;
	assert_int_equal(apply(s, &a, ""), ERR_EXISTS);
	assert_int_equal(s->m.expires_ms, 61000);
	assert_int_equal(apply(never, &a, ""), ERR_EXISTS);
	sample_free(s);
	sample_free(never);
}

/* One with all that can be in it. */
static struct sample *sample_full(void)
{
	struct sample *s = sample_new(60);
	struct amend e = by(&ada, AMEND_EDIT, 5), r = by(&bob, AMEND_REACTION, 6),
		     q = by(&ada, AMEND_REPLY, 7);
	assert_int_equal(apply(s, &e, "changed"), ERR_OK);
	assert_int_equal(apply(s, &r, "x"), ERR_OK);
	assert_int_equal(apply(s, &q, ""), ERR_OK);
	return s;
}

static void try_all(struct sample *s)
{
	static uint8_t room[STORE_BODY_BYTES];
	struct store_message before = s->m;
	for (unsigned k = 0; k < AMEND_KINDS; k++) {
		struct amend a = by(k == AMEND_EDIT || k == AMEND_DELETE ? &ada : &bob,
				    (enum amend_kind)k, 50);
		struct buf arg;
		struct slice packed = amend_pack(&arg, &a, slice_str("t"));
		s->m = before;
		enum err e = amend_apply(packed, &s->m, room);
		struct kept_body body;
		struct msg m;
		/* what it made of it makes sense */
		if (e == ERR_OK)
			assert_int_equal(kept_decode(s->m.body, &body, &m), ERR_OK);
		buf_wipe(&arg);
	}
	s->m = before;
}

static void spoilt_bodies_make_no_sense_or_good_ones(void **state)
{
	(void)state;
	struct sample *s = sample_full();
	struct slice whole = s->m.body;
	for (size_t n = 0; n < whole.n; n++) {
		uint8_t *tight = mem_dup(whole.p, n > 0 ? n : 1);
		struct amend a = by(&ada, AMEND_EDIT, 50);
		struct buf arg;
		s->m.body = slice_of(tight, n);
		struct slice packed = amend_pack(&arg, &a, slice_str("t"));
		assert_int_equal(amend_apply(packed, &s->m, s->room), ERR_RANGE);
		buf_wipe(&arg);
		mem_free(tight);
	}
	for (size_t bit = 0; bit < whole.n * 8; bit++) {
		uint8_t *tight = mem_dup(whole.p, whole.n);
		tight[bit / 8] ^= (uint8_t)(1 << bit % 8);
		s->m.body = slice_of(tight, whole.n);
		try_all(s);
		mem_free(tight);
	}
	sample_free(s);
}

static void spoilt_arguments_are_refused(void **state)
{
	(void)state;
	struct sample *s = sample_full();
	struct amend a = by(&ada, AMEND_EDIT, 50);
	struct buf arg;
	struct slice packed = amend_pack(&arg, &a, slice_of(NULL, 0));
	for (size_t n = 0; n < packed.n; n++)
		assert_int_equal(amend_apply(slice_of(packed.p, n), &s->m, s->room),
				 ERR_RANGE);
	/* an empty text is no edit */
	assert_int_equal(amend_apply(packed, &s->m, s->room), ERR_RANGE);
	expect_text(s, "changed");
	buf_wipe(&arg);
	a.kind = AMEND_KINDS;
	packed = amend_pack(&arg, &a, slice_of(NULL, 0));
	assert_int_equal(amend_apply(packed, &s->m, s->room), ERR_RANGE);
	buf_wipe(&arg);
	sample_free(s);
}

static void an_excerpt_ends_at_a_letter(void **state)
{
	(void)state;
	char out[KEPT_EXCERPT_BYTES + 8], text[200];
	kept_excerpt(slice_str("two\nlines\there"), out);
	assert_string_equal(out, "two lines here");
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'x', lead);
		text[lead] = '\0';
		while (strlen(text) < 120)
			strcat(text, "\xf0\x9f\x91\x8d");
		kept_excerpt(slice_str(text), out);
		assert_true(strlen(out) <= KEPT_EXCERPT_BYTES + 3);
		assert_true(text_is_utf8(slice_str(out)));
		assert_string_equal(out + strlen(out) - 3, "...");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_bodies_still_decode),
		cmocka_unit_test(the_newest_edit_counts),
		cmocka_unit_test(only_the_author_edits_and_deletes),
		cmocka_unit_test(a_deleted_message_stays_so),
		cmocka_unit_test(reactions_are_one_each_and_bounded),
		cmocka_unit_test(only_the_recipient_says_that_it_was_read),
		cmocka_unit_test(time_begins_once),
		cmocka_unit_test(spoilt_bodies_make_no_sense_or_good_ones),
		cmocka_unit_test(spoilt_arguments_are_refused),
		cmocka_unit_test(an_excerpt_ends_at_a_letter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
