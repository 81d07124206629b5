#include "files/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "files/beneath.h"
#include "files/sink_state.h"

enum {
	ENTRY_COST = 4096, /* on the disk, about */
	TWINS_TRIED = 6,
	TWINS_MAX = 4096
};

static const struct file_port *port(const struct sink *s)
{
	return s->cfg.port;
}

static struct slice own_path(const struct sink *s)
{
	return buf_slice(&s->file_path);
}

enum err sink_fail(struct sink *s, enum err e, struct slice path, const char *why)
{
	if (e == ERR_OK)
		return e;
	s->failed = e;
	return mishap_set(&s->why, e, path, why);
}

struct sink *sink_alloc(const struct sink_config *cfg)
{
	struct sink *s = mem_new(sizeof(*s));

	s->cfg = *cfg;
	s->stream = -1;
	s->file.fd = -1;
	s->stage = (struct stage){.port = cfg->port, .dir = -1, .work = -1, .tree = -1};
	buf_init(&s->path, FILENAME_PATH_MAX_BYTES);
	buf_init(&s->file_path, FILENAME_PATH_MAX_BYTES);
	digest_init(&s->content, NULL);
	return s;
}

void sink_free(struct sink *s)
{
	if (s == NULL)
		return;
	if (s->stream < 0)
		beneath_close(port(s), s->file.fd);
	/* The first level is the stage's. */
	while (s->n_levels > 1)
		beneath_close(port(s), s->levels[--s->n_levels].fd);
	journal_free(s->journal);
	stage_close(&s->stage);
	buf_wipe(&s->path);
	buf_wipe(&s->file_path);
	mem_free(s);
}

const struct mishap *sink_mishap(const struct sink *s)
{
	return &s->why;
}

void sink_progress(const struct sink *s, uint64_t *entries, uint64_t *bytes)
{
	*entries = s->entries + s->has_new_folder + s->file.is_open;
	*bytes = s->total + s->file.at;
}

enum err sink_digest_get(const struct sink *s, uint8_t out[static DIGEST_BYTES])
{
	if (!s->cfg.has_digest)
		return ERR_MISSING;
	digest_get(&s->content, out);
	return ERR_OK;
}

struct journal_mark sink_mark(const struct sink *s, enum journal_step step)
{
	struct journal_mark m = {.step = step,
				 .policy = (uint8_t)s->cfg.policy,
				 .entries = s->entries,
				 .total = s->total,
				 .content = s->content};

	if (s->file.is_open && s->file.at > 0) {
		m.bytes = s->file.at;
		m.total += s->file.at;
		m.current = s->file.entry;
		memcpy(m.name, s->file.name, sizeof(m.name));
	} else if (s->file.is_open) {
		m.content = s->file.before;
	}
	return m;
}

static enum err begin_journal(struct sink *s)
{
	const struct sink_config *c = &s->cfg;
	const struct journal_head head = {.xfer = c->xfer,
					  .peer = c->peer,
					  .has_digest = c->has_digest,
					  .keeps_x = c->keeps_x,
					  .keeps_dots = c->keeps_dots,
					  .note = c->note};
	const struct journal_mark mark = sink_mark(s, JOURNAL_RECEIVING);

	if (c->note.n > SINK_NOTE_MAX_BYTES)
		return ERR_USAGE;
	return journal_create(c->port, s->stage.work, &head, &mark, &s->journal);
}

enum err sink_new(const struct sink_config *cfg, struct sink **out, struct mishap *why)
{
	struct sink *s = sink_alloc(cfg);
	enum err e = stage_make(cfg->port, cfg->dir, &cfg->xfer, &s->stage);

