/* What a hostile peer or an impatient program can do to one core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "lib/desk.h"
#include "lib/rogue.h"

/* ---- lifetimes ---- */

static void forgotten_in_the_tick_of_the_loss(void **state)
{
	(void)state;
	struct sim *s = sim_meet(1, 2);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_EVENTS, NULL, NULL, NULL, 10);
	sim_run(s, 6000); /* a young node would wait for the name */
	d.forget_when_offline = sim_node(s, 1)->id;
	sim_stop(s, 1, true);
	sim_run(s, 100);
	desk_ask(&d, VERB_WHOIS, sim_node(s, 1)->id, NULL, NULL, 10);
	assert_int_equal(d.status, 2);
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 3000);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void two_sessions_of_one_peer_end_in_one_tick(void **state)
{
	(void)state;
	struct sim *s = sim_new(2, 1);
	struct rogue r, two;
	sim_start(s, 0);
	for (unsigned i = 0; i < 1100; i++) { /* more than are remembered */
		struct sighting sight = {
			.source = SIGHTING_MDNS, .has_id = true, .ifindex = 2};
		sight.id.b[0] = (uint8_t)i;
		sight.id.b[1] = (uint8_t)(i >> 8);
		sight.id.b[2] = 1;
		sight.addr = (struct addr){.family = ADDR_IP4, .port = 7117};
		sight.addr.ip[0] = 172;
		core_sighting(sim_node(s, 0)->core, &sight);
	}
	rogue_meet(&r, s, 5, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	rogue_meet(&two, s, 6, second);
	assert_false(r.is_closed);
	assert_false(two.is_closed);
	sim_raw_close(two.raw);
	two.raw = NULL;
	rogue_hang_up(&r);
	sim_run(s, 100);
	rogue_wipe(&two);
	identity_free(second);
	rogue_end(&r);
	sim_free(s);
}

static void a_peer_forgotten_while_traced_can_be_traced_again(void **state)
{
	(void)state;
	struct sim *s = sim_meet(3, 2);
	struct desk d, other;
	const char *id = sim_node(s, 1)->id;
	desk_open(&d, s);
	desk_open(&other, s);
	desk_ask(&d, VERB_TRACE, id, "on", NULL, 10);
	desk_ask(&other, VERB_TRACE, id, "on", NULL, 10);
	assert_int_equal(d.counts[EVENT_DONE], 0);
	sim_stop(s, 1, true);
	sim_run(s, 100);
	desk_ask(&d, VERB_FORGET, id, NULL, NULL, 10);
	assert_int_equal(d.counts[EVENT_DONE], 2); /* of the trace, and of forget */
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 3000);
	desk_ask(&other, VERB_TRACE, id, "off", NULL, 10);
	desk_ask(&d, VERB_TRACE, id, "on", NULL, 10);
	desk_ask(&d, VERB_TRACE, id, "off", NULL, 10);
	assert_int_equal(d.counts[EVENT_DONE], 2);
	sim_stop(s, 1, true);
	sim_run(s, 100);
	desk_ask(&d, VERB_FORGET, id, NULL, NULL, 10);
	assert_int_equal(d.counts[EVENT_DONE], 1);
	sim_free(s);
}

static void front_ends_that_close_while_much_is_open(void **state)
{
	(void)state;
	struct sim *s = sim_meet(4, 3);
	struct desk d[20];
	for (unsigned i = 0; i < 20; i++) {
		desk_open(&d[i], s);
		desk_ask(&d[i], VERB_EVENTS, "0", NULL, NULL, 0);
		desk_ask(&d[i], VERB_TRACE, "all", "on", NULL, 0);
		desk_ask(&d[i], VERB_PING, sim_node(s, 1)->id, "5", NULL, 0);
		desk_ask(&d[i], VERB_MSG, "nobody of this name", "x", NULL, 0);
		if (i % 3 == 0)
			sim_run(s, 1);
		d[i].port.ops->close(d[i].port.impl);
		memset(d[i].counts, 0, sizeof d[i].counts);
	}
	sim_run(s, 20000);
	for (unsigned i = 0; i < 20; i++)
		for (unsigned k = 0; k < EVENT_COUNT; k++)
			assert_int_equal(d[i].counts[k], 0);
	sim_free(s);
}

static void commands_that_wait_are_bounded(void **state)
{
	(void)state;
	struct sim *s = sim_meet(5, 1);
	struct desk d;
	desk_open(&d, s);
	for (unsigned i = 0; i < 5000; i++)
		desk_ask(&d, VERB_PEERS, "1000", NULL, NULL, 0);
	sim_run(s, 10);
	assert_int_equal(d.counts[EVENT_ERROR], 5000 - 4096);
	assert_int_equal(d.status, 5);
	sim_run(s, 1001 * 1000);
	assert_int_equal(d.counts[EVENT_DONE], 4096);
	sim_free(s);
}

