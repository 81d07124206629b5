/*
 * store_crash: a store of a process that dies, and what must be there afterwards.
 */
#ifndef TESTS_LIB_STORE_CRASH_H
#define TESTS_LIB_STORE_CRASH_H

#include "lib/fault_vfs.h"
#include "lib/store_script.h"

/* First of all in main. */
void store_crash_init(void);
/* How often, in `make check` and in `make soak`. */
uint64_t in_check_or_soak(uint64_t check, uint64_t soak);

/* A folder, and the store in it. */
struct place {
	void *dir;
	char *path;
};
struct place place_new(void);
void place_free(struct place *p);

/* What a process does with the store at path; a byte to fd for each step that was
 * acknowledged. */
typedef void store_crash_fn(const char *path, int fd);
/* One step after the other; several at once, so that some share a commit. */
store_crash_fn store_crash_steps, store_crash_groups;

/* Runs it in a process of its own, with a fault at its k-th call; its exit status. *acked:
 * steps. */
int store_crash(store_crash_fn *f, const char *path, enum fault_kind kind, uint64_t k,
		unsigned *acked);

/* Is it as after `acked` steps or, if one was committed before it could be said, one more?
 * Returns which. */
unsigned check_steps(struct store_ask *a, unsigned acked);

#endif
