#include "files/file_port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static int64_t result_of(int64_t r)
{
	return r >= 0 ? r : -errno;
}

static int real_openat(void *ctx, int dir, const char *path, int flags, mode_t mode)
{
	(void)ctx;
	return (int)result_of(openat(dir, path, flags | O_CLOEXEC, mode));
}

static int real_openat2(void *ctx, int dir, const char *path, int flags, mode_t mode,
			uint64_t resolve)
{
	const struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
				     .mode = (flags & O_CREAT) != 0 ? mode : 0,
				     .resolve = resolve};

	(void)ctx;
	return (int)result_of(syscall(SYS_openat2, dir, path, &how, sizeof(how)));
}

static int real_close(void *ctx, int fd)
{
	(void)ctx;
	return (int)result_of(close(fd));
}

static ssize_t real_read(void *ctx, int fd, void *p, size_t n)
{
	(void)ctx;
	return (ssize_t)result_of(read(fd, p, n));
}

static ssize_t real_pread(void *ctx, int fd, void *p, size_t n, int64_t at)
{
	(void)ctx;
	return (ssize_t)result_of(pread(fd, p, n, at));
}

static ssize_t real_write(void *ctx, int fd, const void *p, size_t n)
{
	(void)ctx;
	return (ssize_t)result_of(write(fd, p, n));
}

static ssize_t real_pwrite(void *ctx, int fd, const void *p, size_t n, int64_t at)
{
	(void)ctx;
	return (ssize_t)result_of(pwrite(fd, p, n, at));
}

static ssize_t real_getdents(void *ctx, int fd, void *p, size_t n)
{
	(void)ctx;
	return (ssize_t)result_of(syscall(SYS_getdents64, fd, p, n));
}

static int64_t real_lseek(void *ctx, int fd, int64_t at, int whence)
{
	(void)ctx;
	return result_of(lseek(fd, at, whence));
}

static int real_fstat(void *ctx, int fd, struct stat *out)
{
	(void)ctx;
	return (int)result_of(fstat(fd, out));
}

static int real_fstatat(void *ctx, int dir, const char *name, struct stat *out)
{
	(void)ctx;
	return (int)result_of(fstatat(dir, name, out, AT_SYMLINK_NOFOLLOW));
}

static int real_room(void *ctx, int fd, uint64_t *out)
{
	struct statvfs v;

	(void)ctx;
	if (fstatvfs(fd, &v) != 0)
		return -errno;
	*out = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

static int real_fallocate(void *ctx, int fd, int mode, int64_t at, int64_t n)
{
	(void)ctx;
	return (int)result_of(fallocate(fd, mode, at, n));
}

static int real_fadvise(void *ctx, int fd, int64_t at, int64_t n, int advice)
{
	(void)ctx;
	return -posix_fadvise(fd, at, n, advice);
}

static int real_ftruncate(void *ctx, int fd, int64_t n)
{
	(void)ctx;
	return (int)result_of(ftruncate(fd, n));
}

static int real_fchmod(void *ctx, int fd, mode_t mode)
{
	(void)ctx;
	return (int)result_of(fchmod(fd, mode));
}

static int real_futimens(void *ctx, int fd, int64_t mtime_ns)
{
	const int64_t ns = 1000000000;
	const int64_t s = mtime_ns / ns - (mtime_ns % ns < 0);
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = (time_t)s, .tv_nsec = (long)(mtime_ns - s * ns)}};

	(void)ctx;
	return (int)result_of(futimens(fd, times));
}

static int real_fdatasync(void *ctx, int fd)
{
	(void)ctx;
	return (int)result_of(fdatasync(fd));
}

static int real_fsync(void *ctx, int fd)
{
	(void)ctx;
	return (int)result_of(fsync(fd));
}

static int real_syncfs(void *ctx, int fd)
{
	(void)ctx;
	return (int)result_of(syncfs(fd));
}

static int real_mkdirat(void *ctx, int dir, const char *name, mode_t mode)
{
	(void)ctx;
	return (int)result_of(mkdirat(dir, name, mode));
}

