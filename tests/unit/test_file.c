#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "lib/child.h"
#include "lib/skip.h"
#include "lib/tempdir.h"

static void assert_file_is(const char *path, const char *want)
{
	char *text = tempdir_read(path);

	assert_string_equal(text, want);
	mem_free(text);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- reading ---- */

static void reads_up_to_its_maximum(void **state)
{
	char *path = tempdir_path(*state, "f");
	struct buf b;

	for (size_t max = 0; max < 10; max++) {
		buf_init(&b, max);
		tempdir_write(path, slice_str("12345"));
		assert_int_equal(file_read(path, &b), max < 5 ? ERR_FULL : ERR_OK);
		assert_int_equal(b.len, max < 5 ? 0 : 5);
		buf_wipe(&b);
	}
	mem_free(path);
}

static void reads_files_of_every_size(void **state)
{
	static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 100000};
	char *path = tempdir_path(*state, "f");
	uint8_t *bytes = mem_new(100000);
	struct buf b;

	for (size_t i = 0; i < 100000; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		tempdir_write(path, slice_of(bytes, sizes[i]));
		for (size_t room = 0; room < 2; room++) {
			buf_init(&b, sizes[i] + room);
			assert_int_equal(file_read(path, &b), ERR_OK);
			assert_true(slice_eq(buf_slice(&b), slice_of(bytes, sizes[i])));
			buf_wipe(&b);
		}
	}
	mem_free(bytes);
	mem_free(path);
}

static void reads_behind_what_is_there(void **state)
{
	char *path = tempdir_path(*state, "f");
	struct buf b;

	tempdir_write(path, slice_str("5678"));
	buf_init(&b, 8);
	buf_add(&b, slice_str("1234"));
	assert_int_equal(file_read(path, &b), ERR_OK);
	assert_true(slice_eq(buf_slice(&b), slice_str("12345678")));
	buf_drop(&b, 1);
	assert_int_equal(file_read(path, &b), ERR_FULL);
	assert_true(slice_eq(buf_slice(&b), slice_str("2345678")));
	buf_wipe(&b);
	mem_free(path);
}

static void says_why_it_cannot_read(void **state)
{
	char *missing = tempdir_path(*state, "no/file"),
	     *fifo = tempdir_path(*state, "p");
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(file_read(missing, &b), ERR_MISSING);
	assert_int_equal(file_read("", &b), ERR_MISSING);
	assert_int_equal(file_read(*state, &b), ERR_IO);
	assert_int_equal(file_read("/dev/zero", &b), ERR_FULL);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(file_read(fifo, &b), ERR_OK); /* and does not wait */
	assert_int_equal(b.len, 0);
	buf_wipe(&b);
	mem_free(fifo);
	mem_free(missing);
}

/* ---- writing ---- */

static void writes_with_the_mode_it_is_given(void **state)
{
	char *path = tempdir_path(*state, "f");
	mode_t before = umask(0777);

	assert_int_equal(file_write_atomic(path, slice_str("new"), 0640), ERR_OK);
	umask(before);
	assert_file_is(path, "new");
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(file_write_atomic(path, slice_of(NULL, 0), 0600), ERR_OK);
	assert_file_is(path, "");
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(tempdir_count(*state), 1);
	mem_free(path);
}

static void whoever_reads_the_old_one_keeps_it(void **state)
{
	char *path = tempdir_path(*state, "f"), text[8] = "";
	int fd;

	tempdir_write(path, slice_str("old"));
	fd = open(path, O_RDONLY);
	assert_int_equal(file_write_atomic(path, slice_str("newer"), 0600), ERR_OK);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	assert_file_is(path, "newer");
	close(fd);
	mem_free(path);
}

static void a_path_may_be_a_bare_name(void **state)
{
	char before[4096], *path = tempdir_path(*state, "f");

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(*state), 0);
	assert_int_equal(file_write_atomic("f", slice_str("here"), 0600), ERR_OK);
	assert_int_equal(chdir(before), 0);
	assert_file_is(path, "here");
	mem_free(path);
}

