#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/mem.h"

enum { READ_BYTES = 16384, TEMP_ID_BYTES = 8 };

static const char temp_prefix[] = ".p2pmsg-";

enum { TEMP_NAME_BYTES = sizeof(temp_prefix) + 2 * TEMP_ID_BYTES };

/* One piece; *n 0 at the end of the file. */
static enum err read_some(int fd, struct buf *out, size_t *n)
{
	size_t room = out->max - out->len;
	uint8_t beyond, *p = &beyond;
	ssize_t got;

	/* When out is full, a further byte tells whether the file is longer. */
	if (room > 0 && buf_reserve(out, room < READ_BYTES ? room : READ_BYTES, &p))
		return ERR_BUG;
	do
		got = read(fd, p, room == 0 ? 1 : room < READ_BYTES ? room : READ_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? ERR_IO : err_from_errno(errno);
	*n = (size_t)got;
	if (room == 0)
		return got > 0 ? ERR_FULL : ERR_OK;
	buf_commit(out, *n);
	return ERR_OK;
}

enum err file_read(const char *path, struct buf *out)
{
	size_t before = out->len, n = 1;
	enum err e = ERR_OK;
	/* Must not wait for somebody to open the other end of a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_from_errno(errno);
	while (e == ERR_OK && n > 0)
		e = read_some(fd, out, &n);
	close(fd);
	if (e != ERR_OK)
		buf_truncate(out, before);
	return e;
}

static enum err write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t put = write(fd, s.p, s.n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_from_errno(errno);
		s = slice_of(s.p + put, s.n - (size_t)put);
	}
	return ERR_OK;
}

static enum err sync_fd(int fd)
{
	while (fsync(fd) != 0) {
		if (errno == EINTR)
			continue;
		/* Not every file system can sync a folder. */
		return errno == EINVAL ? ERR_OK : err_from_errno(errno);
	}
	return ERR_OK;
}

static void draw_temp_name(char out[static TEMP_NAME_BYTES])
{
	uint8_t id[TEMP_ID_BYTES];

	randombytes_buf(id, sizeof(id));
	memcpy(out, temp_prefix, sizeof(temp_prefix) - 1);
	hex_encode(slice_of(id, sizeof(id)), out + sizeof(temp_prefix) - 1);
}

/* A new file in dir with this content, on the disk. */
static enum err write_new(int dir, const char *name, struct slice content, mode_t mode)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags, 0600);
	enum err e;

	if (fd < 0)
		return err_from_errno(errno);
	e = write_all(fd, content);
	if (e == ERR_OK && fchmod(fd, mode) != 0)
		e = err_from_errno(errno);
	if (e == ERR_OK)
		e = sync_fd(fd);
	if (close(fd) != 0 && errno != EINTR && e == ERR_OK)
		e = err_from_errno(errno);
	if (e != ERR_OK)
		unlinkat(dir, name, 0);
	return e;
}

static enum err replace_in(int dir, const char *name, struct slice content, mode_t mode)
{
	char temp[TEMP_NAME_BYTES];
	enum err e;

	draw_temp_name(temp);
	e = write_new(dir, temp, content, mode);
	if (e != ERR_OK)
		return e;
	if (renameat(dir, temp, dir, name) != 0) {
		e = err_from_errno(errno);
		unlinkat(dir, temp, 0);
		return e;
	}
	return sync_fd(dir);
}

enum err file_write_atomic(const char *path, struct slice content, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char *folder = slash != NULL ? mem_strndup(path, (size_t)(name - path))
				     : mem_strdup(".");
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = dir >= 0 ? ERR_OK : err_from_errno(errno);

	mem_free(folder);
	if (e != ERR_OK)
		return e;
	e = replace_in(dir, name, content, mode);
	close(dir);
	return e;
}

enum err file_lock(const char *path, int *fd_out)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum err e;

	*fd_out = -1;
	if (fd < 0)
		return err_from_errno(errno);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		e = errno == EWOULDBLOCK ? ERR_LOCKED : err_from_errno(errno);
		close(fd);
		return e;
	}
	*fd_out = fd;
	return ERR_OK;
}

/* Also when somebody else was faster, and when there can be none new because it is
 * there. */
static enum err make_one(const char *path, mode_t mode)
{
	struct stat st;
	int errnum;

	if (mkdir(path, mode) == 0)
		return ERR_OK;
	errnum = errno;
	if (stat(path, &st) != 0)
		return err_from_errno(errnum);
	return S_ISDIR(st.st_mode) ? ERR_OK : ERR_EXISTS;
}

static enum err make_all(const char *path, mode_t mode)
{
	char *part = mem_strdup(path);
	enum err e = ERR_OK;

	for (size_t i = 1; part[0] != '\0' && part[i] != '\0' && e == ERR_OK; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		e = make_one(part, mode);
		part[i] = '/';
	}
	if (e == ERR_OK)
		e = make_one(part, mode);
	mem_free(part);
	return e;
}

/* Of a file or folder that must be ours, and must give others none of these bits. */
static enum err check_ours(const char *path, mode_t forbidden, bool is_dir)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_from_errno(errno);
	if (st.st_uid != geteuid() || (st.st_mode & forbidden) != 0)
		return ERR_PERM;
	return S_ISDIR(st.st_mode) == is_dir ? ERR_OK : ERR_PERM;
}

enum err file_make_private_dir(const char *path)
{
	enum err e = make_all(path, 0700);

	return e == ERR_OK ? check_ours(path, 0077, true) : e;
}

enum err file_make_dir(const char *path)
{
	return make_all(path, 0777);
}

enum err file_check_private(const char *path)
{
	return check_ours(path, 0066, false);
}
