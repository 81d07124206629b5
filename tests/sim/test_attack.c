/* What a hostile peer, a bad network or an impatient program can do to one core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "lib/rogue.h"

/* A front end of its own, that counts and can act on what it sees. */
struct desk {
	struct sim *s;
	struct front_port port;
	unsigned counts[EVENT_COUNT];
	unsigned status;
	char text[1024];
	uint64_t first_cursor, tag;
	const char *forget_when_offline;
	bool closes_at_once;
};

static void on_event(void *ctx, const struct event *ev)
{
	struct desk *d = ctx;
	d->counts[ev->type]++;
	if (d->closes_at_once)
		d->port.ops->close(d->port.impl);
	if (ev->cursor != 0 && d->first_cursor == 0)
		d->first_cursor = ev->cursor;
	if (ev->type == EVENT_ERROR) {
		d->status = (unsigned)ev->u.error.status;
		snprintf(d->text, sizeof d->text, "%s", ev->u.error.text);
	}
	if (ev->type != EVENT_PEER || d->forget_when_offline == NULL ||
	    strcmp(ev->u.peer.state, "offline") != 0)
		return;
	struct command cmd = {.verb = VERB_FORGET};
	cmd.u.forget.who = d->forget_when_offline;
	d->port.ops->submit(d->port.impl, &cmd);
}

static void desk_open(struct desk *d, struct sim *s)
{
	*d = (struct desk){.s = s};
	struct front_source src = core_front_source(sim_node(s, 0)->core);
	assert_int_equal(src.open(src.ctx, on_event, d, &d->port), ERR_OK);
}

static void ask(struct desk *d, enum verb verb, const char *a, const char *b, uint64_t ms)
{
	struct command cmd = {.verb = verb, .tag = ++d->tag};
	cmd.u.arg[0] = a;
	cmd.u.arg[1] = b;
	memset(d->counts, 0, sizeof d->counts);
	d->status = 0;
	d->text[0] = '\0';
	d->port.ops->submit(d->port.impl, &cmd);
	if (ms > 0)
		sim_run(d->s, ms);
}

static struct sim *meet(uint64_t seed, unsigned n)
{
	struct sim *s = sim_new(seed, n);
	for (unsigned i = 0; i < n; i++)
		sim_start(s, i);
	for (unsigned i = 0; i < n; i++)
		sim_announce(s, i);
	sim_run(s, 2000);
	return s;
}

static void rogue_end(struct rogue *r)
{
	struct identity *id = r->identity;
	rogue_wipe(r);
	identity_free(id);
}

/* ---- lifetimes ---- */

static void forgotten_in_the_tick_of_the_loss(void **state)
{
	(void)state;
	struct sim *s = meet(1, 2);
	struct desk d;
	desk_open(&d, s);
	ask(&d, VERB_EVENTS, NULL, NULL, 10);
	sim_run(s, 6000); /* a young node would wait for the name */
	d.forget_when_offline = sim_node(s, 1)->id;
	sim_stop(s, 1, true);
	sim_run(s, 100);
	ask(&d, VERB_WHOIS, sim_node(s, 1)->id, NULL, 10);
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
	rogue_init(&r, s, 5, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	rogue_init(&two, s, 6, second);
	rogue_dial(&r, 0);
	rogue_hello(&r);
	rogue_dial(&two, 0);
	rogue_hello(&two);
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
	struct sim *s = meet(3, 2);
	struct desk d, other;
	const char *id = sim_node(s, 1)->id;
	desk_open(&d, s);
	desk_open(&other, s);
	ask(&d, VERB_TRACE, id, "on", 10);
	ask(&other, VERB_TRACE, id, "on", 10);
	assert_int_equal(d.counts[EVENT_DONE], 0);
	sim_stop(s, 1, true);
	sim_run(s, 100);
	ask(&d, VERB_FORGET, id, NULL, 10);
	assert_int_equal(d.counts[EVENT_DONE], 2); /* of the trace, and of forget */
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 3000);
	ask(&other, VERB_TRACE, id, "off", 10);
	ask(&d, VERB_TRACE, id, "on", 10);
	ask(&d, VERB_TRACE, id, "off", 10);
	assert_int_equal(d.counts[EVENT_DONE], 2);
	sim_stop(s, 1, true);
	sim_run(s, 100);
	ask(&d, VERB_FORGET, id, NULL, 10);
	assert_int_equal(d.counts[EVENT_DONE], 1);
	sim_free(s);
}

