/* What a disk does to a transfer: errors, and death, at every call. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "lib/file_rig.h"
#include "lib/file_tree.h"
#include "lib/tempdir.h"

static void a_folder_arrives_as_it_was_sent(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "tree");
	file_tree_make(r.path);
	r.has_digest = true;
	if (file_rig_send(&r) != ERR_OK)
		fail_msg("%s: %s", err_name(r.why.e), r.why.text);
	file_rig_check(&r, "tree");
	assert_int_equal(r.n_placed, 1);
	assert_string_equal(r.placed[0], "tree");
	file_rig_wipe(&r);
}

/* How many calls a whole run makes. */
static uint64_t count_calls(bool of_source)
{
	struct file_rig r;

	file_rig_init(&r, "tree");
	file_tree_make(r.path);
	r.every = 20000;
	assert_int_equal(file_rig_send(&r), ERR_OK);
	const uint64_t n = of_source ? r.from_port.count : r.to_port.count;
	file_rig_wipe(&r);
	return n;
}

/* The k-th call fails; then all is well, and it goes on. */
static void one_fault(enum file_fault_kind kind, bool of_source, uint64_t k)
{
	struct file_rig r;
	enum err e;

	file_rig_init(&r, "tree");
	file_tree_make(r.path);
	r.every = 20000;
	file_fault_init(of_source ? &r.from_port : &r.to_port, kind, k);
	e = file_rig_send(&r);
	if (e != ERR_OK) {
		/* It says so, and nothing has got a name unless all of it was there. */
		if (r.why.e == ERR_OK && e != r.sink_err)
			fail_msg("%s at %ju: no word of it", file_fault_str(kind),
				 (uintmax_t)k);
		file_fault_init(&r.from_port, FILE_FAULT_NONE, 0);
		file_fault_init(&r.to_port, FILE_FAULT_NONE, 0);
		e = file_rig_go_on(&r);
		if (e != ERR_OK)
			fail_msg("%s at %ju: going on: %s %s", file_fault_str(kind),
				 (uintmax_t)k, err_name(e), r.why.text);
	} else if (kind == FILE_FAULT_ENOSPC && !of_source) {
		assert_false(r.to_port.has_struck && r.n_placed == 0);
	}
	file_rig_check(&r, "tree");
	file_rig_wipe(&r);
}

static void every_fault(bool of_source)
{
	static const enum file_fault_kind kinds[] = {FILE_FAULT_ENOSPC, FILE_FAULT_EIO,
						     FILE_FAULT_EINTR, FILE_FAULT_SHORT};
	const uint64_t n = count_calls(of_source);

	assert_true(n > 50);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (uint64_t k = 1; k <= n; k++)
			one_fault(kinds[i], of_source, k);
	}
}

static void F5_every_call_of_the_sink_fails_once(void **state)
{
	(void)state;
	every_fault(false);
}

static void F5_every_call_of_the_source_fails_once(void **state)
{
	(void)state;
	every_fault(true);
}

static void in_a_child(struct file_rig *r, enum err (*run)(struct file_rig *r))
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run(r) == ERR_OK ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == FILE_FAULT_STATUS);
}

static void F6_killed_at_every_call_it_goes_on(void **state)
{
	const uint64_t n = count_calls(false);
	unsigned n_resumed = 0;

	(void)state;
	for (uint64_t k = 1; k <= n; k++) {
		struct file_rig r;
		file_rig_init(&r, "tree");
		file_tree_make(r.path);
		r.every = 20000;
		r.has_digest = k % 2 == 0;
		file_fault_init(&r.to_port, FILE_FAULT_DIE, k);
		in_a_child(&r, file_rig_send);
		file_fault_init(&r.to_port, FILE_FAULT_NONE, 0);
		const enum err e = file_rig_go_on(&r);
		if (e != ERR_OK)
			fail_msg("killed at %ju: %s %s", (uintmax_t)k, err_name(e),
				 r.why.text);
		n_resumed += r.resumed.entries > 0;
		file_rig_check(&r, "tree");
		file_rig_wipe(&r);
	}
	assert_true(n_resumed > n / 4);
}

/* Killed, and killed again while it goes on, until it is through. */
static void F6_killed_again_and_again(void **state)
{
	(void)state;
	for (uint64_t step = 60; step < 140; step += 13) {
		struct file_rig r;
		unsigned rounds = 0;
		file_rig_init(&r, "tree");
		file_tree_make(r.path);
		r.every = 5000;
		do {
			file_fault_init(&r.to_port, FILE_FAULT_DIE, step + rounds);
			in_a_child(&r, file_rig_go_on);
			file_fault_init(&r.to_port, FILE_FAULT_NONE, 0);
		} while (++rounds < 40);
		assert_int_equal(file_rig_go_on(&r), ERR_OK);
		char *got = file_rig_path(&r, "tree"),
		     *what = file_tree_differ(r.path, got);
		if (what != NULL)
			fail_msg("%s", what);
		mem_free(got);
		file_rig_wipe(&r);
	}
}

/* Flips a byte of the journal or its log, or cuts it short. */
static void damage(const struct file_rig *r, const char *name, unsigned i)
{
	char *path =
		mem_printf("%s/.p2pmsg-abcd0000000000000000000000000000/%s", r->to, name);
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	const off_t at = (off_t)(i % 7) * 16384 / 4 + (off_t)i;
	struct stat st;
	uint8_t byte;

	mem_free(path);
	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	if (i % 5 == 0)
		assert_int_equal(ftruncate(fd, st.st_size / (off_t)(1 + i % 4)), 0);
	if (pread(fd, &byte, 1, at) == 1) {
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

static void F6_with_a_damaged_journal_nothing_wrong_arrives(void **state)
{
	unsigned n_anew = 0;

	(void)state;
	for (unsigned i = 0; i < 120; i++) {
		struct file_rig r;
		file_rig_init(&r, "tree");
		file_tree_make(r.path);
		r.every = 20000;
		file_fault_init(&r.to_port, FILE_FAULT_DIE, 90 + i % 30);
		in_a_child(&r, file_rig_send);
		file_fault_init(&r.to_port, FILE_FAULT_NONE, 0);
		damage(&r, i % 2 == 0 ? "journal" : "log", i);
		const enum err e = file_rig_go_on(&r);
		if (e != ERR_OK)
			fail_msg("%u: %s %s", i, err_name(e), r.why.text);
		n_anew += r.resumed.entries == 0;
		file_rig_check(&r, "tree");
		file_rig_wipe(&r);
	}
	assert_in_range(n_anew, 5, 110);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_arrives_as_it_was_sent),
		cmocka_unit_test(F5_every_call_of_the_sink_fails_once),
		cmocka_unit_test(F5_every_call_of_the_source_fails_once),
		cmocka_unit_test(F6_killed_at_every_call_it_goes_on),
		cmocka_unit_test(F6_killed_again_and_again),
		cmocka_unit_test(F6_with_a_damaged_journal_nothing_wrong_arrives),
	};

	file_rig_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
