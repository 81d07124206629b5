/*
 * file: the few things that are done to files, done safely.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* The whole file, added to out (initialised by the caller with its maximum); never
 * waits. On error out is as it was. ERR_MISSING, ERR_PERM, ERR_FULL (longer than out may hold), ERR_IO. */
enum err file_read(const char *path, struct buf *out);

/* Writes a new file beside it, syncs it, renames it over path, syncs the
 * folder: after a crash either the old or the new content is there, whole. On
 * error path is untouched and nothing is left behind, unless it is the folder that
 * cannot be synced: then the new content is there. mode counts whatever the umask.
 * Symlinks are replaced. */
enum err file_write_atomic(const char *path, struct slice content, mode_t mode);

/* Takes the lock file (created 0600). ERR_LOCKED when somebody has it. The lock
 * lasts until *fd_out is closed or the process ends. */
enum err file_lock(const char *path, int *fd_out);

/* Makes the folder and its parents, 0700 where new. A folder that is there must
 * be a folder of ours that group and others cannot enter: else ERR_PERM. */
enum err file_make_private_dir(const char *path);
/* Makes the folder and its parents with the usual mode. */
enum err file_make_dir(const char *path);
/* ERR_PERM when the file is readable or writable by group or others, or is not
 * ours. ERR_MISSING when it is not there. */
enum err file_check_private(const char *path);

#endif
