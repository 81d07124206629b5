#include "files/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "files/filename.h"
#include "files/ignore.h"
#include "files/names.h"

enum { RAW_MAX = 2 * FILENAME_PATH_MAX_BYTES, TOP_KEY_BYTES = 16, TOP_TRIES = 100000 };

/* A folder that is being gone through. */
struct level {
	int fd;
	struct names names;
	size_t next;
	size_t raw_n, path_n; /* of the walk's two paths, this folder's part */
	struct ignore *rules; /* its .gitignore; NULL: none */
};

struct walk {
	const struct source_config *cfg;
	bool is_count;
	size_t next_root;
	struct map *tops; /* names that are given away, by hash */
	struct ignore *excludes;
	struct level levels[FILENAME_DEPTH_MAX];
	unsigned depth;
	int entering; /* a folder whose names are still to be read; -1: none */
	struct buf raw, path, last; /* last: the path of the node before */
	char *root; /* the path given, without slashes at its end */
};

struct walk *walk_new(const struct source_config *cfg, bool is_count)
{
	struct walk *w = mem_new(sizeof(*w));

	w->cfg = cfg;
	w->is_count = is_count;
	w->entering = -1;
	w->tops = map_new(TOP_KEY_BYTES);
	buf_init(&w->raw, RAW_MAX);
	buf_init(&w->path, FILENAME_PATH_MAX_BYTES);
	buf_init(&w->last, FILENAME_PATH_MAX_BYTES);
	if (cfg->n_excludes > 0)
		w->excludes = ignore_new();
	for (size_t i = 0; i < cfg->n_excludes; i++)
		ignore_add(w->excludes, slice_str(cfg->excludes[i]));
	return w;
}

static void leave(struct walk *w)
{
	struct level *l = &w->levels[--w->depth];

	w->cfg->port->close(w->cfg->port->ctx, l->fd);
	names_wipe(&l->names);
	ignore_free(l->rules);
}

void walk_free(struct walk *w)
{
	if (w == NULL)
		return;
	if (w->entering >= 0)
		w->cfg->port->close(w->cfg->port->ctx, w->entering);
	while (w->depth > 0)
		leave(w);
	map_free(w->tops);
	ignore_free(w->excludes);
	buf_wipe(&w->raw);
	buf_wipe(&w->path);
	buf_wipe(&w->last);
	mem_free(w->root);
	mem_free(w);
}

static void tell_skip(const struct walk *w, enum source_skip why)
{
	if (w->cfg->on_skip != NULL)
		w->cfg->on_skip(w->cfg->ctx, buf_slice(&w->raw), why);
}

/* What opening must not do: follow, wait for the other end of a FIFO, take a terminal. */
static int open_here(const struct walk *w, int dir, const char *name, int flags)
{
	const struct file_port *p = w->cfg->port;
	int fd;

	flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	do
		fd = p->openat(p->ctx, dir, name, flags, 0);
	while (fd == -EINTR);
	return fd;
}

/* Excludes count from the path given, a .gitignore from its own folder, the deepest first. */
static bool is_left_out(const struct walk *w, const char *name, bool is_folder)
{
	const struct slice raw = buf_slice(&w->raw);
	const size_t top = w->levels[0].raw_n + 1;

	if (ignore_match(w->excludes, slice_of(raw.p + top, raw.n - top), is_folder) ==
	    IGNORE_OUT)
		return true;
	if (!w->cfg->has_gitignore)
		return false;
	if (strcmp(name, ".git") == 0)
		return true;
	for (unsigned i = w->depth; i > 0; i--) {
		const struct level *l = &w->levels[i - 1];
		const size_t from = l->raw_n + 1;
		const enum ignore_says says = ignore_match(
			l->rules, slice_of(raw.p + from, raw.n - from), is_folder);
		if (says != IGNORE_NOTHING)
			return says == IGNORE_OUT;
	}
	return false;
}

static enum err read_rules(struct walk *w, struct level *l)
{
	const struct file_port *p = w->cfg->port;
	const int fd = open_here(w, l->fd, ".gitignore", 0);
	uint8_t *text;
	size_t n;
	enum err e;

	if (fd < 0)
		return ERR_OK;
	text = mem_new(IGNORE_FILE_MAX_BYTES);
	e = file_port_read_at(p, fd, text, IGNORE_FILE_MAX_BYTES, 0, &n);
	p->close(p->ctx, fd);
	if (e == ERR_OK) {
		l->rules = ignore_new();
		ignore_add(l->rules, slice_of(text, n));
	}
	mem_free(text);
	return e;
}

/* Into the folder that was given out last. */
static enum err enter(struct walk *w)
{
	struct level *l = &w->levels[w->depth];
	enum err e;

	*l = (struct level){
		.fd = w->entering, .raw_n = w->raw.len, .path_n = w->path.len};
	w->entering = -1;
	w->depth++;
	e = names_read(w->cfg->port, l->fd, &l->names);
	if (e == ERR_OK && w->cfg->has_gitignore)
		e = read_rules(w, l);
	return e;
}

