/* What is kept for how long, what waits for how long, and what the user does about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/chat.h"
#include "core/contact.h"
#include "lib/desk.h"

enum { HOUR_MS = 3600 * 1000 };
#define DAY_MS (24LL * HOUR_MS)

static const char *history(struct desk *d, const char *who)
{
	desk_ask(d, VERB_HISTORY, who, NULL, NULL, 200);
	assert_int_equal(d->counts[EVENT_DONE], 1);
	return d->said;
}

static void set(struct desk *d, const char *name, const char *value)
{
	desk_ask(d, VERB_SET, name, value, NULL, 3000);
	assert_int_equal(d->counts[EVENT_DONE], 1);
}

static const char *outbox(struct desk *d, const char *what, const char *which)
{
	desk_ask(d, VERB_OUTBOX, what, which, NULL, 200);
	return d->text;
}

/* A sweep, days later. */
static void days_pass(struct sim *s, int64_t days)
{
	sim_run(s, 100); /* what was said is kept before */
	sim_suspend(s, (uint64_t)(days * DAY_MS));
	sim_run(s, HOUR_MS + 10000);
}

static void nothing_is_removed_unasked(void **state)
{
	(void)state;
	struct sim *s = sim_meet(70, 2);
	struct desk d;
	sim_say(s, 0, 1, "old");
	sim_run(s, 1000);
	days_pass(s, 4000);
	desk_open(&d, s);
	assert_string_equal(history(&d, "n1"), "old|");
	sim_free(s);
}

static void what_is_older_than_keep_days_is_removed(void **state)
{
	(void)state;
	struct sim *s = sim_meet(71, 3);
	struct desk d;
	desk_open(&d, s);
	sim_say(s, 0, 1, "old");
	sim_say(s, 2, 0, "for ever");
	sim_say_lan(s, 0, "to all");
	sim_run(s, 1000);
	desk_ask(&d, VERB_KEEP, "n2", NULL, "0", 100);
	assert_string_equal(d.text, "kept for ever");
	set(&d, "keep_days", "7");
	days_pass(s, 6);
	sim_say(s, 1, 0, "newer");
	sim_run(s, 1000);
	assert_string_equal(history(&d, "n1"), "old|newer|");
	days_pass(s, 2);
	assert_string_equal(history(&d, "n1"), "newer|");
	assert_string_equal(history(&d, "n2"), "for ever|");
	assert_string_equal(history(&d, "#lan"), "");
	/* a setting is followed at once */
	set(&d, "keep_days", "1");
	assert_string_equal(history(&d, "n1"), "");
	desk_ask(&d, VERB_KEEP, "n2", "default", NULL, 3000);
	assert_string_equal(d.text, "kept for 1 day, as the settings say");
	assert_string_equal(history(&d, "n2"), "");
	sim_free(s);
}

static void keep_is_shown_changed_and_outlives_a_restart(void **state)
{
	(void)state;
	struct sim *s = sim_meet(72, 2);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_KEEP, "n1", NULL, NULL, 100);
	assert_string_equal(d.text, "kept for ever, as the settings say");
	desk_ask(&d, VERB_KEEP, "n1", NULL, "30", 100);
	assert_string_equal(d.text, "kept for 30 days");
	struct command cmd = {.verb = VERB_KEEP};
	cmd.u.keep.who = "n1";
	cmd.u.keep.mib = "5";
	d.port.ops->submit(d.port.impl, &cmd);
	sim_run(s, 100);
	assert_string_equal(d.text, "kept for 30 days, at most 5 MiB");
	sim_say(s, 0, 1, "x");
	sim_run(s, 100);
	sim_stop(s, 0, true);
	sim_start(s, 0);
	desk_open(&d, s);
	desk_ask(&d, VERB_KEEP, "n1", NULL, NULL, 100);
	assert_string_equal(d.text, "kept for 30 days, at most 5 MiB");
	desk_ask(&d, VERB_KEEP, "n1", "never", NULL, 100);
	assert_int_equal(d.status, 1);
	desk_ask(&d, VERB_KEEP, "n1", NULL, "36501", 100);
	assert_int_equal(d.status, 1);
	desk_ask(&d, VERB_KEEP, "n1", "default", "3", 100);
	assert_int_equal(d.status, 1);
	sim_free(s);
}

