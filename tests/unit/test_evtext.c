#include <qrencode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "lib/hostile.h"
#include "lib/vtcheck.h"
#include "ui/evtext.h"
#include "ui/qr.h"

#define TIME_MS UINT64_C(1767355200000) /* 2026-01-02 12:00 UTC */

static char *show(const struct evtext_config *cfg, const struct event *ev)
{
	struct evtext *t = evtext_new(cfg);
	char *text = evtext_take(t, ev);
	evtext_free(t);
	return text;
}

static const struct evtext_config plain = {0};

static void assert_shown(const struct event *ev, const char *want)
{
	char *text = show(&plain, ev);
	assert_string_equal(text ? text : "", want);
	mem_free(text);
}

/* ---- how things look ---- */

static struct event message(const char *conv, const char *direction, const char *text)
{
	struct event ev = {.type = EVENT_MESSAGE, .cursor = 1, .time_ms = TIME_MS};
	ev.u.message.conv = conv;
	ev.u.message.direction = direction;
	ev.u.message.text = text;
	ev.u.message.name = "bob~abcd";
	ev.u.message.nick = "bob";
	ev.u.message.style = "plain";
	ev.u.message.state = "sent";
	return ev;
}

static void messages_say_who_and_where(void **state)
{
	(void)state;
	struct event ev = message("#lan", "in", "hello");
	assert_shown(&ev, "12:00 #lan <bob~abcd> hello\n");
	ev.u.message.style = "action";
	assert_shown(&ev, "12:00 #lan * bob~abcd hello\n");
	ev = message("abcdefgh", "in", "hello");
	assert_shown(&ev, "12:00 [bob~abcd] hello\n");
	ev.u.message.style = "action";
	assert_shown(&ev, "12:00 [bob~abcd] * bob~abcd hello\n");
	ev = message("abcdefgh", "out", "hello");
	ev.u.message.nick = "ada";
	assert_shown(&ev, "12:00 [to bob~abcd] hello\n");
	ev.u.message.state = "queued";
	assert_shown(&ev, "12:00 [to bob~abcd, queued] hello\n");
	ev.u.message.state = "failed";
	assert_shown(&ev, "12:00 [to bob~abcd, failed] hello\n");
	ev.u.message.state = "read";
	assert_shown(&ev, "12:00 [to bob~abcd, read] hello\n");
	ev.u.message.state = "delivered";
	assert_shown(&ev, "12:00 [to bob~abcd] hello\n");
	ev = message("#lan", "out", "hello");
	ev.u.message.nick = "ada";
	assert_shown(&ev, "12:00 #lan <ada> hello\n");
}

static void messages_say_what_was_done_to_them(void **state)
{
	(void)state;
	struct event ev = message("abcdefgh", "in", "hello");
	struct event_message *m = &ev.u.message;
	m->edited = TIME_MS;
	assert_shown(&ev, "12:00 [bob~abcd] hello (edited)\n");
	m->edited = 0;
	m->reply_text = "how are\nyou\x1b[2J";
	assert_shown(&ev, "12:00 [bob~abcd] (re: how are\\u{A}you\\u{1B}[2J) hello\n");
	m->reply_text = NULL;
	m->reactions = "\xf0\x9f\x91\x8d you";
	assert_shown(&ev, "12:00 [bob~abcd] hello  \xf0\x9f\x91\x8d you\n");
	m->reactions = NULL;
	m->late = 7200;
	assert_shown(&ev, "12:00 [bob~abcd] hello (2 h 0 min late)\n");
	m->late = 0;
	m->sent = TIME_MS + 299000;
	assert_shown(&ev, "12:00 [bob~abcd] hello\n");
	m->sent = TIME_MS - 3600000;
	assert_shown(&ev, "12:00 [bob~abcd] hello (their clock: 2026-01-02 11:00)\n");
	m->sent = 0;
	m->expires = TIME_MS + 60000;
	assert_shown(&ev, "12:00 [bob~abcd] hello (gone 2026-01-02 12:01)\n");
	m->expires = 0;
	m->deleted = true;
	m->text = "";
	assert_shown(&ev, "12:00 [bob~abcd] (deleted)\n");
}

