/* One suite, which every backend passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/store_world.h"
#include "lib/tempdir.h"

static enum err keep(struct store_ask *a, struct store_message m)
{
	return store_ask(
		a, &(struct store_request){.verb = STORE_KEEP, .is_new = true, .msg = m});
}

static enum err get(struct store_ask *a, unsigned author, unsigned n)
{
	return store_ask(a, &(struct store_request){.verb = STORE_GET,
						    .msg = message_of(author, 0, n)});
}

static enum err page(struct store_ask *a, unsigned conv, bool is_forward, size_t max)
{
	return store_ask(a, &(struct store_request){.verb = STORE_PAGE,
						    .msg.conv = id16_of(conv),
						    .is_forward = is_forward,
						    .max = max});
}

static enum err queue(struct store_ask *a, unsigned id, unsigned peer)
{
	const struct id32 to = id32_of(peer);

	return store_ask(a, &(struct store_request){.verb = STORE_KEEP,
						    .object_id = id16_of(id),
						    .object = body_text(id),
						    .to = &to,
						    .n_to = 1,
						    .now_ms = 1000 + id});
}

static enum err outbox(struct store_ask *a, unsigned peer)
{
	return store_ask(a, &(struct store_request){.verb = STORE_OUTBOX,
						    .is_peer = peer != 0,
						    .peer = id32_of(peer)});
}

static void assert_slice(struct slice got, struct slice want)
{
	assert_int_equal(got.n, want.n);
	if (want.n > 0)
		assert_memory_equal(got.p, want.p, want.n);
}

/* Message number n, as message_of made it. */
static void assert_message(const struct store_message *m, unsigned author, unsigned conv,
			   unsigned n)
{
	const struct store_message want = message_of(author, conv, n);

	assert_true(id32_eq(&m->author, &want.author));
	assert_true(id16_eq(&m->id, &want.id));
	assert_true(id16_eq(&m->conv, &want.conv));
	assert_int_equal(m->lamport, want.lamport);
	assert_int_equal(m->sent_ms, want.sent_ms);
	assert_int_equal(m->kept_ms, want.kept_ms);
	assert_int_equal(m->expires_ms, want.expires_ms);
	assert_slice(m->body, want.body);
}

static void a_kept_message_is_got_as_it_was(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_message m = message_of(1, 2, 3);

	m.lamport = (1ull << 53) - 1;
	m.sent_ms = 253402300799999;
	m.expires_ms = UINT64_C(1) << 52;
	m.state = STORE_QUEUED;
	assert_int_equal(keep(a, m), ERR_OK);
	assert_int_equal(get(a, 1, 3), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 1);
	const struct store_message *got = &a->got.reply.messages[0];
	assert_int_equal(got->lamport, m.lamport);
	assert_int_equal(got->sent_ms, m.sent_ms);
	assert_int_equal(got->expires_ms, m.expires_ms);
	assert_int_equal(got->state, STORE_QUEUED);
	assert_int_equal(got->seq, 1);
	assert_slice(got->body, body_text(3));
	assert_int_equal(get(a, 1, 4), ERR_MISSING);
	assert_int_equal(get(a, 2, 3), ERR_MISSING);
}

static void bodies_may_be_empty_or_of_the_full_length(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	static uint8_t body[STORE_BODY_BYTES + 1];
	struct store_message m = message_of(1, 1, 1);

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * i >> 3);
	m.body = (struct slice){0};
	assert_int_equal(keep(a, m), ERR_OK);
	m.id = id16_of(2);
	m.body = slice_of(body, STORE_BODY_BYTES);
	assert_int_equal(keep(a, m), ERR_OK);
	m.id = id16_of(3);
	m.body = slice_of(body, STORE_BODY_BYTES + 1);
	assert_int_equal(keep(a, m), ERR_RANGE);
	assert_int_equal(get(a, 1, 1), ERR_OK);
	assert_int_equal(a->got.reply.messages[0].body.n, 0);
	assert_int_equal(get(a, 1, 2), ERR_OK);
	assert_slice(a->got.reply.messages[0].body, slice_of(body, STORE_BODY_BYTES));
}

