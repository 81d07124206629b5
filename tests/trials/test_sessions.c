/* Trials against a whole core: a rogue peer with good keys and bad manners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/rogue.h"

/* A core that runs, and a rogue with a live session to it. */
struct pair {
	struct sim *s;
	struct rogue r;
	struct sim_node *n;
};

static void pair_open(struct pair *p, uint64_t seed)
{
	p->s = sim_new(seed, 1);
	p->n = sim_node(p->s, 0);
	sim_start(p->s, 0);
	sim_run(p->s, 10);
	rogue_init(&p->r, p->s, seed + 7, NULL);
	rogue_dial(&p->r, 0);
}

static void pair_live(struct pair *p, uint64_t seed)
{
	pair_open(p, seed);
	rogue_hello(&p->r);
	assert_int_equal(p->n->n_online, 1);
	assert_int_equal(p->r.n_hellos, 1);
}

static void pair_close(struct pair *p)
{
	struct identity *id = p->r.identity;
	rogue_wipe(&p->r);
	identity_free(id);
	sim_free(p->s);
}

static void a_polite_rogue_is_heard(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 1);
	struct msg m = rogue_text(&p.r, 0, "good day");
	rogue_send(&p.r, &m);
	assert_int_equal(p.r.n_acks, 1);
	assert_int_equal(sim_saw(p.s, 0, "good day"), 1);
	pair_close(&p);
}

/* ---- M5: fields that claim too much ---- */

static void M5_numbers_above_2_53_are_refused_not_shown(void **state)
{
	(void)state;
	static const uint64_t huge[] = {1ULL << 53, UINT64_MAX};
	for (unsigned i = 0; i < 4; i++) {
		struct pair p;
		pair_live(&p, 2);
		/* encoded by hand: our own encoder refuses them as well */
		uint8_t raw[64] = {0x93, 16, 0xc4, 16};
		struct msg m = rogue_text(&p.r, 0, "x");
		memcpy(raw + 4, m.id.b, 16);
		size_t n = 20;
		raw[n++] = 0x84;
		raw[n++] = 0;
		raw[n++] = 0xc4;
		raw[n++] = 16;
		memcpy(raw + n, m.u.text.conv.p, 16);
		n += 16;
		for (unsigned key = 1; key <= 2; key++) {
			raw[n++] = (uint8_t)key;
			if (key - 1 == i / 2) {
				raw[n++] = 0xcf;
				for (int b = 56; b >= 0; b -= 8)
					raw[n++] = (uint8_t)(huge[i % 2] >> b);
			} else {
				raw[n++] = 1;
			}
		}
		raw[n++] = 3;
		raw[n++] = 0xa1;
		raw[n++] = 'x';
		rogue_record(&p.r, KIND_MSG, 0, slice_of(raw, n));
		assert_int_equal(p.r.n_nacks, 1);
		assert_int_equal(p.r.nack_code, CODE_PROTOCOL);
		assert_int_equal(p.n->n_texts, 0);
		assert_false(p.r.is_closed);
		pair_close(&p);
	}
}

static void M5_lamport_far_ahead_is_clamped(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 3);
	struct msg m = rogue_text(&p.r, 0, "ahead");
	m.u.text.lamport = PROTO_NUMBER_MAX;
	rogue_send(&p.r, &m);
	assert_int_equal(sim_saw(p.s, 0, "ahead"), 1);
	/* our own next message must still be sendable: the number was not taken over */
	struct command cmd = {.verb = VERB_MSG};
	char id[NODE_ID_COMPACT_BYTES];
	node_id_compact(identity_node_id(p.r.identity), id);
	cmd.u.msg.who = id;
	cmd.u.msg.text = "answer";
	sim_submit(p.s, 0, &cmd);
	sim_run(p.s, 50);
	assert_int_equal(p.r.n_texts, 1);
	assert_int_equal(p.n->n_errors, 0);
	pair_close(&p);
}

