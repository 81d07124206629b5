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
#include "lib/file_rig.h"
#include "lib/file_tree.h"
#include "lib/tempdir.h"

/* Everything the source gives out, as lines; BYTES only counted. */
static char *walk_all(struct source *s, enum err *e_out)
{
	static uint8_t buf[100000];
	struct source_out out = {.what = SOURCE_ENTRY};
	char *text = mem_strdup(""), *more;
	uint64_t n = 0;

	while ((*e_out = source_next(s, buf, sizeof(buf), &out)) == ERR_OK ||
	       *e_out == ERR_WAIT) {
		if (*e_out == ERR_WAIT)
			continue;
		n += out.what == SOURCE_BYTES ? out.n : 0;
		more = text;
		if (out.what == SOURCE_ENTRY)
			more = mem_printf("%s%.*s%s%s\n", text, (int)out.entry.path.n,
					  (const char *)out.entry.path.p,
					  out.entry.kind == ENTRY_FOLDER ? "/" : "",
					  out.is_again ? " again" : "");
		if (out.what == SOURCE_HOLE)
			more = mem_printf("%shole %ju\n", text, (uintmax_t)out.hole);
		if (out.what == SOURCE_END)
			more = mem_printf("%send %ju %ju, read %ju\n", text,
					  (uintmax_t)out.entries, (uintmax_t)out.bytes,
					  (uintmax_t)n);
		if (more != text)
			mem_free(text);
		text = more;
		if (out.what == SOURCE_END)
			break;
	}
	return text;
}

static void check_walk_of(const struct source_config *cfg, const char *want)
{
	struct mishap why = {.e = ERR_OK};
	struct source *s;
	enum err e;

	assert_int_equal(source_new(cfg, &s, &why), ERR_OK);
	char *text = walk_all(s, &e);
	if (e != ERR_OK)
		fail_msg("%s: %s", err_name(e), source_mishap(s)->text);
	assert_string_equal(text, want);
	mem_free(text);
	source_free(s);
}

static void put(struct file_rig *r, const char *name, const char *content)
{
	char *path = tempdir_path(r->path, name);

	if (content == NULL)
		assert_int_equal(mkdir(path, 0755), 0);
	else
		tempdir_write(path, slice_str(content));
	mem_free(path);
}

static void folders_come_first_and_names_by_their_bytes(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	put(&r, "b", NULL);
	put(&r, "b/z", "1");
	put(&r, "b.x", "22");
	put(&r, "B", "333");
	put(&r, "\xc3\xa4", "");
	put(&r, "b/empty", NULL);
	const struct source_config cfg = file_rig_source(&r);
	check_walk_of(&cfg, "top/\ntop/B\ntop/b/\ntop/b/empty/\ntop/b/z\ntop/b.x\n"
			    "top/\xc3\xa4\nend 7 6, read 6\n");
	file_rig_wipe(&r);
}

