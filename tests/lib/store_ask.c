#include "lib/store_ask.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { WAIT_MS = 60000 };

void store_ask_init(struct store_ask *a, const char *path)
{
	*a = (struct store_ask){.path = path, .now_ms = 1767225600000};
	memset(a->key, 7, sizeof(a->key));
	rng_seeded_init(&a->rng, 1);
}

void store_ask_wipe(struct store_ask *a)
{
	store_ask_close(a);
	answer_wipe(&a->got);
	a->got = (struct store_answer){0};
}

static void on_trouble(void *ctx, enum err e, const char *text)
{
	struct store_ask *a = ctx;

	a->trouble = e;
	a->n_troubles++;
	snprintf(a->trouble_why, sizeof(a->trouble_why), "%s", text);
}

enum err store_ask_open(struct store_ask *a)
{
	const struct store_config cfg = {
		.path = a->path,
		.key = a->key,
		.rng = &a->rng.rng,
		.now_ms = a->now_ms,
		.on_trouble = on_trouble,
		.ctx = a,
	};

	return store_open(&cfg, &a->s, a->why);
}

void store_ask_close(struct store_ask *a)
{
	store_free(a->s);
	a->s = NULL;
}

static void on_done(void *ctx, const struct store_request *req,
		    const struct store_reply *reply)
{
	struct store_ask *a = ctx;

	a->is_done = true;
	answer_wipe(&a->got);
	answer_init(&a->got, req);
	answer_why(&a->got, ERR_OK, "%s", reply->why);
	for (size_t i = 0; i < reply->n_messages; i++)
		answer_message(&a->got, &reply->messages[i]);
	for (size_t i = 0; i < reply->n_items; i++)
		answer_item(&a->got, &reply->items[i]);
	for (size_t i = 0; i < reply->n_counts; i++)
		answer_count(&a->got, &reply->counts[i]);
	for (size_t i = 0; i < reply->n_records; i++)
		answer_record(&a->got, &reply->records[i]);
	a->got.reply.err = reply->err;
	a->got.reply.is_more = reply->is_more;
	a->got.reply.last = reply->last;
	a->got.reply.n_bytes = reply->n_bytes;
	a->got.reply.is_over = reply->is_over;
	answer_finish(&a->got);
}

static void wait_a_little(const struct store *s)
{
	struct pollfd p = {.fd = store_fd(s), .events = POLLIN};

	if (p.fd >= 0)
		poll(&p, 1, 10);
}

static uint64_t now(void)
{
	return clock_mono_ms(clock_system());
}

enum err store_ask(struct store_ask *a, const struct store_request *req)
{
	struct store_request mine = *req;
	const uint64_t end = now() + WAIT_MS;

	mine.done = on_done;
	mine.ctx = a;
	a->is_done = false;
	enum err e = store_submit(a->s, &mine);
	if (e != ERR_OK)
		return e;
	for (store_poll(a->s); !a->is_done; store_poll(a->s)) {
		wait_a_little(a->s);
		assert_true(now() < end);
	}
	return a->got.reply.err;
}

bool store_ask_settle(struct store_ask *a, unsigned max_ms)
{
	const uint64_t end = now() + max_ms;

	for (store_poll(a->s); store_pending(a->s) > 0; store_poll(a->s)) {
		if (now() >= end)
			return false;
		wait_a_little(a->s);
	}
	return true;
}

struct id16 id16_of(unsigned n)
{
	struct id16 id = {.b = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
				(uint8_t)n, 0x16}};

	return id;
}

struct id32 id32_of(unsigned n)
{
	struct id32 id = {.b = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
				(uint8_t)n, 0x32}};

	return id;
}

struct slice body_text(unsigned n)
{
	static char texts[8][64];
	static unsigned next;
	char *t = texts[next++ % 8];

	snprintf(t, sizeof(texts[0]), "this is what message %u says to you", n);
	return slice_str(t);
}

struct store_message message_of(unsigned author, unsigned conv, unsigned n)
{
	return (struct store_message){
		.author = id32_of(author),
		.id = id16_of(n),
		.conv = id16_of(conv),
		.lamport = n,
		.sent_ms = 1767225600000 + n,
		.kept_ms = 1767225600000 + n,
		.body = body_text(n),
	};
}
