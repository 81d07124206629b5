/* Computers that stop, and disks that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/store_crash.h"
#include "lib/tempdir.h"

/* Opens what is left, looks at it, and does the rest of the steps. */
static void go_on(const char *path, unsigned acked)
{
	struct store_ask a;

	store_ask_init(&a, path);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	for (unsigned n = check_steps(&a, acked); n < SCRIPT_STEPS; n++)
		assert_int_equal(store_script_step(&a, n), ERR_OK);
	assert_int_equal(check_steps(&a, SCRIPT_STEPS), SCRIPT_STEPS);
	assert_int_equal(store_ask(&a, &(struct store_request){.verb = STORE_CHECK}),
			 ERR_OK);
	assert_int_equal(a.n_troubles, 0);
	store_ask_wipe(&a);
}

static void die_at_every(enum fault_kind kind, uint64_t stride)
{
	int status = FAULT_STATUS;
	uint64_t k;

	for (k = 1; status == FAULT_STATUS; k += stride) {
		struct place p = place_new();
		unsigned acked;
		status = store_crash(store_crash_steps, p.path, kind, k, &acked);
		if (status != FAULT_STATUS)
			assert_int_equal(status, 0);
		go_on(p.path, acked);
		place_free(&p);
	}
	assert_true(k > 200); /* there was something to die at */
}

/* Which steps were done: those that were acknowledged, and of the others the next ones. */
static unsigned count_steps(struct store_ask *a, unsigned acked)
{
	char *have = store_script_dump(a);
	unsigned n = acked;

	while (n < SCRIPT_STEPS && strcmp(have, store_script_want(n)) != 0)
		n++;
	assert_string_equal(have, store_script_want(n));
	mem_free(have);
	return n;
}

static void die_in_groups(enum fault_kind kind, uint64_t stride)
{
	int status = FAULT_STATUS;

	for (uint64_t k = 1; status == FAULT_STATUS; k += stride) {
		struct place p = place_new();
		struct store_ask a;
		unsigned acked;
		status = store_crash(store_crash_groups, p.path, kind, k, &acked);
		assert_true(status == FAULT_STATUS || status == 0);
		store_ask_init(&a, p.path);
		assert_int_equal(store_ask_open(&a), ERR_OK);
		count_steps(&a, acked);
		assert_int_equal(a.n_troubles, 0);
		store_ask_wipe(&a);
		place_free(&p);
	}
}

static void C1_killed_in_groups(void **state)
{
	(void)state;
	die_in_groups(FAULT_DIE, in_check_or_soak(11, 1));
}

static void C2_power_cut_in_groups(void **state)
{
	(void)state;
	die_in_groups(FAULT_POWER, in_check_or_soak(11, 1));
}

static void C1_killed_at_every_write_and_sync(void **state)
{
	(void)state;
	die_at_every(FAULT_DIE, in_check_or_soak(11, 1));
}

static void C2_power_cut_at_every_write_and_sync(void **state)
{
	(void)state;
	die_at_every(FAULT_POWER, in_check_or_soak(11, 1));
}

/* Reading fails too, and then says so. */
static void wait_until_read(struct store_ask *a, uint64_t n_calls)
{
	bool is_read = false;

	while (!is_read && n_calls-- > 0) {
		char *have = store_script_dump(a);
		is_read = strstr(have, ": IO\n") == NULL;
		mem_free(have);
	}
}

/* Steps with a fault at the k-th call, each until it is acknowledged; whether there was
 * that many calls. */
static bool fail_once(enum fault_kind kind, uint64_t k, uint64_t n_calls)
{
	struct place p = place_new();
	struct store_ask a;
	unsigned tries = 0;

	store_ask_init(&a, p.path);
	fault_vfs_arm(kind, k, n_calls, k);
	while (store_ask_open(&a) != ERR_OK && tries < 20 + n_calls)
		tries++;
	assert_non_null(a.s);
	for (unsigned n = 0; n < SCRIPT_STEPS; n++) {
		while (store_script_step(&a, n) != ERR_OK && tries < 20 + n_calls)
			tries++;
		assert_int_equal(a.n_troubles > 0 && a.trouble == ERR_CORRUPT, 0);
	}
	assert_true(tries < 20 + n_calls);
	wait_until_read(&a, n_calls);
	check_steps(&a, SCRIPT_STEPS);
	store_ask_close(&a);
	const bool was_there = fault_vfs_count() >= k;
	fault_vfs_disarm();
	go_on(p.path, SCRIPT_STEPS);
	store_ask_wipe(&a);
	place_free(&p);
	return was_there;
}

static void fail_at_every(enum fault_kind kind, uint64_t n_calls, uint64_t stride)
{
	uint64_t k = 1;

	while (fail_once(kind, k, n_calls))
		k += stride;
	assert_true(k > 200);
}

static void C4_an_io_error_at_every_call(void **state)
{
	(void)state;
	fail_at_every(FAULT_EIO, 1, in_check_or_soak(23, 1));
	fail_at_every(FAULT_EIO, 5, in_check_or_soak(41, 1));
}

static void C4_a_full_disk_at_every_call(void **state)
{
	(void)state;
	fail_at_every(FAULT_ENOSPC, 1, in_check_or_soak(23, 1));
	fail_at_every(FAULT_ENOSPC, 40, in_check_or_soak(41, 1));
}

