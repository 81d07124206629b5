/*
 * All go row by row until the answer is full: memory does not depend on the history. A
 * row that does not open is left out, for the others are still good.
 */
#include "store/rules.h"
#include "store/sqlite_rows.h"

static enum err fail(struct sqlite_db *d, struct store_answer *a, enum err e)
{
	return answer_why(a, e, "%s", d->why);
}

/* One row to the answer. ERR_FULL: no more of them. */
typedef enum err row_fn(struct sqlite_db *d, sqlite3_stmt *st,
			const struct store_request *req, struct store_answer *a,
			size_t *n_looked);

static enum err walk(struct sqlite_db *d, sqlite3_stmt *st,
		     const struct store_request *req, struct store_answer *a, row_fn *row)
{
	size_t n_looked = 0;
	bool is_row = true, is_full = false;
	enum err e = ERR_OK;

	while (e == ERR_OK && is_row && !is_full) {
		if (atomic_load_explicit(&d->is_interrupted, memory_order_relaxed))
			e = ERR_TIMEOUT;
		else
			e = sqlite_db_step(d, st, &is_row);
		if (e == ERR_OK && is_row)
			is_full = row(d, st, req, a, &n_looked) == ERR_FULL;
	}
	sqlite3_reset(st);
	return e == ERR_OK ? e : fail(d, a, e);
}

static enum err show_message(struct sqlite_db *d, sqlite3_stmt *st,
			     const struct store_request *req, struct store_answer *a,
			     size_t *n_looked)
{
	struct store_message m;
	enum err e = rules_may_look(req, a, *n_looked);

	if (e != ERR_OK || sqlite_db_get_message(st, &m) != ERR_OK)
		return e;
	if (rules_is_within(req, &m)) {
		const struct sqlite_ad ad = sqlite_ad_message(&m);
		if (sqlite_db_unseal(d, &ad, sqlite_db_get_blob(st, 9), &m.body) ==
		    ERR_OK)
			e = rules_show(req, a, &m);
	}
	if (e == ERR_OK)
		rules_looked(a, &m, n_looked);
	return e;
}

enum err sqlite_get(struct sqlite_db *d, const struct store_request *req,
		    struct store_answer *a)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_FIND);
	struct store_message m;
	bool is_row;

	sqlite_db_blob(st, 1, slice_of(req->msg.author.b, sizeof(req->msg.author.b)));
	sqlite_db_blob(st, 2, slice_of(req->msg.id.b, sizeof(req->msg.id.b)));
	enum err e = sqlite_db_step(d, st, &is_row);
	if (e == ERR_OK && !is_row)
		return ERR_MISSING;
	if (e == ERR_OK)
		e = sqlite_db_get_message(st, &m);
	if (e == ERR_OK) {
		const struct sqlite_ad ad = sqlite_ad_message(&m);
		e = sqlite_db_unseal(d, &ad, sqlite_db_get_blob(st, 9), &m.body);
	}
	if (e == ERR_OK)
		e = answer_message(a, &m);
	sqlite3_reset(st);
	return e == ERR_OK ? e : fail(d, a, e);
}

static sqlite3_stmt *page_all(struct sqlite_db *d, const struct store_request *req)
{
	const bool is_up = req->is_forward;
	sqlite3_stmt *st = sqlite_db_stmt(d, is_up ? SQL_ALL_UP : SQL_ALL_DOWN);

	sqlite_db_u64(st, 1, req->has_from ? req->from.seq : is_up ? 0 : INT64_MAX);
	return st;
}

static sqlite3_stmt *page_conv(struct sqlite_db *d, enum sql which,
			       const struct store_request *req)
{
	const bool is_up = which == SQL_CONV_UP;
	sqlite3_stmt *st = sqlite_db_stmt(d, which);
	struct slice author = slice_of(req->from.author.b, sizeof(req->from.author.b));
	struct slice id = slice_of(req->from.id.b, sizeof(req->from.id.b));
	uint64_t lamport = req->from.lamport;

	if (!req->has_from) {
		/* Nobody stands before an empty id, and no lamport reaches that far. */
		author.n = id.n = 0;
		lamport = is_up ? 0 : INT64_MAX;
	}
	sqlite_db_blob(st, 1, slice_of(req->msg.conv.b, sizeof(req->msg.conv.b)));
	sqlite_db_u64(st, 2, lamport);
	sqlite_db_blob(st, 3, author);
	sqlite_db_blob(st, 4, id);
	return st;
}

