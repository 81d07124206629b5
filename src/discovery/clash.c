#include "discovery/clash.h"

#include <avahi-client/client.h>
#include <avahi-common/domain.h>
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

/* Not by the locale. */
static unsigned char lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u - 'A' + 'a') : u;
}

/* Label by label, escapes resolved: the plain meaning. */
static int is_equal_slowly(const char *a, const char *b)
{
	char la[AVAHI_LABEL_MAX], lb[AVAHI_LABEL_MAX];

	do {
		const char *x = avahi_unescape_label(&a, la, sizeof(la));
		const char *y = avahi_unescape_label(&b, lb, sizeof(lb));

		if (!x || !y)
			return 0;
		for (; *x && lower(*x) == lower(*y); x++, y++)
			;
		if (lower(*x) != lower(*y))
			return 0;
	} while (*a || *b);
	return 1;
}

/* Names without an escape differ where their letters do; but for the dot at the end,
 * which means nothing. */
int avahi_domain_equal(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] && a[i] != '\\' && lower(a[i]) == lower(b[i]))
		i++;
	if (!a[i] && !b[i])
		return 1;
	if (a[i] && b[i] && a[i] != '\\' && b[i] != '\\')
		return 0;
	return is_equal_slowly(a, b);
}
