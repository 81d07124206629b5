/*
 * conv: Avahi's values as ours. Both backends use it.
 */
#ifndef DISCOVERY_CONV_H
#define DISCOVERY_CONV_H

#include <avahi-common/address.h>
#include <avahi-common/strlst.h>

#include "discovery/backends.h"

AvahiProtocol conv_protocol(enum addr_family family);
/* The families in use, as one protocol to browse or publish with. */
AvahiProtocol conv_rule(const struct links_rule *rule);
/* ADDR_NONE for what is neither. */
enum addr_family conv_family(AvahiProtocol protocol);
void conv_address(const struct addr *a, AvahiAddress *out);
/* NULL when memory is out; free with avahi_string_list_free. */
AvahiStringList *conv_txt(const struct backend_service *service);

/* What a resolver found goes to heard.c; a NULL: nothing. Ends the resolver. */
void conv_answer(struct heard_place *p, const AvahiAddress *a, uint16_t port,
		 AvahiStringList *txt);

#endif
