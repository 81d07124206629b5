/*
 * temp_dir: a folder of the test's own, below TMPDIR.
 */
#ifndef TESTS_LIB_TEMP_DIR_H
#define TESTS_LIB_TEMP_DIR_H

/* Makes it, 0700; the path is freed by temp_dir_free. */
char *temp_dir_new(void);
/* Removes it with everything inside. NULL is fine. */
void temp_dir_free(char *path);
/* "dir/name"; mem_free. */
char *temp_dir_path(const char *dir, const char *name);
/* How many entries it has. */
unsigned temp_dir_count(const char *dir);

#endif