static void M5_any_time_is_only_display(void **state)
{
	(void)state;
	static const uint64_t times[] = {0, 31556889864403199ULL / 10, PROTO_NUMBER_MAX};
	struct pair p;
	pair_live(&p, 4);
	for (unsigned i = 0; i < 3; i++) {
		struct msg m = rogue_text(&p.r, 0, "whenever");
		m.u.text.time = times[i];
		rogue_send(&p.r, &m);
	}
	assert_int_equal(sim_saw(p.s, 0, "whenever"), 3);
	pair_close(&p);
}

static void M5_conversation_of_others_is_refused(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 5);
	uint8_t wrong[16] = {1, 2, 3};
	struct msg m = rogue_text(&p.r, 0, "not for you");
	m.u.text.conv = slice_of(wrong, sizeof wrong);
	rogue_send(&p.r, &m);
	assert_int_equal(p.r.n_nacks, 1);
	assert_int_equal(p.r.nack_code, CODE_PROTOCOL);
	assert_int_equal(p.n->n_texts, 0);
	pair_close(&p);
}

static void M5_acknowledgement_of_nothing_is_ignored_then_limited(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 6);
	uint8_t ids[PROTO_ACK_IDS * MSG_IDS_STEP];
	struct id16 none = {{9}};
	for (unsigned i = 0; i < PROTO_ACK_IDS; i++)
		msg_ids_put(ids + i * MSG_IDS_STEP, &none);
	struct msg m = {.type = MSG_ACK};
	m.u.ack.ids = (struct msg_ids){ids, PROTO_ACK_IDS};
	rogue_send(&p.r, &m);
	assert_false(p.r.is_closed);
	for (unsigned i = 0; i < 64 && !p.r.is_closed; i++)
		rogue_send(&p.r, &m);
	assert_true(p.r.is_closed);
	assert_int_equal(p.r.close_code, CODE_RATE);
	pair_close(&p);
}

static void M7_the_same_id_twice_is_shown_once_and_acknowledged_twice(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 7);
	struct msg m = rogue_text(&p.r, 0, "once");
	rogue_send(&p.r, &m);
	rogue_send(&p.r, &m);
	assert_int_equal(p.r.n_acks, 2);
	assert_int_equal(sim_saw(p.s, 0, "once"), 1);
	pair_close(&p);
}

/* ---- M8: every message in every state ---- */

static void fill(struct rogue *r, struct msg *m, enum msg_type type, uint8_t *room)
{
	const struct devlist *l = identity_devlist(r->identity);
	const struct msg text = rogue_text(r, 0, "early");
	*m = type == MSG_TEXT ? text : (struct msg){.type = type, .id = text.id};
	if (type >= MSG_EDIT && type <= MSG_TYPING)
		m->u.edit.conv = text.u.text.conv; /* all of them begin with it */
	switch (type) {
	case MSG_HELLO:
		m->u.hello.has = MSG_HAS(3);
		m->u.hello.nick = slice_str("r");
		m->u.hello.devlist = slice_of(l->raw, l->raw_len);
		break;
	case MSG_ACK:
		msg_ids_put(room, &(struct id16){{1}});
		m->u.ack.ids = (struct msg_ids){room, 1};
		break;
	case MSG_NACK:
		m->u.nack.target = slice_of(room, 16);
		m->u.nack.code = 1;
		break;
	case MSG_PROFILE:
		m->u.profile.nick = slice_str("r2");
		break;
	case MSG_DEVLIST:
		m->u.devlist.list = slice_of(l->raw, l->raw_len);
		break;
	case MSG_SAS_COMMIT:
	case MSG_SAS_NONCE:
	case MSG_SAS_REVEAL:
		m->u.sas_commit.commit = slice_of(l->raw, 32); /* all three have it */
		break;
	case MSG_RECEIPT:
		msg_ids_put(room, &(struct id16){{1}});
		m->u.receipt.kind = 2;
		m->u.receipt.ids = (struct msg_ids){room, 1};
		break;
	case MSG_EDIT:
		m->u.edit.text = slice_str("early");
		m->u.edit.target = slice_of(room, 16);
		break;
	case MSG_DELETE:
		m->u.delete.target = slice_of(room, 16);
		break;
	case MSG_REACTION:
		m->u.reaction.target = slice_of(room, 16);
		m->u.reaction.author = slice_of(l->raw, 32);
		break;
	case MSG_SAS_RESULT:
	case MSG_TYPING:
	case MSG_TEXT:
		break;
	}
}

