/*
 * tempdir: a folder of a test's own, gone when the test is over.
 */
#ifndef TESTS_LIB_TEMPDIR_H
#define TESTS_LIB_TEMPDIR_H

#include <stddef.h>

#include "base/slice.h"

/* cmocka setup and teardown: *state is the path. */
int tempdir_setup(void **state);
int tempdir_teardown(void **state);

/* dir/name; mem_free. */
char *tempdir_path(const char *dir, const char *name);
/* Writes a file there, in the plain way; fails the test when it cannot. */
void tempdir_write(const char *path, struct slice content);
/* The file, NUL-terminated; mem_free. Fails the test when it cannot be read. */
char *tempdir_read(const char *path);
/* Names in dir, dot files included, . and .. not. */
size_t tempdir_count(const char *dir);

#endif
