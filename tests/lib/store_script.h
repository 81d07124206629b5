/*
 * store_script: something of everything that is asked of a store, in steps, and what it
 * must hold after each: the backend in memory says.
 */
#ifndef TESTS_LIB_STORE_SCRIPT_H
#define TESTS_LIB_STORE_SCRIPT_H

#include "lib/store_ask.h"

enum { SCRIPT_STEPS = 42 };

/* Of step n, from 0 on; its slices live until the next call. */
struct store_request store_script_request(unsigned n);
/* Does step n. What a store that has done it already answers is fine too. */
enum err store_script_step(struct store_ask *a, unsigned n);
/* All that it holds, as text; mem_free. */
char *store_script_dump(struct store_ask *a);
/* After n steps; static. */
const char *store_script_want(unsigned n);

#endif
