/*
 * map: a hash map from keys of one fixed length to pointers that the caller
 * owns. Hashing is keyed (SipHash), so that peers cannot choose colliding keys.
 * It is walked in the order of insertion, so that a run can be repeated.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map;

/* key_len 1 to 64 bytes; keys are copied. */
struct map *map_new(size_t key_len);
/* Frees the map, not the values. NULL is fine. */
void map_free(struct map *m);

size_t map_count(const struct map *m);
/* The value, or NULL when the key is not there. */
void *map_get(const struct map *m, const void *key);
/* value is not NULL. Returns the value it replaces, else NULL. */
void *map_put(struct map *m, const void *key, void *value);
/* Removes; returns the value, else NULL. */
void *map_del(struct map *m, const void *key);

/*
 * Walk:  size_t pos = 0; for (void *v; (v = map_next(m, &pos)) != NULL;) ...
 * In order of insertion. Removing the element just returned is allowed while
 * walking; adding is not.
 */
void *map_next(const struct map *m, size_t *pos);
/* The oldest value, or NULL; with its key when key_out is not NULL. */
void *map_oldest(const struct map *m, const void **key_out);

#endif
