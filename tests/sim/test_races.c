/* What meets at the wrong moment: two who do the same, stores that are full, exports
 * that somebody has written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"
#include "core/peer.h"
#include "lib/desk.h"

static void done(struct desk *d, enum verb verb, const char *a, const char *b,
		 const char *c)
{
	desk_ask(d, verb, a, b, c, 100);
	if (d->status != 0)
		fail_msg("%s", d->text);
	assert_int_equal(d->counts[EVENT_DONE], 1);
}

/* Node 0 has a desk, and two texts for node 1, who is away. */
static struct sim *two_wait(uint64_t seed, struct desk *d, char id[static 9])
{
	struct sim *s = sim_meet(seed, 2);
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	sim_run(s, 100);
	sim_say(s, 0, 1, "one");
	sim_run(s, 100);
	desk_open(d, s);
	desk_ask(d, VERB_OUTBOX, "n1", NULL, NULL, 100);
	snprintf(id, 9, "%.8s", d->row);
	sim_say(s, 0, 1, "two");
	sim_run(s, 100);
	return s;
}

static void come_back(struct sim *s)
{
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 60000);
}

/* So many wait for node 1, and the node knows that it is so many. */
static void waiting_is(struct desk *d, unsigned n)
{
	const struct core *c = sim_node(d->s, 0)->core;
	const struct id32 *id = identity_node_id(sim_node(d->s, 1)->identity);
	desk_ask(d, VERB_OUTBOX, "n1", NULL, NULL, 100);
	assert_int_equal(d->counts[EVENT_ITEM], n);
	assert_int_equal(peer_find(c, id)->n_queued, n);
}

static void two_cancel_the_same(void **state)
{
	(void)state;
	struct desk a, b;
	char id[9];
	struct sim *s = two_wait(200, &a, id);
	desk_open(&b, s);
	desk_ask(&a, VERB_OUTBOX, "cancel", id, NULL, 0);
	desk_ask(&b, VERB_OUTBOX, "cancel", id, NULL, 100);
	assert_int_equal(sim_node(s, 0)->n_failed, 1);
	waiting_is(&a, 1);
	come_back(s);
	assert_int_equal(sim_saw(s, 1, "one"), 0);
	assert_int_equal(sim_saw(s, 1, "two"), 1);
	waiting_is(&a, 0);
	sim_free(s);
}

static enum err make_queued(struct slice arg, struct store_message *m, uint8_t *room)
{
	(void)arg;
	(void)room;
	m->state = STORE_QUEUED;
	return ERR_OK;
}

/* As an import leaves it: it says that it waits, and does not. */
static void what_does_not_wait_is_deleted(void **state)
{
	(void)state;
	struct desk d;
	char id[33];
	struct store_request req = {.verb = STORE_KEEP, .amend = make_queued};
	struct sim *s = sim_meet(201, 2);
	desk_open(&d, s);
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	done(&d, VERB_HISTORY, "n1", "1", NULL);
	memcpy(id, d.id, sizeof id);
	req.msg.author = *identity_node_id(sim_node(s, 0)->identity);
	assert_int_equal(hex_decode(slice_str(id), req.msg.id.b, 16), ERR_OK);
	sim_stop(s, 1, false);
	sim_run(s, 100);
	assert_int_equal(store_submit(sim_node(s, 0)->store, &req), ERR_OK);
	sim_say(s, 0, 1, "waits");
	sim_run(s, 100);
	done(&d, VERB_DELETE, "n1", id, NULL);
	waiting_is(&d, 2); /* with the DELETE */
	come_back(s);
	assert_int_equal(sim_saw(s, 1, "waits"), 1);
	waiting_is(&d, 0);
	sim_free(s);
}

/* ---- a store that takes nothing more ---- */

enum { CROWD = 17000 };

struct crowd {
	struct store *store;
	unsigned n_left; /* that may still come */
};

/* One comes for each that goes. */
static void on_crowd(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct crowd *c = ctx;
	(void)reply;
	if (c->n_left > 0 && store_submit(c->store, req) == ERR_OK)
		c->n_left--;
}

static void crowd_in(struct crowd *c, struct store *store)
{
	struct store_request req = {.verb = STORE_GET, .done = on_crowd, .ctx = c};
	*c = (struct crowd){.store = store, .n_left = CROWD};
	for (unsigned i = 0; i < CROWD; i++)
		(void)store_submit(store, &req);
	assert_int_equal(store_submit(store, &req), ERR_FULL);
}

static void what_cannot_be_forgotten_is_not_said_to_be(void **state)
{
	(void)state;
	struct desk d;
	struct crowd crowd;
	struct sim *s = sim_meet(202, 2);
	desk_open(&d, s);
	sim_say(s, 1, 0, "secret");
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	sim_run(s, 100);
	crowd_in(&crowd, sim_node(s, 0)->store);
	desk_ask(&d, VERB_FORGET, "n1", NULL, NULL, 1000);
	assert_int_equal(d.status, 5);
	done(&d, VERB_FORGET, "n1", NULL, NULL);
	done(&d, VERB_HISTORY, NULL, NULL, NULL);
	assert_string_equal(d.said, "");
	sim_stop(s, 0, true);
	sim_start(s, 0);
	sim_run(s, 1000);
	desk_open(&d, s);
	desk_ask(&d, VERB_PEERS, NULL, NULL, NULL, 100);
	assert_int_equal(d.counts[EVENT_PERSON], 0);
	sim_free(s);
}

