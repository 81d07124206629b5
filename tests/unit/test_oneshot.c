#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/frontend_run.h"

static void wipe(struct frontend_run *r)
{
	mem_free(r->out);
	mem_free(r->err);
}

static void fail_with_status(void *ctx, uint64_t port, const struct command *cmd)
{
	(void)ctx;
	fake_front_error(frontend_run_front(), port, cmd->tag,
			 (unsigned)(cmd->u.ping.wait[0] - '0'), "no\nsuch\x1b[2J peer");
}

static void a_failure_is_said_and_is_the_status(void **state)
{
	(void)state;
	for (char status = '1'; status <= '5'; status++) {
		struct command cmd = {.verb = VERB_PING};
		char wait[] = {status, '\0'};
		cmd.u.ping.wait = wait;
		struct frontend_run r = {.ops = &frontend_oneshot,
					 .command = &cmd,
					 .on_command = fail_with_status};
		frontend_run(&r);
		assert_int_equal(r.status, status - '0');
		assert_string_equal(r.err, "p2pmsg: no\\u{A}such\\u{1B}[2J peer\n");
		assert_string_equal(r.out, "");
		wipe(&r);
	}
}

static void an_impossible_status_is_a_local_failure(void **state)
{
	struct command cmd = {.verb = VERB_PING};
	(void)state;
	cmd.u.ping.wait = "9";
	struct frontend_run r = {.ops = &frontend_oneshot,
				 .command = &cmd,
				 .on_command = fail_with_status};
	frontend_run(&r);
	assert_int_equal(r.status, 5);
	wipe(&r);
}

static void a_failure_in_json_is_on_stdout(void **state)
{
	struct command cmd = {.verb = VERB_PING};
	(void)state;
	cmd.u.ping.wait = "2";
	struct frontend_run r = {.ops = &frontend_oneshot,
				 .command = &cmd,
				 .is_json = true,
				 .on_command = fail_with_status};
	frontend_run(&r);
	assert_int_equal(r.status, 2);
	assert_string_equal(r.err, "");
	assert_non_null(strstr(r.out, "\"type\":\"error\""));
	assert_null(strstr(r.out, "\"for\""));
	wipe(&r);
}

static void tell_people(void *ctx, uint64_t port, const struct command *cmd)
{
	struct event ev = {.type = EVENT_PERSON, .tag = cmd->tag, .time_ms = 1};
	(void)ctx;
	ev.u.person.name = "bob~abcd";
	ev.u.person.state = "online";
	fake_front_reply(frontend_run_front(), port, &ev);
	/* Not for us. */
	ev.tag = 99;
	fake_front_emit_notice(frontend_run_front(), "an event nobody asked for");
	fake_front_done(frontend_run_front(), port, cmd->tag, "1 online");
}

static void a_list_is_its_rows(void **state)
{
	struct command cmd = {.verb = VERB_PEERS};
	(void)state;
	struct frontend_run r = {
		.ops = &frontend_oneshot, .command = &cmd, .on_command = tell_people};
	frontend_run(&r);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "\nbob~abcd  online"));
	assert_null(strstr(r.out, "nobody asked"));
	assert_non_null(strstr(r.out, "\n1 online\n"));
	wipe(&r);
	r.is_json = true;
	frontend_run(&r);
	assert_non_null(strstr(r.out, "\"type\":\"person\""));
	assert_null(strstr(r.out, "\"type\":\"done\""));
	wipe(&r);
}

static void save_too(void *ctx, uint64_t port, const struct command *cmd)
{
	struct fake_front *f = frontend_run_front();
	(void)ctx;
	if (cmd->verb == VERB_NICK)
		fake_front_done(f, port, cmd->tag, "use /save to keep it");
	else if (fake_front_commands(f) == 2)
		fake_front_done(f, port, cmd->tag, "saved");
}

static void what_follows_is_done_before_the_end(void **state)
{
	struct command cmd = {.verb = VERB_NICK}, save = {.verb = VERB_SAVE};
	(void)state;
	cmd.u.nick.nick = "ada";
	struct frontend_run r = {.ops = &frontend_oneshot,
				 .command = &cmd,
				 .then = &save,
				 .on_command = save_too};
	frontend_run(&r);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "saved\n");
	wipe(&r);
}

static void a_full_disk_is_no_success(void **state)
{
	struct command cmd = {.verb = VERB_PEERS};
	(void)state;
	struct frontend_run r = {.ops = &frontend_oneshot,
				 .command = &cmd,
				 .has_full_disk = true,
				 .on_command = tell_people};
	frontend_run(&r);
	assert_int_equal(r.status, 5);
	assert_non_null(strstr(r.err, "cannot be written"));
	wipe(&r);
}

/* status makes the fake node say something later, through its own events. */
static void emit_and_fall_silent(void *ctx, uint64_t port, const struct command *cmd)
{
	(void)ctx;
	(void)port;
	(void)cmd;
}

static void a_follower_goes_on(void **state)
{
	struct command cmd = {.verb = VERB_EVENTS};
	(void)state;
	struct frontend_run r = {.ops = &frontend_oneshot,
				 .command = &cmd,
				 .kill_ms = 100,
				 .on_command = emit_and_fall_silent};
	frontend_run(&r);
	assert_int_equal(r.status, -1);
	wipe(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_said_and_is_the_status),
		cmocka_unit_test(an_impossible_status_is_a_local_failure),
		cmocka_unit_test(a_failure_in_json_is_on_stdout),
		cmocka_unit_test(a_list_is_its_rows),
		cmocka_unit_test(what_follows_is_done_before_the_end),
		cmocka_unit_test(a_full_disk_is_no_success),
		cmocka_unit_test(a_follower_goes_on),
	};
	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