/* Two names can become the same when bad bytes are replaced, and the same path twice would
 * mean that the file before is sent again. */
static enum err end_path(struct walk *w)
{
	enum err e = ERR_OK;

	if (slice_eq(buf_slice(&w->path), buf_slice(&w->last)))
		e = buf_add(&w->path, slice_str("\xef\xbf\xbd"));
	if (e != ERR_OK)
		return e;
	buf_clear(&w->last, SIZE_MAX);
	return buf_add(&w->last, buf_slice(&w->path));
}

/* The two paths of a name in the present folder; false: too long. */
static bool set_paths(struct walk *w, const char *name)
{
	const struct level *l = &w->levels[w->depth - 1];
	bool was_bad = false;

	buf_truncate(&w->raw, l->raw_n);
	buf_truncate(&w->path, l->path_n);
	if (buf_u8(&w->raw, '/') || buf_add(&w->raw, slice_str(name)))
		return false;
	if (buf_u8(&w->path, '/') ||
	    filename_to_wire(slice_str(name), &w->path, &was_bad) || end_path(w)) {
		tell_skip(w, SOURCE_SKIP_TOO_LONG);
		return false;
	}
	if (was_bad)
		tell_skip(w, SOURCE_SKIP_RENAMED);
	return true;
}

/* What a look or an opening gave: OK, MISSING (told and passed over) or the disk's error. */
static enum err judge(struct walk *w, int64_t result)
{
	if (result >= 0)
		return ERR_OK;
	if (result == -ELOOP)
		tell_skip(w, SOURCE_SKIP_SYMLINK);
	else if (result == -EACCES || result == -EPERM || result == -ENOENT)
		tell_skip(w, SOURCE_SKIP_UNREADABLE);
	else
		return result == -ENOTDIR || result == -ENXIO ? ERR_MISSING
							      : file_port_err(result);
	return ERR_MISSING;
}

static enum err judge_kind(struct walk *w, const struct stat *st)
{
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		return ERR_OK;
	tell_skip(w, S_ISLNK(st->st_mode) ? SOURCE_SKIP_SYMLINK : SOURCE_SKIP_SPECIAL);
	return ERR_MISSING;
}

/* Opens what stands in node->dir and name; a folder is kept for the next call. */
static enum err open_node(struct walk *w, struct walk_node *node)
{
	const struct file_port *p = w->cfg->port;
	int fd;
	enum err e;

	node->fd = -1;
	if (w->is_count && !node->is_folder) {
		e = judge(w, p->fstatat(p->ctx, node->dir, node->name, &node->st));
		return e == ERR_OK ? judge_kind(w, &node->st) : e;
	}
	fd = open_here(w, node->dir, node->name, node->is_folder ? O_DIRECTORY : 0);
	e = judge(w, fd);
	if (e == ERR_OK)
		e = file_port_err(p->fstat(p->ctx, fd, &node->st));
	if (e == ERR_OK)
		e = judge_kind(w, &node->st);
	if (e == ERR_OK && S_ISDIR(node->st.st_mode) != node->is_folder)
		e = ERR_MISSING;
	if (e != ERR_OK) {
		if (fd >= 0)
			p->close(p->ctx, fd);
		return e;
	}
	*(node->is_folder ? &w->entering : &node->fd) = fd;
	return ERR_OK;
}

static enum err kind_of(struct walk *w, const struct level *l, size_t i,
			struct walk_node *node)
{
	const struct file_port *p = w->cfg->port;
	const uint8_t type = names_type(&l->names, i);
	enum err e;

	node->is_folder = type == DT_DIR;
	if (type == DT_DIR || type == DT_REG)
		return ERR_OK;
	e = judge(w, p->fstatat(p->ctx, l->fd, names_get(&l->names, i), &node->st));
	if (e == ERR_OK)
		e = judge_kind(w, &node->st);
	node->is_folder = e == ERR_OK && S_ISDIR(node->st.st_mode);
	return e;
}

/* The next name of the present folder; ERR_MISSING: it is passed over. */
static enum err try_name(struct walk *w, struct walk_node *node)
{
	struct level *l = &w->levels[w->depth - 1];
	const size_t i = l->next++;
	const char *name = names_get(&l->names, i);
	enum err e;

	if (!set_paths(w, name))
		return ERR_MISSING;
	*node = (struct walk_node){.dir = l->fd, .name = name, .fd = -1};
	e = kind_of(w, l, i, node);
	if (e != ERR_OK)
		return e;
	if (is_left_out(w, name, node->is_folder))
		return ERR_MISSING;
	if (w->depth == FILENAME_DEPTH_MAX) {
		tell_skip(w, SOURCE_SKIP_TOO_DEEP);
		return ERR_MISSING;
	}
	return open_node(w, node);
}