static void M8_every_message_in_every_state(void **state)
{
	(void)state;
	uint8_t room[MSG_IDS_STEP] = {0};
	for (size_t i = 0; msg_row_at(i) != NULL; i++) {
		for (unsigned phase = 0; phase < 2; phase++) {
			const struct msg_row *row = msg_row_at(i);
			unsigned bit = phase == 0 ? PHASE_PROVISIONAL : PHASE_LIVE;
			struct pair p;
			struct msg m;
			pair_open(&p, 8);
			if (phase == 1)
				rogue_hello(&p.r);
			fill(&p.r, &m, row->type, room);
			rogue_send(&p.r, &m);
			assert_int_equal(p.r.is_closed, !(row->phases & bit));
			if (p.r.is_closed)
				assert_int_equal(p.r.close_code, CODE_PROTOCOL);
			assert_int_equal(sim_saw(p.s, 0, "early"),
					 row->type == MSG_TEXT && phase);
			pair_close(&p);
		}
	}
}

static void M8_unknown_messages(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 9);
	static const uint8_t ctrl[] = {0x93, 0x6e, 0xc0, 0x80};
	rogue_record(&p.r, KIND_CTRL, 0, slice_of(ctrl, sizeof ctrl));
	assert_false(p.r.is_closed);
	assert_int_equal(p.r.n_nacks, 0);
	uint8_t msg[64] = {0x93, 0x6e, 0xc4, 16, 5, 5, 5};
	msg[20] = 0x80;
	rogue_record(&p.r, KIND_MSG, 0, slice_of(msg, 21));
	assert_int_equal(p.r.n_nacks, 1);
	assert_int_equal(p.r.nack_code, CODE_UNSUPPORTED);
	assert_int_equal(p.r.nack_id.b[0], 5);
	pair_close(&p);
}

static void M8_garbage_ends_the_session_and_nothing_else(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 10);
	for (unsigned kind = 1; kind <= 2; kind++) {
		struct rogue other;
		rogue_init(&other, p.s, 50 + kind, NULL);
		rogue_dial(&other, 0);
		rogue_hello(&other);
		rogue_record(&other, (uint8_t)kind, 0, slice_str("\xdd\xff\xff\xff\xff"));
		assert_true(other.is_closed);
		assert_int_equal(other.close_code, CODE_PROTOCOL);
		struct identity *id = other.identity;
		rogue_wipe(&other);
		identity_free(id);
	}
	struct msg m = rogue_text(&p.r, 0, "still here");
	rogue_send(&p.r, &m);
	assert_int_equal(sim_saw(p.s, 0, "still here"), 1);
	pair_close(&p);
}

/* ---- A13, A14: device lists ---- */

static void A14_a_second_device_connects_through_provisional(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 11); /* the node holds version 1 with device 1 */
	struct identity *second = identity_new_device(p.r.identity, &p.r.rng.rng);
	rogue_hang_up(&p.r);
	struct rogue two;
	rogue_init(&two, p.s, 99, second);
	rogue_dial(&two, 0);
	assert_true(two.is_up);
	rogue_hello(&two);
	assert_false(two.is_closed);
	struct msg m = rogue_text(&two, 0, "from my other device");
	rogue_send(&two, &m);
	assert_int_equal(sim_saw(p.s, 0, "from my other device"), 1);
	rogue_wipe(&two);
	identity_free(second);
	pair_close(&p);
}

static void A14_without_its_list_the_second_device_is_refused(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 12);
	struct devlist old = *identity_devlist(p.r.identity);
	struct identity *second = identity_new_device(p.r.identity, &p.r.rng.rng);
	rogue_hang_up(&p.r);
	struct rogue two;
	rogue_init(&two, p.s, 99, second);
	rogue_dial(&two, 0);
	/* the old list does not name it, whatever version the handshake announced */
	struct msg m = {.type = MSG_HELLO};
	m.u.hello.has = MSG_HAS(3);
	m.u.hello.nick = slice_str("two");
	m.u.hello.devlist = slice_of(old.raw, old.raw_len);
	rogue_send(&two, &m);
	assert_true(two.is_closed);
	assert_int_equal(two.close_code, CODE_UNAUTHORISED);
	rogue_wipe(&two);
	identity_free(second);
	pair_close(&p);
}