	*out = NULL;
	if (e == ERR_EXISTS) {
		sink_free(s);
		return e;
	}
	if (e == ERR_OK)
		e = sink_take_room(s, cfg->room_bytes);
	if (e == ERR_OK)
		e = begin_journal(s);
	if (e != ERR_OK) {
		mishap_set(why, e, (struct slice){0}, NULL);
		if (s->stage.work >= 0)
			stage_remove(&s->stage);
		sink_free(s);
		return e;
	}
	s->levels[s->n_levels++] = (struct sink_level){.fd = s->stage.tree};
	s->has_news = true;
	*out = s;
	return ERR_OK;
}

enum err sink_new_stream(const struct sink_config *cfg, int fd, struct sink **out)
{
	struct sink *s = sink_alloc(cfg);

	s->stream = fd;
	s->cfg.max_entries = 1;
	*out = s;
	return ERR_OK;
}

static mode_t final_mode(const struct sink *s, bool is_folder, uint8_t mode)
{
	const bool has_x = is_folder || (s->cfg.keeps_x && (mode & ENTRY_MODE_X) != 0);
	/* We have to get in ourselves to the end. */
	const mode_t ours = is_folder ? 0700 : 0600;

	return ((has_x ? 0777u : 0666u) & ~s->cfg.mask) | ours;
}

/* mode and time of what is complete; is_timed: the sender told it. */
static enum err seal(const struct sink *s, int fd, mode_t now, mode_t mode, bool is_timed,
		     int64_t mtime_ns)
{
	enum err e = ERR_OK;

	if (mode != now)
		e = file_port_err(port(s)->fchmod(port(s)->ctx, fd, mode));
	if (e == ERR_OK && is_timed)
		e = file_port_err(port(s)->futimens(port(s)->ctx, fd, mtime_ns));
	return e;
}

static enum err leave_level(struct sink *s)
{
	struct sink_level *l = &s->levels[s->n_levels - 1];
	const mode_t mode = final_mode(s, true, 0);
	enum err e = seal(s, l->fd, 0700, mode, true, l->mtime_ns);

	s->n_levels--;
	s->has_news = true;
	if (beneath_close(port(s), l->fd) != ERR_OK && e == ERR_OK)
		e = ERR_IO;
	buf_truncate(&s->path, s->levels[s->n_levels - 1].path_n);
	return e;
}

enum err sink_enter(struct sink *s, int fd, const struct entry *e, const char *name)
{
	struct sink_level *l = &s->levels[s->n_levels];

	if (s->n_levels > FILENAME_DEPTH_MAX)
		return ERR_PROTO;
	*l = (struct sink_level){.fd = fd, .mtime_ns = e->mtime_ns, .path_n = e->path.n};
	snprintf(l->name, sizeof(l->name), "%s", name);
	s->n_levels++;
	buf_clear(&s->path, SIZE_MAX);
	return buf_add(&s->path, e->path);
}

enum err sink_go_to_parent(struct sink *s, struct slice path)
{
	const size_t last = filename_last(path).n;
	const struct slice parent =
		slice_of(path.p, path.n > last ? path.n - last - 1 : 0);
	const struct slice deepest = buf_slice(&s->path);
	unsigned at = s->n_levels;
	enum err e = ERR_OK;

	while (at > 0 && s->levels[at - 1].path_n > parent.n)
		at--;
	/* Judged before anything is left: a path out of its place changes nothing. */
	if (at == 0 || s->levels[at - 1].path_n != parent.n ||
	    !slice_eq(slice_of(deepest.p, parent.n), parent))
		return ERR_PROTO;
	while (s->n_levels > at && e == ERR_OK)
		e = leave_level(s);
	return e;
}

/* The file is as long as what came of it: its end may be a hole, or room set aside. */
static enum err set_length(struct sink *s, bool is_complete)
{
	struct sink_file *f = &s->file;
	enum err e;

	if (f->written == f->at && (!is_complete || f->end <= f->at))
		return ERR_OK;
	e = file_port_truncate(port(s), f->fd, f->at);
	if (e == ERR_OK)
		f->written = f->end = f->at;
	return e;
}

