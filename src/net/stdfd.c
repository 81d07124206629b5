#include "net/stdfd.h"

#include <fcntl.h>
#include <unistd.h>

enum { STDFDS = 3 };

/* Of the process, as the descriptors are. The loop's thread only. */
static unsigned n_holds;
static int found[STDFDS];

bool stdfd_is(int fd)
{
	return fd >= 0 && fd < STDFDS;
}

void stdfd_hold(void)
{
	if (n_holds++ > 0)
		return;
	for (int fd = 0; fd < STDFDS; fd++)
		found[fd] = fcntl(fd, F_GETFL);
}

void stdfd_release(void)
{
	if (--n_holds > 0)
		return;
	for (int fd = 0; fd < STDFDS; fd++) {
		if (found[fd] >= 0)
			fcntl(fd, F_SETFL, found[fd]);
	}
}
