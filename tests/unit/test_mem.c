#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/child.h"

/* So that the compiler does not see what is asked for. */
static volatile size_t huge = SIZE_MAX;

static void new_memory_is_zero(void **state)
{
	static const uint8_t zeros[4096];

	(void)state;
	for (int i = 0; i < 4; i++) {
		uint8_t *p = mem_new(sizeof(zeros));
		uint8_t *q = mem_array(64, 64);
		assert_memory_equal(p, zeros, sizeof(zeros));
		assert_memory_equal(q, zeros, sizeof(zeros));
		memset(p, 0xff, sizeof(zeros));
		memset(q, 0xff, sizeof(zeros));
		mem_free(p);
		mem_free(q);
	}
}

static void nothing_is_never_null(void **state)
{
	void *p = mem_new(0), *q = mem_array(0, 8), *r = mem_resize(NULL, 8, 0);
	void *s = mem_dup(NULL, 0);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	assert_non_null(s);
	r = mem_resize(r, 0, 0);
	assert_non_null(r);
	mem_free(p);
	mem_free(q);
	mem_free(r);
	mem_free(s);
	mem_free(NULL);
}

static void resizing_keeps_what_was_there(void **state)
{
	uint32_t *p = mem_array(3, sizeof(*p));

	(void)state;
	p[0] = 1;
	p[2] = 3;
	p = mem_resize(p, 1000, sizeof(*p));
	assert_int_equal(p[0], 1);
	assert_int_equal(p[1], 0);
	assert_int_equal(p[2], 3);
	p[999] = 9;
	p = mem_resize(p, 1, sizeof(*p));
	assert_int_equal(p[0], 1);
	mem_free(p);
}

static void copies_are_their_own(void **state)
{
	char text[] = "text";
	char *a = mem_strdup(text), *b = mem_strndup("a\0b", 3), *c = mem_dup(text, 2);
	char *d = mem_printf("%s %d", text, 7), *e = mem_strndup(NULL, 0);

	(void)state;
	text[0] = 'n';
	assert_string_equal(a, "text");
	assert_memory_equal(b, "a\0b", 4);
	assert_memory_equal(c, "te", 2);
	assert_string_equal(d, "text 7");
	assert_string_equal(e, "");
	assert_null(mem_strdup(NULL));
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(d);
	mem_free(e);
}

static void ask_for_a_product_that_overflows(void *ctx)
{
	(void)ctx;
	mem_free(mem_array(huge / 2 + 1, 2));
}

static void resize_to_a_product_that_overflows(void *ctx)
{
	(void)ctx;
	mem_free(mem_resize(NULL, huge / 8 + 2, 8));
}

static void copy_with_a_length_that_overflows(void *ctx)
{
	(void)ctx;
	mem_free(mem_strndup("x", huge));
}

static void ask_for_more_than_there_is(void *ctx)
{
	(void)ctx;
	mem_free(mem_new(huge / 4));
}

static void a_size_that_overflows_aborts(void **state)
{
	(void)state;
	assert_true(child_aborts(ask_for_a_product_that_overflows, NULL));
	assert_true(child_aborts(resize_to_a_product_that_overflows, NULL));
	assert_true(child_aborts(copy_with_a_length_that_overflows, NULL));
}

static void too_much_never_gives_null(void **state)
{
	(void)state;
	assert_true(child_dies(ask_for_more_than_there_is, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_memory_is_zero),
		cmocka_unit_test(nothing_is_never_null),
		cmocka_unit_test(resizing_keeps_what_was_there),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(a_size_that_overflows_aborts),
		cmocka_unit_test(too_much_never_gives_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
