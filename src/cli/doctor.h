/*
 * doctor: what is wrong with the files of a profile.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/paths.h"
#include "core/core.h"

/* Permissions, room on the disk, the key, and the store if there is to be one. Looks
 * only. */
void doctor_inspect(const struct paths *paths, bool has_store, core_finding_fn *fn,
		    void *ctx);

#endif
