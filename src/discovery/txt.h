/*
 * txt: what the TXT record of an instance says. p2pmsg-protocol(7), "mDNS".
 * Reading one is sighting_parse_txt (discovery/discovery.h).
 */
#ifndef DISCOVERY_TXT_H
#define DISCOVERY_TXT_H

#include "base/ids.h"

enum { TXT_MAX_BYTES = 256 };

/* Our own record as length-prefixed strings; returns its length. */
size_t txt_build(const struct id32 *id, uint8_t role, uint8_t out[static TXT_MAX_BYTES]);

#endif
