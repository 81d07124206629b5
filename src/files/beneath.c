#include "files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>

#include "files/names.h"

enum { TRIES = 8 };

static int open_again(const struct file_port *p, int dir, const char *name, int flags,
		      mode_t mode)
{
	int fd;

	do
		fd = p->openat(p->ctx, dir, name, flags | O_NOFOLLOW, mode);
	while (fd == -EINTR);
	return fd;
}

/* Component by component, none of which may be a symlink or `..`. */
static int open_walk(const struct file_port *p, int dir, const char *path, int flags,
		     mode_t mode)
{
	int at = dir, next;
	char part[NAME_MAX + 1];

	for (;;) {
		const size_t n = strcspn(path, "/");
		if (n == 0 || n > NAME_MAX || (n == 2 && strncmp(path, "..", n) == 0)) {
			next = n > NAME_MAX ? -ENAMETOOLONG : -EXDEV;
			break;
		}
		memcpy(part, path, n);
		part[n] = '\0';
		if (path[n] == '\0') {
			next = open_again(p, at, part, flags, mode);
			break;
		}
		next = open_again(p, at, part, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		if (next < 0)
			break;
		if (at != dir)
			p->close(p->ctx, at);
		at = next;
		path += n + 1;
	}
	if (at != dir)
		p->close(p->ctx, at);
	return next;
}

int beneath_open(const struct file_port *p, int dir, const char *path, int flags,
		 mode_t mode)
{
	const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	int fd = -EINTR;

	/* EAGAIN: something was renamed meanwhile. */
	for (int i = 0; (fd == -EINTR || fd == -EAGAIN) && i < TRIES; i++)
		fd = p->openat2(p->ctx, dir, path, flags | O_NOFOLLOW, mode, resolve);
	/* EPERM: a filter of system calls that does not know it. */
	if (fd != -ENOSYS && fd != -EPERM)
		return fd;
	return open_walk(p, dir, path, flags, mode);
}

enum err beneath_close(const struct file_port *p, int fd)
{
	int r;

	if (fd < 0)
		return ERR_OK;
	r = p->close(p->ctx, fd);
	/* It is closed all the same. */
	return r == -EINTR ? ERR_OK : file_port_err(r);
}

int beneath_make_folder(const struct file_port *p, int dir, const char *name)
{
	int r;

	do
		r = p->mkdirat(p->ctx, dir, name, 0700);
	while (r == -EINTR);
	if (r < 0)
		return r;
	return beneath_open(p, dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

static int unlink_again(const struct file_port *p, int dir, const char *name, int flags)
{
	int r;

	do
		r = p->unlinkat(p->ctx, dir, name, flags);
	while (r == -EINTR);
	return r == -ENOENT ? 0 : r;
}

static enum err remove_in(const struct file_port *p, int dir, const char *name,
			  unsigned depth);

static enum err empty_folder(const struct file_port *p, int fd, unsigned depth)
{
	struct names names = {0};
	enum err e = names_read(p, fd, &names);

	for (size_t i = 0; i < names.n && e == ERR_OK; i++)
		e = remove_in(p, fd, names_get(&names, i), depth + 1);
	names_wipe(&names);
	return e;
}

static enum err remove_in(const struct file_port *p, int dir, const char *name,
			  unsigned depth)
{
	int r = unlink_again(p, dir, name, 0), fd;
	enum err e;

	if (r != -EISDIR && r != -EPERM)
		return file_port_err(r);
	if (depth > BENEATH_DEPTH_MAX)
		return ERR_LIMIT;
	fd = beneath_open(p, dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return file_port_err(fd);
	e = empty_folder(p, fd, depth);
	beneath_close(p, fd);
	return e == ERR_OK ? file_port_err(unlink_again(p, dir, name, AT_REMOVEDIR)) : e;
}

enum err beneath_remove(const struct file_port *p, int dir, const char *name)
{
	return remove_in(p, dir, name, 0);
}