/* ---- #lan ---- */

static void lan_keeps_its_order_beyond_the_rate(void **state)
{
	(void)state;
	struct sim *s = sim_meet(16, 3);
	char text[16];
	for (unsigned i = 0; i < 80; i++) {
		snprintf(text, sizeof text, "l%u", i);
		sim_say_lan(s, 0, text);
	}
	uint64_t bytes = sim_bytes(s);
	sim_run(s, 2500);
	sim_reset(s, 0, 2);
	sim_run(s, 30000);
	for (unsigned n = 1; n < 3; n++) {
		assert_int_equal(sim_node(s, n)->n_texts, 80);
		for (unsigned i = 0; i < 80; i++) {
			snprintf(text, sizeof text, "l%u", i);
			assert_string_equal(sim_node(s, n)->texts[i], text);
		}
	}
	/* nothing was sent only to be refused */
	assert_in_range(sim_bytes(s) - bytes, 0, 160 * 1000);
	sim_free(s);
}

static void lan_of_a_neighbour_behind_the_same_address(void **state)
{
	(void)state;
	struct sim *s = sim_new(17, 1);
	struct rogue r[2];
	uint8_t lan[16];
	sim_start(s, 0);
	for (unsigned i = 0; i < 2; i++) {
		rogue_init(&r[i], s, 70 + i, NULL);
		r[i].addr.ip[3] = 9;
		rogue_dial(&r[i], 0);
		rogue_hello(&r[i]);
	}
	hash_one("p2pmsg-convid-v1", slice_str("#lan"), lan, sizeof lan);
	for (unsigned i = 0; i < 1000; i++) { /* a flood, far over its own limit */
		struct msg m = rogue_text(&r[0], 0, "flood");
		m.u.text.conv = slice_of(lan, sizeof lan);
		rogue_send(&r[0], &m);
		if (i % 50 != 49)
			continue;
		m = rogue_text(&r[1], 0, "honest");
		m.u.text.conv = slice_of(lan, sizeof lan);
		rogue_send(&r[1], &m);
	}
	print_message("honest %u of 20, flood %u\n", sim_saw(s, 0, "honest"),
		      sim_saw(s, 0, "flood"));
	assert_in_range(sim_saw(s, 0, "flood"), 1, 30);
	assert_in_range(sim_saw(s, 0, "honest"), 15, 20);
	for (unsigned i = 0; i < 2; i++)
		rogue_end(&r[i]);
	sim_free(s);
}

/* ---- messages that are refused for now ---- */

static void patience_asked_twice_is_the_shorter_one_each(void **state)
{
	(void)state;
	struct sim *s = sim_new(18, 1);
	struct rogue r;
	char id[NODE_ID_COMPACT_BYTES];
	sim_start(s, 0);
	rogue_meet(&r, s, 80, NULL);
	node_id_compact(identity_node_id(r.identity), id);
	struct command cmd = {.verb = VERB_MSG};
	cmd.u.msg.who = id;
	cmd.u.msg.text = "a";
	static const uint64_t waits[] = {2, 300};
	struct id16 ids[2];
	for (unsigned i = 0; i < 2; i++) {
		sim_submit(s, 0, &cmd);
		sim_run(s, 20);
		ids[i] = r.text_id;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct msg m = {.type = MSG_NACK};
		m.u.nack.has = MSG_HAS(2);
		m.u.nack.target = slice_of(ids[i].b, 16);
		m.u.nack.code = CODE_RATE;
		m.u.nack.retry_s = waits[i];
		rogue_send(&r, &m);
	}
	assert_int_equal(r.n_texts, 2);
	sim_run(s, 3000);
	assert_int_equal(r.n_texts, 3);
	rogue_end(&r);
	sim_free(s);
}

/* ---- devices ---- */

