#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/hostile.h"
#include "lib/vtcheck.h"
#include "ui/cmdline.h"

/* "msg who=bob text=hi": a command as one line. */
static void show(const struct command *cmd, char *out, size_t max)
{
	const struct command_row *row = command_row(cmd->verb);
	int n = snprintf(out, max, "%s", row->name);
	for (size_t i = 0; i < row->n_args; i++)
		if (cmd->u.arg[i])
			n += snprintf(out + n, max - (size_t)n, " %s=%s",
				      row->args[i].name, cmd->u.arg[i]);
}

static const char usage_of_msg[] = ": type /msg WHO [--wait WAIT] TEXT...";

/* What is typed, with whom as the current conversation, and the command or the text
 * that says what to type. */
static const struct {
	const char *line, *current, *want, *wrong;
} lines[] = {
	{"hello", "#lan", "msg who=#lan text=hello", NULL},
	{"  hello ", "bob", "msg who=bob text=  hello ", NULL},
	{"hello", NULL, NULL, "nobody is chosen to talk to"},
	{"", "bob", NULL, NULL},
	{" \t ", "bob", NULL, NULL},
	{"//etc/passwd", "bob", "msg who=bob text=/etc/passwd", NULL},
	{"//", "bob", "msg who=bob text=/", NULL},
	{" /msg", "bob", "msg who=bob text= /msg", NULL},
	{"--wait", "bob", "msg who=bob text=--wait", NULL},
	{"/msg bob hi there", NULL, "msg who=bob text=hi there", NULL},
	{"/msg bob   two  blanks ", NULL, "msg who=bob text=two  blanks ", NULL},
	{"/msg\tbob\thi\tthere", NULL, "msg who=bob text=hi\tthere", NULL},
	{"/ms bob hi", NULL, "msg who=bob text=hi", NULL},
	{"/m bob hi", NULL, NULL, "/m fits several: /msg, /me"},
	{"/msg --wait 3 bob hi", NULL, "msg who=bob text=hi wait=3", NULL},
	{"/msg bob --wait 3 hi", NULL, "msg who=bob text=hi wait=3", NULL},
	{"/msg bob --wait=3 hi", NULL, "msg who=bob text=hi wait=3", NULL},
	{"/msg bob hi --wait 3", NULL, "msg who=bob text=hi --wait 3", NULL},
	{"/msg bob -- --wait 3", NULL, "msg who=bob text=--wait 3", NULL},
	{"/msg bob -- -- ", NULL, "msg who=bob text=-- ", NULL},
	{"/msg bob --hello", NULL, "msg who=bob text=--hello", NULL},
	{"/msg --hello bob hi", NULL, NULL, "there is no option --hello"},
	{"/msg bob --wait", NULL, NULL, "--wait needs a value"},
	{"/msg bob", NULL, NULL, "text is missing (the message"},
	{"/msg bob ", NULL, NULL, usage_of_msg},
	{"/msg", NULL, NULL, "who is missing"},
	{"/me waves", "bob", "me who=bob text=waves", NULL},
	{"/me waves", NULL, NULL, "nobody is chosen"},
	{"/me", "bob", NULL, "type /me [--wait WAIT] TEXT..."},
	{"/query", "#lan", "query", NULL},
	{"/query bob", "#lan", "query who=bob", NULL},
	{"/query bob extra", NULL, NULL, "extra is one word too many: type /query [WHO]"},
	{"/id --qr", NULL, "id qr=yes", NULL},
	{"/id --qr=no", NULL, NULL, "--qr=no takes no value"},
	{"/id --wait 3", NULL, NULL, "there is no option --wait"},
	{"/id", NULL, "id", NULL},
	{"/away", NULL, "away", NULL},
	{"/away gone for lunch", NULL, "away text=gone for lunch", NULL},
	{"/set nick  ada the first", NULL, "set name=nick value=ada the first", NULL},
	{"/quit --node", NULL, "quit node=yes", NULL},
	{"/", NULL, NULL, "there is no command /: /help lists them"},
	{"/ msg bob", NULL, NULL, "there is no command /:"},
	{"/frob", NULL, NULL, "there is no command /frob: /help lists them (// sends"},
	{"/daemon", NULL, NULL, "there is no command /daemon"},
	{"/MSG bob hi", NULL, NULL, "there is no command /MSG"},
	{"/\x1b[2J", NULL, NULL, "\\u{1B}[2J"},
	{"caf\xe9", "bob", NULL, "not UTF-8"},
};

static void try_line(size_t i)
{
	char got[512];
	struct command *cmd = NULL;
	char *why = NULL;
	enum err e =
		cmdline_slash(slice_str(lines[i].line), lines[i].current, &cmd, &why);
	if (cmd)
		show(cmd, got, sizeof got);
	if (!lines[i].want && !lines[i].wrong)
		assert_int_equal(e, ERR_WAIT);
	else if (lines[i].want && (e != ERR_OK || strcmp(got, lines[i].want) != 0))
		fail_msg("'%s' gives '%s' %s", lines[i].line, cmd ? got : "", why);
	else if (lines[i].wrong &&
		 (e != ERR_USAGE || !why || !strstr(why, lines[i].wrong)))
		fail_msg("'%s' says '%s', not '%s'", lines[i].line, why, lines[i].wrong);
	mem_free(cmd);
	mem_free(why);
}

