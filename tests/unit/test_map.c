/*
 * The code itself is included, to see how large the ring has become and to bring the
 * numbers to their end.
 */
#include "base/map.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "lib/child.h"

enum { STAYS = 1000000000 };

struct key {
	uint8_t b[16];
};

static struct key key_of(uint64_t v)
{
	struct key k = {{0}};

	memcpy(k.b, &v, sizeof(v));
	return k;
}

/* Numbers as values: never read through. */
static void *value_of(size_t v)
{
	return (void *)(uintptr_t)(v + 1);
}

static void *put(struct map *m, uint64_t v)
{
	struct key k = key_of(v);

	return map_put(m, &k, value_of(v));
}

static void *get(const struct map *m, uint64_t v)
{
	struct key k = key_of(v);

	return map_get(m, &k);
}

static void *del(struct map *m, uint64_t v)
{
	struct key k = key_of(v);

	return map_del(m, &k);
}

static void an_empty_map_has_nothing(void **state)
{
	struct map *m = map_new(16);
	size_t pos = 0;

	(void)state;
	assert_int_equal(map_count(m), 0);
	assert_null(get(m, 1));
	assert_null(del(m, 1));
	assert_null(map_next(m, &pos));
	assert_null(map_oldest(m, NULL));
	map_free(m);
	map_free(NULL);
}

static void keeps_gives_and_replaces(void **state)
{
	struct map *m = map_new(16);
	struct key k = key_of(3);

	(void)state;
	assert_null(put(m, 3));
	assert_ptr_equal(get(m, 3), value_of(3));
	assert_null(get(m, 4));
	assert_ptr_equal(map_put(m, &k, value_of(9)), value_of(3));
	k.b[0] = 77; /* keys are copied */
	assert_ptr_equal(get(m, 3), value_of(9));
	assert_int_equal(map_count(m), 1);
	assert_ptr_equal(del(m, 3), value_of(9));
	assert_null(del(m, 3));
	assert_null(get(m, 3));
	assert_int_equal(map_count(m), 0);
	map_free(m);
}

static void every_length_of_key(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 64; len++) {
		struct map *m = map_new(len);
		uint8_t key[64] = {0};
		for (size_t i = 0; i < len; i++) {
			key[i] = 1;
			assert_null(map_put(m, key, value_of(i)));
			key[i] = 0;
		}
		assert_null(map_get(m, key));
		assert_int_equal(map_count(m), len);
		for (size_t i = 0; i < len; i++) {
			key[i] = 1;
			assert_ptr_equal(map_get(m, key), value_of(i));
			key[i] = 0;
		}
		map_free(m);
	}
}

static void walks_in_the_order_of_insertion(void **state)
{
	struct map *m = map_new(16);
	size_t pos = 0, i = 0;

	(void)state;
	for (size_t n = 0; n < 1000; n++)
		put(m, n * 7919 % 1000);
	for (size_t n = 0; n < 1000; n += 3)
		del(m, n * 7919 % 1000);
	put(m, 5 * 7919 % 1000); /* is there, and stays where it is */
	put(m, 0); /* was removed, and comes last */
	for (void *v; (v = map_next(m, &pos)) != NULL; i++) {
		while (i % 3 == 0 && i < 1000)
			i++;
		assert_ptr_equal(v, i < 1000 ? value_of(i * 7919 % 1000) : value_of(0));
	}
	assert_int_equal(i, 1001);
	map_free(m);
}

static void a_walk_may_remove_what_it_was_given(void **state)
{
	(void)state;
	for (size_t n = 0; n < 3000; n = n * 2 + 1) {
		for (size_t every = 1; every <= 3; every++) {
			struct map *m = map_new(16);
			size_t pos = 0, i = 0;
			for (size_t k = 0; k < n; k++)
				put(m, k);
			for (void *v; (v = map_next(m, &pos)) != NULL; i++) {
				assert_ptr_equal(v, value_of(i));
				if (i % every == 0)
					assert_ptr_equal(del(m, i), v);
			}
			assert_int_equal(i, n);
			assert_int_equal(map_count(m), n - (n + every - 1) / every);
			map_free(m);
		}
	}
}

static void the_oldest_comes_first(void **state)
{
	struct map *m = map_new(16);
	const void *key = NULL;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		put(m, i);
	for (size_t i = 1; i < 100; i += 2)
		del(m, i);
	for (size_t i = 0; i < 100; i += 2) {
		struct key k = key_of(i);
		assert_ptr_equal(map_oldest(m, &key), value_of(i));
		assert_memory_equal(key, &k, sizeof(k));
		assert_ptr_equal(map_oldest(m, NULL), value_of(i));
		assert_ptr_equal(map_del(m, key), value_of(i));
	}
	assert_null(map_oldest(m, &key));
	map_free(m);
}

/* The newest in, the oldest out: the ring stays as it is and nothing is rebuilt. */
static void as_a_queue_it_does_not_grow(void **state)
{
	struct map *m = map_new(16);
	const void *entries;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		put(m, i);
	entries = m->entries;
	for (size_t i = 1000; i < 300000; i++) {
		put(m, i);
		assert_ptr_equal(map_oldest(m, NULL), value_of(i - 1000));
		assert_ptr_equal(del(m, i - 1000), value_of(i - 1000));
	}
	assert_int_equal(map_count(m), 1000);
	assert_ptr_equal(m->entries, entries);
	assert_true(m->cap <= 2048);
	map_free(m);
}

