#include "lib/file_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct file_port *real(void)
{
	return file_port_system();
}

/* What the call fails with, or 0. */
static int strike(struct file_fault *f, bool needs_room, bool may_be_interrupted)
{
	const int errors[] = {
		[FILE_FAULT_NONE] = 0,
		[FILE_FAULT_ENOSPC] = needs_room ? -ENOSPC : 0,
		[FILE_FAULT_EIO] = -EIO,
		[FILE_FAULT_EINTR] = may_be_interrupted ? -EINTR : 0,
		[FILE_FAULT_SHORT] = 0,
		[FILE_FAULT_DIE] = 0,
	};

	if (++f->count != f->k)
		return 0;
	if (f->kind == FILE_FAULT_DIE)
		syscall(SYS_exit_group, FILE_FAULT_STATUS);
	f->has_struck = f->has_struck || errors[f->kind] != 0;
	return errors[f->kind];
}

static size_t shortened(struct file_fault *f, size_t n)
{
	if (f->kind != FILE_FAULT_SHORT || f->count != f->k || n < 2)
		return n;
	f->has_struck = true;
	return n / 2;
}

static int fault_close(void *ctx, int fd)
{
	const int e = strike(ctx, false, true);
	const int r = real()->close(NULL, fd);

	return e != 0 ? e : r;
}

static int fault_openat2(void *ctx, int dir, const char *path, int flags, mode_t mode,
			 uint64_t resolve)
{
	struct file_fault *f = ctx;
	int e;

	if (f->lacks_openat2)
		return -ENOSYS;
	e = strike(f, (flags & O_CREAT) != 0, true);
	return e != 0 ? e : real()->openat2(NULL, dir, path, flags, mode, resolve);
}

static int fault_room(void *ctx, int fd, uint64_t *out)
{
	struct file_fault *f = ctx;
	const int e = strike(f, false, true);
	const int r = e != 0 ? e : real()->room(NULL, fd, out);

	if (r == 0 && f->room != 0)
		*out = f->room;
	return r;
}

static int fault_linkat(void *ctx, int dir, const char *name, int to_dir, const char *to)
{
	struct file_fault *f = ctx;
	const int e = strike(f, true, false);

	if (f->lacks_links)
		return -EPERM;
	return e != 0 ? e : real()->linkat(NULL, dir, name, to_dir, to);
}

static int fault_renameat2(void *ctx, int dir, const char *name, int to_dir,
			   const char *to, unsigned flags)
{
	struct file_fault *f = ctx;
	const int e = strike(f, true, false);

	if (f->lacks_noreplace && flags != 0)
		return -EINVAL;
	return e != 0 ? e : real()->renameat2(NULL, dir, name, to_dir, to, flags);
}

static ssize_t fault_read(void *ctx, int fd, void *p, size_t n)
{
	struct file_fault *f = ctx;
	const int e = strike(f, false, true);
	const ssize_t r = e != 0 ? e : real()->read(NULL, fd, p, shortened(f, n));

	f->n_reads += r > 0 ? (uint64_t)r : 0;
	return r;
}

static ssize_t fault_pread(void *ctx, int fd, void *p, size_t n, int64_t at)
{
	struct file_fault *f = ctx;
	const int e = strike(f, false, true);
	const ssize_t r = e != 0 ? e : real()->pread(NULL, fd, p, shortened(f, n), at);

	f->n_reads += r > 0 ? (uint64_t)r : 0;
	return r;
}

static ssize_t fault_write(void *ctx, int fd, const void *p, size_t n)
{
	struct file_fault *f = ctx;
	const int e = strike(f, true, true);
	const ssize_t r = e != 0 ? e : real()->write(NULL, fd, p, shortened(f, n));

	return r;
}

static ssize_t fault_pwrite(void *ctx, int fd, const void *p, size_t n, int64_t at)
{
	struct file_fault *f = ctx;
	const int e = strike(f, true, true);
	const ssize_t r = e != 0 ? e : real()->pwrite(NULL, fd, p, shortened(f, n), at);

	return r;
}

