/*
 * vectors: published test vectors from files. They lie in the folder named by
 * P2PMSG_VECTORS (default ../shared/vectors); a test whose file is missing is
 * skipped, which cmocka says in its output.
 */
#ifndef TESTS_LIB_VECTORS_H
#define TESTS_LIB_VECTORS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/slice.h"

/* The path of a file, mem_free; skips the test when it is not there. name may be
 * absolute. */
char *vectors_path(const char *name);
/* The file as JSON, json_decref; skips the test when it is not there, fails it
 * when it is no JSON. */
json_t *vectors_json(const char *name);
/* A file of tests/golden, which is part of the tree: fails the test when it is not
 * there (tests run in the project's root). */
json_t *vectors_golden(const char *name);
/* A member that must be there. */
const char *vectors_str(const json_t *object, const char *key);

/* Memory for the bytes behind hex texts; zeroed at first. */
struct pool {
	void **v;
	size_t n;
};
struct slice pool_hex(struct pool *pool, const char *hex);
/* A zeroed buffer of n bytes, at least one. */
uint8_t *pool_bytes(struct pool *pool, size_t n);
void pool_wipe(struct pool *pool);

/* hex of a member; empty when it is missing. */
struct slice vectors_hex(struct pool *pool, const json_t *object, const char *key);

/*
 * Files of `key = value` lines: records end with an empty line, or, with
 * last_key, with that key. # begins a comment.
 */
struct kv_file;
struct kv_file *kv_open(const char *path); /* NULL when it cannot be read */
void kv_close(struct kv_file *f);
bool kv_next(struct kv_file *f, const char *last_key);
/* The value in the present record, valid until kv_next; NULL when absent. */
const char *kv_get(const struct kv_file *f, const char *key);
struct slice kv_hex(struct pool *pool, const struct kv_file *f, const char *key);

#endif
