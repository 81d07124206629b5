#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/control_run.h"
#include "lib/loop_run.h"
#include "net/stream.h"
#include "ui/evjson.h"

/* Ten times what the longest takes under the slowest sanitizer. */
enum { WAIT_MS = 50000, CLIENTS_MAX = 64 };

static struct control_run run;
static struct timer beat;

/* ---- a client that reads when the loop runs ---- */

/* Static in its test, so that teardown finds it after a failure. */
struct client {
	int fd; /* until the stream has it */
	struct stream *stream;
	struct event **events;
	size_t n, wanted;
	bool is_ended;
};

static void on_line(void *ctx, struct slice line)
{
	struct client *c = ctx;
	if (c->n % 1024 == 0)
		c->events = mem_resize(c->events, c->n + 1024, sizeof *c->events);
	assert_int_equal(evjson_event_parse(line, &c->events[c->n++]), ERR_OK);
}

static void on_end(void *ctx, enum err why)
{
	struct client *c = ctx;
	(void)why;
	c->is_ended = true;
}

static struct client *clients[2 * CLIENTS_MAX];
static size_t n_clients;

static void client_connect(struct client *c)
{
	*c = (struct client){.fd = -1};
	clients[n_clients++] = c;
	assert_int_equal(local_connect(run.path, &c->fd), ERR_OK);
}

static void client_read(struct client *c)
{
	static const struct stream_handlers handlers = {on_line, on_end, NULL};
	assert_int_equal(stream_open(run.loop, c->fd, c->fd, EVJSON_EVENT_MAX, 1 << 20,
				     &handlers, c, &c->stream),
			 ERR_OK);
}

static void client_open(struct client *c)
{
	client_connect(c);
	client_read(c);
}

static void client_wipe(struct client *c)
{
	size_t at = 0;
	while (clients[at] != c)
		at++;
	clients[at] = clients[--n_clients];
	if (c->stream)
		stream_free(c->stream);
	else if (c->fd >= 0)
		close(c->fd);
	for (size_t i = 0; i < c->n; i++)
		mem_free(c->events[i]);
	mem_free(c->events);
}

static void say(struct client *c, const char *text)
{
	if (c->stream)
		assert_int_equal(stream_write(c->stream, slice_str(text)), ERR_OK);
	else
		assert_int_equal(write(c->fd, text, strlen(text)), (ssize_t)strlen(text));
}

static bool has_wanted(void *ctx)
{
	struct client *c = ctx;
	return c->n >= c->wanted;
}

static void expect(struct client *c, size_t n)
{
	c->wanted = n;
	if (!loop_until(run.loop, has_wanted, c, WAIT_MS))
		fail_msg("%zu events instead of %zu", c->n, n);
}

static bool has_ended(void *ctx)
{
	return ((struct client *)ctx)->is_ended;
}

static bool has_no_ports(void *ctx)
{
	(void)ctx;
	return fake_front_ports(run.front) == 0;
}

static void wait_commands(size_t n)
{
	control_run_commands(&run, n, WAIT_MS);
}

static int setup(void **state)
{
	return control_run_start(&run, state);
}

/* A test that failed left them as they were. */
static int teardown(void **state)
{
	timer_stop(&beat);
	while (n_clients > 0)
		client_wipe(clients[n_clients - 1]);
	return control_run_stop(&run, state);
}

/* ---- one client ---- */

static void a_client_is_told_of_the_node_and_answered(void **state)
{
	static struct client c;
	(void)state;
	client_open(&c);
	expect(&c, 1);
	assert_int_equal(c.events[0]->type, EVENT_NODE);
	assert_int_equal(c.events[0]->tag, 0);
	say(&c, "{\"cmd\":\"peers\",\"tag\":4}\n");
	expect(&c, 2);
	assert_int_equal(c.events[1]->type, EVENT_DONE);
	assert_int_equal(c.events[1]->tag, 4);
	client_wipe(&c);
	assert_true(loop_until(run.loop, has_no_ports, NULL, WAIT_MS));
}

