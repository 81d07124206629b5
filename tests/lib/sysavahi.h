/*
 * sysavahi: a system D-Bus and an avahi-daemon of the test's own, inside the network
 * and the /run of ownnet_enter. Clients find the bus by DBUS_SYSTEM_BUS_ADDRESS.
 */
#ifndef TESTS_LIB_SYSAVAHI_H
#define TESTS_LIB_SYSAVAHI_H

#include <stdbool.h>
#include <sys/types.h>

struct sysavahi {
	pid_t bus, daemon; /* 0: not running */
};

/* Both programs are installed, and we may be the user whom the daemon wants. */
bool sysavahi_is_possible(void);
/* Before anything asks for the bus; even if there never is one. */
void sysavahi_address_set(void);
/* False when it did not come up. */
bool sysavahi_bus_start(struct sysavahi *s);
bool sysavahi_start(struct sysavahi *s);
/* As by kill -9. */
void sysavahi_kill(struct sysavahi *s);
void sysavahi_bus_kill(struct sysavahi *s);

#endif
