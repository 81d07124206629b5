#include "lib/tempdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

int tempdir_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = mem_printf("%s/p2pmsg-test-XXXXXX", tmp != NULL ? tmp : "/tmp");

	*state = path;
	return mkdtemp(path) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Folders first, so that those a test has closed can be read. */
static int open_up(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_D || type == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

int tempdir_teardown(void **state)
{
	nftw(*state, open_up, 16, FTW_PHYS);
	nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mem_free(*state);
	return 0;
}

char *tempdir_path(const char *dir, const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

void tempdir_write(const char *path, struct slice content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.p, content.n), content.n);
	close(fd);
}

char *tempdir_read(const char *path)
{
	struct stat st;
	char *out;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	out = mem_new((size_t)st.st_size + 1);
	assert_int_equal(read(fd, out, (size_t)st.st_size), st.st_size);
	close(fd);
	return out;
}

size_t tempdir_count(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}