/* What is shown of an id can be typed. */
static void what_waits_is_shown_with_an_id_to_type(void **state)
{
	(void)state;
	struct event ev = {.type = EVENT_ITEM, .time_ms = TIME_MS};
	ev.u.item.id = "0123456789abcdef0123456789abcdef";
	ev.u.item.name = "bob~abcd";
	ev.u.item.state = "queued";
	ev.u.item.since = TIME_MS;
	ev.u.item.text = "hello";
	assert_shown(&ev, "01234567  bob~abcd  2026-01-02 12:00  queued: hello\n");
}

static void changes_are_events_of_their_own(void **state)
{
	(void)state;
	struct event ev = {.type = EVENT_EDIT, .cursor = 1, .time_ms = TIME_MS};
	ev.u.edit = (struct event_edit){"00",	    "abcdefgh", "in",	       "abcdefgh",
					"bob~abcd", "bob",	"new\n-- fake"};
	assert_shown(&ev, "12:00 [bob~abcd] (edited) new\n      | -- fake\n");
	ev.u.edit.conv = "#lan";
	assert_shown(&ev, "12:00 #lan <bob~abcd> (edited) new\n      | -- fake\n");
	ev = (struct event){.type = EVENT_DELETE, .cursor = 1, .time_ms = TIME_MS};
	ev.u.delete = (struct event_delete){"00",	"abcdefgh", "in",
					    "abcdefgh", "bob~abcd", "bob"};
	assert_shown(&ev, "12:00 -- bob~abcd deleted a message\n");
	ev.u.delete.direction = "out";
	assert_shown(&ev, "12:00 -- you, to bob~abcd, deleted a message\n");
	ev.u.delete.conv = "#lan";
	assert_shown(&ev, "12:00 -- you on #lan deleted a message\n");
	ev = (struct event){.type = EVENT_REACTION, .cursor = 1, .time_ms = TIME_MS};
	ev.u.reaction = (struct event_reaction){
		.conv = "#lan", .direction = "in", .name = "bob~abcd", .text = "a\nb"};
	assert_shown(&ev, "12:00 -- bob~abcd on #lan reacted: a\\u{A}b\n");
	ev.u.reaction.text = NULL;
	assert_shown(&ev, "12:00 -- bob~abcd on #lan took a reaction back\n");
	ev = (struct event){.type = EVENT_TYPING, .cursor = 1, .time_ms = TIME_MS};
	ev.u.typing = (struct event_typing){"abcdefgh", "abcdefgh", "bob~abcd", true};
	assert_shown(&ev, "12:00 -- bob~abcd is typing\n");
	ev.u.typing.typing = false;
	assert_shown(&ev, "");
}

static void ids_are_shown_where_they_are_asked_for(void **state)
{
	(void)state;
	struct event ev = message("abcdefgh", "in", "hello");
	struct evtext *t = evtext_new(&plain);
	ev.u.message.id = "0123456789abcdef0123456789abcdef";
	ev.cursor = 0;
	evtext_ids(t, 7);
	for (uint64_t tag = 6; tag < 8; tag++) {
		ev.tag = tag;
		char *text = evtext_take(t, &ev);
		assert_string_equal(
			text, tag == 7 ? "2026-01-02 12:00 01234567 [bob~abcd] hello\n"
				       : "2026-01-02 12:00 [bob~abcd] hello\n");
		mem_free(text);
	}
	evtext_free(t);
}