/* One MiB holds 65 of these, at 16,000 bytes and what they take beside. */
static void what_is_too_much_is_removed_oldest_first(void **state)
{
	(void)state;
	enum { MANY = 100, LONG = 15900 };
	struct sim *s = sim_meet(73, 2);
	struct desk d;
	char *text = mem_new(LONG + 1);
	memset(text, 'x', LONG);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, 8, "%06u", i);
		text[6] = ' ';
		sim_say(s, 0, 1, text);
		sim_run(s, 50);
	}
	sim_run(s, 1000);
	desk_open(&d, s);
	set(&d, "keep_mib", "1");
	desk_ask(&d, VERB_HISTORY, "n1", "1000", NULL, 1000);
	assert_in_range(d.counts[EVENT_MESSAGE], 60, 65);
	desk_ask(&d, VERB_SEARCH, "000099", NULL, NULL, 1000);
	assert_int_equal(d.counts[EVENT_MESSAGE], 1);
	desk_ask(&d, VERB_SEARCH, "000000", NULL, NULL, 1000);
	assert_int_equal(d.counts[EVENT_MESSAGE], 0);
	mem_free(text);
	sim_free(s);
}

static void what_waits_is_kept_however_old(void **state)
{
	(void)state;
	struct sim *s = sim_meet(74, 2);
	struct desk d;
	desk_open(&d, s);
	set(&d, "keep_days", "1");
	set(&d, "queue_days", "0");
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	sim_say(s, 0, 1, "waits");
	days_pass(s, 10);
	assert_string_equal(history(&d, "n1"), "waits|");
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 1, "waits"), 1);
	sim_free(s);
}

static void what_waits_too_long_has_failed(void **state)
{
	(void)state;
	struct sim *s = sim_meet(75, 2);
	struct desk d;
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	desk_open(&d, s);
	sim_say(s, 0, 1, "never arrives");
	days_pass(s, 29);
	assert_int_equal(sim_node(s, 0)->n_failed, 0);
	sim_say(s, 0, 1, "arrives");
	days_pass(s, 2);
	assert_int_equal(sim_node(s, 0)->n_failed, 1);
	outbox(&d, "n1", NULL);
	assert_int_equal(d.counts[EVENT_ITEM], 1);
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 1, "never arrives"), 0);
	assert_int_equal(sim_saw(s, 1, "arrives"), 1);
	assert_string_equal(outbox(&d, NULL, NULL), "nothing waits");
	sim_free(s);
}

/* ---- the outbox ---- */

static void the_outbox_shows_each_message(void **state)
{
	(void)state;
	struct sim *s = sim_meet(76, 3);
	struct desk d;
	desk_open(&d, s);
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	for (unsigned i = 0; i < 300; i++)
		sim_say(s, 0, 1,
			"a text that is rather longer than what is shown of it: sixty "
			"bytes, about as much as a line has room for");
	sim_run(s, 1000);
	assert_string_equal(outbox(&d, "n1", NULL), "300 messages");
	assert_int_equal(d.counts[EVENT_ITEM], 300);
	assert_non_null(strstr(d.row, "a text that is rather longer"));
	assert_null(strstr(d.row, "room for"));
	outbox(&d, NULL, NULL);
	assert_int_equal(d.counts[EVENT_WAITING], 1);
	assert_string_equal(outbox(&d, "n2", NULL), "nothing waits");
	outbox(&d, "cancel", NULL);
	assert_int_equal(d.status, 1);
	outbox(&d, "nobody", NULL);
	assert_int_equal(d.status, 2);
	outbox(&d, "cancel", "0123456789abcdef");
	assert_int_equal(d.status, 2);
	sim_free(s);
}