static void what_is_no_file_is_told_and_not_sent(void **state)
{
	struct file_rig r;
	char *path;

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	put(&r, "file", "1");
	path = tempdir_path(r.path, "link");
	assert_int_equal(symlink("/etc/passwd", path), 0);
	mem_free(path);
	path = tempdir_path(r.path, "dirlink");
	assert_int_equal(symlink("/etc", path), 0);
	mem_free(path);
	path = tempdir_path(r.path, "fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	mem_free(path);
	const struct source_config cfg = file_rig_source(&r);
	check_walk_of(&cfg, "top/\ntop/file\nend 2 1, read 1\n");
	assert_int_equal(r.n_skipped, 3);
	assert_int_equal(r.skip_why[0], SOURCE_SKIP_SYMLINK);
	assert_int_equal(r.skip_why[1], SOURCE_SKIP_SPECIAL);
	assert_int_equal(r.skip_why[2], SOURCE_SKIP_SYMLINK);
	file_rig_wipe(&r);
}

static void a_link_that_was_named_is_refused(void **state)
{
	struct mishap why = {.e = ERR_OK};
	struct file_rig r;
	struct source *s;

	(void)state;
	file_rig_init(&r, "link");
	assert_int_equal(symlink("/etc", r.path), 0);
	struct source_config cfg = file_rig_source(&r);
	assert_int_equal(source_new(&cfg, &s, &why), ERR_USAGE);
	assert_non_null(strstr(why.text, "link"));
	/* With a slash behind it the kernel would follow. */
	const char *slashed[] = {mem_printf("%s/", r.path)};
	cfg.paths = slashed;
	why = (struct mishap){.e = ERR_OK};
	assert_int_equal(source_new(&cfg, &s, &why), ERR_OK);
	enum err e;
	char *text = walk_all(s, &e);
	assert_int_equal(e, ERR_USAGE);
	assert_string_equal(text, "");
	mem_free(text);
	source_free(s);
	mem_free((void *)(uintptr_t)slashed[0]);
	unlink(r.path);
	cfg.paths = r.paths;
	why = (struct mishap){.e = ERR_OK};
	assert_int_equal(source_new(&cfg, &s, &why), ERR_MISSING);
	assert_int_equal(why.code, CODE_NOT_FOUND);
	file_rig_wipe(&r);
}

static void bad_names_never_give_the_same_path_twice(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	put(&r, "\xef\xbf\xbd", "1");
	put(&r, "\xfe", "22");
	put(&r, "\xff", "333");
	const struct source_config cfg = file_rig_source(&r);
	check_walk_of(&cfg, "top/\ntop/\xef\xbf\xbd\ntop/\xef\xbf\xbd\xef\xbf\xbd\n"
			    "top/\xef\xbf\xbd\nend 4 6, read 6\n");
	assert_int_equal(r.n_skipped, 2);
	assert_int_equal(r.skip_why[0], SOURCE_SKIP_RENAMED);
	file_rig_wipe(&r);
}

static void several_paths_get_names_of_their_own(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	put(&r, "x", NULL);
	put(&r, "x/a.txt", "1");
	put(&r, "y", NULL);
	put(&r, "y/a.txt", "22");
	char *one = tempdir_path(r.path, "x/a.txt"),
	     *two = tempdir_path(r.path, "y/a.txt"), *three = tempdir_path(r.path, "y//");
	const char *paths[] = {one, two, three};
	struct source_config cfg = file_rig_source(&r);
	cfg.paths = paths;
	cfg.n_paths = 3;
	check_walk_of(&cfg, "a.txt\na (2).txt\ny/\ny/a.txt\nend 4 5, read 5\n");
	mem_free(one);
	mem_free(two);
	mem_free(three);
	file_rig_wipe(&r);
}

static void dot_has_the_name_of_its_folder(void **state)
{
	struct file_rig r;
	const char *paths[] = {"."};

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	struct source_config cfg = file_rig_source(&r);
	cfg.paths = paths;
	cfg.dir = open(r.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_walk_of(&cfg, "top/\nend 1 0, read 0\n");
	close(cfg.dir);
	file_rig_wipe(&r);
}

static void holes_are_not_read(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "sparse");
	const int fd = open(r.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_int_equal(pwrite(fd, "y", 1, 1 << 20), 1);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	close(fd);
	const struct source_config cfg = file_rig_source(&r);
	check_walk_of(&cfg, "sparse\nhole 1044480\nhole 1099510575104\n"
			    "end 1 1099511627776, read 8192\n");
	assert_int_equal(r.from_port.n_reads, 8192);
	file_rig_wipe(&r);
}

static void what_is_ignored_is_left_out(void **state)
{
	static const char *const excludes[] = {"*.tmp", "/top.log"};
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	put(&r, ".gitignore", "*.o\nbuild/\n");
	put(&r, ".git", NULL);
	put(&r, "a.o", "x");
	put(&r, "a.tmp", "x");
	put(&r, "top.log", "x");
	put(&r, "build", NULL);
	put(&r, "build/x", "x");
	put(&r, "sub", NULL);
	put(&r, "sub/.gitignore", "!keep.o\n");
	put(&r, "sub/keep.o", "x");
	put(&r, "sub/other.o", "x");
	put(&r, "sub/top.log", "x");
	struct source_config cfg = file_rig_source(&r);
	cfg.excludes = excludes;
	cfg.n_excludes = 2;
	cfg.has_gitignore = true;
	check_walk_of(&cfg, "top/\ntop/.gitignore\ntop/sub/\ntop/sub/.gitignore\n"
			    "top/sub/keep.o\ntop/sub/top.log\nend 6 21, read 21\n");
	struct source_totals t;
	struct mishap why = {.e = ERR_OK};
	assert_int_equal(source_count(&cfg, &t, &why), ERR_OK);
	assert_int_equal(t.entries, 6);
	assert_int_equal(t.bytes, 21);
	file_rig_wipe(&r);
}

static void what_lies_too_deep_is_told(void **state)
{
	struct file_rig r;
	char *path;

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	path = mem_strdup(r.path);
	for (int i = 0; i < 64; i++) {
		char *next = tempdir_path(path, "d");
		assert_int_equal(mkdir(next, 0755), 0);
		mem_free(path);
		path = next;
	}
	mem_free(path);
	struct source_config cfg = file_rig_source(&r);
	struct source_totals t;
	struct mishap why = {.e = ERR_OK};
	assert_int_equal(source_count(&cfg, &t, &why), ERR_OK);
	assert_int_equal(t.entries, 64);
	assert_int_equal(r.n_skipped, 1);
	assert_int_equal(r.skip_why[0], SOURCE_SKIP_TOO_DEEP);
	file_rig_wipe(&r);
}

static void a_walk_can_be_stopped(void **state)
{
	struct file_rig r;
	struct source_totals t;
	struct mishap why = {.e = ERR_OK};
	atomic_bool is_stopped = true;

	(void)state;
	file_rig_init(&r, "top");
	file_tree_make(r.path);
	struct source_config cfg = file_rig_source(&r);
	cfg.is_stopped = &is_stopped;
	assert_int_equal(source_count(&cfg, &t, &why), ERR_TIMEOUT);
	atomic_store(&is_stopped, false);
	assert_int_equal(source_count(&cfg, &t, &why), ERR_OK);
	assert_int_equal(t.entries, FILE_TREE_ENTRIES);
	file_rig_wipe(&r);
}

static void a_stream_is_read_to_its_end(void **state)
{
	struct file_rig r;
	int pipe_fds[2];

	(void)state;
	file_rig_init(&r, "x");
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "hello", 5), 5);
	close(pipe_fds[1]);
	struct source_config cfg = file_rig_source(&r);
	cfg.n_paths = 0;
	cfg.stream = pipe_fds[0];
	cfg.stream_name = "stdin";
	check_walk_of(&cfg, "stdin\nend 1 5, read 5\n");
	close(pipe_fds[0]);
	file_rig_wipe(&r);
}

