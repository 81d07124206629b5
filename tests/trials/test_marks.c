/* What a peer tries with edits, deletions, reactions, answers and receipts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/chat.h"
#include "lib/desk.h"
#include "lib/rogue.h"

/* Node 0 and 1 have met; a rogue is with node 0, and node 0 has a desk. */
struct scene {
	struct sim *s;
	struct rogue r;
	struct desk d;
	struct msg text; /* the rogue's own, which node 0 has */
	struct id16 conv, lan;
};

static void scene_open(struct scene *c, uint64_t seed)
{
	c->s = sim_meet(seed, 2);
	rogue_meet(&c->r, c->s, seed + 1000, NULL);
	desk_open(&c->d, c->s);
	desk_ask(&c->d, VERB_EVENTS, NULL, NULL, NULL, 10);
	conv_of(identity_node_id(c->r.identity),
		identity_node_id(sim_node(c->s, 0)->identity), &c->conv);
	conv_lan(&c->lan);
	c->text = rogue_text(&c->r, 0, "rogue's own");
	c->text.u.text.lamport = 10;
	rogue_send(&c->r, &c->text);
	sim_run(c->s, 100);
	c->r.n_acks = c->r.n_nacks = 0;
}

static void scene_close(struct scene *c)
{
	rogue_end(&c->r);
	sim_free(c->s);
}

static void new_id(struct scene *c, struct msg *m)
{
	rng_fill(&c->r.rng.rng, m->id.b, sizeof m->id.b);
}

static struct msg an_edit(struct scene *c, const struct id16 *target, uint64_t lamport,
			  const char *text)
{
	struct msg m = {.type = MSG_EDIT};
	new_id(c, &m);
	m.u.edit = (struct msg_edit){.conv = slice_of(c->conv.b, 16),
				     .time = 1000,
				     .lamport = lamport,
				     .target = slice_of(target->b, 16),
				     .text = slice_str(text)};
	return m;
}

static struct msg a_delete(struct scene *c, const struct id16 *target, uint64_t lamport)
{
	struct msg m = {.type = MSG_DELETE};
	new_id(c, &m);
	m.u.delete = (struct msg_delete){.conv = slice_of(c->conv.b, 16),
					 .time = 1000,
					 .lamport = lamport,
					 .target = slice_of(target->b, 16)};
	return m;
}

static struct msg a_reaction(struct scene *c, const struct id16 *target,
			     const struct id32 *author, uint64_t lamport,
			     const char *text)
{
	struct msg m = {.type = MSG_REACTION};
	new_id(c, &m);
	m.u.reaction = (struct msg_reaction){.conv = slice_of(c->conv.b, 16),
					     .time = 1000,
					     .lamport = lamport,
					     .target = slice_of(target->b, 16),
					     .text = slice_str(text),
					     .author = slice_of(author->b, 32)};
	return m;
}

/* What node 0 answers: NACK with this code, or 0: an ACK. */
static void expect(struct scene *c, const struct msg *m, unsigned code)
{
	unsigned acks = c->r.n_acks, nacks = c->r.n_nacks;
	rogue_send(&c->r, m);
	sim_run(c->s, 200);
	assert_false(c->r.is_closed);
	assert_int_equal(c->r.n_acks - acks, code == 0);
	assert_int_equal(c->r.n_nacks - nacks, code != 0);
	if (code != 0) {
		assert_int_equal(c->r.nack_code, code);
		assert_true(id16_eq(&c->r.nack_id, &m->id));
	}
}

/* All that is kept, as it is shown. */
static const char *all(struct scene *c)
{
	desk_ask(&c->d, VERB_HISTORY, NULL, NULL, NULL, 100);
	return c->d.full;
}

static void last_id(struct scene *c, const char *who, struct id16 *out)
{
	desk_ask(&c->d, VERB_HISTORY, who, "1", NULL, 100);
	assert_int_equal(hex_decode(slice_of(c->d.id, 32), out->b, 16), ERR_OK);
}

/* ---- M5 ---- */