/* ---- exports ---- */

/* All that node a exports, taken in by node b; `change` sees each line before. */
typedef void change_fn(struct args_restore *line, void *ctx);
struct carry {
	struct sim *s;
	struct front_port from, to;
	change_fn *change;
	void *ctx;
	unsigned n_errors, n_known, n_taken;
	char error[256];
};

static void on_taken(void *ctx, const struct event *ev)
{
	struct carry *c = ctx;
	if (ev->type == EVENT_DONE && strcmp(ev->u.done.text, "known") == 0)
		c->n_known++;
	else if (ev->type == EVENT_DONE)
		c->n_taken++;
	if (ev->type != EVENT_ERROR)
		return;
	c->n_errors++;
	snprintf(c->error, sizeof c->error, "%s", ev->u.error.text);
}

static void put(struct carry *c, struct args_restore *line)
{
	struct command cmd = {.verb = VERB_RESTORE};
	if (c->change != NULL)
		c->change(line, c->ctx);
	cmd.u.restore = *line;
	c->to.ops->submit(c->to.impl, &cmd);
}

static void on_line(void *ctx, const struct event *ev)
{
	const struct event_entry *e = &ev->u.entry;
	const struct event_record *r = &ev->u.record;
	char n[4][24];
	if (ev->type == EVENT_ENTRY) {
		const uint64_t numbers[] = {e->lamport, e->sent_ms, e->kept_ms,
					    e->expires_ms};
		for (unsigned i = 0; i < 4; i++)
			snprintf(n[i], sizeof n[i], "%llu",
				 (unsigned long long)numbers[i]);
		put(ctx, &(struct args_restore){.id = e->id,
						.author = e->author,
						.conv = e->conv,
						.lamport = n[0],
						.sent_ms = n[1],
						.kept_ms = n[2],
						.expires_ms = n[3],
						.state = e->state,
						.body = e->body});
	} else if (ev->type == EVENT_RECORD) {
		put(ctx, &(struct args_restore){
				 .kind = r->kind, .key = r->key, .value = r->value});
	}
}

static void carry(struct carry *c, struct sim *s, unsigned from, unsigned to)
{
	struct command cmd = {.verb = VERB_EXPORT};
	struct front_source a = core_front_source(sim_node(s, from)->core);
	struct front_source b = core_front_source(sim_node(s, to)->core);
	c->s = s;
	assert_int_equal(a.open(a.ctx, on_line, c, &c->from), ERR_OK);
	assert_int_equal(b.open(b.ctx, on_taken, c, &c->to), ERR_OK);
	c->from.ops->submit(c->from.impl, &cmd);
	sim_run(s, 1000);
	c->from.ops->close(c->from.impl);
	c->to.ops->close(c->to.impl);
	sim_run(s, 10);
}

static void people(struct desk *d, unsigned n)
{
	desk_ask(d, VERB_PEERS, NULL, NULL, NULL, 100);
	assert_int_equal(d->counts[EVENT_PERSON], n);
}

/* Who changed the keys had both in the list. */
static void nobody_is_a_contact_of_himself(void **state)
{
	(void)state;
	struct desk d;
	struct carry c = {.s = NULL};
	struct sim *s = sim_new(203, 2);
	sim_start_all(s);
	sim_run(s, 2000);
	sim_say(s, 0, 1, "hello");
	sim_run(s, 1000);
	sim_say(s, 1, 0, "hello too");
	sim_run(s, 1000);
	carry(&c, s, 1, 0);
	assert_int_equal(c.n_errors, 0);
	assert_int_equal(c.n_taken, 0);
	sim_stop(s, 0, true);
	sim_start(s, 0);
	sim_run(s, 30000);
	desk_open(&d, s);
	people(&d, 1);
	sim_free(s);
}

static void what_a_name_moved_can_be_taken_in_again(void **state)
{
	(void)state;
	struct desk d;
	struct carry c = {.s = NULL};
	struct sim *s = sim_meet(204, 3);
	desk_open(&d, s);
	sim_say(s, 0, 1, "one");
	sim_run(s, 1000);
	sim_say(s, 1, 0, "two");
	sim_run(s, 1000);
	done(&d, VERB_TRUST, "n1", sim_node(s, 2)->id, NULL);
	done(&d, VERB_HISTORY, sim_node(s, 2)->id, NULL, NULL);
	assert_int_equal(d.counts[EVENT_MESSAGE], 3);
	unsigned own = sim_clone(s, 0); /* the same person, on a new machine */
	sim_start(s, own);
	carry(&c, s, 0, own);
	if (c.n_errors > 0)
		fail_msg("%s", c.error);
	desk_open_at(&d, s, own);
	done(&d, VERB_HISTORY, sim_node(s, 2)->id, NULL, NULL);
	assert_int_equal(d.counts[EVENT_MESSAGE], 3);
	sim_free(s);
}

