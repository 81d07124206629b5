/* Back to what a journal says. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "files/beneath.h"
#include "files/names.h"
#include "files/sink_state.h"

static const struct file_port *port(const struct sink *s)
{
	return s->cfg.port;
}

/* Opens the folder of a record, below the deepest level, and makes it the deepest. */
static enum err reenter(struct sink *s, const struct entry *e, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	const int fd =
		beneath_open(port(s), s->levels[s->n_levels - 1].fd, name, flags, 0);
	enum err err;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP
			       ? ERR_CORRUPT
			       : file_port_err(fd);
	err = sink_enter(s, fd, e, name);
	if (err != ERR_OK)
		beneath_close(port(s), fd);
	return err;
}

/* The folders that are open at the end of the log: only their paths, until all of it was
 * read and checked. */
struct chain {
	struct sink *s;
	struct {
		size_t path_n;
		int64_t mtime_ns;
		uint64_t number; /* the record's, from 1 on */
		char name[FILENAME_ROOM];
	} v[FILENAME_DEPTH_MAX];
	unsigned n;
	struct buf path;
	uint64_t entries, total;
};

/* How many of the chain's folders lie above path. */
static unsigned depth_of(const struct chain *c, struct slice path)
{
	const struct slice deepest = buf_slice(&c->path);
	unsigned n = c->n;

	while (n > 0) {
		const size_t len = c->v[n - 1].path_n;
		if (len < path.n && path.p[len] == '/' &&
		    memcmp(path.p, deepest.p, len) == 0)
			break;
		n--;
	}
	return n;
}

static enum err follow(void *ctx, const struct entry *e, const char *name)
{
	struct chain *c = ctx;

	c->entries++;
	c->total += e->size;
	c->n = depth_of(c, e->path);
	buf_truncate(&c->path, c->n > 0 ? c->v[c->n - 1].path_n : 0);
	if (e->kind != ENTRY_FOLDER)
		return ERR_OK;
	if (c->n == FILENAME_DEPTH_MAX)
		return ERR_CORRUPT;
	c->v[c->n].path_n = e->path.n;
	c->v[c->n].mtime_ns = e->mtime_ns;
	c->v[c->n].number = c->entries;
	memcpy(c->v[c->n].name, name, strlen(name) + 1);
	c->n++;
	buf_clear(&c->path, SIZE_MAX);
	return buf_add(&c->path, e->path);
}

static enum err reenter_all(struct sink *s, const struct chain *c)
{
	const struct slice path = buf_slice(&c->path);
	enum err e = ERR_OK;

	for (unsigned i = 0; i < c->n && e == ERR_OK; i++) {
		const struct entry folder = {.path = slice_of(path.p, c->v[i].path_n),
					     .mtime_ns = c->v[i].mtime_ns};
		e = reenter(s, &folder, c->v[i].name);
	}
	return e;
}

/* What lies in one of the open folders, and which of it the journal knows. */
struct known {
	struct names names;
	bool *is_known;
};

struct knowing {
	const struct chain *chain;
	struct known v[FILENAME_DEPTH_MAX + 1];
	unsigned n;
	uint64_t number; /* of the record */
};

struct wanted {
	const char *name, *blob;
};

static int compare(const void *key, const void *at)
{
	const struct wanted *k = key;
	uint32_t i;

	memcpy(&i, at, sizeof(i));
	return strcmp(k->name, k->blob + i + 1);
}

/* False: it is not there. */
static bool know(struct known *k, const char *name)
{
	const struct wanted key = {name, k->names.blob};
	const uint32_t *at = k->names.n > 0 ? bsearch(&key, k->names.at, k->names.n,
						      sizeof(k->names.at[0]), compare)
					    : NULL;

	if (at == NULL)
		return false;
	k->is_known[at - k->names.at] = true;
	return true;
}

/* A record belongs to an open folder when it stands behind that folder's own and lies
 * directly in it. */
static enum err know_record(void *ctx, const struct entry *e, const char *name)
{
	struct knowing *k = ctx;
	const unsigned depth = depth_of(k->chain, e->path);
	const size_t parent = e->path.n - filename_last(e->path).n;
	const size_t above = depth > 0 ? k->chain->v[depth - 1].path_n + 1 : 0;

	k->number++;
	if (parent == above && (depth == 0 || k->number > k->chain->v[depth - 1].number))
		know(&k->v[depth], name);
	return ERR_OK;
}

static enum err list_levels(struct sink *s, struct knowing *k)
{
	enum err e = ERR_OK;

