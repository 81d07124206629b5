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
#include "files/beneath.h"
#include "lib/file_rig.h"
#include "lib/file_tree.h"
#include "lib/tempdir.h"

static struct sink *sink_of(struct file_rig *r)
{
	const struct sink_config cfg = file_rig_sink(r);
	struct mishap why = {.e = ERR_OK};
	struct sink *k;

	if (sink_new(&cfg, &k, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return k;
}

static struct entry file_of(const char *path, uint64_t size)
{
	return (struct entry){.path = slice_str(path),
			      .has_size = true,
			      .size = size,
			      .mtime_ns = 1000000001};
}

static struct entry folder_of(const char *path)
{
	return (struct entry){
		.path = slice_str(path), .kind = ENTRY_FOLDER, .mtime_ns = 5};
}

static void must(enum err e)
{
	if (e != ERR_OK)
		fail_msg("%s", err_name(e));
}

static void give(struct sink *k, const struct entry *e, const char *content)
{
	must(sink_entry(k, e));
	must(sink_bytes(k, slice_str(content)));
}

static void check_content(struct file_rig *r, const char *name, const char *want)
{
	char *path = file_rig_path(r, name), *text = tempdir_read(path);

	assert_string_equal(text, want);
	mem_free(path);
	mem_free(text);
}

static mode_t mode_of(struct file_rig *r, const char *name)
{
	char *path = file_rig_path(r, name);
	struct stat st;

	if (lstat(path, &st) != 0)
		fail_msg("%s is not there", path);
	mem_free(path);
	return st.st_mode & 07777;
}

/* One file "name" with this content. */
static enum err receive_file(struct file_rig *r, struct sink *k, const char *content)
{
	const struct entry e = file_of("name", strlen(content));

	(void)r;
	give(k, &e, content);
	must(sink_end(k, 1, strlen(content), NULL));
	return sink_finish(k);
}

static void partial_files_are_nobody_elses(void **state)
{
	const struct entry e = {.path = slice_str("run"),
				.has_size = true,
				.size = 2,
				.mode = ENTRY_MODE_X,
				.mtime_ns = -1500000000};
	struct file_rig r;
	struct stat st;
	char *path;

	(void)state;
	file_rig_init(&r, "x");
	struct sink *k = sink_of(&r);
	give(k, &e, "x");
	assert_int_equal(mode_of(&r, ".p2pmsg-abcd0000000000000000000000000000"), 0700);
	assert_int_equal(mode_of(&r, ".p2pmsg-abcd0000000000000000000000000000/tree/run"),
			 0600);
	must(sink_bytes(k, slice_str("y")));
	must(sink_end(k, 1, 2, NULL));
	must(sink_finish(k));
	must(sink_remove(k));
	assert_int_equal(mode_of(&r, "run"), 0755);
	path = file_rig_path(&r, "run");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, -2);
	assert_int_equal(st.st_mtim.tv_nsec, 500000000);
	mem_free(path);
	assert_int_equal(tempdir_count(r.to), 1);
	file_rig_wipe(&r);
}

static void the_x_bit_is_only_kept_when_allowed(void **state)
{
	const struct entry e = {.path = slice_str("run"), .has_size = true, .mode = 0xff};
	struct mishap why = {.e = ERR_OK};
	struct file_rig r;
	struct sink *k;

	(void)state;
	file_rig_init(&r, "x");
	struct sink_config cfg = file_rig_sink(&r);
	cfg.keeps_x = false;
	cfg.mask = 077;
	must(sink_new(&cfg, &k, &why));
	give(k, &e, "");
	must(sink_end(k, 1, 0, NULL));
	must(sink_finish(k));
	must(sink_remove(k));
	assert_int_equal(mode_of(&r, "run"), 0600);
	file_rig_wipe(&r);
}

static void a_taken_name_gets_a_number(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	for (int i = 0; i < 3; i++) {
		struct sink *k = sink_of(&r);
		must(receive_file(&r, k, i == 0 ? "first" : i == 1 ? "second" : "third"));
		must(sink_remove(k));
	}
	assert_string_equal(r.placed[2], "name (3)");
	check_content(&r, "name", "first");
	check_content(&r, "name (2)", "second");
	check_content(&r, "name (3)", "third");
	file_rig_wipe(&r);
}

static void receive_by(struct file_rig *r, enum sink_policy policy, const char *content)
{
	struct sink *k = sink_of(r);

	sink_policy_set(k, policy);
	must(receive_file(r, k, content));
	must(sink_remove(k));
}

static void policies_decide_about_a_taken_name(void **state)
{
	struct file_rig r;
	char *path;

	(void)state;
	file_rig_init(&r, "x");
	path = file_rig_path(&r, "name");
	file_tree_file(path, 3, 1); /* younger than what comes */
	receive_by(&r, SINK_NEWER, "newer");
	assert_string_equal(r.placed[0], "(skipped)");
	receive_by(&r, SINK_SKIP, "skip");
	assert_string_equal(r.placed[1], "(skipped)");
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3);
	receive_by(&r, SINK_OVERWRITE, "over");
	assert_string_equal(r.placed[2], "name");
	check_content(&r, "name", "over");
	const struct timespec old[2] = {{.tv_sec = 0}, {.tv_sec = 0}};
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	receive_by(&r, SINK_NEWER, "newer");
	check_content(&r, "name", "newer");
	assert_int_equal(tempdir_count(r.to), 1);
	mem_free(path);
	file_rig_wipe(&r);
}

