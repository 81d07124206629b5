/* What a sender may try, what somebody else on this disk may plant, and what changes while
 * it is read. */
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

#define WORK ".p2pmsg-abcd0000000000000000000000000000"

static void must(enum err e)
{
	if (e != ERR_OK)
		fail_msg("%s", err_name(e));
}

static struct entry file_of(const char *path, uint64_t size)
{
	return (struct entry){
		.path = slice_str(path), .has_size = true, .size = size, .mtime_ns = 1};
}

static struct entry folder_of(const char *path)
{
	return (struct entry){.path = slice_str(path), .kind = ENTRY_FOLDER};
}

static struct sink *sink_with(struct file_rig *r, const struct sink_config *cfg)
{
	struct mishap why = {.e = ERR_OK};
	struct sink *k;

	if (sink_new(cfg, &k, &why) != ERR_OK)
		fail_msg("%s", why.text);
	(void)r;
	return k;
}

static struct sink *sink_of(struct file_rig *r)
{
	const struct sink_config cfg = file_rig_sink(r);

	return sink_with(r, &cfg);
}

static void give(struct sink *k, const struct entry *e, const char *content)
{
	must(sink_entry(k, e));
	must(sink_bytes(k, slice_str(content)));
}

/* The folder beside the one that is received into, and all that is in it. */
struct outside {
	char *path, *before;
};

static struct outside outside_of(struct file_rig *r)
{
	struct outside o = {.path = r->from};
	char *path = tempdir_path(r->from, "precious");

	assert_int_equal(mkdir(path, 0755), 0);
	mem_free(path);
	path = tempdir_path(r->from, "precious/file");
	file_tree_file(path, 100, 1);
	mem_free(path);
	o.before = file_tree_list(r->from);
	return o;
}

static void check_untouched(struct outside *o)
{
	char *after = file_tree_list(o->path);

	assert_string_equal(o->before, after);
	mem_free(after);
	mem_free(o->before);
}

static void plant_link(struct file_rig *r, const char *name, const char *to)
{
	char *path = file_rig_path(r, name);

	unlink(path);
	rmdir(path);
	assert_int_equal(symlink(to, path), 0);
	mem_free(path);
}

static void F1_paths_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const paths[] = {
		"../x", "/etc/passwd", "a/../../x", "d/..",  "d/../../x",
		"d//x", ".",	       "",	    "d/./x", "x\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct file_rig r;
		const struct entry d = folder_of("d"), e = file_of(paths[i], 0);
		file_rig_init(&r, "x");
		struct outside o = outside_of(&r);
		struct sink *k = sink_of(&r);
		must(sink_entry(k, &d));
		assert_int_equal(sink_entry(k, &e), ERR_PROTO);
		assert_int_equal(sink_mishap(k)->code, CODE_PROTOCOL);
		must(sink_remove(k));
		assert_int_equal(tempdir_count(r.to), 0);
		check_untouched(&o);
		file_rig_wipe(&r);
	}
}

static void F1_names_that_become_one_are_kept_apart(void **state)
{
	static const char *const names[] = {
		"d/a", "d/a\xe2\x80\x8b", "d/a ", "d/\u200bA\u200b", "d/A", "d/a."};
	const struct entry d = folder_of("d"), folder = folder_of("d/a..");
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	struct sink *k = sink_of(&r);
	must(sink_entry(k, &d));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct entry e = file_of(names[i], 1);
		give(k, &e, "x");
	}
	must(sink_entry(k, &folder));
	const struct entry in = file_of("d/a../in", 0);
	must(sink_entry(k, &in));
	must(sink_end(k, 9, 6, NULL));
	must(sink_finish(k));
	must(sink_remove(k));
	static const char *const want[] = {"d/a",     "d/a (2)", "d/a (3)",   "d/A",
					   "d/A (2)", "d/a (4)", "d/a (5)/in"};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		char *path = file_rig_path(&r, want[i]);
		if (access(path, F_OK) != 0)
			fail_msg("%s is missing", want[i]);
		mem_free(path);
	}
	file_rig_wipe(&r);
}