static void wrong_lines_are_answered_and_the_stream_goes_on(void **state)
{
	static struct client c;
	(void)state;
	client_open(&c);
	say(&c, "{\"cmd\":\"frob\",\"tag\":4}\nhello\n\n\xff\xfe\n{\"cmd\":\"peers\","
		"\"tag\":5}\n");
	expect(&c, 6);
	unsigned errors = 0;
	for (size_t i = 0; i < c.n; i++) {
		errors += c.events[i]->type == EVENT_ERROR;
		if (c.events[i]->type == EVENT_ERROR)
			assert_int_equal(c.events[i]->u.error.status, 1);
		if (c.events[i]->tag == 4)
			assert_int_equal(c.events[i]->type, EVENT_ERROR);
		if (c.events[i]->tag == 5)
			assert_int_equal(c.events[i]->type, EVENT_DONE);
	}
	assert_int_equal(errors, 4);
	client_wipe(&c);
}

static void a_line_without_end_is_cut_off(void **state)
{
	static struct client c, other;
	char *line = mem_new(EVJSON_COMMAND_MAX + 3);
	(void)state;
	client_open(&other);
	client_open(&c);
	memset(line, 'x', EVJSON_COMMAND_MAX + 2);
	say(&c, line);
	assert_true(loop_until(run.loop, has_ended, &c, WAIT_MS));
	assert_int_equal(c.events[c.n - 1]->type, EVENT_ERROR);
	say(&other, "{\"cmd\":\"peers\",\"tag\":5}\n");
	expect(&other, 2);
	assert_int_equal(fake_front_ports(run.front), 1);
	mem_free(line);
	client_wipe(&c);
	client_wipe(&other);
}

static void a_client_that_has_said_all_still_gets_its_answers(void **state)
{
	static struct client c;
	(void)state;
	fake_front_delay(run.front, 50);
	client_connect(&c);
	say(&c, "{\"cmd\":\"peers\",\"tag\":3}\n{\"cmd\":\"peers\",\"tag\":4}\n");
	shutdown(c.fd, SHUT_WR);
	client_read(&c);
	assert_true(loop_until(run.loop, has_ended, &c, WAIT_MS));
	assert_int_equal(c.events[c.n - 1]->tag, 4);
	client_wipe(&c);
	assert_int_equal(fake_front_ports(run.front), 0);
}

static void a_client_that_follows_may_stop_talking(void **state)
{
	static struct client c;
	(void)state;
	client_connect(&c);
	say(&c, "{\"cmd\":\"events\"}\n");
	shutdown(c.fd, SHUT_WR);
	client_read(&c);
	wait_commands(2);
	loop_for(run.loop, 50);
	fake_front_emit_notice(run.front, "hello");
	expect(&c, 2);
	assert_int_equal(c.events[1]->cursor, 1);
	assert_false(c.is_ended);
	client_wipe(&c);
	/* Only writing to it shows that it is gone. */
	loop_for(run.loop, 20);
	fake_front_emit_notice(run.front, "anybody?");
	loop_for(run.loop, 20);
	fake_front_emit_notice(run.front, "anybody?");
	assert_true(loop_until(run.loop, has_no_ports, NULL, WAIT_MS));
}

static void quit_is_answered_and_ends_the_connection(void **state)
{
	static struct client c;
	(void)state;
	client_open(&c);
	say(&c, "{\"cmd\":\"events\"}\n{\"cmd\":\"quit\",\"tag\":3}\n{\"cmd\":\"peers\","
		"\"tag\":4}\n");
	assert_true(loop_until(run.loop, has_ended, &c, WAIT_MS));
	assert_int_equal(c.events[c.n - 1]->tag, 3);
	client_wipe(&c);
}

/* ---- many clients ---- */

static void the_65th_client_is_refused_until_one_goes(void **state)
{
	static struct client c[CLIENTS_MAX], late, next;
	(void)state;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		client_open(&c[i]);
		expect(&c[i], 1);
	}
	client_open(&late);
	assert_true(loop_until(run.loop, has_ended, &late, WAIT_MS));
	assert_int_equal(late.events[0]->type, EVENT_ERROR);
	assert_int_equal(late.events[0]->u.error.status, 5);
	assert_int_equal(fake_front_ports(run.front), CLIENTS_MAX);
	client_wipe(&c[0]);
	loop_for(run.loop, 20);
	client_open(&next);
	expect(&next, 1);
	assert_int_equal(next.events[0]->type, EVENT_NODE);
	for (unsigned i = 1; i < CLIENTS_MAX; i++)
		client_wipe(&c[i]);
	client_wipe(&late);
	client_wipe(&next);
}