/* The front end is gone before the store has answered, and so is the node. */
static void a_listing_that_nobody_reads_leaves_nothing(void **state)
{
	(void)state;
	struct sim *s = sim_meet(77, 2);
	struct desk d;
	desk_open(&d, s);
	desk_ask(&d, VERB_OUTBOX, NULL, NULL, NULL, 0);
	sim_stop(s, 0, true);
	sim_start(s, 0);
	desk_open(&d, s);
	d.closes_at_once = true;
	desk_ask(&d, VERB_OUTBOX, NULL, NULL, NULL, 0);
	d.port.ops->close(d.port.impl);
	sim_run(s, 1000);
	sim_free(s); /* a leak is found by the sanitizer */
}

static void what_is_cancelled_is_never_sent(void **state)
{
	(void)state;
	struct sim *s = sim_meet(78, 3);
	struct desk d;
	desk_open(&d, s);
	sim_say(s, 0, 1, "there");
	sim_say(s, 0, 2, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	sim_stop(s, 2, false);
	sim_say(s, 0, 1, "one");
	sim_say(s, 0, 1, "two");
	sim_say(s, 0, 2, "three");
	sim_run(s, 1000);
	assert_string_equal(outbox(&d, "cancel", "n1"), "2 messages cancelled");
	assert_int_equal(sim_node(s, 0)->n_failed, 2);
	assert_string_equal(outbox(&d, "n1", NULL), "nothing waits");
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 1, "one") + sim_saw(s, 1, "two"), 0);
	assert_string_equal(outbox(&d, "cancel", "all"), "1 message cancelled");
	assert_string_equal(outbox(&d, "cancel", "all"), "nothing waits");
	sim_start(s, 2);
	sim_announce(s, 2);
	sim_say(s, 0, 2, "four");
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 2, "three"), 0);
	assert_int_equal(sim_saw(s, 2, "four"), 1);
	sim_free(s);
}

static void what_is_on_its_way_cannot_be_cancelled(void **state)
{
	(void)state;
	struct sim *s = sim_meet(79, 2);
	struct desk d;
	desk_open(&d, s);
	sim_latency(s, 300);
	sim_say(s, 0, 1, "too late");
	sim_run(s, 50);
	assert_string_equal(outbox(&d, "cancel", "n1"),
			    "0 messages cancelled; 1 on the way already, which may "
			    "still arrive");
	sim_run(s, 2000);
	assert_int_equal(sim_saw(s, 1, "too late"), 1);
	assert_int_equal(sim_node(s, 0)->n_delivered, 1);
	sim_free(s);
}

/* Cancelled by its id, and queued again by it. */
static void what_has_failed_is_queued_again(void **state)
{
	(void)state;
	struct sim *s = sim_meet(80, 2);
	struct desk d;
	char id[9];
	desk_open(&d, s);
	sim_say(s, 0, 1, "there");
	sim_run(s, 1000);
	sim_stop(s, 1, false);
	sim_say(s, 0, 1, "after all");
	sim_run(s, 1000);
	outbox(&d, "n1", NULL);
	snprintf(id, sizeof id, "%.8s", d.row);
	assert_int_equal(strspn(id, "0123456789abcdef"), 8);
	assert_string_equal(outbox(&d, "cancel", id), "1 message cancelled");
	assert_string_equal(outbox(&d, "retry", id), "queued again");
	assert_string_equal(outbox(&d, "retry", id), "it goes as soon as it can");
	assert_string_equal(outbox(&d, "n1", NULL), "1 message");
	sim_start(s, 1);
	sim_announce(s, 1);
	sim_run(s, 60000);
	assert_int_equal(sim_saw(s, 1, "after all"), 1);
	assert_int_equal(sim_node(s, 0)->n_delivered, 2);
	assert_string_equal(history(&d, "n1"), "there|after all|");
	outbox(&d, "retry", id);
	assert_int_equal(d.status, 2);
	sim_free(s);
}

/* ---- forgotten ---- */

static void say_many(struct sim *s, unsigned to, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		sim_say(s, 0, to, "x");
		if (i % 100 == 0)
			sim_run(s, 10);
	}
	sim_run(s, 2000);
}

static unsigned n_kept(struct desk *d, const char *who)
{
	desk_ask(d, VERB_HISTORY, who, "100000", NULL, 1000);
	return d->counts[EVENT_MESSAGE];
}

