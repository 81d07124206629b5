#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct node {
	int v;
	struct list at;
};

static void a_list_keeps_its_order(void **state)
{
	struct node n[5] = {{.v = 0}, {.v = 1}, {.v = 2}, {.v = 3}, {.v = 4}};
	struct list head;
	int want = 0;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 1; i < 5; i++)
		list_add(&head, &n[i].at);
	list_add_first(&head, &n[0].at);
	list_each (it, &head) {
		assert_int_equal(list_entry(it, struct node, at)->v, want);
		want++;
	}
	assert_int_equal(want, 5);
	list_each_safe (it, &head) {
		if (list_entry(it, struct node, at)->v % 2 == 0)
			list_del(it);
	}
	list_del(&n[0].at); /* harmless twice */
	want = 1;
	list_each (it, &head) {
		assert_int_equal(list_entry(it, struct node, at)->v, want);
		want += 2;
	}
	assert_int_equal(want, 5);
	list_del(&n[1].at);
	list_del(&n[3].at);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_keeps_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