/* A follower that stopped talking and was killed is not noticed before its place is
 * needed. */
static void places_of_the_dead_are_given_away(void **state)
{
	static struct client next;
	(void)state;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		static struct client c;
		client_connect(&c);
		say(&c, "{\"cmd\":\"events\"}\n");
		shutdown(c.fd, SHUT_WR);
		wait_commands(2 * (i + 1));
		loop_for(run.loop, 2);
		client_wipe(&c);
	}
	loop_for(run.loop, 20);
	assert_int_equal(fake_front_ports(run.front), CLIENTS_MAX);
	client_open(&next);
	expect(&next, 1);
	assert_int_equal(next.events[0]->type, EVENT_NODE);
	assert_int_equal(fake_front_ports(run.front), 1);
	client_wipe(&next);
}

/* ---- slow clients ---- */

/* Something happens all the time, also while the past is on its way. */
static unsigned beats;

static void on_beat(void *ctx)
{
	fake_front_emit_notice(run.front, "beat");
	beats++;
	timer_set(loop_timers(run.loop), &beat, 1, on_beat, ctx);
}

static void emit_many(unsigned n)
{
	char text[200];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (unsigned i = 0; i < n; i++)
		fake_front_emit_notice(run.front, text);
}

/* Every event once and in order; what is missing was told as lost. */
static void check_follow(const struct client *c, uint64_t newest, bool may_lose)
{
	uint64_t next = 1;
	unsigned late = 0;
	for (size_t i = 0; i < c->n; i++) {
		const struct event *ev = c->events[i];
		if (ev->type == EVENT_LAGGED && ev->u.lagged.late) {
			assert_int_equal(ev->u.lagged.from, next);
			late++;
		} else if (ev->type == EVENT_LAGGED) {
			assert_true(may_lose);
			assert_int_equal(ev->u.lagged.from, next);
			next = ev->u.lagged.to + 1;
		} else if (ev->cursor != 0) {
			assert_int_equal(ev->cursor, next);
			next++;
		}
	}
	assert_int_equal(next, newest + 1);
	assert_true(late > 0);
}

static bool has_newest(void *ctx)
{
	struct client *c = ctx;
	return c->n > 0 && c->events[c->n - 1]->cursor == c->wanted;
}

static void try_slow_client(size_t kept, bool may_lose)
{
	enum { STEPS = 50, EACH = 200 };
	static struct client c;
	fake_front_keep(run.front, kept);
	client_connect(&c);
	say(&c, "{\"cmd\":\"events\"}\n");
	wait_commands(2);
	for (unsigned i = 0; i < STEPS; i++) {
		emit_many(EACH);
		loop_for(run.loop, 1);
	}
	client_read(&c);
	beats = 0;
	on_beat(NULL);
	loop_for(run.loop, 200);
	timer_stop(&beat);
	c.wanted = STEPS * EACH + beats;
	assert_true(loop_until(run.loop, has_newest, &c, WAIT_MS));
	check_follow(&c, c.wanted, may_lose);
	/* And live again. */
	fake_front_emit_notice(run.front, "live");
	c.wanted++;
	assert_true(loop_until(run.loop, has_newest, &c, WAIT_MS));
	client_wipe(&c);
}

static void a_slow_client_is_told_lagged_and_reads_on(void **state)
{
	(void)state;
	try_slow_client(100000, false);
}

static void a_slow_client_is_told_what_it_lost(void **state)
{
	(void)state;
	try_slow_client(500, true);
}

static void a_slow_client_does_not_hold_up_another(void **state)
{
	static struct client slow, quick;
	(void)state;
	client_connect(&slow);
	say(&slow, "{\"cmd\":\"events\"}\n");
	client_open(&quick);
	say(&quick, "{\"cmd\":\"events\"}\n");
	wait_commands(4);
	for (unsigned i = 0; i < 30; i++) {
		emit_many(200);
		loop_for(run.loop, 2);
	}
	expect(&quick, 1 + 6000);
	client_wipe(&slow);
	client_wipe(&quick);
}

/* A long answer for a few bytes. */
static void answer_at_length(void *ctx, uint64_t port, const struct command *cmd)
{
	struct event ev = {.type = EVENT_DONE, .tag = cmd->tag};
	char text[20000];
	(void)ctx;
	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ev.u.done.text = text;
	fake_front_reply(run.front, port, &ev);
}

