#include "discovery/clash.h"

#include <avahi-client/client.h>
#include <dlfcn.h>
#include <stdlib.h>

/* The two as the libraries know them. <avahi-client/publish.h> is not included: its
 * declaration is of the first one only. */
typedef int (*client_free)(void *group);
typedef void (*core_free)(void *server, void *group);

int avahi_entry_group_free(void *first, void *second);

static _Thread_local const AvahiServer *embedded;

void clash_server_set(const AvahiServer *server)
{
	embedded = server;
}

/* The function in the library that holds sibling. */
static void *find(void (*sibling)(void))
{
	void *function = NULL, *library;
	Dl_info found;

	if (dladdr(*(void **)&sibling, &found) == 0)
		abort();
	library = dlopen(found.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (library)
		function = dlsym(library, "avahi_entry_group_free");
	if (!function)
		abort();
	dlclose(library);
	return function;
}

/* Called with a server and its group by libavahi-core, with a group alone by
 * libavahi-client and by us. */
int avahi_entry_group_free(void *first, void *second)
{
	void *found;
	client_free of_client;
	core_free of_core;

	if (embedded && first == embedded) {
		found = find((void (*)(void))avahi_server_new);
		*(void **)&of_core = found;
		of_core(first, second);
		return 0;
	}
	found = find((void (*)(void))avahi_client_new);
	*(void **)&of_client = found;
	return of_client(first);
}