static void a_symlink_is_replaced_not_followed(void **state)
{
	char *target = tempdir_path(*state, "target"), *link = tempdir_path(*state, "f");
	struct stat st;

	tempdir_write(target, slice_str("theirs"));
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(file_write_atomic(link, slice_str("ours"), 0600), ERR_OK);
	assert_file_is(target, "theirs");
	assert_file_is(link, "ours");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	mem_free(link);
	mem_free(target);
}

static void a_folder_in_the_way_stays(void **state)
{
	char *path = tempdir_path(*state, "f");

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(file_write_atomic(path, slice_str("x"), 0600), ERR_OK);
	assert_int_equal(tempdir_count(*state), 1);
	assert_int_equal(tempdir_count(path), 0);
	mem_free(path);
}

static void a_missing_folder_is_said_to_be_missing(void **state)
{
	char *path = tempdir_path(*state, "no/f"), *folder = tempdir_path(*state, "x/");

	assert_int_equal(file_write_atomic(path, slice_str("x"), 0600), ERR_MISSING);
	assert_int_equal(file_write_atomic(folder, slice_str("x"), 0600), ERR_MISSING);
	assert_int_equal(tempdir_count(*state), 0);
	mem_free(folder);
	mem_free(path);
}

static struct slice some_bytes(size_t n)
{
	static uint8_t bytes[1 << 20];

	return slice_of(bytes, n);
}

/* What a child found out goes back as its exit status. */
static void exit_with(enum err e)
{
	_exit((int)e);
}

static enum err err_of_child(void (*fn)(void *ctx), void *ctx)
{
	int status = child_run(fn, ctx);

	assert_true(WIFEXITED(status));
	return (enum err)WEXITSTATUS(status);
}

static void write_beyond_the_limit(void *ctx)
{
	const struct rlimit limit = {100000, 100000};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	exit_with(file_write_atomic(ctx, some_bytes(200000), 0600));
}

static void a_write_that_fails_leaves_the_old_one(void **state)
{
	char *path = tempdir_path(*state, "f");

	tempdir_write(path, slice_str("old"));
	assert_int_not_equal(err_of_child(write_beyond_the_limit, path), ERR_OK);
	assert_file_is(path, "old");
	assert_int_equal(tempdir_count(*state), 1);
	mem_free(path);
}

/* Without descriptors at all: nothing can even be begun. */
static void write_without_descriptors(void *ctx)
{
	const struct rlimit limit = {3, 3};

	setrlimit(RLIMIT_NOFILE, &limit);
	while (dup(0) >= 0)
		;
	exit_with(file_write_atomic(ctx, slice_str("new"), 0600));
}

static void without_descriptors_nothing_changes(void **state)
{
	char *path = tempdir_path(*state, "f");

	tempdir_write(path, slice_str("old"));
	assert_int_equal(err_of_child(write_without_descriptors, path), ERR_IO);
	assert_file_is(path, "old");
	assert_int_equal(tempdir_count(*state), 1);
	mem_free(path);
}

/* A file system of 64 KiB, in a mount namespace that ends with the child. 255: the
 * system does not let us. */
static void fill_a_small_disk(void *ctx)
{
	char *path = mem_printf("%s/f", (char *)ctx);
	enum err e;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", ctx, "tmpfs", 0, "size=64k") != 0)
		_exit(255);
	if (file_write_atomic(path, slice_str("old"), 0600) != ERR_OK)
		_exit(254);
	e = file_write_atomic(path, some_bytes(100000), 0600);
	if (tempdir_count(ctx) != 1)
		_exit(253);
	assert_file_is(path, "old");
	mem_free(path);
	exit_with(e);
}

static void a_full_disk_leaves_the_old_one(void **state)
{
	int e = (int)err_of_child(fill_a_small_disk, *state);

	if (e == 255)
		skip_because("no mounts of our own are allowed here");
	assert_int_equal(e, ERR_NOSPACE);
}

