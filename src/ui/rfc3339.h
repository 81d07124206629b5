/*
 * rfc3339: the one form of it that clock_text writes, read back.
 */
#ifndef UI_RFC3339_H
#define UI_RFC3339_H

#include <stdint.h>

#include "base/err.h"

/* "2026-01-02T03:04:05.678Z" as Unix milliseconds; ERR_USAGE. */
enum err rfc3339_parse(const char *text, uint64_t *wall_ms);

#endif
