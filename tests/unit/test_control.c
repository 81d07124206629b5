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
#include "lib/fake_front.h"
#include "lib/loop_run.h"
#include "lib/tempdir.h"
#include "net/stream.h"
#include "ui/attach.h"
#include "ui/evjson.h"
#include "ui/frontend.h"

/* Ten times what the longest takes under the slowest sanitizer. */
enum { WAIT_MS = 50000, CLIENTS_MAX = 64 };

static struct loop *loop;
static struct fake_front *front;
static void *control;
static char *path;

/* ---- a client that reads when the loop runs ---- */

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

static void client_connect(struct client *c)
{
	*c = (struct client){.fd = -1};
	assert_int_equal(local_connect(path, &c->fd), ERR_OK);
}

static void client_read(struct client *c)
{
	static const struct stream_handlers handlers = {on_line, on_end, NULL};
	assert_int_equal(stream_open(loop, c->fd, c->fd, EVJSON_EVENT_MAX, 1 << 20,
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
	if (!loop_until(loop, has_wanted, c, WAIT_MS))
		fail_msg("%zu events instead of %zu", c->n, n);
}

static bool has_ended(void *ctx)
{
	return ((struct client *)ctx)->is_ended;
}

static bool has_no_ports(void *ctx)
{
	(void)ctx;
	return fake_front_ports(front) == 0;
}

static bool has_run(void *ctx)
{
	return fake_front_commands(front) >= *(size_t *)ctx;
}

/* Each client is greeted by one command of its own. */
static void wait_commands(size_t n)
{
	assert_true(loop_until(loop, has_run, &n, WAIT_MS));
}

static int setup(void **state)
{
	struct frontend_config cfg = {0};
	if (tempdir_setup(state) != 0 || loop_new(&loop) != ERR_OK)
		return -1;
	path = tempdir_path(*state, "sock");
	front = fake_front_new(loop);
	cfg.loop = loop;
	cfg.source = fake_front_source(front);
	cfg.socket = path;
	return frontend_control.start(&cfg, &control) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	frontend_control.stop(control);
	control = NULL;
	loop_for(loop, 10);
	fake_front_free(front);
	loop_free(loop);
	mem_free(path);
	return tempdir_teardown(state);
}

/* ---- one client ---- */

static void a_client_is_told_of_the_node_and_answered(void **state)
{
	struct client c;
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
	assert_true(loop_until(loop, has_no_ports, NULL, WAIT_MS));
}

static void wrong_lines_are_answered_and_the_stream_goes_on(void **state)
{
	struct client c;
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
	struct client c, other;
	char *line = mem_new(EVJSON_COMMAND_MAX + 3);
	(void)state;
	client_open(&other);
	client_open(&c);
	memset(line, 'x', EVJSON_COMMAND_MAX + 2);
	say(&c, line);
	assert_true(loop_until(loop, has_ended, &c, WAIT_MS));
	assert_int_equal(c.events[c.n - 1]->type, EVENT_ERROR);
	say(&other, "{\"cmd\":\"peers\",\"tag\":5}\n");
	expect(&other, 2);
	assert_int_equal(fake_front_ports(front), 1);
	mem_free(line);
	client_wipe(&c);
	client_wipe(&other);
}

static void a_client_that_has_said_all_still_gets_its_answers(void **state)
{
	struct client c;
	(void)state;
	fake_front_delay(front, 50);
	client_connect(&c);
	say(&c, "{\"cmd\":\"peers\",\"tag\":3}\n{\"cmd\":\"peers\",\"tag\":4}\n");
	shutdown(c.fd, SHUT_WR);
	client_read(&c);
	assert_true(loop_until(loop, has_ended, &c, WAIT_MS));
	assert_int_equal(c.events[c.n - 1]->tag, 4);
	client_wipe(&c);
	assert_int_equal(fake_front_ports(front), 0);
}

static void a_client_that_follows_may_stop_talking(void **state)
{
	struct client c;
	(void)state;
	client_connect(&c);
	say(&c, "{\"cmd\":\"events\"}\n");
	shutdown(c.fd, SHUT_WR);
	client_read(&c);
	wait_commands(2);
	loop_for(loop, 50);
	fake_front_emit_notice(front, "hello");
	expect(&c, 2);
	assert_int_equal(c.events[1]->cursor, 1);
	assert_false(c.is_ended);
	client_wipe(&c);
	/* Only writing to it shows that it is gone. */
	loop_for(loop, 20);
	fake_front_emit_notice(front, "anybody?");
	loop_for(loop, 20);
	fake_front_emit_notice(front, "anybody?");
	assert_true(loop_until(loop, has_no_ports, NULL, WAIT_MS));
}

static void quit_is_answered_and_ends_the_connection(void **state)
{
	struct client c;
	(void)state;
	client_open(&c);
	say(&c, "{\"cmd\":\"events\"}\n{\"cmd\":\"quit\",\"tag\":3}\n{\"cmd\":\"peers\","
		"\"tag\":4}\n");
	assert_true(loop_until(loop, has_ended, &c, WAIT_MS));
	assert_int_equal(c.events[c.n - 1]->tag, 3);
	client_wipe(&c);
}

/* ---- many clients ---- */

static void the_65th_client_is_refused_until_one_goes(void **state)
{
	struct client c[CLIENTS_MAX], late, next;
	(void)state;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		client_open(&c[i]);
		expect(&c[i], 1);
	}
	client_open(&late);
	assert_true(loop_until(loop, has_ended, &late, WAIT_MS));
	assert_int_equal(late.events[0]->type, EVENT_ERROR);
	assert_int_equal(late.events[0]->u.error.status, 5);
	assert_int_equal(fake_front_ports(front), CLIENTS_MAX);
	client_wipe(&c[0]);
	loop_for(loop, 20);
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
	struct client next;
	(void)state;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client c;
		client_connect(&c);
		say(&c, "{\"cmd\":\"events\"}\n");
		shutdown(c.fd, SHUT_WR);
		wait_commands(2 * (i + 1));
		loop_for(loop, 2);
		close(c.fd);
	}
	loop_for(loop, 20);
	assert_int_equal(fake_front_ports(front), CLIENTS_MAX);
	client_open(&next);
	expect(&next, 1);
	assert_int_equal(next.events[0]->type, EVENT_NODE);
	assert_int_equal(fake_front_ports(front), 1);
	client_wipe(&next);
}

