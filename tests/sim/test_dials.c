/* How often one core dials, and whom it hears of: rumours, floods, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/desk.h"
#include "lib/rogue.h"

/* ---- dials a minute ---- */

static void expect_dials(struct sim *s, const char *what, uint64_t ms, unsigned max)
{
	unsigned before = sim_node(s, 0)->n_dials;
	sim_run(s, ms);
	unsigned n = sim_node(s, 0)->n_dials - before;
	print_message("%s: %u dials\n", what, n);
	assert_in_range(n, 0, max);
}

static void dials_of_a_refused_port_back_off(void **state)
{
	(void)state;
	struct sim *s = sim_new(6, 2);
	sim_start(s, 0);
	sim_tell(s, 0, 1);
	expect_dials(s, "refused, never proved, first minute", 60000, 10);
	expect_dials(s, "refused, never proved, later minute", 60000, 2);
	sim_start(s, 1);
	sim_run(s, 61000);
	assert_int_equal(sim_links(s, 0), 1);
	sim_say(s, 0, 1, "a contact now");
	sim_run(s, 100);
	sim_stop(s, 1, true);
	expect_dials(s, "refused, proved, first minute", 60000, 14);
	expect_dials(s, "refused, proved, later minute", 60000, 6);
	sim_free(s);
}

static void dials_of_an_instance_that_comes_and_goes(void **state)
{
	(void)state;
	struct sim *s = sim_meet(7, 2);
	struct sighting sight = {.source = SIGHTING_MDNS, .has_id = true, .ifindex = 2};
	sim_stop(s, 1, true);
	sim_run(s, 1000);
	sight.id = *identity_node_id(sim_node(s, 1)->identity);
	sight.addr = sim_node(s, 1)->addr;
	unsigned before = sim_node(s, 0)->n_dials;
	for (unsigned i = 0; i < 6000; i++) {
		snprintf(sight.instance, sizeof sight.instance, "%x", i);
		sight.is_gone = false;
		core_sighting(sim_node(s, 0)->core, &sight);
		sim_run(s, 5);
		sight.is_gone = true;
		core_sighting(sim_node(s, 0)->core, &sight);
		sim_run(s, 5);
	}
	assert_in_range(sim_node(s, 0)->n_dials - before, 1, 65);
	sim_free(s);
}

static void dials_of_a_peer_that_ends_each_session(void **state)
{
	(void)state;
	static const uint16_t codes[] = {CODE_OK,	    CODE_DUPLICATE, CODE_SHUTDOWN,
					 CODE_UNAUTHORISED, CODE_RATE,	    77};
	for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
		struct sim *s = sim_new(8, 1);
		struct rogue r;
		char what[64];
		sim_start(s, 0);
		rogue_init(&r, s, 40 + i, NULL);
		r.is_rude = true;
		r.rude_code = codes[i];
		rogue_announce(&r, 0, NULL);
		assert_true(r.n_dialled > 0);
		snprintf(what, sizeof what, "CLOSE %u, first minute", codes[i]);
		expect_dials(s, what, 60000, 12);
		snprintf(what, sizeof what, "CLOSE %u, later minute", codes[i]);
		expect_dials(s, what, 60000, 4);
		rogue_end(&r);
		sim_free(s);
	}
}

