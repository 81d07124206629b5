/*
 * store_world: a store of a test's own, in memory or in a folder that is gone when the
 * test is over. For the suites that every backend passes.
 */
#ifndef TESTS_LIB_STORE_WORLD_H
#define TESTS_LIB_STORE_WORLD_H

#include "lib/store_ask.h"

enum { MINUTE = 60 * 1000, DAY = 24 * 60 * MINUTE }; /* in milliseconds */

struct store_world {
	struct store_ask ask;
	void *dir;
	char *path; /* of the database, if it is on disk */
};

/* cmocka's setup and teardown; *state is the store_world. */
int store_world_memory(void **state);
int store_world_sqlite(void **state);
int store_world_teardown(void **state);

#endif
