/*
 * export: all that is kept, as events that import understands: the readable fields are
 * for people and their tools, the rest is what counts.
 */
#ifndef CORE_EXPORT_H
#define CORE_EXPORT_H

#include "core/contact.h"
#include "store/store.h"

/* What `kind` of a record and `state` of an entry say, by number; NULL: none. */
const char *export_kind_str(unsigned kind);
const char *export_state_str(enum store_state state);
/* The other way. ERR_UNKNOWN. */
enum err export_kind_parse(const char *text, uint8_t *out);
enum err export_state_parse(const char *text, enum store_state *out);

#endif