/* One that stays holds the window open; the holes behind it must not pile up. */
static void one_that_stays_does_not_make_it_grow(void **state)
{
	struct map *m = map_new(16);

	(void)state;
	put(m, STAYS);
	for (size_t i = 0; i < 300000; i++) {
		put(m, i);
		if (i >= 10)
			assert_ptr_equal(del(m, i - 10), value_of(i - 10));
	}
	assert_true(m->cap <= 32);
	assert_ptr_equal(map_oldest(m, NULL), get(m, STAYS));
	map_free(m);
}

static void it_shrinks_when_it_empties(void **state)
{
	struct map *m = map_new(16);

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		put(m, i);
	for (size_t i = 0; i < 100000; i++)
		assert_ptr_equal(del(m, i), value_of(i));
	assert_true(m->cap <= CAP_KEPT);
	assert_null(get(m, 1));
	assert_null(put(m, 1));
	assert_ptr_equal(get(m, 1), value_of(1));
	map_free(m);
}

/* What a rebuild costs must be paid for by the insertions since the last. */
static void rebuilding_stays_rare(void **state)
{
	(void)state;
	for (size_t live = 700; live <= 1025; live += 25) {
		struct map *m = map_new(16);
		size_t copied = 0;
		put(m, STAYS);
		for (size_t i = 0; i < 20000; i++) {
			uint32_t before = m->next;
			put(m, i);
			if (m->next <= before)
				copied += m->count;
			if (i >= live)
				del(m, i - live);
		}
		assert_true(copied <= 4 * 20000);
		map_free(m);
	}
}

/* Entry numbers end after four thousand million insertions. */
static void numbers_may_run_out(void **state)
{
	(void)state;
	for (uint32_t before = 0; before < 20; before++) {
		struct map *m = map_new(16);
		put(m, STAYS);
		del(m, STAYS);
		m->first = m->next = UINT32_MAX - before;
		for (size_t i = 0; i < 100; i++) {
			size_t pos = 0, k = i < 3 ? 0 : i - 2;
			assert_null(put(m, i));
			if (i >= 3)
				assert_ptr_equal(del(m, i - 3), value_of(i - 3));
			for (void *v; (v = map_next(m, &pos)) != NULL; k++) {
				assert_ptr_equal(v, value_of(k));
				assert_ptr_equal(get(m, k), v);
			}
			assert_int_equal(k, i + 1);
		}
		assert_int_equal(map_count(m), 3);
		assert_true(m->next < 1000);
		map_free(m);
	}
}

/* Against an array of what must be there. Few keys, so that much is replaced and
 * removed, and a cell is often one that others have probed past. */
static void does_what_an_array_would(void **state)
{
	enum { KEYS = 300, STEPS = 200000 };
	void *want[KEYS] = {NULL};
	struct map *m = map_new(16);
	struct rng_seeded r;
	size_t count = 0;

	(void)state;
	rng_seeded_init(&r, 1);
	for (size_t i = 0; i < STEPS; i++) {
		uint32_t v = rng_uniform(&r.rng, KEYS);
		struct key k = key_of(v);
		void *had = want[v];
		assert_ptr_equal(map_get(m, &k), had);
		/* Times of growing and times of shrinking. */
		if (rng_uniform(&r.rng, 100) < (i / 5000 % 2 ? 70u : 30u)) {
			want[v] = value_of(i);
			count += had == NULL;
			assert_ptr_equal(map_put(m, &k, want[v]), had);
		} else {
			want[v] = NULL;
			count -= had != NULL;
			assert_ptr_equal(map_del(m, &k), had);
		}
		assert_int_equal(map_count(m), count);
	}
	for (uint32_t v = 0; v < KEYS; v++)
		assert_ptr_equal(get(m, v), want[v]);
	map_free(m);
}

#ifdef DEBUG
static void put_null(void *ctx)
{
	struct map *m = map_new(16);
	struct key k = {{0}};

	(void)ctx;
	map_put(m, &k, NULL);
}

static void make_with_a_long_key(void *ctx)
{
	(void)ctx;
	map_new(65);
}

static void misuse_is_a_bug(void **state)
{
	(void)state;
	assert_true(child_aborts(put_null, NULL));
	assert_true(child_aborts(make_with_a_long_key, NULL));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_nothing),
		cmocka_unit_test(keeps_gives_and_replaces),
		cmocka_unit_test(every_length_of_key),
		cmocka_unit_test(walks_in_the_order_of_insertion),
		cmocka_unit_test(a_walk_may_remove_what_it_was_given),
		cmocka_unit_test(the_oldest_comes_first),
		cmocka_unit_test(as_a_queue_it_does_not_grow),
		cmocka_unit_test(one_that_stays_does_not_make_it_grow),
		cmocka_unit_test(it_shrinks_when_it_empties),
		cmocka_unit_test(rebuilding_stays_rare),
		cmocka_unit_test(numbers_may_run_out),
		cmocka_unit_test(does_what_an_array_would),
#ifdef DEBUG
		cmocka_unit_test(misuse_is_a_bug),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