enum err sqlite_page(struct sqlite_db *d, const struct store_request *req,
		     struct store_answer *a)
{
	const enum sql conv = req->is_forward ? SQL_CONV_UP : SQL_CONV_DOWN;
	sqlite3_stmt *st = req->is_all_convs ? page_all(d, req) : page_conv(d, conv, req);

	return walk(d, st, req, a, show_message);
}

static enum err show_size(struct sqlite_db *d, sqlite3_stmt *st,
			  const struct store_request *req, struct store_answer *a,
			  size_t *n_looked)
{
	struct store_message m = {.lamport = sqlite_db_get_u64(st, 0),
				  .conv = req->msg.conv};
	const uint64_t sealed = sqlite_db_get_u64(st, 3);

	(void)d;
	if (sqlite_db_get_id32(st, 1, &m.author) != ERR_OK ||
	    sqlite_db_get_id16(st, 2, &m.id) != ERR_OK)
		return ERR_OK;
	return rules_measure(req, a, &m,
			     sealed > ROWSEAL_BYTES ? (size_t)sealed - ROWSEAL_BYTES : 0,
			     n_looked);
}

enum err sqlite_measure(struct sqlite_db *d, const struct store_request *req,
			struct store_answer *a)
{
	struct store_request back = *req;

	back.is_forward = false;
	return walk(d, page_conv(d, SQL_MEASURE, &back), &back, a, show_size);
}

/* *is_row: there is a conversation after *conv, which it is now. */
static enum err next_conv(struct sqlite_db *d, struct slice after, struct id16 *conv,
			  bool *is_row)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_NEXT_CONV);

	sqlite_db_blob(st, 1, after);
	enum err e = sqlite_db_step(d, st, is_row);
	if (e == ERR_OK && *is_row)
		e = sqlite_db_get_id16(st, 0, conv);
	sqlite3_reset(st);
	return e;
}

/* Its newest. */
static enum err show_conv(struct sqlite_db *d, const struct id16 *conv,
			  struct store_answer *a)
{
	struct store_request newest = {.msg.conv = *conv};
	sqlite3_stmt *st = page_conv(d, SQL_CONV_DOWN, &newest);
	struct store_message m;
	bool is_row;
	enum err e = sqlite_db_step(d, st, &is_row);

	if (e == ERR_OK && is_row && sqlite_db_get_message(st, &m) == ERR_OK)
		(void)answer_message(a, &m); /* is_more says it */
	sqlite3_reset(st);
	return e;
}

enum err sqlite_convs(struct sqlite_db *d, const struct store_request *req,
		      struct store_answer *a)
{
	struct id16 conv = req->msg.conv;
	bool is_row;
	enum err e = next_conv(d, slice_of(conv.b, req->has_from ? sizeof(conv.b) : 0),
			       &conv, &is_row);

	while (e == ERR_OK && is_row && !a->reply.is_more) {
		e = show_conv(d, &conv, a);
		if (e == ERR_OK)
			e = next_conv(d, slice_of(conv.b, sizeof(conv.b)), &conv,
				      &is_row);
	}
	return e == ERR_OK ? e : fail(d, a, e);
}

static enum err show_item(struct sqlite_db *d, sqlite3_stmt *st,
			  const struct store_request *req, struct store_answer *a,
			  size_t *n_looked)
{
	struct store_item i = {.seq = sqlite_db_get_u64(st, 0),
			       .since_ms = sqlite_db_get_u64(st, 3)};

	(void)req;
	(void)n_looked;
	if (sqlite_db_get_id32(st, 1, &i.peer) != ERR_OK ||
	    sqlite_db_get_id16(st, 2, &i.id) != ERR_OK)
		return ERR_OK;
	const struct sqlite_ad ad = sqlite_ad_object(&i.id);
	if (sqlite_db_unseal(d, &ad, sqlite_db_get_blob(st, 4), &i.object) != ERR_OK)
		return ERR_OK;
	return answer_item(a, &i);
}

