#include "discovery/conv.h"

#include <netinet/in.h>
#include <string.h>

AvahiProtocol conv_protocol(enum addr_family family)
{
	return family == ADDR_IP4 ? AVAHI_PROTO_INET : AVAHI_PROTO_INET6;
}

AvahiProtocol conv_rule(const struct links_rule *rule)
{
	if (rule->use_ip4 && rule->use_ip6)
		return AVAHI_PROTO_UNSPEC;
	return rule->use_ip4 ? AVAHI_PROTO_INET : AVAHI_PROTO_INET6;
}

/* ADDR_NONE for what is neither. */
static enum addr_family family_of(AvahiProtocol protocol)
{
	if (protocol == AVAHI_PROTO_INET)
		return ADDR_IP4;
	return protocol == AVAHI_PROTO_INET6 ? ADDR_IP6 : ADDR_NONE;
}

void conv_address(const struct addr *a, AvahiAddress *out)
{
	out->proto = conv_protocol(a->family);
	memcpy(out->data.data, a->ip, sizeof(a->ip));
}

AvahiStringList *conv_txt(const struct backend_service *service)
{
	AvahiStringList *list = NULL;

	if (avahi_string_list_parse(service->txt, service->txt_len, &list) < 0)
		return NULL;
	return list;
}

/* By way of a socket address, so that a mapped address becomes the IPv4 it is. */
static enum err from_avahi(const AvahiAddress *a, uint16_t port, struct addr *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	memcpy(&in.sin_addr, &a->data.ipv4, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, &a->data.ipv6, sizeof(in6.sin6_addr));
	if (a->proto == AVAHI_PROTO_INET)
		return addr_from_sockaddr((const void *)&in, out);
	return addr_from_sockaddr((const void *)&in6, out);
}

void conv_browse(struct backend_link *l, AvahiIfIndex index, AvahiProtocol protocol,
		 AvahiBrowserEvent event, const char *name)
{
	enum addr_family family = family_of(protocol);

	if ((event == AVAHI_BROWSER_NEW || event == AVAHI_BROWSER_REMOVE) &&
	    index == (AvahiIfIndex)l->iface.index && family != ADDR_NONE)
		backend_on_browse(l, event == AVAHI_BROWSER_NEW, name, family);
}

void conv_answer(struct heard_place *p, const AvahiAddress *a, uint16_t port,
		 AvahiStringList *txt)
{
	uint8_t bytes[TXT_MAX_BYTES];
	struct slice record = {0};
	struct addr addr;

	if (!a || from_avahi(a, port, &addr) != ERR_OK) {
		heard_silence(p);
		return;
	}
	/* One that is too long is left empty, which is as wrong. */
	if (avahi_string_list_serialize(txt, NULL, 0) <= sizeof(bytes))
		record = slice_of(bytes,
				  avahi_string_list_serialize(txt, bytes, sizeof(bytes)));
	heard_answer(p, &addr, record);
}
