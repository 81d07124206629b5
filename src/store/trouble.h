/*
 * trouble: what failing to write means, in words for people.
 */
#ifndef STORE_TROUBLE_H
#define STORE_TROUBLE_H

#include "store/store.h"

/* why: the system's words, may be "". ERR_OK: it is over. */
void trouble_text(enum err e, const char *why, char out[static STORE_WHY_BYTES]);

#endif