static void M5_foreign_edits_and_deletions_are_refused(void **state)
{
	(void)state;
	struct scene c;
	struct id16 mine, lan_mine, theirs;
	char rogue_id[NODE_ID_COMPACT_BYTES];
	scene_open(&c, 60);
	node_id_compact(identity_node_id(c.r.identity), rogue_id);
	desk_ask(&c.d, VERB_MSG, rogue_id, "to rogue", NULL, 100);
	last_id(&c, rogue_id, &mine);
	sim_say_lan(c.s, 0, "to all");
	sim_run(c.s, 1000);
	last_id(&c, "#lan", &lan_mine);
	sim_say_lan(c.s, 1, "of n1");
	sim_run(c.s, 1000);
	last_id(&c, "#lan", &theirs);
	sim_say(c.s, 1, 0, "n1 to n0");
	sim_run(c.s, 1000);

	const struct id16 *targets[] = {&mine, &lan_mine, &theirs};
	for (size_t i = 0; i < 3; i++) {
		struct msg e = an_edit(&c, targets[i], 50, "spoilt");
		struct msg d = a_delete(&c, targets[i], 50);
		if (i > 0)
			e.u.edit.conv = d.u.delete.conv = slice_of(c.lan.b, 16);
		expect(&c, &e, CODE_UNAUTHORISED);
		expect(&c, &d, CODE_UNAUTHORISED);
	}
	/* an own one of another conversation */
	struct msg e = an_edit(&c, &c.text.id, 50, "spoilt");
	e.u.edit.conv = slice_of(c.lan.b, 16);
	expect(&c, &e, CODE_UNAUTHORISED);
	/* a conversation of two others */
	struct id16 others;
	conv_of(identity_node_id(sim_node(c.s, 0)->identity),
		identity_node_id(sim_node(c.s, 1)->identity), &others);
	e.u.edit.conv = slice_of(others.b, 16);
	expect(&c, &e, CODE_PROTOCOL);
	assert_string_equal(all(&c), "rogue's own|to rogue|to all|of n1|n1 to n0|");
	assert_int_equal(c.d.counts[EVENT_EDIT] + c.d.counts[EVENT_DELETE], 0);
	scene_close(&c);
}

static void M5_unknown_targets_are_acknowledged_and_ignored(void **state)
{
	(void)state;
	struct scene c;
	const struct id16 unknown = {{7}};
	scene_open(&c, 61);
	const struct id32 *rogue = identity_node_id(c.r.identity);
	struct msg marks[] = {an_edit(&c, &unknown, 50, "x"), a_delete(&c, &unknown, 50),
			      a_reaction(&c, &unknown, rogue, 50, "x")};
	for (size_t i = 0; i < 3; i++) {
		expect(&c, &marks[i], 0);
		expect(&c, &marks[i], 0);
	}
	struct msg lan = an_edit(&c, &unknown, 50, "x");
	lan.u.edit.conv = slice_of(c.lan.b, 16);
	expect(&c, &lan, 0);
	assert_string_equal(all(&c), "rogue's own|");
	scene_close(&c);
}

static void M5_numbers_of_marks_above_2_53_are_refused(void **state)
{
	(void)state;
	static const uint64_t bad[] = {PROTO_NUMBER_MAX + 1, UINT64_MAX};
	struct scene c;
	scene_open(&c, 62);
	/* [17, id, {0 conv, 1 time, 2 lamport, 3 target, 4 text}] by hand: our own
	 * encoder refuses */
	for (size_t i = 0; i < 4; i++) {
		uint8_t raw[128] = {0x93, 17, 0xc4, 16, 9, (uint8_t)i};
		size_t n = 20, key = 1 + i % 2;
		raw[n++] = 0x85;
		raw[n++] = 0;
		raw[n++] = 0xc4;
		raw[n++] = 16;
		memcpy(raw + n, c.conv.b, 16);
		n += 16;
		for (uint8_t k = 1; k <= 2; k++) {
			raw[n++] = k;
			if (k != key) {
				raw[n++] = 1;
				continue;
			}
			raw[n++] = 0xcf;
			for (int b = 56; b >= 0; b -= 8)
				raw[n++] = (uint8_t)(bad[i / 2] >> b);
		}
		raw[n++] = 3;
		raw[n++] = 0xc4;
		raw[n++] = 16;
		memcpy(raw + n, c.text.id.b, 16);
		n += 16;
		raw[n++] = 4;
		raw[n++] = 0xa1;
		raw[n++] = 'x';
		rogue_record(&c.r, KIND_MSG, 0, slice_of(raw, n));
		sim_run(c.s, 100);
		assert_int_equal(c.r.n_nacks, i + 1);
		assert_int_equal(c.r.nack_code, CODE_PROTOCOL);
		assert_int_equal(c.r.nack_id.b[1], i);
	}
	assert_string_equal(all(&c), "rogue's own|");
	scene_close(&c);
}

/* A lamport far ahead counts as the next one; edits that follow are still newer. */
static void M5_lamport_far_ahead_of_an_edit_is_clamped(void **state)
{
	(void)state;
	struct scene c;
	scene_open(&c, 63);
	struct msg far = an_edit(&c, &c.text.id, PROTO_NUMBER_MAX, "far");
	struct msg next = an_edit(&c, &c.text.id, 12, "next");
	expect(&c, &far, 0);
	assert_string_equal(all(&c), "far edited|");
	expect(&c, &next, 0);
	assert_string_equal(all(&c), "next edited|");
	scene_close(&c);
}

