#include "lib/store_script.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FORGET_STEP = 25, MOVE_STEP = 29, SWEEP_STEP = 33 };

static enum err append(struct slice arg, struct store_message *m, uint8_t *room)
{
	memcpy(room, m->body.p, m->body.n);
	memcpy(room + m->body.n, arg.p, arg.n);
	m->body = slice_of(room, m->body.n + arg.n);
	return ERR_OK;
}

/* A message to one or two; some have a body that fills pages of its own. */
static struct store_request keep(unsigned n)
{
	static uint8_t longer[9000];
	static struct id32 to[2];
	struct store_request req = {.verb = STORE_KEEP,
				    .is_new = true,
				    .msg = message_of(1, n % 4, n),
				    .object_id = id16_of(n),
				    .object = body_text(n),
				    .to = to,
				    .n_to = 1 + n % 2};

	to[0] = id32_of(7);
	to[1] = id32_of(8);
	req.msg.state = STORE_QUEUED;
	req.msg.expires_ms = n % 5 == 0 ? req.msg.sent_ms + 1 : 0;
	if (n % 7 == 0) {
		memset(longer, 'a' + (int)(n % 26), sizeof(longer));
		req.msg.body = slice_of(longer, sizeof(longer));
	}
	return req;
}

static struct store_request outcome(unsigned n)
{
	return (struct store_request){.verb = STORE_OUTCOME,
				      .msg.author = id32_of(1),
				      .object_id = id16_of(n - 3),
				      .peer = id32_of(7),
				      .state = STORE_DELIVERED};
}

static struct store_request amend(unsigned n)
{
	return (struct store_request){.verb = STORE_KEEP,
				      .msg = message_of(1, 0, n - 3),
				      .amend = append,
				      .arg = slice_str(" (edited)")};
}

static struct store_request record(unsigned n)
{
	static char key[8];

	snprintf(key, sizeof(key), "r%u", n % 4);
	return (struct store_request){
		.verb = STORE_RECORD,
		.record = {.kind = 1, .key = slice_str(key), .value = body_text(n)}};
}

static struct store_request forget(void)
{
	return (struct store_request){.verb = STORE_FORGET,
				      .msg.conv = id16_of(2),
				      .is_peer = true,
				      .peer = id32_of(8),
				      .now_ms = message_of(0, 0, 100).kept_ms};
}

static struct store_request move(void)
{
	return (struct store_request){.verb = STORE_MOVE,
				      .msg.conv = id16_of(1),
				      .msg.author = id32_of(1),
				      .to_conv = id16_of(9),
				      .is_peer = true,
				      .peer = id32_of(7)};
}

static struct store_request sweep(void)
{
	return (struct store_request){.verb = STORE_SWEEP,
				      .now_ms = message_of(0, 0, 100).kept_ms,
				      .give_up_ms = message_of(0, 0, 10).kept_ms};
}

struct store_request store_script_request(unsigned n)
{
	static struct store_request (*const kinds[])(unsigned n) = {
		keep, keep, keep, outcome, amend, record};

	switch (n) {
	case FORGET_STEP:
		return forget();
	case MOVE_STEP:
		return move();
	case SWEEP_STEP:
		return sweep();
	default:
		return kinds[n % 6](n);
	}
}

enum err store_script_step(struct store_ask *a, unsigned n)
{
	const struct store_request req = store_script_request(n);
	const enum err e = store_ask(a, &req);

	/* Done before, or forgotten meanwhile: both are answers. */
	return e == ERR_EXISTS || e == ERR_MISSING ? ERR_OK : e;
}

static void dump_messages(struct store_ask *a, FILE *to)
{
	const struct store_request req = {
		.verb = STORE_PAGE, .is_all_convs = true, .is_forward = true};

	fprintf(to, "messages: %s\n", err_name(store_ask(a, &req)));
	for (size_t i = 0; i < a->got.reply.n_messages; i++) {
		const struct store_message *m = &a->got.reply.messages[i];
		fprintf(to, "%u %u conv %u lamport %u state %d: %.*s\n", m->author.b[3],
			m->id.b[3], m->conv.b[3], (unsigned)m->lamport, m->state,
			(int)m->body.n, (const char *)m->body.p);
	}
}

static void dump_items(struct store_ask *a, FILE *to)
{
	fprintf(to, "outbox: %s\n",
		err_name(store_ask(a, &(struct store_request){.verb = STORE_OUTBOX})));
	for (size_t i = 0; i < a->got.reply.n_items; i++) {
		const struct store_item *it = &a->got.reply.items[i];
		fprintf(to, "%u for %u: %.*s\n", it->id.b[3], it->peer.b[3],
			(int)it->object.n, (const char *)it->object.p);
	}
}

static void dump_records(struct store_ask *a, FILE *to)
{
	fprintf(to, "records: %s\n",
		err_name(store_ask(a, &(struct store_request){.verb = STORE_RECORDS,
							      .record.kind = 1})));
	for (size_t i = 0; i < a->got.reply.n_records; i++) {
		const struct store_record *r = &a->got.reply.records[i];
		fprintf(to, "%.*s: %.*s\n", (int)r->key.n, (const char *)r->key.p,
			(int)r->value.n, (const char *)r->value.p);
	}
}

char *store_script_dump(struct store_ask *a)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	if (to == NULL)
		return NULL;
	dump_messages(a, to);
	dump_items(a, to);
	dump_records(a, to);
	fclose(to);
	char *out = mem_strndup(text, n);
	free(text);
	return out;
}

static void make_wants(char *wants[static SCRIPT_STEPS + 1])
{
	struct store_ask a;

	store_ask_init(&a, NULL);
	if (store_ask_open(&a) != ERR_OK)
		abort();
	wants[0] = store_script_dump(&a);
	for (unsigned n = 0; n < SCRIPT_STEPS; n++) {
		store_script_step(&a, n);
		wants[n + 1] = store_script_dump(&a);
	}
	store_ask_wipe(&a);
}

const char *store_script_want(unsigned n)
{
	static char *wants[SCRIPT_STEPS + 1];

	if (wants[0] == NULL)
		make_wants(wants);
	return wants[n < SCRIPT_STEPS ? n : SCRIPT_STEPS];
}