static void limits_are_refused_when_submitted(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	static uint8_t much[STORE_BODY_BYTES + 1];
	static struct id32 to[STORE_TO_MAX + 1];
	const struct store_request bad[] = {
		{.verb = STORE_VERBS},
		{.verb = STORE_PAGE, .max = STORE_ROWS_MAX + 1},
		{.verb = STORE_KEEP, .to = to, .n_to = STORE_TO_MAX + 1},
		{.verb = STORE_KEEP, .object = slice_of(much, sizeof(much))},
		{.verb = STORE_SCAN, .arg = slice_of(much, sizeof(much))},
		{.verb = STORE_RECORD, .record.value = slice_of(much, sizeof(much))},
		{.verb = STORE_RECORD,
		 .record.key = slice_of(much, STORE_RECORD_KEY_BYTES + 1)},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(store_submit(a->s, &bad[i]), ERR_RANGE);
	assert_int_equal(store_pending(a->s), 0);
}

static void the_same_message_is_kept_once(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_message m = message_of(1, 1, 1);

	assert_int_equal(keep(a, m), ERR_OK);
	m.body = slice_str("something else");
	assert_int_equal(keep(a, m), ERR_EXISTS);
	m.author = id32_of(2); /* the id of another's is another */
	assert_int_equal(keep(a, m), ERR_OK);
	assert_int_equal(page(a, 1, true, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 2);
	assert_message(&a->got.reply.messages[0], 1, 1, 1);
}

static void what_is_known_queues_nothing(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const struct id32 to = id32_of(9);

	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_OK);
	assert_int_equal(
		store_ask(a, &(struct store_request){.verb = STORE_KEEP,
						     .is_new = true,
						     .msg = message_of(1, 1, 1),
						     .object = slice_str("receipt"),
						     .to = &to,
						     .n_to = 1}),
		ERR_EXISTS);
	assert_int_equal(outbox(a, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 0);
}

/* Appends arg, and marks it read; an arg of "no" is refused. */
static enum err amend(struct slice arg, struct store_message *m, uint8_t *room)
{
	if (slice_eq(arg, slice_str("no")))
		return ERR_REFUSED;
	memcpy(room, m->body.p, m->body.n);
	memcpy(room + m->body.n, arg.p, arg.n);
	m->body = slice_of(room, m->body.n + arg.n);
	m->state = STORE_READ;
	m->sent_ms++;
	m->expires_ms = 77;
	m->conv = id16_of(99); /* not his to change */
	m->lamport = 0;
	m->seq = 1000;
	return ERR_OK;
}

static enum err ask_amend(struct store_ask *a, unsigned n, const char *arg)
{
	const struct id32 to = id32_of(9);

	return store_ask(a, &(struct store_request){.verb = STORE_KEEP,
						    .msg = message_of(1, 1, n),
						    .amend = amend,
						    .arg = slice_str(arg),
						    .object = slice_str("edit"),
						    .object_id = id16_of(1000 + n),
						    .to = &to,
						    .n_to = 1});
}

static void an_amended_message_keeps_its_place(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;

	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(keep(a, message_of(1, 1, n)), ERR_OK);
	assert_int_equal(ask_amend(a, 2, "!"), ERR_OK);
	for (int is_all = 0; is_all < 2; is_all++) {
		assert_int_equal(
			store_ask(a, &(struct store_request){.verb = STORE_PAGE,
							     .msg.conv = id16_of(1),
							     .is_all_convs = is_all == 1,
							     .is_forward = true}),
			ERR_OK);
		assert_int_equal(a->got.reply.n_messages, 3);
		const struct store_message *m = &a->got.reply.messages[1];
		assert_slice(m->body, slice_str("this is what message 2 says to you!"));
		assert_int_equal(m->state, STORE_READ);
		assert_int_equal(m->sent_ms, message_of(1, 1, 2).sent_ms + 1);
		assert_int_equal(m->expires_ms, 77);
		assert_int_equal(m->lamport, 2);
		assert_int_equal(m->seq, 2);
		assert_message(&a->got.reply.messages[0], 1, 1, 1);
		assert_message(&a->got.reply.messages[2], 1, 1, 3);
	}
	assert_int_equal(outbox(a, 9), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 1);
}

static void a_refused_amendment_does_nothing_at_all(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;

	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_OK);
	assert_int_equal(ask_amend(a, 1, "no"), ERR_REFUSED);
	assert_int_equal(ask_amend(a, 5, "!"), ERR_MISSING);
	assert_int_equal(get(a, 1, 1), ERR_OK);
	assert_message(&a->got.reply.messages[0], 1, 1, 1);
	assert_int_equal(outbox(a, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 0);
	/* Both in one: what was inserted goes with what was refused. */
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_KEEP,
							      .is_new = true,
							      .msg = message_of(1, 1, 6),
							      .amend = amend,
							      .arg = slice_str("no")}),
			 ERR_REFUSED);
	assert_int_equal(get(a, 1, 6), ERR_MISSING);
	assert_int_equal(keep(a, message_of(1, 1, 6)), ERR_OK);
}