static void dials_of_a_peer_whose_certificate_is_refused(void **state)
{
	(void)state;
	struct sim *s = sim_new(9, 1);
	struct rogue r;
	sim_start(s, 0);
	rogue_meet(&r, s, 50, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	rogue_devlist(&r, 3, identity_cert(second));
	assert_int_equal(r.close_code, CODE_UNAUTHORISED);
	rogue_hang_up(&r);
	rogue_announce(&r, 0, NULL);
	expect_dials(s, "certificate not in the list", 60000, 3);
	identity_free(second);
	rogue_end(&r);
	sim_free(s);
}

static void dials_of_a_wrong_id_back_off(void **state)
{
	(void)state;
	struct sim *s = sim_new(10, 1);
	struct rogue r;
	struct id32 claim = {{1, 2, 3}};
	sim_start(s, 0);
	rogue_init(&r, s, 60, NULL);
	rogue_announce(&r, 0, &claim);
	assert_true(r.n_dialled > 0);
	expect_dials(s, "wrong id, first minute", 60000, 8);
	expect_dials(s, "wrong id, later minute", 60000, 2);
	rogue_end(&r);
	sim_free(s);
}

static void on_other_version(void *ctx, struct slice bytes, bool is_eof)
{
	struct sim_raw **raw = ctx;
	if (is_eof || bytes.n == 0)
		return;
	sim_raw_send(*raw, slice_of("P2PE\x02\x03\x02\0\0\0\0\0", 12));
	sim_raw_close(*raw);
}

static sim_raw_fn *open_other_version(void *ctx, struct sim_raw *r, void **fn_ctx)
{
	struct sim_raw **raw = ctx;
	*raw = r;
	*fn_ctx = raw;
	return on_other_version;
}

static void dials_of_another_version_back_off(void **state)
{
	(void)state;
	struct sim *s = sim_new(11, 1);
	struct sim_raw *raw = NULL;
	struct sighting sight = {.source = SIGHTING_MDNS, .has_id = true, .ifindex = 2};
	sim_start(s, 0);
	sight.id.b[0] = 9;
	sight.addr = (struct addr){.family = ADDR_IP4, .port = 7117};
	sight.addr.ip[0] = 10;
	sight.addr.ip[1] = 99;
	sim_raw_listen(s, &sight.addr, open_other_version, &raw);
	core_sighting(sim_node(s, 0)->core, &sight);
	expect_dials(s, "another version, first minute", 60000, 8);
	expect_dials(s, "another version, later minute", 60000, 2);
	assert_in_range(sim_node(s, 0)->n_notices, 1, 1);
	sim_free(s);
}

/* ---- sightings ---- */

static struct sighting rumour(unsigned i)
{
	struct sighting s = {.source = SIGHTING_MDNS, .has_id = true, .ifindex = 2};
	s.id.b[0] = (uint8_t)i;
	s.id.b[1] = (uint8_t)(i >> 8);
	s.id.b[2] = (uint8_t)(i >> 16);
	s.id.b[3] = 1;
	s.addr = (struct addr){.family = ADDR_IP4, .port = 7117};
	s.addr.ip[0] = 10;
	s.addr.ip[1] = 77;
	s.addr.ip[2] = (uint8_t)(i >> 8);
	s.addr.ip[3] = (uint8_t)i;
	snprintf(s.instance, sizeof s.instance, "r%u", i);
	return s;
}

static void D2_a_flood_of_sightings_is_bounded_and_hides_nobody(void **state)
{
	(void)state;
	struct sim *s = sim_new(12, 2);
	struct desk d;
	sim_start(s, 0);
	sim_start(s, 1);
	desk_open(&d, s);
	for (unsigned i = 0; i < 20000; i++) {
		struct sighting r = rumour(i);
		core_sighting(sim_node(s, 0)->core, &r);
		if (i % 50 == 0)
			sim_run(s, 20);
		if (i == 10000) {
			sim_tell(s, 0, 1);
			sim_tell(s, 1, 0);
		}
	}
	sim_run(s, 5000);
	assert_int_equal(sim_links(s, 0), 1);
	desk_ask(&d, VERB_PEERS, NULL, NULL, NULL, 10);
	assert_in_range(d.counts[EVENT_PERSON], 1, 2100);
	desk_ask(&d, VERB_EVENTS, "0", NULL, NULL, 10);
	assert_true(d.counts[EVENT_PEER] < 2048); /* the ring was not washed out */
	assert_int_equal(d.counts[EVENT_LAGGED], 0);
	sim_free(s);
}

/* 500 a second for 10 s, at hosts of which none answers. In the midst of it the
 * flooded one, and only that one, hears of node 1. Returns the seconds until found. */
static double found_in_flood(struct sim *s)
{
	for (unsigned i = 0; i < 20000; i++) {
		struct sighting r = rumour(i);
		r.addr.ip[2] = 0;
		r.addr.ip[3] = (uint8_t)(100 + i % 100);
		r.addr.port = (uint16_t)(2000 + i);
		if (i < 5000)
			core_sighting(sim_node(s, 0)->core, &r);
		if (i == 1000)
			sim_tell(s, 0, 1);
		sim_run(s, 2);
		if (sim_links(s, 0) == 1)
			return (i - 1000) * 0.002;
	}
	return 1000;
}

static struct sim *start_flood(uint64_t seed)
{
	struct sim *s = sim_new(seed, 2);
	sim_dead_hosts(s);
	sim_start(s, 0);
	sim_start(s, 1);
	return s;
}

static void D2_a_new_host_is_found_in_the_flood(void **state)
{
	(void)state;
	struct sim *s = start_flood(34);
	assert_true(found_in_flood(s) < 1.5); /* one of the dials has ended */
	sim_free(s);
}

/* False announcements of its own host have made that older than the others. They have
 * their chance, two dials each, and then stand behind. */
static void D2_a_slandered_host_is_found_after_the_others(void **state)
{
	(void)state;
	struct sim *s = start_flood(35);
	for (unsigned i = 0; i < 50; i++) {
		struct sighting r = rumour(30000 + i);
		r.addr = sim_node(s, 1)->addr;
		r.addr.port = (uint16_t)(2000 + i);
		core_sighting(sim_node(s, 0)->core, &r);
	}
	assert_true(found_in_flood(s) < 100 * 2 * 1.2 / 8 + 2);
	sim_free(s);
}

static void a_real_peer_gets_in_where_only_made_up_ones_are_known(void **state)
{
	(void)state;
	struct sim *s = sim_new(33, 2);
	struct rogue r;
	sim_start(s, 0);
	for (unsigned i = 0; i < 12000; i++) {
		struct sighting one = rumour(i);
		one.addr.ip[0] = 172; /* not on link: they stay */
		one.ifindex = 2 + i / 2000;
		core_sighting(sim_node(s, 0)->core, &one);
	}
	rogue_meet(&r, s, 150, NULL);
	assert_int_equal(r.n_hellos, 1);
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 5000);
	assert_int_equal(sim_links(s, 0), 2);
	rogue_end(&r);
	sim_free(s);
}