static void front_ends_that_close_while_much_is_open(void **state)
{
	(void)state;
	struct sim *s = meet(4, 3);
	struct desk d[20];
	for (unsigned i = 0; i < 20; i++) {
		desk_open(&d[i], s);
		ask(&d[i], VERB_EVENTS, "0", NULL, 0);
		ask(&d[i], VERB_TRACE, "all", "on", 0);
		ask(&d[i], VERB_PING, sim_node(s, 1)->id, "5", 0);
		ask(&d[i], VERB_MSG, "nobody of this name", "x", 0);
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
	struct sim *s = meet(5, 1);
	struct desk d;
	desk_open(&d, s);
	for (unsigned i = 0; i < 5000; i++)
		ask(&d, VERB_PEERS, "1000", NULL, 0);
	sim_run(s, 10);
	assert_int_equal(d.counts[EVENT_ERROR], 5000 - 4096);
	assert_int_equal(d.status, 5);
	sim_run(s, 1001 * 1000);
	assert_int_equal(d.counts[EVENT_DONE], 4096);
	sim_free(s);
}

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
	struct sim *s = meet(7, 2);
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
	rogue_init(&r, s, 50, NULL);
	rogue_dial(&r, 0);
	rogue_hello(&r);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	const struct cert *only[] = {identity_cert(second)};
	struct devlist l;
	identity_sign_devlist(r.identity, 3, only, 1, &l);
	struct msg m = {.type = MSG_DEVLIST};
	m.u.devlist.list = slice_of(l.raw, l.raw_len);
	rogue_send(&r, &m);
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
	ask(&d, VERB_PEERS, NULL, NULL, 10);
	assert_in_range(d.counts[EVENT_PERSON], 1, 2100);
	ask(&d, VERB_EVENTS, "0", NULL, 10);
	assert_true(d.counts[EVENT_PEER] < 2048); /* the ring was not washed out */
	assert_int_equal(d.counts[EVENT_LAGGED], 0);
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
	rogue_init(&r, s, 150, NULL);
	rogue_dial(&r, 0);
	rogue_hello(&r);
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
	ask(&d, VERB_PEERS, NULL, NULL, 10);
	assert_int_equal(d.counts[EVENT_PERSON], 0);
	sim_free(s);
}

