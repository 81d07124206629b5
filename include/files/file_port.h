/*
 * file_port: the system calls of this layer, so that a test can make each of them fail.
 * Each gives what the call gives, and -errno when it fails; none is repeated after EINTR.
 */
#ifndef FILES_FILE_PORT_H
#define FILES_FILE_PORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"

struct file_port {
	void *ctx;
	int (*openat)(void *ctx, int dir, const char *path, int flags, mode_t mode);
	/* openat2 with resolve (RESOLVE_BENEATH ...). -ENOSYS: the kernel lacks it. */
	int (*openat2)(void *ctx, int dir, const char *path, int flags, mode_t mode,
		       uint64_t resolve);
	int (*close)(void *ctx, int fd);
	ssize_t (*read)(void *ctx, int fd, void *p, size_t n);
	ssize_t (*pread)(void *ctx, int fd, void *p, size_t n, int64_t at);
	ssize_t (*write)(void *ctx, int fd, const void *p, size_t n);
	ssize_t (*pwrite)(void *ctx, int fd, const void *p, size_t n, int64_t at);
	ssize_t (*getdents)(void *ctx, int fd, void *p, size_t n); /* getdents64 */
	int64_t (*lseek)(void *ctx, int fd, int64_t at, int whence);
	int (*fstat)(void *ctx, int fd, struct stat *out);
	/* Never follows a symlink. */
	int (*fstatat)(void *ctx, int dir, const char *name, struct stat *out);
	/* Bytes that we may still use on the file system of fd. */
	int (*room)(void *ctx, int fd, uint64_t *out);
	int (*fallocate)(void *ctx, int fd, int mode, int64_t at, int64_t n);
	int (*fadvise)(void *ctx, int fd, int64_t at, int64_t n, int advice);
	int (*ftruncate)(void *ctx, int fd, int64_t n);
	int (*fchmod)(void *ctx, int fd, mode_t mode);
	int (*futimens)(void *ctx, int fd, int64_t mtime_ns); /* leaves the atime */
	int (*fdatasync)(void *ctx, int fd);
	int (*fsync)(void *ctx, int fd);
	int (*syncfs)(void *ctx, int fd);
	int (*mkdirat)(void *ctx, int dir, const char *name, mode_t mode);
	int (*unlinkat)(void *ctx, int dir, const char *name, int flags);
	int (*linkat)(void *ctx, int dir, const char *name, int to_dir, const char *to);
	int (*renameat2)(void *ctx, int dir, const char *name, int to_dir, const char *to,
			 unsigned flags);
};

/* The system's; static. */
const struct file_port *file_port_system(void);

/* The helpers below go on after EINTR and after short reads and writes. */

/* A result of the port as ours: OK when it is not negative. */
enum err file_port_err(int64_t result);
enum err file_port_write(const struct file_port *p, int fd, struct slice s);
enum err file_port_write_at(const struct file_port *p, int fd, struct slice s,
			    int64_t at);
/* As much as there is, up to n bytes; *got < n: the end of the file. */
enum err file_port_read_at(const struct file_port *p, int fd, void *out, size_t n,
			   int64_t at, size_t *got);
enum err file_port_truncate(const struct file_port *p, int fd, uint64_t n);
enum file_port_sync { FILE_PORT_DATA, FILE_PORT_FILE, FILE_PORT_DISK };
enum err file_port_sync(const struct file_port *p, int fd, enum file_port_sync how);

#endif