static void write_on_a_read_only_disk(void *ctx)
{
	char *path = mem_printf("%s/f", (char *)ctx);
	enum err e;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", ctx, "tmpfs", MS_RDONLY, "size=64k") != 0)
		_exit(255);
	e = file_write_atomic(path, slice_str("x"), 0600);
	mem_free(path);
	exit_with(e);
}

static void a_read_only_disk_is_said_to_be_one(void **state)
{
	int e = (int)err_of_child(write_on_a_read_only_disk, *state);

	if (e == 255)
		skip_because("no mounts of our own are allowed here");
	assert_int_equal(e, ERR_READONLY);
}

/* Whom permissions bind; root they do not. */
static void become_nobody(void)
{
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		_exit(255);
}

static void write_as_nobody(void *ctx)
{
	become_nobody();
	exit_with(file_write_atomic(ctx, slice_str("new"), 0600));
}

static void a_folder_that_forbids_it_stays_as_it_is(void **state)
{
	char *path = tempdir_path(*state, "f");
	int e;

	tempdir_write(path, slice_str("old"));
	assert_int_equal(chmod(*state, 0555), 0);
	e = (int)err_of_child(write_as_nobody, path);
	assert_int_equal(chmod(*state, 0700), 0);
	assert_int_equal(e, ERR_PERM);
	assert_file_is(path, "old");
	assert_int_equal(tempdir_count(*state), 1);
	mem_free(path);
}

/* ---- locks ---- */

static void take_lock(void *ctx)
{
	int fd;

	exit_with(file_lock(ctx, &fd));
}

static void one_at_a_time_has_the_lock(void **state)
{
	char *path = tempdir_path(*state, "lock");
	int fd, second;

	assert_int_equal(file_lock(path, &fd), ERR_OK);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(file_lock(path, &second), ERR_LOCKED);
	assert_int_equal(second, -1);
	assert_int_equal(err_of_child(take_lock, path), ERR_LOCKED);
	close(fd);
	assert_int_equal(err_of_child(take_lock, path), ERR_OK);
	/* That one has ended, and its lock with it. */
	assert_int_equal(file_lock(path, &fd), ERR_OK);
	close(fd);
	mem_free(path);
}

