#include <stdio.h>

#include "store/backend.h"

static enum err sqlite_open(const struct store_config *cfg, enum store_lane lane,
			    void *writer, void **out, char *why)
{
	(void)cfg;
	(void)lane;
	(void)writer;
	*out = NULL;
	snprintf(why, STORE_WHY_BYTES, "a store on disk comes with a later change");
	return ERR_MISSING;
}

const struct store_backend store_sqlite = {
	.name = "sqlite", .has_threads = true, .open = sqlite_open};
