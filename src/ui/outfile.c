#include "ui/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

struct outfile {
	char *path;
	FILE *file;
	int errnum; /* of the first write that failed; 0: none */
};

static char *say(const char *path, enum err e)
{
	return mem_printf("cannot write %s: %s", path, err_str(e));
}

enum err outfile_new(const char *path, struct outfile **out, char **why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL) {
		enum err e = err_from_errno(errno);
		if (fd >= 0)
			close(fd);
		*why = say(path, e);
		return e;
	}
	struct outfile *f = mem_new(sizeof *f);
	f->path = mem_strdup(path);
	f->file = file;
	*out = f;
	return ERR_OK;
}

void outfile_line(struct outfile *f, const char *line)
{
	if (f->errnum == 0 && (fputs(line, f->file) < 0 || fputc('\n', f->file) < 0))
		f->errnum = errno;
}

enum err outfile_end(struct outfile *f, bool is_whole, char **why)
{
	if (is_whole && f->errnum == 0 &&
	    (fflush(f->file) != 0 || fsync(fileno(f->file)) != 0))
		f->errnum = errno;
	if (fclose(f->file) != 0 && f->errnum == 0)
		f->errnum = errno;
	enum err e = f->errnum != 0 ? err_from_errno(f->errnum) : ERR_OK;
	if (e != ERR_OK)
		*why = say(f->path, e);
	if (e != ERR_OK || !is_whole)
		unlink(f->path);
	mem_free(f->path);
	mem_free(f);
	return e;
}

void outfile_free(struct outfile *f)
{
	char *why = NULL;
	if (f != NULL)
		(void)outfile_end(f, false, &why);
	mem_free(why);
}