/* Complete, as far as its own size says. */
static enum err end_file(struct sink *s)
{
	struct sink_file *f = &s->file;
	enum err e = ERR_OK;

	if (!f->is_open)
		return ERR_OK;
	if (f->entry.has_size && f->at != f->entry.size)
		return sink_fail(s, ERR_PROTO, own_path(s),
				 "less came of it than was said");
	if (s->stream < 0) {
		e = set_length(s, true);
		if (e == ERR_OK)
			e = seal(s, f->fd, 0600, final_mode(s, false, f->entry.mode),
				 f->entry.has_size, f->entry.mtime_ns);
		if (e == ERR_OK)
			e = journal_add(s->journal, &f->entry, f->name);
		if (beneath_close(port(s), f->fd) != ERR_OK && e == ERR_OK)
			e = ERR_IO;
		f->fd = -1;
	}
	f->is_open = false;
	s->entries++;
	s->total += f->at;
	f->at = 0;
	s->has_news = true;
	return sink_fail(s, e, own_path(s), NULL);
}

/* One sync of all since the last, whatever it was. */
static enum err sync_all(struct sink *s)
{
	enum err e = journal_flush(s->journal);

	if (e == ERR_OK && s->file.is_open)
		e = set_length(s, false);
	if (e == ERR_OK && s->has_news)
		e = file_port_sync(port(s), s->stage.work, FILE_PORT_DISK);
	else if (e == ERR_OK && s->file.is_open)
		e = file_port_sync(port(s), s->file.fd, FILE_PORT_DATA);
	return e;
}

static enum err commit(struct sink *s, enum journal_step step)
{
	const struct journal_mark m = sink_mark(s, step);
	enum err e = sync_all(s);

	if (e == ERR_OK)
		e = journal_commit(s->journal, &m);
	if (e != ERR_OK)
		return e;
	s->has_news = false;
	s->file.is_safe_begun = s->file.is_open;
	return ERR_OK;
}

/* The journal must not say that a part of it is safe when there is another in its place. */
static enum err forget_file(struct sink *s)
{
	struct sink_file *f = &s->file;
	const int commits = f->is_safe_begun ? 2 : 0;
	enum err e = ERR_OK;

	beneath_close(port(s), f->fd);
	s->content = f->before;
	f->fd = -1;
	f->is_open = false;
	f->at = 0;
	/* In both slots. */
	for (int i = 0; i < commits && e == ERR_OK; i++)
		e = commit(s, JOURNAL_RECEIVING);
	if (e == ERR_OK)
		e = beneath_remove(port(s), s->levels[s->n_levels - 1].fd, f->name);
	return e;
}

typedef int make_fn(const struct sink *s, int dir, const char *name);

static int make_file(const struct sink *s, int dir, const char *name)
{
	return beneath_open(port(s), dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0600);
}

static int make_folder(const struct sink *s, int dir, const char *name)
{
	return beneath_make_folder(port(s), dir, name);
}

/* Two names of theirs can be one of ours: the second gets a number. */
static int make_named(struct sink *s, make_fn *make, bool is_folder,
		      char name[static FILENAME_ROOM])
{
	struct sink_level *l = &s->levels[s->n_levels - 1];
	char plain[FILENAME_ROOM];
	int fd = make(s, l->fd, name);

	memcpy(plain, name, sizeof(plain));
	for (unsigned i = 2; fd == -EEXIST && i < TWINS_MAX; i++) {
		/* Many of them must not cost the square of it. */
		const bool is_many = i >= TWINS_TRIED && l->next_number > i;
		const unsigned n = is_many ? l->next_number : i;
		filename_numbered(plain, n, is_folder, name);
		fd = make(s, l->fd, name);
		if (n >= TWINS_TRIED)
			l->next_number = n + 1;
	}
	return fd;
}