static void A14_a_forged_list_is_refused(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 13);
	struct identity *second = identity_new_device(p.r.identity, &p.r.rng.rng);
	rogue_hang_up(&p.r);
	struct rogue two;
	rogue_init(&two, p.s, 99, second);
	rogue_dial(&two, 0);
	struct devlist l = *identity_devlist(second);
	l.raw[l.raw_len - 1] ^= 1;
	struct msg m = {.type = MSG_HELLO};
	m.u.hello.has = MSG_HAS(3);
	m.u.hello.nick = slice_str("two");
	m.u.hello.devlist = slice_of(l.raw, l.raw_len);
	rogue_send(&two, &m);
	assert_true(two.is_closed);
	rogue_wipe(&two);
	identity_free(second);
	pair_close(&p);
}

static void A13_a_certificate_no_longer_listed_is_refused(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 14);
	/* version 2 names only the second device; the first then dials again */
	struct identity *second = identity_new_device(p.r.identity, &p.r.rng.rng);
	const struct cert *only[] = {identity_cert(second)};
	struct devlist l;
	assert_int_equal(identity_sign_devlist(p.r.identity, 3, only, 1, &l), ERR_OK);
	struct msg m = {.type = MSG_DEVLIST};
	m.u.devlist.list = slice_of(l.raw, l.raw_len);
	rogue_send(&p.r, &m);
	assert_true(p.r.is_closed);
	assert_int_equal(p.r.close_code, CODE_UNAUTHORISED);
	rogue_hang_up(&p.r);
	rogue_dial(&p.r, 0); /* its list version is 2, lower than the one held */
	assert_false(p.r.is_up && !p.r.is_closed);
	identity_free(second);
	pair_close(&p);
}

static void A13_list_rollback_is_ignored(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 15);
	struct devlist old = *identity_devlist(p.r.identity);
	const struct cert *only[] = {identity_cert(p.r.identity)};
	struct devlist l;
	assert_int_equal(identity_sign_devlist(p.r.identity, 9, only, 1, &l), ERR_OK);
	struct msg m = {.type = MSG_DEVLIST};
	m.u.devlist.list = slice_of(l.raw, l.raw_len);
	rogue_send(&p.r, &m);
	m.u.devlist.list = slice_of(old.raw, old.raw_len);
	rogue_send(&p.r, &m);
	assert_false(p.r.is_closed);
	pair_close(&p);
}

static void provisional_ends_after_5_s(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p, 16);
	sim_run(p.s, 4500);
	assert_false(p.r.is_closed);
	sim_run(p.s, 1000);
	assert_true(p.r.is_closed);
	assert_int_equal(p.n->n_online, 0);
	pair_close(&p);
}

/* ---- D1: an announcement that cannot be proved ---- */

static void D1_a_contact_s_id_at_a_stranger_s_port(void **state)
{
	(void)state;
	struct sim *s = sim_new(17, 2);
	struct rogue r;
	sim_start(s, 0);
	sim_start(s, 1);
	sim_announce(s, 0);
	sim_run(s, 1000);
	sim_say(s, 0, 1, "you are my contact");
	sim_run(s, 100);
	sim_stop(s, 1, true);
	sim_run(s, 5000);
	rogue_init(&r, s, 3, NULL);
	rogue_announce(&r, 0, identity_node_id(sim_node(s, 1)->identity));
	assert_false(r.is_up); /* msg3, and with it our certificate, never left */
	assert_int_equal(sim_node(s, 0)->n_alarms, 0);
	assert_int_equal(sim_node(s, 0)->n_online, 1);
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 3000);
	assert_int_equal(sim_node(s, 0)->n_online, 2);
	struct identity *id = r.identity;
	rogue_wipe(&r);
	identity_free(id);
	sim_free(s);
}

/* ---- N3, limits ---- */

static void N3_silence_after_the_handshake_is_closed_at_45_s(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 18);
	sim_raw_send(p.r.raw, slice_str("\x00\x50half of a record"));
	sim_run(p.s, 40000);
	assert_false(p.r.is_closed);
	sim_run(p.s, 25000);
	assert_true(p.r.is_closed);
	pair_close(&p);
}

