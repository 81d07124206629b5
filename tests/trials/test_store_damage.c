/* Files that are damaged, and not ours to open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/store_crash.h"
#include "lib/tempdir.h"

/* A store with n messages, closed; its bytes, mem_free. */
static uint8_t *make_store(const char *path, unsigned n, size_t *len)
{
	struct store_ask a;
	struct stat st;

	store_ask_init(&a, path);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
			store_ask(&a, &(struct store_request){.verb = STORE_KEEP,
							      .is_new = true,
							      .msg = message_of(1, i % 3,
										i)}),
			ERR_OK);
	store_ask_wipe(&a);
	assert_int_equal(stat(path, &st), 0);
	*len = (size_t)st.st_size;
	return (uint8_t *)tempdir_read(path);
}

/* How many of the messages are there; none is wrong. */
static unsigned count_genuine(struct store_ask *a)
{
	const struct store_request req = {
		.verb = STORE_PAGE, .is_all_convs = true, .is_forward = true};

	store_ask(a, &req);
	for (size_t i = 0; i < a->got.reply.n_messages; i++) {
		const struct store_message *m = &a->got.reply.messages[i];
		const unsigned n = (unsigned)(m->id.b[2] << 8 | m->id.b[3]);
		const struct store_message want = message_of(1, n % 3, n);
		assert_true(id16_eq(&m->conv, &want.conv));
		assert_int_equal(m->lamport, want.lamport);
		assert_true(slice_eq(m->body, want.body));
	}
	return (unsigned)a->got.reply.n_messages;
}

/* Looks through it as long as it says that the next start will mend it; how many it has
 * then, and whether it was set aside. */
static unsigned open_damaged(const char *path, bool *was_told)
{
	struct store_ask a;
	unsigned n = 0;

	*was_told = false;
	for (unsigned starts = 0; starts < 3; starts++) {
		store_ask_init(&a, path);
		const enum err e = store_ask_open(&a);
		if (e != ERR_OK)
			print_error("%s\n", a.why);
		assert_int_equal(e, ERR_OK);
		n = count_genuine(&a);
		const enum err whole =
			store_ask(&a, &(struct store_request){.verb = STORE_CHECK});
		*was_told = *was_told || a.n_troubles > 0;
		store_ask_wipe(&a);
		if (whole == ERR_OK)
			return n;
	}
	fail_msg("it stays damaged");
	return n;
}

static bool is_set_aside(const char *dir)
{
	char *path = tempdir_path(dir, "store.db.damaged-1767225600000");
	const bool is = access(path, F_OK) == 0;

	mem_free(path);
	return is;
}

enum { MESSAGES = 300, PER_PAGE = 24 };

static void C4_a_flipped_bit_costs_one_page_at_most(void **state)
{
	struct place p = place_new();
	size_t len;
	uint8_t *bytes = make_store(p.path, MESSAGES, &len);
	const uint64_t stride = in_check_or_soak(1511, 37);
	unsigned n_told = 0;

	(void)state;
	for (size_t at = 0; at < len; at += at < 200 ? 7 : stride) {
		struct place q = place_new();
		bool was_told;
		bytes[at] ^= (uint8_t)(1 << at % 8);
		tempdir_write(q.path, slice_of(bytes, len));
		bytes[at] ^= (uint8_t)(1 << at % 8);
		const unsigned n = open_damaged(q.path, &was_told);
		assert_in_range(n, MESSAGES - PER_PAGE, MESSAGES);
		assert_true(n == MESSAGES || was_told);
		assert_int_equal(is_set_aside(q.dir), was_told);
		n_told += was_told;
		place_free(&q);
	}
	assert_true(n_told > 10);
	mem_free(bytes);
	place_free(&p);
}

static void C4_what_is_before_a_cut_is_still_read(void **state)
{
	struct place p = place_new();
	size_t len;
	uint8_t *bytes = make_store(p.path, MESSAGES, &len);
	const uint64_t stride = in_check_or_soak(7001, 501);
	unsigned before = 0;

	(void)state;
	for (size_t cut = 600; cut < len; cut += stride) {
		struct place q = place_new();
		bool was_told;
		tempdir_write(q.path, slice_of(bytes, cut));
		const unsigned n = open_damaged(q.path, &was_told);
		assert_true(was_told && is_set_aside(q.dir));
		assert_true(n >= before);
		before = n;
		place_free(&q);
	}
	assert_true(before > MESSAGES / 2);
	mem_free(bytes);
	place_free(&p);
}

