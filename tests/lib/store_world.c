#include "lib/store_world.h"

#include "base/mem.h"
#include "lib/tempdir.h"

static int setup(void **state, bool is_on_disk)
{
	struct store_world *w = mem_new(sizeof(*w));

	if (tempdir_setup(&w->dir) != 0)
		return 1;
	w->path = tempdir_path(w->dir, "store.db");
	store_ask_init(&w->ask, is_on_disk ? w->path : NULL);
	*state = w;
	return store_ask_open(&w->ask) == ERR_OK ? 0 : 1;
}

int store_world_teardown(void **state)
{
	struct store_world *w = *state;

	store_ask_wipe(&w->ask);
	mem_free(w->path);
	tempdir_teardown(&w->dir);
	mem_free(w);
	return 0;
}

int store_world_memory(void **state)
{
	return setup(state, false);
}

int store_world_sqlite(void **state)
{
	return setup(state, true);
}
