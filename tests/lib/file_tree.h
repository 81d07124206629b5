/*
 * file_tree: folders of a test: made, compared, and looked at from outside.
 */
#ifndef TESTS_LIB_FILE_TREE_H
#define TESTS_LIB_FILE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file of n bytes that are chance of this seed, with a time of its own. */
void file_tree_file(const char *path, size_t n, uint64_t seed);
/* Folders, empty ones too, files of 0 bytes and more, one that may be executed, one with a
 * hole, names that are not ASCII. */
void file_tree_make(const char *path);
/* How many bytes and entries that has. */
enum { FILE_TREE_ENTRIES = 14 };

/* NULL when both hold the same names, content, times and x bits; else what differs
 * (mem_free). */
char *file_tree_differ(const char *a, const char *b);
/* Path, inode, links, size, mode and time of all that is there, sorted; mem_free. */
char *file_tree_list(const char *path);

#endif
