#include "discovery/links.h"

#include <stdio.h>
#include <string.h>

static bool names_has(const struct link_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], name) == 0)
			return true;
	return false;
}

static void names_add(struct link_names *names, const char *name)
{
	if (names->n < IFACES_MAX && !names_has(names, name))
		snprintf(names->v[names->n++], IFACE_NAME_BYTES, "%s", name);
}

static bool uses_family(const struct links_rule *rule, const struct addr *a)
{
	return a->family == ADDR_IP4 ? rule->use_ip4 : rule->use_ip6;
}

static bool has_address(const struct links_rule *rule, const struct iface *i)
{
	for (size_t k = 0; k < i->n_addrs; k++)
		if (uses_family(rule, &i->addrs[k].addr))
			return true;
	return false;
}

/* lo carries multicast although it does not say so. */
static bool is_usable(const struct links_rule *rule, const struct iface *i)
{
	return i->is_up && (i->is_multicast || i->is_loopback) && has_address(rule, i);
}

static bool is_wanted(const struct links_rule *rule, const struct iface *i)
{
	if (rule->asked.n > 0)
		return names_has(&rule->asked, i->name);
	return !i->is_loopback && iface_name_is_lan(i->name);
}

size_t links_pick(const struct links_rule *rule, const struct ifaces *ifs,
		  const struct iface *out[static IFACES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ifs->n; i++)
		if (is_wanted(rule, &ifs->v[i]) && is_usable(rule, &ifs->v[i]))
			out[n++] = &ifs->v[i];
	if (n > 0 || rule->asked.n > 0)
		return n;
	for (size_t i = 0; i < ifs->n; i++)
		if (ifs->v[i].is_loopback && is_usable(rule, &ifs->v[i]))
			out[n++] = &ifs->v[i];
	return n;
}

static bool is_link_local6(const struct addr *a)
{
	return a->family == ADDR_IP6 && addr_is_link_local(a);
}

static bool has_link_local6(const struct iface *i)
{
	for (size_t k = 0; k < i->n_addrs; k++)
		if (is_link_local6(&i->addrs[k].addr))
			return true;
	return false;
}

size_t links_addrs(const struct links_rule *rule, const struct iface *i,
		   struct addr out[static LINK_ADDRS_MAX])
{
	bool only_local6 = has_link_local6(i);
	size_t n = 0;

	for (size_t k = 0; k < i->n_addrs && n < LINK_ADDRS_MAX; k++) {
		const struct addr *a = &i->addrs[k].addr;

		if (!uses_family(rule, a))
			continue;
		if (a->family == ADDR_IP6 && only_local6 && !is_link_local6(a))
			continue;
		out[n++] = *a;
	}
	return n;
}

static bool picks_loopback(const struct links_rule *rule, const struct ifaces *ifs)
{
	const struct iface *used[IFACES_MAX];
	size_t n = links_pick(rule, ifs, used);

	for (size_t i = 0; i < n; i++)
		if (used[i]->is_loopback)
			return true;
	return false;
}

void links_names(const struct links_rule *rule, const struct ifaces *ifs,
		 struct link_names *out)
{
	bool with_loopback = picks_loopback(rule, ifs);

	*out = (struct link_names){0};
	for (size_t i = 0; i < ifs->n; i++)
		if (ifs->v[i].is_loopback ? with_loopback : is_wanted(rule, &ifs->v[i]))
			names_add(out, ifs->v[i].name);
}

bool links_fit(const struct links_rule *rule, const struct ifaces *ifs,
	       const struct link_names *names)
{
	const struct iface *used[IFACES_MAX];
	size_t n = links_pick(rule, ifs, used);
	bool with_loopback = false;

	for (size_t i = 0; i < n; i++) {
		if (!names_has(names, used[i]->name))
			return false;
		with_loopback |= used[i]->is_loopback;
	}
	for (size_t i = 0; i < ifs->n; i++)
		if (ifs->v[i].is_loopback && !with_loopback &&
		    names_has(names, ifs->v[i].name))
			return false;
	return true;
}