static void who_asks_is_told_and_decides(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	receive_by(&r, SINK_RENAME, "first");
	struct sink *k = sink_of(&r);
	sink_policy_set(k, SINK_ASK);
	assert_int_equal(receive_file(&r, k, "second"), ERR_EXISTS);
	assert_string_equal(sink_clash_get(k), "name");
	assert_int_equal(sink_finish(k), ERR_EXISTS);
	sink_policy_set(k, SINK_OVERWRITE);
	must(sink_finish(k));
	must(sink_finish(k));
	must(sink_remove(k));
	check_content(&r, "name", "second");
	file_rig_wipe(&r);
}

static enum sink_answer overwrite(void *ctx, struct sink_found *found)
{
	struct file_rig *r = ctx;

	r->found[r->n_found++] = found->state;
	found->policy = SINK_OVERWRITE;
	assert_true(slice_eq(found->note, slice_str("a note")));
	assert_int_equal(found->peer.b[0], 7);
	return found->state == SINK_CLASH ? SINK_AGAIN : SINK_REMOVE;
}

static void the_question_outlives_the_process(void **state)
{
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	receive_by(&r, SINK_RENAME, "first");
	struct sink *k = sink_of(&r);
	sink_policy_set(k, SINK_ASK);
	assert_int_equal(receive_file(&r, k, "second"), ERR_EXISTS);
	sink_free(k);
	const struct sink_config cfg = file_rig_sink(&r);
	must(sink_recover(&cfg, overwrite));
	assert_int_equal(r.n_found, 2);
	assert_int_equal(r.found[0], SINK_CLASH);
	assert_int_equal(r.found[1], SINK_DONE);
	check_content(&r, "name", "second");
	assert_int_equal(tempdir_count(r.to), 1);
	file_rig_wipe(&r);
}

static void receive_folder(struct file_rig *r, enum sink_policy policy, const char *text)
{
	struct sink *k = sink_of(r);
	const struct entry top = folder_of("d"), sub = folder_of("d/s"),
			   one = file_of("d/s/one", strlen(text)),
			   two = file_of("d/two", strlen(text));

	sink_policy_set(k, policy);
	must(sink_entry(k, &top));
	must(sink_entry(k, &sub));
	give(k, &one, text);
	give(k, &two, text);
	must(sink_end(k, 4, 2 * strlen(text), NULL));
	must(sink_finish(k));
	must(sink_remove(k));
}

static void folders_are_joined_file_by_file(void **state)
{
	struct file_rig r;
	char *path;

	(void)state;
	file_rig_init(&r, "x");
	receive_folder(&r, SINK_RENAME, "first");
	path = file_rig_path(&r, "d/two");
	assert_int_equal(unlink(path), 0);
	mem_free(path);
	path = file_rig_path(&r, "d/own");
	tempdir_write(path, slice_str("mine"));
	mem_free(path);
	receive_folder(&r, SINK_SKIP, "second");
	check_content(&r, "d/s/one", "first");
	check_content(&r, "d/two", "second");
	check_content(&r, "d/own", "mine");
	receive_folder(&r, SINK_OVERWRITE, "third");
	check_content(&r, "d/s/one", "third");
	check_content(&r, "d/own", "mine");
	receive_folder(&r, SINK_RENAME, "fourth");
	check_content(&r, "d (2)/s/one", "fourth");
	check_content(&r, "d/s/one", "third");
	assert_int_equal(tempdir_count(r.to), 2);
	file_rig_wipe(&r);
}