/* ---- slow clients ---- */

/* Something happens all the time, also while the past is on its way. */
static struct timer beat;
static unsigned beats;

static void on_beat(void *ctx)
{
	fake_front_emit_notice(front, "beat");
	beats++;
	timer_set(loop_timers(loop), &beat, 1, on_beat, ctx);
}

static void emit_many(unsigned n)
{
	char text[200];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (unsigned i = 0; i < n; i++)
		fake_front_emit_notice(front, text);
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
	struct client c;
	fake_front_keep(front, kept);
	client_connect(&c);
	say(&c, "{\"cmd\":\"events\"}\n");
	wait_commands(2);
	for (unsigned i = 0; i < STEPS; i++) {
		emit_many(EACH);
		loop_for(loop, 1);
	}
	client_read(&c);
	beats = 0;
	on_beat(NULL);
	loop_for(loop, 200);
	timer_stop(&beat);
	c.wanted = STEPS * EACH + beats;
	assert_true(loop_until(loop, has_newest, &c, WAIT_MS));
	check_follow(&c, c.wanted, may_lose);
	/* And live again. */
	fake_front_emit_notice(front, "live");
	c.wanted++;
	assert_true(loop_until(loop, has_newest, &c, WAIT_MS));
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
	struct client slow, quick;
	(void)state;
	client_connect(&slow);
	say(&slow, "{\"cmd\":\"events\"}\n");
	client_open(&quick);
	say(&quick, "{\"cmd\":\"events\"}\n");
	wait_commands(4);
	for (unsigned i = 0; i < 30; i++) {
		emit_many(200);
		loop_for(loop, 2);
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
	fake_front_reply(front, port, &ev);
}

static void one_who_asks_and_does_not_read_is_not_read_either(void **state)
{
	enum { COMMANDS = 3000 };
	static const char line[] = "{\"cmd\":\"peers\"}\n";
	struct client c;
	(void)state;
	fake_front_on_command(front, answer_at_length, NULL);
	client_open(&c);
	stream_pause(c.stream, true);
	for (unsigned i = 0; i < COMMANDS; i++)
		say(&c, line);
	loop_for(loop, 300);
	/* The greeting, and no more than fill the queue. */
	assert_true(fake_front_commands(front) < 200);
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
		fake_front_reply(front, port, &ev);
	if (cmd->verb != VERB_TRACE)
		fake_front_done(front, port, cmd->tag, NULL);
}

static bool is_answered(void *ctx)
{
	const struct client *c = ctx;
	return c->n > 0 && c->events[c->n - 1]->tag == 5;
}

static void frames_are_left_out_when_there_are_too_many(void **state)
{
	struct client c;
	(void)state;
	fake_front_on_command(front, trace_without_end, NULL);
	client_open(&c);
	expect(&c, 1);
	say(&c, "{\"cmd\":\"trace\",\"who\":\"all\",\"tag\":4}\n");
	wait_commands(2);
	say(&c, "{\"cmd\":\"peers\",\"tag\":5}\n");
	assert_true(loop_until(loop, is_answered, &c, WAIT_MS));
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
	struct client c;
	(void)state;
	fake_front_on_command(front, never_answer, NULL);
	client_open(&c);
	for (unsigned i = 0; i < 500; i++)
		say(&c, "{\"cmd\":\"ping\",\"who\":\"bob\",\"wait\":9999}\n");
	wait_commands(1 + 64);
	loop_for(loop, 50);
	assert_int_equal(fake_front_commands(front), 1 + 64);
	client_wipe(&c);
}

static void clients_that_are_killed_leave_nothing(void **state)
{
	(void)state;
	fake_front_on_command(front, never_answer, NULL);
	for (unsigned i = 0; i < 200; i++) {
		struct client c;
		client_connect(&c);
		say(&c, i % 2 ? "{\"cmd\":\"ping\",\"who\":\"bob\"}\n{\"cm"
			      : "{\"cmd\":\"events\",\"since\":0}\n");
		if (i % 3)
			loop_for(loop, 1);
		close(c.fd);
	}
	assert_true(loop_until(loop, has_no_ports, NULL, WAIT_MS));
}

/* ---- attach ---- */

struct seen {
	struct event *events[100];
	size_t n, wanted;
	bool is_gone;
};

static void on_event(void *ctx, const struct event *ev)
{
	struct seen *s = ctx;
	if (s->n < sizeof s->events / sizeof *s->events)
		s->events[s->n++] = event_copy(ev);
}

static void on_gone(void *ctx)
{
	((struct seen *)ctx)->is_gone = true;
}

static void seen_wipe(struct seen *s)
{
	for (size_t i = 0; i < s->n; i++)
		mem_free(s->events[i]);
	*s = (struct seen){0};
}

static bool has_seen(void *ctx)
{
	const struct seen *s = ctx;
	return s->n >= s->wanted;
}

static bool is_gone(void *ctx)
{
	return ((struct seen *)ctx)->is_gone;
}

static struct attach *attach_here(struct seen *s, struct front_port *port)
{
	struct attach *a;
	*s = (struct seen){0};
	assert_int_equal(attach_start(loop, path, on_gone, s, &a), ERR_OK);
	struct front_source source = attach_source(a);
	assert_int_equal(source.open(source.ctx, on_event, s, port), ERR_OK);
	return a;
}

static void wait_seen(struct seen *s, size_t n)
{
	s->wanted = n;
	assert_true(loop_until(loop, has_seen, s, WAIT_MS));
}

static void attached_is_as_in_the_same_process(void **state)
{
	struct seen s;
	struct front_port port;
	struct attach *a = attach_here(&s, &port);
	struct command events = {.verb = VERB_EVENTS, .tag = 7};
	struct command status = {.verb = VERB_STATUS, .tag = 8};
	(void)state;
	assert_int_equal(port.ops->submit(port.impl, &status), ERR_OK);
	wait_seen(&s, 2);
	assert_int_equal(s.events[0]->type, EVENT_NODE);
	assert_int_equal(s.events[0]->tag, 8);
	assert_int_equal(s.events[1]->type, EVENT_DONE);
	assert_int_equal(port.ops->submit(port.impl, &events), ERR_OK);
	wait_commands(3);
	struct event ev = {.type = EVENT_MESSAGE, .time_ms = 1767323045678};
	ev.u.message.text = "h\xc3\xa9llo\n\x1b[2J\xe2\x80\xae";
	ev.u.message.sent = 5;
	fake_front_emit(front, &ev);
	wait_seen(&s, 3);
	assert_string_equal(s.events[2]->u.message.text, ev.u.message.text);
	assert_int_equal(s.events[2]->cursor, 1);
	assert_int_equal(s.events[2]->u.message.sent, 5);
	assert_true(s.events[2]->time_ms == ev.time_ms);
	port.ops->close(port.impl);
	attach_stop(a);
	seen_wipe(&s);
}

static void each_port_is_a_client_of_its_own(void **state)
{
	struct seen s, other = {0};
	struct front_port port, second;
	struct attach *a = attach_here(&s, &port);
	struct front_source source = attach_source(a);
	struct command cmd = {.verb = VERB_PEERS, .tag = 8};
	(void)state;
	assert_int_equal(source.open(source.ctx, on_event, &other, &second), ERR_OK);
	assert_int_equal(second.ops->submit(second.impl, &cmd), ERR_OK);
	wait_seen(&other, 1);
	assert_int_equal(s.n, 0);
	port.ops->close(port.impl);
	second.ops->close(second.impl);
	attach_stop(a);
	seen_wipe(&other);
}

static void a_node_that_goes_is_told(void **state)
{
	struct seen s;
	struct front_port port;
	struct attach *a = attach_here(&s, &port);
	struct command cmd = {.verb = VERB_PEERS};
	(void)state;
	wait_commands(1);
	frontend_control.stop(control);
	control = NULL;
	assert_true(loop_until(loop, is_gone, &s, WAIT_MS));
	assert_int_equal(s.n, 1);
	assert_int_equal(s.events[0]->type, EVENT_ERROR);
	assert_int_equal(s.events[0]->u.error.status, 5);
	assert_non_null(strstr(s.events[0]->u.error.text, "stopped"));
	assert_int_equal(port.ops->submit(port.impl, &cmd), ERR_IO);
	port.ops->close(port.impl);
	attach_stop(a);
	seen_wipe(&s);
}

static void nobody_to_attach_to_is_said_at_once(void **state)
{
	struct attach *a;
	(void)state;
	frontend_control.stop(control);
	control = NULL;
	assert_int_equal(attach_start(loop, path, on_gone, NULL, &a), ERR_MISSING);
}

static void what_no_line_can_carry_is_not_sent(void **state)
{
	struct seen s;
	struct front_port port;
	struct attach *a = attach_here(&s, &port);
	struct command cmd = {.verb = VERB_MSG, .tag = 3};
	char *text = mem_new(EVJSON_COMMAND_MAX + 1);
	(void)state;
	memset(text, 'x', EVJSON_COMMAND_MAX);
	cmd.u.msg.who = "bob";
	cmd.u.msg.text = text;
	assert_int_equal(port.ops->submit(port.impl, &cmd), ERR_RANGE);
	/* The connection is as good as before. */
	text[16000] = '\0';
	assert_int_equal(port.ops->submit(port.impl, &cmd), ERR_OK);
	wait_seen(&s, 1);
	assert_int_equal(s.events[0]->type, EVENT_DONE);
	mem_free(text);
	port.ops->close(port.impl);
	attach_stop(a);
	seen_wipe(&s);
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
		T(attached_is_as_in_the_same_process),
		T(each_port_is_a_client_of_its_own),
		T(a_node_that_goes_is_told),
		T(nobody_to_attach_to_is_said_at_once),
		T(what_no_line_can_carry_is_not_sent),
#undef T
	};
	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
