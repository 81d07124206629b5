/* What is removed: by age, by size, by giving up and by forgetting; both backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/store_world.h"
#include "lib/tempdir.h"

static void keep(struct store_ask *a, struct store_message m)
{
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_KEEP,
							      .is_new = true,
							      .msg = m}),
			 ERR_OK);
}

static void queue(struct store_ask *a, unsigned id, uint64_t since_ms)
{
	const struct id32 to = id32_of(7);

	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_KEEP,
							      .object_id = id16_of(id),
							      .object = body_text(id),
							      .to = &to,
							      .n_to = 1,
							      .now_ms = since_ms}),
			 ERR_OK);
}

static enum err get(struct store_ask *a, unsigned author, unsigned n)
{
	return store_ask(a, &(struct store_request){.verb = STORE_GET,
						    .msg = message_of(author, 0, n)});
}

static size_t count(struct store_ask *a, unsigned conv)
{
	assert_int_equal(store_ask(a, &(struct store_request){.verb = STORE_PAGE,
							      .msg.conv = id16_of(conv)}),
			 ERR_OK);
	return a->got.reply.n_messages;
}

/* Until there is no more of it; how many rounds it took. */
static unsigned rounds(struct store_ask *a, const struct store_request *req)
{
	unsigned n = 0;

	do {
		assert_int_equal(store_ask(a, req), ERR_OK);
		n++;
	} while (a->got.reply.is_more && n < 100);
	return n;
}

static void age_counts_in_one_conversation(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const uint64_t now = message_of(0, 0, 0).kept_ms + 10ull * DAY;
	struct store_request sweep = {.verb = STORE_SWEEP,
				      .msg.conv = id16_of(1),
				      .now_ms = now,
				      .keep_ms = DAY};

	for (unsigned n = 1; n <= 6; n++) {
		struct store_message m = message_of(1, n % 2 + 1, n);
		m.kept_ms = n <= 4 ? now - DAY - n : now - DAY;
		/* in another order than that of age */
		m.lamport = 100 - n;
		keep(a, m);
	}
	rounds(a, &sweep);
	assert_int_equal(count(a, 1), 1);
	assert_int_equal(count(a, 2), 3);
	assert_int_equal(get(a, 1, 6), ERR_OK);
	sweep.is_all_convs = true;
	rounds(a, &sweep);
	assert_int_equal(count(a, 1), 1);
	assert_int_equal(count(a, 2), 1);
	assert_int_equal(get(a, 1, 5), ERR_OK);
}

static void what_waits_is_not_too_old(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const uint64_t now = message_of(0, 0, 0).kept_ms + 10ull * DAY;
	const struct store_message m = message_of(1, 1, 3);
	const struct store_request sweep = {
		.verb = STORE_SWEEP,
		.msg.conv = id16_of(1),
		.has_from = true,
		.from = {.lamport = 3, .author = m.author, .id = m.id},
		.now_ms = now,
		.keep_ms = MINUTE};

	for (unsigned n = 1; n <= 4; n++)
		keep(a, message_of(1, 1, n));
	queue(a, 2, now);
	queue(a, 4, now);
	rounds(a, &sweep);
	assert_int_equal(count(a, 1), 2);
	assert_int_equal(get(a, 1, 2), ERR_OK);
	assert_int_equal(get(a, 1, 4), ERR_OK);
}

static void what_expired_goes_though_it_waits(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_message m = message_of(1, 1, 1);

	m.expires_ms = 5;
	keep(a, m);
	queue(a, 1, 1);
	rounds(a, &(struct store_request){.verb = STORE_SWEEP, .now_ms = 5});
	assert_int_equal(count(a, 1), 0);
}

static void a_place_of_the_conversation_cuts_it(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_message m = message_of(2, 1, 5);
	struct store_request sweep = {.verb = STORE_SWEEP,
				      .msg.conv = id16_of(1),
				      .has_from = true,
				      .now_ms = m.kept_ms};

	for (unsigned n = 1; n <= 9; n++)
		for (unsigned author = 1; author <= 3; author++)
			keep(a, message_of(author, 1, n));
	keep(a, message_of(1, 2, 100));
	sweep.from.lamport = 5;
	sweep.from.author = m.author;
	sweep.from.id = m.id;
	rounds(a, &sweep);
	assert_int_equal(count(a, 1), 27 - 14);
	assert_int_equal(get(a, 2, 5), ERR_MISSING);
	assert_int_equal(get(a, 3, 5), ERR_OK);
	assert_int_equal(count(a, 2), 1);
}

static void a_long_cut_takes_rounds(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_request sweep = {.verb = STORE_SWEEP,
				      .msg.conv = id16_of(1),
				      .has_from = true,
				      .from.lamport = 1 << 20,
				      .now_ms = message_of(0, 0, 0).kept_ms};

	for (unsigned n = 0; n < 2500; n++) {
		const struct store_request req = {
			.verb = STORE_KEEP, .is_new = true, .msg = message_of(1, 1, n)};
		assert_int_equal(store_submit(a->s, &req), ERR_OK);
	}
	assert_int_equal(rounds(a, &sweep), 3);
	assert_int_equal(count(a, 1), 0);
}