/* What is left of its only sealed piece does not open, and it is ours all the same. */
static void C4_a_cut_store_is_not_taken_for_somebody_elses(void **state)
{
	struct place p = place_new();
	static uint8_t value[1500];
	struct store_ask a;
	struct stat st;
	unsigned n_cuts = 0;

	(void)state;
	store_ask_init(&a, p.path);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	assert_int_equal(
		store_ask(&a,
			  &(struct store_request){
				  .verb = STORE_RECORD,
				  .record = {.kind = 1,
					     .key = slice_str("one"),
					     .value = slice_of(value, sizeof(value))},
			  }),
		ERR_OK);
	store_ask_wipe(&a);
	assert_int_equal(stat(p.path, &st), 0);
	uint8_t *bytes = (uint8_t *)tempdir_read(p.path);
	const size_t len = (size_t)st.st_size;
	const uint64_t stride = in_check_or_soak(307, 31);
	for (size_t cut = 600; cut < len; cut += cut < 9000 ? 97 : stride) {
		struct place q = place_new();
		bool was_told;
		tempdir_write(q.path, slice_of(bytes, cut));
		open_damaged(q.path, &was_told);
		assert_true(was_told);
		place_free(&q);
		n_cuts++;
	}
	assert_true(n_cuts > 50);
	mem_free(bytes);
	place_free(&p);
}

static void copy(const char *from, const char *to, const char *suffix)
{
	char *paths[] = {mem_printf("%s%s", from, suffix),
			 mem_printf("%s%s", to, suffix)};
	struct stat st;

	assert_int_equal(stat(paths[0], &st), 0);
	char *text = tempdir_read(paths[0]);
	tempdir_write(paths[1], slice_of(text, (size_t)st.st_size));
	mem_free(text);
	mem_free(paths[0]);
	mem_free(paths[1]);
}

/* Copied while it is open: what was kept stands in the log, and nowhere else. */
static void C4_what_is_only_in_the_log_is_still_read(void **state)
{
	struct place p = place_new(), q = place_new();
	struct store_ask a;
	char *mark = tempdir_path(q.dir, "store.db.damaged");

	(void)state;
	store_ask_init(&a, p.path);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	for (unsigned n = 0; n < SCRIPT_STEPS; n++)
		assert_int_equal(store_script_step(&a, n), ERR_OK);
	copy(p.path, q.path, "");
	copy(p.path, q.path, "-wal");
	store_ask_wipe(&a);
	tempdir_write(mark, (struct slice){0});
	store_ask_init(&a, q.path);
	assert_int_equal(store_ask_open(&a), ERR_OK);
	check_steps(&a, SCRIPT_STEPS);
	assert_int_equal(a.n_troubles, 1);
	assert_int_equal(a.trouble, ERR_CORRUPT);
	assert_non_null(strstr(a.trouble_why, " 0 pieces were lost"));
	/* What was forgotten is still known. */
	assert_int_equal(
		store_ask(&a, &(struct store_request){.verb = STORE_KEEP,
						      .is_new = true,
						      .msg = message_of(1, 2, 2)}),
		ERR_EXISTS);
	store_ask_wipe(&a);
	assert_true(is_set_aside(q.dir));
	assert_int_not_equal(access(mark, F_OK), 0);
	mem_free(mark);
	place_free(&p);
	place_free(&q);
}

static void C4_noise_in_place_of_pages_is_survived(void **state)
{
	struct place p = place_new();
	size_t len;
	uint8_t *bytes = make_store(p.path, MESSAGES, &len);
	struct rng_seeded rng;
	const uint64_t rounds = in_check_or_soak(20, 1000);

	(void)state;
	rng_seeded_init(&rng, 4);
	for (uint64_t i = 0; i < rounds; i++) {
		struct place q = place_new();
		uint8_t *noisy = mem_dup(bytes, len);
		bool was_told;
		/* One page of noise, and one that claims to be full of rows. */
		const size_t n_pages = len / 4096;
		rng_fill(
			&rng.rng,
			noisy + 4096 * (1 + rng_uniform(&rng.rng, (uint32_t)n_pages - 1)),
			4096);
		uint8_t *rows =
			noisy + 4096 * (1 + rng_uniform(&rng.rng, (uint32_t)n_pages - 1));
		rng_fill(&rng.rng, rows, 4096);
		rows[0] = 0x0d;
		tempdir_write(q.path, slice_of(noisy, len));
		const unsigned n = open_damaged(q.path, &was_told);
		assert_in_range(n, MESSAGES - 2 * PER_PAGE, MESSAGES);
		mem_free(noisy);
		place_free(&q);
	}
	mem_free(bytes);
	place_free(&p);
}