static void the_node_speaks_behind_its_mark(void **state)
{
	struct event ev = {.type = EVENT_PEER, .cursor = 1, .time_ms = TIME_MS};
	(void)state;
	ev.u.peer.name = "bob~abcd";
	ev.u.peer.state = "online";
	ev.u.peer.address = "192.0.2.1:7117";
	assert_shown(&ev, "12:00 -- bob~abcd is online at 192.0.2.1:7117\n");
	ev.u.peer.away = true;
	ev.u.peer.status = "lunch";
	assert_shown(&ev, "12:00 -- bob~abcd is online at 192.0.2.1:7117, away: lunch\n");
	ev.u.peer.state = "dialing";
	assert_shown(&ev, "");
	ev = (struct event){.type = EVENT_STATE, .cursor = 1, .time_ms = TIME_MS};
	ev.u.state.name = "bob~abcd";
	ev.u.state.state = "delivered";
	assert_shown(&ev, "12:00 -- to bob~abcd: delivered\n");
	ev.u.state.state = "failed";
	ev.u.state.why = "too old";
	assert_shown(&ev, "12:00 -! to bob~abcd: failed: too old\n");
	ev = (struct event){.type = EVENT_NOTICE, .cursor = 1, .time_ms = TIME_MS};
	ev.u.notice.level = "alarm";
	ev.u.notice.text = "fire";
	assert_shown(&ev, "12:00 !! ALARM: fire\n");
	ev.u.notice.level = "of its own";
	assert_shown(&ev, "12:00 -- fire\n");
	ev.u.notice.level = "info";
	assert_shown(&ev, "12:00 -- fire\n");
	ev.cursor = 0;
	assert_shown(&ev, "-- fire\n");
	struct evtext_config shell = {.is_bare = true};
	char *unsaid = show(&shell, &ev);
	assert_true(unsaid == NULL || *unsaid == '\0');
	mem_free(unsaid);
}

static void the_numbers_of_a_node_that_does_not_run_are_not_shown(void **state)
{
	struct event ev = {.type = EVENT_NODE, .time_ms = TIME_MS};
	(void)state;
	char *idle = show(&plain, &ev);
	assert_non_null(strstr(idle, "running       no\n"));
	assert_null(strstr(idle, "port"));
	assert_null(strstr(idle, "uptime"));
	mem_free(idle);
	ev.u.node.running = true;
	ev.u.node.port = 7117;
	char *busy = show(&plain, &ev);
	assert_non_null(strstr(busy, "running       yes\n"));
	assert_non_null(strstr(busy, "port          7117\n"));
	mem_free(busy);
}

static void a_trace_shows_bytes_beside_their_meaning(void **state)
{
	struct event ev = {.type = EVENT_TRACE};
	(void)state;
	ev.u.trace.name = "bob~abcd";
	ev.u.trace.direction = "out";
	ev.u.trace.length = 132;
	ev.u.trace.bytes = "3f2a";
	ev.u.trace.stage = "record";
	ev.u.trace.meaning = "CTRL ACK of 1";
	assert_shown(&ev, "-> bob~abcd  132 bytes  3f2a..  record: CTRL ACK of 1\n");
	ev.u.trace.direction = "in";
	ev.u.trace.length = 2;
	assert_shown(&ev, "<- bob~abcd  2 bytes  3f2a  record: CTRL ACK of 1\n");
}

static void add_person(struct evtext *t, const char *name, const char *state,
		       const char *address)
{
	struct event ev = {.type = EVENT_PERSON, .tag = 4, .time_ms = TIME_MS};
	ev.u.person.name = name;
	ev.u.person.state = state;
	ev.u.person.trust = "unverified";
	ev.u.person.address = address;
	ev.u.person.id = "abcdefghijkl";
	ev.u.person.seen = TIME_MS - 3 * 86400000;
	assert_null(evtext_take(t, &ev));
}

