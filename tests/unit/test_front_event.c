#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/front.h"

/* What every event has in JSON; a field of the same name would hide it. */
static const char *const taken[] = {"v", "type", "cursor", "time", "for"};

static void every_row_is_whole(void **state)
{
	(void)state;
	for (unsigned t = 0; t < EVENT_COUNT; t++) {
		const struct event_row *row = event_row(t);
		assert_int_equal(row->type, t);
		assert_ptr_equal(event_row_find(row->name), row);
		assert_true(row->n_fields > 0);
		for (size_t i = 0; i < row->n_fields; i++) {
			assert_true(row->fields[i].offset >= offsetof(struct event, u));
			assert_true(row->fields[i].offset < sizeof(struct event));
			for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
				assert_string_not_equal(row->fields[i].name, taken[k]);
		}
	}
	assert_null(event_row_find("nonsense"));
	assert_null(event_row_find(""));
}

static void rows_say_what_is_kept(void **state)
{
	(void)state;
	assert_true(event_row(EVENT_MESSAGE)->is_kept);
	assert_true(event_row(EVENT_PEER)->is_kept);
	assert_false(event_row(EVENT_DONE)->is_kept);
	assert_false(event_row(EVENT_PERSON)->is_kept);
}

static void a_copy_owns_its_texts(void **state)
{
	char text[] = "hello", empty[] = "";
	struct event ev = {.type = EVENT_MESSAGE, .cursor = 7, .tag = 8, .time_ms = 9};
	(void)state;
	ev.u.message.text = text;
	ev.u.message.nick = empty;
	ev.u.message.sent = UINT64_MAX;
	struct event *copy = event_copy(&ev);
	memset(text, 'x', sizeof text);
	empty[0] = 'x';
	assert_string_equal(copy->u.message.text, "hello");
	assert_string_equal(copy->u.message.nick, "");
	assert_null(copy->u.message.peer);
	assert_true(copy->u.message.sent == UINT64_MAX);
	assert_int_equal(copy->cursor, 7);
	assert_int_equal(copy->tag, 8);
	assert_int_equal(copy->time_ms, 9);
	mem_free(copy);
}

/* Numbers and bools beside texts are not taken for addresses. */
static void every_event_can_be_copied(void **state)
{
	(void)state;
	for (unsigned t = 0; t < EVENT_COUNT; t++) {
		const struct event_row *row = event_row(t);
		struct event ev = {.type = t};
		for (size_t i = 0; i < row->n_fields; i++) {
			void *at = (char *)&ev + row->fields[i].offset;
			if (row->fields[i].type == EVENT_STR)
				*(const char **)at = row->fields[i].name;
			else if (row->fields[i].type == EVENT_YES)
				*(bool *)at = true;
			else
				*(uint64_t *)at = 1;
		}
		struct event *copy = event_copy(&ev);
		for (size_t i = 0; i < row->n_fields; i++) {
			const void *at = (const char *)copy + row->fields[i].offset;
			if (row->fields[i].type != EVENT_STR)
				continue;
			assert_string_equal(*(const char *const *)at,
					    row->fields[i].name);
			assert_ptr_not_equal(*(const char *const *)at,
					     row->fields[i].name);
		}
		mem_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(rows_say_what_is_kept),
		cmocka_unit_test(a_copy_owns_its_texts),
		cmocka_unit_test(every_event_can_be_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
