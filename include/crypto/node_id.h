/*
 * node_id: the name of a person on the network, its texts, and the URI that
 * carries it. p2pmsg-protocol(7), "Node id".
 */
#ifndef CRYPTO_NODE_ID_H
#define CRYPTO_NODE_ID_H

#include "base/err.h"
#include "base/ids.h"
#include "base/slice.h"

enum {
	NODE_ID_TEXT_BYTES = 14 * 5, /* "abcd-...": 14 groups of 4, 13 dashes, NUL */
	NODE_ID_COMPACT_BYTES = 56 + 1, /* the 56 characters without dashes, NUL */
	NODE_ID_BASE32_BYTES = 52 + 1, /* without the check characters, NUL */
	NODE_ID_SHORT_BYTES = 8 + 1 /* display hint only, NUL */
};

/* B2b-32("p2pmsg-nodeid-v1"; ik). */
void node_id_of(const struct id32 *ik, struct id32 *out);
/* 14 groups of 4 with dashes, the last one the check characters. */
void node_id_text(const struct id32 *id, char out[static NODE_ID_TEXT_BYTES]);
void node_id_compact(const struct id32 *id, char out[static NODE_ID_COMPACT_BYTES]);
void node_id_base32(const struct id32 *id, char out[static NODE_ID_BASE32_BYTES]);
void node_id_short(const struct id32 *id, char out[static NODE_ID_SHORT_BYTES]);
/* With or without dashes and blanks, either case, check characters required.
 * ERR_USAGE when it is no id at all, ERR_RANGE when it has the form of one but
 * the check fails (a typing mistake). */
enum err node_id_parse(const char *text, struct id32 *out);
/* The 52 characters of a TXT record, no check characters. ERR_USAGE. */
enum err node_id_parse_base32(struct slice text, struct id32 *out);

/* "p2pmsg:<56>[@host:port]". host_port may be NULL. Freed with mem_free. */
char *uri_text(const struct id32 *id, const char *host_port);
/* host_port: at least 1 + strlen(text) bytes; "" when there is none. It holds
 * only letters, digits and .:-_%[] but is otherwise as given: addr_split decides.
 * The id stands without dashes, in either case (QR codes are upper case).
 * ERR_USAGE, ERR_RANGE as node_id_parse. */
enum err uri_parse(const char *text, struct id32 *id, char *host_port);

#endif