static void many_addresses_of_one_peer_are_bounded(void **state)
{
	(void)state;
	struct sim *s = meet(13, 2);
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

/* ---- #lan ---- */

static void lan_keeps_its_order_beyond_the_rate(void **state)
{
	(void)state;
	struct sim *s = meet(16, 3);
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
	rogue_init(&r, s, 80, NULL);
	rogue_dial(&r, 0);
	rogue_hello(&r);
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
	rogue_init(&r, s, 90, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	rogue_init(&two, s, 91, second);
	rogue_dial(&r, 0);
	rogue_hello(&r);
	rogue_dial(&two, 0);
	rogue_hello(&two);
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
	rogue_init(&r, s, 95, NULL);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	rogue_init(&two, s, 96, second);
	rogue_dial(&r, 0);
	rogue_hello(&r);
	rogue_dial(&two, 0);
	rogue_hello(&two);
	const struct cert *only[] = {identity_cert(r.identity)};
	struct devlist l;
	identity_sign_devlist(r.identity, 7, only, 1, &l);
	struct msg m = {.type = MSG_DEVLIST};
	m.u.devlist.list = slice_of(l.raw, l.raw_len);
	rogue_send(&r, &m);
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
	rogue_init(&r, s, 97, NULL);
	rogue_dial(&r, 0);
	rogue_hello(&r);
	const struct cert *only[] = {identity_cert(r.identity)};
	for (unsigned i = 0; i < 40 && !r.is_closed; i++) {
		struct devlist l;
		identity_sign_devlist(r.identity, 7 + i, only, 1, &l);
		struct msg m = {.type = MSG_DEVLIST};
		m.u.devlist.list = slice_of(l.raw, l.raw_len);
		rogue_send(&r, &m);
	}
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
	rogue_init(&r, s, 110, NULL);
	rogue_dial(&r, 0);
	rogue_hello(&r);
	struct identity *second = identity_new_device(r.identity, &r.rng.rng);
	for (unsigned i = 0; i < CLONES; i++) { /* each another process */
		rogue_init(&clones[i], s, 120 + i, r.identity);
		rogue_dial(&clones[i], 0);
		rogue_hello(&clones[i]);
	}
	assert_int_equal(sim_node(s, 0)->n_alarms, 1);
	assert_true(clones[CLONES - 1].is_closed);
	rogue_init(&late, s, 130, r.identity);
	rogue_dial(&late, 0);
	assert_int_equal(late.n_hellos, 0); /* it did not come so far */
	assert_true(late.is_closed);
	assert_int_equal(late.close_code, CODE_DUPLICATE);
	rogue_init(&two, s, 140, second);
	rogue_dial(&two, 0);
	rogue_hello(&two);
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
	struct sim *s = meet(23, 4);
	struct desk d;
	desk_open(&d, s);
	ask(&d, VERB_MSG, "n1", "first contact", 100);
	rename_to(s, 1, "robert");
	ask(&d, VERB_MSG, "n1", "still you", 100);
	assert_int_equal(sim_saw(s, 1, "still you"), 1);
	rename_to(s, 2, "n1");
	ask(&d, VERB_MSG, "n1", "which one?", 100);
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
	struct sim *s = meet(24, CROWD);
	struct desk d;
	char name[32], part[16];
	desk_open(&d, s);
	snprintf(name, sizeof name, "n%u", CROWD - 1);
	ask(&d, VERB_MSG, name, "first contact", 100);
	for (unsigned i = 1; i < CROWD - 1; i++) {
		struct command cmd = {.verb = VERB_NICK};
		cmd.u.nick.nick = name;
		sim_submit(s, i, &cmd);
	}
	sim_run(s, 15000);
	ask(&d, VERB_MSG, name, "you", 100);
	assert_int_equal(d.status, 2);
	snprintf(part, sizeof part, "%.12s", sim_node(s, CROWD - 1)->id);
	assert_non_null(strstr(d.text, part));
	/* a nick that looks like name~id makes the lookup stop, never go wrong */
	snprintf(name, sizeof name, "n%u~%.4s", CROWD - 1, sim_node(s, CROWD - 1)->id);
	rename_to(s, 1, name);
	ask(&d, VERB_MSG, name, "you", 100);
	assert_int_equal(d.status, 2);
	assert_int_equal(sim_saw(s, 1, "you"), 0);
	sim_free(s);
}

static void adding_oneself_is_refused(void **state)
{
	(void)state;
	struct sim *s = meet(25, 1);
	struct desk d;
	desk_open(&d, s);
	ask(&d, VERB_ADD, "10.0.0.9", sim_node(s, 0)->id, 10);
	assert_int_equal(d.status, 1);
	assert_non_null(strstr(d.text, "your own"));
	sim_free(s);
}

/* ---- events ---- */

static void a_long_name_is_cut_between_letters(void **state)
{
	(void)state;
	struct sim *s = meet(35, 2);
	struct desk d;
	char name[4 * 400 + 1];
	sim_run(s, 6000);
	desk_open(&d, s);
	for (unsigned shift = 0; shift < 4; shift++) {
		memset(name, 'x', shift);
		for (unsigned i = 0; i < 399; i++)
			memcpy(name + shift + 4 * i, "\xf0\x9f\x98\x80", 5);
		ask(&d, VERB_WHOIS, name, NULL, 10);
		assert_int_equal(d.status, 2);
		assert_true(text_is_utf8(slice_str(d.text)));
		ask(&d, VERB_PING, sim_node(s, 1)->id, name, 10);
		assert_int_equal(d.status, 1);
		assert_true(text_is_utf8(slice_str(d.text)));
	}
	sim_free(s);
}

static void long_texts_do_not_fill_the_memory(void **state)
{
	(void)state;
	struct sim *s = meet(26, 2);
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
	ask(&d, VERB_EVENTS, "1", NULL, 10);
	assert_int_equal(d.counts[EVENT_LAGGED], 1);
	assert_in_range(d.counts[EVENT_MESSAGE], 400, 530);
	mem_free(big);
	sim_free(s);
}

static void a_front_end_that_closes_during_the_replay_gets_no_more(void **state)
{
	(void)state;
	struct sim *s = meet(36, 4);
	struct desk d;
	desk_open(&d, s);
	d.closes_at_once = true;
	ask(&d, VERB_EVENTS, "0", NULL, 100);
	unsigned n = 0;
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		n += d.counts[i];
	assert_int_equal(n, 1);
	sim_free(s);
}

/* ---- time ---- */

static void a_ping_that_waits_does_not_overtake_the_hello(void **state)
{
	(void)state;
	struct sim *s = sim_new(28, 2);
	struct desk d;
	sim_start(s, 0);
	sim_start(s, 1);
	desk_open(&d, s);
	ask(&d, VERB_PING, "n1", "5", 10);
	for (unsigned i = 0; i < 2; i++) {
		sim_tell(s, !i, i); /* the other one dials */
		sim_run(s, 1000);
	}
	assert_int_equal(d.counts[EVENT_PONG], 1);
	assert_int_equal(sim_node(s, 0)->n_online, 1);
	assert_int_equal(sim_node(s, 0)->n_offline, 0);
	sim_free(s);
}

static void C5_suspend_of_an_hour_loses_nothing(void **state)
{
	(void)state;
	struct sim *s = meet(29, 2);
	sim_say(s, 0, 1, "before");
	sim_say(s, 1, 0, "before");
	sim_run(s, 100);
	sim_say(s, 0, 1, "asleep");
	sim_suspend(s, 3600 * 1000);
	sim_say(s, 1, 0, "awake");
	sim_run(s, 10000);
	assert_int_equal(sim_saw(s, 1, "asleep"), 1);
	assert_int_equal(sim_saw(s, 0, "awake"), 1);
	assert_int_equal(sim_links(s, 0), 1);
	sim_free(s);
}

static void C3_jumps_of_the_wall_clock_change_nothing(void **state)
{
	(void)state;
	struct sim *s = meet(30, 2);
	char text[16];
	for (unsigned i = 0; i < 200; i++) {
		sim_wall_jump(s, i % 2 ? -7200000 : 3600000);
		snprintf(text, sizeof text, "w%u", i);
		sim_say(s, 0, 1, text);
		sim_run(s, 1000);
	}
	assert_int_equal(sim_node(s, 1)->n_texts, 200);
	assert_int_equal(sim_node(s, 1)->n_online, 1);
	assert_int_equal(sim_node(s, 1)->n_offline, 0);
	sim_free(s);
}

static void renew(bool is_busy)
{
	struct sim *s = meet(31, 2);
	unsigned before = sim_node(s, 0)->n_dials + sim_node(s, 1)->n_dials;
	for (unsigned i = 0; i < 25 * 60 * 6; i++) {
		if (is_busy) {
			sim_say(s, 0, 1, "busy");
			sim_say(s, 1, 0, "busy");
		}
		sim_run(s, 10000);
	}
	assert_int_equal(sim_node(s, 0)->n_dials + sim_node(s, 1)->n_dials - before, 1);
	assert_int_equal(sim_node(s, 0)->n_online, 1);
	assert_int_equal(sim_node(s, 1)->n_online, 1);
	assert_int_equal(sim_links(s, 0), 1);
	assert_int_equal(sim_node(s, 0)->n_texts, is_busy ? 25 * 60 * 6 : 0);
	sim_free(s);
}

static void an_idle_session_is_renewed_after_a_day(void **state)
{
	(void)state;
	renew(false);
}

static void a_busy_session_is_renewed_after_a_day(void **state)
{
	(void)state;
	renew(true);
}

static void a_change_of_the_network_is_probed_in_5_s(void **state)
{
	(void)state;
	struct sim *s = meet(32, 2);
	struct ifaces ifs = {.n = 1};
	snprintf(ifs.v[0].name, sizeof ifs.v[0].name, "eth0");
	ifs.v[0].index = 2;
	ifs.v[0].is_up = true;
	ifs.v[0].n_addrs = 1;
	ifs.v[0].addrs[0].addr = sim_node(s, 0)->addr;
	ifs.v[0].addrs[0].prefix = 8;
	for (unsigned i = 0; i < 100; i++) { /* flapping, but alive */
		core_ifaces(sim_node(s, 0)->core, &ifs);
		sim_run(s, 100);
	}
	assert_int_equal(sim_node(s, 0)->n_offline, 0);
	sim_break(s, 0, 1);
	sim_say(s, 0, 1, "on the new network");
	core_ifaces(sim_node(s, 0)->core, &ifs);
	sim_run(s, 7000);
	assert_int_equal(sim_saw(s, 1, "on the new network"), 1);
	sim_free(s);
}

/* ---- everything at once ---- */

/* The numbers said so far, by whom to whom. */
struct said {
	unsigned n[3][3];
};

static void expect_all(struct sim *s, const struct said *said, uint64_t seed)
{
	for (unsigned to = 0; to < 3; to++) {
		struct sim_node *n = sim_node(s, to);
		unsigned next[3] = {0};
		for (unsigned k = 0; k < n->n_texts; k++) {
			unsigned from, number;
			assert_int_equal(sscanf(n->texts[k], "%u:%u", &from, &number), 2);
			if (number != next[from]++)
				fail_msg("seed %u: %u got %u of %u, not %u",
					 (unsigned)seed, to, number, from,
					 next[from] - 1);
		}
		for (unsigned from = 0; from < 3; from++)
			if (next[from] != said->n[from][to])
				fail_msg("seed %u: %u got %u of %u from %u",
					 (unsigned)seed, to, next[from],
					 said->n[from][to], from);
		if (sim_links(s, to) != 2)
			fail_msg("seed %u: %u has %u links", (unsigned)seed, to,
				 sim_links(s, to));
	}
}

static void say_next(struct sim *s, struct said *said, unsigned a, unsigned b)
{
	char text[32];
	snprintf(text, sizeof text, "%u:%u", a, said->n[a][b]++);
	sim_say(s, a, b, text);
}

static void storm_step(struct sim *s, const struct rng *dice, struct said *said)
{
	unsigned a = rng_uniform(dice, 3), b = (a + 1 + rng_uniform(dice, 2)) % 3;
	unsigned n = 1 + rng_uniform(dice, 40);
	switch (rng_uniform(dice, 10)) {
	case 0:
		sim_break(s, a, b);
		break;
	case 1:
		sim_reset(s, a, b);
		break;
	case 2:
	case 3:
		sim_dial(s, a, b, n, 1 + rng_uniform(dice, 200));
		break;
	case 4:
		sim_latency(s, n);
		break;
	case 5:
		sim_suspend(s, n * 1000);
		break;
	default:
		while (n-- > 0)
			say_next(s, said, a, b);
	}
	sim_run(s, rng_uniform(dice, 4) == 0 ? rng_uniform(dice, 9000)
					     : rng_uniform(dice, 150));
}

static void C5_nothing_lost_twice_or_out_of_order_in_a_storm(void **state)
{
	(void)state;
	uint64_t last = getenv("P2PMSG_SOAK") != NULL ? 2000 : 25;
	for (uint64_t seed = 1; seed <= last; seed++) {
		struct sim *s = meet(seed, 3);
		struct rng_seeded dice;
		struct said said = {0};
		rng_seeded_init(&dice, seed);
		for (unsigned i = 0; i < 80; i++)
			storm_step(s, &dice.rng, &said);
		sim_run(s, 150000);
		expect_all(s, &said, seed);
		sim_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgotten_in_the_tick_of_the_loss),
		cmocka_unit_test(two_sessions_of_one_peer_end_in_one_tick),
		cmocka_unit_test(a_peer_forgotten_while_traced_can_be_traced_again),
		cmocka_unit_test(front_ends_that_close_while_much_is_open),
		cmocka_unit_test(commands_that_wait_are_bounded),
		cmocka_unit_test(dials_of_a_refused_port_back_off),
		cmocka_unit_test(dials_of_an_instance_that_comes_and_goes),
		cmocka_unit_test(dials_of_a_peer_that_ends_each_session),
		cmocka_unit_test(dials_of_a_peer_whose_certificate_is_refused),
		cmocka_unit_test(dials_of_a_wrong_id_back_off),
		cmocka_unit_test(dials_of_another_version_back_off),
		cmocka_unit_test(D2_a_flood_of_sightings_is_bounded_and_hides_nobody),
		cmocka_unit_test(a_real_peer_gets_in_where_only_made_up_ones_are_known),
		cmocka_unit_test(strangers_that_come_once_are_forgotten),
		cmocka_unit_test(many_addresses_of_one_peer_are_bounded),
		cmocka_unit_test(the_goodbye_of_an_old_instance_leaves_the_new_one),
		cmocka_unit_test(a_peer_given_by_hand_stays_when_mdns_says_goodbye),
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
		cmocka_unit_test(a_ping_that_waits_does_not_overtake_the_hello),
		cmocka_unit_test(C5_suspend_of_an_hour_loses_nothing),
		cmocka_unit_test(C3_jumps_of_the_wall_clock_change_nothing),
		cmocka_unit_test(an_idle_session_is_renewed_after_a_day),
		cmocka_unit_test(a_busy_session_is_renewed_after_a_day),
		cmocka_unit_test(a_change_of_the_network_is_probed_in_5_s),
		cmocka_unit_test(C5_nothing_lost_twice_or_out_of_order_in_a_storm),
	};
	return cmocka_run_group_tests_name("attack", tests, NULL, NULL);
}