static void pages_go_both_ways_by_conversation(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	unsigned seen = 0;

	for (unsigned n = 1; n <= 20; n++) {
		/* Kept in another order than theirs. */
		const unsigned lamport = n * 7 % 20 + 1;
		assert_int_equal(keep(a, message_of(1, 1, lamport)), ERR_OK);
		assert_int_equal(keep(a, message_of(2, 2, lamport)), ERR_OK);
	}
	for (int is_forward = 0; is_forward < 2; is_forward++) {
		struct store_request req = {.verb = STORE_PAGE,
					    .msg.conv = id16_of(1),
					    .is_forward = is_forward == 1,
					    .max = 6};
		seen = 0;
		do {
			assert_int_equal(store_ask(a, &req), ERR_OK);
			const struct store_reply *r = &a->got.reply;
			for (size_t i = 0; i < r->n_messages; i++, seen++)
				assert_message(&r->messages[i], 1, 1,
					       is_forward ? seen + 1 : 20 - seen);
			const struct store_message *last =
				&r->messages[r->n_messages - 1];
			req.has_from = true;
			req.from.lamport = last->lamport;
			req.from.author = last->author;
			req.from.id = last->id;
		} while (a->got.reply.is_more);
		assert_int_equal(seen, 20);
		assert_int_equal(store_ask(a, &req), ERR_OK);
		assert_int_equal(a->got.reply.n_messages, 0);
	}
}

static void equal_lamports_are_ordered_by_author_and_id(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_request req = {
		.verb = STORE_PAGE, .msg.conv = id16_of(1), .is_forward = true, .max = 1};

	for (unsigned author = 3; author > 0; author--) {
		for (unsigned n = 3; n > 0; n--) {
			struct store_message m = message_of(author, 1, n);
			m.lamport = 5;
			assert_int_equal(keep(a, m), ERR_OK);
		}
	}
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(store_ask(a, &req), ERR_OK);
		assert_int_equal(a->got.reply.n_messages, 1);
		const struct store_message *m = &a->got.reply.messages[0];
		const struct id32 author = id32_of(i / 3 + 1);
		const struct id16 id = id16_of(i % 3 + 1);
		assert_true(id32_eq(&m->author, &author));
		assert_true(id16_eq(&m->id, &id));
		assert_int_equal(a->got.reply.is_more, i < 8);
		req.has_from = true;
		req.from.lamport = 5;
		req.from.author = author;
		req.from.id = id;
	}
}

static void pages_of_all_go_by_the_order_of_keeping(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_request req = {.verb = STORE_PAGE, .is_all_convs = true, .max = 4};

	for (unsigned n = 1; n <= 10; n++)
		assert_int_equal(keep(a, message_of(1, n % 3, 11 - n)), ERR_OK);
	for (unsigned seen = 0; seen < 10;) {
		assert_int_equal(store_ask(a, &req), ERR_OK);
		for (size_t i = 0; i < a->got.reply.n_messages; i++, seen++)
			assert_int_equal(a->got.reply.messages[i].seq, 10 - seen);
		req.has_from = true;
		req.from.seq = 10 - seen + 1;
	}
	assert_false(a->got.reply.is_more);
}

static void pages_may_be_bounded_in_time_and_bytes(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const uint64_t start = message_of(1, 1, 0).sent_ms;
	struct store_request req = {.verb = STORE_PAGE,
				    .msg.conv = id16_of(1),
				    .since_ms = start + 3,
				    .until_ms = start + 7,
				    .is_forward = true};

	for (unsigned n = 1; n <= 10; n++)
		assert_int_equal(keep(a, message_of(1, 1, n)), ERR_OK);
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 4);
	assert_int_equal(a->got.reply.messages[0].lamport, 3);
	assert_false(a->got.reply.is_more);
	req.max_bytes = 2 * body_text(3).n;
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 2);
	assert_true(a->got.reply.is_more);
	req.max_bytes = 1;
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 1);
}

static bool has_arg(struct slice arg, const struct store_message *m)
{
	return m->body.n >= arg.n && memmem(m->body.p, m->body.n, arg.p, arg.n) != NULL;
}

static void a_scan_looks_at_so_many_and_goes_on(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_request req = {.verb = STORE_SCAN,
				    .is_all_convs = true,
				    .match = has_arg,
				    .arg = slice_str("message 4"),
				    .max_rows = 10};
	unsigned found = 0, rounds = 0;

	for (unsigned n = 1; n <= 45; n++)
		assert_int_equal(keep(a, message_of(1, n % 2, n)), ERR_OK);
	do {
		assert_int_equal(store_ask(a, &req), ERR_OK);
		found += (unsigned)a->got.reply.n_messages;
		rounds++;
		req.has_from = true;
		req.from.seq = a->got.reply.last.seq;
	} while (a->got.reply.is_more);
	assert_int_equal(found, 7); /* 4, 40 ... 45 */
	assert_int_equal(rounds, 5);
	/* Cut short by max, nothing is passed over. */
	found = 0;
	req.has_from = false;
	req.max = 2;
	req.max_rows = 0;
	do {
		assert_int_equal(store_ask(a, &req), ERR_OK);
		found += (unsigned)a->got.reply.n_messages;
		req.has_from = true;
		req.from.seq = a->got.reply.last.seq;
	} while (a->got.reply.is_more);
	assert_int_equal(found, 7);
}