static void a_folder_is_never_replaced_by_a_file(void **state)
{
	struct file_rig r;
	char *path;

	(void)state;
	file_rig_init(&r, "x");
	path = file_rig_path(&r, "name");
	assert_int_equal(mkdir(path, 0755), 0);
	receive_by(&r, SINK_OVERWRITE, "x");
	assert_string_equal(r.placed[0], "name (2)");
	mem_free(path);
	file_rig_wipe(&r);
}

static void a_second_sink_for_one_transfer_is_refused(void **state)
{
	struct mishap why = {.e = ERR_OK};
	struct file_rig r;
	struct sink *k, *other;

	(void)state;
	file_rig_init(&r, "x");
	k = sink_of(&r);
	const struct sink_config cfg = file_rig_sink(&r);
	assert_int_equal(sink_new(&cfg, &other, &why), ERR_EXISTS);
	assert_null(other);
	must(sink_remove(k));
	file_rig_wipe(&r);
}

static void the_floor_stays_free(void **state)
{
	struct mishap why = {.e = ERR_OK};
	const struct entry e = file_of("name", 1 << 20);
	static const uint8_t bytes[1 << 16];
	struct file_rig r;
	struct sink *k;
	unsigned n = 0;

	(void)state;
	file_rig_init(&r, "x");
	struct sink_config cfg = file_rig_sink(&r);
	r.to_port.room = 1000000;
	cfg.floor_bytes = 900000;
	cfg.room_bytes = 100001;
	assert_int_equal(sink_new(&cfg, &k, &why), ERR_NOSPACE);
	assert_int_equal(why.code, CODE_DISK_FULL);
	assert_int_equal(tempdir_count(r.to), 0);
	cfg.room_bytes = 100000;
	must(sink_new(&cfg, &k, &why));
	must(sink_entry(k, &e));
	/* The port says the same room again and again: what was taken does not come off. */
	r.to_port.room = 900000 + 65536 + 10;
	while (sink_bytes(k, slice_of(bytes, sizeof(bytes))) == ERR_OK && n < 10) {
		n++;
		r.to_port.room = 900000;
	}
	assert_in_range(n, 1, 2);
	assert_int_equal(sink_mishap(k)->e, ERR_NOSPACE);
	assert_int_equal(sink_mishap(k)->code, CODE_DISK_FULL);
	/* It stays so. */
	assert_int_equal(sink_bytes(k, slice_of(bytes, 1)), ERR_NOSPACE);
	must(sink_remove(k));
	file_rig_wipe(&r);
}

static void syncs_are_few(void **state)
{
	struct file_rig r;
	struct entry_place place;
	char path[32];

	(void)state;
	file_rig_init(&r, "x");
	struct sink *k = sink_of(&r);
	assert_int_equal(r.to_port.n_syncs, 0);
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "f%d", i);
		const struct entry e = file_of(path, 1);
		give(k, &e, "x");
	}
	must(sink_durable(k, &place));
	assert_int_equal(place.entries, 499);
	assert_int_equal(place.bytes, 1);
	/* All the data, then the journal. */
	assert_int_equal(r.to_port.n_syncs, 2);
	must(sink_remove(k));
	file_rig_wipe(&r);
}

static void small_files_cost_few_calls(void **state)
{
	struct file_rig r;
	char path[32];

	(void)state;
	file_rig_init(&r, "x");
	struct sink *k = sink_of(&r);
	const uint64_t before = r.to_port.count;
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "f%d", i);
		const struct entry e = file_of(path, 1);
		give(k, &e, "x");
	}
	/* open, write, chmod, utimens, close; now and then the room. */
	assert_in_range(r.to_port.count - before, 0, 500 * 5 + 5);
	must(sink_remove(k));
	file_rig_wipe(&r);
}

static void a_changed_file_begins_anew(void **state)
{
	const struct entry one = file_of("name", 5), two = file_of("name", 3);
	struct entry_place place;
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	struct sink *k = sink_of(&r);
	give(k, &one, "12");
	must(sink_durable(k, &place));
	assert_int_equal(place.bytes, 2);
	must(sink_entry(k, &two));
	/* The journal must not speak of the first any more. */
	sink_free(k);
	const struct sink_config cfg = file_rig_sink(&r);
	struct mishap why = {.e = ERR_OK};
	must(sink_resume(&cfg, &k, &place, &why));
	assert_int_equal(place.entries, 0);
	assert_int_equal(place.bytes, 0);
	give(k, &two, "abc");
	must(sink_end(k, 1, 3, NULL));
	must(sink_finish(k));
	must(sink_remove(k));
	check_content(&r, "name", "abc");
	file_rig_wipe(&r);
}