static void a_silent_stream_says_so(void **state)
{
	struct mishap why = {.e = ERR_OK};
	struct source_out out;
	struct file_rig r;
	struct source *s;
	uint8_t buf[10];
	int pipe_fds[2];

	(void)state;
	file_rig_init(&r, "x");
	assert_int_equal(pipe(pipe_fds), 0);
	struct source_config cfg = file_rig_source(&r);
	cfg.n_paths = 0;
	cfg.stream = pipe_fds[0];
	cfg.stream_name = "stdin";
	assert_int_equal(source_new(&cfg, &s, &why), ERR_OK);
	assert_int_equal(source_next(s, buf, sizeof(buf), &out), ERR_OK);
	assert_int_equal(source_next(s, buf, sizeof(buf), &out), ERR_WAIT);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(source_next(s, buf, sizeof(buf), &out), ERR_OK);
	assert_int_equal(out.n, 1);
	source_free(s);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	file_rig_wipe(&r);
}

/* The metadata digest by itself, so that a change of its form is seen. */
static void the_digest_of_metadata_is_that_of_the_protocol(void **state)
{
	const struct entry e = {.path = slice_str("a/b"),
				.kind = ENTRY_FILE,
				.has_size = true,
				.size = 0x0102,
				.mtime_ns = -2,
				.mode = ENTRY_MODE_X};
	static const uint8_t bytes[] = {0,    3,    'a',  '/',	'b',  0,    0,	  0,
					0,    0,    0,	  0,	1,    2,    0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 1};
	uint8_t got[DIGEST_BYTES], want[DIGEST_BYTES];
	struct digest d;

	(void)state;
	entry_digest_init(&d);
	entry_digest_add(&d, &e);
	digest_get(&d, got);
	digest_init(&d, "p2pmsg-filemd-v1");
	digest_add(&d, slice_of(bytes, sizeof(bytes)));
	digest_get(&d, want);
	assert_memory_equal(got, want, sizeof(got));
}

