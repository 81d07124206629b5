#include "lib/watchers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ownnet.h"

static struct watcher watchers[WATCHERS_MAX];

struct watcher *watchers_start(int i, struct watcher_options o)
{
	o.id = (uint8_t)(i + 1);
	watcher_start(&watchers[i], &o);
	return &watchers[i];
}

static struct watcher *start_elsewhere(int i, const char *cable, const char *address)
{
	struct watcher *w =
		watchers_start(i, (struct watcher_options){.mode = DISCOVERY_EMBEDDED,
							   .has_own_net = true});

	ownnet_give_away(cable, w->pid, address);
	watcher_tell(w, "go");
	return w;
}

struct watcher *watchers_start_other_host(int i)
{
	return start_elsewhere(i, "eth1", "10.77.0.2/24");
}

struct watcher *watchers_start_third_host(int i)
{
	assert_true(ownnet_run("ip link add eth2 type veth peer name eth3 && "
			       "ip addr add 10.78.0.1/24 dev eth2 && "
			       "ip link set eth2 up"));
	return start_elsewhere(i, "eth3", "10.78.0.2/24");
}

bool watchers_stop(void)
{
	bool is_well = true;

	for (int i = 0; i < WATCHERS_MAX; i++)
		if (watcher_stop(&watchers[i]) < 0)
			is_well = false;
	return is_well;
}
