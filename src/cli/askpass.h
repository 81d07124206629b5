/*
 * askpass: a secret from the person at the terminal.
 */
#ifndef CLI_ASKPASS_H
#define CLI_ASKPASS_H

#include <stddef.h>

#include "base/err.h"

/* Asks on the terminal of this process, wherever stdin comes from, without echo. At
 * most max - 1 bytes into out (guarded memory of the caller) and a NUL. ERR_MISSING:
 * there is no terminal; ERR_LIMIT: too long; ERR_IO: no answer. */
enum err askpass(const char *prompt, char *out, size_t max);

#endif
