/*
 * mem: plain heap memory.
 *
 * Every size that a peer can influence is checked against a limit before it
 * gets here, so running out of memory is not an input but a broken machine:
 * these functions never return NULL; they log and abort.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* n zeroed bytes. Free with mem_free. */
void *mem_new(size_t n);
/* count times size zeroed bytes; a product that overflows aborts. */
void *mem_array(size_t count, size_t size);
/* Like realloc for count elements of size; new bytes are not zeroed. */
void *mem_resize(void *p, size_t count, size_t size);
void *mem_dup(const void *p, size_t n);
/* A copy of s, NUL-terminated; NULL gives NULL. */
char *mem_strdup(const char *s);
/* n bytes of p plus a NUL. */
char *mem_strndup(const void *p, size_t n);
/* printf into new memory. */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* NULL is fine. */
void mem_free(void *p);

#endif