/* `.` and `/` have names too. */
static void add_last_of(struct walk *w, int fd, struct buf *out)
{
	char link[40], target[PATH_MAX];
	ssize_t n;

	(void)w;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target));
	if (n > 1)
		buf_add(out, filename_last(slice_of(target, (size_t)n)));
	if (out->len == 0)
		buf_add(out, slice_str("root"));
}

/* The name that a path given has on the other side: its own, or with a number. */
static enum err name_root(struct walk *w, struct slice last, bool is_folder)
{
	uint8_t key[TOP_KEY_BYTES];
	char plain[FILENAME_ROOM], name[FILENAME_ROOM];
	bool was_bad = false;

	buf_clear(&w->path, SIZE_MAX);
	if (filename_to_wire(last, &w->path, &was_bad))
		return ERR_LIMIT;
	if (was_bad)
		tell_skip(w, SOURCE_SKIP_RENAMED);
	hash_one("p2pmsg-srcnames1", buf_slice(&w->path), key, sizeof(key));
	if (map_put(w->tops, key, w) == NULL)
		return ERR_OK;
	if (filename_clean(buf_slice(&w->path), true, plain))
		return ERR_USAGE;
	for (unsigned n = 2; n < TOP_TRIES; n++) {
		filename_numbered(plain, n, is_folder, name);
		hash_one("p2pmsg-srcnames1", slice_str(name), key, sizeof(key));
		if (map_put(w->tops, key, w) != NULL)
			continue;
		buf_clear(&w->path, SIZE_MAX);
		return buf_add(&w->path, slice_str(name));
	}
	return ERR_LIMIT;
}

static enum err root_names(struct walk *w, const struct walk_node *node)
{
	struct slice last = filename_last(slice_str(w->root));
	struct buf own;
	enum err e;

	buf_init(&own, PATH_MAX);
	if (node->is_folder && w->entering >= 0 &&
	    (last.n == 0 || slice_eq(last, slice_str(".")) ||
	     slice_eq(last, slice_str("..")))) {
		add_last_of(w, w->entering, &own);
		last = buf_slice(&own);
	}
	e = name_root(w, last, node->is_folder);
	buf_wipe(&own);
	if (e != ERR_OK)
		return e;
	buf_clear(&w->last, SIZE_MAX);
	return buf_add(&w->last, buf_slice(&w->path));
}

static void take_root(struct walk *w)
{
	const char *path = w->cfg->paths[w->next_root++];
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	mem_free(w->root);
	w->root = mem_strndup(path, n);
	buf_clear(&w->raw, SIZE_MAX);
}

/* The next of the paths given: that one must be there. */
static enum err next_root(struct walk *w, struct walk_node *node, struct mishap *why)
{
	const struct file_port *p = w->cfg->port;
	enum err e;

	take_root(w);
	*node = (struct walk_node){.dir = w->cfg->dir, .name = w->root, .fd = -1};
	e = buf_add(&w->raw, slice_str(w->root));
	if (e == ERR_OK)
		e = file_port_err(p->fstatat(p->ctx, node->dir, w->root, &node->st));
	if (e != ERR_OK)
		return mishap_set(why, e, slice_str(w->root), NULL);
	if (judge_kind(w, &node->st) != ERR_OK)
		return mishap_set(why, ERR_USAGE, slice_str(w->root),
				  "only files and folders can be sent; a symbolic link "
				  "has to be replaced by what it points to");
	node->is_folder = S_ISDIR(node->st.st_mode);
	e = open_node(w, node);
	if (e == ERR_OK)
		e = root_names(w, node);
	if (e != ERR_OK) {
		if (node->fd >= 0)
			p->close(p->ctx, node->fd);
		return mishap_set(why, e == ERR_MISSING ? ERR_PERM : e,
				  slice_str(w->root), NULL);
	}
	return ERR_OK;
}

static enum err step(struct walk *w, struct walk_node *out, struct mishap *why)
{
	enum err e = ERR_MISSING;

	while (e == ERR_MISSING) {
		if (w->cfg->is_stopped != NULL && atomic_load(w->cfg->is_stopped))
			return ERR_TIMEOUT;
		if (w->entering >= 0) {
			e = enter(w);
			if (e != ERR_OK)
				break;
			e = ERR_MISSING;
		} else if (w->depth > 0 && w->levels[w->depth - 1].next ==
						   w->levels[w->depth - 1].names.n) {
			leave(w);
		} else if (w->depth > 0) {
			e = try_name(w, out);
		} else if (w->next_root < w->cfg->n_paths) {
			return next_root(w, out, why);
		} else {
			return ERR_MISSING;
		}
	}
	return e == ERR_OK ? e : mishap_set(why, e, buf_slice(&w->raw), NULL);
}

enum err walk_next(struct walk *w, struct walk_node *out, struct mishap *why)
{
	const enum err e = step(w, out, why);

	if (e != ERR_OK)
		return e;
	out->path = buf_slice(&w->path);
	out->raw = buf_slice(&w->raw);
	return ERR_OK;
}

enum err walk_open_again(struct walk *w, struct walk_node *node)
{
	return open_node(w, node);
}