static void what_waits_is_told_in_order_and_by_peer(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const struct id32 to[] = {id32_of(1), id32_of(2), id32_of(1)};

	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_KEEP,
							      .is_new = true,
							      .msg = message_of(5, 5, 5),
							      .object_id = id16_of(5),
							      .object = body_text(5),
							      .to = to,
							      .n_to = 3}),
			 ERR_OK);
	for (unsigned n = 6; n < 10; n++)
		assert_int_equal(queue(a, n, 1), ERR_OK);
	assert_int_equal(queue(a, 6, 1), ERR_OK); /* it waits already */
	assert_int_equal(outbox(a, 1), ERR_OK);
	const struct store_reply *r = &a->got.reply;
	assert_int_equal(r->n_items, 5);
	for (unsigned i = 0; i < 5; i++) {
		const struct id16 id = id16_of(5 + i);
		assert_true(id16_eq(&r->items[i].id, &id));
		assert_slice(r->items[i].object, body_text(5 + i));
		assert_true(i == 0 || r->items[i].seq > r->items[i - 1].seq);
		assert_int_equal(r->items[i].since_ms,
				 i == 0 ? message_of(5, 5, 5).kept_ms : 1005 + i);
	}
	const uint64_t third = r->items[2].seq;
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_OUTBOX,
							      .is_peer = true,
							      .peer = to[0],
							      .after = third,
							      .max = 1}),
			 ERR_OK);
	assert_int_equal(a->got.reply.n_items, 1);
	assert_true(a->got.reply.is_more);
	assert_slice(a->got.reply.items[0].object, body_text(8));
	assert_int_equal(outbox(a, 2), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 1);
	assert_int_equal(outbox(a, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 6);
	assert_int_equal(outbox(a, 3), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 0);
}

static void counts_are_by_peer(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_request req = {.verb = STORE_COUNTS};

	for (unsigned n = 0; n < 12; n++)
		assert_int_equal(queue(a, 20 - n, n % 3 + 1), ERR_OK);
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_counts, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct id32 peer = id32_of(i + 1);
		assert_true(id32_eq(&a->got.reply.counts[i].peer, &peer));
		assert_int_equal(a->got.reply.counts[i].n, 4);
		assert_int_equal(a->got.reply.counts[i].since_ms, 1000 + 11 - i);
	}
	req.is_peer = true;
	req.peer = id32_of(1);
	req.max = 1;
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_counts, 1);
	assert_true(a->got.reply.is_more);
}

static enum err outcome(struct store_ask *a, unsigned id, unsigned peer,
			enum store_state to)
{
	return store_ask(a, &(struct store_request){.verb = STORE_OUTCOME,
						    .msg.author = id32_of(1),
						    .object_id = id16_of(id),
						    .peer = id32_of(peer),
						    .state = to});
}

static void an_outcome_ends_the_wait_and_moves_the_state_on(void **state)
{
	static const struct {
		enum store_state before, told, after;
	} rows[] = {
		{STORE_QUEUED, STORE_DELIVERED, STORE_DELIVERED},
		{STORE_QUEUED, STORE_FAILED, STORE_FAILED},
		{STORE_FAILED, STORE_DELIVERED, STORE_DELIVERED},
		{STORE_DELIVERED, STORE_FAILED, STORE_DELIVERED},
		{STORE_READ, STORE_STORED, STORE_READ},
		{STORE_STORED, STORE_NONE, STORE_STORED},
	};
	struct store_ask *a = &((struct store_world *)*state)->ask;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_message m = message_of(1, 1, i);
		m.state = rows[i].before;
		assert_int_equal(keep(a, m), ERR_OK);
		assert_int_equal(queue(a, i, 7), ERR_OK);
		assert_int_equal(queue(a, i, 8), ERR_OK);
		assert_int_equal(outcome(a, i, 9, rows[i].told), ERR_MISSING);
		assert_int_equal(outcome(a, i, 7, rows[i].told), ERR_OK);
		assert_int_equal(outcome(a, i, 7, STORE_READ), ERR_MISSING);
		assert_int_equal(get(a, 1, i), ERR_OK);
		assert_int_equal(a->got.reply.messages[0].state, rows[i].after);
		assert_int_equal(outbox(a, 7), ERR_OK);
		assert_int_equal(a->got.reply.n_items, 0);
		assert_int_equal(outbox(a, 8), ERR_OK);
		assert_int_equal(a->got.reply.n_items, i + 1);
	}
}