static void F1_many_twins_cost_little(void **state)
{
	const struct entry d = folder_of("d");
	struct file_rig r;
	char path[4096];

	(void)state;
	file_rig_init(&r, "x");
	struct sink_config cfg = file_rig_sink(&r);
	cfg.max_entries = 5000;
	struct sink *k = sink_with(&r, &cfg);
	must(sink_entry(k, &d));
	const uint64_t before = r.to_port.count;
	for (unsigned i = 0; i < 1200; i++) {
		size_t n = (size_t)snprintf(path, sizeof(path), "d/a");
		for (unsigned j = 0; j <= i; j++)
			n += (size_t)snprintf(path + n, sizeof(path) - n, "\xe2\x80\x8b");
		const struct entry e = file_of(path, 0);
		must(sink_entry(k, &e));
	}
	assert_in_range(r.to_port.count - before, 1200, 1200 * 14);
	must(sink_remove(k));
	file_rig_wipe(&r);
}

static void F1_a_hidden_name_shows_itself(void **state)
{
	const struct entry d = folder_of(".ssh"), in = file_of(".ssh/.rc", 0);
	struct file_rig r;

	(void)state;
	for (int keeps = 0; keeps < 2; keeps++) {
		file_rig_init(&r, "x");
		struct sink_config cfg = file_rig_sink(&r);
		cfg.keeps_dots = keeps;
		struct sink *k = sink_with(&r, &cfg);
		must(sink_entry(k, &d));
		must(sink_entry(k, &in));
		must(sink_end(k, 2, 0, NULL));
		must(sink_finish(k));
		must(sink_remove(k));
		char *path = file_rig_path(&r, keeps ? "_ssh/.rc" : "_ssh/_rc");
		assert_int_equal(access(path, F_OK), 0);
		mem_free(path);
		file_rig_wipe(&r);
	}
}

/* A symlink, a hard link, a FIFO and a folder stand where the file should go. */
static void F2_what_stands_at_the_target_is_left_alone(void **state)
{
	static const enum sink_policy policies[] = {SINK_RENAME, SINK_SKIP, SINK_NEWER,
						    SINK_OVERWRITE};

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(policies) / sizeof(policies[0]); i++) {
		const struct entry e = file_of("name", 3);
		struct file_rig r;
		file_rig_init(&r, "x");
		struct outside o = outside_of(&r);
		char *target = file_rig_path(&r, "name");
		char *precious = tempdir_path(r.from, "precious/file");
		if (i / 4 == 0)
			assert_int_equal(symlink(precious, target), 0);
		if (i / 4 == 1)
			assert_int_equal(symlink(r.from, target), 0);
		if (i / 4 == 2)
			assert_int_equal(mkfifo(target, 0600), 0);
		if (i / 4 == 3)
			assert_int_equal(symlink("nowhere", target), 0);
		struct sink *k = sink_of(&r);
		sink_policy_set(k, policies[i % 4]);
		give(k, &e, "abc");
		must(sink_end(k, 1, 3, NULL));
		must(sink_finish(k));
		must(sink_remove(k));
		struct stat st;
		assert_int_equal(lstat(target, &st), 0);
		assert_false(S_ISREG(st.st_mode));
		assert_int_equal(tempdir_count(r.to),
				 policies[i % 4] == SINK_SKIP ? 1 : 2);
		check_untouched(&o);
		mem_free(precious);
		mem_free(target);
		file_rig_wipe(&r);
	}
}

static void F2_a_hard_link_is_replaced_not_written(void **state)
{
	const struct entry e = file_of("name", 3);
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	char *target = file_rig_path(&r, "name"), *precious = tempdir_path(r.from, "own");
	file_tree_file(precious, 100, 1);
	assert_int_equal(link(precious, target), 0);
	struct sink *k = sink_of(&r);
	sink_policy_set(k, SINK_OVERWRITE);
	give(k, &e, "abc");
	must(sink_end(k, 1, 3, NULL));
	must(sink_finish(k));
	must(sink_remove(k));
	struct stat st;
	assert_int_equal(stat(precious, &st), 0);
	assert_int_equal(st.st_size, 100);
	assert_int_equal(st.st_nlink, 1);
	mem_free(target);
	mem_free(precious);
	file_rig_wipe(&r);
}

