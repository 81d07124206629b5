#include "files/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "files/walk.h"

enum {
	AGAIN_MAX = 3,
	ADVISE_BYTES = 1 << 20,
	SEEK_BUF_BYTES = 1 << 18,
	STREAM_MS = 1000
};

/* What the next call begins with. */
enum source_phase { PHASE_NODE, PHASE_CONTENT, PHASE_STREAM, PHASE_END };

struct source {
	struct source_config cfg;
	enum source_phase phase;
	enum err failed; /* said again by every call */
	struct mishap why;
	struct walk *walk;
	bool is_one_file; /* which cannot be sent twice under one number */

	/* The file that is being read. */
	struct walk_node node;
	uint64_t at, size;
	uint64_t data_end; /* to here it is data, as far as is known */
	unsigned again;
	struct digest before; /* of the content before it */

	uint64_t entries, bytes;
	struct digest digest;
	uint64_t stop_at; /* while seeking: not beyond this byte of the file */
	bool owes_entry; /* that of the file it went into, before its bytes */
};

const char *source_skip_str(enum source_skip why)
{
	static const char *const texts[] = {
#define X(name, text) [SOURCE_SKIP_##name] = text,
		SOURCE_SKIP_TABLE(X)
#undef X
	};

	return texts[why];
}

static const struct file_port *port(const struct source *s)
{
	return s->cfg.port;
}

/* The paths must be there before anything is offered. */
static enum err check_paths(const struct source_config *cfg, bool *is_file,
			    struct mishap *why)
{
	struct stat st;

	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct slice path = slice_str(cfg->paths[i]);
		/* A symlink to a folder with a slash behind it is judged by the walk. */
		const int r =
			cfg->port->fstatat(cfg->port->ctx, cfg->dir, cfg->paths[i], &st);
		if (r < 0 || path.n == 0)
			return mishap_set(why, path.n == 0 ? ERR_USAGE : file_port_err(r),
					  path, NULL);
		if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
			return mishap_set(why, ERR_USAGE, path,
					  "only files and folders can be sent");
		*is_file = S_ISREG(st.st_mode);
	}
	return ERR_OK;
}

enum err source_new(const struct source_config *cfg, struct source **out,
		    struct mishap *why)
{
	bool is_file = false;
	const enum err e = check_paths(cfg, &is_file, why);
	struct source *s;

	*out = NULL;
	if (e != ERR_OK)
		return e;
	s = mem_new(sizeof(*s));
	s->cfg = *cfg;
	s->is_one_file = cfg->n_paths == 1 && is_file;
	s->node.fd = -1;
	s->stop_at = UINT64_MAX;
	s->walk = walk_new(&s->cfg, false);
	digest_init(&s->digest, NULL);
	*out = s;
	return ERR_OK;
}

static void close_file(struct source *s)
{
	if (s->node.fd >= 0)
		port(s)->close(port(s)->ctx, s->node.fd);
	s->node.fd = -1;
}

void source_free(struct source *s)
{
	if (s == NULL)
		return;
	close_file(s);
	walk_free(s->walk);
	mem_free(s);
}

const struct mishap *source_mishap(const struct source *s)
{
	return &s->why;
}

static enum err fail(struct source *s, enum err e, const char *why)
{
	s->failed = e;
	return mishap_set(&s->why, e, s->node.raw, why);
}

static enum err changed(struct source *s, const char *why)
{
	s->failed = mishap_changed(&s->why, s->node.raw, why);
	return s->failed;
}

static void digest_slice(struct source *s, struct slice bytes)
{
	if (s->cfg.has_digest)
		digest_add(&s->digest, bytes);
}

static int64_t mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static struct entry entry_of(const struct walk_node *node)
{
	return (struct entry){
		.path = node->path,
		.kind = node->is_folder ? ENTRY_FOLDER : ENTRY_FILE,
		.has_size = !node->is_folder,
		.size = node->is_folder ? 0 : (uint64_t)node->st.st_size,
		.mtime_ns = mtime_of(&node->st),
		.mode = !node->is_folder && (node->st.st_mode & S_IXUSR) ? ENTRY_MODE_X
									 : 0,
	};
}

