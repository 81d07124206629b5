/*
 * A TXT record from the network. What is accepted must be what it says: a version
 * range that is one, and, written again by us, the same id.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/discovery.h"
#include "discovery/txt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct sighting s = {.role = 0x5a}, again = {0}, before = s;
	uint8_t built[TXT_MAX_BYTES];

	if (sighting_parse_txt(slice_of(bytes, len), &s) != ERR_OK) {
		must(memcmp(&s, &before, sizeof(s)) == 0);
		return 0;
	}
	must(len <= TXT_MAX_BYTES && s.has_id);
	must(s.proto_min >= 1 && s.proto_min <= s.proto_max);
	len = txt_build(&s.id, s.role, built);
	must(sighting_parse_txt(slice_of(built, len), &again) == ERR_OK);
	must(id32_eq(&again.id, &s.id) && again.role == s.role);
	return 0;
}