/* A byte of the value where the pattern begins. */
static char spoilt_value[8192];
static void spoil_address(struct args_restore *line, void *ctx)
{
	static const uint8_t ip4[] = {ADDR_IP4, 10, 0, 0};
	struct buf b;
	bool *was_there = ctx;
	if (line->kind == NULL || strcmp(line->kind, "contact") != 0)
		return;
	buf_init(&b, 8192);
	assert_int_equal(base64_decode(slice_str(line->value), &b), ERR_OK);
	for (size_t i = 0; i + sizeof ip4 <= b.len; i++) {
		if (memcmp(b.p + b.head + i, ip4, sizeof ip4) != 0)
			continue;
		b.p[b.head + i] = 200;
		*was_there = true;
	}
	char *text = base64_new(buf_slice(&b));
	snprintf(spoilt_value, sizeof spoilt_value, "%s", text);
	line->value = spoilt_value;
	mem_free(text);
	buf_wipe(&b);
}

static void an_address_of_no_family_is_left_out(void **state)
{
	(void)state;
	struct desk d;
	bool was_there = false;
	struct carry c = {.change = spoil_address, .ctx = &was_there};
	struct sim *s = sim_new(205, 3);
	sim_start(s, 0);
	sim_start(s, 1);
	sim_start(s, 2);
	sim_tell(s, 0, 1);
	sim_run(s, 2000);
	sim_say(s, 0, 1, "hello");
	sim_run(s, 1000);
	carry(&c, s, 0, 2);
	assert_true(was_there);
	desk_open_at(&d, s, 2);
	people(&d, 1);
	desk_ask(&d, VERB_WHOIS, sim_node(s, 1)->id, NULL, NULL, 100);
	assert_int_equal(d.status, 0);
	sim_free(s);
}

/* Their numbers are the other store's. */
static void receipts_go_on_after_an_import(void **state)
{
	(void)state;
	struct desk a, b;
	struct carry c = {.s = NULL};
	struct sim *s = sim_new(206, 3);
	for (unsigned i = 0; i < 3; i++)
		sim_start(s, i);
	sim_tell(s, 0, 1);
	sim_run(s, 2000);
	desk_open_at(&b, s, 1);
	for (unsigned i = 0; i < 40; i++)
		sim_say(s, 0, 1, "x");
	sim_run(s, 1000);
	done(&b, VERB_RECEIPTS, "n0", "on", NULL);
	done(&b, VERB_READ, "n0", NULL, NULL);
	sim_run(s, 10000);
	done(&b, VERB_FORGET, NULL, "yes", NULL);
	carry(&c, s, 1, 2);
	assert_int_equal(c.n_errors, 0);
	desk_open_at(&b, s, 2);
	sim_tell(s, 0, 2);
	sim_run(s, 2000);
	sim_say(s, 0, 2, "one");
	sim_run(s, 1000);
	desk_open(&a, s);
	desk_ask(&a, VERB_EVENTS, NULL, NULL, NULL, 10);
	done(&b, VERB_READ, "n0", NULL, NULL);
	sim_run(s, 10000);
	assert_non_null(strstr(a.marks, "read|"));
	sim_free(s);
}

static void set_lamport(struct args_restore *line, void *ctx)
{
	if (line->kind == NULL)
		line->lamport = ctx;
}

/* Nothing could be said after it. */
static void an_order_without_room_behind_it_is_refused(void **state)
{
	(void)state;
	struct desk d;
	static char most[] = "9007199254740991";
	struct carry c = {.change = set_lamport, .ctx = most};
	struct sim *s = sim_new(207, 3);
	for (unsigned i = 0; i < 3; i++)
		sim_start(s, i);
	sim_tell(s, 0, 1);
	sim_run(s, 2000);
	sim_say(s, 0, 1, "hello");
	sim_say_lan(s, 0, "hello all");
	sim_run(s, 1000);
	carry(&c, s, 0, 2);
	sim_tell(s, 2, 0);
	sim_run(s, 2000);
	desk_open_at(&d, s, 2);
	done(&d, VERB_MSG, "#lan", "still here", NULL);
	done(&d, VERB_MSG, "n0", "me too", NULL);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cancel_the_same),
		cmocka_unit_test(what_does_not_wait_is_deleted),
		cmocka_unit_test(what_cannot_be_forgotten_is_not_said_to_be),
		cmocka_unit_test(nobody_is_a_contact_of_himself),
		cmocka_unit_test(what_a_name_moved_can_be_taken_in_again),
		cmocka_unit_test(an_address_of_no_family_is_left_out),
		cmocka_unit_test(receipts_go_on_after_an_import),
		cmocka_unit_test(an_order_without_room_behind_it_is_refused),
	};
	return cmocka_run_group_tests_name("races", tests, NULL, NULL);
}
