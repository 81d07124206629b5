#include "files/entry.h"

static const char label[] = "p2pmsg-filemd-v1";

void entry_digest_init(struct digest *d)
{
	digest_init(d, label);
}

static void put_u64(uint8_t out[static 8], uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* u16 path length || path || kind u8 || size u64 || mtime u64 || mode u8 */
void entry_digest_add(struct digest *d, const struct entry *e)
{
	const uint8_t head[2] = {(uint8_t)(e->path.n >> 8), (uint8_t)e->path.n};
	uint8_t tail[18];

	tail[0] = (uint8_t)e->kind;
	put_u64(tail + 1, e->has_size ? e->size : 0);
	put_u64(tail + 9, (uint64_t)e->mtime_ns);
	tail[17] = e->mode;
	digest_add(d, slice_of(head, sizeof(head)));
	digest_add(d, e->path);
	digest_add(d, slice_of(tail, sizeof(tail)));
}