static void a_lock_is_not_handed_to_programs(void **state)
{
	char *path = tempdir_path(*state, "lock");
	int fd;

	assert_int_equal(file_lock(path, &fd), ERR_OK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	mem_free(path);
}

static void a_lock_is_made_nowhere_else(void **state)
{
	char *target = tempdir_path(*state, "target"),
	     *link = tempdir_path(*state, "lock");
	char *missing = tempdir_path(*state, "no/lock");
	int fd;

	assert_int_equal(symlink(target, link), 0);
	assert_int_not_equal(file_lock(link, &fd), ERR_OK);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(file_lock(missing, &fd), ERR_MISSING);
	assert_int_equal(fd, -1);
	mem_free(missing);
	mem_free(link);
	mem_free(target);
}

/* ---- folders ---- */

static void private_folders_are_made_with_their_parents(void **state)
{
	char *a = tempdir_path(*state, "a"), *abc = tempdir_path(*state, "a/b/c");
	char *slashes = tempdir_path(*state, "x//y/");
	mode_t before = umask(0);

	assert_int_equal(file_make_private_dir(abc), ERR_OK);
	assert_int_equal(file_make_private_dir(abc), ERR_OK);
	assert_int_equal(mode_of(a), 0700);
	assert_int_equal(mode_of(abc), 0700);
	assert_int_equal(file_make_private_dir(slashes), ERR_OK);
	assert_int_equal(file_make_private_dir("/"), ERR_PERM);
	assert_int_equal(file_make_private_dir(""), ERR_MISSING);
	umask(before);
	mem_free(slashes);
	mem_free(abc);
	mem_free(a);
}

static void a_folder_open_to_others_is_refused(void **state)
{
	char *path = tempdir_path(*state, "d");

	assert_int_equal(mkdir(path, 0700), 0);
	for (mode_t mode = 0700; mode <= 0777; mode++) {
		assert_int_equal(chmod(path, mode), 0);
		assert_int_equal(file_make_private_dir(path),
				 mode == 0700 ? ERR_OK : ERR_PERM);
		assert_int_equal(mode_of(path), mode);
	}
	mem_free(path);
}

static void open_parents_are_fine(void **state)
{
	char *d = tempdir_path(*state, "d"), *e = tempdir_path(*state, "d/e");

	assert_int_equal(mkdir(d, 0755), 0);
	assert_int_equal(file_make_private_dir(e), ERR_OK);
	assert_int_equal(mode_of(d), 0755);
	mem_free(e);
	mem_free(d);
}

static void a_file_in_the_way_is_an_error(void **state)
{
	char *f = tempdir_path(*state, "f"), *below = tempdir_path(*state, "f/d");

	tempdir_write(f, slice_str("x"));
	assert_int_equal(file_make_private_dir(f), ERR_EXISTS);
	assert_int_equal(file_make_dir(f), ERR_EXISTS);
	assert_int_equal(file_make_dir(below), ERR_EXISTS);
	mem_free(below);
	mem_free(f);
}

static void make_as_nobody(void *ctx)
{
	become_nobody();
	exit_with(file_make_private_dir(ctx));
}

static void a_folder_of_somebody_else_is_refused(void **state)
{
	char *d = tempdir_path(*state, "d"), *e = tempdir_path(*state, "d/e");

	if (geteuid() != 0)
		skip_because("permissions are tried as root");
	assert_int_equal(mkdir(d, 0700), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	assert_int_equal(err_of_child(make_as_nobody, d), ERR_PERM);
	assert_int_equal(err_of_child(make_as_nobody, e), ERR_PERM);
	mem_free(e);
	mem_free(d);
}

static void usual_folders_have_the_usual_mode(void **state)
{
	char *path = tempdir_path(*state, "a/b");
	mode_t before = umask(022);

	assert_int_equal(file_make_dir(path), ERR_OK);
	assert_int_equal(file_make_dir(path), ERR_OK);
	umask(before);
	assert_int_equal(mode_of(path), 0755);
	mem_free(path);
}

static void a_private_file_is_for_us_alone(void **state)
{
	char *path = tempdir_path(*state, "f"), *missing = tempdir_path(*state, "no");

	tempdir_write(path, slice_str("x"));
	for (mode_t mode = 0600; mode <= 0677; mode++) {
		assert_int_equal(chmod(path, mode), 0);
		assert_int_equal(file_check_private(path),
				 (mode & 066) == 0 ? ERR_OK : ERR_PERM);
	}
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(file_check_private(path), ERR_PERM);
	}
	assert_int_equal(file_check_private(missing), ERR_MISSING);
	assert_int_equal(file_check_private(*state), ERR_PERM);
	mem_free(missing);
	mem_free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tempdir_setup, tempdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_up_to_its_maximum),
		TEST(reads_files_of_every_size),
		TEST(reads_behind_what_is_there),
		TEST(says_why_it_cannot_read),
		TEST(writes_with_the_mode_it_is_given),
		TEST(whoever_reads_the_old_one_keeps_it),
		TEST(a_path_may_be_a_bare_name),
		TEST(a_symlink_is_replaced_not_followed),
		TEST(a_folder_in_the_way_stays),
		TEST(a_missing_folder_is_said_to_be_missing),
		TEST(a_write_that_fails_leaves_the_old_one),
		TEST(without_descriptors_nothing_changes),
		TEST(a_full_disk_leaves_the_old_one),
		TEST(a_read_only_disk_is_said_to_be_one),
		TEST(a_folder_that_forbids_it_stays_as_it_is),
		TEST(one_at_a_time_has_the_lock),
		TEST(a_lock_is_not_handed_to_programs),
		TEST(a_lock_is_made_nowhere_else),
		TEST(private_folders_are_made_with_their_parents),
		TEST(a_folder_open_to_others_is_refused),
		TEST(open_parents_are_fine),
		TEST(a_file_in_the_way_is_an_error),
		TEST(a_folder_of_somebody_else_is_refused),
		TEST(usual_folders_have_the_usual_mode),
		TEST(a_private_file_is_for_us_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