static void one_who_asks_and_does_not_read_is_not_read_either(void **state)
{
	enum { COMMANDS = 3000 };
	static const char line[] = "{\"cmd\":\"peers\"}\n";
	static struct client c;
	(void)state;
	fake_front_on_command(run.front, answer_at_length, NULL);
	client_open(&c);
	stream_pause(c.stream, true);
	for (unsigned i = 0; i < COMMANDS; i++)
		say(&c, line);
	loop_for(run.loop, 300);
	/* The greeting, and no more than fill the queue. */
	assert_true(fake_front_commands(run.front) < 200);
	stream_pause(c.stream, false);
	expect(&c, 1 + COMMANDS);
	client_wipe(&c);
}

static void trace_without_end(void *ctx, uint64_t port, const struct command *cmd)
{
	struct event ev = {.type = EVENT_TRACE, .tag = cmd->tag, .time_ms = 1};
	(void)ctx;
	char meaning[1000];
	memset(meaning, 'x', sizeof meaning - 1);
	meaning[sizeof meaning - 1] = '\0';
	ev.u.trace.meaning = meaning;
	for (unsigned i = 0; cmd->verb == VERB_TRACE && i < 20000; i++)
		fake_front_reply(run.front, port, &ev);
	if (cmd->verb != VERB_TRACE)
		fake_front_done(run.front, port, cmd->tag, NULL);
}

static bool is_answered(void *ctx)
{
	const struct client *c = ctx;
	return c->n > 0 && c->events[c->n - 1]->tag == 5;
}

static void frames_are_left_out_when_there_are_too_many(void **state)
{
	static struct client c;
	(void)state;
	fake_front_on_command(run.front, trace_without_end, NULL);
	client_open(&c);
	expect(&c, 1);
	say(&c, "{\"cmd\":\"trace\",\"who\":\"all\",\"tag\":4}\n");
	wait_commands(2);
	say(&c, "{\"cmd\":\"peers\",\"tag\":5}\n");
	assert_true(loop_until(run.loop, is_answered, &c, WAIT_MS));
	assert_true(c.n > 100 && c.n < 10000);
	client_wipe(&c);
}

static void never_answer(void *ctx, uint64_t port, const struct command *cmd)
{
	(void)ctx;
	(void)port;
	(void)cmd;
}

static void unanswered_commands_are_bounded(void **state)
{
	static struct client c;
	(void)state;
	fake_front_on_command(run.front, never_answer, NULL);
	client_open(&c);
	for (unsigned i = 0; i < 500; i++)
		say(&c, "{\"cmd\":\"ping\",\"who\":\"bob\",\"wait\":9999}\n");
	wait_commands(1 + 64);
	loop_for(run.loop, 50);
	assert_int_equal(fake_front_commands(run.front), 1 + 64);
	client_wipe(&c);
}

static void clients_that_are_killed_leave_nothing(void **state)
{
	(void)state;
	fake_front_on_command(run.front, never_answer, NULL);
	for (unsigned i = 0; i < 200; i++) {
		static struct client c;
		client_connect(&c);
		say(&c, i % 2 ? "{\"cmd\":\"ping\",\"who\":\"bob\"}\n{\"cm"
			      : "{\"cmd\":\"events\",\"since\":0}\n");
		if (i % 3)
			loop_for(run.loop, 1);
		client_wipe(&c);
	}
	assert_true(loop_until(run.loop, has_no_ports, NULL, WAIT_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_client_is_told_of_the_node_and_answered),
		T(wrong_lines_are_answered_and_the_stream_goes_on),
		T(a_line_without_end_is_cut_off),
		T(a_client_that_has_said_all_still_gets_its_answers),
		T(a_client_that_follows_may_stop_talking),
		T(quit_is_answered_and_ends_the_connection),
		T(the_65th_client_is_refused_until_one_goes),
		T(places_of_the_dead_are_given_away),
		T(a_slow_client_is_told_lagged_and_reads_on),
		T(a_slow_client_is_told_what_it_lost),
		T(a_slow_client_does_not_hold_up_another),
		T(one_who_asks_and_does_not_read_is_not_read_either),
		T(frames_are_left_out_when_there_are_too_many),
		T(unanswered_commands_are_bounded),
		T(clients_that_are_killed_leave_nothing),
#undef T
	};
	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