static enum err record(struct store_ask *a, uint8_t kind, const char *key,
		       const char *value)
{
	return store_ask(a,
			 &(struct store_request){.verb = STORE_RECORD,
						 .record = {.kind = kind,
							    .key = slice_str(key),
							    .value = slice_str(value)}});
}

/* "key=value " of each. */
static const char *records(struct store_ask *a, uint8_t kind, const char *prefix,
			   const char *after, size_t max)
{
	static char text[200];
	int n = 0;

	text[0] = '\0';
	assert_int_equal(
		store_ask(a, &(struct store_request){.verb = STORE_RECORDS,
						     .record = {.kind = kind,
								.key = slice_str(prefix)},
						     .arg = slice_str(after),
						     .max = max}),
		ERR_OK);
	for (size_t i = 0; i < a->got.reply.n_records; i++) {
		const struct store_record *r = &a->got.reply.records[i];
		assert_int_equal(r->kind, kind);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%.*s=%.*s ",
			      (int)r->key.n, (const char *)r->key.p, (int)r->value.n,
			      (const char *)r->value.p);
	}
	return text;
}

static void records_are_put_replaced_removed_and_listed(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;

	assert_int_equal(record(a, 1, "bb", "2"), ERR_OK);
	assert_int_equal(record(a, 1, "b", "1"), ERR_OK);
	assert_int_equal(record(a, 2, "b", "other"), ERR_OK);
	assert_int_equal(record(a, 1, "a", "0"), ERR_OK);
	assert_int_equal(record(a, 1, "c\xff", "3"), ERR_OK);
	assert_int_equal(record(a, 1, "c\xff\xff", "4"), ERR_OK);
	assert_int_equal(record(a, 1, "d", "5"), ERR_OK);
	assert_string_equal(records(a, 1, "", "", 0),
			    "a=0 b=1 bb=2 c\xff=3 c\xff\xff=4 d=5 ");
	assert_string_equal(records(a, 1, "b", "", 0), "b=1 bb=2 ");
	assert_string_equal(records(a, 1, "c\xff", "", 0), "c\xff=3 c\xff\xff=4 ");
	assert_string_equal(records(a, 1, "", "b", 2), "bb=2 c\xff=3 ");
	assert_true(a->got.reply.is_more);
	assert_int_equal(record(a, 1, "b", "one"), ERR_OK);
	assert_int_equal(record(a, 1, "bb", ""), ERR_OK);
	assert_int_equal(record(a, 1, "never there", ""), ERR_OK);
	assert_string_equal(records(a, 1, "b", "", 0), "b=one ");
	assert_string_equal(records(a, 2, "", "", 0), "b=other ");
	assert_string_equal(records(a, 3, "", "", 0), "");
}

static void what_is_forgotten_is_known_for_60_days(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const uint64_t now = message_of(0, 0, 0).kept_ms;

	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_OK);
	assert_int_equal(keep(a, message_of(1, 2, 2)), ERR_OK);
	assert_int_equal(queue(a, 1, 7), ERR_OK);
	assert_int_equal(queue(a, 1, 8), ERR_OK);
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_FORGET,
							      .msg.conv = id16_of(1),
							      .is_peer = true,
							      .peer = id32_of(7),
							      .now_ms = now}),
			 ERR_OK);
	assert_int_equal(get(a, 1, 1), ERR_MISSING);
	assert_int_equal(get(a, 1, 2), ERR_OK);
	assert_int_equal(outbox(a, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 1);
	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_EXISTS);
	struct store_request sweep = {.verb = STORE_SWEEP,
				      .now_ms = now + 60ull * DAY - 1};
	assert_int_equal(store_ask(a, &sweep), ERR_OK);
	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_EXISTS);
	sweep.now_ms++;
	assert_int_equal(store_ask(a, &sweep), ERR_OK);
	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_OK);
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_FORGET,
							      .is_all_convs = true,
							      .now_ms = now}),
			 ERR_OK);
	assert_int_equal(get(a, 1, 1), ERR_MISSING);
	assert_int_equal(get(a, 1, 2), ERR_MISSING);
}

