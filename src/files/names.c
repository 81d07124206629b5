#include "files/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LIST_BYTES = 32768 };

static void add(struct names *n, const char *name, uint8_t type)
{
	const size_t len = strlen(name) + 1;

	if (n->room - n->used < len + 1) {
		n->room = 2 * n->room + len + 4096;
		n->blob = mem_resize(n->blob, n->room, 1);
	}
	if (n->n == n->n_room) {
		n->n_room = 2 * n->n_room + 64;
		n->at = mem_resize(n->at, n->n_room, sizeof(n->at[0]));
	}
	n->at[n->n++] = (uint32_t)n->used;
	n->blob[n->used++] = (char)type;
	memcpy(n->blob + n->used, name, len);
	n->used += len;
}

static bool is_self_or_parent(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* One buffer of struct dirent64; false when it is not that. */
static bool add_all(struct names *n, const char *p, size_t len)
{
	const size_t name_at = offsetof(struct dirent64, d_name);

	while (len > name_at) {
		uint16_t step;
		memcpy(&step, p + offsetof(struct dirent64, d_reclen), sizeof(step));
		if (step <= name_at || step > len ||
		    memchr(p + name_at, '\0', step - name_at) == NULL)
			return false;
		if (!is_self_or_parent(p + name_at))
			add(n, p + name_at,
			    (uint8_t)p[offsetof(struct dirent64, d_type)]);
		p += step;
		len -= step;
	}
	return len == 0;
}

static int compare(const void *a, const void *b, void *blob)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return strcmp((const char *)blob + x + 1, (const char *)blob + y + 1);
}

enum err names_read(const struct file_port *port, int fd, struct names *out)
{
	char *list = mem_new(LIST_BYTES);
	enum err e = ERR_OK;
	ssize_t got;

	while ((got = port->getdents(port->ctx, fd, list, LIST_BYTES)) != 0) {
		if (got == -EINTR)
			continue;
		e = file_port_err(got);
		if (e == ERR_OK && !add_all(out, list, (size_t)got))
			e = ERR_IO;
		if (e == ERR_OK && out->used > NAMES_MAX_BYTES)
			e = ERR_LIMIT;
		if (e != ERR_OK)
			break;
	}
	mem_free(list);
	if (e != ERR_OK)
		names_wipe(out);
	else if (out->n > 1)
		qsort_r(out->at, out->n, sizeof(out->at[0]), compare, out->blob);
	return e;
}

void names_wipe(struct names *n)
{
	mem_free(n->blob);
	mem_free(n->at);
	*n = (struct names){0};
}
