/*
 * One row after the other, as the seal of each is bound to its conversation. A row that
 * does not open stays where it is.
 */
#include "store/sqlite_rows.h"

static void bind_conv(sqlite3_stmt *st, int at, const struct id16 *conv)
{
	sqlite_db_blob(st, at, slice_of(conv->b, sizeof(conv->b)));
}

static void bind_id(sqlite3_stmt *st, int at, const struct id32 *id)
{
	sqlite_db_blob(st, at, slice_of(id->b, sizeof(id->b)));
}

static enum err list_waiting(struct sqlite_db *d, const struct store_request *req,
			     struct store_answer *a)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_WAITING);
	bool is_row = true;
	enum err e = ERR_OK;

	bind_id(st, 1, &req->peer);
	while (e == ERR_OK) {
		e = sqlite_db_step(d, st, &is_row);
		if (!is_row)
			break;
		struct store_item i = {.seq = sqlite_db_get_u64(st, 0),
				       .peer = req->peer,
				       .since_ms = sqlite_db_get_u64(st, 3)};
		if (sqlite_db_get_id16(st, 2, &i.id) == ERR_OK &&
		    answer_item(a, &i) != ERR_OK)
			break;
	}
	sqlite3_reset(st);
	return e;
}

static enum err give_up(struct sqlite_db *d, const struct store_request *req,
			struct store_answer *a)
{
	enum err e = list_waiting(d, req, a);
	if (e != ERR_OK)
		return e;
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_FAIL_WAITING);
	bind_id(st, 1, &req->msg.author);
	bind_conv(st, 2, &req->msg.conv);
	bind_id(st, 3, &req->peer);
	sqlite_db_u64(st, 4, STORE_FAILED);
	e = sqlite_db_do(d, st);
	if (e != ERR_OK)
		return e;
	st = sqlite_db_stmt(d, SQL_UNQUEUE_PEER);
	bind_id(st, 1, &req->peer);
	e = sqlite_db_do(d, st);
	return e == ERR_OK ? sqlite_db_do(d, sqlite_db_stmt(d, SQL_OBJECT_SWEEP)) : e;
}

/* The first message of conv behind *last, which becomes it; its body in d->plain. */
static enum err next(struct sqlite_db *d, const struct id16 *conv, bool is_first,
		     struct store_message *last, bool *is_row)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_CONV_UP);
	const size_t n = is_first ? 0 : sizeof(last->id.b);

	bind_conv(st, 1, conv);
	sqlite_db_u64(st, 2, last->lamport);
	sqlite_db_blob(st, 3, slice_of(last->author.b, is_first ? 0 : 32));
	sqlite_db_blob(st, 4, slice_of(last->id.b, n));
	enum err e = sqlite_db_step(d, st, is_row);
	if (e == ERR_OK && *is_row)
		e = sqlite_db_get_message(st, last);
	if (e == ERR_OK && *is_row) {
		const struct sqlite_ad ad = sqlite_ad_message(last);
		/* told by it */
		if (sqlite_db_unseal(d, &ad, sqlite_db_get_blob(st, 9), &last->body) !=
		    ERR_OK)
			last->body = (struct slice){0};
	}
	sqlite3_reset(st);
	return e;
}

static enum err move_one(struct sqlite_db *d, const struct store_message *m,
			 const struct id16 *to)
{
	struct store_message moved = *m;
	moved.conv = *to;
	const struct sqlite_ad ad = sqlite_ad_message(&moved);
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_MOVE);

	sqlite_db_u64(st, 1, m->seq);
	bind_conv(st, 2, to);
	sqlite_db_blob(st, 3, sqlite_db_seal(d, &ad, m->body));
	return sqlite_db_do(d, st);
}

enum err sqlite_move(struct sqlite_db *d, const struct store_request *req,
		     struct store_answer *a)
{
	struct store_message m = {0};
	bool is_row = true, is_first = true;
	enum err e = req->is_peer ? give_up(d, req, a) : ERR_OK;

	for (; e == ERR_OK; is_first = false) {
		if (atomic_load_explicit(&d->is_interrupted, memory_order_relaxed))
			e = ERR_TIMEOUT;
		else
			e = next(d, &req->msg.conv, is_first, &m, &is_row);
		if (e != ERR_OK || !is_row)
			break;
		if (m.body.p != NULL)
			e = move_one(d, &m, &req->to_conv);
	}
	if (e == ERR_OK)
		return e;
	a->is_spoilt = true;
	return answer_why(a, e, "%s", d->why);
}