static void a_folder_counts_when_something_follows(void **state)
{
	const struct entry d = folder_of("d"), e = folder_of("d/e");
	struct entry_place place;
	struct mishap why = {.e = ERR_OK};
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	struct sink *k = sink_of(&r);
	const struct sink_config cfg = file_rig_sink(&r);
	must(sink_entry(k, &d));
	must(sink_durable(k, &place));
	assert_int_equal(place.entries, 0);
	must(sink_entry(k, &e));
	must(sink_durable(k, &place));
	assert_int_equal(place.entries, 1);
	sink_free(k);
	must(sink_resume(&cfg, &k, &place, &why));
	assert_int_equal(place.entries, 1);
	/* It comes once more, and is not a twin of what was left of it. */
	must(sink_entry(k, &e));
	must(sink_end(k, 2, 0, NULL));
	must(sink_durable(k, &place));
	assert_int_equal(place.entries, 2);
	must(sink_finish(k));
	must(sink_durable(k, &place));
	assert_int_equal(place.entries, 2);
	must(sink_remove(k));
	char *path = file_rig_path(&r, "d");
	assert_int_equal(tempdir_count(path), 1);
	mem_free(path);
	file_rig_wipe(&r);
}

static void going_on_begins_with_the_same_entry(void **state)
{
	const struct entry e = file_of("name", 5), longer = file_of("name", 6),
			   other = file_of("other", 5);
	struct entry_place place;
	struct mishap why = {.e = ERR_OK};
	struct file_rig r;

	(void)state;
	for (int i = 0; i < 4; i++) {
		file_rig_init(&r, "x");
		struct sink *k = sink_of(&r);
		const struct sink_config cfg = file_rig_sink(&r);
		give(k, &e, "ab");
		must(sink_durable(k, &place));
		must(sink_bytes(k, slice_str("lost")) == ERR_PROTO ? ERR_OK : ERR_BUG);
		sink_free(k);
		must(sink_resume(&cfg, &k, &place, &why));
		assert_int_equal(place.bytes, 2);
		if (i == 1)
			assert_int_equal(sink_entry(k, &longer), ERR_PROTO);
		if (i == 2)
			assert_int_equal(sink_entry(k, &other), ERR_PROTO);
		if (i == 3)
			assert_int_equal(sink_bytes(k, slice_str("c")), ERR_PROTO);
		if (i == 0) {
			give(k, &e, "cde");
			must(sink_end(k, 1, 5, NULL));
			must(sink_finish(k));
			check_content(&r, "name", "abcde");
		}
		must(sink_remove(k));
		file_rig_wipe(&r);
	}
}

static void a_stream_goes_to_a_descriptor(void **state)
{
	const struct entry e = {.path = slice_str("stdin")};
	struct file_rig r;
	struct sink *k;
	char got[20] = "";
	int fds[2];

	(void)state;
	file_rig_init(&r, "x");
	assert_int_equal(pipe(fds), 0);
	struct sink_config cfg = file_rig_sink(&r);
	cfg.has_digest = true;
	cfg.max_bytes = 8;
	must(sink_new_stream(&cfg, fds[1], &k));
	assert_int_equal(sink_bytes(k, slice_str("x")), ERR_PROTO);
	sink_free(k);
	must(sink_new_stream(&cfg, fds[1], &k));
	give(k, &e, "hel");
	must(sink_hole(k, 2));
	must(sink_bytes(k, slice_str("lo")));
	must(sink_end(k, 1, 7, NULL));
	must(sink_finish(k));
	assert_int_equal(read(fds[0], got, sizeof(got)), 7);
	assert_memory_equal(got, "hel\0\0lo", 7);
	must(sink_remove(k));
	must(sink_new_stream(&cfg, fds[1], &k));
	give(k, &e, "12345678");
	assert_int_equal(sink_bytes(k, slice_str("9")), ERR_LIMIT);
	sink_free(k);
	/* Still open. */
	assert_int_equal(write(fds[1], "x", 1), 1);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(tempdir_count(r.to), 0);
	file_rig_wipe(&r);
}

