/*
 * keep: how long and how much of a conversation is kept, where it is not as the settings
 * keep_days and keep_mib say. A record of the store, by conversation.
 */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "core/core_state.h"

enum { KEEP_DAYS_MAX = 36500, KEEP_MIB_MAX = 1 << 20 };

struct keep {
	uint64_t has;
	uint64_t days, mib; /* 0: no limit */
};

/* What the settings say. */
struct keep keep_default(const struct core *c);
/* An empty value is the default; so is one that makes no sense. */
struct keep keep_parse(const struct core *c, struct slice value);
/* ERR_RANGE, ERR_FULL. */
enum err keep_encode(struct buf *b, const struct keep *k);
/* The record of this conversation, to be asked for or to be put. */
struct store_request keep_request(enum store_verb verb, const struct id16 *conv);
/* For people: "for 30 days, at most 100 MiB". */
void keep_str(const struct keep *k, char *out, size_t max);

#endif