static void a_stranger_s_day_is_limited(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 19);
	options_set(p.n->options, OPT_stranger_mib_day, "1", OPTION_SET, NULL);
	char *big = mem_new(16001);
	memset(big, 'x', 16000);
	for (int i = 0; i < 70; i++) {
		struct msg m = rogue_text(&p.r, 0, big);
		rogue_send(&p.r, &m);
	}
	assert_int_equal(p.r.n_acks, (1 << 20) / 16000);
	assert_int_equal(p.r.nack_code, CODE_RATE);
	mem_free(big);
	pair_close(&p);
}

static void strangers_knock_once_when_only_contacts_may_write(void **state)
{
	(void)state;
	struct pair p;
	pair_live(&p, 20);
	options_set(p.n->options, OPT_accept_from, "contacts", OPTION_SET, NULL);
	for (int i = 0; i < 3; i++) {
		struct msg m = rogue_text(&p.r, 0, "may I?");
		rogue_send(&p.r, &m);
	}
	assert_int_equal(p.n->n_texts, 0);
	assert_int_equal(p.r.n_acks, 1);
	assert_int_equal(p.r.n_nacks, 2);
	assert_int_equal(p.r.nack_code, CODE_UNAUTHORISED);
	/* what was refused is no repeat when it comes again */
	struct msg again = rogue_text(&p.r, 0, "may I, please?");
	rogue_send(&p.r, &again);
	rogue_send(&p.r, &again);
	assert_int_equal(p.r.n_acks, 1);
	assert_int_equal(p.r.n_nacks, 4);
	pair_close(&p);
}

static void guests_of_one_address_are_limited(void **state)
{
	(void)state;
	struct sim *s = sim_new(21, 1);
	struct rogue r[10];
	sim_start(s, 0);
	for (unsigned i = 0; i < 10; i++) {
		rogue_init(&r[i], s, 100 + i, NULL);
		r[i].addr.ip[3] = 9;
		rogue_dial(&r[i], 0);
		rogue_hello(&r[i]);
		sim_run(s, 100);
	}
	unsigned live = 0;
	for (unsigned i = 0; i < 10; i++)
		live += !r[i].is_closed;
	assert_int_equal(live, 8);
	assert_int_equal(r[0].close_code, CODE_QUOTA);
	for (unsigned i = 0; i < 10; i++) {
		struct identity *id = r[i].identity;
		rogue_wipe(&r[i]);
		identity_free(id);
	}
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_polite_rogue_is_heard),
		cmocka_unit_test(M5_numbers_above_2_53_are_refused_not_shown),
		cmocka_unit_test(M5_lamport_far_ahead_is_clamped),
		cmocka_unit_test(M5_any_time_is_only_display),
		cmocka_unit_test(M5_conversation_of_others_is_refused),
		cmocka_unit_test(M5_acknowledgement_of_nothing_is_ignored_then_limited),
		cmocka_unit_test(
			M7_the_same_id_twice_is_shown_once_and_acknowledged_twice),
		cmocka_unit_test(M8_every_message_in_every_state),
		cmocka_unit_test(M8_unknown_messages),
		cmocka_unit_test(M8_garbage_ends_the_session_and_nothing_else),
		cmocka_unit_test(A14_a_second_device_connects_through_provisional),
		cmocka_unit_test(A14_without_its_list_the_second_device_is_refused),
		cmocka_unit_test(A14_a_forged_list_is_refused),
		cmocka_unit_test(A13_a_certificate_no_longer_listed_is_refused),
		cmocka_unit_test(A13_list_rollback_is_ignored),
		cmocka_unit_test(provisional_ends_after_5_s),
		cmocka_unit_test(D1_a_contact_s_id_at_a_stranger_s_port),
		cmocka_unit_test(N3_silence_after_the_handshake_is_closed_at_45_s),
		cmocka_unit_test(a_stranger_s_day_is_limited),
		cmocka_unit_test(strangers_knock_once_when_only_contacts_may_write),
		cmocka_unit_test(guests_of_one_address_are_limited),
	};
	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
