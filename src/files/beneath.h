/*
 * beneath: what is opened beneath a directory stays there.
 */
#ifndef FILES_BENEATH_H
#define FILES_BENEATH_H

#include "files/file_port.h"

/* openat that follows no symlink and leaves dir by no way, by openat2, or where the kernel
 * lacks it by a walk, one component after the other. A descriptor or -errno. */
int beneath_open(const struct file_port *p, int dir, const char *path, int flags,
		 mode_t mode);
/* Its names or all that is in it; what is not there is fine. Descends into real folders
 * only, at most BENEATH_DEPTH_MAX of them. */
enum { BENEATH_DEPTH_MAX = 80 };
enum err beneath_remove(const struct file_port *p, int dir, const char *name);
enum err beneath_close(const struct file_port *p, int fd);
/* mkdirat, and opens it. A descriptor or -errno. */
int beneath_make_folder(const struct file_port *p, int dir, const char *name);

#endif