static enum err move(struct store_ask *a, unsigned from, unsigned to, unsigned peer)
{
	return store_ask(a, &(struct store_request){.verb = STORE_MOVE,
						    .msg.author = id32_of(1),
						    .msg.conv = id16_of(from),
						    .to_conv = id16_of(to),
						    .is_peer = peer != 0,
						    .peer = id32_of(peer)});
}

static void assert_conv(struct store_ask *a, unsigned conv, const unsigned *want,
			size_t n)
{
	assert_int_equal(page(a, conv, true, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, n);
	for (size_t i = 0; i < n; i++) {
		const struct store_message *m = &a->got.reply.messages[i];
		assert_int_equal(m->lamport, want[i]);
		assert_slice(m->body, message_of(1, conv, want[i]).body);
	}
}

/* Into one that has messages already, with equal lamports, empty bodies, lamport 0. */
static void a_moved_conversation_is_whole_and_in_order(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	static const unsigned all[] = {0, 1, 2, 3, 4, 5, 6, 7}, other[] = {8};

	for (unsigned n = 0; n < 9; n++) {
		struct store_message m = message_of(n < 4 ? 1 : 2, 0, n);
		m.conv = id16_of(n == 8 ? 3 : n % 2 + 1);
		assert_int_equal(keep(a, m), ERR_OK);
	}
	struct store_message twin = message_of(5, 1, 20);
	twin.lamport = 3;
	twin.body = slice_of("", 0);
	assert_int_equal(keep(a, twin), ERR_OK);
	assert_int_equal(move(a, 4, 2, 0), ERR_OK); /* nothing is there */
	assert_int_equal(move(a, 1, 2, 0), ERR_OK);
	assert_int_equal(page(a, 1, true, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 0);
	assert_int_equal(get(a, 5, 20), ERR_OK);
	const struct id16 to = id16_of(2);
	assert_true(id16_eq(&a->got.reply.messages[0].conv, &to));
	assert_int_equal(a->got.reply.messages[0].body.n, 0);
	assert_int_equal(page(a, 2, true, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 9);
	assert_int_equal(a->got.reply.messages[3].lamport, 3);
	assert_int_equal(a->got.reply.messages[4].lamport, 3);
	assert_int_equal(move(a, 2, 2, 0), ERR_OK); /* to itself */
	struct store_message amended = message_of(5, 0, 20);
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_FORGET,
							      .msg.conv = id16_of(9)}),
			 ERR_OK);
	assert_int_equal(keep(a, amended), ERR_EXISTS); /* it is the same message */
	assert_conv(a, 3, other, 1);
	store_ask_close(a);
	if (a->path != NULL) {
		assert_int_equal(store_ask_open(a), ERR_OK);
		assert_int_equal(
			store_ask(a, &(struct store_request){.verb = STORE_CHECK}),
			ERR_OK);
		assert_int_equal(page(a, 2, true, 0), ERR_OK);
		assert_int_equal(a->got.reply.n_messages, 9);
		for (size_t i = 0, n = 0; i < 9; i++) {
			const struct store_message *m = &a->got.reply.messages[i];
			if (m->body.n > 0)
				assert_int_equal(m->lamport, all[n++]);
		}
	} else {
		assert_int_equal(store_ask_open(a), ERR_OK);
	}
}

static void what_waits_for_who_is_moved_from_is_given_up(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;

	for (unsigned n = 1; n <= 4; n++) {
		struct store_message m = message_of(1, n == 4 ? 3 : 1, n);
		m.state = n == 2 ? STORE_DELIVERED : STORE_QUEUED;
		assert_int_equal(keep(a, m), ERR_OK);
		if (n != 2)
			assert_int_equal(queue(a, n, 7), ERR_OK);
	}
	assert_int_equal(queue(a, 3, 8), ERR_OK);
	assert_int_equal(move(a, 1, 2, 7), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 3);
	assert_int_equal(a->got.reply.items[0].object.n, 0);
	static const enum store_state want[] = {STORE_FAILED, STORE_DELIVERED,
						STORE_FAILED, STORE_QUEUED};
	for (unsigned n = 1; n <= 4; n++) {
		assert_int_equal(get(a, 1, n), ERR_OK);
		assert_int_equal(a->got.reply.messages[0].state, want[n - 1]);
	}
	assert_int_equal(outbox(a, 7), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 0);
	assert_int_equal(outbox(a, 8), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 1);
	assert_slice(a->got.reply.items[0].object, body_text(3));
}