/* In rounds; what is said meanwhile stays, and so do the other conversations. */
static void history_is_forgotten(void **state)
{
	(void)state;
	enum { MANY = 3000 };
	struct sim *s = sim_meet(81, 3);
	struct desk d;
	struct command cmd = {.verb = VERB_FORGET};
	sim_keep_texts(s, false);
	say_many(s, 1, MANY);
	say_many(s, 2, 10);
	desk_open(&d, s);
	assert_int_equal(n_kept(&d, "n1"), MANY);
	cmd.u.forget.who = "n1";
	cmd.u.forget.history = "yes";
	sim_submit(s, 0, &cmd);
	sim_say(s, 0, 1, "new");
	sim_run(s, 1000);
	assert_string_equal(history(&d, "n1"), "new|");
	assert_int_equal(n_kept(&d, "n2"), 10);
	cmd.u.forget.who = NULL;
	sim_submit(s, 0, &cmd);
	sim_run(s, 1000);
	assert_int_equal(n_kept(&d, NULL), 0);
	desk_ask(&d, VERB_FORGET, NULL, NULL, NULL, 100);
	assert_int_equal(d.status, 1);
	sim_free(s);
}

/* What a crash leaves: the record, without what was to follow. */
static void leave_record(struct sim *s, const struct id16 *conv, const struct id32 *peer,
			 uint64_t up_to)
{
	struct store_request req = {.verb = STORE_RECORD};
	struct buf value;
	buf_init(&value, 64);
	assert_int_equal(buf_u8(&value, 1), ERR_OK);
	assert_int_equal(buf_add(&value, slice_of(peer->b, sizeof peer->b)), ERR_OK);
	assert_int_equal(buf_u64(&value, up_to), ERR_OK);
	req.record.kind = RECORD_FORGETTING;
	req.record.key = slice_of(conv->b, sizeof conv->b);
	req.record.value = buf_slice(&value);
	assert_int_equal(store_submit(sim_node(s, 0)->store, &req), ERR_OK);
	buf_wipe(&value);
}

static void a_start_finishes_what_a_crash_has_left(void **state)
{
	(void)state;
	enum { MANY = 3000 };
	struct sim *s = sim_meet(82, 3);
	const struct id32 *me = identity_node_id(sim_node(s, 0)->identity);
	const struct id32 *other = identity_node_id(sim_node(s, 1)->identity);
	struct desk d;
	struct id16 conv;
	conv_of(me, other, &conv);
	sim_keep_texts(s, false);
	say_many(s, 1, MANY);
	say_many(s, 2, 1);
	sim_say(s, 0, 1, "later");
	sim_run(s, 1000);
	sim_stop(s, 0, true);
	leave_record(s, &conv, other, MANY + 1); /* up to what was said to n2 */
	sim_start(s, 0);
	desk_open(&d, s);
	sim_run(s, 100);
	assert_string_equal(history(&d, NULL), "x|later|");
	/* once only */
	sim_stop(s, 0, true);
	sim_start(s, 0);
	sim_announce(s, 1);
	sim_run(s, 10000);
	sim_say(s, 0, 1, "again");
	sim_run(s, 5000);
	desk_open(&d, s);
	assert_string_equal(history(&d, NULL), "x|later|again|");
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_is_forgotten),
		cmocka_unit_test(a_start_finishes_what_a_crash_has_left),
		cmocka_unit_test(nothing_is_removed_unasked),
		cmocka_unit_test(what_is_older_than_keep_days_is_removed),
		cmocka_unit_test(keep_is_shown_changed_and_outlives_a_restart),
		cmocka_unit_test(what_is_too_much_is_removed_oldest_first),
		cmocka_unit_test(what_waits_is_kept_however_old),
		cmocka_unit_test(what_waits_too_long_has_failed),
		cmocka_unit_test(the_outbox_shows_each_message),
		cmocka_unit_test(a_listing_that_nobody_reads_leaves_nothing),
		cmocka_unit_test(what_is_cancelled_is_never_sent),
		cmocka_unit_test(what_is_on_its_way_cannot_be_cancelled),
		cmocka_unit_test(what_has_failed_is_queued_again),
	};
	return cmocka_run_group_tests_name("past", tests, NULL, NULL);
}