static void peers_are_an_aligned_table(void **state)
{
	struct evtext *t = evtext_new(&plain);
	struct event done = {.type = EVENT_DONE, .tag = 4};
	(void)state;
	evtext_expect(t, 4, VERB_PEERS);
	add_person(t, "bob~abcd", "online", "192.0.2.1:7117");
	add_person(t, "\xe5\x9b\xbd~wxyz", "offline", NULL);
	char *text = evtext_take(t, &done);
	assert_string_equal(text,
			    "NAME      STATE    TRUST       ADDRESS         SEEN        "
			    "ID        STATUS\n"
			    "bob~abcd  online   unverified  192.0.2.1:7117  now         "
			    "abcdefgh\n"
			    "\xe5\x9b\xbd~wxyz   offline  unverified                  "
			    "2025-12-30  abcdefgh\n");
	mem_free(text);
	evtext_free(t);
}

static void nobody_is_said_in_words(void **state)
{
	struct evtext *t = evtext_new(&plain);
	struct event done = {.type = EVENT_DONE, .tag = 4};
	(void)state;
	evtext_expect(t, 4, VERB_PEERS);
	char *text = evtext_take(t, &done);
	assert_non_null(strstr(text, "nobody yet"));
	mem_free(text);
	evtext_free(t);
}

/* Replies of two commands that come mixed stay apart; what fails shows what there was. */
static void tables_keep_to_their_tags(void **state)
{
	struct evtext *t = evtext_new(&plain);
	struct event other = {.type = EVENT_DONE, .tag = 5};
	struct event error = {.type = EVENT_ERROR, .tag = 4};
	(void)state;
	evtext_expect(t, 4, VERB_PEERS);
	evtext_expect(t, 5, VERB_MSG);
	add_person(t, "bob~abcd", "online", NULL);
	other.u.done.text = "delivered";
	char *text = evtext_take(t, &other);
	assert_string_equal(text, "-- delivered\n");
	mem_free(text);
	error.u.error.text = "it broke";
	text = evtext_take(t, &error);
	assert_non_null(strstr(text, "bob~abcd"));
	assert_non_null(strstr(text, "-! it broke\n"));
	mem_free(text);
	/* The tag is free again. */
	error.type = EVENT_DONE;
	assert_null(evtext_take(t, &error));
	evtext_free(t);
}

static void one_option_is_explained_many_are_listed(void **state)
{
	struct event ev = {.type = EVENT_OPTION, .tag = 4},
		     done = {.type = EVENT_DONE, .tag = 4};
	(void)state;
	ev.u.option.name = "port";
	ev.u.option.value = "0";
	ev.u.option.takes = "0 to 65535";
	ev.u.option.help = "TCP port";
	for (unsigned n = 1; n <= 2; n++) {
		struct evtext *t = evtext_new(&plain);
		evtext_expect(t, 4, VERB_SET);
		for (unsigned i = 0; i < n; i++)
			assert_null(evtext_take(t, &ev));
		char *text = evtext_take(t, &done);
		assert_true((strstr(text, "takes: 0 to 65535") != NULL) == (n == 1));
		assert_true((strstr(text, "SETTING") != NULL) == (n == 2));
		mem_free(text);
		evtext_free(t);
	}
}

static void what_is_lost_is_counted(void **state)
{
	struct event ev = {.type = EVENT_LAGGED};
	(void)state;
	ev.u.lagged.from = 3;
	ev.u.lagged.to = 12;
	assert_shown(&ev, "-! 10 events are no longer kept and were left out\n");
	ev.u.lagged.late = true;
	assert_shown(&ev, "");
}

/* ---- colour ---- */

static void colour_only_when_asked_and_never_alone(void **state)
{
	struct evtext_config color = {.is_color = true};
	struct event ev = {.type = EVENT_NOTICE, .cursor = 1, .time_ms = TIME_MS};
	(void)state;
	ev.u.notice.level = "warning";
	ev.u.notice.text = "careful";
	char *text = show(&plain, &ev), *colored = show(&color, &ev);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strchr(colored, '\x1b'));
	assert_non_null(strstr(text, "warning: "));
	char *bad = vtcheck(slice_str(colored), VT_SGR | VT_LINES);
	assert_null(bad);
	mem_free(text);
	mem_free(colored);
}