/* Strangers that come, leave an address and go: each is worth a few dials, and none
 * is remembered for ever. */
static void strangers_that_come_once_are_forgotten(void **state)
{
	(void)state;
	enum { STRANGERS = 300 };
	struct sim *s = sim_new(34, 1);
	struct desk d;
	sim_start(s, 0);
	desk_open(&d, s);
	for (unsigned i = 0; i < STRANGERS; i++) {
		struct rogue r;
		rogue_init(&r, s, 1000 + i, NULL);
		rogue_dial(&r, 0);
		struct msg m = {.type = MSG_HELLO};
		const struct devlist *l = identity_devlist(r.identity);
		m.u.hello.has = MSG_HAS(3) | MSG_HAS(5);
		m.u.hello.nick = slice_str("once");
		m.u.hello.devlist = slice_of(l->raw, l->raw_len);
		m.u.hello.port = 2000 + i;
		rogue_send(&r, &m);
		rogue_end(&r);
	}
	unsigned before = sim_node(s, 0)->n_dials;
	sim_run(s, 600 * 1000);
	assert_in_range(sim_node(s, 0)->n_dials - before, 1, STRANGERS * 12);
	before = sim_node(s, 0)->n_dials;
	sim_run(s, 600 * 1000);
	assert_int_equal(sim_node(s, 0)->n_dials, before);
	desk_ask(&d, VERB_PEERS, NULL, NULL, NULL, 10);
	assert_int_equal(d.counts[EVENT_PERSON], 0);
	sim_free(s);
}