static void C4_a_full_disk_is_told_and_its_end_too(void **state)
{
	struct place p = place_new();
	struct store_ask a;

	(void)state;
	store_ask_init(&a, p.path);
	fault_vfs_arm(FAULT_NONE, 0, 0, 0);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	assert_int_equal(store_script_step(&a, 0), ERR_OK);
	fault_vfs_arm(FAULT_ENOSPC, 1, UINT32_MAX, 0);
	assert_int_equal(store_script_step(&a, 1), ERR_NOSPACE);
	assert_int_equal(store_script_step(&a, 1), ERR_NOSPACE);
	assert_int_equal(a.n_troubles, 1);
	assert_int_equal(a.trouble, ERR_NOSPACE);
	assert_non_null(strstr(a.trouble_why, "Make room"));
	check_steps(&a, 1); /* what is there is read */
	fault_vfs_disarm();
	assert_int_equal(store_script_step(&a, 1), ERR_OK);
	assert_int_equal(a.n_troubles, 2);
	assert_int_equal(a.trouble, ERR_OK);
	store_ask_wipe(&a);
	place_free(&p);
}

struct answers {
	uint64_t n;
};

static void on_answer(void *ctx, const struct store_request *req,
		      const struct store_reply *reply)
{
	struct answers *got = ctx;

	assert_int_equal(req->tag, got->n++);
	assert_int_equal(reply->err, ERR_NOSPACE);
	assert_true(reply->why[0] != '\0');
}

static void C4_a_full_disk_answers_all_that_wait(void **state)
{
	struct place p = place_new();
	struct answers got = {.n = 0};
	struct store_ask a;

	(void)state;
	store_ask_init(&a, p.path);
	fault_vfs_arm(FAULT_NONE, 0, 0, 0);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	fault_vfs_arm(FAULT_ENOSPC, 1, UINT32_MAX, 0);
	for (unsigned n = 0; n < 500; n++)
		assert_int_equal(
			store_submit(a.s,
				     &(struct store_request){.verb = STORE_KEEP,
							     .done = on_answer,
							     .ctx = &got,
							     .tag = n,
							     .is_new = true,
							     .msg = message_of(1, 1, n)}),
			ERR_OK);
	assert_true(store_ask_settle(&a, 60000));
	assert_int_equal(got.n, 500);
	assert_int_equal(a.n_troubles, 1);
	fault_vfs_disarm();
	check_steps(&a, 0);
	assert_int_equal(store_script_step(&a, 0), ERR_OK);
	store_ask_wipe(&a);
	place_free(&p);
}

static void C4_a_second_store_on_one_file_is_refused(void **state)
{
	struct place p = place_new();
	struct store_ask a, b;

	(void)state;
	store_ask_init(&a, p.path);
	store_ask_init(&b, p.path);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	assert_int_equal(store_ask_open(&b), ERR_LOCKED);
	assert_true(b.why[0] != '\0');
	assert_int_equal(store_script_step(&a, 0), ERR_OK);
	store_ask_wipe(&a);
	assert_int_equal(store_ask_open(&b), ERR_OK);
	check_steps(&b, 1);
	store_ask_wipe(&b);
	place_free(&p);
}

static void C4_a_folder_that_is_not_there_is_said(void **state)
{
	struct store_ask a;

	(void)state;
	store_ask_init(&a, "/nowhere/at/all/store.db");
	assert_int_equal(store_ask_open(&a), ERR_MISSING);
	assert_true(a.why[0] != '\0');
	store_ask_wipe(&a);
}

/* Whether any file of the folder has it, anywhere. */
static bool is_in_files(const char *dir, const char *what)
{
	static const char *const names[] = {"store.db", "store.db-wal"};
	bool is = false;

	for (size_t i = 0; i < 2; i++) {
		char *path = tempdir_path(dir, names[i]);
		struct stat st;
		if (stat(path, &st) == 0) {
			assert_int_equal(st.st_mode & 0777, 0600);
			char *text = tempdir_read(path);
			is = is || memmem(text, (size_t)st.st_size, what, strlen(what));
			mem_free(text);
		}
		mem_free(path);
	}
	return is;
}

static void S1_nothing_that_was_said_is_readable_on_disk(void **state)
{
	struct place p = place_new();
	struct store_ask a;

	(void)state;
	umask(0);
	store_ask_init(&a, p.path);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	for (unsigned n = 0; n < SCRIPT_STEPS; n++)
		assert_int_equal(store_script_step(&a, n), ERR_OK);
	assert_false(is_in_files(p.dir, "what message"));
	assert_false(is_in_files(p.dir, "(edited)"));
	assert_false(is_in_files(p.dir, "aaaaaaaaaaaa"));
	assert_true(is_in_files(p.dir, "CREATE TABLE")); /* it does look */
	store_ask_close(&a);
	assert_false(is_in_files(p.dir, "what message"));
	store_ask_wipe(&a);
	place_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(C1_killed_at_every_write_and_sync),
		cmocka_unit_test(C1_killed_in_groups),
		cmocka_unit_test(C2_power_cut_at_every_write_and_sync),
		cmocka_unit_test(C2_power_cut_in_groups),
		cmocka_unit_test(C4_an_io_error_at_every_call),
		cmocka_unit_test(C4_a_full_disk_at_every_call),
		cmocka_unit_test(C4_a_full_disk_is_told_and_its_end_too),
		cmocka_unit_test(C4_a_full_disk_answers_all_that_wait),
		cmocka_unit_test(C4_a_second_store_on_one_file_is_refused),
		cmocka_unit_test(C4_a_folder_that_is_not_there_is_said),
		cmocka_unit_test(S1_nothing_that_was_said_is_readable_on_disk),
	};

	store_crash_init();
	return cmocka_run_group_tests_name("store trials", tests, NULL, NULL);
}
