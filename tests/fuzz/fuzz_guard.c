/*
 * A datagram on its way to the embedded mDNS stack. A packet with a CNAME record put
 * in front of its records is never let through.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	/* One answer: the root, CNAME, IN, no time, no data. */
	static const uint8_t start[] = {0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0,
					0, 0, 5,    0, 1, 0, 0, 0, 0, 0, 0};
	uint8_t *packet = malloc(sizeof(start) + len);

	guard_is_harmless(slice_of(bytes, len));
	memcpy(packet, start, sizeof(start));
	memcpy(packet + sizeof(start), bytes, len);
	if (guard_is_harmless(slice_of(packet, sizeof(start) + len)))
		abort();
	free(packet);
	return 0;
}
