#include "lib/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (uint8_t)(x >> 32);
	}
}

static void set_time(const char *path, uint64_t seed)
{
	const struct timespec t = {.tv_sec = (time_t)(1000000000 + seed * 86461),
				   .tv_nsec = (long)(seed * 1234567 % 1000000000)};

	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){t, t}, 0), 0);
}

void file_tree_file(const char *path, size_t n, uint64_t seed)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	uint8_t *p = mem_new(n + 1);

	assert_true(fd >= 0);
	fill(p, n, seed);
	for (size_t at = 0; at < n;) {
		const ssize_t put = write(fd, p + at, n - at);
		assert_true(put > 0);
		at += (size_t)put;
	}
	close(fd);
	mem_free(p);
	set_time(path, seed);
}

static void make_sparse(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(pwrite(fd, "end", 3, 300000), 3);
	assert_int_equal(ftruncate(fd, 700000), 0);
	close(fd);
	set_time(path, 99);
}

void file_tree_make(const char *path)
{
	static const struct {
		const char *name;
		int bytes; /* -1: a folder */
	} rows[] = {
		{"a", -1},	  {"a/empty", -1},
		{"a/one", 1},	  {"a.txt", 5000},
		{"b", -1},	  {"b/c", -1},
		{"b/c/d", -1},	  {"b/c/d/deep", 70000},
		{"b/c/after", 3}, {"run", 17},
		{"nothing", 0},	  {"\xc3\xa4\xe2\x82\xac", 10},
	};
	char *full;

	assert_int_equal(mkdir(path, 0755), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		full = mem_printf("%s/%s", path, rows[i].name);
		if (rows[i].bytes < 0)
			assert_int_equal(mkdir(full, 0755), 0);
		else
			file_tree_file(full, (size_t)rows[i].bytes, i + 2);
		mem_free(full);
	}
	full = mem_printf("%s/sparse", path);
	make_sparse(full);
	mem_free(full);
	full = mem_printf("%s/run", path);
	assert_int_equal(chmod(full, 0755), 0);
	mem_free(full);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		full = mem_printf("%s/%s", path, rows[i].name);
		set_time(full, i + 50);
		mem_free(full);
	}
	set_time(path, 200);
}

static bool is_same_content(const char *a, const char *b, off_t n)
{
	const int fa = open(a, O_RDONLY | O_CLOEXEC), fb = open(b, O_RDONLY | O_CLOEXEC);
	static char pa[65536], pb[65536];
	bool is = fa >= 0 && fb >= 0;

	for (off_t at = 0; at < n && is; at += (off_t)sizeof(pa)) {
		const ssize_t na = pread(fa, pa, sizeof(pa), at);
		is = na > 0 && pread(fb, pb, sizeof(pb), at) == na &&
		     memcmp(pa, pb, (size_t)na) == 0;
	}
	close(fa);
	close(fb);
	return is;
}

static char *differ_one(const char *a, const char *b)
{
	struct stat x, y;

	if (lstat(a, &x) != 0 || lstat(b, &y) != 0)
		return mem_printf("%s: not in both", a);
	if ((x.st_mode & (S_IFMT | S_IXUSR)) != (y.st_mode & (S_IFMT | S_IXUSR)))
		return mem_printf("%s: mode %o %o", a, x.st_mode, y.st_mode);
	if (memcmp(&x.st_mtim, &y.st_mtim, sizeof(x.st_mtim)) != 0)
		return mem_printf("%s: time", a);
	if (S_ISDIR(x.st_mode))
		return file_tree_differ(a, b);
	if (x.st_size != y.st_size || !is_same_content(a, b, x.st_size))
		return mem_printf("%s: content", a);
	return NULL;
}

char *file_tree_differ(const char *a, const char *b)
{
	struct dirent **va = NULL, **vb = NULL;
	const int na = scandir(a, &va, NULL, alphasort),
		  nb = scandir(b, &vb, NULL, alphasort);
	char *what = na != nb ? mem_printf("%s: %d and %d names", a, na, nb) : NULL;

	for (int i = 0; i < na; i++) {
		const char *name = va[i]->d_name;
		if (what == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			char *x = mem_printf("%s/%s", a, name),
			     *y = mem_printf("%s/%s", b, name);
			what = differ_one(x, y);
			mem_free(x);
			mem_free(y);
		}
		free(va[i]);
	}
	for (int i = 0; i < nb; i++)
		free(vb[i]);
	free(va);
	free(vb);
	return what;
}

static void list_in(const char *path, char **out)
{
	struct dirent **v = NULL;
	const int n = scandir(path, &v, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = v[i]->d_name;
		char *full = mem_printf("%s/%s", path, name), *more;
		struct stat st;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    lstat(full, &st) == 0) {
			more = mem_printf("%s%s %ju %ju %jd %o %jd.%09ld\n", *out, full,
					  (uintmax_t)st.st_ino, (uintmax_t)st.st_nlink,
					  (intmax_t)st.st_size, st.st_mode,
					  (intmax_t)st.st_mtim.tv_sec,
					  st.st_mtim.tv_nsec);
			mem_free(*out);
			*out = more;
			if (S_ISDIR(st.st_mode))
				list_in(full, out);
		}
		mem_free(full);
		free(v[i]);
	}
	free(v);
}

char *file_tree_list(const char *path)
{
	char *out = mem_strdup("");

	list_in(path, &out);
	return out;
}
