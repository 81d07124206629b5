#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "net/gate.h"

enum { SECOND_US = 1000 * 1000, SLOTS = 256 };

static struct clock_manual clock;
static struct gate *gate;
static struct gate_slot slots[SLOTS];

static const struct gate_limits defaults = {
	.half_open_ip = 4,
	.half_open = 64,
	.new_ip_second = 10,
	.new_second = 200,
};

static void make(const struct gate_limits *limits)
{
	gate_free(gate);
	memset(slots, 0, sizeof(slots));
	gate = gate_new(&clock.clock, limits);
}

static int setup(void **state)
{
	(void)state;
	clock_manual_init(&clock);
	make(&defaults);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLOTS; i++)
		gate_leave(gate, &slots[i]);
	assert_int_equal(gate_half_open(gate), 0);
	gate_free(gate);
	gate = NULL;
	return 0;
}

static struct addr ip(uint32_t n)
{
	return (struct addr){
		.family = ADDR_IP4,
		.ip = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n},
		.port = (uint16_t)(n * 7)};
}

/* How many of n tries from there are let in now. */
static unsigned admitted(uint32_t from, unsigned n)
{
	struct addr a = ip(from);
	unsigned in = 0;

	for (unsigned i = 0; i < n; i++)
		in += gate_admit(gate, &a);
	return in;
}

static struct gate_slot *enter(size_t slot, uint32_t from)
{
	struct addr a = ip(from);

	return gate_enter(gate, &a, &slots[slot]);
}

static void prove(uint32_t who)
{
	struct addr a = ip(who);

	gate_proved(gate, &a);
}

/* ------------------------------------------------------------------ tokens */

static void one_address_gets_its_rate_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(admitted(1, 1000), 10);
	clock_manual_advance(&clock, SECOND_US / 10 - 1);
	assert_int_equal(admitted(1, 1000), 0);
	clock_manual_advance(&clock, 1);
	assert_int_equal(admitted(1, 1000), 1);
	clock_manual_advance(&clock, 100 * SECOND_US);
	assert_int_equal(admitted(1, 1000), 10);
}

static void ports_are_no_other_addresses_but_families_and_links_are(void **state)
{
	struct addr a = ip(1), b = a;

	(void)state;
	assert_int_equal(admitted(1, 1000), 10);
	b.port++;
	assert_false(gate_admit(gate, &b));
	b = a;
	b.family = ADDR_IP6;
	assert_true(gate_admit(gate, &b));
	for (int i = 0; i < 9; i++)
		assert_true(gate_admit(gate, &b));
	assert_false(gate_admit(gate, &b));
	b.scope = 2;
	assert_true(gate_admit(gate, &b));
}

static void strangers_get_half_of_the_rate_in_all(void **state)
{
	unsigned in = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		in += admitted(i, 1);
	assert_int_equal(in, 100);
	clock_manual_advance(&clock, SECOND_US);
	assert_int_equal(admitted(5, 1), 1);
}

static void the_other_half_is_kept_for_the_proved(void **state)
{
	unsigned in = 0;

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		prove(5000 + i);
	for (uint32_t i = 0; i < 1000; i++)
		(void)admitted(i, 1);
	for (uint32_t i = 0; i < 50; i++)
		in += admitted(5000 + i, 10);
	assert_int_equal(in, 100);
}

static void the_proved_may_use_all_of_it(void **state)
{
	unsigned in = 0;

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		prove(5000 + i);
	for (uint32_t i = 0; i < 50; i++)
		in += admitted(5000 + i, 10);
	assert_int_equal(in, 200);
	assert_int_equal(admitted(1, 1), 0);
}

static void one_address_alone_does_not_use_up_what_is_for_all(void **state)
{
	unsigned in = 0;

	(void)state;
	assert_int_equal(admitted(1, 100000), 10);
	for (uint32_t i = 2; i < 1000; i++)
		in += admitted(i, 1);
	assert_int_equal(in, 90);
}

/* N1: so many addresses, each a hundred times a second, for 10 s. How often one that
 * is new is let in, if it tries once a second in the second half. */
static unsigned new_ones_beside(uint32_t n_addresses)
{
	unsigned in = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		for (uint32_t k = 0; k < n_addresses; k++)
			(void)admitted(100 + k, 1);
		if (i >= 500 && i % 100 == 99)
			in += admitted(10000 + i, 1);
		clock_manual_advance(&clock, SECOND_US / 100);
	}
	return in;
}

