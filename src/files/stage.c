#include "files/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files/beneath.h"
#include "files/filename.h"
#include "files/names.h"

static const char tree_name[] = "tree";
static const char *const journal_names[] = {"journal", "log"};

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

static void set_name(struct stage *st, const struct id16 *xfer)
{
	memcpy(st->name, STAGE_PREFIX, sizeof(STAGE_PREFIX));
	hex_encode(slice_of(xfer->b, sizeof(xfer->b)),
		   st->name + sizeof(STAGE_PREFIX) - 1);
}

bool stage_parse(const char *name, struct id16 *xfer)
{
	const size_t prefix = sizeof(STAGE_PREFIX) - 1;
	char again[2 * sizeof(xfer->b) + 1];

	if (strncmp(name, STAGE_PREFIX, prefix) != 0 ||
	    hex_decode(slice_str(name + prefix), xfer->b, sizeof(xfer->b)) != ERR_OK)
		return false;
	hex_encode(slice_of(xfer->b, sizeof(xfer->b)), again);
	return strcmp(again, name + prefix) == 0;
}

static struct stage closed(const struct file_port *port, int dir, const struct id16 *xfer)
{
	struct stage st = {.port = port, .dir = dir, .work = -1, .tree = -1};

	set_name(&st, xfer);
	return st;
}

void stage_close(struct stage *st)
{
	beneath_close(st->port, st->tree);
	beneath_close(st->port, st->work);
	st->tree = st->work = -1;
}

enum err stage_make(const struct file_port *port, int dir, const struct id16 *xfer,
		    struct stage *out)
{
	*out = closed(port, dir, xfer);
	out->work = beneath_make_folder(port, dir, out->name);
	if (out->work < 0)
		return file_port_err(out->work);
	out->tree = beneath_make_folder(port, out->work, tree_name);
	if (out->tree < 0) {
		const enum err e = file_port_err(out->tree);
		stage_remove(out);
		return e;
	}
	return ERR_OK;
}

static enum err check_ours(const struct stage *st)
{
	struct stat s;
	const int r = st->port->fstat(st->port->ctx, st->work, &s);

	if (r < 0)
		return file_port_err(r);
	return s.st_uid == geteuid() && (s.st_mode & 0077) == 0 ? ERR_OK : ERR_PERM;
}

enum err stage_open(const struct file_port *port, int dir, const struct id16 *xfer,
		    struct stage *out)
{
	enum err e;

	*out = closed(port, dir, xfer);
	out->work = beneath_open(port, dir, out->name, FOLDER_FLAGS, 0);
	if (out->work == -ELOOP || out->work == -ENOTDIR)
		return ERR_PERM;
	if (out->work < 0)
		return file_port_err(out->work);
	e = check_ours(out);
	if (e == ERR_OK) {
		out->tree = beneath_open(port, out->work, tree_name, FOLDER_FLAGS, 0);
		if (out->tree < 0 && out->tree != -ENOENT && out->tree != -ELOOP &&
		    out->tree != -ENOTDIR)
			e = file_port_err(out->tree);
	}
	if (e != ERR_OK)
		stage_close(out);
	return e;
}

enum err stage_remove(struct stage *st)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < 2 && e == ERR_OK && st->work >= 0; i++)
		e = beneath_remove(st->port, st->work, journal_names[i]);
	stage_close(st);
	return e == ERR_OK ? beneath_remove(st->port, st->dir, st->name) : e;
}

/* One thing that is to get a name. */
struct placing {
	const struct file_port *port;
	const struct stage_target *to;
	int from_dir, to_dir;
	const char *name;
	mode_t kind; /* of ours */
	char final[FILENAME_ROOM];
	bool is_placed; /* else: what was there stays */
};

static int rename_again(const struct placing *g, const char *to, unsigned flags)
{
	const struct file_port *p = g->port;
	int r;

	do
		r = p->renameat2(p->ctx, g->from_dir, g->name, g->to_dir, to, flags);
	while (r == -EINTR);
	return r;
}

/* Where the file system cannot rename without replacing: takes the name with something empty
 * that only we can have made, and renames over it. */
