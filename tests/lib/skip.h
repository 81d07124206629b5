/*
 * skip: a test that cannot be done here says why.
 */
#ifndef TESTS_LIB_SKIP_H
#define TESTS_LIB_SKIP_H

/* Ends the test as skipped, with this reason in the list of tests/run. */
void skip_because(const char *why);

#endif