static void a_flood_from_some_addresses_leaves_room_for_a_new_one(void **state)
{
	static const uint32_t addresses[] = {1, 2, 10, 60, 100};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		make(&defaults);
		assert_int_equal(new_ones_beside(addresses[i]), 5);
	}
	make(&defaults);
	assert_in_range(new_ones_beside(250), 2, 5); /* a whole /24 */
}

static void odd_rates_work(void **state)
{
	const struct gate_limits slow = {
		.half_open_ip = 1, .half_open = 2, .new_ip_second = 1, .new_second = 2};
	const struct gate_limits fast = {.half_open_ip = 1,
					 .half_open = 2,
					 .new_ip_second = 100000,
					 .new_second = 100000};

	(void)state;
	make(&slow);
	assert_int_equal(admitted(1, 100), 1);
	assert_int_equal(admitted(2, 100), 0);
	prove(3);
	assert_int_equal(admitted(3, 100), 1);
	make(&fast);
	assert_int_equal(admitted(1, 200000), 25000); /* the rest is for others */
}

static void the_proof_lasts_a_day(void **state)
{
	(void)state;
	prove(1);
	clock_manual_advance(&clock, 24ULL * 3600 * SECOND_US - 1);
	for (uint32_t i = 100; i < 1000; i++)
		(void)admitted(i, 1);
	assert_int_equal(admitted(1, 1), 1);
	clock_manual_advance(&clock, 1);
	assert_int_equal(admitted(1, 1), 0);
}

static void a_new_proof_makes_it_last_longer(void **state)
{
	(void)state;
	prove(1);
	clock_manual_advance(&clock, 20ULL * 3600 * SECOND_US);
	prove(1);
	clock_manual_advance(&clock, 20ULL * 3600 * SECOND_US);
	for (uint32_t i = 100; i < 1000; i++)
		(void)admitted(i, 1);
	assert_int_equal(admitted(1, 1), 1);
}

/* --------------------------------------------------------------- half-open */

static void the_fifth_of_an_address_takes_the_place_of_its_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_null(enter(i, 1));
	assert_ptr_equal(enter(4, 1), &slots[0]);
	assert_ptr_equal(enter(5, 1), &slots[1]);
	assert_int_equal(gate_half_open(gate), 4);
	gate_leave(gate, &slots[3]);
	assert_null(enter(6, 1));
	assert_int_equal(gate_half_open(gate), 4);
}

static void leaving_twice_is_harmless(void **state)
{
	(void)state;
	assert_null(enter(0, 1));
	assert_null(enter(1, 1));
	gate_leave(gate, &slots[0]);
	gate_leave(gate, &slots[0]);
	assert_int_equal(gate_half_open(gate), 1);
}

static void the_busiest_address_makes_room(void **state)
{
	size_t n = 0;

	(void)state;
	/* 28 strangers, one each; then one with four: 32 are strangers' half. */
	for (uint32_t i = 0; i < 28; i++)
		assert_null(enter(n++, 100 + i));
	for (int i = 0; i < 4; i++)
		assert_null(enter(n++, 1));
	assert_int_equal(gate_half_open(gate), 32);
	assert_ptr_equal(enter(n++, 2), &slots[28]);
	assert_ptr_equal(enter(n++, 3), &slots[29]);
	assert_ptr_equal(enter(n++, 4), &slots[30]);
	/* Now nobody has more than one: the oldest of all goes. */
	assert_ptr_equal(enter(n++, 5), &slots[0]);
	assert_int_equal(gate_half_open(gate), 32);
}

static void strangers_do_not_push_out_the_proved(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		prove(5000 + i);
		for (int k = 0; k < 4; k++)
			assert_null(enter(n++, 5000 + i));
	}
	for (uint32_t i = 0; i < 100; i++) {
		struct gate_slot *victim = enter(n++, 100 + i);
		assert_true(victim == NULL || victim >= &slots[32]);
		assert_int_equal(victim == NULL, i < 32);
	}
	assert_int_equal(gate_half_open(gate), 64);
}

static void the_proved_push_out_strangers_when_all_is_full(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		for (int k = 0; k < 4; k++)
			assert_null(enter(n++, i));
	}
	for (uint32_t i = 0; i < 32; i++) {
		prove(5000 + i);
		assert_null(enter(n++, 5000 + i));
	}
	prove(9000);
	assert_ptr_equal(enter(n, 9000), &slots[0]);
	assert_int_equal(gate_half_open(gate), 64);
}

