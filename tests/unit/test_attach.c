/* attach: a port at a node through its control socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/control_run.h"
#include "lib/loop_run.h"
#include "ui/attach.h"
#include "ui/evjson.h"

/* Ten times what the longest takes under the slowest sanitizer. */
enum { WAIT_MS = 50000 };

/* A port and what came of it. */
struct seen {
	struct attach *attach; /* the connection; NULL: another's */
	struct front_port port;
	struct event *events[100];
	size_t n, wanted;
	bool is_gone;
};

static struct control_run run;
/* Here, so that teardown finds them after a failure. */
static struct seen seen, other;

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

static void seen_open(struct seen *s, struct attach *a)
{
	struct front_source source = attach_source(a);
	assert_int_equal(source.open(source.ctx, on_event, s, &s->port), ERR_OK);
}

static void attach_here(struct seen *s)
{
	assert_int_equal(attach_start(run.loop, run.path, on_gone, s, &s->attach),
			 ERR_OK);
	seen_open(s, s->attach);
}

static void submit(struct seen *s, const struct command *cmd, enum err want)
{
	assert_int_equal(s->port.ops->submit(s->port.impl, cmd), want);
}

/* Also what never was opened. */
static void seen_wipe(struct seen *s)
{
	if (s->port.ops)
		s->port.ops->close(s->port.impl);
	attach_stop(s->attach);
	for (size_t i = 0; i < s->n; i++)
		mem_free(s->events[i]);
	*s = (struct seen){0};
}

static int setup(void **state)
{
	return control_run_start(&run, state);
}

static int teardown(void **state)
{
	seen_wipe(&other);
	seen_wipe(&seen);
	return control_run_stop(&run, state);
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

static void wait_seen(struct seen *s, size_t n)
{
	s->wanted = n;
	assert_true(loop_until(run.loop, has_seen, s, WAIT_MS));
}

static void attached_is_as_in_the_same_process(void **state)
{
	struct command events = {.verb = VERB_EVENTS, .tag = 7};
	struct command status = {.verb = VERB_STATUS, .tag = 8};
	(void)state;
	attach_here(&seen);
	submit(&seen, &status, ERR_OK);
	wait_seen(&seen, 2);
	assert_int_equal(seen.events[0]->type, EVENT_NODE);
	assert_int_equal(seen.events[0]->tag, 8);
	assert_int_equal(seen.events[1]->type, EVENT_DONE);
	submit(&seen, &events, ERR_OK);
	control_run_commands(&run, 3, WAIT_MS);
	struct event ev = {.type = EVENT_MESSAGE, .time_ms = 1767323045678};
	ev.u.message.text = "h\xc3\xa9llo\n\x1b[2J\xe2\x80\xae";
	ev.u.message.sent = 5;
	fake_front_emit(run.front, &ev);
	wait_seen(&seen, 3);
	assert_string_equal(seen.events[2]->u.message.text, ev.u.message.text);
	assert_int_equal(seen.events[2]->cursor, 1);
	assert_int_equal(seen.events[2]->u.message.sent, 5);
	assert_true(seen.events[2]->time_ms == ev.time_ms);
}

static void each_port_is_a_client_of_its_own(void **state)
{
	struct command cmd = {.verb = VERB_PEERS, .tag = 8};
	(void)state;
	attach_here(&seen);
	seen_open(&other, seen.attach);
	submit(&other, &cmd, ERR_OK);
	wait_seen(&other, 1);
	assert_int_equal(seen.n, 0);
}

static void a_node_that_goes_is_told(void **state)
{
	struct command cmd = {.verb = VERB_PEERS};
	(void)state;
	attach_here(&seen);
	control_run_commands(&run, 1, WAIT_MS);
	control_run_close(&run);
	assert_true(loop_until(run.loop, is_gone, &seen, WAIT_MS));
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.events[0]->type, EVENT_ERROR);
	assert_int_equal(seen.events[0]->u.error.status, 5);
	assert_non_null(strstr(seen.events[0]->u.error.text, "stopped"));
	submit(&seen, &cmd, ERR_IO);
}

static void nobody_to_attach_to_is_said_at_once(void **state)
{
	struct attach *a;
	(void)state;
	control_run_close(&run);
	assert_int_equal(attach_start(run.loop, run.path, on_gone, NULL, &a),
			 ERR_MISSING);
}

static void what_no_line_can_carry_is_not_sent(void **state)
{
	struct command cmd = {.verb = VERB_MSG, .tag = 3};
	char *text = mem_new(EVJSON_COMMAND_MAX + 1);
	(void)state;
	attach_here(&seen);
	memset(text, 'x', EVJSON_COMMAND_MAX);
	cmd.u.msg.who = "bob";
	cmd.u.msg.text = text;
	submit(&seen, &cmd, ERR_RANGE);
	/* The connection is as good as before. */
	text[16000] = '\0';
	submit(&seen, &cmd, ERR_OK);
	wait_seen(&seen, 1);
	assert_int_equal(seen.events[0]->type, EVENT_DONE);
	mem_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
