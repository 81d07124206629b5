#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/child.h"
#include "lib/skip.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif

enum { MANY = 3000 };

static const uint8_t zeros[SECRET_SLOT_BYTES];

static void slots_are_zeroed_and_apart(void **state)
{
	static uint8_t *slots[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		slots[i] = secret_slot_new();
		assert_memory_equal(slots[i], zeros, SECRET_SLOT_BYTES);
		assert_int_equal((uintptr_t)slots[i] % 16, 0);
		memset(slots[i], (int)(i % 255) + 1, SECRET_SLOT_BYTES);
	}
	for (size_t i = 0; i < MANY; i++) {
		for (size_t k = 0; k < SECRET_SLOT_BYTES; k++)
			assert_int_equal(slots[i][k], i % 255 + 1);
		secret_slot_free(slots[i]);
	}
}

static void a_released_slot_is_wiped(void **state)
{
	uint8_t *slot = secret_slot_new();

	(void)state;
	memset(slot, 0xaa, SECRET_SLOT_BYTES);
	secret_slot_free(slot);
	/* The memory stays mapped; but for the link to the next it says nothing. */
	assert_memory_equal(slot + sizeof(void *), zeros,
			    SECRET_SLOT_BYTES - sizeof(void *));
	assert_true(memcmp(slot, "\xaa\xaa\xaa\xaa", 4) != 0);
	secret_slot_free(NULL);
}

static void released_slots_are_used_again(void **state)
{
	void *slot = secret_slot_new();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t *again;
		secret_slot_free(slot);
		again = secret_slot_new();
		assert_ptr_equal(again, slot);
		assert_memory_equal(again, zeros, SECRET_SLOT_BYTES);
		again[0] = 1;
	}
	secret_slot_free(slot);
}

/* The flags of the mapping that holds p, as the kernel gives them. */
static void read_flags(const void *p, char *out, size_t size)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool is_inside = false;
	char line[256];

	out[0] = '\0';
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_inside = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (is_inside && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(out, size, "%s", line);
	}
	fclose(f);
}

static void keys_stay_out_of_core_dumps(void **state)
{
	void *slot = secret_slot_new(), *key = secret_new(32);
	char flags[256];

	(void)state;
	read_flags(slot, flags, sizeof(flags));
	if (flags[0] == '\0')
		skip_because("the kernel shows no flags of memory");
	assert_non_null(strstr(flags, " dd"));
	read_flags(key, flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd"));
	secret_free(key);
	secret_slot_free(slot);
}

static void guarded_memory_is_zeroed_and_usable(void **state)
{
	static const size_t sizes[] = {0,  1,	 15,   16,   17,    32,
				       64, 4095, 4096, 4097, 100000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *p = secret_new(sizes[i]);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, sizes[i]);
		secret_free(p);
	}
	secret_free(NULL);
}

static void write_past_the_end(void *ctx)
{
	volatile uint8_t *p = ctx;

	p[32] = 1;
}

static void write_before_the_page(void *ctx)
{
	volatile uint8_t *p = ctx;

	p[-4096] = 1;
}

static void guard_pages_stop_an_overflow(void **state)
{
	uint8_t *p = secret_new(32);

	(void)state;
	assert_true(child_dies(write_past_the_end, p));
	assert_true(child_dies(write_before_the_page, p));
	p[31] = 1;
	secret_free(p);
}

static void read_after_free(void *ctx)
{
	volatile uint8_t *p = ctx;

	secret_free(ctx);
	(void)p[0];
}

static void released_keys_are_gone(void **state)
{
	void *p = secret_new(32);

	(void)state;
	assert_true(child_dies(read_after_free, p));
	secret_free(p);
}

static void wiping_leaves_zeros(void **state)
{
	uint8_t key[SECRET_SLOT_BYTES];

	(void)state;
	memset(key, 0xff, sizeof(key));
	secret_wipe(key, sizeof(key));
	assert_memory_equal(key, zeros, sizeof(key));
	secret_wipe(NULL, 0);
}

static void nobody_looks_inside(void **state)
{
	struct rlimit core;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
#ifdef IS_SANITIZED
	skip_because("core dumps are left on for the leak checker");
#endif
	assert_int_equal(core.rlim_max, 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

static int start(void **state)
{
	(void)state;
	secret_init();
	secret_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_zeroed_and_apart),
		cmocka_unit_test(a_released_slot_is_wiped),
		cmocka_unit_test(released_slots_are_used_again),
		cmocka_unit_test(keys_stay_out_of_core_dumps),
		cmocka_unit_test(guarded_memory_is_zeroed_and_usable),
		cmocka_unit_test(guard_pages_stop_an_overflow),
		cmocka_unit_test(released_keys_are_gone),
		cmocka_unit_test(wiping_leaves_zeros),
		cmocka_unit_test(nobody_looks_inside),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
