/* The interfaces of this host, and what they say about an address (addr.h). */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"

static size_t ip_bytes(const struct addr *a)
{
	return a->family == ADDR_IP4 ? 4 : 16;
}

/* The first bits of both are the same. */
static bool is_in_prefix(const struct addr *a, const struct iface_addr *net)
{
	size_t whole = net->prefix / 8;
	uint8_t mask = (uint8_t)(0xff00 >> net->prefix % 8);

	if (a->family != net->addr.family || net->prefix > 8 * ip_bytes(a))
		return false;
	if (memcmp(a->ip, net->addr.ip, whole) != 0)
		return false;
	return mask == 0 || ((a->ip[whole] ^ net->addr.ip[whole]) & mask) == 0;
}

/* The address is the same, or the link it belongs to. */
static bool is_in_iface(const struct iface *f, const struct addr *a)
{
	if (!f->is_up || (a->scope != 0 && a->scope != f->index))
		return false;
	for (size_t i = 0; i < f->n_addrs; i++) {
		if (is_in_prefix(a, &f->addrs[i]))
			return true;
	}
	return false;
}

bool ifaces_on_link(const struct ifaces *ifs, const struct addr *a)
{
	if (addr_is_loopback(a))
		return false;
	for (size_t i = 0; i < ifs->n; i++) {
		if (!ifs->v[i].is_loopback && is_in_iface(&ifs->v[i], a))
			return true;
	}
	return ifaces_is_own(ifs, a);
}

bool ifaces_is_own(const struct ifaces *ifs, const struct addr *a)
{
	if (addr_is_loopback(a))
		return true;
	for (size_t i = 0; i < ifs->n; i++) {
		const struct iface *f = &ifs->v[i];
		for (size_t k = 0; k < f->n_addrs; k++) {
			if (addr_ip_eq(&f->addrs[k].addr, a))
				return true;
		}
	}
	return false;
}

static uint32_t ip4_bits(const struct addr *a)
{
	return (uint32_t)a->ip[0] << 24 | (uint32_t)a->ip[1] << 16 |
	       (uint32_t)a->ip[2] << 8 | a->ip[3];
}

/* A link of one or two hosts has no broadcast address. */
static bool is_broadcast_of(const struct iface_addr *net, const struct addr *a)
{
	uint32_t hosts;

	if (net->addr.family != ADDR_IP4 || net->prefix > 30)
		return false;
	hosts = UINT32_MAX >> net->prefix;
	return ip4_bits(a) == (ip4_bits(&net->addr) | hosts);
}

bool ifaces_is_broadcast(const struct ifaces *ifs, const struct addr *a)
{
	if (a->family != ADDR_IP4)
		return false;
	for (size_t i = 0; i < ifs->n; i++) {
		const struct iface *f = &ifs->v[i];
		for (size_t k = 0; k < f->n_addrs; k++) {
			if (is_broadcast_of(&f->addrs[k], a))
				return true;
		}
	}
	return false;
}

/* The one with this index, new when need be; NULL when there are too many. */
static struct iface *iface_for(struct ifaces *ifs, const struct ifaddrs *from)
{
	char name[IFACE_NAME_BYTES];
	struct iface *f;
	uint32_t index;

	/* Further addresses may be labelled "eth0:1". */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(from->ifa_name, ":"),
		 from->ifa_name);
	index = if_nametoindex(name);
	for (size_t i = 0; i < ifs->n; i++) {
		if (ifs->v[i].index == index)
			return &ifs->v[i];
	}
	if (index == 0 || ifs->n == IFACES_MAX)
		return NULL;
	f = &ifs->v[ifs->n++];
	memcpy(f->name, name, sizeof(name));
	f->index = index;
	f->is_up = (from->ifa_flags & IFF_UP) != 0;
	f->is_loopback = (from->ifa_flags & IFF_LOOPBACK) != 0;
	f->is_multicast = (from->ifa_flags & IFF_MULTICAST) != 0;
	return f;
}

/* Of a netmask, which may lack a family. */
static uint8_t count_bits(const struct sockaddr *mask, const struct addr *like)
{
	struct addr a;
	uint8_t bits = 0;

	if (addr_from_sockaddr(mask, &a) != ERR_OK || a.family != like->family)
		return (uint8_t)(8 * ip_bytes(like));
	while (bits < 8 * ip_bytes(like) && (a.ip[bits / 8] << bits % 8 & 0x80) != 0)
		bits++;
	return bits;
}

static void add_addr(struct ifaces *ifs, const struct ifaddrs *from)
{
	struct iface *f = iface_for(ifs, from);
	struct addr a;

	if (f == NULL || f->n_addrs == IFACE_ADDRS_MAX)
		return;
	if (addr_from_sockaddr(from->ifa_addr, &a) != ERR_OK)
		return;
	f->addrs[f->n_addrs++] =
		(struct iface_addr){a, count_bits(from->ifa_netmask, &a)};
}

enum err ifaces_read(struct ifaces *out)
{
	struct ifaddrs *list;

	*out = (struct ifaces){0};
	if (getifaddrs(&list) != 0)
		return err_from_errno(errno);
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		add_addr(out, i);
	freeifaddrs(list);
	return ERR_OK;
}

bool iface_name_is_lan(const char *name)
{
	static const char *const others[] = {
		"docker", "br-", "veth", "virbr", "tun", "tap", "wg",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strncmp(name, others[i], strlen(others[i])) == 0)
			return false;
	}
	return true;
}