static int fault_fdatasync(void *ctx, int fd)
{
	struct file_fault *f = ctx;
	const int e = strike(f, true, true);

	f->n_syncs++;
	return e != 0 ? e : real()->fdatasync(NULL, fd);
}

static int fault_fsync(void *ctx, int fd)
{
	struct file_fault *f = ctx;
	const int e = strike(f, true, true);

	f->n_syncs++;
	return e != 0 ? e : real()->fsync(NULL, fd);
}

static int fault_syncfs(void *ctx, int fd)
{
	struct file_fault *f = ctx;
	const int e = strike(f, true, true);

	f->n_syncs++;
	return e != 0 ? e : real()->syncfs(NULL, fd);
}

static int fault_openat(void *ctx, int dir, const char *path, int flags, mode_t mode)
{
	const int e = strike(ctx, (flags & O_CREAT) != 0, true);

	return e != 0 ? e : real()->openat(NULL, dir, path, flags, mode);
}

static ssize_t fault_getdents(void *ctx, int fd, void *p, size_t n)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->getdents(NULL, fd, p, n);
}

static int64_t fault_lseek(void *ctx, int fd, int64_t at, int whence)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->lseek(NULL, fd, at, whence);
}

static int fault_fstat(void *ctx, int fd, struct stat *out)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->fstat(NULL, fd, out);
}

static int fault_fstatat(void *ctx, int dir, const char *name, struct stat *out)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->fstatat(NULL, dir, name, out);
}

static int fault_fallocate(void *ctx, int fd, int mode, int64_t at, int64_t n)
{
	const int e = strike(ctx, true, true);

	return e != 0 ? e : real()->fallocate(NULL, fd, mode, at, n);
}

static int fault_fadvise(void *ctx, int fd, int64_t at, int64_t n, int advice)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->fadvise(NULL, fd, at, n, advice);
}

static int fault_ftruncate(void *ctx, int fd, int64_t n)
{
	const int e = strike(ctx, true, true);

	return e != 0 ? e : real()->ftruncate(NULL, fd, n);
}

static int fault_fchmod(void *ctx, int fd, mode_t mode)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->fchmod(NULL, fd, mode);
}

static int fault_futimens(void *ctx, int fd, int64_t mtime_ns)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->futimens(NULL, fd, mtime_ns);
}

static int fault_mkdirat(void *ctx, int dir, const char *name, mode_t mode)
{
	const int e = strike(ctx, true, false);

	return e != 0 ? e : real()->mkdirat(NULL, dir, name, mode);
}

static int fault_unlinkat(void *ctx, int dir, const char *name, int flags)
{
	const int e = strike(ctx, false, false);

	return e != 0 ? e : real()->unlinkat(NULL, dir, name, flags);
}

void file_fault_init(struct file_fault *f, enum file_fault_kind kind, uint64_t k)
{
	*f = (struct file_fault){.kind = kind, .k = k};
	f->port = (struct file_port){
		.ctx = f,
		.openat = fault_openat,
		.openat2 = fault_openat2,
		.close = fault_close,
		.read = fault_read,
		.pread = fault_pread,
		.write = fault_write,
		.pwrite = fault_pwrite,
		.getdents = fault_getdents,
		.lseek = fault_lseek,
		.fstat = fault_fstat,
		.fstatat = fault_fstatat,
		.room = fault_room,
		.fallocate = fault_fallocate,
		.fadvise = fault_fadvise,
		.ftruncate = fault_ftruncate,
		.fchmod = fault_fchmod,
		.futimens = fault_futimens,
		.fdatasync = fault_fdatasync,
		.fsync = fault_fsync,
		.syncfs = fault_syncfs,
		.mkdirat = fault_mkdirat,
		.unlinkat = fault_unlinkat,
		.linkat = fault_linkat,
		.renameat2 = fault_renameat2,
	};
}

const char *file_fault_str(enum file_fault_kind kind)
{
	static const char *const names[] = {"nothing", "ENOSPC", "EIO",
					    "EINTR",   "short",	 "death"};

	return names[kind];
}