/* Old kernels have no openat2, some disks cannot rename without replacing, or link. */
static void it_works_where_the_kernel_lacks_things(void **state)
{
	(void)state;
	for (unsigned lacks = 1; lacks < 8; lacks++) {
		struct file_rig r;
		file_rig_init(&r, "tree");
		file_tree_make(r.path);
		r.to_port.lacks_openat2 = lacks & 1;
		r.to_port.lacks_noreplace = lacks & 2;
		r.to_port.lacks_links = lacks & 4;
		if (file_rig_send(&r) != ERR_OK)
			fail_msg("%u: %s", lacks, r.why.text);
		file_rig_check(&r, "tree");
		must(file_rig_send(&r));
		assert_string_equal(r.placed[1], "tree (2)");
		receive_by(&r, SINK_RENAME, "x");
		receive_by(&r, SINK_RENAME, "y");
		check_content(&r, "name (2)", "y");
		file_rig_wipe(&r);
	}
}

static void beneath_means_beneath(void **state)
{
	(void)state;
	for (int lacks = 0; lacks < 2; lacks++) {
		struct file_rig r;
		char *path;
		file_rig_init(&r, "x");
		r.to_port.lacks_openat2 = lacks;
		struct file_port *p = &r.to_port.port;
		path = file_rig_path(&r, "d");
		assert_int_equal(mkdir(path, 0700), 0);
		mem_free(path);
		path = file_rig_path(&r, "d/f");
		tempdir_write(path, slice_str("x"));
		mem_free(path);
		path = file_rig_path(&r, "link");
		assert_int_equal(symlink("d", path), 0);
		mem_free(path);
		static const char *const refused[] = {"link/f", "link", "..",
						      "d/../../from", "/etc/passwd"};
		for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			assert_true(beneath_open(p, r.to_fd, refused[i], O_RDONLY, 0) <
				    0);
		const int fd = beneath_open(p, r.to_fd, "d/f", O_RDONLY, 0);
		assert_true(fd >= 0);
		close(fd);
		must(beneath_remove(p, r.to_fd, "link"));
		assert_int_equal(tempdir_count(r.to), 1);
		must(beneath_remove(p, r.to_fd, "d"));
		assert_int_equal(tempdir_count(r.to), 0);
		must(beneath_remove(p, r.to_fd, "d"));
		file_rig_wipe(&r);
	}
}

static void a_digest_that_differs_is_refused(void **state)
{
	const struct entry e = file_of("name", 3);
	uint8_t digest[DIGEST_BYTES];
	struct file_rig r;

	(void)state;
	file_rig_init(&r, "x");
	r.has_digest = true;
	struct sink *k = sink_of(&r);
	give(k, &e, "abc");
	must(sink_digest_get(k, digest));
	assert_int_equal(digest[0], 0xbd);
	digest[31] ^= 1;
	assert_int_equal(sink_end(k, 1, 3, digest), ERR_PROTO);
	assert_int_equal(sink_finish(k), ERR_PROTO);
	must(sink_remove(k));
	assert_int_equal(tempdir_count(r.to), 0);
	file_rig_wipe(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partial_files_are_nobody_elses),
		cmocka_unit_test(the_x_bit_is_only_kept_when_allowed),
		cmocka_unit_test(a_taken_name_gets_a_number),
		cmocka_unit_test(policies_decide_about_a_taken_name),
		cmocka_unit_test(who_asks_is_told_and_decides),
		cmocka_unit_test(the_question_outlives_the_process),
		cmocka_unit_test(folders_are_joined_file_by_file),
		cmocka_unit_test(a_folder_is_never_replaced_by_a_file),
		cmocka_unit_test(a_second_sink_for_one_transfer_is_refused),
		cmocka_unit_test(the_floor_stays_free),
		cmocka_unit_test(syncs_are_few),
		cmocka_unit_test(small_files_cost_few_calls),
		cmocka_unit_test(a_changed_file_begins_anew),
		cmocka_unit_test(a_folder_counts_when_something_follows),
		cmocka_unit_test(going_on_begins_with_the_same_entry),
		cmocka_unit_test(a_stream_goes_to_a_descriptor),
		cmocka_unit_test(it_works_where_the_kernel_lacks_things),
		cmocka_unit_test(beneath_means_beneath),
		cmocka_unit_test(a_digest_that_differs_is_refused),
	};

	file_rig_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