static void messages_of_a_lost_device_go_to_the_other(void **state)
{
	(void)state;
	struct sim *s = sim_new(19, 1);
	struct rogue r, two;
	char id[NODE_ID_COMPACT_BYTES];
	sim_start(s, 0);
	rogue_meet(&r, s, 90, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	rogue_meet(&two, s, 91, second);
	node_id_compact(identity_node_id(r.identity), id);
	struct command cmd = {.verb = VERB_MSG};
	cmd.u.msg.who = id;
	cmd.u.msg.text = "for any of you";
	sim_submit(s, 0, &cmd);
	sim_run(s, 20);
	assert_int_equal(r.n_texts + two.n_texts, 1);
	rogue_hang_up(two.n_texts == 1 ? &two : &r);
	sim_run(s, 50);
	assert_int_equal(r.n_texts + two.n_texts, 2);
	rogue_wipe(&two);
	identity_free(second);
	rogue_end(&r);
	sim_free(s);
}

static void S4_the_session_of_a_removed_device_ends(void **state)
{
	(void)state;
	struct sim *s = sim_new(20, 1);
	struct rogue r, two;
	sim_start(s, 0);
	rogue_meet(&r, s, 95, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	rogue_meet(&two, s, 96, second);
	rogue_devlist(&r, 7, identity_cert(r.identity));
	assert_false(r.is_closed);
	assert_true(two.is_closed);
	assert_int_equal(two.close_code, CODE_UNAUTHORISED);
	rogue_wipe(&two);
	identity_free(second);
	rogue_end(&r);
	sim_free(s);
}

static void a_flood_of_device_lists_is_ended(void **state)
{
	(void)state;
	struct sim *s = sim_new(21, 1);
	struct rogue r;
	sim_start(s, 0);
	rogue_meet(&r, s, 97, NULL);
	for (unsigned i = 0; i < 40 && !r.is_closed; i++)
		rogue_devlist(&r, 7 + i, identity_cert(r.identity));
	assert_true(r.is_closed);
	assert_int_equal(r.close_code, CODE_RATE);
	assert_in_range(sim_node(s, 0)->n_notices, 1, 5);
	rogue_end(&r);
	sim_free(s);
}

static void a_clone_of_one_device_does_not_lock_out_another(void **state)
{
	(void)state;
	enum { CLONES = PROTO_CLONE_BOOTS + 1 };
	struct sim *s = sim_new(22, 1);
	struct rogue r, clones[CLONES], late, two;
	sim_start(s, 0);
	rogue_meet(&r, s, 110, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	for (unsigned i = 0; i < CLONES; i++) { /* each another process */
		rogue_meet(&clones[i], s, 120 + i, r.identity);
	}
	assert_int_equal(sim_node(s, 0)->n_alarms, 1);
	assert_true(clones[CLONES - 1].is_closed);
	rogue_init(&late, s, 130, r.identity);
	rogue_dial(&late, 0);
	assert_int_equal(late.n_hellos, 0); /* it did not come so far */
	assert_true(late.is_closed);
	assert_int_equal(late.close_code, CODE_DUPLICATE);
	rogue_meet(&two, s, 140, second);
	assert_true(two.is_up);
	assert_false(two.is_closed);
	for (unsigned i = 0; i < CLONES; i++)
		rogue_wipe(&clones[i]);
	rogue_wipe(&late);
	rogue_wipe(&two);
	identity_free(second);
	rogue_end(&r);
	sim_free(s);
}

/* ---- names ---- */

static void rename_to(struct sim *s, unsigned i, const char *nick)
{
	struct command cmd = {.verb = VERB_NICK};
	cmd.u.nick.nick = nick;
	sim_submit(s, i, &cmd);
	sim_run(s, 15000);
}

static void the_name_of_a_contact_cannot_be_taken_over(void **state)
{
	(void)state;
	struct sim *s = sim_meet(23, 4);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_MSG, "n1", "first contact", NULL, 100);
	rename_to(s, 1, "robert");
	desk_ask(&d, VERB_MSG, "n1", "still you", NULL, 100);
	assert_int_equal(sim_saw(s, 1, "still you"), 1);
	rename_to(s, 2, "n1");
	desk_ask(&d, VERB_MSG, "n1", "which one?", NULL, 100);
	assert_int_equal(d.status, 2);
	char part[16];
	for (unsigned i = 1; i < 3; i++) {
		snprintf(part, sizeof part, "%.12s", sim_node(s, i)->id);
		assert_non_null(strstr(d.text, part));
	}
	assert_int_equal(sim_node(s, 2)->n_texts, 0);
	sim_free(s);
}

static void a_crowd_of_namesakes_does_not_hide_the_contact(void **state)
{
	(void)state;
	enum { CROWD = 14 };
	struct sim *s = sim_meet(24, CROWD);
	struct desk d;
	char name[32], part[16];
	desk_open(&d, s);
	snprintf(name, sizeof name, "n%u", CROWD - 1);
	desk_ask(&d, VERB_MSG, name, "first contact", NULL, 100);
	for (unsigned i = 1; i < CROWD - 1; i++) {
		struct command cmd = {.verb = VERB_NICK};
		cmd.u.nick.nick = name;
		sim_submit(s, i, &cmd);
	}
	sim_run(s, 15000);
	desk_ask(&d, VERB_MSG, name, "you", NULL, 100);
	assert_int_equal(d.status, 2);
	snprintf(part, sizeof part, "%.12s", sim_node(s, CROWD - 1)->id);
	assert_non_null(strstr(d.text, part));
	/* a nick that looks like name~id makes the lookup stop, never go wrong */
	snprintf(name, sizeof name, "n%u~%.4s", CROWD - 1, sim_node(s, CROWD - 1)->id);
	rename_to(s, 1, name);
	desk_ask(&d, VERB_MSG, name, "you", NULL, 100);
	assert_int_equal(d.status, 2);
	assert_int_equal(sim_saw(s, 1, "you"), 0);
	sim_free(s);
}

static void adding_oneself_is_refused(void **state)
{
	(void)state;
	struct sim *s = sim_meet(25, 1);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_ADD, "10.0.0.9", sim_node(s, 0)->id, NULL, 10);
	assert_int_equal(d.status, 1);
	assert_non_null(strstr(d.text, "your own"));
	sim_free(s);
}

/* ---- events ---- */

static void a_long_name_is_cut_between_letters(void **state)
{
	(void)state;
	struct sim *s = sim_meet(35, 2);
	struct desk d;
	char name[4 * 400 + 1];
	sim_run(s, 6000);
	desk_open(&d, s);
	for (unsigned shift = 0; shift < 4; shift++) {
		memset(name, 'x', shift);
		for (unsigned i = 0; i < 399; i++)
			memcpy(name + shift + 4 * i, "\xf0\x9f\x98\x80", 5);
		desk_ask(&d, VERB_WHOIS, name, NULL, NULL, 10);
		assert_int_equal(d.status, 2);
		assert_true(text_is_utf8(slice_str(d.text)));
		desk_ask(&d, VERB_PING, sim_node(s, 1)->id, name, NULL, 10);
		assert_int_equal(d.status, 1);
		assert_true(text_is_utf8(slice_str(d.text)));
	}
	sim_free(s);
}

static void long_texts_do_not_fill_the_memory(void **state)
{
	(void)state;
	struct sim *s = sim_meet(26, 2);
	struct desk d;
	char *big = mem_new(PROTO_TEXT_BYTES + 1);
	memset(big, 'x', PROTO_TEXT_BYTES);
	sim_keep_texts(s, false);
	sim_say(s, 0, 1, "contact");
	for (unsigned i = 0; i < 1500; i++) {
		sim_say(s, 1, 0, big);
		if (i % 100 == 0)
			sim_run(s, 50);
	}
	sim_run(s, 1000);
	assert_int_equal(sim_node(s, 0)->n_texts, 1500);
	desk_open(&d, s);
	desk_ask(&d, VERB_EVENTS, "1", NULL, NULL, 10);
	assert_int_equal(d.counts[EVENT_LAGGED], 1);
	assert_in_range(d.counts[EVENT_MESSAGE], 400, 530);
	mem_free(big);
	sim_free(s);
}

static void a_front_end_that_closes_during_the_replay_gets_no_more(void **state)
{
	(void)state;
	struct sim *s = sim_meet(36, 4);
	struct desk d;
	desk_open(&d, s);
	d.closes_at_once = true;
	desk_ask(&d, VERB_EVENTS, "0", NULL, NULL, 100);
	unsigned n = 0;
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		n += d.counts[i];
	assert_int_equal(n, 1);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgotten_in_the_tick_of_the_loss),
		cmocka_unit_test(two_sessions_of_one_peer_end_in_one_tick),
		cmocka_unit_test(a_peer_forgotten_while_traced_can_be_traced_again),
		cmocka_unit_test(front_ends_that_close_while_much_is_open),
		cmocka_unit_test(commands_that_wait_are_bounded),
		cmocka_unit_test(lan_keeps_its_order_beyond_the_rate),
		cmocka_unit_test(lan_of_a_neighbour_behind_the_same_address),
		cmocka_unit_test(patience_asked_twice_is_the_shorter_one_each),
		cmocka_unit_test(messages_of_a_lost_device_go_to_the_other),
		cmocka_unit_test(S4_the_session_of_a_removed_device_ends),
		cmocka_unit_test(a_flood_of_device_lists_is_ended),
		cmocka_unit_test(a_clone_of_one_device_does_not_lock_out_another),
		cmocka_unit_test(the_name_of_a_contact_cannot_be_taken_over),
		cmocka_unit_test(a_crowd_of_namesakes_does_not_hide_the_contact),
		cmocka_unit_test(adding_oneself_is_refused),
		cmocka_unit_test(a_long_name_is_cut_between_letters),
		cmocka_unit_test(long_texts_do_not_fill_the_memory),
		cmocka_unit_test(a_front_end_that_closes_during_the_replay_gets_no_more),
	};
	return cmocka_run_group_tests_name("attack", tests, NULL, NULL);
}