static int real_unlinkat(void *ctx, int dir, const char *name, int flags)
{
	(void)ctx;
	return (int)result_of(unlinkat(dir, name, flags));
}

static int real_linkat(void *ctx, int dir, const char *name, int to_dir, const char *to)
{
	(void)ctx;
	return (int)result_of(linkat(dir, name, to_dir, to, 0));
}

static int real_renameat2(void *ctx, int dir, const char *name, int to_dir,
			  const char *to, unsigned flags)
{
	(void)ctx;
	return (int)result_of(renameat2(dir, name, to_dir, to, flags));
}

static const struct file_port system_port = {
	.openat = real_openat,
	.openat2 = real_openat2,
	.close = real_close,
	.read = real_read,
	.pread = real_pread,
	.write = real_write,
	.pwrite = real_pwrite,
	.getdents = real_getdents,
	.lseek = real_lseek,
	.fstat = real_fstat,
	.fstatat = real_fstatat,
	.room = real_room,
	.fallocate = real_fallocate,
	.fadvise = real_fadvise,
	.ftruncate = real_ftruncate,
	.fchmod = real_fchmod,
	.futimens = real_futimens,
	.fdatasync = real_fdatasync,
	.fsync = real_fsync,
	.syncfs = real_syncfs,
	.mkdirat = real_mkdirat,
	.unlinkat = real_unlinkat,
	.linkat = real_linkat,
	.renameat2 = real_renameat2,
};

const struct file_port *file_port_system(void)
{
	return &system_port;
}

enum err file_port_err(int64_t result)
{
	enum err e;

	if (result >= 0)
		return ERR_OK;
	e = err_from_errno((int)-result);
	/* A disk that wants to be asked again was asked often enough. */
	return e == ERR_WAIT ? ERR_IO : e;
}

/* at < 0: where the descriptor stands. */
static enum err write_all(const struct file_port *p, int fd, struct slice s, int64_t at)
{
	while (s.n > 0) {
		const ssize_t put = at < 0 ? p->write(p->ctx, fd, s.p, s.n)
					   : p->pwrite(p->ctx, fd, s.p, s.n, at);
		if (put == -EINTR)
			continue;
		if (put <= 0)
			return put == 0 ? ERR_IO : file_port_err(put);
		s = slice_of(s.p + put, s.n - (size_t)put);
		at += at < 0 ? 0 : put;
	}
	return ERR_OK;
}

enum err file_port_write(const struct file_port *p, int fd, struct slice s)
{
	return write_all(p, fd, s, -1);
}

enum err file_port_write_at(const struct file_port *p, int fd, struct slice s, int64_t at)
{
	return write_all(p, fd, s, at);
}

enum err file_port_read_at(const struct file_port *p, int fd, void *out, size_t n,
			   int64_t at, size_t *got)
{
	*got = 0;
	while (*got < n) {
		const ssize_t r = p->pread(p->ctx, fd, (uint8_t *)out + *got, n - *got,
					   at + (int64_t)*got);
		if (r == -EINTR)
			continue;
		if (r < 0)
			return file_port_err(r);
		if (r == 0)
			break;
		*got += (size_t)r;
	}
	return ERR_OK;
}

enum err file_port_truncate(const struct file_port *p, int fd, uint64_t n)
{
	int r;

	do
		r = p->ftruncate(p->ctx, fd, (int64_t)n);
	while (r == -EINTR);
	return file_port_err(r);
}

enum err file_port_sync(const struct file_port *p, int fd, enum file_port_sync how)
{
	int (*const calls[])(void *, int) = {[FILE_PORT_DATA] = p->fdatasync,
					     [FILE_PORT_FILE] = p->fsync,
					     [FILE_PORT_DISK] = p->syncfs};
	int r;

	do
		r = calls[how](p->ctx, fd);
	while (r == -EINTR);
	/* Not every file system can sync a folder. */
	return r == -EINVAL && how == FILE_PORT_FILE ? ERR_OK : file_port_err(r);
}