	for (; k->n < s->n_levels && e == ERR_OK; k->n++) {
		struct known *v = &k->v[k->n];
		const int fd = beneath_open(port(s), s->levels[k->n].fd, ".",
					    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
		if (fd < 0)
			return file_port_err(fd);
		e = names_read(port(s), fd, &v->names);
		beneath_close(port(s), fd);
		v->is_known = mem_new(v->names.n + 1);
	}
	return e;
}

/* What came after the last commit would be in the way of what comes now. */
static enum err remove_unknown(struct sink *s, const struct knowing *k)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < k->n; i++) {
		const struct known *v = &k->v[i];
		for (size_t j = 0; j < v->names.n && e == ERR_OK; j++) {
			if (!v->is_known[j])
				e = beneath_remove(port(s), s->levels[i].fd,
						   names_get(&v->names, j));
		}
	}
	return e;
}

static enum err tidy(struct sink *s, const struct chain *c, const struct journal_mark *m)
{
	struct knowing *k = mem_new(sizeof(*k));
	enum err e;

	k->chain = c;
	e = list_levels(s, k);
	if (e == ERR_OK)
		e = journal_replay(s->journal, know_record, k);
	if (e == ERR_OK && m->bytes > 0)
		e = know_record(k, &m->current, m->name);
	if (e == ERR_OK)
		e = remove_unknown(s, k);
	for (unsigned i = 0; i < k->n; i++) {
		names_wipe(&k->v[i].names);
		mem_free(k->v[i].is_known);
	}
	mem_free(k);
	return e;
}

/* It must be the file that we made, and have what was safe. */
static enum err check_file(const struct sink *s, uint64_t bytes)
{
	struct stat st;
	const int r = port(s)->fstat(port(s)->ctx, s->file.fd, &st);

	if (r < 0)
		return file_port_err(r);
	return S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 &&
			       (uint64_t)st.st_size >= bytes
		       ? ERR_OK
		       : ERR_CORRUPT;
}

static enum err reopen_file(struct sink *s, const struct journal_mark *m)
{
	struct sink_file *f = &s->file;
	enum err e = sink_go_to_parent(s, m->current.path);
	int fd;

	if (e != ERR_OK)
		return e == ERR_PROTO ? ERR_CORRUPT : e;
	fd = beneath_open(port(s), s->levels[s->n_levels - 1].fd, m->name,
			  O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ELOOP || fd == -EISDIR || fd == -ENXIO
			       ? ERR_CORRUPT
			       : file_port_err(fd);
	*f = (struct sink_file){.is_open = true,
				.fd = fd,
				.entry = m->current,
				.at = m->bytes,
				.written = m->bytes,
				.is_safe_begun = true,
				.is_awaited = true,
				.before = s->content};
	memcpy(f->name, m->name, sizeof(f->name));
	e = buf_add(&s->file_path, m->current.path);
	f->entry.path = buf_slice(&s->file_path);
	if (e == ERR_OK)
		e = check_file(s, m->bytes);
	if (e == ERR_OK)
		e = file_port_truncate(port(s), fd, m->bytes);
	return e;
}

/* Folders, file and counts as at the last commit. */
static enum err restore(struct sink *s, const struct journal_mark *m, const char **why)
{
	struct chain *c = mem_new(sizeof(*c));
	enum err e;

	c->s = s;
	buf_init(&c->path, FILENAME_PATH_MAX_BYTES);
	e = journal_replay(s->journal, follow, c);
	if (e == ERR_OK && (c->entries != m->entries || c->total > m->total ||
			    m->total - c->total < m->bytes))
		e = ERR_CORRUPT;
	*why = "the journal's log is damaged";
	if (e == ERR_OK) {
		s->entries = m->entries;
		s->total = m->total - m->bytes;
		s->content = m->content;
		*why = "what it says is safe is not there";
		e = reenter_all(s, c);
	}
	if (e == ERR_OK)
		e = tidy(s, c, m);
	if (e == ERR_OK && m->bytes > 0)
		e = reopen_file(s, m);
	buf_wipe(&c->path);
	mem_free(c);
	return e;
}

static enum err open_journal(struct sink *s, struct journal_mark *m, const char **why)
{
	struct journal_head head;
	enum err e = journal_open(port(s), s->stage.work, &s->journal, &head, m, why);

	if (e != ERR_OK)
		return e;
	if (!id16_eq(&head.xfer, &s->cfg.xfer)) {
		*why = "the journal is that of another transfer";
		return ERR_CORRUPT;
	}
	s->cfg.peer = head.peer;
	s->cfg.note = head.note;
	s->cfg.has_digest = head.has_digest;
	s->cfg.keeps_x = head.keeps_x;
	s->cfg.keeps_dots = head.keeps_dots;
	s->cfg.policy = (enum sink_policy)m->policy;
	return ERR_OK;
}

/* From the journal's last word; *why is set with ERR_CORRUPT. */
static enum err resume(struct sink *s, struct entry_place *place, const char **why)
{
	struct journal_mark m;
	enum err e = open_journal(s, &m, why);