/* To every place of a folder: what follows is what followed. */
static void it_goes_to_every_place_without_reading(void **state)
{
	static const uint64_t entries[] = {0, 1, 4, 5, 8, 13, 14};
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "top");
	file_tree_make(r.path);
	for (size_t i = 0; i < 2 * sizeof(entries) / sizeof(entries[0]); i++) {
		const uint64_t to = entries[i / 2];
		struct source_config cfg = file_rig_source(&r);
		struct mishap why = {.e = ERR_OK};
		struct entry_place place = {.entries = to};
		struct source_out out;
		struct digest d;
		struct source *s, *t;
		uint8_t buf[512];
		cfg.has_digest = i % 2 == 1;
		entry_digest_init(&d);
		assert_int_equal(source_new(&cfg, &s, &why), ERR_OK);
		assert_int_equal(source_new(&cfg, &t, &why), ERR_OK);
		uint64_t seen = 0;
		while (seen <= to) {
			assert_int_equal(source_next(s, buf, sizeof(buf), &out), ERR_OK);
			if (out.what == SOURCE_ENTRY && ++seen <= to)
				entry_digest_add(&d, &out.entry);
			if (out.what == SOURCE_END)
				break;
		}
		digest_get(&d, place.digest);
		file_fault_init(&r.from_port, FILE_FAULT_NONE, 0);
		assert_int_equal(source_seek(t, &place), ERR_OK);
		assert_true(r.from_port.n_reads == 0 || cfg.has_digest);
		/* From here both give the same, to the digest of all. */
		if (out.what == SOURCE_ENTRY) {
			struct source_out first;
			assert_int_equal(source_next(t, buf, sizeof(buf), &first),
					 ERR_OK);
			assert_int_equal(first.what, SOURCE_ENTRY);
			assert_true(slice_eq(first.entry.path, out.entry.path));
		}
		do {
			uint8_t other[512];
			struct source_out b;
			assert_int_equal(source_next(s, buf, sizeof(buf), &out), ERR_OK);
			assert_int_equal(source_next(t, other, sizeof(other), &b),
					 ERR_OK);
			assert_int_equal(out.what, b.what);
			assert_int_equal(out.n, b.n);
			assert_memory_equal(buf, other, out.n);
			assert_int_equal(out.entries, b.entries);
			assert_int_equal(out.bytes, b.bytes);
			assert_memory_equal(out.digest, b.digest, sizeof(b.digest));
		} while (out.what != SOURCE_END);
		source_free(s);
		source_free(t);
	}
	file_rig_wipe(&r);
}