/* The working folder's name is a symlink, or somebody's folder, before we come. */
static void F2_a_planted_working_folder_is_not_entered(void **state)
{
	const struct entry e = file_of("name", 3);
	struct entry_place place;
	struct file_rig r;
	struct sink *k;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct mishap why = {.e = ERR_OK};
		file_rig_init(&r, "x");
		struct outside o = outside_of(&r);
		const struct sink_config cfg = file_rig_sink(&r);
		char *path = file_rig_path(&r, WORK);
		if (kind == 0)
			plant_link(&r, WORK, r.from);
		else
			assert_int_equal(mkdir(path, 0755), 0);
		if (kind == 1)
			assert_int_equal(chmod(path, 0777), 0);
		assert_int_equal(sink_new(&cfg, &k, &why), ERR_EXISTS);
		assert_int_equal(sink_resume(&cfg, &k, &place, &why), ERR_PERM);
		r.answer = SINK_REMOVE;
		must(file_rig_go_on(&r) == ERR_PERM ? ERR_OK : ERR_BUG);
		assert_int_equal(r.n_found, 0);
		assert_int_equal(access(path, F_OK), 0);
		check_untouched(&o);
		mem_free(path);
		file_rig_wipe(&r);
	}
	(void)e;
}

/* Nothing that was planted gets a name of ours. */
static void check_no_link(struct file_rig *r, const char *name)
{
	char *path = file_rig_path(r, name);
	struct stat st;

	assert_true(lstat(path, &st) != 0 || S_ISDIR(st.st_mode));
	mem_free(path);
}

/* While it arrives, parts of the working folder become symlinks that lead out. */
static void F2_what_is_swapped_during_the_transfer_leads_nowhere(void **state)
{
	static const char *const swapped[] = {WORK, WORK "/tree", WORK "/tree/d",
					      WORK "/tree/d/s", WORK "/tree/d/s/f"};
	const struct entry d = folder_of("d"), s = folder_of("d/s"),
			   f = file_of("d/s/f", 6), g = file_of("d/s/g", 3),
			   h = file_of("d/precious", 3);

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(swapped) / sizeof(swapped[0]); i++) {
		struct entry_place place;
		struct file_rig r;
		file_rig_init(&r, "x");
		struct outside o = outside_of(&r);
		struct sink *k = sink_of(&r);
		must(sink_entry(k, &d));
		must(sink_entry(k, &s));
		give(k, &f, "abc");
		must(sink_durable(k, &place));
		char *path = file_rig_path(&r, swapped[i / 2]);
		char *aside = tempdir_path(r.dir, "aside");
		assert_int_equal(rename(path, aside), 0);
		assert_int_equal(symlink(r.from, path), 0);
		if (i % 2 == 1) {
			/* It goes on after a restart, or does not. */
			const struct sink_config cfg = file_rig_sink(&r);
			struct mishap why = {.e = ERR_OK};
			sink_free(k);
			const enum err e = sink_resume(&cfg, &k, &place, &why);
			assert_true(e == ERR_CORRUPT || e == ERR_PERM);
			assert_true(why.text[0] != '\0');
		} else {
			enum err e = sink_bytes(k, slice_str("def"));
			if (e == ERR_OK)
				e = sink_entry(k, &g);
			if (e == ERR_OK)
				e = sink_bytes(k, slice_str("ghi"));
			if (e == ERR_OK)
				e = sink_entry(k, &h);
			if (e == ERR_OK)
				e = sink_bytes(k, slice_str("jkl"));
			if (e == ERR_OK)
				e = sink_end(k, 5, 12, NULL);
			if (e == ERR_OK)
				e = sink_finish(k);
			sink_remove(k);
			check_no_link(&r, "d");
		}
		mem_free(path);
		mem_free(aside);
		check_untouched(&o);
		file_rig_wipe(&r);
	}
}