static enum err begin_file(struct sink *s, const struct entry *e, const char *name,
			   int fd)
{
	struct sink_file *f = &s->file;

	buf_clear(&s->file_path, SIZE_MAX);
	if (buf_add(&s->file_path, e->path) != ERR_OK)
		return ERR_BUG;
	*f = (struct sink_file){
		.is_open = true, .fd = fd, .entry = *e, .before = s->content};
	f->entry.path = own_path(s);
	snprintf(f->name, sizeof(f->name), "%s", name);
	return ERR_OK;
}

static enum err begin_entry(struct sink *s, const struct entry *e)
{
	const bool is_folder = e->kind == ENTRY_FOLDER;
	char name[FILENAME_ROOM];
	enum err err = filename_clean(filename_last(e->path),
				      s->cfg.keeps_dots && s->n_levels > 1, name);
	int fd;

	if (err == ERR_OK)
		err = sink_take_room(s, ENTRY_COST);
	if (err != ERR_OK)
		return err;
	fd = make_named(s, is_folder ? make_folder : make_file, is_folder, name);
	if (fd < 0)
		return file_port_err(fd);
	s->has_news = true;
	if (!is_folder)
		return begin_file(s, e, name, fd);
	err = sink_enter(s, fd, e, name);
	if (err != ERR_OK) {
		beneath_close(port(s), fd);
		return err;
	}
	s->folder = *e;
	s->folder.path = buf_slice(&s->path);
	s->has_new_folder = true;
	return ERR_OK;
}

/* An entry counts when another has come behind it. */
static enum err end_folder(struct sink *s)
{
	if (!s->has_new_folder)
		return ERR_OK;
	s->has_new_folder = false;
	s->entries++;
	return sink_fail(
		s, journal_add(s->journal, &s->folder, s->levels[s->n_levels - 1].name),
		s->folder.path, NULL);
}

static enum err end_entry(struct sink *s)
{
	const enum err e = end_folder(s);

	return e == ERR_OK ? end_file(s) : e;
}

/* The ENTRY that goes before the rest of a file that had begun. */
static enum err go_on_with(struct sink *s, const struct entry *e)
{
	const struct entry *was = &s->file.entry;

	if (!slice_eq(e->path, was->path) || e->kind != was->kind ||
	    e->has_size != was->has_size || e->size != was->size ||
	    e->mtime_ns != was->mtime_ns || e->mode != was->mode)
		return sink_fail(s, ERR_PROTO, e->path, "is not what it was before");
	s->file.is_awaited = false;
	return ERR_OK;
}

/* What can be known from the record alone. */
static enum err check_entry(struct sink *s, const struct entry *e, bool is_again)
{
	const uint64_t before = s->total + (is_again ? 0 : s->file.at);
	const uint64_t max = s->cfg.max_bytes;
	unsigned depth;

	if (s->phase != SINK_PHASE_OPEN)
		return sink_fail(s, ERR_PROTO, e->path, "came after the end");
	if (filename_check_path(e->path, &depth) != ERR_OK)
		return sink_fail(s, ERR_PROTO, e->path, "is no path that is taken");
	if (s->entries + s->has_new_folder + (s->file.is_open && !is_again) >=
	    s->cfg.max_entries)
		return sink_fail(s, ERR_LIMIT, e->path, "more entries than were offered");
	if (e->has_size &&
	    (e->size > INT64_MAX || before > max || e->size > max - before))
		return sink_fail(s, ERR_LIMIT, e->path, "more bytes than were offered");
	return ERR_OK;
}

enum err sink_entry(struct sink *s, const struct entry *e)
{
	const bool is_again = s->file.is_open && e->kind == ENTRY_FILE &&
			      slice_eq(e->path, own_path(s));
	enum err err = s->failed;

