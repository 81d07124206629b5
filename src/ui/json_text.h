/*
 * json_text: the two places where jansson's strings and ours meet.
 */
#ifndef UI_JSON_TEXT_H
#define UI_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* A JSON string; bytes that are no UTF-8 are shown as \x9c. Never NULL. */
json_t *json_text(const char *s);
/* The object on one line, mem_free. Releases root. */
char *json_line(json_t *root, size_t flags);

#endif
