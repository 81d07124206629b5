#include "wire/bulk_flow.h"

#include <string.h>

void bulk_flow_init(struct bulk_flow *f, const struct bulk_start *start)
{
	f->stage = FLOW_START;
	f->is_folder = start->is_folder;
	f->entries = f->durable_entries = start->entries;
	f->entries_bytes = start->entries_bytes;
	f->bytes = f->most = start->bytes;
}

/* ----------------------------------------------------------------- entries */

/* In start bytes are those of an entry that is still to be named. */
static bool is_complete(const struct bulk_flow *f)
{
	static const bool always[FLOW_STAGES] = {[FLOW_DIRECTORY] = true};

	if (f->stage == FLOW_FILE)
		return f->bytes == f->size;
	return always[f->stage] || (f->stage == FLOW_START && f->bytes == 0);
}

static void complete(struct bulk_flow *f)
{
	if (f->stage == FLOW_START)
		return;
	f->entries++;
	f->entries_bytes += f->bytes;
	f->bytes = f->most = f->again = 0;
}

static enum flow_stage stage_of(const struct bulk_entry *e)
{
	if (e->kind == BULK_DIRECTORY)
		return FLOW_DIRECTORY;
	return e->has & MSG_HAS(2) ? FLOW_FILE : FLOW_STREAM;
}

/* What it may add to all that came before. */
static uint64_t room(const struct bulk_flow *f)
{
	return PROTO_NUMBER_MAX - f->entries_bytes;
}

static void begin(struct bulk_flow *f, const struct bulk_entry *e)
{
	f->stage = stage_of(e);
	f->size = e->size;
	f->path_n = e->path.n;
	if (e->path.n > 0)
		memcpy(f->path, e->path.p, e->path.n);
}

static bool is_under_way(const struct bulk_flow *f, const struct bulk_entry *e)
{
	return f->stage != FLOW_START && slice_eq(e->path, slice_of(f->path, f->path_n));
}

static enum err take_again(struct bulk_flow *f, const struct bulk_entry *e)
{
	if (f->stage != FLOW_FILE || stage_of(e) != FLOW_FILE || !f->is_folder ||
	    f->again == PROTO_BULK_AGAIN || e->size > room(f))
		return ERR_PROTO;
	f->again++;
	f->bytes = 0;
	begin(f, e);
	return ERR_OK;
}

/* The first one of a connection may have come in part on an earlier one. A stream is
 * alone, and begins at its beginning. */
static enum err take_first(struct bulk_flow *f, const struct bulk_entry *e)
{
	enum flow_stage stage = stage_of(e);

	if (!f->is_folder && f->entries > 0)
		return ERR_PROTO;
	if (stage == FLOW_STREAM && f->is_folder)
		return ERR_PROTO;
	if (f->bytes > 0 && (stage != FLOW_FILE || f->bytes > e->size))
		return ERR_PROTO;
	if (e->size > room(f))
		return ERR_PROTO;
	begin(f, e);
	return ERR_OK;
}

static enum err take_next(struct bulk_flow *f, const struct bulk_entry *e)
{
	if (!f->is_folder || !is_complete(f) || stage_of(e) == FLOW_STREAM ||
	    e->size > room(f) - f->bytes)
		return ERR_PROTO;
	complete(f);
	begin(f, e);
	return ERR_OK;
}

static enum err take_entry(struct bulk_flow *f, const struct bulk_record *r,
			   bool *is_again)
{
	const struct bulk_entry *e = &r->u.entry;

	*is_again = is_under_way(f, e);
	if (*is_again)
		return take_again(f, e);
	return f->stage == FLOW_START ? take_first(f, e) : take_next(f, e);
}

/* ----------------------------------------------------------------- content */

static enum err add_bytes(struct bulk_flow *f, uint64_t n)
{
	uint64_t max = f->stage == FLOW_FILE ? f->size : room(f);

	if (n > max - f->bytes)
		return ERR_PROTO;
	f->bytes += n;
	if (f->most < f->bytes)
		f->most = f->bytes;
	return ERR_OK;
}

static enum err take_bytes(struct bulk_flow *f, const struct bulk_record *r,
			   bool *is_again)
{
	(void)is_again;
	if (r->u.bytes.n == 0)
		return ERR_OK;
	if (f->stage != FLOW_FILE && f->stage != FLOW_STREAM)
		return ERR_PROTO;
	return add_bytes(f, r->u.bytes.n);
}

static enum err take_hole(struct bulk_flow *f, const struct bulk_record *r,
			  bool *is_again)
{
	(void)is_again;
	return add_bytes(f, r->u.hole);
}

/* --------------------------------------------------------------------- end */

static enum err take_end(struct bulk_flow *f, const struct bulk_record *r, bool *is_again)
{
	const struct bulk_end *e = &r->u.end;
	uint64_t more = f->stage != FLOW_START;

	(void)is_again;
	if ((f->stage != FLOW_STREAM && !is_complete(f)) ||
	    e->entries != f->entries + more || e->bytes != f->entries_bytes + f->bytes ||
	    (!f->is_folder && e->entries != 1))
		return ERR_PROTO;
	complete(f);
	f->stage = FLOW_ENDED;
	return ERR_OK;
}

static enum err take_stop(struct bulk_flow *f, const struct bulk_record *r,
			  bool *is_again)
{
	(void)r;
	(void)is_again;
	f->stage = FLOW_STOPPED;
	return ERR_OK;
}

/* ---------------------------------------------------------------- the back */

static enum err take_durable(struct bulk_flow *f, const struct bulk_record *r)
{
	const struct bulk_durable *d = &r->u.durable;

	if (d->entries < f->durable_entries || d->entries > f->entries ||
	    (d->entries == f->entries && d->bytes > f->most))
		return ERR_PROTO;
	f->durable_entries = d->entries;
	f->is_all_durable = f->stage == FLOW_ENDED && d->entries == f->entries;
	return ERR_OK;
}

static enum err take_back(struct bulk_flow *f, const struct bulk_record *r)
{
	if (f->is_stopped_back)
		return ERR_PROTO;
	if (r->type == BULK_DURABLE)
		return take_durable(f, r);
	if (r->type != BULK_STOP)
		return ERR_PROTO;
	f->is_stopped_back = true;
	return ERR_OK;
}

/* ------------------------------------------------------------------ public */

#define IN(STAGE) (1U << FLOW_##STAGE)
static const struct {
	enum err (*take)(struct bulk_flow *f, const struct bulk_record *r,
			 bool *is_again);
	unsigned stages;
} forth[] = {
	[BULK_ENTRY] = {take_entry, IN(START) | IN(FILE) | IN(DIRECTORY)},
	[BULK_BYTES] = {take_bytes,
			IN(START) | IN(FILE) | IN(STREAM) | IN(DIRECTORY) | IN(ENDED)},
	[BULK_HOLE] = {take_hole, IN(FILE)},
	[BULK_END] = {take_end, IN(START) | IN(FILE) | IN(STREAM) | IN(DIRECTORY)},
	[BULK_STOP] = {take_stop,
		       IN(START) | IN(FILE) | IN(STREAM) | IN(DIRECTORY) | IN(ENDED)},
};
#undef IN

enum err bulk_flow_take(struct bulk_flow *f, bool from_sender,
			const struct bulk_record *r, bool *is_again)
{
	*is_again = false;
	if (!from_sender)
		return take_back(f, r);
	if ((unsigned)r->type >= sizeof(forth) / sizeof(*forth) ||
	    (forth[r->type].stages & 1U << f->stage) == 0)
		return ERR_PROTO;
	return forth[r->type].take(f, r, is_again);
}