static void M5_a_receipt_of_anybody_else_is_ignored(void **state)
{
	(void)state;
	struct scene c;
	struct id16 ids[3] = {{{1}}};
	uint8_t room[3 * MSG_IDS_STEP];
	scene_open(&c, 64);
	sim_say(c.s, 0, 1, "to n1");
	sim_run(c.s, 1000);
	last_id(&c, "n1", &ids[1]);
	assert_string_equal(c.d.state, "delivered");
	ids[2] = c.text.id;
	for (size_t i = 0; i < 3; i++)
		msg_ids_put(room + i * MSG_IDS_STEP, &ids[i]);
	struct msg m = {.type = MSG_RECEIPT};
	new_id(&c, &m);
	m.u.receipt = (struct msg_receipt){.conv = slice_of(c.conv.b, 16),
					   .time = 1,
					   .lamport = 1,
					   .kind = 2,
					   .ids = {room, 3}};
	for (unsigned i = 0; i < 20; i++)
		rogue_send(&c.r, &m);
	sim_run(c.s, 200);
	assert_int_equal(c.r.n_acks + c.r.n_nacks, 0);
	assert_false(c.r.is_closed);
	assert_int_equal(strlen(c.d.marks), 0);
	all(&c);
	desk_ask(&c.d, VERB_HISTORY, "n1", "1", NULL, 100);
	assert_string_equal(c.d.state, "delivered");
	scene_close(&c);
}

/* ---- M4 ---- */

static void M4_reactions_and_answers_that_name_another_s_id_are_dropped(void **state)
{
	(void)state;
	struct scene c;
	struct id16 of_n1;
	scene_open(&c, 65);
	const struct id32 *me = identity_node_id(sim_node(c.s, 0)->identity);
	const struct id32 *n1 = identity_node_id(sim_node(c.s, 1)->identity);
	sim_say(c.s, 1, 0, "n1's secret");
	sim_run(c.s, 1000);
	last_id(&c, "n1", &of_n1);
	/* the right author in the wrong conversation; the wrong author */
	struct msg a = a_reaction(&c, &of_n1, n1, 50, "x");
	struct msg b = a_reaction(&c, &c.text.id, me, 50, "x");
	expect(&c, &a, CODE_UNAUTHORISED);
	expect(&c, &b, 0);
	struct msg r = rogue_text(&c.r, 0, "re");
	r.u.text.has = MSG_HAS(4) | MSG_HAS(5);
	r.u.text.reply_to = slice_of(of_n1.b, 16);
	r.u.text.reply_author = slice_of(n1->b, 32);
	expect(&c, &r, 0);
	struct msg r2 = rogue_text(&c.r, 0, "re2");
	r2.u.text.has = MSG_HAS(4) | MSG_HAS(5);
	r2.u.text.reply_to = slice_of(c.text.id.b, 16);
	r2.u.text.reply_author = slice_of(me->b, 32);
	expect(&c, &r2, 0);
	struct msg r3 = rogue_text(&c.r, 0, "re3"); /* an id without its author */
	r3.u.text.has = MSG_HAS(4);
	r3.u.text.reply_to = slice_of(c.text.id.b, 16);
	expect(&c, &r3, 0);
	assert_non_null(strstr(c.d.full, "re2|")); /* as it happened */
	assert_null(strstr(c.d.full, " re "));
	const char *shown = all(&c);
	assert_null(strstr(shown, " re "));
	assert_null(strstr(shown, "?"));
	assert_null(strchr(shown, '"'));
	assert_non_null(strstr(shown, "|re|"));
	assert_int_equal(c.d.counts[EVENT_REACTION], 0);
	scene_close(&c);
}

/* ---- M7: again, and in any order ---- */

static void M7_marks_again_and_in_any_order_come_to_the_same(void **state)
{
	(void)state;
	static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	for (unsigned i = 0; i < 6; i++) {
		struct scene c;
		scene_open(&c, 70 + i);
		const struct id32 *rogue = identity_node_id(c.r.identity);
		struct msg edits[] = {an_edit(&c, &c.text.id, 11, "one"),
				      an_edit(&c, &c.text.id, 12, "two"),
				      an_edit(&c, &c.text.id, 13, "three")};
		struct msg reactions[] = {a_reaction(&c, &c.text.id, rogue, 21, "x"),
					  a_reaction(&c, &c.text.id, rogue, 22, "y"),
					  a_reaction(&c, &c.text.id, rogue, 23, "")};
		for (unsigned k = 0; k < 3; k++)
			for (unsigned twice = 0; twice < 2; twice++) {
				expect(&c, &edits[orders[i][k]], 0);
				expect(&c, &reactions[orders[i][k]], 0);
			}
		assert_string_equal(all(&c), "three edited|");
		struct msg gone = a_delete(&c, &c.text.id, 5);
		struct msg after = an_edit(&c, &c.text.id, 99, "back");
		struct msg back = a_reaction(&c, &c.text.id, rogue, 99, "x");
		expect(&c, &gone, 0);
		expect(&c, &gone, 0);
		expect(&c, &after, 0);
		expect(&c, &back, 0);
		expect(&c, &c.text, 0);
		assert_string_equal(all(&c), " deleted|");
		assert_int_equal(sim_saw(c.s, 0, "rogue's own"), 1);
		scene_close(&c);
	}
}

