#include "crypto/node_id.h"

#include <stdbool.h>
#include <strings.h>

#include "base/mem.h"
#include "crypto/hash.h"

enum { BASE32_CHARS = 52, CHECK_CHARS = 4, COMPACT_CHARS = BASE32_CHARS + CHECK_CHARS };

static const char scheme[] = "p2pmsg:";

void node_id_of(const struct id32 *ik, struct id32 *out)
{
	hash_one("p2pmsg-nodeid-v1", slice_of(ik->b, sizeof(ik->b)), out->b,
		 sizeof(out->b));
}

void node_id_base32(const struct id32 *id, char out[static NODE_ID_BASE32_BYTES])
{
	base32_encode(slice_of(id->b, sizeof(id->b)), out);
}

void node_id_compact(const struct id32 *id, char out[static NODE_ID_COMPACT_BYTES])
{
	uint8_t check[32];
	char text[9]; /* of 40 bits, of which the first 20 are used */

	hash_one("p2pmsg-nodeck-v1", slice_of(id->b, sizeof(id->b)), check,
		 sizeof(check));
	base32_encode(slice_of(check, 5), text);
	node_id_base32(id, out);
	memcpy(out + BASE32_CHARS, text, CHECK_CHARS);
	out[COMPACT_CHARS] = '\0';
}

void node_id_text(const struct id32 *id, char out[static NODE_ID_TEXT_BYTES])
{
	char compact[NODE_ID_COMPACT_BYTES];

	node_id_compact(id, compact);
	for (int i = 0; i < COMPACT_CHARS; i += 4) {
		memcpy(out, compact + i, 4);
		out[4] = '-';
		out += 5;
	}
	out[-1] = '\0';
}

void node_id_short(const struct id32 *id, char out[static NODE_ID_SHORT_BYTES])
{
	base32_encode(slice_of(id->b, 5), out);
}

enum err node_id_parse_base32(struct slice text, struct id32 *out)
{
	return base32_decode(text, out->b, sizeof(out->b));
}

static bool is_base32(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
}

static enum err parse_compact(const char text[static NODE_ID_COMPACT_BYTES],
			      struct id32 *out)
{
	char compact[NODE_ID_COMPACT_BYTES];
	struct id32 id;

	if (node_id_parse_base32(slice_of(text, BASE32_CHARS), &id) != ERR_OK)
		return ERR_RANGE; /* the last character has bits that no id has */
	node_id_compact(&id, compact);
	if (strcasecmp(compact, text) != 0)
		return ERR_RANGE;
	*out = id;
	return ERR_OK;
}

enum err node_id_parse(const char *text, struct id32 *out)
{
	char compact[NODE_ID_COMPACT_BYTES];
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (strchr("- \t", *text) != NULL)
			continue;
		if (!is_base32(*text) || n == COMPACT_CHARS)
			return ERR_USAGE;
		compact[n++] = *text;
	}
	if (n != COMPACT_CHARS)
		return ERR_USAGE;
	compact[n] = '\0';
	return parse_compact(compact, out);
}

char *uri_text(const struct id32 *id, const char *host_port)
{
	char compact[NODE_ID_COMPACT_BYTES];

	node_id_compact(id, compact);
	return mem_printf("%s%s%s%s", scheme, compact, host_port ? "@" : "",
			  host_port ? host_port : "");
}

static bool is_host_port(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.:-_%[]";

	return *s != '\0' && s[strspn(s, allowed)] == '\0';
}

enum err uri_parse(const char *text, struct id32 *id, char *host_port)
{
	char compact[NODE_ID_COMPACT_BYTES];

	*host_port = '\0';
	if (strncasecmp(text, scheme, sizeof(scheme) - 1) != 0)
		return ERR_USAGE;
	text += sizeof(scheme) - 1;
	const size_t n = strcspn(text, "@");
	if (n != COMPACT_CHARS)
		return ERR_USAGE;
	for (size_t i = 0; i < n; i++)
		if (!is_base32(text[i]))
			return ERR_USAGE;
	memcpy(compact, text, n);
	compact[n] = '\0';
	if (text[n] == '@' && !is_host_port(text + n + 1))
		return ERR_USAGE;
	const enum err err = parse_compact(compact, id);
	if (err == ERR_OK && text[n] == '@')
		memcpy(host_port, text + n + 1, strlen(text + n + 1) + 1);
	return err;
}
