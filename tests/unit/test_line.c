#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/frontend_run.h"
#include "lib/vtcheck.h"

static void wipe(struct frontend_run *r)
{
	mem_free(r->out);
	mem_free(r->err);
}

/* A node that knows bob, echoes what was said as an event, and tells what it got. */
static void answer(void *ctx, uint64_t port, const struct command *cmd)
{
	struct fake_front *f = frontend_run_front();
	char text[256];
	(void)ctx;
	if (cmd->verb == VERB_WHOIS && strcmp(cmd->u.whois.who, "bob") == 0) {
		struct event ev = {.type = EVENT_WHOIS, .tag = cmd->tag, .time_ms = 1};
		ev.u.whois.id = "bobid";
		ev.u.whois.name = "bob~abcd";
		fake_front_reply(f, port, &ev);
		fake_front_done(f, port, cmd->tag, NULL);
	} else if (cmd->verb == VERB_WHOIS) {
		fake_front_error(f, port, cmd->tag, 2, "nobody is called so");
	} else if (cmd->verb == VERB_MSG) {
		snprintf(text, sizeof text, "to %s: %s (wait %s)", cmd->u.msg.who,
			 cmd->u.msg.text, cmd->u.msg.wait ? cmd->u.msg.wait : "-");
		fake_front_emit_notice(f, text);
		fake_front_done(f, port, cmd->tag, "not shown");
	} else if (cmd->verb == VERB_READ) {
		snprintf(text, sizeof text, "read %s", cmd->u.read.who);
		fake_front_emit_notice(f, text);
		fake_front_done(f, port, cmd->tag, NULL);
	} else if (cmd->verb == VERB_PING) { /* somebody says something instead */
		struct event ev = {.type = EVENT_MESSAGE, .time_ms = 1};
		ev.u.message.conv = cmd->u.ping.who;
		ev.u.message.direction = "in";
		ev.u.message.text = "hello";
		fake_front_emit(f, &ev);
		fake_front_done(f, port, cmd->tag, NULL);
	} else {
		snprintf(text, sizeof text, "did %s", command_row(cmd->verb)->name);
		fake_front_done(f, port, cmd->tag, text);
	}
}

static struct frontend_run run(const char *input, bool is_tty)
{
	struct frontend_run r = {.ops = &frontend_line,
				 .input = input,
				 .is_tty = is_tty,
				 .on_command = answer};
	frontend_run(&r);
	return r;
}

/* Without the times of events. */
static void assert_lines(char *out, const char *want)
{
	char got[4096] = "";
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n")) {
		size_t skip = strlen(line) > 6 && line[2] == ':' ? 6 : 0;
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s\n",
			 line + skip);
	}
	assert_string_equal(got, want);
}

static void text_goes_to_everybody_first(void **state)
{
	struct frontend_run r = run("hello all\n", false);
	(void)state;
	assert_int_equal(r.status, 0);
	assert_lines(r.out, "-- to #lan: hello all (wait 10)\n");
	wipe(&r);
}

/* A knock that was held, or a disk that is full: said when the node starts. */
static void what_its_own_node_said_before_is_shown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct frontend_run r = {.ops = &frontend_line,
					 .input = "hello\n",
					 .is_own_node = i == 0,
					 .earlier = "somebody knocks",
					 .on_command = answer};
		frontend_run(&r);
		assert_lines(r.out, i == 0 ? "-- somebody knocks\n"
					     "-- to #lan: hello (wait 10)\n"
					   : "-- to #lan: hello (wait 10)\n");
		wipe(&r);
	}
}

static void a_query_changes_whom_text_is_for(void **state)
{
	struct frontend_run r = run("/query bob\nsecret\n/query\nhello\n", false);
	(void)state;
	assert_lines(r.out, "-- to bobid: secret (wait 10)\n"
			    "-- to #lan: hello (wait 10)\n");
	wipe(&r);
}

/* What was meant for one who is not there must not go to everybody. */
static void a_query_that_fails_leaves_nobody(void **state)
{
	struct frontend_run r = run("/query bbo\nsecret\n/me waves\n", false);
	(void)state;
	assert_non_null(strstr(r.out, "-! nobody is called so\n"));
	assert_null(strstr(r.out, "secret"));
	assert_null(strstr(r.out, "did me"));
	assert_non_null(strstr(r.out, "-! nobody is chosen to talk to"));
	wipe(&r);
}

static void who_was_current_is_chosen_anew_after_trust(void **state)
{
	struct frontend_run r = run("/query bob\n/trust bob abcd\nsecret\n", false);
	(void)state;
	assert_null(strstr(r.out, "secret"));
	assert_non_null(strstr(r.out, "-! nobody is chosen to talk to"));
	wipe(&r);
}