enum err sqlite_outbox(struct sqlite_db *d, const struct store_request *req,
		       struct store_answer *a)
{
	sqlite3_stmt *st =
		sqlite_db_stmt(d, req->is_peer ? SQL_OUTBOX_PEER : SQL_OUTBOX_ALL);

	sqlite_db_u64(st, 1, req->after);
	if (req->is_peer)
		sqlite_db_blob(st, 2, slice_of(req->peer.b, sizeof(req->peer.b)));
	return walk(d, st, req, a, show_item);
}

static enum err show_count(struct sqlite_db *d, sqlite3_stmt *st,
			   const struct store_request *req, struct store_answer *a,
			   size_t *n_looked)
{
	struct store_count c = {.n = sqlite_db_get_u64(st, 1),
				.since_ms = sqlite_db_get_u64(st, 2)};

	(void)d;
	(void)req;
	(void)n_looked;
	return sqlite_db_get_id32(st, 0, &c.peer) != ERR_OK ? ERR_OK
							    : answer_count(a, &c);
}

enum err sqlite_counts(struct sqlite_db *d, const struct store_request *req,
		       struct store_answer *a)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_COUNTS);

	sqlite_db_blob(st, 1,
		       slice_of(req->peer.b, req->is_peer ? sizeof(req->peer.b) : 0));
	return walk(d, st, req, a, show_count);
}

static enum err show_record(struct sqlite_db *d, sqlite3_stmt *st,
			    const struct store_request *req, struct store_answer *a,
			    size_t *n_looked)
{
	const struct slice prefix = req->record.key;
	struct store_record r = {.kind = req->record.kind,
				 .key = sqlite_db_get_blob(st, 0)};

	(void)n_looked;
	if (r.key.n < prefix.n || !slice_eq(slice_of(r.key.p, prefix.n), prefix)) {
		/* They come by key: beyond the prefix there are no more of them. */
		return ERR_FULL;
	}
	if (r.key.n > STORE_RECORD_KEY_BYTES)
		return ERR_OK;
	const struct sqlite_ad ad = sqlite_ad_record(r.kind, r.key);
	if (sqlite_db_unseal(d, &ad, sqlite_db_get_blob(st, 1), &r.value) != ERR_OK)
		return ERR_OK;
	return answer_record(a, &r);
}

enum err sqlite_records(struct sqlite_db *d, const struct store_request *req,
			struct store_answer *a)
{
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_RECORDS);

	sqlite_db_u64(st, 1, req->record.kind);
	sqlite_db_blob(st, 2, req->record.key);
	/* No arg: behind nothing, which even an empty key is. */
	if (req->arg.n > 0)
		sqlite_db_blob(st, 3, req->arg);
	else
		sqlite3_bind_int(st, 3, 0);
	return walk(d, st, req, a, show_record);
}

static enum err check_cells(struct sqlite_db *d, enum sql table, sqlite3_stmt *st)
{
	struct slice plain;
	bool is_row = true;
	enum err e = ERR_OK;

	while (e == ERR_OK && is_row) {
		e = atomic_load(&d->is_interrupted) ? ERR_TIMEOUT
						    : sqlite_db_step(d, st, &is_row);
		if (e == ERR_OK && is_row)
			e = sqlite_db_unseal_row(d, table, st, &plain);
	}
	sqlite3_reset(st);
	return e;
}

/* The structure, then every cell. */
enum err sqlite_check(struct sqlite_db *d, const struct store_request *req,
		      struct store_answer *a)
{
	static const enum sql tables[] = {SQL_ALL_UP, SQL_OBJECTS, SQL_RECORDS_ALL};
	sqlite3_stmt *st = sqlite_db_stmt(d, SQL_QUICK_CHECK);
	bool is_row = false;
	enum err e = sqlite_db_step(d, st, &is_row);

	(void)req;
	if (is_row && !slice_eq(sqlite_db_get_blob(st, 0), slice_str("ok"))) {
		sqlite_db_damaged(d, (const char *)sqlite3_column_text(st, 0));
		e = ERR_CORRUPT;
	}
	sqlite3_reset(st);
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]) && e == ERR_OK; t++) {
		st = sqlite_db_stmt(d, tables[t]);
		if (t == 0)
			sqlite_db_u64(st, 1, 0);
		e = check_cells(d, tables[t], st);
	}
	return e == ERR_OK ? e : fail(d, a, e);
}
