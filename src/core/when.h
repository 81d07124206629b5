/*
 * when: a point in time as a person gives it.
 */
#ifndef CORE_WHEN_H
#define CORE_WHEN_H

#include <stdint.h>

#include "base/err.h"

/* "2026-12-31", "2026-12-31T18:30", "2026-12-31T18:30:00Z" (all UTC), or how long before
 * now: "90s", "90m", "36h", "7d". Unix milliseconds. ERR_USAGE. */
enum err when_parse(const char *text, uint64_t now_ms, uint64_t *out_ms);

#endif