static void F2_the_directory_swapped_for_a_link_is_not_followed(void **state)
{
	const struct entry e = file_of("name", 6);
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	struct outside o = outside_of(&r);
	struct sink *k = sink_of(&r);
	give(k, &e, "abc");
	char *aside = tempdir_path(r.dir, "aside"), *name = mem_printf("%s/name", aside);
	assert_int_equal(rename(r.to, aside), 0);
	assert_int_equal(symlink(r.from, r.to), 0);
	must(sink_bytes(k, slice_str("def")));
	must(sink_end(k, 1, 6, NULL));
	must(sink_finish(k));
	must(sink_remove(k));
	/* It is in the directory that was opened, wherever that is now. */
	assert_int_equal(access(name, F_OK), 0);
	check_untouched(&o);
	mem_free(aside);
	mem_free(name);
	file_rig_wipe(&r);
}

/* The cap of each, and one more. */
static void F3_more_than_was_offered_is_refused(void **state)
{
	static const uint64_t sizes[] = {1025, 10ULL << 30, 1ULL << 63, UINT64_MAX};
	const struct entry whole = file_of("name", 1024), next = file_of("next", 1),
			   open = {.path = slice_str("open")};
	uint8_t bytes[1025] = {0};
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	struct sink_config cfg = file_rig_sink(&r);
	cfg.max_bytes = 1024;
	cfg.max_entries = 2;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct entry e = file_of("name", sizes[i]);
		struct sink *k = sink_with(&r, &cfg);
		assert_int_equal(sink_entry(k, &e), ERR_LIMIT);
		assert_int_equal(sink_mishap(k)->code, CODE_TOO_LARGE);
		must(sink_remove(k));
	}
	struct sink *k = sink_with(&r, &cfg);
	must(sink_entry(k, &whole));
	must(sink_bytes(k, slice_of(bytes, 1024)));
	assert_int_equal(sink_entry(k, &next), ERR_LIMIT);
	must(sink_remove(k));
	/* Of no said size: byte by byte. */
	k = sink_with(&r, &cfg);
	must(sink_entry(k, &open));
	must(sink_bytes(k, slice_of(bytes, 1024)));
	assert_int_equal(sink_bytes(k, slice_of(bytes, 1)), ERR_LIMIT);
	must(sink_remove(k));
	k = sink_with(&r, &cfg);
	must(sink_entry(k, &open));
	assert_int_equal(sink_hole(k, UINT64_MAX), ERR_LIMIT);
	must(sink_remove(k));
	/* Entries. */
	const struct entry a = folder_of("a"), b = folder_of("b"), c = folder_of("c");
	k = sink_with(&r, &cfg);
	must(sink_entry(k, &a));
	must(sink_entry(k, &b));
	assert_int_equal(sink_entry(k, &c), ERR_LIMIT);
	must(sink_remove(k));
	assert_int_equal(tempdir_count(r.to), 0);
	file_rig_wipe(&r);
}

static void F3_more_or_less_than_the_size_is_refused(void **state)
{
	const struct entry e = file_of("name", 3), next = file_of("next", 0);
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	struct sink *k = sink_of(&r);
	give(k, &e, "abc");
	assert_int_equal(sink_bytes(k, slice_str("d")), ERR_PROTO);
	assert_int_equal(sink_finish(k), ERR_PROTO);
	must(sink_remove(k));
	k = sink_of(&r);
	must(sink_entry(k, &e));
	assert_int_equal(sink_hole(k, 4), ERR_PROTO);
	must(sink_remove(k));
	k = sink_of(&r);
	give(k, &e, "ab");
	assert_int_equal(sink_entry(k, &next), ERR_PROTO);
	must(sink_remove(k));
	k = sink_of(&r);
	give(k, &e, "ab");
	assert_int_equal(sink_end(k, 1, 2, NULL), ERR_PROTO);
	must(sink_remove(k));
	k = sink_of(&r);
	assert_int_equal(sink_bytes(k, slice_str("a")), ERR_PROTO);
	must(sink_remove(k));
	assert_int_equal(tempdir_count(r.to), 0);
	file_rig_wipe(&r);
}

static void F3_an_end_with_other_totals_gives_no_name(void **state)
{
	static const struct {
		uint64_t entries, bytes;
	} wrong[] = {{0, 3}, {2, 3}, {1, 2}, {1, 4}, {UINT64_MAX, UINT64_MAX}};
	const struct entry e = file_of("name", 3);
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct sink *k = sink_of(&r);
		give(k, &e, "abc");
		assert_int_equal(sink_end(k, wrong[i].entries, wrong[i].bytes, NULL),
				 ERR_PROTO);
		assert_int_equal(sink_finish(k), ERR_PROTO);
		must(sink_remove(k));
		assert_int_equal(tempdir_count(r.to), 0);
	}
	/* And finishing without an end does neither. */
	struct sink *k = sink_of(&r);
	give(k, &e, "abc");
	assert_int_equal(sink_finish(k), ERR_USAGE);
	must(sink_remove(k));
	file_rig_wipe(&r);
}

