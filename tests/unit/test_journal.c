#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "files/journal.h"
#include "lib/file_rig.h"
#include "lib/tempdir.h"

static const struct journal_head the_head = {
	.xfer = {{1, 2}}, .peer = {{3}}, .has_digest = true, .keeps_dots = true};

static int open_dir(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct entry entry_no(unsigned i, char path[static 32])
{
	snprintf(path, 32, "dir/file %u", i);
	return (struct entry){.path = slice_str(path),
			      .has_size = true,
			      .size = i,
			      .mtime_ns = -(int64_t)i};
}

/* n commits, each with one entry more, the last with a file half there. */
static void write_journal(int dir, unsigned n)
{
	struct journal_head head = the_head;
	struct journal_mark m = {.policy = 2};
	struct journal *j;
	char path[32];

	head.note = slice_str("to ~/Downloads");
	digest_init(&m.content, NULL);
	assert_int_equal(journal_create(file_port_system(), dir, &head, &m, &j), ERR_OK);
	for (unsigned i = 0; i < n; i++) {
		const struct entry e = entry_no(i, path);
		assert_int_equal(journal_add(j, &e, "name"), ERR_OK);
		assert_int_equal(journal_flush(j), ERR_OK);
		m.entries++;
		m.total += i;
		m.bytes = 0;
		if (i == n - 1) {
			m.bytes = 10;
			m.total += 10;
			m.current = entry_no(1000, path);
			snprintf(m.name, sizeof(m.name), "now");
		}
		assert_int_equal(journal_commit(j, &m), ERR_OK);
	}
	journal_free(j);
}

static enum err count(void *ctx, const struct entry *e, const char *name)
{
	unsigned *n = ctx;
	char path[32];
	const struct entry want = entry_no(*n, path);

	assert_true(slice_eq(e->path, want.path));
	assert_int_equal(e->size, want.size);
	assert_true(e->mtime_ns == want.mtime_ns);
	assert_string_equal(name, "name");
	++*n;
	return ERR_OK;
}

static void what_was_committed_is_read_again(void **state)
{
	const int dir = open_dir(*state);
	struct journal_head head;
	struct journal_mark m;
	struct journal *j;
	const char *why;
	unsigned n = 0;

	write_journal(dir, 5);
	assert_int_equal(journal_open(file_port_system(), dir, &j, &head, &m, &why),
			 ERR_OK);
	assert_true(id16_eq(&head.xfer, &the_head.xfer));
	assert_true(id32_eq(&head.peer, &the_head.peer));
	assert_true(head.has_digest && head.keeps_dots && !head.keeps_x);
	assert_true(slice_eq(head.note, slice_str("to ~/Downloads")));
	assert_int_equal(m.entries, 5);
	assert_int_equal(m.bytes, 10);
	assert_int_equal(m.total, 20);
	assert_int_equal(m.policy, 2);
	assert_true(slice_eq(m.current.path, slice_str("dir/file 1000")));
	assert_string_equal(m.name, "now");
	assert_int_equal(journal_replay(j, count, &n), ERR_OK);
	assert_int_equal(n, 5);
	journal_free(j);
	close(dir);
}

static enum err count_only(void *ctx, const struct entry *e, const char *name)
{
	(void)e;
	(void)name;
	++*(unsigned *)ctx;
	return ERR_OK;
}

/* What a damaged journal says: nothing, or what one of its last two commits said. */
static void check_damaged(int dir, bool *was_refused, bool *was_older)
{
	struct journal_head head;
	struct journal_mark m;
	struct journal *j;
	const char *why = NULL;
	unsigned n = 0;
	enum err e = journal_open(file_port_system(), dir, &j, &head, &m, &why);

	if (e == ERR_OK) {
		assert_true(id16_eq(&head.xfer, &the_head.xfer));
		e = journal_replay(j, count_only, &n);
		if (e == ERR_OK) {
			n = 0;
			assert_int_equal(journal_replay(j, count, &n), ERR_OK);
			assert_true(m.entries == 5 || m.entries == 4);
			assert_int_equal(n, m.entries);
			assert_int_equal(m.bytes, m.entries == 5 ? 10 : 0);
			*was_older = *was_older || m.entries == 4;
		}
		journal_free(j);
	} else {
		assert_non_null(why);
	}
	assert_true(e == ERR_OK || e == ERR_CORRUPT);
	*was_refused = *was_refused || e == ERR_CORRUPT;
}

static void flip_all(int dir, const char *name, bool *was_refused, bool *was_older)
{
	const int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	struct stat st;
	uint8_t byte;

	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		/* Between the blocks there is nothing. */
		if (byte == 0 && at % 16384 > 700)
			continue;
		byte ^= (uint8_t)(1 << at % 8);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		check_damaged(dir, was_refused, was_older);
		byte ^= (uint8_t)(1 << at % 8);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

static void a_flipped_bit_never_makes_another_journal(void **state)
{
	const int dir = open_dir(*state);
	bool was_refused = false, was_older = false;

	write_journal(dir, 5);
	flip_all(dir, "journal", &was_refused, &was_older);
	assert_true(was_refused && was_older);
	was_refused = false;
	flip_all(dir, "log", &was_refused, &was_older);
	assert_true(was_refused);
	close(dir);
}

static void cut_all(int dir, const char *name, off_t step)
{
	const int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	bool was_refused = false, was_older = false;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	for (off_t n = st.st_size - 1; n >= 0; n -= step) {
		assert_int_equal(ftruncate(fd, n), 0);
		check_damaged(dir, &was_refused, &was_older);
	}
	assert_true(was_refused);
	close(fd);
}

static void a_cut_one_never_makes_another_journal(void **state)
{
	const int dir = open_dir(*state);

	write_journal(dir, 5);
	cut_all(dir, "journal", 97);
	unlinkat(dir, "journal", 0);
	unlinkat(dir, "log", 0);
	write_journal(dir, 5);
	cut_all(dir, "log", 1);
	close(dir);
}

static void the_slot_of_another_transfer_does_not_count(void **state)
{
	char *other_path = tempdir_path(*state, "other");
	uint8_t block[16384];
	struct journal_head head = the_head;
	struct journal_mark m = {.entries = 77};
	struct journal_mark got;
	struct journal *j;
	const char *why;

	assert_int_equal(mkdir(other_path, 0700), 0);
	const int dir = open_dir(*state), other = open_dir(other_path);
	write_journal(dir, 2);
	head.xfer.b[5] = 1;
	digest_init(&m.content, NULL);
	assert_int_equal(journal_create(file_port_system(), other, &head, &m, &j),
			 ERR_OK);
	journal_free(j);
	const int from = openat(other, "journal", O_RDONLY | O_CLOEXEC);
	const int to = openat(dir, "journal", O_WRONLY | O_CLOEXEC);
	for (off_t i = 1; i <= 2; i++) {
		const ssize_t n = pread(from, block, sizeof(block), i * 16384);
		assert_true(n > 0);
		assert_int_equal(pwrite(to, block, (size_t)n, i * 16384), n);
	}
	assert_int_equal(journal_open(file_port_system(), dir, &j, &head, &got, &why),
			 ERR_CORRUPT);
	assert_non_null(why);
	close(from);
	close(to);
	close(dir);
	close(other);
	mem_free(other_path);
}

static void no_journal_is_said_so(void **state)
{
	const int dir = open_dir(*state);
	struct journal_head head;
	struct journal_mark m;
	struct journal *j;
	const char *why;

	assert_int_equal(journal_open(file_port_system(), dir, &j, &head, &m, &why),
			 ERR_CORRUPT);
	assert_string_equal(why, "there is no journal");
	close(dir);
}

/* More than is kept in memory, and than is read at once. */
static void a_long_log_is_read_in_pieces(void **state)
{
	const int dir = open_dir(*state);
	struct journal_mark m = {.step = JOURNAL_RECEIVING};
	struct journal_head head;
	struct journal *j;
	const char *why;
	unsigned n = 0;
	char path[32];

	digest_init(&m.content, NULL);
	assert_int_equal(journal_create(file_port_system(), dir, &the_head, &m, &j),
			 ERR_OK);
	for (; m.entries < 60000; m.entries++) {
		const struct entry e = entry_no((unsigned)m.entries, path);
		assert_int_equal(journal_add(j, &e, "name"), ERR_OK);
	}
	assert_int_equal(journal_flush(j), ERR_OK);
	assert_int_equal(journal_commit(j, &m), ERR_OK);
	journal_free(j);
	assert_int_equal(journal_open(file_port_system(), dir, &j, &head, &m, &why),
			 ERR_OK);
	assert_int_equal(journal_replay(j, count_only, &n), ERR_OK);
	assert_int_equal(n, 60000);
	journal_free(j);
	close(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, tempdir_setup, tempdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_committed_is_read_again),
		TEST(a_flipped_bit_never_makes_another_journal),
		TEST(a_cut_one_never_makes_another_journal),
		TEST(the_slot_of_another_transfer_does_not_count),
		TEST(no_journal_is_said_so),
		TEST(a_long_log_is_read_in_pieces),
	};

	file_rig_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
