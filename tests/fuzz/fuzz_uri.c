/*
 * uri_parse and node_id_parse on any text. What is taken must come out again as
 * the same text but for case; and host_port must fit where the header says.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/node_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_uri(const char *text)
{
	char *host_port = mem_new(strlen(text) + 1);
	struct id32 id;

	if (uri_parse(text, &id, host_port) == ERR_OK) {
		char *again = uri_text(&id, *host_port != '\0' ? host_port : NULL);
		if (strcasecmp(again, text) != 0)
			abort();
		mem_free(again);
	} else if (*host_port != '\0') {
		abort();
	}
	mem_free(host_port);
}

/* The text with the check characters that belong to it, so that more than the
 * check is reached. */
static void check_mended(const char *text)
{
	char uri[7 + NODE_ID_COMPACT_BYTES + 256], compact[NODE_ID_COMPACT_BYTES];
	struct id32 id;

	if (strlen(text) < 7 + 56 || strlen(text) >= sizeof(uri) ||
	    node_id_parse_base32(slice_of(text + 7, 52), &id) != ERR_OK)
		return;
	memcpy(uri, text, strlen(text) + 1);
	node_id_compact(&id, compact);
	memcpy(uri + 7, compact, 56);
	check_uri(uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = mem_strndup(bytes, len);
	struct id32 id, again;
	char out[NODE_ID_TEXT_BYTES];

	secret_init();
	check_uri(text);
	check_mended(text);
	if (node_id_parse(text, &id) == ERR_OK) {
		node_id_text(&id, out);
		if (node_id_parse(out, &again) != ERR_OK || !id32_eq(&id, &again))
			abort();
	}
	if (node_id_parse_base32(slice_of(bytes, len), &id) == ERR_OK && len != 52)
		abort();
	mem_free(text);
	return 0;
}