/* Into a file with a hole: what is left, and the digest of all, are the same. */
static void it_goes_into_a_file_at_any_byte(void **state)
{
	static const uint64_t at[] = {1, 5, 4095, 4096, 100000, 299999, 300001, 700000};
	const uint64_t whole = 700000;
	uint8_t want[DIGEST_BYTES] = {0};
	struct file_rig r;
	struct stat st;

	(void)state;
	file_rig_init(&r, "sparse");
	const int fd = open(r.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(pwrite(fd, "end", 3, 300000), 3);
	assert_int_equal(ftruncate(fd, (off_t)whole), 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	for (size_t i = 0; i < 2 * sizeof(at) / sizeof(at[0]); i++) {
		struct source_config cfg = file_rig_source(&r);
		struct mishap why = {.e = ERR_OK};
		struct entry_place place = {.bytes = at[i / 2]};
		const struct entry e = {.path = slice_str("sparse"),
					.has_size = true,
					.size = whole,
					.mtime_ns =
						(int64_t)st.st_mtim.tv_sec * 1000000000 +
						st.st_mtim.tv_nsec};
		struct source_out out;
		struct source *s;
		struct digest d;
		uint8_t buf[4000];
		uint64_t left = 0;
		cfg.has_digest = i % 2 == 0;
		entry_digest_init(&d);
		entry_digest_add(&d, &e);
		digest_get(&d, place.digest);
		assert_int_equal(source_new(&cfg, &s, &why), ERR_OK);
		assert_int_equal(source_seek(s, &place), ERR_OK);
		assert_int_equal(source_next(s, buf, sizeof(buf), &out), ERR_OK);
		assert_int_equal(out.what, SOURCE_ENTRY);
		assert_false(out.is_again);
		assert_int_equal(out.entry.size, whole);
		while (source_next(s, buf, sizeof(buf), &out) == ERR_OK &&
		       out.what != SOURCE_END) {
			assert_int_not_equal(out.what, SOURCE_ENTRY);
			left += out.n + out.hole;
		}
		assert_int_equal(out.what, SOURCE_END);
		assert_int_equal(left, whole - at[i / 2]);
		assert_int_equal(out.bytes, whole);
		assert_int_equal(out.entries, 1);
		if (i == 0)
			memcpy(want, out.digest, sizeof(want));
		if (cfg.has_digest)
			assert_memory_equal(out.digest, want, sizeof(want));
		source_free(s);
		place.bytes = whole + 1;
		assert_int_equal(source_new(&cfg, &s, &why), ERR_OK);
		assert_int_equal(source_seek(s, &place), ERR_IN_USE);
		source_free(s);
	}
	file_rig_wipe(&r);
}

static void a_place_in_another_tree_is_refused(void **state)
{
	struct mishap why = {.e = ERR_OK};
	struct entry_place place = {.entries = 3};
	struct file_rig r;
	struct source *s;

	(void)state;
	file_rig_init(&r, "top");
	file_tree_make(r.path);
	const struct source_config cfg = file_rig_source(&r);
	for (place.entries = 3; place.entries < 100; place.entries += 90) {
		assert_int_equal(source_new(&cfg, &s, &why), ERR_OK);
		assert_int_equal(source_seek(s, &place), ERR_IN_USE);
		assert_int_equal(source_mishap(s)->code, CODE_CHANGED);
		source_free(s);
	}
	file_rig_wipe(&r);
}

/* The order of a million names, without a million names: of a thousand. */
static void many_names_are_sorted(void **state)
{
	struct file_rig r;
	struct mishap why = {.e = ERR_OK};
	struct source_out out;
	struct source *s;
	char last[64] = "";
	uint8_t buf[16];
	unsigned n = 0;

	(void)state;
	file_rig_init(&r, "top");
	put(&r, "", NULL);
	for (unsigned i = 0; i < 2000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%x", i * 2654435761u);
		put(&r, name, "");
	}
	const struct source_config cfg = file_rig_source(&r);
	assert_int_equal(source_new(&cfg, &s, &why), ERR_OK);
	do {
		assert_int_equal(source_next(s, buf, sizeof(buf), &out), ERR_OK);
		if (out.what != SOURCE_ENTRY)
			break;
		char name[64];
		snprintf(name, sizeof(name), "%.*s", (int)out.entry.path.n,
			 (const char *)out.entry.path.p);
		assert_true(strcmp(last, name) < 0);
		memcpy(last, name, sizeof(last));
	} while (++n < 5000);
	assert_int_equal(n, 2001);
	source_free(s);
	file_rig_wipe(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_come_first_and_names_by_their_bytes),
		cmocka_unit_test(what_is_no_file_is_told_and_not_sent),
		cmocka_unit_test(a_link_that_was_named_is_refused),
		cmocka_unit_test(bad_names_never_give_the_same_path_twice),
		cmocka_unit_test(several_paths_get_names_of_their_own),
		cmocka_unit_test(dot_has_the_name_of_its_folder),
		cmocka_unit_test(holes_are_not_read),
		cmocka_unit_test(what_is_ignored_is_left_out),
		cmocka_unit_test(what_lies_too_deep_is_told),
		cmocka_unit_test(a_walk_can_be_stopped),
		cmocka_unit_test(a_stream_is_read_to_its_end),
		cmocka_unit_test(a_silent_stream_says_so),
		cmocka_unit_test(the_digest_of_metadata_is_that_of_the_protocol),
		cmocka_unit_test(it_goes_to_every_place_without_reading),
		cmocka_unit_test(it_goes_into_a_file_at_any_byte),
		cmocka_unit_test(a_place_in_another_tree_is_refused),
		cmocka_unit_test(many_names_are_sorted),
	};

	file_rig_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
