/*
 * names: the names in one directory, in the order of their bytes.
 */
#ifndef FILES_NAMES_H
#define FILES_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "files/file_port.h"

struct names {
	char *blob; /* for each: its type, its name, a NUL */
	size_t used, room;
	uint32_t *at;
	size_t n, n_room;
};

/* Of the directory fd, read from where it stands; out is zeroed or wiped. ERR_LIMIT: more
 * than NAMES_MAX_BYTES. On error out is empty. */
#define NAMES_MAX_BYTES (1ULL << 30)
enum err names_read(const struct file_port *port, int fd, struct names *out);
void names_wipe(struct names *n);

/* i < n */
static inline const char *names_get(const struct names *n, size_t i)
{
	return n->blob + n->at[i] + 1;
}
/* DT_REG, DT_DIR, DT_UNKNOWN ... */
static inline uint8_t names_type(const struct names *n, size_t i)
{
	return (uint8_t)n->blob[n->at[i]];
}

#endif