static void who_is_proved_meanwhile_counts_as_such(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 32; i++)
		assert_null(enter(n++, i));
	prove(0);
	assert_null(enter(n++, 100));
	assert_ptr_equal(enter(n++, 101), &slots[1]);
	clock_manual_advance(&clock, 25ULL * 3600 * SECOND_US);
	/* The proof is over, and there are 33 strangers now: one goes for each. */
	assert_int_equal(admitted(102, 1), 1);
	assert_ptr_equal(enter(n++, 102), &slots[0]);
}

static void who_is_proved_no_more_counts_as_a_stranger(void **state)
{
	size_t n = 0;

	(void)state;
	prove(0);
	for (uint32_t i = 0; i < 32; i++)
		assert_null(enter(n++, i));
	clock_manual_advance(&clock, 25ULL * 3600 * SECOND_US);
	assert_int_equal(admitted(100, 1), 1);
	assert_ptr_equal(enter(n++, 100), &slots[0]);
	assert_int_equal(gate_half_open(gate), 32);
}

static void somebody_can_be_evicted_for_another_reason(void **state)
{
	(void)state;
	assert_null(gate_evict(gate));
	assert_null(enter(0, 1));
	assert_null(enter(1, 2));
	assert_null(enter(2, 2));
	assert_ptr_equal(gate_evict(gate), &slots[1]);
	assert_ptr_equal(gate_evict(gate), &slots[0]);
	assert_ptr_equal(gate_evict(gate), &slots[2]);
	assert_null(gate_evict(gate));
}

static void small_limits_hold(void **state)
{
	const struct gate_limits tiny = {
		.half_open_ip = 1, .half_open = 2, .new_ip_second = 1, .new_second = 2};

	(void)state;
	make(&tiny);
	assert_null(enter(0, 1));
	assert_ptr_equal(enter(1, 2), &slots[0]);
	assert_ptr_equal(enter(2, 2), &slots[1]);
	prove(3);
	assert_null(enter(3, 3));
	assert_int_equal(gate_half_open(gate), 2);
}

/* ------------------------------------------------------------------ memory */

static void a_flood_from_everywhere_is_not_remembered(void **state)
{
	size_t most = 0;

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		(void)admitted(i, 1);
		if (i % 100 == 0)
			clock_manual_advance(&clock, SECOND_US / 10);
		if (gate_known(gate) > most)
			most = gate_known(gate);
	}
	assert_true(most <= 700);
}

static void addresses_in_use_do_not_keep_others_from_being_forgotten(void **state)
{
	size_t most = 0;

	(void)state;
	for (uint32_t i = 0; i < 30; i++)
		assert_null(enter(i, 1000000 + i));
	for (uint32_t i = 0; i < 20000; i++) {
		(void)admitted(i, 1);
		clock_manual_advance(&clock, SECOND_US / 50);
		if (gate_known(gate) > most)
			most = gate_known(gate);
	}
	assert_true(most <= 700);
}

static void so_many_proofs_are_kept_and_no_more(void **state)
{
	unsigned in = 0;

	(void)state;
	for (uint32_t i = 0; i < 50000; i++)
		prove(i);
	assert_true(gate_known(gate) <= 2048);
	/* The latest ones are. */
	for (uint32_t i = 0; i < 1000; i++)
		(void)admitted(1000000 + i, 1);
	for (uint32_t i = 49990; i < 50000; i++)
		in += admitted(i, 1);
	assert_int_equal(in, 10);
	assert_int_equal(admitted(1, 1), 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(one_address_gets_its_rate_and_no_more),
		T(ports_are_no_other_addresses_but_families_and_links_are),
		T(strangers_get_half_of_the_rate_in_all),
		T(the_other_half_is_kept_for_the_proved),
		T(the_proved_may_use_all_of_it),
		T(one_address_alone_does_not_use_up_what_is_for_all),
		T(a_flood_from_some_addresses_leaves_room_for_a_new_one),
		T(odd_rates_work),
		T(the_proof_lasts_a_day),
		T(a_new_proof_makes_it_last_longer),
		T(the_fifth_of_an_address_takes_the_place_of_its_first),
		T(leaving_twice_is_harmless),
		T(the_busiest_address_makes_room),
		T(strangers_do_not_push_out_the_proved),
		T(the_proved_push_out_strangers_when_all_is_full),
		T(who_is_proved_meanwhile_counts_as_such),
		T(who_is_proved_no_more_counts_as_a_stranger),
		T(somebody_can_be_evicted_for_another_reason),
		T(small_limits_hold),
		T(a_flood_from_everywhere_is_not_remembered),
		T(addresses_in_use_do_not_keep_others_from_being_forgotten),
		T(so_many_proofs_are_kept_and_no_more),
	};

	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
