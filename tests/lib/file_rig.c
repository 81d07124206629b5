#include "lib/file_rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "lib/file_tree.h"
#include "lib/tempdir.h"

void file_rig_main(void)
{
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	secret_init();
}

void file_rig_init(struct file_rig *r, const char *name)
{
	*r = (struct file_rig){.room = 4096, .every = UINT64_MAX};
	assert_int_equal(tempdir_setup(&r->dir), 0);
	r->from = tempdir_path(r->dir, "from");
	r->to = tempdir_path(r->dir, "to");
	assert_int_equal(mkdir(r->from, 0755) | mkdir(r->to, 0755), 0);
	r->to_fd = open(r->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(r->to_fd >= 0);
	r->path = tempdir_path(r->from, name);
	r->paths[0] = r->path;
	file_fault_init(&r->from_port, FILE_FAULT_NONE, 0);
	file_fault_init(&r->to_port, FILE_FAULT_NONE, 0);
}

void file_rig_wipe(struct file_rig *r)
{
	close(r->to_fd);
	tempdir_teardown(&r->dir);
	mem_free(r->from);
	mem_free(r->to);
	mem_free(r->path);
}

char *file_rig_path(const struct file_rig *r, const char *name)
{
	return tempdir_path(r->to, name);
}

static void on_skip(void *ctx, struct slice path, enum source_skip why)
{
	struct file_rig *r = ctx;

	if (r->n_skipped == RIG_PLACED)
		return;
	snprintf(r->skipped[r->n_skipped], 256, "%.*s", (int)path.n,
		 (const char *)path.p);
	r->skip_why[r->n_skipped++] = why;
}

static void on_placed(void *ctx, const char *name, const char *final)
{
	struct file_rig *r = ctx;

	(void)name;
	if (r->n_placed < RIG_PLACED)
		snprintf(r->placed[r->n_placed++], 256, "%s",
			 final != NULL ? final : "(skipped)");
}

struct source_config file_rig_source(struct file_rig *r)
{
	return (struct source_config){.port = &r->from_port.port,
				      .dir = AT_FDCWD,
				      .paths = r->paths,
				      .n_paths = 1,
				      .has_digest = r->has_digest,
				      .on_skip = on_skip,
				      .ctx = r};
}

struct sink_config file_rig_sink(struct file_rig *r)
{
	return (struct sink_config){.port = &r->to_port.port,
				    .dir = r->to_fd,
				    .xfer = {{0xab, 0xcd}},
				    .peer = {{7}},
				    .note = slice_str("a note"),
				    .max_entries = 1000,
				    .max_bytes = 1 << 30,
				    .keeps_x = true,
				    .mask = 022,
				    .has_digest = r->has_digest,
				    .on_placed = on_placed,
				    .ctx = r};
}

static enum err give(struct file_rig *r, struct sink *k, const uint8_t *buf,
		     const struct source_out *out)
{
	if (out->what == SOURCE_ENTRY) {
		r->n_again += out->is_again;
		return sink_entry(k, &out->entry);
	}
	if (out->what == SOURCE_BYTES)
		return sink_bytes(k, slice_of(buf, out->n));
	if (out->what == SOURCE_HOLE)
		return sink_hole(k, out->hole);
	return sink_end(k, out->entries, out->bytes,
			out->has_digest ? out->digest : NULL);
}

static uint64_t progress(const struct sink *k)
{
	uint64_t entries, bytes;

	sink_progress(k, &entries, &bytes);
	return entries + bytes;
}

enum err file_rig_pump(struct file_rig *r, struct source *s, struct sink *k)
{
	uint8_t *buf = mem_new(r->room);
	struct source_out out = {.what = SOURCE_ENTRY};
	uint64_t last = progress(k);

	r->source_err = r->sink_err = ERR_OK;
	while (out.what != SOURCE_END && r->sink_err == ERR_OK) {
		r->source_err = source_next(s, buf, r->room, &out);
		if (r->source_err == ERR_WAIT)
			continue;
		if (r->source_err != ERR_OK)
			break;
		r->sink_err = give(r, k, buf, &out);
		if (r->sink_err == ERR_OK && progress(k) - last >= r->every) {
			last = progress(k);
			r->sink_err = sink_durable(k, &r->place);
		}
	}
	mem_free(buf);
	if (r->source_err == ERR_OK && r->sink_err == ERR_OK)
		r->sink_err = sink_finish(k);
	return r->source_err != ERR_OK ? r->source_err : r->sink_err;
}

/* What its caller keeps of a transfer: that it is done. */
static char *done_path(const struct file_rig *r)
{
	return tempdir_path(r->dir, "done");
}

static void note_done(const struct file_rig *r)
{
	char *path = done_path(r);

	tempdir_write(path, (struct slice){0});
	mem_free(path);
}

static bool is_noted_done(const struct file_rig *r)
{
	char *path = done_path(r);
	const bool is = access(path, F_OK) == 0;

	mem_free(path);
	return is;
}

/* Takes both. */
static enum err run(struct file_rig *r, struct source *s, struct sink *k)
{
	enum err e = file_rig_pump(r, s, k);

	r->why = r->source_err != ERR_OK ? *source_mishap(s) : *sink_mishap(k);
	source_free(s);
	if (e == ERR_OK) {
		note_done(r);
		return r->sink_err = sink_remove(k);
	}
	sink_free(k);
	return e;
}

enum err file_rig_send(struct file_rig *r)
{
	const struct source_config from = file_rig_source(r);
	const struct sink_config to = file_rig_sink(r);
	struct source *s;
	struct sink *k;

	r->why = (struct mishap){.e = ERR_OK};
	r->source_err = source_new(&from, &s, &r->why);
	if (r->source_err != ERR_OK)
		return r->source_err;
	r->sink_err = sink_new(&to, &k, &r->why);
	if (r->sink_err == ERR_OK)
		return run(r, s, k);
	source_free(s);
	return r->sink_err;
}

static enum sink_answer on_found(void *ctx, struct sink_found *found)
{
	struct file_rig *r = ctx;

	if (r->n_found < RIG_PLACED)
		r->found[r->n_found++] = found->state;
	if (r->answer != SINK_KEEP)
		return r->answer;
	return found->state == SINK_DONE || found->state == SINK_DAMAGED ? SINK_REMOVE
									 : SINK_KEEP;
}

enum err file_rig_go_on(struct file_rig *r)
{
	const struct source_config from = file_rig_source(r);
	const struct sink_config to = file_rig_sink(r);
	struct entry_place place = {0};
	struct source *s = NULL;
	struct sink *k = NULL;
	enum err e;

	r->n_found = 0;
	r->why = (struct mishap){.e = ERR_OK};
	r->sink_err = sink_recover(&to, on_found);
	if (r->sink_err != ERR_OK || is_noted_done(r) ||
	    (r->n_found > 0 && r->found[r->n_found - 1] == SINK_DONE))
		return r->sink_err;
	e = sink_resume(&to, &k, &place, &r->why);
	if (e == ERR_MISSING || e == ERR_CORRUPT) {
		struct digest none;
		entry_digest_init(&none);
		digest_get(&none, place.digest);
		r->why = (struct mishap){.e = ERR_OK};
		place.entries = place.bytes = 0;
		e = sink_new(&to, &k, &r->why);
	}
	r->sink_err = e;
	if (e != ERR_OK)
		return e;
	r->place = r->resumed = place;
	e = source_new(&from, &s, &r->why);
	if (e == ERR_OK)
		e = source_seek(s, &place);
	if (e == ERR_OK)
		return run(r, s, k);
	r->source_err = e;
	if (s != NULL)
		r->why = *source_mishap(s);
	source_free(s);
	sink_free(k);
	return e;
}

void file_rig_check(struct file_rig *r, const char *name)
{
	char *got = file_rig_path(r, name);
	struct stat st;
	char *what = NULL;

	assert_int_equal(lstat(r->path, &st), 0);
	if (S_ISDIR(st.st_mode))
		what = file_tree_differ(r->path, got);
	else
		what = file_tree_differ(r->from, r->to);
	if (what != NULL)
		fail_msg("%s", what);
	assert_int_equal(tempdir_count(r->to), 1);
	mem_free(got);
}
