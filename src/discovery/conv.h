/*
 * conv: Avahi's values as ours. Both backends use it.
 */
#ifndef DISCOVERY_CONV_H
#define DISCOVERY_CONV_H

#include <avahi-common/address.h>
#include <avahi-common/defs.h>
#include <avahi-common/strlst.h>

#include "discovery/backends.h"

AvahiProtocol conv_protocol(enum addr_family family);
/* The families in use, as one protocol to browse or publish with. */
AvahiProtocol conv_rule(const struct links_rule *rule);
void conv_address(const struct addr *a, AvahiAddress *out);
/* NULL when memory is out; free with avahi_string_list_free. */
AvahiStringList *conv_txt(const struct backend_service *service);

/* What a browser of this link found, but for what is not an instance that came or went
 * on its interface. */
void conv_browse(struct backend_link *l, AvahiIfIndex index, AvahiProtocol protocol,
		 AvahiBrowserEvent event, const char *name);
/* What a resolver found goes to heard.c; a NULL: nothing. Ends the resolver. */
void conv_answer(struct heard_place *p, const AvahiAddress *a, uint16_t port,
		 AvahiStringList *txt);

#endif