static void many_addresses_of_one_peer_are_bounded(void **state)
{
	(void)state;
	struct sim *s = sim_meet(13, 2);
	struct desk d;
	desk_open(&d, s);
	struct sighting r = rumour(1);
	r.id = *identity_node_id(sim_node(s, 1)->identity);
	for (unsigned i = 0; i < 20000; i++) {
		r.addr.port = (uint16_t)(2000 + i);
		core_sighting(sim_node(s, 0)->core, &r);
	}
	sim_stop(s, 1, true);
	unsigned before = sim_node(s, 0)->n_dials;
	sim_run(s, 10000);
	assert_in_range(sim_node(s, 0)->n_dials - before, 1, 120);
	sim_start(s, 1);
	sim_run(s, 30000);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void the_goodbye_of_an_old_instance_leaves_the_new_one(void **state)
{
	(void)state;
	struct sim *s = sim_new(14, 2);
	struct sighting r = rumour(1);
	sim_start(s, 0);
	r.id = *identity_node_id(sim_node(s, 1)->identity);
	r.addr = sim_node(s, 1)->addr;
	snprintf(r.instance, sizeof r.instance, "old");
	core_sighting(sim_node(s, 0)->core, &r);
	snprintf(r.instance, sizeof r.instance, "new");
	core_sighting(sim_node(s, 0)->core, &r);
	snprintf(r.instance, sizeof r.instance, "old");
	r.is_gone = true;
	core_sighting(sim_node(s, 0)->core, &r);
	sim_start(s, 1);
	sim_run(s, 5000);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void a_peer_given_by_hand_stays_when_mdns_says_goodbye(void **state)
{
	(void)state;
	struct sim *s = sim_new(15, 2);
	struct sighting r = rumour(1);
	sim_start(s, 0);
	r.id = *identity_node_id(sim_node(s, 1)->identity);
	r.addr = sim_node(s, 1)->addr;
	r.source = SIGHTING_FIXED;
	core_sighting(sim_node(s, 0)->core, &r);
	r.source = SIGHTING_MDNS;
	core_sighting(sim_node(s, 0)->core, &r);
	r.is_gone = true;
	core_sighting(sim_node(s, 0)->core, &r);
	sim_start(s, 1);
	sim_run(s, 5000);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

/* An address is no key: whoever answers there has merely connected. */
static void only_a_peer_given_with_its_id_is_a_contact(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool has_id = i % 2 == 1, is_given_late = i >= 2;
		struct sim *s = sim_new(61 + i, 2);
		struct sighting r = rumour(1);
		struct desk d;
		sim_start(s, 0);
		sim_start(s, 1);
		if (is_given_late) { /* it is known already */
			sim_tell(s, 0, 1);
			sim_run(s, 5000);
		}
		r.has_id = has_id;
		r.id = has_id ? *identity_node_id(sim_node(s, 1)->identity)
			      : (struct id32){{0}};
		r.addr = sim_node(s, 1)->addr;
		r.source = SIGHTING_FIXED;
		core_sighting(sim_node(s, 0)->core, &r);
		sim_run(s, 5000);
		desk_open(&d, s);
		desk_ask(&d, VERB_WHOIS, "n1", NULL, NULL, 10);
		assert_non_null(strstr(d.row, has_id ? " contact" : " unverified"));
		sim_free(s);
	}
}

/* Nobody's own network changes but the other one's; it is announced there. */
static void a_peer_that_moved_is_found_where_it_is(void **state)
{
	(void)state;
	struct sim *s = sim_meet(37, 2);
	sim_run(s, 20000);
	for (unsigned i = 0; i < 3; i++) {
		sim_break(s, 0, 1);
		sim_node(s, 1)->addr.ip[3] = (uint8_t)(99 + i);
		sim_say(s, 0, 1, "you moved");
		sim_tell(s, 0, 1);
		sim_run(s, 6000);
		assert_int_equal(sim_saw(s, 1, "you moved"), i + 1);
		sim_run(s, 20000);
	}
	sim_free(s);
}

/* Announcing it elsewhere does no harm to one that stays. */
static void a_lie_about_an_address_costs_a_ping(void **state)
{
	(void)state;
	struct sim *s = sim_meet(38, 2);
	sim_run(s, 20000);
	uint64_t before = sim_bytes(s);
	for (unsigned i = 0; i < 1000; i++) {
		struct sighting lie = rumour(i);
		lie.id = *identity_node_id(sim_node(s, 1)->identity);
		core_sighting(sim_node(s, 0)->core, &lie);
		sim_run(s, 10);
	}
	sim_run(s, 6000);
	assert_int_equal(sim_node(s, 0)->n_offline, 0);
	assert_true(sim_bytes(s) - before < 2000);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dials_of_a_refused_port_back_off),
		cmocka_unit_test(dials_of_an_instance_that_comes_and_goes),
		cmocka_unit_test(dials_of_a_peer_that_ends_each_session),
		cmocka_unit_test(dials_of_a_peer_whose_certificate_is_refused),
		cmocka_unit_test(dials_of_a_wrong_id_back_off),
		cmocka_unit_test(dials_of_another_version_back_off),
		cmocka_unit_test(D2_a_flood_of_sightings_is_bounded_and_hides_nobody),
		cmocka_unit_test(D2_a_new_host_is_found_in_the_flood),
		cmocka_unit_test(D2_a_slandered_host_is_found_after_the_others),
		cmocka_unit_test(a_real_peer_gets_in_where_only_made_up_ones_are_known),
		cmocka_unit_test(strangers_that_come_once_are_forgotten),
		cmocka_unit_test(many_addresses_of_one_peer_are_bounded),
		cmocka_unit_test(a_peer_that_moved_is_found_where_it_is),
		cmocka_unit_test(a_lie_about_an_address_costs_a_ping),
		cmocka_unit_test(the_goodbye_of_an_old_instance_leaves_the_new_one),
		cmocka_unit_test(only_a_peer_given_with_its_id_is_a_contact),
		cmocka_unit_test(a_peer_given_by_hand_stays_when_mdns_says_goodbye),
	};
	return cmocka_run_group_tests_name("dials", tests, NULL, NULL);
}
