/*
 * links: which interfaces mDNS uses, and which of their addresses it announces.
 * Names like docker0 are left out unless the user asked for them; lo is used only
 * when nothing else can be.
 */
#ifndef DISCOVERY_LINKS_H
#define DISCOVERY_LINKS_H

#include "base/addr.h"

enum { LINK_ADDRS_MAX = 8 };

struct link_names {
	size_t n;
	char v[IFACES_MAX][IFACE_NAME_BYTES];
};

struct links_rule {
	bool use_ip4, use_ip6;
	struct link_names asked; /* by the user; empty: all that look like a LAN */
};

/* Borrowed from ifs; returns how many. */
size_t links_pick(const struct links_rule *rule, const struct ifaces *ifs,
		  const struct iface *out[static IFACES_MAX]);

/*
 * The addresses to announce on i, port 0. For IPv6 the link-local one alone when
 * there is one: it reaches everybody who can hear us, and it does not change when
 * privacy addresses do.
 */
size_t links_addrs(const struct links_rule *rule, const struct iface *i,
		   struct addr out[static LINK_ADDRS_MAX]);

/*
 * The embedded stack must be told names, once, when it starts: so it is given all
 * that may come to be used, up or not, and starts again only when a name is
 * missing. A machine that makes and removes virtual interfaces all day (containers)
 * does not disturb it.
 */
void links_names(const struct links_rule *rule, const struct ifaces *ifs,
		 struct link_names *out);
bool links_fit(const struct links_rule *rule, const struct ifaces *ifs,
	       const struct link_names *names);

#endif