/* Entries that do not lie in a folder that is open. */
static void F3_entries_out_of_their_place_are_refused(void **state)
{
	static const char *const paths[] = {"e/x", "d/f/x", "d/f", "dx/y", "d/s/t/u"};
	const struct entry d = folder_of("d"), s = folder_of("d/s"),
			   f = file_of("d/f", 0);

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const struct entry e = file_of(paths[i], 0);
		struct file_rig r;
		file_rig_init(&r, "x");
		struct sink *k = sink_of(&r);
		must(sink_entry(k, &d));
		must(sink_entry(k, &s));
		must(sink_entry(k, &f));
		/* d/f once more is the same file again; below it there is nothing. */
		assert_int_equal(sink_entry(k, &e),
				 strcmp(paths[i], "d/f") == 0 ? ERR_OK : ERR_PROTO);
		must(sink_remove(k));
		file_rig_wipe(&r);
	}
}

static void F3_every_size_arrives(void **state)
{
	static const int64_t sizes[] = {0,     1,     4095,   4096,    4097,	65517,
					65518, 65519, 131036, 1 << 20, 5000000, 8388609};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct file_rig r;
		file_rig_init(&r, "file");
		file_tree_file(r.path, (size_t)sizes[i], i + 1);
		r.room = 65518;
		r.has_digest = i % 2;
		r.every = i % 3 == 0 ? 100000 : UINT64_MAX;
		must(file_rig_send(&r));
		file_rig_check(&r, "file");
		file_rig_wipe(&r);
	}
}

static void F3_holes_stay_holes(void **state)
{
	const int64_t large = 1LL << 36;
	struct file_rig r;
	struct stat st;

	(void)state;
	file_rig_init(&r, "file");
	const int fd = open(r.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(pwrite(fd, "middle", 6, 20000000), 6);
	assert_int_equal(ftruncate(fd, large), 0);
	close(fd);
	struct source_config from = file_rig_source(&r);
	struct sink_config to = file_rig_sink(&r);
	struct mishap why = {.e = ERR_OK};
	struct source *s;
	to.max_bytes = (uint64_t)large;
	must(source_new(&from, &s, &why));
	struct sink *k = sink_with(&r, &to);
	must(file_rig_pump(&r, s, k));
	source_free(s);
	must(sink_remove(k));
	char *path = file_rig_path(&r, "file");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size == large);
	assert_true(st.st_blocks * 512 < 100000);
	char bytes[7] = "";
	const int got = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(got, bytes, 6, 20000000), 6);
	assert_string_equal(bytes, "middle");
	close(got);
	mem_free(path);
	file_rig_wipe(&r);
}

/* Room was set aside for what turns out to be a hole: it is given back, and reads as zeros. */
static void F3_a_hole_behind_much_data(void **state)
{
	static uint8_t data[10 << 20];
	const struct entry e = file_of("file", 40 << 20);
	struct file_rig r;
	struct stat st;

	(void)state;
	file_rig_init(&r, "x");
	memset(data, 'x', sizeof(data));
	struct sink *k = sink_of(&r);
	must(sink_entry(k, &e));
	for (size_t at = 0; at < sizeof(data); at += 1 << 20)
		must(sink_bytes(k, slice_of(data + at, 1 << 20)));
	must(sink_hole(k, 20 << 20));
	must(sink_bytes(k, slice_str("y")));
	must(sink_hole(k, (10 << 20) - 1));
	must(sink_end(k, 1, 40 << 20, NULL));
	must(sink_finish(k));
	must(sink_remove(k));
	char *path = file_rig_path(&r, "file"), *bytes = tempdir_read(path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 40 << 20);
	assert_in_range(st.st_blocks * 512, 10 << 20, 11 << 20);
	assert_memory_equal(bytes, data, sizeof(data));
	assert_int_equal(bytes[sizeof(data)], 0);
	assert_int_equal(bytes[(30 << 20) - 1], 0);
	assert_int_equal(bytes[30 << 20], 'y');
	assert_int_equal(bytes[(40 << 20) - 1], 0);
	mem_free(path);
	mem_free(bytes);
	file_rig_wipe(&r);
}