/* ---- hostile text ---- */

static void fill(struct event *ev, unsigned t, const char *text)
{
	const struct event_row *row = event_row(t);
	*ev = (struct event){.type = t, .cursor = row->is_kept, .time_ms = TIME_MS};
	for (size_t i = 0; i < row->n_fields; i++)
		if (row->fields[i].type == EVENT_STR)
			*(const char **)(void *)((char *)ev + row->fields[i].offset) =
				text;
}

static void assert_safe(const char *text, unsigned may, const char *what)
{
	char *bad = text ? vtcheck(slice_str(text), may) : NULL;
	if (bad)
		fail_msg("%s: %s: %s", what, bad, text);
}

/* Once with every text of the event, and once with words that choose other ways. */
static void try_event(void *ctx, const char *hostile)
{
	const struct evtext_config *cfg = ctx;
	unsigned may = VT_LINES | (cfg->is_color ? VT_SGR : 0);
	for (unsigned t = 0; t < EVENT_COUNT; t++) {
		struct event ev;
		fill(&ev, t, hostile);
		char *text = show(cfg, &ev);
		assert_safe(text, may | VT_ISOLATES, event_row(t)->name);
		mem_free(text);
	}
	struct event ev = message("#lan", "in", hostile);
	ev.u.message.name = hostile;
	char *text = show(cfg, &ev);
	assert_safe(text, may | VT_ISOLATES, "#lan");
	mem_free(text);
	fill(&ev, EVENT_PEER, hostile);
	ev.u.peer.state = "online";
	text = show(cfg, &ev);
	assert_safe(text, may, "online");
	mem_free(text);
}

static void try_table(void *ctx, const char *hostile)
{
	struct evtext *t = evtext_new(ctx);
	struct event done = {.type = EVENT_DONE, .tag = 4}, ev;
	evtext_expect(t, 4, VERB_PEERS);
	fill(&ev, EVENT_PERSON, hostile);
	ev.tag = 4;
	assert_null(evtext_take(t, &ev));
	char *text = evtext_take(t, &done);
	char *bad = vtcheck_unseen(slice_str(text));
	if (bad)
		fail_msg("%s: %s", bad, text);
	assert_safe(text, VT_LINES, "table");
	const char *second = strchr(text, '\n');
	assert_ptr_equal(strchr(second + 1, '\n'), text + strlen(text) - 1);
	mem_free(text);
	evtext_free(t);
}

static void U1_only_our_own_sequences_come_out(void **state)
{
	struct evtext_config plain_too = {0}, color = {.is_color = true, .columns = 40};
	(void)state;
	hostile_each(try_event, &plain_too);
	hostile_each(try_event, &color);
	hostile_each(try_table, &plain_too);
}

static void U2_unseen_characters_are_seen_in_names(void **state)
{
	static const char *const names[] = {
		"a\u202eb", "a\u2066b", "a\u200bb",
		"a\ufeffb", "a\u2028b", "a\U000e0041b",
	};
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct event ev = message("#lan", "in", "hello");
		ev.u.message.name = names[i];
		char *text = show(&plain, &ev);
		assert_non_null(strstr(text, "a\\u{"));
		assert_null(vtcheck_unseen(slice_str(text)));
		assert_safe(text, VT_LINES, "name");
		mem_free(text);
	}
}

