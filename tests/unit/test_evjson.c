#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "lib/hostile.h"
#include "ui/evjson.h"

/* ---- events ---- */

static void fill(struct event *ev, unsigned t, const char *text, uint64_t number)
{
	const struct event_row *row = event_row(t);
	*ev = (struct event){.type = t, .cursor = number, .tag = 3, .time_ms = 1};
	for (size_t i = 0; i < row->n_fields; i++) {
		void *at = (char *)ev + row->fields[i].offset;
		if (row->fields[i].type == EVENT_STR)
			*(const char **)at = text;
		else if (row->fields[i].type == EVENT_YES)
			*(bool *)at = number & 1;
		else if (row->fields[i].type == EVENT_TIME)
			*(uint64_t *)at = 1767323045678 + number % 1000;
		else
			*(uint64_t *)at = number;
	}
}

static void assert_same_field(const struct event *a, const struct event *b,
			      const struct event_field *f)
{
	const void *at = (const char *)a + f->offset, *bt = (const char *)b + f->offset;
	const char *s = f->type == EVENT_STR ? *(const char *const *)at : NULL;
	if (f->type == EVENT_YES)
		assert_int_equal(*(const bool *)at, *(const bool *)bt);
	else if (f->type != EVENT_STR)
		assert_true(*(const uint64_t *)at == *(const uint64_t *)bt);
	else if (!s)
		assert_null(*(const char *const *)bt);
	else
		assert_string_equal(s, *(const char *const *)bt);
}

static void assert_same_event(const struct event *a, const struct event *b)
{
	const struct event_row *row = event_row(a->type);
	assert_int_equal(a->type, b->type);
	assert_true(a->cursor == b->cursor && a->tag == b->tag &&
		    a->time_ms == b->time_ms);
	for (size_t i = 0; i < row->n_fields; i++)
		assert_same_field(a, b, &row->fields[i]);
}

static void assert_ascii_line(const char *json)
{
	for (const char *c = json; *c; c++)
		assert_true(*c >= ' ' && *c <= '~');
}

static void round_trip(const struct event *ev)
{
	struct event *back = NULL;
	char *json = evjson_event(ev);
	assert_ascii_line(json);
	assert_true(strlen(json) <= EVJSON_EVENT_MAX);
	assert_int_equal(evjson_event_parse(slice_str(json), &back), ERR_OK);
	assert_same_event(ev, back);
	mem_free(back);
	mem_free(json);
}

static void every_event_comes_back(void **state)
{
	static const uint64_t numbers[] = {0, 1, 255, UINT32_MAX, INT64_MAX};
	(void)state;
	for (unsigned t = 0; t < EVENT_COUNT; t++)
		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
			struct event ev;
			fill(&ev, t, i % 2 ? NULL : "text", numbers[i]);
			round_trip(&ev);
		}
}

/* What is no UTF-8 cannot come back, but must not break the line either. */
static void try_text(void *ctx, const char *text)
{
	struct event ev, *back = NULL;
	(void)ctx;
	for (unsigned t = 0; t < EVENT_COUNT; t++) {
		fill(&ev, t, text, 1);
		if (text_is_utf8(slice_str(text))) {
			round_trip(&ev);
			continue;
		}
		char *json = evjson_event(&ev);
		assert_ascii_line(json);
		assert_int_equal(evjson_event_parse(slice_str(json), &back), ERR_OK);
		if (t == EVENT_NOTICE)
			assert_true(strlen(back->u.notice.text) > 0);
		mem_free(back);
		mem_free(json);
	}
}

static void U1_hostile_texts_stay_inside_their_string(void **state)
{
	(void)state;
	hostile_each(try_text, NULL);
}

static void the_longest_message_fits_a_line(void **state)
{
	enum { TEXT_BYTES = 16000 };
	char *text = mem_new(TEXT_BYTES + 1);
	struct event ev;
	(void)state;
	memset(text, 1, TEXT_BYTES); /* six bytes each */
	fill(&ev, EVENT_NOTICE, "x", 1);
	ev.u.notice.text = text;
	round_trip(&ev);
	mem_free(text);
}

static void fields_look_as_documented(void **state)
{
	struct event ev = {.type = EVENT_STATE, .cursor = 7, .time_ms = 1767323045678};
	(void)state;
	ev.u.state.id = "ab";
	ev.u.state.state = "sent";
	char *json = evjson_event(&ev);
	assert_string_equal(json, "{\"v\":1,\"type\":\"state\",\"cursor\":7,"
				  "\"time\":\"2026-01-02T03:04:05.678Z\",\"id\":\"ab\","
				  "\"state\":\"sent\"}");
	mem_free(json);
	ev = (struct event){.type = EVENT_PONG, .tag = 5};
	ev.u.pong.rtt_us = UINT64_MAX;
	json = evjson_event(&ev);
	assert_string_equal(json, "{\"v\":1,\"type\":\"pong\",\"for\":5,"
				  "\"rtt_us\":9223372036854775807}");
	mem_free(json);
}