static void a_sweep_removes_what_is_over(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const uint64_t now = message_of(0, 0, 0).kept_ms + 10ull * DAY;
	struct store_message m = message_of(1, 1, 1);

	m.expires_ms = now;
	assert_int_equal(keep(a, m), ERR_OK);
	m = message_of(1, 1, 2);
	m.expires_ms = now + 1;
	m.kept_ms = now - 5;
	assert_int_equal(keep(a, m), ERR_OK);
	m = message_of(1, 1, 3);
	m.kept_ms = now - 4;
	assert_int_equal(keep(a, m), ERR_OK);
	for (unsigned n = 1; n <= 4; n++)
		assert_int_equal(queue(a, n, 7), ERR_OK);
	struct store_request sweep = {
		.verb = STORE_SWEEP, .now_ms = now, .give_up_ms = 1003};
	assert_int_equal(store_ask(a, &sweep), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 2);
	assert_int_equal(a->got.reply.items[1].since_ms, 1002);
	assert_int_equal(a->got.reply.items[1].object.n, 0);
	assert_int_equal(get(a, 1, 1), ERR_MISSING);
	assert_int_equal(get(a, 1, 2), ERR_OK);
	assert_int_equal(outbox(a, 7), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 2);
	sweep.is_all_convs = true;
	sweep.keep_ms = 4;
	sweep.give_up_ms = 0;
	assert_int_equal(store_ask(a, &sweep), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 0);
	assert_int_equal(get(a, 1, 2), ERR_MISSING);
	assert_int_equal(get(a, 1, 3), ERR_OK);
	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_EXISTS);
}

static void a_long_sweep_takes_rounds(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const struct store_request sweep = {.verb = STORE_SWEEP,
					    .now_ms = message_of(0, 0, 0).kept_ms + DAY,
					    .is_all_convs = true,
					    .keep_ms = MINUTE,
					    .give_up_ms = UINT64_MAX >> 1};
	size_t rounds = 0, n_items = 0;

	for (unsigned n = 0; n < 2500; n++) {
		const struct id32 to = id32_of(7);
		const struct store_request req = {.verb = STORE_KEEP,
						  .is_new = true,
						  .msg = message_of(1, 1, n),
						  .object_id = id16_of(n),
						  .object = body_text(n),
						  .to = &to,
						  .n_to = 1};
		assert_int_equal(store_submit(a->s, &req), ERR_OK);
	}
	do {
		assert_int_equal(store_ask(a, &sweep), ERR_OK);
		n_items += a->got.reply.n_items;
		rounds++;
	} while (a->got.reply.is_more);
	assert_int_equal(rounds, 3);
	assert_int_equal(n_items, 2500);
	assert_int_equal(page(a, 1, true, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 0);
	assert_int_equal(outbox(a, 0), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 0);
}

static void a_whole_store_passes_the_check(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;

	assert_int_equal(keep(a, message_of(1, 1, 1)), ERR_OK);
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_CHECK}),
			 ERR_OK);
	assert_int_equal(a->n_troubles, 0);
}

struct order {
	struct store *s;
	uint64_t next[STORE_LANES], n_done;
	unsigned more;
};

static void in_order(void *ctx, const struct store_request *req,
		     const struct store_reply *reply)
{
	struct order *o = ctx;
	const enum store_lane lane =
		req->verb == STORE_KEEP ? STORE_LANE_WRITE : STORE_LANE_READ;

	assert_int_equal(req->tag, o->next[lane]++);
	assert_slice(req->msg.body, body_text((unsigned)req->tag));
	/* Before the answer of the message, or after it. */
	if (lane == STORE_LANE_READ && reply->err == ERR_OK)
		assert_slice(reply->messages[0].body, req->msg.body);
	o->n_done++;
}

static void each_lane_answers_in_its_order(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct order o = {.s = a->s};

	for (unsigned n = 0; n < 3000; n++) {
		struct store_request req = {.verb = STORE_KEEP,
					    .done = in_order,
					    .ctx = &o,
					    .tag = n,
					    .is_new = true,
					    .msg = message_of(1, 1, n)};
		assert_int_equal(store_submit(a->s, &req), ERR_OK);
		req.verb = STORE_GET;
		assert_int_equal(store_submit(a->s, &req), ERR_OK);
		if (n % 500 == 499)
			assert_true(store_ask_settle(a, 60000));
	}
	assert_true(store_ask_settle(a, 60000));
	assert_int_equal(o.n_done, 6000);
}

static void see(void *ctx, const struct store_request *req,
		const struct store_reply *reply)
{
	struct order *o = ctx;

	assert_int_equal(reply->err, ERR_OK);
	o->n_done++;
	if (o->more == 0)
		return;
	o->more--;
	struct store_request next = *req;
	next.verb = req->verb == STORE_KEEP ? STORE_GET : STORE_KEEP;
	if (next.verb == STORE_KEEP)
		next.msg.id = id16_of(o->more);
	assert_int_equal(store_submit(o->s, &next), ERR_OK);
}