/* Dies with it open. */
static void leave_open(const char *path)
{
	const pid_t pid = fork();
	struct store_ask a;
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		store_ask_init(&a, path);
		_exit(store_ask_open(&a) == ERR_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void wait_for_trouble(struct store_ask *a, unsigned rounds)
{
	while (a->n_troubles == 0 && rounds-- > 0) {
		usleep(10000);
		store_poll(a->s);
	}
}

enum { TABLE_LEAF = 0x0d }; /* the first byte of such a page */

static void C4_after_an_unclean_end_damage_is_found_unasked(void **state)
{
	struct place p = place_new();
	size_t len;
	uint8_t *bytes = make_store(p.path, MESSAGES, &len);
	bool was_told;

	(void)state;
	/* Ends of rows stand at ends of pages: a body, somewhere in the middle. */
	size_t page = len / 4096 / 2;
	while (bytes[page * 4096] != TABLE_LEAF)
		page--;
	bytes[(page + 1) * 4096 - 3] ^= 1;
	tempdir_write(p.path, slice_of(bytes, len));
	for (int is_unclean = 0; is_unclean < 2; is_unclean++) {
		struct store_ask a;
		if (is_unclean)
			leave_open(p.path);
		store_ask_init(&a, p.path);
		assert_int_equal(store_ask_open(&a), ERR_OK);
		wait_for_trouble(&a, is_unclean ? 1000 : 10);
		assert_int_equal(a.n_troubles, is_unclean);
		store_ask_wipe(&a);
	}
	assert_false(is_set_aside(p.dir));
	assert_in_range(open_damaged(p.path, &was_told), MESSAGES - 1, MESSAGES);
	assert_true(was_told && is_set_aside(p.dir));
	mem_free(bytes);
	place_free(&p);
}

/* Damage, and a mend that is interrupted at its k-th call. */
static void C1_killed_while_mending(void **state)
{
	struct place p = place_new();
	size_t len;
	uint8_t *bytes = make_store(p.path, MESSAGES, &len);
	const uint64_t stride = in_check_or_soak(9, 1);
	int status = FAULT_STATUS;
	uint64_t k;

	(void)state;
	memset(bytes + 20, 0xff, 60); /* the header */
	for (k = 1; status == FAULT_STATUS; k += stride) {
		struct place q = place_new();
		unsigned acked;
		tempdir_write(q.path, slice_of(bytes, len));
		status = store_crash(store_crash_steps, q.path, FAULT_DIE, k, &acked);
		assert_true(status == FAULT_STATUS || status == 0);
		struct store_ask a;
		store_ask_init(&a, q.path);
		assert_int_equal(store_ask_open(&a), ERR_OK);
		assert_int_equal(
			store_ask(&a,
				  &(struct store_request){.verb = STORE_GET,
							  .msg = message_of(1, 0, 291)}),
			ERR_OK);
		assert_int_equal(
			store_ask(&a,
				  &(struct store_request){.verb = STORE_GET,
							  .msg = message_of(1, 0, 99)}),
			ERR_OK);
		store_ask_wipe(&a);
		assert_true(is_set_aside(q.dir));
		place_free(&q);
	}
	assert_true(k > 50);
	mem_free(bytes);
	place_free(&p);
}

static void C4_a_newer_store_and_another_key_are_left_alone(void **state)
{
	struct place p = place_new();
	size_t len, after;
	uint8_t *bytes = make_store(p.path, 20, &len);
	struct store_ask a;

	(void)state;
	store_ask_init(&a, p.path);
	a.key[0] ^= 1;
	assert_int_equal(store_ask_open(&a), ERR_AUTH);
	assert_non_null(strstr(a.why, "key file"));
	assert_false(is_set_aside(p.dir));
	bytes[63] = 99; /* the header's version, beside a canary that does not open */
	tempdir_write(p.path, slice_of(bytes, len));
	assert_int_equal(store_ask_open(&a), ERR_VERSION);
	assert_non_null(strstr(a.why, "newer"));
	uint8_t *same = (uint8_t *)tempdir_read(p.path);
	struct stat st;
	assert_int_equal(stat(p.path, &st), 0);
	after = (size_t)st.st_size;
	assert_int_equal(after, len);
	assert_memory_equal(same, bytes, len);
	/* With the right key the canary knows better: a damaged header. */
	a.key[0] ^= 1;
	assert_int_equal(store_ask_open(&a), ERR_OK);
	assert_int_equal(count_genuine(&a), 20);
	assert_true(is_set_aside(p.dir));
	store_ask_wipe(&a);
	mem_free(same);
	mem_free(bytes);
	place_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(C1_killed_while_mending),
		cmocka_unit_test(C4_a_flipped_bit_costs_one_page_at_most),
		cmocka_unit_test(C4_after_an_unclean_end_damage_is_found_unasked),
		cmocka_unit_test(C4_what_is_before_a_cut_is_still_read),
		cmocka_unit_test(C4_a_cut_store_is_not_taken_for_somebody_elses),
		cmocka_unit_test(C4_what_is_only_in_the_log_is_still_read),
		cmocka_unit_test(C4_noise_in_place_of_pages_is_survived),
		cmocka_unit_test(C4_a_newer_store_and_another_key_are_left_alone),
	};

	store_crash_init();
	return cmocka_run_group_tests_name("store damage", tests, NULL, NULL);
}