	if (err == ERR_OK)
		err = check_entry(s, e, is_again);
	if (err == ERR_OK && s->stream >= 0 && (is_again || e->kind != ENTRY_FILE))
		err = ERR_PROTO;
	if (err == ERR_OK && s->file.is_awaited)
		return go_on_with(s, e);
	if (err == ERR_OK)
		err = is_again ? forget_file(s) : end_entry(s);
	if (err == ERR_OK && s->stream >= 0)
		return begin_file(s, e, "", s->stream);
	if (err == ERR_OK)
		err = sink_go_to_parent(s, e->path);
	if (err == ERR_OK)
		err = begin_entry(s, e);
	return sink_fail(s, err, e->path, NULL);
}

enum err sink_durable(struct sink *s, struct entry_place *place)
{
	const struct sink_file *f = &s->file;

	*place = (struct entry_place){.entries = s->entries,
				      .bytes = f->is_open ? f->at : 0};
	if (s->failed != ERR_OK)
		return s->failed;
	if (s->stream >= 0)
		return ERR_OK;
	/* Once it is placed the journal says more than this. */
	if (s->phase == SINK_PHASE_PLACED)
		return ERR_OK;
	if (sink_fail(s, commit(s, JOURNAL_RECEIVING), (struct slice){0}, NULL) != ERR_OK)
		return s->failed;
	journal_digest(s->journal, place->bytes > 0 ? &f->entry : NULL, place->digest);
	return ERR_OK;
}

static enum err check_totals(struct sink *s, uint64_t entries, uint64_t bytes,
			     const uint8_t *digest)
{
	uint8_t own[DIGEST_BYTES];

	if (entries != s->entries || bytes != s->total)
		return sink_fail(s, ERR_PROTO, (struct slice){0},
				 "not all of what was announced has come");
	if (digest == NULL || sink_digest_get(s, own) != ERR_OK)
		return ERR_OK;
	if (memcmp(own, digest, sizeof(own)) != 0)
		return sink_fail(s, ERR_PROTO, (struct slice){0},
				 "the digest of the content is another");
	return ERR_OK;
}

enum err sink_end(struct sink *s, uint64_t entries, uint64_t bytes, const uint8_t *digest)
{
	enum err e = s->failed;

	if (e == ERR_OK && s->phase != SINK_PHASE_OPEN)
		e = sink_fail(s, ERR_PROTO, (struct slice){0}, "a second end");
	if (e == ERR_OK)
		e = end_entry(s);
	if (e == ERR_OK)
		e = check_totals(s, entries, bytes, digest);
	while (e == ERR_OK && s->n_levels > 1)
		e = sink_fail(s, leave_level(s), (struct slice){0}, NULL);
	if (e == ERR_OK)
		s->phase = SINK_PHASE_ENDED;
	return e;
}

void sink_policy_set(struct sink *s, enum sink_policy policy)
{
	s->cfg.policy = policy;
}

const char *sink_clash_get(const struct sink *s)
{
	return s->clash;
}

enum err sink_finish(struct sink *s)
{
	const struct stage_target to = {.policy = s->cfg.policy,
					.on_placed = s->cfg.on_placed,
					.ctx = s->cfg.ctx};
	enum err e = s->failed;

	if (e != ERR_OK || s->stream >= 0 || s->phase == SINK_PHASE_PLACED)
		return e;
	if (s->phase != SINK_PHASE_ENDED)
		return ERR_USAGE;
	e = commit(s, JOURNAL_FINISHING);
	if (e == ERR_OK)
		e = stage_place(&s->stage, &to, s->clash);
	if (e == ERR_EXISTS)
		return e;
	if (e == ERR_OK)
		e = commit(s, JOURNAL_DONE);
	if (e == ERR_OK)
		s->phase = SINK_PHASE_PLACED;
	return sink_fail(s, e, (struct slice){0}, NULL);
}

enum err sink_remove(struct sink *s)
{
	enum err e = ERR_OK;

	journal_free(s->journal);
	s->journal = NULL;
	if (s->stage.work >= 0)
		e = stage_remove(&s->stage);
	sink_free(s);
	return e;
}