static void a_read_after_an_answered_write_sees_it(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct order o = {.s = a->s, .more = 200};
	const struct store_request req = {.verb = STORE_KEEP,
					  .done = see,
					  .ctx = &o,
					  .is_new = true,
					  .msg = message_of(1, 1, 1000)};

	assert_int_equal(store_submit(a->s, &req), ERR_OK);
	assert_true(store_ask_settle(a, 60000));
	assert_int_equal(o.n_done, 201);
}

static void too_much_that_waits_is_refused(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	static uint8_t body[STORE_BODY_BYTES];
	struct store_request req = {
		.verb = STORE_RECORD,
		.record = {.key = slice_str("k"), .value = slice_of(body, sizeof(body))}};
	size_t n = 0;

	while (n < 10000 && store_submit(a->s, &req) == ERR_OK)
		n++;
	assert_in_range(n, 100, 5000);
	assert_int_equal(store_submit(a->s, &req), ERR_FULL);
	assert_true(store_ask_settle(a, 60000));
	assert_int_equal(store_submit(a->s, &req), ERR_OK);
	req.record.value.n = 1;
	n = 0;
	while (n < 100000 && store_submit(a->s, &req) == ERR_OK)
		n++;
	assert_in_range(n, 1000, 50000);
	assert_true(store_ask_settle(a, 60000));
}

static void memory_answers_in_the_next_poll(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct order o = {.s = a->s, .more = 3};
	const struct store_request req = {.verb = STORE_KEEP,
					  .done = see,
					  .ctx = &o,
					  .is_new = true,
					  .msg = message_of(1, 1, 1000)};

	assert_int_equal(store_fd(a->s), -1);
	assert_int_equal(store_submit(a->s, &req), ERR_OK);
	for (unsigned n = 1; n <= 4; n++) {
		store_poll(a->s);
		assert_int_equal(o.n_done, n);
		assert_int_equal(store_pending(a->s), n < 4);
	}
}

static const struct {
	const char *name;
	CMUnitTestFunction f;
} tests[] = {
#define TEST(f) \
	{ \
#f, f \
	}
	TEST(a_kept_message_is_got_as_it_was),
	TEST(bodies_may_be_empty_or_of_the_full_length),
	TEST(limits_are_refused_when_submitted),
	TEST(the_same_message_is_kept_once),
	TEST(what_is_known_queues_nothing),
	TEST(an_amended_message_keeps_its_place),
	TEST(a_refused_amendment_does_nothing_at_all),
	TEST(pages_go_both_ways_by_conversation),
	TEST(equal_lamports_are_ordered_by_author_and_id),
	TEST(pages_of_all_go_by_the_order_of_keeping),
	TEST(pages_may_be_bounded_in_time_and_bytes),
	TEST(a_scan_looks_at_so_many_and_goes_on),
	TEST(what_waits_is_told_in_order_and_by_peer),
	TEST(counts_are_by_peer),
	TEST(an_outcome_ends_the_wait_and_moves_the_state_on),
	TEST(records_are_put_replaced_removed_and_listed),
	TEST(what_is_forgotten_is_known_for_60_days),
	TEST(a_moved_conversation_is_whole_and_in_order),
	TEST(what_waits_for_who_is_moved_from_is_given_up),
	TEST(a_sweep_removes_what_is_over),
	TEST(a_long_sweep_takes_rounds),
	TEST(a_whole_store_passes_the_check),
	TEST(each_lane_answers_in_its_order),
	TEST(a_read_after_an_answered_write_sees_it),
	TEST(too_much_that_waits_is_refused),
};

static const struct {
	const char *name;
	CMFixtureFunction setup;
} backends[] = {
	{"memory", store_world_memory},
	{"sqlite", store_world_sqlite},
};

enum {
	N_TESTS = sizeof(tests) / sizeof(tests[0]),
	N_BACKENDS = sizeof(backends) / sizeof(backends[0]),
	N_OWN = 1
};

int main(void)
{
	static char names[N_TESTS * N_BACKENDS][100];
	static struct CMUnitTest all[N_TESTS * N_BACKENDS + N_OWN];
	size_t n = 0;

	secret_init();
	for (size_t b = 0; b < N_BACKENDS; b++) {
		for (size_t t = 0; t < N_TESTS; t++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s_%s", backends[b].name,
				 tests[t].name);
			all[n] = (struct CMUnitTest){names[n], tests[t].f,
						     backends[b].setup,
						     store_world_teardown, NULL};
		}
	}
	all[n] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(
		memory_answers_in_the_next_poll, store_world_memory,
		store_world_teardown);
	return cmocka_run_group_tests_name("store", all, NULL, NULL);
}