static void what_is_no_event_is_refused(void **state)
{
	static const struct {
		const char *line;
		enum err e;
	} rows[] = {
		{"", ERR_PROTO},
		{"[]", ERR_PROTO},
		{"{}", ERR_PROTO},
		{"{\"v\":1}", ERR_PROTO},
		{"{\"type\":\"done\"}", ERR_PROTO},
		{"{\"v\":\"1\",\"type\":\"done\"}", ERR_PROTO},
		{"{\"v\":2,\"type\":\"done\"}", ERR_VERSION},
		{"{\"v\":1,\"type\":\"telepathy\"}", ERR_UNKNOWN},
		{"{\"v\":1,\"type\":7}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\",\"text\":7}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\",\"text\":null}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"pong\",\"rtt_us\":-1}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"pong\",\"rtt_us\":1.5}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"pong\",\"rtt_us\":9223372036854775808}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"peer\",\"away\":1}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"peer\",\"seen\":\"yesterday\"}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\",\"time\":\"2026-02-29T00:00:00.000Z\"}",
		 ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\",\"cursor\":\"7\"}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\",\"type\":\"done\"}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\"} x", ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\",\"text\":\"\\u0000\"}", ERR_PROTO},
		{"{\"v\":1,\"type\":\"done\",\"new\":[{}]}", ERR_OK},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct event *ev = NULL;
		enum err e = evjson_event_parse(slice_str(rows[i].line), &ev);
		if (e != rows[i].e)
			fail_msg("%s: %s", rows[i].line, err_name(e));
		mem_free(ev);
	}
}

/* ---- commands ---- */

static void every_command_comes_back(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct command_row *row = command_row(v);
		struct command cmd = {.verb = v, .tag = 9}, *back = NULL;
		uint64_t tag;
		char *why;
		for (size_t i = 0; i < row->n_args; i++)
			cmd.u.arg[i] =
				row->args[i].kind == ARG_FLAG ? "yes" : "\xc3\xa4\"\n";
		char *json = evjson_command(&cmd);
		assert_null(strchr(json, '\n'));
		enum err e = evjson_command_parse(slice_str(json), &back, &tag, &why);
		assert_int_equal(e, row->flags & COMMAND_LOCAL ? ERR_USAGE : ERR_OK);
		assert_int_equal(tag, 9);
		for (size_t i = 0; back && i < row->n_args; i++)
			assert_string_equal(back->u.arg[i], cmd.u.arg[i]);
		mem_free(back);
		mem_free(why);
		mem_free(json);
	}
}

static void commands_are_read_as_documented(void **state)
{
	struct command *cmd;
	uint64_t tag;
	char *why;
	(void)state;
	const char *line = "{\"cmd\":\"msg\",\"who\":\"bob\",\"text\":\"hi\",\"tag\":7,"
			   "\"later\":[1,{}]}";
	assert_int_equal(evjson_command_parse(slice_str(line), &cmd, &tag, &why), ERR_OK);
	assert_null(why);
	assert_int_equal(cmd->verb, VERB_MSG);
	assert_int_equal(cmd->tag, 7);
	assert_string_equal(cmd->u.msg.who, "bob");
	assert_string_equal(cmd->u.msg.text, "hi");
	assert_null(cmd->u.msg.wait);
	mem_free(cmd);

	line = "{\"cmd\":\"peers\",\"wait\":3}";
	assert_int_equal(evjson_command_parse(slice_str(line), &cmd, &tag, &why), ERR_OK);
	assert_string_equal(cmd->u.peers.wait, "3");
	assert_int_equal(tag, 0);
	mem_free(cmd);

	line = "{\"cmd\":\"quit\",\"node\":false}";
	assert_int_equal(evjson_command_parse(slice_str(line), &cmd, &tag, &why), ERR_OK);
	assert_null(cmd->u.quit.node);
	mem_free(cmd);
}