static void every_answer_comes_before_the_end(void **state)
{
	struct frontend_run r = {.ops = &frontend_line,
				 .input = "/peers\n/nick x\n/set nick y",
				 .delay_ms = 50,
				 .on_command = answer};
	(void)state;
	frontend_run(&r);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "nobody yet"));
	assert_non_null(strstr(r.out, "-- did nick\n"));
	assert_non_null(strstr(r.out, "-- did set\n"));
	wipe(&r);
}

static void many_lines_are_all_done(void **state)
{
	enum { LINES = 2000 };
	char *input = mem_new(LINES * 16), *at = input;
	(void)state;
	for (int i = 0; i < LINES; i++)
		at += sprintf(at, "line %d\n", i);
	struct frontend_run r = run(input, false);
	unsigned n = 0;
	for (const char *c = r.out; (c = strstr(c, "to #lan: line ")) != NULL; c++)
		n++;
	assert_int_equal(n, LINES);
	mem_free(input);
	wipe(&r);
}

static void own_verbs_need_no_node(void **state)
{
	struct frontend_run r = run(
		"/version\n/help nick\n/help frob\n/he\n/quit\nnot any more\n", false);
	(void)state;
	assert_non_null(strstr(r.out, "-- p2pmsg "));
	assert_non_null(strstr(r.out, "/nick [NICK]\n"));
	assert_non_null(strstr(r.out, "-! there is no command frob"));
	assert_non_null(strstr(r.out, "/msg WHO [--wait WAIT] TEXT..."));
	assert_null(strstr(r.out, "not any more"));
	assert_int_equal(r.status, 0);
	wipe(&r);
}

static void wrong_lines_say_what_to_type(void **state)
{
	struct frontend_run r = run("/frob\n/msg\ncaf\xe9\n\n", false);
	(void)state;
	assert_non_null(strstr(r.out, "-! there is no command /frob"));
	assert_non_null(strstr(r.out, "type /msg WHO [--wait WAIT] TEXT..."));
	assert_non_null(strstr(r.out, "not UTF-8"));
	wipe(&r);
}

static void a_line_too_long_ends_it_with_a_word(void **state)
{
	enum { LONG = 70000 };
	char *input = mem_new(LONG + 1);
	(void)state;
	memset(input, 'x', LONG);
	struct frontend_run r = run(input, false);
	assert_non_null(strstr(r.out, "a line may have 65536 bytes"));
	assert_int_equal(r.status, 1);
	mem_free(input);
	wipe(&r);
}

static void a_terminal_has_a_prompt_and_only_our_sequences(void **state)
{
	struct frontend_run r = run("/query bob\nhi\n/quit\n", true);
	(void)state;
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "[#lan]"));
	assert_non_null(strstr(r.out, "[bob~abcd]"));
	assert_non_null(strstr(r.out, "you are ada"));
	assert_non_null(strstr(r.out, "to bobid: hi (wait -)"));
	char *bad = vtcheck(slice_str(r.out), VT_SGR | VT_ERASE | VT_LINES);
	if (bad)
		fail_msg("%s: %s", bad, r.out);
	wipe(&r);
}

/* Of two people; nothing is told of #lan, and nothing when nobody looks. */
static void what_a_terminal_shows_is_read(void **state)
{
	struct frontend_run r =
		run("/ping #lan\n/ping carol\n/ping carol\n/ping bob\n/q\n", true);
	(void)state;
	assert_non_null(strstr(r.out, "read carol"));
	assert_null(strstr(strstr(r.out, "read carol") + 1, "read carol"));
	assert_null(strstr(r.out, "read #lan"));
	wipe(&r);
	r = run("/ping carol\n/ping bob\n", false);
	assert_null(strstr(r.out, "read carol"));
	wipe(&r);
}

static void the_end_of_input_is_quit(void **state)
{
	struct frontend_run r = run("\x04", true);
	(void)state;
	assert_int_equal(r.status, 0);
	wipe(&r);
	r = run("", false);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "");
	wipe(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_to_everybody_first),
		cmocka_unit_test(what_its_own_node_said_before_is_shown),
		cmocka_unit_test(a_query_changes_whom_text_is_for),
		cmocka_unit_test(a_query_that_fails_leaves_nobody),
		cmocka_unit_test(who_was_current_is_chosen_anew_after_trust),
		cmocka_unit_test(every_answer_comes_before_the_end),
		cmocka_unit_test(many_lines_are_all_done),
		cmocka_unit_test(own_verbs_need_no_node),
		cmocka_unit_test(wrong_lines_say_what_to_type),
		cmocka_unit_test(a_line_too_long_ends_it_with_a_word),
		cmocka_unit_test(a_terminal_has_a_prompt_and_only_our_sequences),
		cmocka_unit_test(what_a_terminal_shows_is_read),
		cmocka_unit_test(the_end_of_input_is_quit),
	};
	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