static int rename_over_empty(const struct placing *g, const char *to)
{
	const struct file_port *p = g->port;
	int r;

	if (S_ISDIR(g->kind)) {
		r = p->mkdirat(p->ctx, g->to_dir, to, 0700);
	} else {
		r = p->linkat(p->ctx, g->from_dir, g->name, g->to_dir, to);
		if (r == 0)
			return p->unlinkat(p->ctx, g->from_dir, g->name, 0);
		if (r != -EEXIST)
			r = beneath_open(p, g->to_dir, to,
					 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (r >= 0)
			beneath_close(p, r);
	}
	return r < 0 ? r : rename_again(g, to, 0);
}

static int rename_new(const struct placing *g, const char *to)
{
	const int r = rename_again(g, to, RENAME_NOREPLACE);

	return r == -EINVAL || r == -ENOSYS ? rename_over_empty(g, to) : r;
}

static void set_final(struct placing *g, const char *name)
{
	snprintf(g->final, sizeof(g->final), "%s", name);
	g->is_placed = true;
}

static enum err place_numbered(struct placing *g)
{
	const unsigned max = 10000;
	char name[FILENAME_ROOM];
	int r = -EEXIST;

	for (unsigned n = 2; n < max && r == -EEXIST; n++) {
		filename_numbered(g->name, n, S_ISDIR(g->kind), name);
		r = rename_new(g, name);
	}
	if (r == 0)
		set_final(g, name);
	return file_port_err(r);
}

static enum err drop(struct placing *g)
{
	return beneath_remove(g->port, g->from_dir, g->name);
}

static enum err replace(struct placing *g)
{
	const int r = rename_again(g, g->name, 0);

	if (r == 0)
		set_final(g, g->name);
	return file_port_err(r);
}

static bool is_younger(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

static enum err place_all(const struct placing *g, char clash[static 256]);

static enum err join_folders(struct placing *g)
{
	struct placing inner = *g;
	char clash[256];
	enum err e;

	inner.from_dir = beneath_open(g->port, g->from_dir, g->name, FOLDER_FLAGS, 0);
	inner.to_dir = beneath_open(g->port, g->to_dir, g->name, FOLDER_FLAGS, 0);
	e = file_port_err(inner.from_dir < 0 ? inner.from_dir : inner.to_dir);
	inner.name = NULL;
	if (e == ERR_OK)
		e = place_all(&inner, clash);
	if (e == ERR_OK)
		e = file_port_sync(g->port, inner.to_dir, FILE_PORT_FILE);
	beneath_close(g->port, inner.from_dir);
	beneath_close(g->port, inner.to_dir);
	if (e == ERR_OK)
		e = drop(g);
	if (e == ERR_OK)
		set_final(g, g->name);
	return e;
}

static enum err place_file_over(struct placing *g, const struct stat *ours,
				const struct stat *theirs)
{
	const enum sink_policy policy = g->to->policy;

	if (policy == SINK_OVERWRITE ||
	    (policy == SINK_NEWER && is_younger(ours, theirs)))
		return replace(g);
	return drop(g);
}

/* The name is taken. */
static enum err place_over(struct placing *g, const struct stat *ours, char *clash)
{
	const struct file_port *p = g->port;
	struct stat theirs;
	const int r = p->fstatat(p->ctx, g->to_dir, g->name, &theirs);

	if (r < 0)
		return file_port_err(r);
	if (g->to->policy == SINK_ASK) {
		snprintf(clash, 256, "%s", g->name);
		return ERR_EXISTS;
	}
	if (g->to->policy == SINK_RENAME)
		return place_numbered(g);
	if (S_ISDIR(ours->st_mode) && S_ISDIR(theirs.st_mode))
		return join_folders(g);
	if (S_ISREG(ours->st_mode) && S_ISREG(theirs.st_mode))
		return place_file_over(g, ours, &theirs);
	/* A file is never put in the place of a folder or of anything else. */
	return g->to->policy == SINK_SKIP ? drop(g) : place_numbered(g);
}

static enum err place_one(struct placing *g, char *clash)
{
	const struct file_port *p = g->port;
	struct stat ours;
	int r = p->fstatat(p->ctx, g->from_dir, g->name, &ours);

	if (r < 0)
		return file_port_err(r);
	if ((!S_ISREG(ours.st_mode) && !S_ISDIR(ours.st_mode)) ||
	    ours.st_uid != geteuid())
		return ERR_CORRUPT;
	g->kind = ours.st_mode;
	g->is_placed = false;
	r = rename_new(g, g->name);
	if (r == 0)
		set_final(g, g->name);
	return r == -EEXIST ? place_over(g, &ours, clash) : file_port_err(r);
}

/* Everything in from_dir; is_top: with g->name of "". */
static enum err place_all(const struct placing *all, char clash[static 256])
{
	const bool is_top = all->name != NULL;
	struct names names = {0};
	enum err e = names_read(all->port, all->from_dir, &names);

	for (size_t i = 0; i < names.n && e == ERR_OK; i++) {
		struct placing g = *all;
		g.name = names_get(&names, i);
		e = place_one(&g, clash);
		if (e == ERR_OK && is_top && all->to->on_placed != NULL)
			all->to->on_placed(all->to->ctx, g.name,
					   g.is_placed ? g.final : NULL);
	}
	names_wipe(&names);
	return e;
}

enum err stage_place(const struct stage *st, const struct stage_target *to,
		     char clash[static 256])
{
	const struct placing all = {
		.port = st->port, .to = to, .to_dir = st->dir, .name = ""};
	struct placing g = all;
	enum err e;

	if (st->tree < 0)
		return ERR_CORRUPT;
	/* From its beginning, whoever has read it before. */
	g.from_dir = beneath_open(st->port, st->work, tree_name, FOLDER_FLAGS, 0);
	if (g.from_dir < 0)
		return file_port_err(g.from_dir);
	e = place_all(&g, clash);
	beneath_close(st->port, g.from_dir);
	return e == ERR_OK ? file_port_sync(st->port, st->dir, FILE_PORT_FILE) : e;
}
