/*
 * Key files when the disk fails or the program dies: whatever happens, the file is
 * the old one or the new one, whole. This program stands between the code and the
 * system calls that change a disk, and lets the k-th of them fail, or ends there.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/keyfile.h"
#include "lib/tempdir.h"

enum how { PASS, FAIL, HALF, DIE };

static struct {
	int left; /* calls before the fault */
	enum how how;
	int errnum;
	bool has_struck;
} fault;

/* True when this call is the one. HALF is a matter of write alone. */
static bool strikes(void)
{
	if (fault.how == PASS || fault.left-- > 0 || fault.has_struck)
		return false;
	fault.has_struck = true;
	if (fault.how == DIE)
		_exit(0);
	errno = fault.errnum;
	return true;
}

/* A write that the disk takes only half of, so that the next one fails. */
static ssize_t write_half(int fd, const void *p, size_t n)
{
	fault.has_struck = false;
	fault.how = FAIL;
	fault.left = 0;
	return syscall(SYS_write, fd, p, n / 2);
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (strikes())
		return fault.how == HALF ? write_half(fd, p, n) : -1;
	return syscall(SYS_write, fd, p, n);
}

int fsync(int fd)
{
	return strikes() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fchmod(int fd, mode_t mode)
{
	return strikes() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return strikes() ? -1
			 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

static char *dir, *path;
static struct rng_seeded rng;
static struct identity *before, *after;

static int set_up(void **state)
{
	(void)state;
	memset(&fault, 0, sizeof(fault));
	rng_seeded_init(&rng, 1);
	void *made;
	if (tempdir_setup(&made) != 0)
		return -1;
	dir = made;
	path = tempdir_path(dir, "keys");
	before = identity_generate(&rng.rng);
	after = identity_generate(&rng.rng);
	assert_int_equal(keyfile_save(path, before, slice_of(NULL, 0), &rng.rng), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fault.how = PASS;
	identity_free(before);
	identity_free(after);
	mem_free(path);
	void *made = dir;
	tempdir_teardown(&made);
	return 0;
}

/* Which of the two is in the file; anything else fails the test. */
static const struct identity *stored(void)
{
	struct identity *id;

	assert_int_equal(keyfile_load(path, slice_of(NULL, 0), &id), ERR_OK);
	const bool is_before = id32_eq(identity_node_id(id), identity_node_id(before));
	const bool is_after = id32_eq(identity_node_id(id), identity_node_id(after));
	assert_true(is_before || is_after);
	identity_free(id);
	return is_before ? before : after;
}

static enum err save_with(enum how how, int k, int errnum)
{
	fault.left = k;
	fault.how = how;
	fault.errnum = errnum;
	fault.has_struck = false;
	const enum err err = keyfile_save(path, after, slice_of(NULL, 0), &rng.rng);
	fault.how = PASS;
	return err;
}

static void restore(void)
{
	assert_int_equal(keyfile_save(path, before, slice_of(NULL, 0), &rng.rng), ERR_OK);
}

static void every_failing_call_leaves_a_whole_file(void **state)
{
	(void)state;
	static const struct {
		int errnum;
		enum err err;
	} cases[] = {
		{ENOSPC, ERR_NOSPACE}, {EDQUOT, ERR_NOSPACE}, {EROFS, ERR_READONLY},
		{EIO, ERR_IO},	       {EACCES, ERR_PERM},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int k = 0;
		for (;; k++) {
			restore();
			const enum err err = save_with(FAIL, k, cases[i].errnum);
			if (!fault.has_struck)
				break;
			assert_int_equal(err, cases[i].err);
			/* Only the sync of the folder comes after the rename. */
			assert_true(k >= 4 || stored() == before);
			assert_int_equal(tempdir_count(dir), 1);
		}
		/* write, fchmod, fsync, renameat, fsync of the folder */
		assert_int_equal(k, 5);
		assert_ptr_equal(stored(), after);
	}
}

static void a_disk_that_fills_up_halfway_keeps_the_old_file(void **state)
{
	(void)state;
	assert_int_equal(save_with(HALF, 0, ENOSPC), ERR_NOSPACE);
	assert_true(fault.has_struck);
	assert_ptr_equal(stored(), before);
	assert_int_equal(tempdir_count(dir), 1);
}

/* The same with the kernel's own limit rather than ours. */
static void a_file_size_limit_keeps_the_old_file(void **state)
{
	(void)state;
	const pid_t pid = fork();

	if (pid == 0) {
		const struct rlimit limit = {100, 100};
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(keyfile_save(path, after, slice_of(NULL, 0), &rng.rng) == ERR_OK);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_ptr_equal(stored(), before);
	assert_int_equal(tempdir_count(dir), 1);
}

static void dying_before_any_call_leaves_a_whole_file(void **state)
{
	(void)state;
	for (int k = 0; k < 5; k++) {
		restore();
		const pid_t pid = fork();
		if (pid == 0) {
			save_with(DIE, k, 0);
			_exit(1);
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_ptr_equal(stored(), k < 4 ? before : after);
	}
}

/* Says so after the first round, so that the parent does not kill it too early. */
static void save_forever(int ready)
{
	for (;;) {
		keyfile_save(path, before, slice_of(NULL, 0), &rng.rng);
		keyfile_save(path, after, slice_of(NULL, 0), &rng.rng);
		if (ready >= 0)
			close(ready);
		ready = -1;
	}
}

static void being_killed_at_any_time_leaves_a_whole_file(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		const struct timespec pause = {0, rng_uniform(&rng.rng, 3000000)};
		int ready[2];
		char byte;
		restore();
		assert_int_equal(pipe(ready), 0);
		const pid_t pid = fork();
		if (pid == 0) {
			close(ready[0]);
			save_forever(ready[1]);
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 0);
		close(ready[0]);
		nanosleep(&pause, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_non_null(stored());
	}
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	(void)state;
	char *nowhere = tempdir_path(dir, "none/keys");

	assert_int_equal(keyfile_save(nowhere, after, slice_of(NULL, 0), &rng.rng),
			 ERR_MISSING);
	mem_free(nowhere);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(every_failing_call_leaves_a_whole_file),
		test(a_disk_that_fills_up_halfway_keeps_the_old_file),
		test(a_file_size_limit_keeps_the_old_file),
		test(dying_before_any_call_leaves_a_whole_file),
		test(being_killed_at_any_time_leaves_a_whole_file),
		test(a_folder_that_is_not_there_is_said),
	};

	secret_init();
	return cmocka_run_group_tests_name("keyfile_faults", tests, NULL, NULL);
}
