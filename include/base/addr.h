/*
 * addr: an IP address with port, and the interfaces of this host.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sockaddr;
struct sockaddr_storage;

enum addr_family { ADDR_NONE, ADDR_IP4, ADDR_IP6 };

struct addr {
	enum addr_family family;
	uint8_t ip[16]; /* first 4 bytes for IPv4, the rest zero */
	uint16_t port; /* host order */
	uint32_t scope; /* interface index, for IPv6 link-local only, else 0 */
};

/* "192.0.2.1:7117", "[fe80::1%eth0]:7117", "[2001:db8::1]:7117" with a NUL. */
enum { ADDR_TEXT_BYTES = 80 };
void addr_str(const struct addr *a, char out[static ADDR_TEXT_BYTES]);
/* A literal in one of the forms above, a bare IPv6 address too; without a port, port
 * is 0. IPv4-mapped IPv6 becomes IPv4. A scope is the name of an interface that is
 * there or a number, and only with a link-local address. ERR_USAGE for anything else,
 * host names included. */
enum err addr_parse(const char *text, struct addr *out);
/* Splits "host", "host:port", "[v6]:port", "v6" into host (to host_max bytes
 * with its NUL) and port (0 when absent). The host is not judged, but that it holds
 * no spaces or controls. ERR_USAGE. */
enum err addr_split(const char *text, char *host, size_t host_max, uint16_t *port);

bool addr_eq(const struct addr *a, const struct addr *b); /* port and scope too */
bool addr_ip_eq(const struct addr *a, const struct addr *b); /* address only */
bool addr_is_loopback(const struct addr *a);
bool addr_is_link_local(const struct addr *a); /* fe80::/10, 169.254/16 */
bool addr_is_unicast(const struct addr *a); /* not multicast, broadcast, unspecified */

/* IPv4-mapped IPv6 becomes IPv4. ERR_USAGE for other families. */
enum err addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
/* Returns the length to give to connect or bind; 0 for ADDR_NONE. */
uint32_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);

/* One address of an interface of this host. */
struct iface_addr {
	struct addr addr; /* port 0 */
	uint8_t prefix; /* bits */
};

enum { IFACE_NAME_BYTES = 16, IFACE_ADDRS_MAX = 16, IFACES_MAX = 64 };

struct iface {
	char name[IFACE_NAME_BYTES];
	uint32_t index;
	bool is_up, is_loopback, is_multicast;
	uint8_t n_addrs;
	struct iface_addr addrs[IFACE_ADDRS_MAX];
};

struct ifaces {
	uint8_t n;
	struct iface v[IFACES_MAX];
};

/* True when a lies inside a prefix of one of the interfaces, or is an address
 * of this host itself. Loopback addresses do not count, nor interfaces that are
 * down; with a scope, only that interface does. */
bool ifaces_on_link(const struct ifaces *ifs, const struct addr *a);
/* Loopback counts as own. */
bool ifaces_is_own(const struct ifaces *ifs, const struct addr *a);
/* The directed broadcast address of an attached IPv4 prefix. */
bool ifaces_is_broadcast(const struct ifaces *ifs, const struct addr *a);
/* Reads the present state (getifaddrs). */
enum err ifaces_read(struct ifaces *out);
/* False for names that are skipped unless asked for: docker*, br-*, veth*,
 * virbr*, tun*, tap*, wg*. */
bool iface_name_is_lan(const char *name);

#endif