	if (e != ERR_OK)
		return e;
	if (m.step != JOURNAL_RECEIVING)
		return ERR_USAGE;
	if (s->stage.tree < 0) {
		*why = "what it says is safe is not there";
		return ERR_CORRUPT;
	}
	s->levels[s->n_levels++] = (struct sink_level){.fd = s->stage.tree};
	e = restore(s, &m, why);
	if (e != ERR_OK)
		return e;
	*place = (struct entry_place){.entries = m.entries, .bytes = m.bytes};
	journal_digest(s->journal, m.bytes > 0 ? &m.current : NULL, place->digest);
	return ERR_OK;
}

enum err sink_resume(const struct sink_config *cfg, struct sink **out,
		     struct entry_place *place, struct mishap *why)
{
	struct sink *s = sink_alloc(cfg);
	const char *text = NULL;
	enum err e = stage_open(cfg->port, cfg->dir, &cfg->xfer, &s->stage);

	*out = NULL;
	if (e == ERR_OK)
		e = resume(s, place, &text);
	if (e == ERR_OK) {
		*out = s;
		return ERR_OK;
	}
	if (e != ERR_MISSING)
		mishap_set(why, e, (struct slice){0}, e == ERR_CORRUPT ? text : NULL);
	if (e == ERR_CORRUPT)
		sink_remove(s);
	else
		sink_free(s);
	return e;
}

/* What was being finished is finished now. */
static enum err finish(struct sink *s, struct journal_mark *m, struct sink_found *found)
{
	const struct stage_target to = {.policy = found->policy,
					.on_placed = s->cfg.on_placed,
					.ctx = s->cfg.ctx};
	enum err e;

	found->state = SINK_DONE;
	if (m->step == JOURNAL_DONE)
		return ERR_OK;
	e = stage_place(&s->stage, &to, s->clash);
	if (e == ERR_EXISTS) {
		found->state = SINK_CLASH;
		return ERR_OK;
	}
	/* What has its name is safe before the journal says so: stage_place syncs. */
	if (e != ERR_OK)
		return e;
	m->step = JOURNAL_DONE;
	return journal_commit(s->journal, m);
}

static enum err examine(struct sink *s, struct journal_mark *m, struct sink_found *found)
{
	const enum err e = open_journal(s, m, &found->why);

	found->peer = s->cfg.peer;
	found->note = s->cfg.note;
	found->policy = s->cfg.policy;
	if (e == ERR_CORRUPT) {
		found->state = SINK_DAMAGED;
		return ERR_OK;
	}
	if (e != ERR_OK)
		return e;
	found->bytes = m->total;
	found->place = (struct entry_place){.entries = m->entries, .bytes = m->bytes};
	found->state = SINK_RECEIVING;
	return m->step == JOURNAL_RECEIVING ? ERR_OK : finish(s, m, found);
}

/* Takes s. */
static enum err settle(struct sink *s,
		       enum sink_answer (*on_found)(void *ctx, struct sink_found *f))
{
	struct sink_found found = {.xfer = s->cfg.xfer};
	struct journal_mark m;
	enum err e = examine(s, &m, &found);
	enum sink_answer answer = SINK_KEEP;

	if (e == ERR_OK)
		answer = on_found(s->cfg.ctx, &found);
	if (e == ERR_OK && answer == SINK_AGAIN && found.state == SINK_CLASH) {
		m.policy = (uint8_t)found.policy;
		e = finish(s, &m, &found);
		if (e == ERR_OK)
			answer = on_found(s->cfg.ctx, &found);
	}
	if (e == ERR_OK && answer == SINK_REMOVE)
		return sink_remove(s);
	sink_free(s);
	return e;
}

static enum err recover_one(const struct sink_config *cfg, const struct id16 *xfer,
			    enum sink_answer (*on_found)(void *ctx, struct sink_found *f))
{
	struct sink_config own = {.port = cfg->port,
				  .dir = cfg->dir,
				  .xfer = *xfer,
				  .mask = cfg->mask,
				  .on_placed = cfg->on_placed,
				  .ctx = cfg->ctx};
	struct sink *s = sink_alloc(&own);
	const enum err e = stage_open(cfg->port, cfg->dir, xfer, &s->stage);

	if (e == ERR_OK)
		return settle(s, on_found);
	sink_free(s);
	return e == ERR_PERM || e == ERR_MISSING ? ERR_OK : e;
}

enum err sink_recover(const struct sink_config *cfg,
		      enum sink_answer (*on_found)(void *ctx, struct sink_found *found))
{
	const int fd = beneath_open(cfg->port, cfg->dir, ".",
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	struct names names = {0};
	struct id16 xfer;
	enum err first = fd < 0 ? file_port_err(fd) : names_read(cfg->port, fd, &names);

	beneath_close(cfg->port, fd);
	for (size_t i = 0; i < names.n; i++) {
		if (!stage_parse(names_get(&names, i), &xfer))
			continue;
		const enum err e = recover_one(cfg, &xfer, on_found);
		if (first == ERR_OK)
			first = e;
	}
	names_wipe(&names);
	return first;
}