/* What was refused for now comes again, so an edit that is earlier than it must wait. */
static void an_edit_of_what_was_refused_for_now_waits(void **state)
{
	(void)state;
	struct scene c;
	scene_open(&c, 77);
	struct msg last = {0};
	for (unsigned i = 0; i < 40; i++) {
		last = rogue_text(&c.r, 0, "burst");
		last.u.text.conv = slice_of(c.lan.b, 16);
		rogue_send(&c.r, &last);
	}
	sim_run(c.s, 250); /* one more may come */
	assert_true(c.r.n_nacks > 0);
	struct msg e = an_edit(&c, &last.id, 50, "edited");
	e.u.edit.conv = slice_of(c.lan.b, 16);
	expect(&c, &e, CODE_RATE);
	sim_run(c.s, 5000);
	expect(&c, &last, 0);
	expect(&c, &e, 0);
	assert_non_null(strstr(all(&c), "edited edited|"));
	scene_close(&c);
}

/* ---- strangers ---- */

static void strangers_may_not_mark_when_only_contacts_may_write(void **state)
{
	(void)state;
	struct scene c;
	scene_open(&c, 78);
	options_set(sim_node(c.s, 0)->options, OPT_accept_from, "contacts", OPTION_SET,
		    NULL);
	const struct id32 *rogue = identity_node_id(c.r.identity);
	struct msg marks[] = {an_edit(&c, &c.text.id, 50, "x"),
			      a_delete(&c, &c.text.id, 50),
			      a_reaction(&c, &c.text.id, rogue, 50, "x")};
	for (size_t i = 0; i < 3; i++)
		expect(&c, &marks[i], CODE_UNAUTHORISED);
	struct msg t = {.type = MSG_TYPING};
	new_id(&c, &t);
	t.u.typing =
		(struct msg_typing){.conv = slice_of(c.conv.b, 16), .is_typing = true};
	rogue_send(&c.r, &t);
	sim_run(c.s, 100);
	assert_int_equal(c.d.counts[EVENT_TYPING], 0);
	options_set(sim_node(c.s, 0)->options, OPT_accept_from, "all", OPTION_SET, NULL);
	for (unsigned i = 0; i < 50; i++)
		rogue_send(&c.r, &t);
	sim_run(c.s, 100);
	assert_in_range(c.d.counts[EVENT_TYPING], 1, 12); /* not a screenful */
	scene_close(&c);
}

/* A crowd that reacts: so many are kept, and no more. */
static void sixty_four_may_react(void **state)
{
	(void)state;
	struct scene c;
	struct id16 target;
	enum { CROWD = 66 };
	scene_open(&c, 79);
	sim_say_lan(c.s, 0, "vote");
	sim_run(c.s, 1000);
	last_id(&c, "#lan", &target);
	const struct id32 *me = identity_node_id(sim_node(c.s, 0)->identity);
	for (unsigned i = 0; i < CROWD; i++) {
		struct rogue r;
		rogue_meet(&r, c.s, 5000 + i, NULL);
		struct msg m = a_reaction(&c, &target, me, 50, "+1");
		m.u.reaction.conv = slice_of(c.lan.b, 16);
		rogue_send(&r, &m);
		sim_run(c.s, 1100);
		assert_int_equal(r.n_acks, 1);
		rogue_end(&r);
	}
	all(&c);
	desk_ask(&c.d, VERB_HISTORY, "#lan", "1", NULL, 100);
	assert_non_null(strstr(c.d.full, "vote \"+1\" "));
	assert_non_null(strstr(c.d.full, ", ...|"));
	scene_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M5_foreign_edits_and_deletions_are_refused),
		cmocka_unit_test(M5_unknown_targets_are_acknowledged_and_ignored),
		cmocka_unit_test(M5_numbers_of_marks_above_2_53_are_refused),
		cmocka_unit_test(M5_lamport_far_ahead_of_an_edit_is_clamped),
		cmocka_unit_test(M5_a_receipt_of_anybody_else_is_ignored),
		cmocka_unit_test(
			M4_reactions_and_answers_that_name_another_s_id_are_dropped),
		cmocka_unit_test(M7_marks_again_and_in_any_order_come_to_the_same),
		cmocka_unit_test(an_edit_of_what_was_refused_for_now_waits),
		cmocka_unit_test(strangers_may_not_mark_when_only_contacts_may_write),
		cmocka_unit_test(sixty_four_may_react),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