/* In a body bidi stays what it is, but ends with its line. */
static void U2_bidi_is_isolated_in_bodies(void **state)
{
	struct event ev = message("#lan", "in", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d 1");
	(void)state;
	char *text = show(&plain, &ev);
	assert_non_null(strstr(text, "\xe2\x81\xa8"));
	assert_safe(text, VT_LINES | VT_ISOLATES, "body");
	mem_free(text);
}

/* Every line but the first of what others say stands behind the prefix. */
static void assert_no_imitation(const char *text)
{
	for (const char *line = strchr(text, '\n'); line && line[1];
	     line = strchr(line + 1, '\n'))
		if (strncmp(line + 1, "      | ", 8) != 0)
			fail_msg("a line of its own: %s", line + 1);
}

static void try_imitation(void *ctx, const char *hostile)
{
	struct event ev = message("#lan", "in", hostile);
	char *text = show(ctx, &ev);
	assert_no_imitation(text);
	mem_free(text);
	ev = message("abcdefgh", "in", "x");
	ev.u.message.name = hostile;
	text = show(ctx, &ev);
	assert_no_imitation(text);
	mem_free(text);
}

static void U3_a_body_cannot_make_a_line_of_ours(void **state)
{
	struct evtext_config narrow = {.columns = 40};
	struct event ev =
		message("#lan", "in", "hello\n* Bob verified\r\n-- bob is gone");
	(void)state;
	assert_shown(&ev, "12:00 #lan <bob~abcd> hello\n      | * Bob verified\n"
			  "      | -- bob is gone\n");
	hostile_each(try_imitation, &narrow);
}

/* Nor by blanks up to the edge of the screen, where the terminal begins a line. */
static void U3_folded_lines_cannot_either(void **state)
{
	enum { COLUMNS = 40 };
	struct evtext_config narrow = {.columns = COLUMNS};
	char body[200];
	(void)state;
	for (int blanks = 0; blanks < 100; blanks++) {
		snprintf(body, sizeof body,
			 "x%*s-- bob verified \xe5\x9b\xbd\xe5\x9b\xbd", blanks, "");
		struct event ev = message("#lan", "in", body);
		char *text = show(&narrow, &ev);
		assert_no_imitation(text);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			assert_true(text_width(line) <= COLUMNS);
		mem_free(text);
	}
}

static void folding_keeps_bidi_paired(void **state)
{
	struct evtext_config narrow = {.columns = 40};
	char body[400] = "";
	(void)state;
	for (int i = 0; i < 30; i++)
		strcat(body, "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d ");
	struct event ev = message("#lan", "in", body);
	char *text = show(&narrow, &ev);
	assert_non_null(strchr(text, '|'));
	assert_safe(text, VT_LINES | VT_ISOLATES, "folded");
	mem_free(text);
}

/* ---- the QR code ---- */

static const char uri[] =
	"p2pmsg:zlrvpow3es5wmjyi3w644d7rd4wlyh323kmwekswqon5zzhzs27qvthc";
static const char URI[] =
	"P2PMSG:ZLRVPOW3ES5WMJYI3W644D7RD4WLYH323KMWEKSWQON5ZZHZS27QVTHC";

/* The modules that half blocks draw, light ones true. */
static bool is_light_at(const char *text, int x, int y)
{
	for (int row = y / 2; row > 0; row--)
		text = strchr(text, '\n') + 1;
	while (x-- > 0)
		text += *text == ' ' ? 1 : 3;
	bool is_upper = strncmp(text, "\xe2\x96\x80", 3) == 0;
	bool is_lower = strncmp(text, "\xe2\x96\x84", 3) == 0;
	bool is_full = strncmp(text, "\xe2\x96\x88", 3) == 0;
	return is_full || (y % 2 ? is_lower : is_upper);
}

static void the_qr_code_is_the_one_of_the_library(void **state)
{
	enum { QUIET = 4 };
	(void)state;
	char *text = qr_text(URI, false);
	QRcode *code = QRcode_encodeString(URI, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
	assert_int_equal(code->version, 4); /* alphanumeric: bytes would need more */
	for (int y = -QUIET; y < code->width + QUIET; y++)
		for (int x = -QUIET; x < code->width + QUIET; x++) {
			bool is_inside =
				x >= 0 && y >= 0 && x < code->width && y < code->width;
			bool is_dark = is_inside && code->data[y * code->width + x] & 1;
			assert_int_equal(is_light_at(text, x + QUIET, y + QUIET),
					 !is_dark);
		}
	QRcode_free(code);
	mem_free(text);
}

static void identity_shows_the_code_in_upper_case(void **state)
{
	struct evtext_config terminal = {.has_qr = true, .is_color = true};
	struct event ev = {.type = EVENT_IDENTITY};
	(void)state;
	ev.u.identity.uri = uri;
	ev.u.identity.nick = "ada";
	char *text = show(&plain, &ev), *code = qr_text(URI, false);
	assert_null(strstr(text, "\xe2\x96\x88"));
	mem_free(text);
	ev.u.identity.qr = true;
	text = show(&plain, &ev);
	assert_non_null(strstr(text, code));
	mem_free(text);
	ev.u.identity.qr = false;
	text = show(&terminal, &ev);
	mem_free(code);
	code = qr_text(URI, true);
	assert_non_null(strstr(text, code));
	assert_safe(text, VT_LINES | VT_SGR, "code");
	mem_free(text);
	mem_free(code);
}

static void safety_number_in_groups_and_its_code(void **state)
{
	struct evtext_config terminal = {.has_qr = true};
	struct event ev = {.type = EVENT_SAFETY};
	(void)state;
	ev.u.safety.name = "bob~c4wx";
	ev.u.safety.trust = "contact";
	ev.u.safety.code = "P2PMSG-VERIFY-1:AAAA:BBBB";
	ev.u.safety.number = "00000 11111 22222 33333 44444 55555 66666 77777 "
			     "88888 99999 00000 12345";
	char *text = show(&plain, &ev), *code = qr_text(ev.u.safety.code, false);
	assert_string_equal(text, "-- safety number of you and bob~c4wx, contact:\n"
				  "    00000 11111 22222 33333\n"
				  "    44444 55555 66666 77777\n"
				  "    88888 99999 00000 12345\n");
	mem_free(text);
	ev.u.safety.mismatch = true;
	text = show(&terminal, &ev);
	assert_non_null(strstr(text, code));
	assert_non_null(strstr(text, "!! the last comparison failed\n"));
	mem_free(text);
	mem_free(code);
}

/* Behind the short id, where no nick reaches. */
static void names_show_the_trust_in_their_key(void **state)
{
	static const struct {
		const char *trust, *line;
	} rows[] = {
		{"contact", "12:00 [bob~abcd] hello\n"},
		{"verified", "12:00 [bob~abcd+] hello\n"},
		{"unverified", "12:00 [bob~abcd?] hello\n"},
		{"changed", "12:00 [bob~abcd!] hello\n"},
		{"blocked", "12:00 [bob~abcd*] hello\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct event ev = message("abcdefgh", "in", "hello");
		ev.u.message.trust = rows[i].trust;
		assert_shown(&ev, rows[i].line);
	}
	struct event ev = message("#lan", "in", "hello");
	ev.u.message.trust = "changed";
	assert_shown(&ev, "12:00 #lan <bob~abcd!> hello\n");
	ev = (struct event){.type = EVENT_PEER, .cursor = 1, .time_ms = TIME_MS};
	ev.u.peer.name = "bob~abcd";
	ev.u.peer.state = "offline";
	ev.u.peer.trust = "changed";
	assert_shown(&ev, "12:00 -- bob~abcd! is offline\n");
}

static void a_note_is_nobodys_word(void **state)
{
	struct event ev = message("abcdefgh", "note", "the name means another key");
	(void)state;
	assert_shown(&ev, "12:00 -- bob~abcd: the name means another key\n");
}

static void a_knock_says_what_to_type(void **state)
{
	struct evtext_config shell = {.is_bare = true};
	struct event ev = {.type = EVENT_KNOCK, .cursor = 1, .time_ms = TIME_MS};
	(void)state;
	ev.u.knock.name = "bob~abcd";
	ev.u.knock.peer = "abcdefghijklmnop";
	ev.u.knock.text = "it is me\n12:00 !! ALARM: fire";
	char *text = show(&plain, &ev);
	assert_non_null(strstr(text, "12:00 -- bob~abcd knocks: it is me\\u{A}12:00"));
	assert_non_null(strstr(text, "let in: /trust abcdefghijkl "));
	assert_non_null(strstr(text, "keep out: /block abcdefghijkl\n"));
	mem_free(text);
	text = show(&shell, &ev);
	assert_non_null(strstr(text, "let in: p2pmsg trust abcdefghijkl "));
	mem_free(text);
}

static void words_say_what_to_type(void **state)
{
	struct evtext_config shell = {.is_bare = true};
	struct event ev = {.type = EVENT_SAS};
	(void)state;
	ev.u.sas.name = "bob~c4wx";
	ev.u.sas.state = "compare";
	ev.u.sas.words = "topmost Istanbul Pluto vagabond treadmill";
	ev.u.sas.numbers = "1000 2000 9191";
	char *text = show(&plain, &ev);
	assert_non_null(
		strstr(text, "\n    topmost Istanbul Pluto vagabond treadmill\n"));
	assert_non_null(strstr(text, "\n    1000 2000 9191\n"));
	assert_non_null(strstr(text, "the same: /verify bob~c4wx yes"));
	mem_free(text);
	text = show(&shell, &ev);
	assert_non_null(strstr(text, "different: p2pmsg verify bob~c4wx no"));
	mem_free(text);
	ev.u.sas.state = "failed";
	ev.u.sas.why = "you said that the words differ";
	text = show(&plain, &ev);
	assert_string_equal(text, "!! bob~c4wx: the comparison of words FAILED: you said "
				  "that the words differ\n");
	mem_free(text);
}

static int use_utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_say_who_and_where),
		cmocka_unit_test(messages_say_what_was_done_to_them),
		cmocka_unit_test(what_waits_is_shown_with_an_id_to_type),
		cmocka_unit_test(changes_are_events_of_their_own),
		cmocka_unit_test(ids_are_shown_where_they_are_asked_for),
		cmocka_unit_test(the_node_speaks_behind_its_mark),
		cmocka_unit_test(the_numbers_of_a_node_that_does_not_run_are_not_shown),
		cmocka_unit_test(a_trace_shows_bytes_beside_their_meaning),
		cmocka_unit_test(peers_are_an_aligned_table),
		cmocka_unit_test(safety_number_in_groups_and_its_code),
		cmocka_unit_test(words_say_what_to_type),
		cmocka_unit_test(names_show_the_trust_in_their_key),
		cmocka_unit_test(a_note_is_nobodys_word),
		cmocka_unit_test(a_knock_says_what_to_type),
		cmocka_unit_test(nobody_is_said_in_words),
		cmocka_unit_test(tables_keep_to_their_tags),
		cmocka_unit_test(one_option_is_explained_many_are_listed),
		cmocka_unit_test(what_is_lost_is_counted),
		cmocka_unit_test(colour_only_when_asked_and_never_alone),
		cmocka_unit_test(U1_only_our_own_sequences_come_out),
		cmocka_unit_test(U2_unseen_characters_are_seen_in_names),
		cmocka_unit_test(U2_bidi_is_isolated_in_bodies),
		cmocka_unit_test(U3_a_body_cannot_make_a_line_of_ours),
		cmocka_unit_test(U3_folded_lines_cannot_either),
		cmocka_unit_test(folding_keeps_bidi_paired),
		cmocka_unit_test(the_qr_code_is_the_one_of_the_library),
		cmocka_unit_test(identity_shows_the_code_in_upper_case),
	};
	return cmocka_run_group_tests(tests, use_utc, NULL);
}