/* What may happen to a file while it is read. */
typedef void spoil_fn(const char *path);

static void spoil_content(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "!", 1, 10), 1);
	close(fd);
}

static void spoil_longer(const char *path)
{
	const int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, "!", 1), 1);
	close(fd);
}

static void spoil_shorter(const char *path)
{
	assert_int_equal(truncate(path, 6000), 0);
}

static void spoil_time(const char *path)
{
	assert_int_equal(utimensat(AT_FDCWD, path, NULL, 0), 0);
}

static void spoil_inode(const char *path)
{
	char *other = mem_printf("%s.new", path);

	file_tree_file(other, 10000, 77);
	assert_int_equal(rename(other, path), 0);
	mem_free(other);
}

static spoil_fn *const spoils[] = {spoil_content, spoil_longer, spoil_shorter, spoil_time,
				   spoil_inode};

/* Pumps; spoils the file after its first bytes, `times` times. */
static enum err pump_and_spoil(struct file_rig *r, const char *path, spoil_fn *spoil,
			       unsigned times)
{
	struct source_config from = file_rig_source(r);
	struct sink_config to = file_rig_sink(r);
	uint8_t buf[4096];
	struct source_out out = {.what = SOURCE_ENTRY};
	struct source *s;
	bool is_first = false;
	enum err e = ERR_OK;

	from.has_digest = to.has_digest = true;
	must(source_new(&from, &s, &r->why));
	struct sink *k = sink_with(r, &to);
	while (out.what != SOURCE_END && e == ERR_OK) {
		e = source_next(s, buf, sizeof(buf), &out);
		if (e != ERR_OK)
			break;
		is_first = is_first || out.what == SOURCE_ENTRY;
		r->n_again += out.what == SOURCE_ENTRY && out.is_again;
		if (out.what == SOURCE_ENTRY)
			must(sink_entry(k, &out.entry));
		if (out.what == SOURCE_HOLE)
			must(sink_hole(k, out.hole));
		if (out.what == SOURCE_BYTES)
			must(sink_bytes(k, slice_of(buf, out.n)));
		if (out.what == SOURCE_BYTES && is_first && times > 0) {
			is_first = false;
			times--;
			spoil(path);
		}
	}
	r->why = *source_mishap(s);
	source_free(s);
	if (e == ERR_OK) {
		must(sink_end(k, out.entries, out.bytes, out.digest));
		must(sink_finish(k));
	}
	must(sink_remove(k));
	return e;
}

static void F4_a_file_that_changes_gets_no_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		struct file_rig r;
		file_rig_init(&r, "file");
		file_tree_file(r.path, 10000, 3);
		assert_int_equal(pump_and_spoil(&r, r.path, spoils[i], 1), ERR_IN_USE);
		assert_int_equal(r.why.code, CODE_CHANGED);
		assert_non_null(strstr(r.why.text, "file: it was changed while"));
		assert_int_equal(tempdir_count(r.to), 0);
		file_rig_wipe(&r);
	}
}

static void F4_in_a_folder_it_is_sent_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		for (unsigned times = 1; times <= 4; times++) {
			struct file_rig r;
			file_rig_init(&r, "dir");
			assert_int_equal(mkdir(r.path, 0755), 0);
			char *path = tempdir_path(r.path, "file");
			file_tree_file(path, 10000, 3);
			const enum err e = pump_and_spoil(&r, path, spoils[i], times);
			/* Cut once, it is as short as it gets: only its time changes. */
			assert_int_equal(e, times <= 3 ? ERR_OK : ERR_IN_USE);
			assert_int_equal(r.n_again, times <= 3 ? times : 3);
			if (times > 3) {
				assert_non_null(
					strstr(r.why.text, "changes all the time"));
				assert_int_equal(tempdir_count(r.to), 0);
			} else {
				char *got = file_rig_path(&r, "dir/file");
				char *a = tempdir_read(path), *b = tempdir_read(got);
				struct stat x, y;
				assert_int_equal(stat(path, &x) | stat(got, &y), 0);
				assert_int_equal(x.st_size, y.st_size);
				assert_memory_equal(a, b, (size_t)x.st_size);
				mem_free(a);
				mem_free(b);
				mem_free(got);
			}
			mem_free(path);
			file_rig_wipe(&r);
		}
	}
}