static void conversations_are_listed(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_request req = {.verb = STORE_CONVS, .max = 2};

	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 0);
	assert_false(a->got.reply.is_more);
	for (unsigned n = 1; n <= 9; n++)
		keep(a, message_of(1, n % 3 + 1, 10 - n));
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 2);
	assert_true(a->got.reply.is_more);
	const struct store_message *m = a->got.reply.messages;
	const struct id16 first = id16_of(1), second = id16_of(2), third = id16_of(3);
	assert_true(id16_eq(&m[0].conv, &first));
	assert_true(id16_eq(&m[1].conv, &second));
	assert_int_equal(m[0].lamport, 7);
	assert_int_equal(m[1].lamport, 9);
	assert_int_equal(m[0].body.n, 0);
	req.has_from = true;
	req.msg.conv = second;
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_messages, 1);
	assert_true(id16_eq(&a->got.reply.messages->conv, &third));
	assert_false(a->got.reply.is_more);
}

static void the_size_is_measured_from_the_newest_on(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	uint64_t sum = 0;
	struct store_request req = {.verb = STORE_MEASURE,
				    .msg.conv = id16_of(1),
				    .keep_bytes = UINT64_MAX >> 1};

	for (unsigned n = 1; n <= 9; n++) {
		keep(a, message_of(1, 1, n));
		keep(a, message_of(1, 2, 100 + n));
		sum += body_text(n).n + STORE_ROW_BYTES;
	}
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_bytes, sum);
	assert_false(a->got.reply.is_over);
	assert_false(a->got.reply.is_more);
	/* All but the two oldest fit. */
	req.keep_bytes = sum - 2 * (body_text(1).n + STORE_ROW_BYTES);
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.n_bytes, req.keep_bytes);
	assert_true(a->got.reply.is_over);
	assert_int_equal(a->got.reply.last.lamport, 2);
	req.keep_bytes--;
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_int_equal(a->got.reply.last.lamport, 3);
	/* In rounds. */
	req.max_rows = 4;
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_true(a->got.reply.is_more);
	assert_false(a->got.reply.is_over);
	assert_int_equal(a->got.reply.last.lamport, 6);
	req.keep_bytes -= a->got.reply.n_bytes;
	req.has_from = true;
	req.from.lamport = 6;
	req.from.author = a->got.reply.last.author;
	req.from.id = a->got.reply.last.id;
	assert_int_equal(store_ask(a, &req), ERR_OK);
	assert_true(a->got.reply.is_over);
	assert_int_equal(a->got.reply.last.lamport, 3);
}

static void what_is_given_up_has_failed(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	const struct store_request sweep = {.verb = STORE_SWEEP,
					    .msg.author = id32_of(1),
					    .state = STORE_FAILED,
					    .now_ms = 1000,
					    .give_up_ms = 500};

	for (unsigned n = 1; n <= 3; n++) {
		struct store_message m = message_of(n == 2 ? 2 : 1, 1, n);
		m.state = STORE_QUEUED;
		keep(a, m);
		queue(a, n, n == 3 ? 500 : 499);
	}
	assert_int_equal(store_ask(a, &sweep), ERR_OK);
	assert_int_equal(a->got.reply.n_items, 2);
	assert_int_equal(get(a, 1, 1), ERR_OK);
	assert_int_equal(a->got.reply.messages->state, STORE_FAILED);
	assert_int_equal(get(a, 2, 2), ERR_OK); /* somebody else's of that id */
	assert_int_equal(a->got.reply.messages->state, STORE_QUEUED);
	assert_int_equal(get(a, 1, 3), ERR_OK);
	assert_int_equal(a->got.reply.messages->state, STORE_QUEUED);
}

static void forgetting_goes_in_rounds(void **state)
{
	struct store_ask *a = &((struct store_world *)*state)->ask;
	struct store_request forget = {
		.verb = STORE_FORGET, .msg.conv = id16_of(1), .max = 3, .now_ms = 1000};

	for (unsigned n = 1; n <= 8; n++) {
		keep(a, message_of(1, 1, n));
		keep(a, message_of(1, 2, 10 + n));
	}
	assert_int_equal(store_ask(a, &forget), ERR_OK);
	assert_true(a->got.reply.is_more);
	assert_int_equal(a->got.reply.last.seq, 16);
	assert_int_equal(count(a, 1), 5);
	/* What comes meanwhile stays. */
	forget.has_from = true;
	forget.from.seq = 16;
	keep(a, message_of(1, 1, 50));
	assert_int_equal(rounds(a, &forget), 2);
	assert_int_equal(count(a, 1), 1);
	assert_int_equal(get(a, 1, 50), ERR_OK);
	assert_int_equal(count(a, 2), 8);
	forget.is_all_convs = true;
	assert_int_equal(rounds(a, &forget), 3);
	assert_int_equal(count(a, 2), 0);
	assert_int_equal(count(a, 1), 1);
	assert_int_equal(
		store_ask(a, &(struct store_request){.verb = STORE_KEEP,
						     .is_new = true,
						     .msg = message_of(1, 1, 1)}),
		ERR_EXISTS);
}

#define TEST(f) \
	{ \
#f, f \
	}
static const struct {
	const char *name;
	CMUnitTestFunction f;
} tests[] = {
	TEST(age_counts_in_one_conversation),
	TEST(what_waits_is_not_too_old),
	TEST(what_expired_goes_though_it_waits),
	TEST(a_place_of_the_conversation_cuts_it),
	TEST(a_long_cut_takes_rounds),
	TEST(conversations_are_listed),
	TEST(the_size_is_measured_from_the_newest_on),
	TEST(what_is_given_up_has_failed),
	TEST(forgetting_goes_in_rounds),
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
	N_BACKENDS = sizeof(backends) / sizeof(backends[0])
};

int main(void)
{
	static char names[N_TESTS * N_BACKENDS][100];
	static struct CMUnitTest all[N_TESTS * N_BACKENDS];
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
	return cmocka_run_group_tests_name("store past", all, NULL, NULL);
}