/* Lines, and a piece of what the answer says. */
static const struct {
	const char *line, *why;
	uint64_t tag;
} wrong[] = {
	{"", "not JSON", 0},
	{"hello", "not JSON", 0},
	{"{", "not JSON", 0},
	{"{\"cmd\":\"peers\"}}", "not JSON", 0},
	{"{\"cmd\":\"peers\",\"cmd\":\"peers\"}", "duplicate", 0},
	{"[1]", "object", 0},
	{"7", "not JSON", 0},
	{"{}", "looks like", 0},
	{"{\"tag\":4}", "looks like", 4},
	{"{\"cmd\":7,\"tag\":4}", "looks like", 4},
	{"{\"cmd\":\"frobnicate\",\"tag\":5}", "no command \"frobnicate\"", 5},
	{"{\"cmd\":\"peer\",\"tag\":5}", "no command \"peer\"", 5},
	{"{\"cmd\":\"\\u202edrow\"}", "\\u{202E}", 0},
	{"{\"cmd\":\"query\",\"who\":\"bob\"}", "for people", 0},
	{"{\"cmd\":\"msg\",\"who\":\"bob\",\"tag\":6}", "needs \"text\"", 6},
	{"{\"cmd\":\"msg\",\"text\":\"hi\"}", "needs \"who\"", 0},
	{"{\"cmd\":\"msg\",\"who\":null,\"text\":\"hi\"}", "needs \"who\"", 0},
	{"{\"cmd\":\"msg\",\"who\":7,\"text\":\"hi\"}", "takes a text", 0},
	{"{\"cmd\":\"msg\",\"who\":[],\"text\":\"hi\"}", "takes a text", 0},
	{"{\"cmd\":\"peers\",\"wait\":true}", "takes a number", 0},
	{"{\"cmd\":\"peers\",\"wait\":1.5}", "takes a number", 0},
	{"{\"cmd\":\"quit\",\"node\":\"yes\"}", "true or false", 0},
	{"{\"cmd\":\"peers\",\"tag\":-1}", "whole number", 0},
	{"{\"cmd\":\"peers\",\"tag\":\"1\"}", "whole number", 0},
	{"{\"cmd\":\"peers\",\"tag\":1.0}", "whole number", 0},
	{"{\"cmd\":\"peers\",\"tag\":9223372036854775808}", "not JSON", 0},
	{"{\"cmd\":\"msg\",\"who\":\"a\\u0000b\",\"text\":\"hi\"}", "not JSON", 0},
	{"{\"cmd\":\"msg\",\"who\":\"\xff\",\"text\":\"hi\"}", "not JSON", 0},
	{"{\"cmd\":\"msg\",\"who\":\"\\ud800\",\"text\":\"hi\"}", "not JSON", 0},
};

static void wrong_commands_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct command *cmd = NULL;
		uint64_t tag;
		char *why = NULL;
		enum err e =
			evjson_command_parse(slice_str(wrong[i].line), &cmd, &tag, &why);
		if (e != ERR_USAGE || !why || !strstr(why, wrong[i].why))
			fail_msg("%s: %s: %s", wrong[i].line, err_name(e), why);
		assert_true(tag == wrong[i].tag);
		assert_null(cmd);
		mem_free(why);
	}
}

static void refuse(const char *text, size_t n)
{
	struct command *cmd;
	uint64_t tag;
	char *why;
	assert_int_equal(evjson_command_parse(slice_of(text, n), &cmd, &tag, &why),
			 ERR_USAGE);
	mem_free(why);
}

/* A line of nothing but brackets, and every cut of a good line. */
static void deep_and_cut_lines_are_refused(void **state)
{
	static const char good[] =
		"{\"cmd\":\"msg\",\"who\":\"bob\",\"text\":\"\\u00e4\"}";
	char *deep = mem_new(EVJSON_COMMAND_MAX);
	(void)state;
	memset(deep, '[', EVJSON_COMMAND_MAX);
	refuse(deep, EVJSON_COMMAND_MAX);
	mem_free(deep);
	for (size_t n = 0; n < sizeof good - 1; n++)
		refuse(good, n);
	refuse("{\"cmd\":\"peers\"}\0", 16);
}

static void any_byte_anywhere_is_answered(void **state)
{
	char line[] = "{\"cmd\":\"msg\",\"who\":\"bob\",\"text\":\"hi\",\"tag\":7}";
	(void)state;
	for (size_t at = 0; at < sizeof line - 1; at++)
		for (unsigned byte = 0; byte < 256; byte++) {
			struct command *cmd = NULL;
			uint64_t tag;
			char old = line[at], *why = NULL;
			line[at] = (char)byte;
			enum err e = evjson_command_parse(slice_of(line, sizeof line - 1),
							  &cmd, &tag, &why);
			assert_true((e == ERR_OK) == (cmd != NULL));
			assert_true((e == ERR_OK) == (why == NULL));
			line[at] = old;
			mem_free(cmd);
			mem_free(why);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_comes_back),
		cmocka_unit_test(U1_hostile_texts_stay_inside_their_string),
		cmocka_unit_test(the_longest_message_fits_a_line),
		cmocka_unit_test(fields_look_as_documented),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(every_command_comes_back),
		cmocka_unit_test(commands_are_read_as_documented),
		cmocka_unit_test(wrong_commands_are_answered),
		cmocka_unit_test(deep_and_cut_lines_are_refused),
		cmocka_unit_test(any_byte_anywhere_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