static void lines_become_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		try_line(i);
}

static void a_line_with_nul_is_refused(void **state)
{
	struct command *cmd;
	char *why;
	(void)state;
	assert_int_equal(cmdline_slash(slice_of("a\0b", 3), "bob", &cmd, &why),
			 ERR_USAGE);
	mem_free(why);
}

/* Whatever is typed at the place of a verb, a name and a text, the answer is safe to
 * show and the text goes out as it is. */
static void try_text(void *ctx, const char *text)
{
	static const char *const before[] = {"", "/", "/msg ", "/msg bob ", "/id "};
	(void)ctx;
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		struct command *cmd = NULL;
		char *why = NULL, line[8192];
		snprintf(line, sizeof line, "%s%s", before[i], text);
		enum err e = cmdline_slash(slice_str(line), "bob", &cmd, &why);
		assert_true((e == ERR_OK) == (cmd != NULL));
		assert_true((e == ERR_USAGE) == (why != NULL));
		char *bad = why ? vtcheck(slice_str(why), 0) : NULL;
		if (bad)
			fail_msg("'%s' says '%s': %s", line, why, bad);
		if (i == 0 && cmd && *text != '/')
			assert_string_equal(cmd->u.msg.text, text);
		mem_free(cmd);
		mem_free(why);
	}
}

static void U1_hostile_lines_are_answered_safely(void **state)
{
	(void)state;
	hostile_each(try_text, NULL);
}

/* Words of a shell, parted by | here. */
static const struct {
	const char *words, *want, *wrong;
} shells[] = {
	{"peers", "peers", NULL},
	{"pe", "peers", NULL},
	{"msg|bob|hi", "msg who=bob text=hi", NULL},
	{"msg|bob|hi  there|you", "msg who=bob text=hi  there you", NULL},
	{"msg|bob|hi|--wait|3|you", "msg who=bob text=hi you wait=3", NULL},
	{"msg|--wait=3|bob|hi", "msg who=bob text=hi wait=3", NULL},
	{"msg|bob|--|--wait|3", "msg who=bob text=--wait 3", NULL},
	{"msg|bob|--hello", NULL, "put -- before text that begins with --"},
	{"msg|bob|-", "msg who=bob text=-", NULL},
	{"msg|bob|", "msg who=bob text=", NULL},
	{"msg|bob", NULL,
	 "text is missing (the message; - reads it from standard input): "
	 "type p2pmsg msg WHO [--wait WAIT] TEXT..."},
	{"me|bob|waves", "me who=bob text=waves", NULL},
	{"events|--since|0", "events since=0", NULL},
	{"events|--since", NULL, "--since needs a value"},
	{"events|0", NULL, "0 is one word too many: type p2pmsg events [--since SINCE]"},
	{"query|bob", NULL, "there is no command query: p2pmsg help lists them"},
	{"s", NULL, "s fits several: search, status, set, save"},
	{"id|--qr", "id qr=yes", NULL},
	{"help", "help", NULL},
	{"history|bob|-n|5", "history who=bob n=5", NULL},
	{"history|-n=5", "history n=5", NULL},
	{"daemon", "daemon", NULL},
	{"msg|b\xff|hi", NULL, "not UTF-8"},
};

static void try_shell(size_t i)
{
	char *words[8], got[512], *typed = mem_strdup(shells[i].words), *at = typed;
	size_t n = 0;
	while (at && n < 8)
		words[n++] = strsep(&at, "|");
	struct command *cmd = NULL;
	char *why = NULL;
	enum err e = cmdline_shell(n, words, &cmd, &why);
	if (cmd)
		show(cmd, got, sizeof got);
	if (shells[i].want && (e != ERR_OK || strcmp(got, shells[i].want) != 0))
		fail_msg("'%s' gives '%s' %s", shells[i].words, cmd ? got : "", why);
	if (shells[i].wrong && (e != ERR_USAGE || !why || !strstr(why, shells[i].wrong)))
		fail_msg("'%s' says '%s'", shells[i].words, why);
	mem_free(cmd);
	mem_free(why);
	mem_free(typed);
}

static void words_become_commands(void **state)
{
	struct command *cmd;
	char *why;
	(void)state;
	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
		try_shell(i);
	assert_int_equal(cmdline_shell(0, NULL, &cmd, &why), ERR_WAIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_commands),
		cmocka_unit_test(a_line_with_nul_is_refused),
		cmocka_unit_test(U1_hostile_lines_are_answered_safely),
		cmocka_unit_test(words_become_commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