/* From `at` on, nothing being known of its holes. */
static void begin_file(struct source *s, uint64_t at)
{
	const bool is_sparse =
		(uint64_t)s->node.st.st_blocks * 512 < (uint64_t)s->node.st.st_size;

	s->size = (uint64_t)s->node.st.st_size;
	s->at = at;
	s->data_end = is_sparse ? at : s->size;
	s->phase = PHASE_CONTENT;
	if (s->size >= ADVISE_BYTES)
		port(s)->fadvise(port(s)->ctx, s->node.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

static void put_entry(struct source *s, struct source_out *out)
{
	out->what = SOURCE_ENTRY;
	out->entry = entry_of(&s->node);
	if (!s->node.is_folder)
		begin_file(s, 0);
}

static enum err on_node(struct source *s, struct source_out *out)
{
	const enum err e = walk_next(s->walk, &s->node, &s->why);

	if (e == ERR_MISSING) {
		s->phase = PHASE_END;
		return ERR_WAIT;
	}
	if (e != ERR_OK) {
		s->node = (struct walk_node){.fd = -1};
		return fail(s, e, NULL);
	}
	s->before = s->digest;
	s->again = 0;
	put_entry(s, out);
	s->entries += s->node.is_folder;
	return ERR_OK;
}

/* It is not what it was when it was opened: from its beginning, under the same number. */
static enum err send_again(struct source *s, struct source_out *out)
{
	enum err e;

	if (s->is_one_file)
		return changed(s, "it was changed while it was sent");
	if (s->again++ == AGAIN_MAX)
		return changed(s, "it changes all the time");
	s->bytes -= s->at;
	s->digest = s->before;
	close_file(s);
	e = walk_open_again(s->walk, &s->node);
	if (e == ERR_MISSING)
		return changed(s, "it is gone since it was sent");
	if (e != ERR_OK)
		return fail(s, e, NULL);
	put_entry(s, out);
	out->is_again = true;
	return ERR_OK;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_ino == b->st_ino &&
	       a->st_dev == b->st_dev && is_same_time(a->st_mtim, b->st_mtim) &&
	       is_same_time(a->st_ctim, b->st_ctim);
}

static enum err end_file(struct source *s, struct source_out *out)
{
	struct stat now;
	const int r = port(s)->fstat(port(s)->ctx, s->node.fd, &now);

	if (r < 0)
		return fail(s, file_port_err(r), NULL);
	if (!is_same(&now, &s->node.st))
		return send_again(s, out);
	close_file(s);
	s->entries++;
	s->phase = PHASE_NODE;
	return ERR_WAIT;
}

/* Where the next data begins and ends; a file system that does not know has data only. */
static enum err find_data(struct source *s, uint64_t *begin)
{
	const struct file_port *p = port(s);
	int64_t r = p->lseek(p->ctx, s->node.fd, (int64_t)s->at, SEEK_DATA);

	*begin = s->at;
	s->data_end = s->size;
	if (r == -ENXIO) {
		*begin = s->size;
		return ERR_OK;
	}
	if (r == -EINVAL || r == -EOPNOTSUPP)
		return ERR_OK;
	if (r < 0)
		return file_port_err(r);
	*begin = (uint64_t)r < s->size ? (uint64_t)r : s->size;
	r = p->lseek(p->ctx, s->node.fd, (int64_t)*begin, SEEK_HOLE);
	/* ENXIO: it has become shorter, which reading will find. */
	if (r < 0)
		return r == -ENXIO ? ERR_OK : file_port_err(r);
	s->data_end = (uint64_t)r < s->size ? (uint64_t)r : s->size;
	return ERR_OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void advance(struct source *s, uint64_t n)
{
	s->at += n;
	s->bytes += n;
}

static void put_hole(struct source *s, uint64_t n, struct source_out *out)
{
	out->what = SOURCE_HOLE;
	out->hole = n;
	if (s->cfg.has_digest)
		digest_zeros(&s->digest, n);
	advance(s, n);
}

static enum err read_file(struct source *s, uint8_t *buf, size_t room,
			  struct source_out *out)
{
	const uint64_t left = least(s->data_end, s->stop_at) - s->at;
	enum err e;

	e = file_port_read_at(port(s), s->node.fd, buf, (size_t)least(room, left),
			      (int64_t)s->at, &out->n);
	if (e != ERR_OK)
		return fail(s, e, NULL);
	if (out->n == 0)
		return send_again(s, out);
	out->what = SOURCE_BYTES;
	digest_slice(s, slice_of(buf, out->n));
	advance(s, out->n);
	return ERR_OK;
}

static enum err on_content(struct source *s, uint8_t *buf, size_t room,
			   struct source_out *out)
{
	uint64_t begin = s->at;

	if (s->owes_entry) {
		s->owes_entry = false;
		out->what = SOURCE_ENTRY;
		out->entry = entry_of(&s->node);
		return ERR_OK;
	}
	if (s->at == s->size)
		return end_file(s, out);
	if (s->at == s->data_end) {
		const enum err e = find_data(s, &begin);
		if (e != ERR_OK)
			return fail(s, e, NULL);
	}
	if (begin > s->at) {
		/* What follows the hole is looked for again unless it begins there. */
		if (begin > s->stop_at)
			s->data_end = begin = s->stop_at;
		put_hole(s, begin - s->at, out);
		return ERR_OK;
	}
	return read_file(s, buf, room, out);
}

/* A pipe may stay silent for long, and the connection must not. */
static enum err read_stream(struct source *s, uint8_t *buf, size_t room,
			    struct source_out *out)
{
	struct pollfd p = {.fd = s->cfg.stream, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, STREAM_MS) <= 0)
		return ERR_WAIT;
	n = port(s)->read(port(s)->ctx, s->cfg.stream, buf, room);
	if (n == -EINTR || n == -EAGAIN)
		return ERR_WAIT;
	if (n < 0)
		return fail(s, file_port_err(n), NULL);
	if (n == 0) {
		s->entries++;
		s->phase = PHASE_END;
		return ERR_OK;
	}
	out->what = SOURCE_BYTES;
	out->n = (size_t)n;
	digest_slice(s, slice_of(buf, out->n));
	advance(s, out->n);
	return ERR_OK;
}

static enum err begin_stream(struct source *s, struct source_out *out)
{
	out->what = SOURCE_ENTRY;
	out->entry =
		(struct entry){.path = slice_str(s->cfg.stream_name), .kind = ENTRY_FILE};
	s->phase = PHASE_STREAM;
	return ERR_OK;
}

static enum err on_end(struct source *s, struct source_out *out)
{
	out->what = SOURCE_END;
	out->entries = s->entries;
	out->bytes = s->bytes;
	out->has_digest = s->cfg.has_digest;
	if (out->has_digest)
		digest_get(&s->digest, out->digest);
	return ERR_OK;
}

/* ERR_WAIT: nothing to give out yet, the phase has changed. */
static enum err step(struct source *s, uint8_t *buf, size_t room, struct source_out *out)
{
	if (s->phase == PHASE_CONTENT)
		return on_content(s, buf, room, out);
	if (s->phase == PHASE_END)
		return on_end(s, out);
	return s->cfg.n_paths == 0 ? begin_stream(s, out) : on_node(s, out);
}

static bool is_stopped(const struct source *s)
{
	return s->cfg.is_stopped != NULL && atomic_load(s->cfg.is_stopped);
}

enum err source_next(struct source *s, uint8_t *buf, size_t room, struct source_out *out)
{
	enum err e = s->failed;

	*out = (struct source_out){.what = SOURCE_END};
	if (e != ERR_OK)
		return e;
	if (is_stopped(s))
		return ERR_TIMEOUT;
	if (s->phase == PHASE_STREAM) {
		e = read_stream(s, buf, room, out);
		if (e != ERR_OK || s->phase == PHASE_STREAM)
			return e;
	}
	do
		e = step(s, buf, room, out);
	while (e == ERR_WAIT);
	return e;
}

/* Over whole entries without reading them. */
static enum err skip_entries(struct source *s, uint64_t n, struct digest *metadata)
{
	struct source_out out = {.what = SOURCE_END};
	enum err e = ERR_OK;

	while (s->entries < n && e == ERR_OK) {
		e = on_node(s, &out);
		if (e != ERR_OK)
			break;
		entry_digest_add(metadata, &out.entry);
		if (s->node.is_folder)
			continue;
		advance(s, s->size);
		close_file(s);
		s->entries++;
		s->phase = PHASE_NODE;
	}
	return e;
}

static enum err skip_bytes(struct source *s, uint64_t bytes, struct digest *metadata)
{
	struct source_out out = {.what = SOURCE_END};
	enum err e = ERR_OK;

	if (bytes > 0)
		e = on_node(s, &out);
	if (bytes == 0 || e != ERR_OK)
		return e;
	if (s->node.is_folder || bytes > s->size)
		return changed(s, "it is not as long as what was sent of it");
	entry_digest_add(metadata, &out.entry);
	begin_file(s, bytes);
	s->bytes += bytes;
	return ERR_OK;
}

/* The same by reading, for the digest over the content. */
static enum err read_over(struct source *s, const struct entry_place *to,
			  struct digest *metadata)
{
	uint8_t *buf = mem_new(SEEK_BUF_BYTES);
	struct source_out out;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		out = (struct source_out){.what = SOURCE_BYTES};
		const bool is_inside = s->phase == PHASE_CONTENT;
		const bool is_last = s->entries == to->entries;
		if (is_last && to->bytes == (is_inside ? s->at : 0))
			break;
		s->stop_at = is_last && is_inside ? to->bytes : UINT64_MAX;
		if (is_last && is_inside && s->at >= s->size) {
			e = ERR_WAIT;
			break;
		}
		e = step(s, buf, SEEK_BUF_BYTES, &out);
		if (e == ERR_OK && out.what == SOURCE_ENTRY)
			entry_digest_add(metadata, &out.entry);
		if (e == ERR_OK && out.what == SOURCE_END)
			e = ERR_WAIT;
		else if (e == ERR_WAIT && s->phase != PHASE_END)
			e = ERR_OK;
	}
	s->stop_at = UINT64_MAX;
	mem_free(buf);
	return e;
}

enum err source_seek(struct source *s, const struct entry_place *place)
{
	struct digest metadata;
	uint8_t got[DIGEST_BYTES];
	enum err e;

	entry_digest_init(&metadata);
	if (s->cfg.n_paths == 0)
		return place->entries == 0 && place->bytes == 0
			       ? ERR_OK
			       : changed(s, "a stream cannot be gone on with");
	if (s->cfg.has_digest) {
		e = read_over(s, place, &metadata);
	} else {
		e = skip_entries(s, place->entries, &metadata);
		if (e == ERR_OK)
			e = skip_bytes(s, place->bytes, &metadata);
	}
	if (e == ERR_WAIT)
		return changed(s, "less is there than was sent");
	if (e != ERR_OK)
		return e;
	s->owes_entry = place->bytes > 0;
	digest_get(&metadata, got);
	if (memcmp(got, place->digest, sizeof(got)) != 0)
		return changed(s, "it was changed since it was sent");
	return ERR_OK;
}

enum err source_count(const struct source_config *cfg, struct source_totals *out,
		      struct mishap *why)
{
	struct walk_node node;
	struct walk *w;
	bool is_file;
	enum err e;

	*out = (struct source_totals){0};
	if (cfg->n_paths == 0)
		return ERR_USAGE;
	e = check_paths(cfg, &is_file, why);
	if (e != ERR_OK)
		return e;
	w = walk_new(cfg, true);
	while ((e = walk_next(w, &node, why)) == ERR_OK) {
		out->entries++;
		out->bytes += node.is_folder ? 0 : (uint64_t)node.st.st_size;
	}
	walk_free(w);
	return e == ERR_MISSING ? ERR_OK : e;
}
