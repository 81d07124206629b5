#include "lib/temp_dir.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

char *temp_dir_new(void)
{
	const char *base = getenv("TMPDIR");
	char *path = mem_printf("%s/p2pmsg-test-XXXXXX", base ? base : "/tmp");

	if (mkdtemp(path) == NULL)
		fail_msg("cannot make %s", path);
	return path;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

void temp_dir_free(char *path)
{
	if (path != NULL)
		nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	mem_free(path);
}

char *temp_dir_path(const char *dir, const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

unsigned temp_dir_count(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}
