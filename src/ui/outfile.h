/*
 * outfile: a new file of lines that a client writes. It is there whole or not at all.
 */
#ifndef UI_OUTFILE_H
#define UI_OUTFILE_H

#include <stdbool.h>

#include "base/err.h"

struct outfile;

/* Mode 0600. Nothing that is there is overwritten. *why (mem_free) is for people. */
enum err outfile_new(const char *path, struct outfile **out, char **why);
/* And a newline. What fails is told at the end. */
void outfile_line(struct outfile *f, const char *line);
/* Frees it. Without is_whole, or when not all could be written, the file goes. */
enum err outfile_end(struct outfile *f, bool is_whole, char **why);
/* As that, half a file. NULL is fine. */
void outfile_free(struct outfile *f);

#endif