static void spoil_gone(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void F4_a_file_that_is_gone_is_said_so(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "dir");
	assert_int_equal(mkdir(r.path, 0755), 0);
	char *path = tempdir_path(r.path, "file");
	file_tree_file(path, 10000, 3);
	assert_int_equal(pump_and_spoil(&r, path, spoil_gone, 1), ERR_IN_USE);
	assert_int_equal(r.why.code, CODE_CHANGED);
	assert_int_equal(tempdir_count(r.to), 0);
	mem_free(path);
	file_rig_wipe(&r);
}

/* Changed between a break and going on: it is offered anew, not patched together. */
static void F4_changed_while_the_line_was_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		struct entry_place place;
		struct mishap why = {.e = ERR_OK};
		struct source_out out;
		struct file_rig r;
		struct source *s;
		uint8_t buf[4096];
		file_rig_init(&r, "file");
		file_tree_file(r.path, 10000, 3);
		const struct source_config cfg = file_rig_source(&r);
		must(source_new(&cfg, &s, &why));
		struct sink *k = sink_of(&r);
		must(source_next(s, buf, sizeof(buf), &out));
		must(sink_entry(k, &out.entry));
		must(source_next(s, buf, sizeof(buf), &out));
		must(sink_bytes(k, slice_of(buf, out.n)));
		must(sink_durable(k, &place));
		assert_int_equal(place.bytes, 4096);
		source_free(s);
		sink_free(k);
		/* Unchanged it goes on, and reads only what is missing. */
		must(source_new(&cfg, &s, &why));
		const uint64_t read_before = r.from_port.n_reads;
		must(source_seek(s, &place));
		do
			must(source_next(s, buf, sizeof(buf), &out));
		while (out.what != SOURCE_END);
		assert_int_equal(out.bytes, 10000);
		assert_int_equal(r.from_port.n_reads - read_before, 10000 - 4096);
		source_free(s);
		spoils[i](r.path);
		must(source_new(&cfg, &s, &why));
		assert_int_equal(source_seek(s, &place), ERR_IN_USE);
		assert_int_equal(source_mishap(s)->code, CODE_CHANGED);
		source_free(s);
		file_rig_wipe(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(F1_paths_that_lead_elsewhere_are_refused),
		cmocka_unit_test(F1_names_that_become_one_are_kept_apart),
		cmocka_unit_test(F1_many_twins_cost_little),
		cmocka_unit_test(F1_a_hidden_name_shows_itself),
		cmocka_unit_test(F2_what_stands_at_the_target_is_left_alone),
		cmocka_unit_test(F2_a_hard_link_is_replaced_not_written),
		cmocka_unit_test(F2_a_planted_working_folder_is_not_entered),
		cmocka_unit_test(F2_what_is_swapped_during_the_transfer_leads_nowhere),
		cmocka_unit_test(F2_the_directory_swapped_for_a_link_is_not_followed),
		cmocka_unit_test(F3_more_than_was_offered_is_refused),
		cmocka_unit_test(F3_more_or_less_than_the_size_is_refused),
		cmocka_unit_test(F3_an_end_with_other_totals_gives_no_name),
		cmocka_unit_test(F3_entries_out_of_their_place_are_refused),
		cmocka_unit_test(F3_every_size_arrives),
		cmocka_unit_test(F3_holes_stay_holes),
		cmocka_unit_test(F3_a_hole_behind_much_data),
		cmocka_unit_test(F4_a_file_that_changes_gets_no_name),
		cmocka_unit_test(F4_in_a_folder_it_is_sent_again),
		cmocka_unit_test(F4_a_file_that_is_gone_is_said_so),
		cmocka_unit_test(F4_changed_while_the_line_was_down),
	};

	file_rig_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
