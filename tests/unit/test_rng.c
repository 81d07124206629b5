#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ids.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/secret.h"
#include "lib/child.h"

/* Sizes that cross the buffer's end in every way, and ones that pass it by. */
static void no_two_draws_are_alike(void **state)
{
	static uint8_t out[9000];
	struct map *seen = map_new(16);

	(void)state;
	for (size_t n = 16; n < sizeof(out); n += n < 64 ? 1 : 61) {
		rng_fill(rng_system(), out, n);
		for (size_t at = 0; at + 16 <= n; at += 16)
			assert_null(map_put(seen, out + at, out));
	}
	map_free(seen);
}

static void it_fills_exactly_what_is_asked(void **state)
{
	uint8_t out[66];

	(void)state;
	for (size_t n = 0; n <= 64; n++) {
		bool is_changed[66] = {false};
		for (int round = 0; round < 20; round++) {
			memset(out, 0, sizeof(out));
			rng_fill(rng_system(), out + 1, n);
			for (size_t i = 0; i < sizeof(out); i++)
				is_changed[i] |= out[i] != 0;
		}
		for (size_t i = 0; i < sizeof(out); i++)
			assert_int_equal(is_changed[i], i >= 1 && i <= n);
	}
}

static void draw_into_pipe(void *ctx)
{
	const int *fds = ctx;
	uint8_t out[32];

	rng_fill(rng_system(), out, sizeof(out));
	if (write(fds[1], out, sizeof(out)) != sizeof(out))
		_exit(1);
}

static void a_child_does_not_draw_the_same(void **state)
{
	uint8_t parent[32], child[32], other[32];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	rng_fill(rng_system(), parent, 1); /* so that there is something to share */
	assert_int_equal(child_run(draw_into_pipe, fds), 0);
	assert_int_equal(child_run(draw_into_pipe, fds), 0);
	assert_int_equal(read(fds[0], child, 32), 32);
	assert_int_equal(read(fds[0], other, 32), 32);
	rng_fill(rng_system(), parent, 32);
	assert_memory_not_equal(parent, child, 32);
	assert_memory_not_equal(parent, other, 32);
	assert_memory_not_equal(child, other, 32);
	close(fds[0]);
	close(fds[1]);
}

static void a_seed_repeats_to_the_byte(void **state)
{
	struct rng_seeded a, b, c;
	uint8_t x[100], y[100];

	(void)state;
	rng_seeded_init(&a, 7);
	rng_seeded_init(&b, 7);
	rng_seeded_init(&c, 8);
	for (size_t n = 0; n <= 100; n++) {
		rng_fill(&a.rng, x, n);
		rng_fill(&b.rng, y, n);
		assert_memory_equal(x, y, n);
	}
	rng_fill(&c.rng, y, 100);
	assert_memory_not_equal(x, y, 100);
	rng_fill(&a.rng, y, 100);
	assert_memory_not_equal(x, y, 100);
}

/* The key stream of ChaCha20 with an all-zero key and nonce. */
static void the_seeded_stream_is_chacha20(void **state)
{
	struct rng_seeded r;
	uint8_t out[16];
	char text[33];

	(void)state;
	rng_seeded_init(&r, 0);
	rng_fill(&r.rng, out, sizeof(out));
	hex_encode(slice_of(out, sizeof(out)), text);
	assert_string_equal(text, "76b8e0ada0f13d90405d6ae55386bd28");
}

static void uniform_stays_below_its_bound(void **state)
{
	static const uint32_t bounds[] = {1, 2, 3, 7, 10, 1000, 0x80000001, UINT32_MAX};
	struct rng_seeded r;

	(void)state;
	rng_seeded_init(&r, 1);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		for (int n = 0; n < 2000; n++)
			assert_true(rng_uniform(&r.rng, bounds[i]) < bounds[i]);
	}
}

static void uniform_gives_every_value_as_often(void **state)
{
	struct rng_seeded r;
	unsigned counts[10] = {0};

	(void)state;
	rng_seeded_init(&r, 2);
	for (int n = 0; n < 100000; n++)
		counts[rng_uniform(&r.rng, 10)]++;
	for (size_t i = 0; i < 10; i++)
		assert_in_range(counts[i], 9600, 10400);
}

/* Gives the words it is told to. */
static void fill_from_list(void *ctx, void *out, size_t n)
{
	const uint32_t **next = ctx;

	memcpy(out, *next, n);
	(*next)++;
}

static void uniform_draws_again_what_would_come_too_often(void **state)
{
	/* 2^32 mod 3 is 1: of the 2^32 words one has to go. */
	static const uint32_t words[] = {0, 1, 0, 0, 2};
	const uint32_t *next = words;
	const struct rng rng = {fill_from_list, &next};

	(void)state;
	assert_int_equal(rng_uniform(&rng, 3), 1);
	assert_ptr_equal(next, words + 2);
	assert_int_equal(rng_uniform(&rng, 3), 2);
	assert_ptr_equal(next, words + 5);
}

static int start(void **state)
{
	(void)state;
	secret_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_draws_are_alike),
		cmocka_unit_test(it_fills_exactly_what_is_asked),
		cmocka_unit_test(a_child_does_not_draw_the_same),
		cmocka_unit_test(a_seed_repeats_to_the_byte),
		cmocka_unit_test(the_seeded_stream_is_chacha20),
		cmocka_unit_test(uniform_stays_below_its_bound),
		cmocka_unit_test(uniform_gives_every_value_as_often),
		cmocka_unit_test(uniform_draws_again_what_would_come_too_often),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
