#include "lib/fault_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum { SECTOR = 512, UNDO_MAX = 1 << 16 };

struct fault_file {
	sqlite3_file base;
	char *path;
	sqlite3_file *real; /* behind it */
};

/* What stood where something was written that is not synced yet. */
struct undo {
	char *path;
	int64_t at, n, length; /* length: of the file before */
	uint8_t *old; /* n bytes, zeros beyond the end */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	enum fault_kind kind;
	uint64_t k, n, seed;
	_Atomic uint64_t count;
	pthread_mutex_t lock;
	struct undo *undo;
	size_t n_undo;
} f = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t chance(void)
{
	f.seed ^= f.seed << 13;
	f.seed ^= f.seed >> 7;
	f.seed ^= f.seed << 17;
	return f.seed;
}

static void put_back(const struct undo *u)
{
	const int fd = open(u->path, O_WRONLY | O_CLOEXEC);
	const uint64_t way = chance() % 3;
	int64_t from = 0;

	if (fd < 0)
		return;
	/* All of it, nothing, or all but its first sectors. */
	if (way == 1)
		from = u->n;
	if (way == 2)
		from = (int64_t)(chance() % (uint64_t)(u->n / SECTOR + 1)) * SECTOR;
	if (from < u->n &&
	    pwrite(fd, u->old + from, (size_t)(u->n - from), u->at + from) < 0)
		perror("put back");
	if (from == 0 && u->at >= u->length && ftruncate(fd, u->length) != 0)
		perror("cut");
	close(fd);
}

static _Noreturn void die(void)
{
	if (f.kind == FAULT_POWER) {
		pthread_mutex_lock(&f.lock);
		while (f.n_undo > 0)
			put_back(&f.undo[--f.n_undo]);
	}
	/* At once: a sanitizer that hears of it waits a second for other threads. */
	syscall(SYS_exit_group, FAULT_STATUS);
	abort();
}

/* Counts one call; whether it is to fail. */
static bool strikes(bool needs_room)
{
	const uint64_t at = ++f.count;

	if (f.k == 0 || at < f.k || at >= f.k + f.n)
		return false;
	if (f.kind == FAULT_DIE || f.kind == FAULT_POWER)
		die();
	return f.kind == FAULT_EIO || (f.kind == FAULT_ENOSPC && needs_room);
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct fault_file *)(void *)file)->real;
}

static const char *path_of(sqlite3_file *file)
{
	return ((struct fault_file *)(void *)file)->path;
}

static void note(sqlite3_file *file, int64_t at, int64_t n)
{
	struct fault_file *ff = (struct fault_file *)(void *)file;
	sqlite3_int64 length = 0;

	if (f.kind != FAULT_POWER || ff->path == NULL)
		return;
	ff->real->pMethods->xFileSize(ff->real, &length);
	uint8_t *old = mem_new((size_t)n);
	ff->real->pMethods->xRead(ff->real, old, (int)n, at);
	pthread_mutex_lock(&f.lock);
	if (f.undo == NULL)
		f.undo = mem_array(UNDO_MAX, sizeof(*f.undo));
	if (f.n_undo < UNDO_MAX)
		f.undo[f.n_undo++] =
			(struct undo){mem_strdup(ff->path), at, n, length, old};
	pthread_mutex_unlock(&f.lock);
}

static void forget(const char *path)
{
	size_t left = 0;

	pthread_mutex_lock(&f.lock);
	for (size_t i = 0; i < f.n_undo; i++) {
		struct undo *u = &f.undo[i];
		if (path != NULL && strcmp(u->path, path) != 0) {
			f.undo[left++] = *u;
			continue;
		}
		mem_free(u->path);
		mem_free(u->old);
	}
	f.n_undo = left;
	pthread_mutex_unlock(&f.lock);
}

static int on_close(sqlite3_file *file)
{
	struct fault_file *ff = (struct fault_file *)(void *)file;
	const int rc = ff->real->pMethods->xClose(ff->real);

	mem_free(ff->path);
	return rc;
}

static int on_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	if (strikes(false))
		return SQLITE_IOERR_READ;
	return real_of(file)->pMethods->xRead(real_of(file), out, n, at);
}

static int on_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	if (strikes(true)) {
		/* The first half may have got there. */
		real_of(file)->pMethods->xWrite(real_of(file), p, n / 2, at);
		return f.kind == FAULT_ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	}
	note(file, at, n);
	return real_of(file)->pMethods->xWrite(real_of(file), p, n, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (strikes(false))
		return SQLITE_IOERR_TRUNCATE;
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int on_sync(sqlite3_file *file, int flags)
{
	if (strikes(true))
		return SQLITE_IOERR_FSYNC;
	const int rc = real_of(file)->pMethods->xSync(real_of(file), flags);
	if (rc == SQLITE_OK && path_of(file) != NULL)
		forget(path_of(file));
	return rc;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *out)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), out);
}

static int on_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_check_lock(sqlite3_file *file, int *out)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int on_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int on_traits(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int on_shm_map(sqlite3_file *file, int region, int size, int extend,
		      void volatile **out)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int on_shm_lock(sqlite3_file *file, int at, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), at, n, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int is_delete)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), is_delete);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_traits,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
		   int *out)
{
	struct fault_file *ff = (struct fault_file *)(void *)file;

	(void)vfs;
	*ff = (struct fault_file){.real = (sqlite3_file *)(void *)(ff + 1)};
	if (strikes(true))
		return SQLITE_CANTOPEN;
	const int rc = f.real->xOpen(f.real, name, ff->real, flags, out);
	if (ff->real->pMethods != NULL) {
		ff->path = mem_strdup(name);
		ff->base.pMethods = &methods;
	}
	return rc;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int is_synced)
{
	(void)vfs;
	if (strikes(false))
		return SQLITE_IOERR_DELETE;
	forget(name);
	return f.real->xDelete(f.real, name, is_synced);
}

int rename(const char *from, const char *to)
{
	if (f.kind != FAULT_NONE && strikes(true)) {
		errno = f.kind == FAULT_ENOSPC ? ENOSPC : EIO;
		return -1;
	}
	return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int fsync(int fd)
{
	if (f.kind != FAULT_NONE && strikes(true)) {
		errno = f.kind == FAULT_ENOSPC ? ENOSPC : EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

void fault_vfs_arm(enum fault_kind kind, uint64_t k, uint64_t n, uint64_t seed)
{
	if (f.real == NULL) {
		f.real = sqlite3_vfs_find(NULL);
		f.vfs = *f.real;
		f.vfs.zName = "fault";
		f.vfs.szOsFile = (int)sizeof(struct fault_file) + f.real->szOsFile;
		f.vfs.xOpen = on_open;
		f.vfs.xDelete = on_delete;
		f.vfs.pNext = NULL;
	}
	forget(NULL);
	f.kind = kind;
	f.k = k;
	f.n = n;
	f.seed = seed * 0x9e3779b97f4a7c15 + 1;
	f.count = 0;
	sqlite3_vfs_register(&f.vfs, 1);
}

uint64_t fault_vfs_count(void)
{
	return f.count;
}

void fault_vfs_disarm(void)
{
	f.kind = FAULT_NONE;
	f.k = 0;
	sqlite3_vfs_unregister(&f.vfs);
	forget(NULL);
}
